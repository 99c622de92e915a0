"""What stands in a VM's way: the causes with what shows them, and each way out on one key."""

from __future__ import annotations

import asyncio
import contextlib
import textwrap
import time
from collections.abc import Iterable
from typing import ClassVar

from textual import events
from textual.app import ComposeResult

from tuivm.core.action import Action
from tuivm.core.actions import ACTIONS
from tuivm.core.applies import can_read, changes
from tuivm.core.causes import Cause, Cure, surest_first
from tuivm.core.consolesigns import read_sign
from tuivm.core.errors import TuivmError
from tuivm.core.model import DomainKey, State
from tuivm.core.rows import Changes, Row
from tuivm.core.shutdown import CONSOLE, FORCE_OFF, console_cause
from tuivm.core.stops import Stop, waiting
from tuivm.core.virsh import CURES
from tuivm.screens import whytext
from tuivm.screens.context import Context
from tuivm.screens.flow import ActionFlow
from tuivm.screens.rowscreen import RowScreen
from tuivm.screens.textpage import copy_text
from tuivm.widgets.bars import Bar
from tuivm.widgets.listbox import Line, ListBox, Span

MODES = (
    Cure("Ask by the ACPI power button", "a", "", {"mode": "acpi"}, "domain.shutdown", 1),
    Cure("Ask by the guest agent", "b", "", {"mode": "agent"}, "domain.shutdown", 1),
)
"""Other ways to ask a guest."""


START = Cure("Start it", "s", action_id="domain.start")
WAIT = Cure("Keep waiting, as long again", "w", action_id="job.wait")
LET_BE = Cure("Wait no longer; it may still go off", "n", action_id="job.cancel")

WHILE_ACTIVE = frozenset({68, 86, 97})
"""Failures that are of interest while a domain runs: something else holds it, its agent is
silent (``VIR_ERR_OPERATION_TIMEOUT``, ``AGENT_UNRESPONSIVE``, ``AGENT_UNSYNCED``)."""


OF_A_START = ("start", "virDomainCreate")
"""How the calls of errors begin where it was to be started."""


def last_error(context: Context, key: DomainKey) -> TuivmError | None:
    """The failure of the last thing that was done to a domain; None when that went well.

    A way out that failed leaves what it was to cure as it is.
    """
    row = context.store.rows.get(key)
    for entry in reversed(context.store.log):
        if (entry.host, entry.uuid) == key and (entry.virsh or entry.error is not None):
            error = entry.error
            if error is None or row is None:
                return None
            if error.call.partition(" ")[0] in CURES:
                continue
            # It runs by now: how it was started is of no interest any more.
            return None if row.domain.state.active and error.code not in WHILE_ACTIVE else error
    return None


