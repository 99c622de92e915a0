"""A stand-in for the UI: takes batches as they come and waits for what a test expects."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from typing import Any, TypeVar

from tuivm.backend.fleet import Fleet
from tuivm.backend.task import Timing
from tuivm.core.errors import TuivmError
from tuivm.core.jobs import DomainJob
from tuivm.core.model import Domain, DomainKey, HostState, HostStatus, LogEntry, State, Stats
from tuivm.core.question import Question, QuestionKind

T = TypeVar("T")

PATIENCE = 60.0
"""Seconds before a test gives up: generous, as the machine may be busy."""

QUICK = Timing(
    open=1.0,
    keepalive=1,
    keepalive_count=1,
    probe=0.2,
    late=0.3,
    read=2.0,
    backoff=0.05,
    backoff_max=0.2,
    stable=0.5,
    stats=0.05,
    addresses=0.2,
)
"""Everything that takes seconds in real life, short: trouble is met at once, on a busy machine
even where there is none."""
PATIENT = QUICK._replace(
    open=60.0, keepalive=60, keepalive_count=5, late=30.0, dead=120.0, read=60.0, sweep=60.0
)
"""The same for connections that have to hold, however busy the machine is."""


class Watcher:
    """Owns a fleet, drains it on wake-ups, and remembers what it told."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet
        self.hosts: dict[str, HostStatus] = {}
        self.states: list[tuple[str, HostState]] = []
        """The state of every status that arrived; quick ones replace each other on the way."""
        self.domains: dict[DomainKey, Domain] = {}
        self.history: list[Domain | None] = []
        """Every row told, in order."""
        self.stats: dict[DomainKey, Stats] = {}
        self.jobs: dict[DomainKey, DomainJob] = {}
        self.samples = 0
        self.entries: list[LogEntry] = []
        self.questions: dict[int, Question | None] = {}
        self.wakes = 0
        self._woken = threading.Event()

    def __enter__(self) -> Watcher:
        self.fleet.start(self._wake)
        return self

    def __exit__(self, *_: object) -> None:
        self.fleet.stop(5.0)

    def _wake(self) -> None:
        self.wakes += 1
        self._woken.set()

    def drain(self) -> None:
        """Take what there is."""
        self._woken.clear()
        batch = self.fleet.drain()
        for host in batch.dropped:
            self.hosts.pop(host, None)
            for key in [key for key in self.domains if key.host == host]:
                del self.domains[key]
                self.stats.pop(key, None)
        for status in batch.hosts.values():
            self.states.append((status.id, status.state))
            self.hosts[status.id] = status
        for key, domain in batch.domains.items():
            self.history.append(domain)
            if domain is None:
                self.domains.pop(key, None)
            else:
                self.domains[key] = domain
        for key, sample in batch.stats.items():
            if sample is None:
                self.stats.pop(key, None)
            else:
                self.samples += 1
                self.stats[key] = sample
        for key, job in batch.jobs.items():
            self.jobs.pop(key, None)
            if job is not None:
                self.jobs[key] = job
        self.entries += batch.entries
        self.questions |= batch.questions

    def wait(self, condition: Callable[[], object], patience: float = PATIENCE) -> float:
        """Drain until the condition holds; returns the seconds it took."""
        began = time.monotonic()
        self.drain()
        while not condition():
            left = began + patience - time.monotonic()
            assert left > 0, f"gave up: {self.hosts} {self.states} {self.entries[-5:]}"
            self._woken.wait(min(left, 0.05))
            self.drain()
        return time.monotonic() - began

    def quiet(self, seconds: float) -> int:
        """The wake-ups within a time."""
        self.drain()
        before = self.wakes
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if self._woken.wait(left):
                self.drain()
        return self.wakes - before

    def reply(self, text: str | None, kind: QuestionKind | None = None) -> Question:
        """Answer the next question, which has to be of that kind; returns it."""
        self.wait(lambda: any(self.questions.values()))
        question = next(question for question in self.questions.values() if question)
        assert kind in (None, question.kind), question
        self.fleet.answer(question.id, text)
        self.wait(lambda: self.questions[question.id] is None)
        return question

    def up(self, *, patience: float = PATIENCE) -> Watcher:
        """Wait until all hosts are up and listed."""
        self.wait(
            lambda: (
                len(self.hosts) == len(self.fleet.hosts)
                and all(status.state is HostState.UP for status in self.hosts.values())
            ),
            patience,
        )
        return self

    def state(self, host: str = "") -> HostState:
        """The state of a host, of the first one by default."""
        return (self.hosts[host] if host else next(iter(self.hosts.values()))).state

    def domain(self, name: str) -> Domain:
        """The row of that name."""
        return next(d for d in self.domains.values() if d.name == name)

    def running(self) -> Domain:
        """One row that runs."""
        return next(d for d in self.domains.values() if d.state is State.RUNNING)

    def names(self) -> set[str]:
        """The names of all rows."""
        return {domain.name for domain in self.domains.values()}

    def texts(self) -> list[str]:
        """The texts of all log lines."""
        return [entry.text for entry in self.entries]

    def run(self, name: str, verb: str, args: Mapping[str, str] | None = None) -> str:
        """Do a verb and return its note; raises what it failed with."""
        return result(self.fleet.run(self.domain(name).key, verb, args or {}))


def watch(
    uris: str | Sequence[str], timing: Timing = PATIENT, *, readonly: bool = False
) -> Watcher:
    """A watcher for the hosts of some URIs."""
    return Watcher(
        Fleet([uris] if isinstance(uris, str) else uris, timing=timing, readonly=readonly)
    )


def result(future: Future[T], patience: float = PATIENCE) -> T:
    """What a future comes to."""
    return future.result(patience)


def failure(future: Future[Any], patience: float = PATIENCE) -> TuivmError:
    """What a future fails with."""
    error = future.exception(patience)
    assert isinstance(error, TuivmError), error
    return error
