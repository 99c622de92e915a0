"""Follows shutdowns for the whole program: asks again, looks why, says so, starts again.

``core.stops`` decides; this does. It belongs to no screen: leaving one changes nothing.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from math import inf
from typing import Any

from tuivm.core.actions import ACTIONS
from tuivm.core.errors import TuivmError
from tuivm.core.model import DomainKey, LogEntry, Severity
from tuivm.core.rows import Changes, Pending, Row
from tuivm.core.stops import Stop, verdict
from tuivm.core.text import duration_text, sanitise
from tuivm.screens.context import Context

LOOKED_INTO = 8
"""Domains of one request that are looked into by themselves; the others when asked."""


class Following:
    """Drives ``Context.stops``. UI thread only."""

    def __init__(self, context: Context, work: Callable[[Coroutine[Any, Any, None]], object]):
        """``work`` runs what waits, beyond the life of any screen."""
        self._context = context
        self._work = work
        self._saying = False
        context.store.subscribe(self._changed)

    def pulse(self, now: float) -> None:
        """Let a second pass; ``now`` is ``time.monotonic()``."""
        stops = self._context.stops
        if not stops.groups:
            return
        hosts = self._context.store.hosts
        for stop in stops.by_key.values():
            status = hosts.get(stop.key.host)
            stop.lost = status is not None and not status.state.connected
        due = stops.tick(now)
        markers: dict[DomainKey, Pending] = {}
        for stop in stops.by_key.values():
            self._listen(stop)
            text = f"{stop.marker} {duration_text(now - stop.asked)}"
            markers[stop.key] = Pending(text, stop.action_id, stop.asked, inf, stop.late)
        self._context.store.mark(markers)
        for stop in due.again:
            self._work(self._again(stop))
        for number in due.late:
            self._work(self._tell(number))

    def _listen(self, stop: Stop) -> None:
        """Take the last line of its console, where that is attached here."""
        session = self._context.attached(stop.key)
        if session is None:
            return
        lines = [line for line in session.text().splitlines() if line.strip()]
        if lines:
            stop.doing = f"console: {sanitise(lines[-1].strip(), 80)}"

    def _changed(self, changes: Changes) -> None:
        stops = self._context.stops
        if not stops.by_key:
            return
        if not self._saying:
            stops.hear(changes.entries)
        if not changes.keys:
            return
        for stop, seconds in stops.see(changes.keys, self._context.store.rows, time.monotonic()):
            self._say(_off_entry(stop, seconds))
            row = self._context.store.rows.get(stop.key)
            if row is not None and ACTIONS[stop.action_id].then:
                self._work(self._then(stop, row))

    # -- what waits ----------------------------------------------------------------------

    async def _again(self, stop: Stop) -> None:
        row = self._context.store.rows.get(stop.key)
        if row is not None:
            note = await self._run(stop.action_id, row, stop.args, "it was booting at first")
            if note is not None:
                stop.note = note

    async def _then(self, stop: Stop, row: Row) -> None:
        await self._run(ACTIONS[stop.action_id].then, row, {}, "again, as its definition is now")

    async def _run(self, action_id: str, row: Row, args: object, why: str) -> str | None:
        """Do an action on our own account and log it; returns its note, None when it failed."""
        action = ACTIONS[action_id]
        given = action.arguments(args if isinstance(args, dict) else {})
        began, note, error = time.monotonic(), "", None
        try:
            note = await asyncio.wrap_future(self._context.backend.run(row.key, action.verb, given))
        except TuivmError as failure:
            error = failure
        took = time.monotonic() - began
        said = f"{why}; {note}" if note else why
        from tuivm.screens.flow import done_entry

        self._say(done_entry(action, row, given, said, error, took))
        return None if error else note

    async def _tell(self, number: int) -> None:
        """Look why what is left of a request does not stop, and say it once."""
        stops = self._context.stops
        members = stops.members(number)
        for stop in members[:LOOKED_INTO]:
            if stop.causes is None:
                stop.causes = await self._causes(stop.key)
        left = [stop for stop in stops.members(number) if stop.late]
        group = stops.groups.get(number)
        off = len(group.off) if group else 0
        if not left and off < 2:
            return
        label = self._context.keymap.label("view.why")
        text = verdict(left, off, time.monotonic(), f" ({label} why)" if label else "")
        one = left[0] if len(left) == 1 else None
        self._say(
            LogEntry(
                time.time(),
                text,
                Severity.WARNING if left else Severity.GOOD,
                host=one.key.host if one else "",
                uuid=one.key.uuid if one else "",
                name=one.name if one else "",
                seconds=max((time.monotonic() - stop.asked for stop in left), default=None),
            )
        )

    def _say(self, entry: LogEntry) -> None:
        """Log a line of our own, which is nothing that the guest did."""
        self._saying = True
        try:
            self._context.store.add_entry(entry)
        finally:
            self._saying = False

    async def _causes(self, key: DomainKey) -> tuple[Any, ...]:
        try:
            return await asyncio.wrap_future(self._context.backend.explain(key))
        except TuivmError:
            return ()


def _off_entry(stop: Stop, seconds: float) -> LogEntry:
    """The line with what the request came to; ``seconds`` since it was first made."""
    return LogEntry(
        time.time(),
        f"{stop.name}: off after it was asked to shut down",
        Severity.GOOD,
        host=stop.key.host,
        uuid=stop.key.uuid,
        name=stop.name,
        seconds=seconds,
        bulk=stop.bulk,
    )
