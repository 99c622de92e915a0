"""The inventory: every domain of every host, by identity. For the UI thread only."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from tuivm.core.actions import ACTIONS
from tuivm.core.batch import Batch
from tuivm.core.history import EMPTY, History
from tuivm.core.model import (
    Domain,
    DomainKey,
    HostState,
    HostStatus,
    LogEntry,
    Severity,
    Stats,
)
from tuivm.core.question import Question
from tuivm.core.rows import FRESH_STATES, Changes, HostCell, Pending, Row
from tuivm.core.text import uptime_text

if TYPE_CHECKING:
    from tuivm.core.jobs import DomainJob

__all__ = ["LOG_LINES", "Changes", "Pending", "Row", "Store"]

LOG_LINES = 5000
"""Lines of the event log that are kept."""
SWEEP_SECONDS = 10.0
"""How often ages and uptimes on screen are checked for a change of their text."""
SWEEP_ROWS = 1000
"""Rows that are checked in one go; those of a large fleet have their turns one after another."""

Subscriber = Callable[[Changes], None]


class Store:
    """All rows, hosts and log lines; tells its subscribers of every change."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.rows: dict[DomainKey, Row] = {}
        """Every known domain, in no order."""
        self.hosts: dict[str, HostStatus] = {}
        """Every host, in the order in which they were named."""
        self.jobs: dict[DomainKey, DomainJob] = {}
        """What libvirt tells of domains' jobs."""
        self.log: deque[LogEntry] = deque(maxlen=LOG_LINES)
        """The event log, oldest first."""
        self.past: tuple[LogEntry, ...] = ()
        """The event log of earlier runs, where it is kept."""
        self.hosts_went = False
        """True once a host was taken out: that there is none does not mean that one is to come."""
        self.questions: dict[int, Question] = {}
        """What hosts ask and nobody answered yet, the oldest first."""
        self._clock = clock
        self._cells: dict[str, HostCell] = {}
        self._order: tuple[str, ...] = ()
        self._members: dict[str, set[DomainKey]] = {}
        """Keys by host: a fleet of a hundred hosts connects in hundreds of small steps."""
        self._subscribers: list[Subscriber] = []
        self._waiting: set[DomainKey] = set()
        self._ages: dict[DomainKey, str] = {}
        self._swept = float("-inf")
        self._unswept: list[DomainKey] = []
        self._version = 0
        self._owing = False

    def subscribe(self, callback: Subscriber) -> Callable[[], None]:
        """Call ``callback`` after every change; returns what ends that."""
        self._subscribers.append(callback)

        def unsubscribe() -> None:
            if callback in self._subscribers:
                self._subscribers.remove(callback)

        return unsubscribe

    def apply(self, batch: Batch, *, more: bool = False) -> Changes:
        """Take what the backend reports; ``more`` where this is not yet all of it."""
        changed: set[DomainKey] = set()
        membership, over = False, set(batch.questions)
        for host in batch.dropped:
            membership |= self._drop_host(host, changed, over)
        for status in batch.hosts.values():
            self._apply_host(status, changed)
        if batch.order:
            self._order = batch.order
            self._sort_hosts()
        for key, domain in batch.domains.items():
            if domain is None:
                membership |= self._remove(key, changed)
            else:
                membership |= self._apply_domain(domain)
                changed.add(key)
        for key, stats in batch.stats.items():
            self._apply_stats(key, stats, changed)
        for key, job in batch.jobs.items():
            self._apply_job(key, job)
        for number, question in batch.questions.items():
            self.questions.pop(number, None)
            if question is not None:
                self.questions[number] = question
        self.log.extend(batch.entries)
        return self._tell(
            Changes(
                frozenset(changed),
                membership,
                frozenset((*batch.hosts, *batch.dropped, *batch.order)),
                tuple(batch.entries),
                frozenset(batch.jobs),
                frozenset(over),
                frozenset(batch.dropped),
                more,
            )
        )

    def set_pending(self, key: DomainKey, pending: Pending) -> None:
        """Mark a row with an action under way; nothing happens when the row is gone."""
        self.set_pendings([key], pending)

    def set_pendings(self, keys: Iterable[DomainKey], pending: Pending) -> None:
        """Mark several rows with an action under way, in one step."""
        self.mark(dict.fromkeys(keys, pending))

    def mark(self, markers: Mapping[DomainKey, Pending]) -> None:
        """Mark rows with an action under way, each with its own marker, in one step."""
        changed = set()
        for key, pending in markers.items():
            row = self.rows.get(key)
            # The event can be faster than the call that caused it.
            if row is None or _reached(pending, row.domain):
                continue
            self._waiting.add(key)
            self._replace(row, row.stats, pending)
            changed.add(key)
        self._tell(Changes(frozenset(changed)))

    def clear_pending(self, key: DomainKey) -> None:
        """Drop a row's marker, for instance because the action failed."""
        self.clear_pendings([key])

    def clear_pendings(self, keys: Iterable[DomainKey]) -> None:
        """Drop several rows' markers, in one step."""
        changed = set()
        for key in keys:
            self._waiting.discard(key)
            row = self.rows.get(key)
            if row is not None and row.pending is not None:
                self._replace(row, row.stats, None)
                changed.add(key)
        self._tell(Changes(frozenset(changed)))

    def add_entry(self, entry: LogEntry) -> None:
        """Append a line to the event log."""
        self.log.append(entry)
        self._tell(Changes(entries=(entry,)))

    def tick(self, now: float) -> Changes:
        """Let time pass (``now`` is ``time.monotonic()``): markers expire, ages grow."""
        changed: set[DomainKey] = set()
        entries: list[LogEntry] = []
        for key in [*self._waiting]:
            row = self.rows[key]
            pending = row.pending
            if pending is not None and now >= pending.until:
                self._waiting.discard(key)
                self._replace(row, row.stats, None)
                changed.add(key)
                entries.extend(self._late(row, pending))
        if now - self._swept >= SWEEP_SECONDS and not self._unswept:
            self._swept = now
            self._unswept = [*self.rows]
        if self._unswept:
            turn = max(SWEEP_ROWS, len(self.rows) // 8)
            self._unswept, keys = self._unswept[turn:], self._unswept[:turn]
            self._sweep_ages(keys, changed)
        self.log.extend(entries)
        return self._tell(Changes(frozenset(changed), entries=tuple(entries)))

    def _drop_host(self, host: str, changed: set[DomainKey], over: set[int]) -> bool:
        """Take a host out with all that is known of it; True when it had rows."""
        self.hosts_went = True
        keys = self._members.pop(host, set())
        for key in [*keys]:
            self._forget_row(key)
        changed |= keys
        gone = [number for number, asked in self.questions.items() if asked.host == host]
        for number in gone:
            del self.questions[number]
        over.update(gone)
        self.hosts.pop(host, None)
        self._cells.pop(host, None)
        return bool(keys)

    def _apply_host(self, status: HostStatus, changed: set[DomainKey]) -> None:
        cell = self._cells.get(status.id)
        self.hosts[status.id] = status
        if cell is None:
            self._cells[status.id] = HostCell(status)
            self._sort_hosts()
            return
        before, cell.status = cell.status, status
        was, now = before.state in FRESH_STATES, status.state in FRESH_STATES
        same = before.readonly == status.readonly and before.tags == status.tags
        if was == now and same and before.colour == status.colour:
            # From one attempt to connect to the next, no row of ten thousand looks different.
            return
        for key in self._members.get(status.id, ()):
            row = self.rows[key]
            self._replace(row, row.stats, row.pending)
            changed.add(key)

    def _sort_hosts(self) -> None:
        """Bring the hosts in the order that was told, where one was."""
        if self._order:
            known = dict(self.hosts)
            places = [name for name in self._order if name in known]
            self.hosts.clear()
            self.hosts.update({name: known[name] for name in [*places, *known]})

    def _cell(self, host: str) -> HostCell:
        cell = self._cells.get(host)
        if cell is None:
            # A domain can be told of before its host: in one batch the order is open.
            status = HostStatus(host, "", HostState.SYNCING)
            cell = self._cells[host] = HostCell(status)
            self.hosts[host] = status
        return cell

    def _apply_domain(self, domain: Domain) -> bool:
        """Take a domain's new record; True when the domain was not known before."""
        key = domain.key
        row = self.rows.get(key)
        self._version += 1
        if row is None:
            self.rows[key] = Row(domain, self._cell(key.host), self._version)
            self._members.setdefault(key.host, set()).add(key)
            return True
        pending = row.pending
        if pending is not None and _reached(pending, domain):
            pending = None
            self._waiting.discard(key)
        stats = row.stats if domain.state.active else None
        if stats is None and row.stats is not None:
            row.history.gap()
        self.rows[key] = Row(domain, row._cell, self._version, stats, pending, row.history, row)
        return False

    def _apply_stats(self, key: DomainKey, stats: Stats | None, changed: set[DomainKey]) -> None:
        row = self.rows.get(key)
        if row is None or (stats is None and row.stats is None):
            return
        history = row.history
        if stats is None:
            history.gap()
        else:
            if history is EMPTY:
                history = History()
            history.add(stats)
        self._version += 1
        self.rows[key] = Row(row.domain, row._cell, self._version, stats, row.pending, history, row)
        changed.add(key)

    def _apply_job(self, key: DomainKey, job: DomainJob | None) -> None:
        if job is None:
            self.jobs.pop(key, None)
        else:
            self.jobs[key] = job

    def _replace(self, row: Row, stats: Stats | None, pending: Pending | None) -> None:
        self._version += 1
        self.rows[row.key] = Row(
            row.domain, row._cell, self._version, stats, pending, row.history, row
        )

    def _remove(self, key: DomainKey, changed: set[DomainKey]) -> bool:
        if not self._forget_row(key):
            return False
        self._members[key.host].discard(key)
        changed.add(key)
        return True

    def _forget_row(self, key: DomainKey) -> bool:
        self._waiting.discard(key)
        self._ages.pop(key, None)
        self.jobs.pop(key, None)
        return self.rows.pop(key, None) is not None

    def _late(self, row: Row, pending: Pending) -> list[LogEntry]:
        action = ACTIONS.get(pending.action_id)
        if action is None or action.wants is None:
            return []
        text = action.late_text(row, pending.until - pending.since)
        domain = row.domain
        return [
            LogEntry(
                self._clock(),
                text,
                Severity.WARNING,
                host=row.key.host,
                uuid=row.key.uuid,
                name=domain.name,
            )
        ]

    def _sweep_ages(self, keys: Iterable[DomainKey], changed: set[DomainKey]) -> None:
        now = self._clock()
        for key in keys:
            row = self.rows.get(key)
            if row is None:
                continue
            since = row.host.seen_at if row.stale else row.domain.started_at
            if since is None or not (row.stale or row.domain.state.active):
                continue
            age = uptime_text(now - since)
            if self._ages.get(key) != age:
                self._ages[key] = age
                self._replace(row, row.stats, row.pending)
                changed.add(key)

    def _tell(self, changes: Changes) -> Changes:
        if changes or self._owing:
            # Whoever put something off until the rest is there hears that it is.
            self._owing = changes.more
            for callback in [*self._subscribers]:
                callback(changes)
        return changes


def _reached(pending: Pending, domain: Domain) -> bool:
    action = ACTIONS.get(pending.action_id)
    return action is not None and action.wants is not None and action.wants(domain)
