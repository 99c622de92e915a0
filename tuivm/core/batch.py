"""What goes between the backend and the screens all the time: changes there, attention back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from tuivm.core.jobs import DomainJob
    from tuivm.core.model import Domain, DomainKey, HostStatus, LogEntry, Stats
    from tuivm.core.question import Question


@dataclass(slots=True, eq=False, repr=False)
class Batch:
    """What changed since the last ``Backend.drain``; later values replaced earlier ones."""

    hosts: dict[str, HostStatus] = field(default_factory=dict)
    domains: dict[DomainKey, Domain | None] = field(default_factory=dict)
    """None removes the domain."""
    stats: dict[DomainKey, Stats | None] = field(default_factory=dict)
    """None: it no longer runs, its numbers are gone."""
    jobs: dict[DomainKey, DomainJob | None] = field(default_factory=dict)
    """None: the domain has no job any more."""
    entries: list[LogEntry] = field(default_factory=list)
    """In the order in which they happened; never merged."""
    questions: dict[int, Question | None] = field(default_factory=dict)
    """By id; None: it needs no answer any more."""
    dropped: set[str] = field(default_factory=set)
    """Hosts of which nothing that was told before holds: forgotten, or disconnected.

    They come before all else: what the batch tells of such a host is of its next life.
    """
    order: tuple[str, ...] = ()
    """All hosts in order, when that changed; else empty."""

    def drop(self, host: str) -> None:
        """Take out what it tells of a host, and tell that nothing of before holds."""
        self.dropped.add(host)
        self.hosts.pop(host, None)
        told: tuple[dict[DomainKey, Any], ...] = (self.domains, self.stats, self.jobs)
        for news in told:
            for key in [key for key in news if key.host == host]:
                del news[key]
        for number, asked in [*self.questions.items()]:
            if asked is not None and asked.host == host:
                self.questions[number] = None

    def __bool__(self) -> bool:
        news = (self.hosts, self.domains, self.stats, self.jobs, self.entries, self.questions)
        return any(news) or bool(self.dropped or self.order)


class Focus(NamedTuple):
    """What the user is looking at, so that reads follow the eyes."""

    visible: tuple[DomainKey, ...] = ()
    """Rows on screen: full statistics, XML facts first, addresses."""
    detail: DomainKey | None = None
    """The domain whose details are open."""
    hosts: bool = False
    """True while the hosts are on screen: how busy each is."""
    hidden: bool = False
    """True while the program is suspended or its terminal is out of sight."""
    blurred: bool = False
    """True while the user works in another window: numbers are read less often."""
