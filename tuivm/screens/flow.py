"""From "do this" to the log line that says what came of it.

One flow serves keys, the power menu, ``:`` and the palette: check each target, confirm by
the action's level, mark the rows, send, and log every outcome. Targets are identities taken
when the key was pressed; whatever is sorted, renamed or refreshed meanwhile changes nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Mapping, Sequence

from textual.app import ScreenStackError

from tuivm.core.action import Action
from tuivm.core.actions import ACTIONS
from tuivm.core.bulk import MANY, Bulk, Step, Target, by_host, queued
from tuivm.core.errors import TuivmError
from tuivm.core.model import DomainKey, LogEntry, Severity
from tuivm.core.rows import Pending, Row
from tuivm.core.stops import Stop
from tuivm.screens.base import BaseScreen
from tuivm.screens.whyline import explained

AT_ONCE = 4
"""Calls of one bulk action that are under way on one host together: its lane takes no more."""
PROGRESS_SECONDS = 0.25
"""How often the progress line of a bulk action moves."""
GUESTS = ("shutdown", "reboot")
"""Verbs that only ask the guest: libvirt's answer is not the outcome."""
NAMED = 3
"""Targets that a one-line question names; the rest are counted."""


class ActionFlow:
    """Runs actions on behalf of a screen, which is where questions are asked."""

    def __init__(self, screen: BaseScreen) -> None:
        self._screen = screen
        self._context = screen.context
        self._store = screen.context.store
        self._group = 0

    async def run(
        self, action_id: str, targets: Sequence[DomainKey], args: Mapping[str, str]
    ) -> Bulk:
        """Do a domain verb on targets; never raises, all outcomes are shown and logged."""
        return await self.do(ACTIONS[action_id], targets, args)

    async def do(
        self, action: Action, targets: Sequence[DomainKey], args: Mapping[str, str]
    ) -> Bulk:
        """As ``run``, for an action that need not be in the registry."""
        action = self._one_way(action, targets)
        bulk = Bulk(action.title)
        rows = self._allowed(action, targets, bulk)
        if not rows:
            self._refuse(action, bulk)
            return bulk
        if not await self._confirmed(action, rows, args, bulk):
            self._screen.say(f"{action.title}: cancelled, nothing was done", "dim")
            return bulk
        self._log_lost(action, rows)
        rows = self._allowed(action, [row.key for row in rows], bulk)
        if not rows:
            self._refuse(action, bulk)
            return bulk
        bulk.plan((row, action.for_row(row)) for row in rows)
        self._mark(rows, bulk)
        self._group = self._context.stops.new_group(alone=len(rows) == 1)
        try:
            await self._send_all(bulk, args)
        finally:
            self._context.stops.close_group(self._group)
        return bulk

    def _one_way(self, action: Action, targets: Sequence[DomainKey]) -> Action:
        """A toggle does the same on all: it must not pause some and resume the others."""
        rows = [row for key in targets if (row := self._store.rows.get(key)) is not None]
        meant = {action.for_row(row).id for row in rows if self.reason(action, row) is None}
        return ACTIONS[action.one_way] if action.one_way and len(meant) > 1 else action

    def _allowed(self, action: Action, targets: Sequence[DomainKey], bulk: Bulk) -> list[Row]:
        """The rows on which it can be done now; the others' reasons go to ``bulk``."""
        rows = []
        for key in targets:
            row = self._store.rows.get(key)
            reason = "it is gone" if row is None else self.reason(action, row)
            if row is not None and reason is None:
                rows.append(row)
            else:
                bulk.refuse(key, key.uuid if row is None else row.domain.name, reason or "")
        return rows

    def _log_lost(self, action: Action, rows: Sequence[Row]) -> None:
        """Write down which targets vanished, or became others, while the question was open."""
        for row in rows:
            found = self._store.rows.get(row.key)
            reason = "the VM no longer exists" if found is None else self.reason(action, found)
            if reason is not None:
                name = row.domain.name
                title = f"Cannot {action.for_row(row).verb} {name}"
                error = TuivmError(title, reason, hint="the list is right")
                self._store.add_entry(
                    LogEntry(
                        time.time(),
                        title,
                        Severity.ERROR,
                        host=row.key.host,
                        uuid=row.key.uuid,
                        name=name,
                        error=error,
                    )
                )

    def reason(self, action: Action, row: Row) -> str | None:
        """Why an action cannot be used on a row now, or None."""
        if self._context.read_only and action.level >= 1:
            return self._context.read_only
        return action.applies(row)

    def _refuse(self, action: Action, bulk: Bulk) -> None:
        reasons = list(dict.fromkeys(bulk.refused))
        if not reasons:
            self._screen.say(f"{action.title}: no VM is marked or under the cursor")
            return
        more = f" (and {len(reasons) - 1} other reasons)" if len(reasons) > 1 else ""
        self._screen.say(f"{action.title}: {reasons[0]}{more}")

    async def _confirmed(
        self, action: Action, rows: Sequence[Row], args: Mapping[str, str], bulk: Bulk
    ) -> bool:
        level = max(action.for_row(row).level for row in rows)
        if level == 0 and len(rows) <= MANY:
            return True
        if level == 0 or (level == 1 and len(rows) <= MANY):
            question = f"{action.title} {self._names(rows)}?"
            if bulk.refused:
                question += f" ({len(bulk.refused)} skipped: {bulk.refused[0]})"
            elif action.warning:
                question += f" ({action.warning})"
            return await self._screen.ask(question)
        from tuivm.screens.confirm import ConfirmDialog, CountDialog

        # Too many to read through: typing their number shows that one knows how many.
        kind = CountDialog if len(rows) > MANY else ConfirmDialog
        dialog = kind(
            self._context,
            action.title,
            self._consequence(action, rows, args, bulk),
            [self._label(row) for row in rows],
            action.title,
        )
        answer: object = await self._screen.app.push_screen_wait(dialog)  # type: ignore[arg-type]
        return answer is True

    def _consequence(
        self, action: Action, rows: Sequence[Row], args: Mapping[str, str], bulk: Bulk
    ) -> str:
        count = len(rows)
        what = "this VM" if count == 1 else f"these {count} VMs"
        text = f"{action.title} {what}?"
        if count > MANY and len(self._store.hosts) > 1:
            text += f" ({by_host(rows)})"
        if action.warning:
            text += f" {action.warning[:1].upper()}{action.warning[1:]}."
        if count == 1:
            text += f"\n{action.virsh(rows[0], args)}"
        if bulk.refused:
            text += f"\n{len(bulk.refused)} skipped: {bulk.refused[0]}"
        return text

    def _label(self, row: Row) -> str:
        host = f" on {row.key.host}" if len(self._store.hosts) > 1 else ""
        reason = f": {row.domain.reason}" if row.domain.reason else ""
        return f"{row.domain.name}{host} ({row.domain.state.value}{reason})"

    def _names(self, rows: Sequence[Row]) -> str:
        names = [row.domain.name for row in rows[:NAMED]]
        if len(rows) == 1:
            return names[0]
        hosts = len({row.key.host for row in rows})
        if len(rows) > MANY:
            return f"{len(rows)} VMs" + (f" on {hosts} hosts" if hosts > 1 else "")
        rest = len(rows) - len(names)
        tail = f" and {rest} more" if rest else ""
        return f"{len(rows)} VMs ({', '.join(names)}{tail})"

    def _mark(self, rows: Sequence[Row], bulk: Bulk) -> None:
        """Mark what is to be done; what cannot be sent at once waits without growing late."""
        now = time.monotonic()
        turns: Counter[str] = Counter()
        groups: dict[tuple[str, bool], tuple[Action, list[DomainKey]]] = {}
        for row in rows:
            turns[row.key.host] += 1
            meant = bulk.targets[row.key].action
            if meant is not None and meant.pending:
                waits = turns[row.key.host] > AT_ONCE
                groups.setdefault((meant.id, waits), (meant, []))[1].append(row.key)
        for (_, waits), (meant, keys) in groups.items():
            marker = queued(meant, now) if waits else self._marker(meant, now)
            self._store.set_pendings(keys, marker)

    def _marker(self, meant: Action, now: float) -> Pending:
        return meant.marker(now, self._context.config.patience)

    async def _send_all(self, bulk: Bulk, args: Mapping[str, str]) -> None:
        """Send to all hosts at the same time, a few calls to each."""
        if len(bulk.targets) > 1:
            self._context.bulks.add(bulk)
            self._screen.work(self._show_progress(bulk))
        try:
            await asyncio.gather(
                *(
                    self._send(bulk, host, args)
                    for host, count in bulk.hosts.items()
                    for _ in range(min(AT_ONCE, count))
                )
            )
        finally:
            bulk.finish()
        if len(bulk.targets) > 1:
            self._summarise(bulk)
        self._refresh_lines()

    async def _show_progress(self, bulk: Bulk) -> None:
        """Move the progress line on, whichever screen is on top."""
        while bulk.running:
            await asyncio.sleep(PROGRESS_SECONDS)
            self._refresh_lines()

    def _refresh_lines(self) -> None:
        with contextlib.suppress(ScreenStackError):
            screen = self._screen.app.screen
            if isinstance(screen, BaseScreen):
                screen.refresh_event_line()

    async def _send(self, bulk: Bulk, host: str, args: Mapping[str, str]) -> None:
        """Send one after the other to a host, for as long as there is something to send."""
        while (target := bulk.next(host)) is not None:
            row, meant = self._store.rows.get(target.key), target.action
            if meant is None:
                continue
            # A host may have been lost, a VM may have stopped, since the key was pressed.
            reason = "it is gone" if row is None else self.reason(meant, row)
            if row is None or reason is not None:
                bulk.end(target, Step.SKIPPED, reason=reason or "")
                self._store.clear_pending(target.key)
                continue
            await self._one(bulk, target, meant, row, args)

    async def _one(
        self, bulk: Bulk, target: Target, meant: Action, row: Row, args: Mapping[str, str]
    ) -> None:
        if row.pending is not None and row.pending.until == float("inf"):
            self._store.set_pending(row.key, self._marker(meant, time.monotonic()))
        stop = self._follow(meant, row, args, bulk) if meant.follow else None
        began = time.monotonic()
        error: TuivmError | None = None
        note = ""
        try:
            note = await asyncio.wrap_future(
                self._context.backend.run(row.key, meant.verb, meant.arguments(args))
            )
        except TuivmError as failure:
            error = failure
        except Exception as failure:  # a defect must not leave the row marked for ever
            error = TuivmError(f"Cannot {meant.title.lower()}", repr(failure))
        took = time.monotonic() - began
        if stop is not None and error is None:
            stop.note = note
        elif stop is not None:
            self._context.stops.drop(row.key)
        if error is not None or (meant.pending and meant.wants is None):
            self._store.clear_pending(row.key)
        if error is not None and len(bulk.targets) <= MANY:
            error = await explained(self._context, row.key, error)
        step = Step.DONE if error is None else Step.FAILED
        target.virsh = meant.virsh(row, args)
        bulk.end(target, step, reason=note, error=error, seconds=took)
        entry = done_entry(meant, row, args, note, error, took)
        if len(bulk.targets) > MANY:
            entry = entry._replace(bulk=bulk.number)
        self._store.add_entry(entry)

    def _follow(self, action: Action, row: Row, args: Mapping[str, str], bulk: Bulk) -> Stop:
        return self._context.stops.add(
            row,
            action.id,
            args,
            self._group,
            now=time.monotonic(),
            wall=time.time(),
            patience=self._context.config.patience,
            bulk=bulk.number if len(bulk.targets) > MANY else 0,
        )

    def _summarise(self, bulk: Bulk) -> None:
        bad = bulk.unsuccessful()
        text = bulk.summary()
        key = self._context.keymap.label("view.results") or ":results"
        if bad:
            text += f"; {key} lists them"
        severity = Severity.WARNING if bad else Severity.GOOD
        bulk.entry = LogEntry(time.time(), text, severity, seconds=bulk.seconds, bulk=bulk.number)
        self._store.add_entry(bulk.entry)


