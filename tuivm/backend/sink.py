"""Who hears of what hosts find out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol

from tuivm.core.model import Domain, DomainKey, HostStatus, LogEntry, Stats

if TYPE_CHECKING:
    from tuivm.core.jobs import DomainJob


class Sink(Protocol):
    """Who is told of a host's changes. Called on the host's threads."""

    def host(self, status: HostStatus) -> None:
        """Take the host's new status."""

    def domains(self, changed: dict[DomainKey, Domain | None]) -> None:
        """Take rows; None for those that went."""

    def stats(self, changed: dict[DomainKey, Stats | None]) -> None:
        """Take samples; None for domains that no longer run."""

    def jobs(self, changed: dict[DomainKey, DomainJob | None]) -> None:
        """Take jobs; None for those that ended."""

    def entries(self, entries: Iterable[LogEntry]) -> None:
        """Take log lines in their order."""
