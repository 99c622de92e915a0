"""One host's way to the screen, which can be closed for good."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING

from tuivm.backend.news import News
from tuivm.core.model import Domain, DomainKey, HostStatus, LogEntry, Stats

if TYPE_CHECKING:
    from tuivm.core.jobs import DomainJob


class Outlet:
    """Implements ``backend.sink.Sink``: passes on what a host tells until it is closed.

    A host that was forgotten may have threads that are still on their way out.
    """

    def __init__(self, news: News) -> None:
        self._news = news
        self._lock = threading.Lock()
        self._open = True

    def close(self, host: str) -> None:
        """Let nothing more through; what waits for the screen is taken back. Any thread."""
        with self._lock:
            self._open = False
            self._news.drop(host)

    def host(self, status: HostStatus) -> None:
        """See ``Sink``."""
        with self._lock:
            if self._open:
                self._news.host(status)

    def domains(self, changed: dict[DomainKey, Domain | None]) -> None:
        """See ``Sink``."""
        with self._lock:
            if self._open:
                self._news.domains(changed)

    def stats(self, changed: dict[DomainKey, Stats | None]) -> None:
        """See ``Sink``."""
        with self._lock:
            if self._open:
                self._news.stats(changed)

    def jobs(self, changed: dict[DomainKey, DomainJob | None]) -> None:
        """See ``Sink``."""
        with self._lock:
            if self._open:
                self._news.jobs(changed)

    def entries(self, entries: Iterable[LogEntry]) -> None:
        """See ``Sink``."""
        with self._lock:
            if self._open:
                self._news.entries(entries)
