"""A verb on many VMs: what came of it on each, and what is still to be sent. Pure."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from tuivm.core.action import Action
from tuivm.core.errors import TuivmError
from tuivm.core.model import DomainKey, LogEntry, Severity
from tuivm.core.rows import Pending, Row

MANY = 20
"""Targets beyond which a verb that interrupts asks for their number, and beyond which the
event log shows one line for all of them."""
KEPT = 20
"""Results that are kept to look at again."""
NEWS_SECONDS = 10.0
"""How long the outcome stays on the event line, above what the VMs themselves report."""
NAMED_HOSTS = 2
"""Hosts without an answer that the progress line names; more are not told one by one."""


class Step(StrEnum):
    """How far a verb is on one VM."""

    WAITING = "waiting"
    SENT = "sent"
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"
    """It was not tried: the verb did not apply."""
    CANCELLED = "not sent"
    """It was cancelled before its turn came."""


ENDED = (Step.DONE, Step.FAILED, Step.SKIPPED, Step.CANCELLED)


@dataclass(slots=True, eq=False, repr=False)
class Target:
    """One VM of a bulk run."""

    key: DomainKey
    name: str
    """At the key press; sanitised."""
    action: Action | None = None
    """What the verb means for it; None where it was refused before."""
    step: Step = Step.WAITING
    reason: str = ""
    """Why it was not tried, or what the backend remarked."""
    error: TuivmError | None = None
    virsh: str = ""
    seconds: float | None = None
    """How long the call took; None when none was made."""
    at: float = 0.0
    """``time.time()`` of the outcome."""


class Bulk:
    """One verb on its targets, in the order in which they were given. UI thread only."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.number = 0
        """Given by ``Bulks``; 0 while it is not kept there."""
        self.targets: dict[DomainKey, Target] = {}
        self.at = time.time()
        self.began = time.monotonic()
        self.seconds: float | None = None
        """How long all of it took; None while it goes on."""
        self.cancelled = False
        self.entry: LogEntry | None = None
        """The line of the event log with what came of it."""
        self._queues: dict[str, deque[Target]] = {}

    # -- what is to be done ----------------------------------------------------------------

    def refuse(self, key: DomainKey, name: str, reason: str) -> None:
        """Note a target on which the verb is not tried."""
        target = self.targets.setdefault(key, Target(key, name))
        target.step, target.reason, target.at = Step.SKIPPED, reason, time.time()

    def plan(self, rows: Iterable[tuple[Row, Action]]) -> None:
        """Take the targets on which it will be done, each with what the verb means there.

        What was refused stands behind them.
        """
        refused, self.targets = self.targets, {}
        for row, action in rows:
            target = Target(row.key, row.domain.name, action)
            self.targets[row.key] = target
            self._queues.setdefault(row.key.host, deque()).append(target)
        self.targets = {**self.targets, **refused}

    @property
    def hosts(self) -> dict[str, int]:
        """Hosts to which something has to be sent, with how much."""
        return {host: len(queue) for host, queue in self._queues.items() if queue}

    def next(self, host: str) -> Target | None:
        """Take a host's next target; None when there is nothing left to send there."""
        queue = self._queues.get(host)
        if not queue:
            return None
        target = queue.popleft()
        target.step = Step.SENT
        return target

    def end(
        self,
        target: Target,
        step: Step,
        *,
        reason: str = "",
        error: TuivmError | None = None,
        seconds: float | None = None,
    ) -> None:
        """Note what came of a target."""
        target.step, target.reason, target.error = step, reason, error
        target.seconds, target.at = seconds, time.time()

    def cancel(self) -> list[DomainKey]:
        """Send nothing more; returns what was not sent. Calls under way run to their end."""
        left = [target for queue in self._queues.values() for target in queue]
        self._queues.clear()
        self.cancelled = True
        for target in left:
            self.end(target, Step.CANCELLED)
        return [target.key for target in left]

    def finish(self) -> None:
        """All answers are there."""
        self.seconds = time.monotonic() - self.began

    # -- what came of it -------------------------------------------------------------------

    @property
    def running(self) -> bool:
        """True while something is to be sent or has no answer."""
        return self.seconds is None

    @property
    def counts(self) -> Counter[Step]:
        """Targets by how far they are."""
        return Counter(target.step for target in self.targets.values())

    @property
    def refused(self) -> list[str]:
        """The reasons of all that was not tried, one for each."""
        return [t.reason for t in self.targets.values() if t.step is Step.SKIPPED]

    def unsuccessful(self) -> tuple[DomainKey, ...]:
        """Targets that failed, were skipped, or were not sent: for a second try."""
        bad = (Step.FAILED, Step.SKIPPED, Step.CANCELLED)
        return tuple(key for key, target in self.targets.items() if target.step in bad)

    def progress(self) -> str:
        """How far it is: ``Start: 120 of 300, 2 failed``, and whom it waits for."""
        counts = self.counts
        total = len(self.targets)
        text = f"{self.title}: {sum(counts[step] for step in ENDED)} of {total}"
        if counts[Step.FAILED]:
            text += f", {counts[Step.FAILED]} failed"
        if self.cancelled:
            text += f", {counts[Step.CANCELLED]} not sent"
        left = dict.fromkeys(t.key.host for t in self.targets.values() if t.step not in ENDED)
        everyone = {key.host for key in self.targets}
        if len(left) <= NAMED_HOSTS and len(left) < len(everyone):
            text += f", waiting for {' and '.join(left)}"
        elif self.cancelled:
            text += f", waiting for {counts[Step.SENT]}"
        return text

    def summary(self) -> str:
        """What came of it in one line: ``Start: 298 done, 2 failed``."""
        counts = self.counts
        parts = [f"{counts[Step.DONE]} done"]
        if counts[Step.FAILED]:
            parts.append(f"{counts[Step.FAILED]} failed")
        if counts[Step.SKIPPED]:
            parts.append(f"{counts[Step.SKIPPED]} skipped ({self.refused[0]})")
        if counts[Step.CANCELLED]:
            parts.append(f"{counts[Step.CANCELLED]} not sent (cancelled)")
        return f"{self.title}: {', '.join(parts)}"


