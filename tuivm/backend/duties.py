"""All that a host does by itself while it is connected: one list of tasks, one loop."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

import libvirt

from tuivm.backend import errors, events
from tuivm.backend.connection import Target
from tuivm.backend.crowd import PATIENCE, Crowd
from tuivm.backend.events import Event, Narrator
from tuivm.backend.extras import Extras
from tuivm.backend.link import LaneName, Link
from tuivm.backend.probe import Introduction, Probe
from tuivm.backend.reader import Reader
from tuivm.backend.rows import Rows
from tuivm.backend.task import Task, Timing
from tuivm.core.batch import Focus
from tuivm.core.errors import TuivmError
from tuivm.core.model import Domain, DomainKey, HostState, HostStatus, LogEntry, Stats

if TYPE_CHECKING:
    # What follows the rows is loaded after them.
    from tuivm.backend.addresses import AddressReader
    from tuivm.backend.facts import FactsReader
    from tuivm.backend.jobs import JobWatch
    from tuivm.backend.nodestats import NodeStats
    from tuivm.backend.sampler import Sampler
    from tuivm.backend.uptime import Uptimes
    from tuivm.core.jobs import DomainJob

_LOOK = 0.1
"""Seconds between two looks whether other hosts have their rows."""
_MAX_ENTRIES = 500
"""Log lines of one burst that are kept; the rest is counted."""


class Owner(Protocol):
    """What the duties need of their host; all of it on its keeper thread."""

    id: str
    timing: Timing
    target: Target
    extras: Extras | None
    crowd: Crowd

    @property
    def status(self) -> HostStatus:
        """Where the host stands."""

    @property
    def link(self) -> Link | None:
        """Its connections."""

    def hear(self, event: Event) -> None:
        """Take an event, on any thread."""

    def set_status(self, **changes: Any) -> None:
        """Change the status."""

    def publish(self, changed: dict[DomainKey, Domain | None]) -> None:
        """Tell rows."""

    def lose(self, error: TuivmError) -> None:
        """Give the link up."""

    def came_up(self) -> None:
        """The first inventory is in."""

    def run_task(
        self,
        fn: Callable[[libvirt.virConnect], Any],
        *,
        call: str,
        deadline: float,
        lane: LaneName,
        then: Callable[[Any, TuivmError | None], None],
    ) -> None:
        """Do a call."""


class Duties:
    """Runs the tasks of a connected host and spreads its events. Keeper thread only."""

    def __init__(
        self,
        owner: Owner,
        tell_stats: Callable[[dict[DomainKey, Stats | None]], None],
        tell_jobs: Callable[[dict[DomainKey, DomainJob | None]], None],
        tell_entries: Callable[[Iterable[LogEntry]], None],
    ) -> None:
        self._owner = owner
        self._tell_stats = tell_stats
        self._tell_jobs = tell_jobs
        self._tell_entries = tell_entries
        self._focus = Focus()
        self._rows = Rows(owner.id, owner.publish, owner.extras)
        self._narrator = Narrator(owner.id)
        self._entries: deque[LogEntry] = deque(maxlen=_MAX_ENTRIES)
        self._left_out = 0
        self._tasks: list[Task] = []
        self._busy: dict[Task, float] = {}
        self._reader: Reader | None = None
        self._probe: Probe | None = None
        self._facts: FactsReader | None = None
        self._addresses: AddressReader | None = None
        self._uptimes: Uptimes | None = None
        self._sampler: Sampler | None = None
        self._jobs: JobWatch | None = None
        self._node: NodeStats | None = None
        self._unreadable = False
        self._patient_until: float | None = None
        self._rest_at: float | None = None

    def begin(self, hears_events: bool) -> None:
        """A link is open: the inventory comes first, all else follows it."""
        link, owner = self._owner.link, self._owner
        self._unreadable = False
        assert link is not None
        self._reader = Reader(
            self._rows, owner.timing, self._on_read, remote=not owner.target.local
        )
        if not hears_events:
            self._reader.set_period(owner.timing.blind_reconcile)
        self._tasks = [self._reader]
        if not owner.target.in_process:
            self._probe = Probe(
                link.main, owner.timing, self._latency, self._on_latency, owner.lose
            )
            self._tasks.append(self._probe)

    def end(self) -> None:
        """The link is gone; what is known stays, what is under way is forgotten."""
        self._owner.crowd.leave(self._owner.id)
        self._patient_until = self._rest_at = None
        if self._jobs is not None:
            self._jobs.end()
        self._tasks = []
        self._busy = {}
        self._reader = self._probe = self._facts = None
        self._addresses = self._uptimes = self._sampler = self._jobs = self._node = None

    def name_of(self, uuid: str) -> str:
        """A domain's name as last read, else its UUID. Any thread."""
        domain = self._rows.domains.get(uuid)
        return domain.name if domain is not None else uuid

    def focus(self, focus: Focus) -> None:
        """Take what is on screen."""
        self._focus = focus
        if self._rest_at is not None and self._watched:
            self._rest_at = 0.0
        keys = focus.visible if focus.detail is None else (focus.detail, *focus.visible)
        visible = tuple(dict.fromkeys(key.uuid for key in keys if key.host == self._owner.id))
        if self._facts is not None:
            self._facts.focus(visible)
        if self._addresses is not None:
            self._addresses.focus(() if focus.hidden else visible)
        if self._sampler is not None:
            self._sampler.focus(focus)
        if self._jobs is not None:
            self._jobs.focus(focus)
        if self._node is not None:
            self._node.focus(focus)

    def expect_job(self, uuid: str) -> None:
        """Look for a job on a domain."""
        if self._jobs is not None:
            self._jobs.expect(uuid)

    def refresh(self) -> None:
        """Read everything afresh."""
        if self._reader is not None:
            self._reader.mark_all()
        if self._facts is not None:
            self._facts.want(self._rows.domains)

    def reread(self, uuid: str) -> None:
        """Read one domain again."""
        if self._reader is not None:
            self._reader.mark(uuid)
        if self._facts is not None:
            self._facts.want([uuid])

    def event(self, event: Event) -> None:
        """Take one event: mark what it touches, and keep its line for the log."""
        kind, _detail = event.lifecycle
        if kind == libvirt.VIR_DOMAIN_EVENT_STARTED:
            self._rows.started(event.uuid, event.at)
        elif kind == libvirt.VIR_DOMAIN_EVENT_STOPPED:
            self._rows.stopped(event.uuid)
        if self._reader is not None and event.id in events.ROW_CHANGES:
            self._reader.mark(event.uuid)
        if self._jobs is not None and (
            kind == libvirt.VIR_DOMAIN_EVENT_SUSPENDED or event.id in events.JOB_SIGNS
        ):
            self._jobs.expect(event.uuid)
        if self._facts is not None and (kind in events.XML_KINDS or event.id in events.XML_CHANGES):
            self._facts.want([event.uuid])
        if self._addresses is not None and (
            kind == libvirt.VIR_DOMAIN_EVENT_STARTED or event.id in events.ADDRESS_CHANGES
        ):
            self._addresses.hurry(event.uuid)
        self._note(self._narrator.tell(event))

    def turn(self, now: float) -> float | None:
        """Start what is due; returns when to look again."""
        self._note(self._narrator.overdue(time.time()))
        self._flush()
        wakes = [now + events.HOLD] if self._narrator.waits else []
        wakes += self._rest_due(now)
        for task in tuple(self._tasks):
            if task in self._busy:
                continue
            due = task.due()
            if due is not None and due <= now:
                self._start(task, now)
            elif due is not None:
                wakes.append(due)
        late = self._check_late(now)
        if late is not None:
            wakes.append(late)
        return min(wakes, default=None)

    def _start(self, task: Task, now: float) -> None:
        self._busy[task] = now
        self._owner.run_task(
            task.begin(now),
            call=task.call,
            deadline=task.deadline,
            lane=task.lane,
            then=partial(self._ended, task),
        )

    def _ended(self, task: Task, result: Any, error: TuivmError | None) -> None:
        if self._busy.pop(task, None) is None:
            return
        now = time.monotonic()
        if error is not None:
            task.failed(error, now)
            if task is self._reader:
                self._cannot_read(error)
            return
        if task is self._reader:
            self._unreadable = False
        answered = task is self._probe or task is self._reader
        if answered and not self._unreadable and self._owner.status.state is HostState.DEGRADED:
            self._owner.set_status(state=HostState.UP, error=None)
        task.done(result, now)

    def _cannot_read(self, error: TuivmError) -> None:
        """The inventory failed although the link holds: say so, and never show it as true."""
        if error.is_connection_loss:
            return
        if self._owner.status.state is HostState.SYNCING:
            self._owner.lose(error)
        else:
            self._unreadable = True
            self._owner.set_status(state=HostState.DEGRADED, error=error)

    def _check_late(self, now: float) -> float | None:
        """DEGRADED while a probe has no answer; returns when to look again."""
        began = self._busy.get(self._probe) if self._probe is not None else None
        if began is None:
            return None
        late_at = began + self._owner.timing.late
        if now < late_at:
            return late_at
        if self._owner.status.state is HostState.UP:
            self._owner.set_status(state=HostState.DEGRADED, error=errors.slow(now - began))
        return None

    def row(self, uuid: str) -> Domain | None:
        """A domain as last read."""
        return self._rows.domains.get(uuid)

    def _on_read(self, came: Iterable[str], went: Iterable[str], whole: bool) -> None:
        if self._owner.status.state is HostState.SYNCING:
            self._owner.came_up()
            self._owner.crowd.leave(self._owner.id)
            self._patient_until = time.monotonic() + PATIENCE
        self._narrator.forget(went)
        if self._facts is not None:
            self._facts.forget(went)
            self._facts.want(came)
            if whole:
                # Much that the XML tells changes without an event.
                self._facts.want_visible()
        if self._sampler is not None:
            self._sampler.settle()
        if self._uptimes is not None:
            self._uptimes.settle()

    @property
    def _watched(self) -> bool:
        """True while a row of this host is on screen."""
        return any(
            key.host == self._owner.id for key in (*self._focus.visible, self._focus.detail) if key
        )

    def _rest_due(self, now: float) -> list[float]:
        """Begin all that follows the rows once other hosts have theirs; when to look again."""
        if self._patient_until is not None:
            if not self._owner.crowd.over and now < self._patient_until:
                return [now + _LOOK]
            self._patient_until = None
            self._rest_at = now + (0.0 if self._watched else self._owner.crowd.turn())
        if self._rest_at is not None:
            if now < self._rest_at:
                return [self._rest_at]
            self._rest_at = None
            self._begin_rest()
        return []

    def _begin_rest(self) -> None:
        owner, link = self._owner, self._owner.link
        assert link is not None
        from tuivm.backend.facts import FactsReader
        from tuivm.backend.sampler import Sampler

        timing = owner.timing
        self._facts = FactsReader(self._rows, timing, in_process=owner.target.in_process)
        self._sampler = Sampler(
            owner.id,
            self._rows,
            timing,
            self._tell_stats,
            stuck=lambda: link.side.stuck,
            latency=self._round_trip,
            extras=owner.extras,
        )
        self._tasks += [
            Introduction(
                timing,
                owner.hear,
                link.on_close,
                link.callbacks,
                self._on_introduction,
                self._on_all_heard,
            ),
            self._facts,
            self._sampler,
        ]
        if owner.extras is None:
            from tuivm.backend.addresses import AddressReader
            from tuivm.backend.jobs import JobWatch
            from tuivm.backend.nodestats import PERIOD, NodeStats

            self._addresses = AddressReader(self._rows, timing)
            self._jobs = JobWatch(owner.id, self._rows, self._tell_jobs)
            self._node = NodeStats(max(PERIOD, timing.stats), self._on_introduction)
            self._tasks += [self._addresses, self._jobs, self._node]
        if owner.target.local and not owner.target.in_process:
            from tuivm.backend.uptime import Uptimes

            self._uptimes = Uptimes(self._rows, timing)
            self._tasks.append(self._uptimes)
            self._uptimes.settle()
        self.focus(self._focus)
        self._facts.want(self._rows.domains)

    def _latency(self) -> float | None:
        return self._owner.status.latency

    def _round_trip(self) -> float | None:
        """As measured last: what was told may be of a busy moment, such as the first one."""
        usual = self._probe.usual if self._probe is not None else None
        return self._latency() if usual is None else usual

    def _on_introduction(self, facts: dict[str, Any]) -> None:
        self._owner.set_status(**facts)

    def _on_all_heard(self) -> None:
        if self._facts is not None:
            self._facts.again()

    def _on_latency(self, seconds: float) -> None:
        self._owner.set_status(latency=seconds)

    def _note(self, entries: Iterable[LogEntry]) -> None:
        for entry in entries:
            self._left_out += len(self._entries) == _MAX_ENTRIES
            self._entries.append(entry)

    def _flush(self) -> None:
        if not self._entries:
            return
        entries = list(self._entries)
        if self._left_out:
            text = f"{self._owner.id}: {self._left_out} more events were left out here"
            entries.insert(0, LogEntry(entries[0].at, text, host=self._owner.id))
        self._entries.clear()
        self._left_out = 0
        self._tell_entries(entries)