def cancel_bulk(screen: BaseScreen) -> None:
    """Send nothing more of the newest verb that goes on; say what was sent already."""
    bulk = screen.context.bulks.running
    if bulk is None:
        screen.say("nothing is being sent", "dim")
        return
    left = bulk.cancel()
    screen.context.store.clear_pendings(left)
    sent = bulk.counts
    text = f"{bulk.title}: cancelled; {len(left)} not sent, {sent[Step.DONE]} done"
    if sent[Step.SENT]:
        text += f", {sent[Step.SENT]} under way can no longer be called back"
    screen.say(text)
    screen.context.store.add_entry(LogEntry(time.time(), text, Severity.WARNING, bulk=bulk.number))


def done_entry(
    action: Action,
    row: Row,
    args: Mapping[str, str],
    note: str,
    error: TuivmError | None,
    took: float,
) -> LogEntry:
    """The log line of an action that was done, or that failed."""
    name = row.domain.name
    if error is not None:
        # A VM that is gone has no name in the backend any more.
        text, severity = error.title.replace(row.key.uuid, name), Severity.ERROR
    else:
        # The call returning is not the outcome where the guest has to play along.
        result = note or ("requested" if action.verb in GUESTS else "done")
        text, severity = f"{action.title} {name}: {result}", Severity.GOOD
    return LogEntry(
        time.time(),
        text,
        severity,
        host=row.key.host,
        uuid=row.key.uuid,
        name=name,
        virsh=action.virsh(row, args),
        error=error,
        seconds=took,
    )