class Bulks:
    """The bulk runs of this session, the newest last. UI thread only."""

    def __init__(self) -> None:
        self._kept: deque[Bulk] = deque(maxlen=KEPT)
        self._count = 0

    def add(self, bulk: Bulk) -> None:
        """Keep a run and give it its number."""
        self._count += 1
        bulk.number = self._count
        self._kept.append(bulk)

    def get(self, number: int) -> Bulk | None:
        """Find a run by its number; None once it was let go."""
        return next((bulk for bulk in self._kept if bulk.number == number), None)

    @property
    def last(self) -> Bulk | None:
        """The newest run."""
        return self._kept[-1] if self._kept else None

    @property
    def running(self) -> Bulk | None:
        """The newest run that goes on."""
        return next((bulk for bulk in reversed(self._kept) if bulk.running), None)

    def news(self, newest: LogEntry, now: float) -> LogEntry:
        """Return what the event line shows: an outcome just now, else the newest entry.

        Hundreds of "stopped" would cover it at once; failures and the user's own doing may.
        """
        entry = self.last.entry if self.last is not None else None
        heard = newest.virsh or newest.severity in (Severity.WARNING, Severity.ERROR)
        fresh = entry is not None and 0 <= now - entry.at < NEWS_SECONDS
        return entry if entry is not None and fresh and not heard else newest


def queued(action: Action, now: float) -> Pending:
    """Make the marker of a row whose turn has not come: it never counts as late."""
    return Pending("queued…", action.id, now, float("inf"))


def by_host(targets: Sequence[Row]) -> str:
    """Say how many of them each host has: ``kv1 120, kv2 180``."""
    counts = Counter(row.key.host for row in targets)
    shown = [f"{host} {count}" for host, count in counts.most_common(4)]
    more = len(counts) - len(shown)
    return ", ".join(shown) + (f" and {more} more hosts" if more else "")