class WhyScreen(RowScreen):
    """Looks when it opens, and again when the VM changes or its causes are cured."""

    SCOPE = "why"
    HINTS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("view.copy", "copy"),
        ("app.resync", "look again"),
        ("view.xml", "XML"),
        ("view.log", "log"),
        ("view.bundle", "bundle"),
        ("nav.back", "back"),
        ("app.help", "help"),
    )

    def __init__(self, context: Context, key: DomainKey, error: TuivmError | None = None) -> None:
        """``error`` is what failed, where that is to be explained."""
        super().__init__(context)
        self._key = key
        self._error = error
        self._causes: tuple[Cause, ...] | None = None
        self._failure: TuivmError | None = None
        self._tried: TuivmError | None = None
        """Why the last way out did not work."""
        self._ways: dict[str, whytext.Way] = {}
        self._lines: dict[str, whytext.Way] = {}
        self._notes: tuple[Cause, ...] = ()
        self._shown = whytext.Shown([], [], [])
        self._state: State | None = None
        self._asked = 0
        self._original = False

    # -- Textual -------------------------------------------------------------------------

    def compose_body(self) -> ComposeResult:
        """Whom it is about, and the causes."""
        yield Bar(id="summary")
        yield ListBox(id="causes", ascii_only=self.context.options.ascii)

    def on_mount(self) -> None:
        """Look."""
        row = self.row
        self._state = row.domain.state if row else None
        self.set_interval(1.0, self.refresh_summary)
        self._look()

    def on_resize(self) -> None:
        """Texts are as wide as the screen."""
        self._fill()

    def store_changed(self, changes: Changes) -> None:
        """What it does has changed: what was said of it may no longer hold."""
        if self._key not in changes.keys:
            return
        row = self.row
        state = row.domain.state if row else None
        if state is not self._state:
            self._state = state
            error = self._error
            if state is not None and state.active and error and error.code not in WHILE_ACTIVE:
                self._error = None  # it did start
            self._look()
        self.refresh_summary()

    async def _on_key(self, event: events.Key) -> None:
        way = self._ways.get(event.character or "")
        if way is not None and self._answer is None and self.focused is None:
            event.stop()
            event.prevent_default()
            self._take(way)
            return
        await super()._on_key(event)

    # -- what is shown -------------------------------------------------------------------

    @property
    def row(self) -> Row | None:
        """The VM, while it is there."""
        return self.context.store.rows.get(self._key)

    @property
    def _stop(self) -> Stop | None:
        """Its shutdown, while that is followed."""
        return self.context.stops.by_key.get(self._key)

    def targets(self) -> tuple[DomainKey, ...]:
        """The VM that it is about."""
        return (self._key,)

    @property
    def subject_text(self) -> str:
        """One line on what is explained."""
        row = self.row
        if row is None:
            return "the VM is gone"
        domain = row.domain
        reason = f": {domain.reason}" if domain.reason else ""
        if self._error is not None:
            return f"{self._error.title}: {self._error.message}"
        stop = self._stop
        if stop is not None:
            return waiting(stop, time.monotonic())
        return f"{domain.name} is {domain.state.value}{reason}"

    def refresh_summary(self) -> None:
        """Say whom it is about and how that stands."""
        from tuivm.widgets.bars import Part

        self.show_bar("#summary", [Part(f" {self.subject_text}", "strong")])

    def hints(self) -> Iterable[tuple[str, str]]:
        """The keys of the moment."""
        if self._error is None:
            return self.HINTS
        return (*self.HINTS[:1], ("why.original", "libvirt's words"), *self.HINTS[1:])

    def _look(self) -> None:
        self._asked += 1
        self.work(self._explain(self._asked))
        self.work(self._look_for_notes(self._asked))
        self._fill()

    async def _explain(self, number: int) -> None:
        causes: tuple[Cause, ...] = ()
        failure: TuivmError | None = None
        try:
            causes = await asyncio.wrap_future(self.context.backend.explain(self._key, self._error))
        except TuivmError as error:
            failure = error
        if number == self._asked and self.present:
            first = self._causes is None
            self._causes, self._failure = self._with_console(causes), failure
            self._fill()
            if first:
                self.to_the_best()

    async def _look_for_notes(self, number: int) -> None:
        """Look what it lacks; of no interest beside a failure. It comes last: nothing jumps."""
        notes: tuple[Cause, ...] = ()
        if self._error is None:
            with contextlib.suppress(TuivmError):
                notes = await asyncio.wrap_future(self.context.backend.notes(self._key))
        if number == self._asked and self.present and notes != self._notes:
            self._notes = notes
            self._fill()

    def to_the_best(self) -> None:
        """Put the cursor on the first way out, with its cause in sight."""
        box = self.query_one_optional("#causes", ListBox)
        if box is not None:
            box.move_to(0)
            box.scroll_rows(0)

    def _with_console(self, causes: tuple[Cause, ...]) -> tuple[Cause, ...]:
        """Add what a console that is attached here shows, unless its log told already."""
        row = self.row
        if row is None or row.domain.state is not State.RUNNING:
            return causes
        session = self.context.attached(self._key)
        sign = read_sign(session.text()) if session else None
        stop = self._stop
        button = stop is None or stop.button
        cause = console_cause(sign, self._waited, button=button) if sign else None
        if cause is None or any(one.id == cause.id for one in causes):
            return causes
        return surest_first((*causes, cause))

    @property
    def _waited(self) -> float | None:
        stop = self._stop
        return None if stop is None else time.monotonic() - stop.asked

    def _others(self) -> tuple[Cure, ...]:
        """What can be done whatever the cause is."""
        row = self.row
        if row is None:
            return ()
        if not row.domain.state.active:
            return (START,)
        waiting = (WAIT, LET_BE) if self._stop is not None else ()
        return (*MODES, CONSOLE, FORCE_OFF, *waiting)

    def _fill(self) -> None:
        box = self.query_one_optional("#causes", ListBox)
        if box is None:
            return  # it is being built, or left
        notes = self._notes if self._causes is not None else ()
        shown = whytext.assign(self._causes or (), self._others(), notes).checked(self._checked)
        self._shown, self._lines = shown, dict(shown.named())
        self._ways = {way.key: way for way in self._lines.values() if way.key}
        box.show([*self._head(), *whytext.lines(shown, self.size.width)])
        self.refresh_summary()
        self.refresh_footer()

    def _head(self) -> list[Line]:
        """What there is to say before the causes: looking, nothing found, or a failure."""
        texts: list[tuple[str, str]] = []
        if self._original and self._error is not None:
            texts.append((whytext.original(self._error), "accent"))
        if self._tried is not None:
            texts.append((str(self._tried), "bad"))
        if self._failure is not None:
            texts.append((str(self._failure), "bad"))
        elif self._causes is None:
            texts.append(("looking at its XML, its agent, its console and its host…", "dim"))
        elif not self._causes:
            texts.append(self._nothing())
        width = max(20, self.size.width - 3)
        lines = [
            Line((Span(f" {part}", role),), selectable=False)
            for text, role in texts
            for part in textwrap.wrap(text, width)
        ]
        return [*lines, Line((), selectable=False)] if lines else []

    def _nothing(self) -> tuple[str, str]:
        row = self.row
        if row is None:
            return "It no longer exists.", ""
        if self._error is None and not row.domain.state.active:
            return "It is off: nothing stands in its way that shows before it is started.", "good"
        if self._error is None:
            return "Nothing stands in its way, as far as it shows from outside.", "good"
        return "No cause found beyond what libvirt said; its log (l) may have more.", "warn"

    def _checked(self, way: whytext.Way) -> whytext.Way:
        """Grey a way with its reason, where it cannot be taken now."""
        row = self.row
        if not way.taken or row is None:
            return way
        action = self._action(way.cure)
        reason = ActionFlow(self).reason(action, row)
        if reason is None and way.cure.args.get("mode"):
            from tuivm.core.applies import knows_mode

            reason = knows_mode(row, way.cure.args["mode"])
        return whytext.Way(way.key, way.cure, reason or "")

    # -- actions -------------------------------------------------------------------------

    def row_opened(self) -> None:
        """A double click takes the way."""
        self.do_view_details()

    def do_view_details(self) -> None:
        """Take the way under the cursor."""
        way = self._selected
        if way is None or not way.taken:
            self.say("this is for a person to do; y copies the lines", "dim")
        else:
            self._take(way)

    def do_app_resync(self) -> None:
        """Look again."""
        self._causes = None
        self._look()

    def do_why_original(self) -> None:
        """Show libvirt's own words, or no longer."""
        self._original = not self._original
        self._fill()

    def do_view_copy(self) -> None:
        """Copy the exact lines under the cursor, else all that is said."""
        way = self._selected
        if way is not None and way.cure.lines:
            copy_text(self, "\n".join(way.cure.lines))
        else:
            copy_text(self, whytext.as_text(self.subject_text, self._shown, self._error))

    def do_view_why(self) -> None:
        """It is open already."""

    @property
    def _selected(self) -> whytext.Way | None:
        line = self.query_one(ListBox).selected
        return None if line is None else self._lines.get(line.key)

    def _action(self, cure: Cure) -> Action:
        """The registry's action of a cure, or one made of its verb."""
        if cure.action_id:
            return ACTIONS[cure.action_id]
        return Action(
            id=f"cure.{cure.verb}",
            title=cure.title,
            help=cure.title,
            group="",
            verb=cure.verb,
            args=cure.args,
            level=cure.level,
            per_domain=True,
            applies=can_read if cure.level == 0 else changes(lambda domain: None),
        )

    def _take(self, way: whytext.Way) -> None:
        if way.reason:
            self.say(f"{way.cure.title}: {way.reason}")
            return
        cure, action = way.cure, self._action(way.cure)
        if action.verb:
            self.work(self._run(action, cure))
        else:
            self.context.dispatch(self, action.id, cure.args, (self._key,))
            self._fill()

    async def _run(self, action: Action, cure: Cure) -> None:
        bulk = await ActionFlow(self).do(action, (self._key,), cure.args)
        if not self.present:
            return
        failed = next((target.error for target in bulk.targets.values()), None)
        if failed is not None and cure.verb and not failed.call.startswith(OF_A_START):
            # What stands in the way is what did, but for a way out less.
            self._tried = failed
        else:
            # It may be something else than before.
            self._tried, self._error = None, last_error(self.context, self._key)
        self._look()
