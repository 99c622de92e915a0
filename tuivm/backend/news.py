"""What all hosts tell, merged until the screen takes it."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from tuivm.core.batch import Batch
from tuivm.core.model import Domain, DomainKey, HostStatus, LogEntry, Stats
from tuivm.core.question import Question

if TYPE_CHECKING:
    from tuivm.core.jobs import DomainJob

MAX_ENTRIES = 5000
"""Log lines that wait for the screen; older ones are dropped for newer ones."""


class News:
    """Implements ``backend.sink.Sink``: later values replace earlier ones. Any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._batch = Batch()
        self._entries: deque[LogEntry] = deque(maxlen=MAX_ENTRIES)
        self._wake: Callable[[], None] | None = None
        self._woken = False

    def listen(self, wake: Callable[[], None] | None) -> None:
        """Have ``wake`` called once until the next ``drain``; None ends that."""
        self._wake = wake

    def drain(self) -> Batch:
        """Take what changed since the last time."""
        with self._lock:
            batch, self._batch = self._batch, Batch()
            batch.entries = list(self._entries)
            self._entries.clear()
            self._woken = False
        return batch

    def drop(self, host: str) -> None:
        """Take back what is told of a host, and tell that nothing of before holds."""
        with self._lock:
            self._batch.drop(host)
        self._tell()

    def order(self, hosts: Iterable[str]) -> None:
        """Take the order of all hosts."""
        with self._lock:
            self._batch.order = tuple(hosts)
        self._tell()

    def host(self, status: HostStatus) -> None:
        """Take a host's status."""
        with self._lock:
            self._batch.hosts[status.id] = status
        self._tell()

    def domains(self, changed: dict[DomainKey, Domain | None]) -> None:
        """Take rows."""
        with self._lock:
            self._batch.domains.update(changed)
        self._tell()

    def stats(self, changed: dict[DomainKey, Stats | None]) -> None:
        """Take samples."""
        with self._lock:
            self._batch.stats.update(changed)
        self._tell()

    def jobs(self, changed: dict[DomainKey, DomainJob | None]) -> None:
        """Take jobs."""
        with self._lock:
            self._batch.jobs.update(changed)
        self._tell()

    def questions(self, changed: dict[int, Question | None]) -> None:
        """Take questions; None for those that need no answer any more."""
        with self._lock:
            self._batch.questions.update(changed)
        self._tell()

    def entries(self, entries: Iterable[LogEntry]) -> None:
        """Take log lines."""
        with self._lock:
            self._entries.extend(entries)
        self._tell()

    def _tell(self) -> None:
        with self._lock:
            wake = None if self._woken else self._wake
            self._woken = True
        if wake is not None:
            wake()
