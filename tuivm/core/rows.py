"""What the list knows of one domain: its record, its numbers, and what is under way."""

from __future__ import annotations

from typing import NamedTuple

from tuivm.core.history import EMPTY, History
from tuivm.core.model import (
    Domain,
    DomainKey,
    HostState,
    HostStatus,
    LogEntry,
    Stats,
)
from tuivm.core.text import natural_key


class Pending(NamedTuple):
    """An action that was sent and whose effect has not been seen yet."""

    text: str
    """What the list shows: ``starting…``."""
    action_id: str
    since: float
    """``time.monotonic()`` when it was sent."""
    until: float
    """``time.monotonic()`` at which the log says that nothing happened."""
    late: bool = False
    """True when it should have been seen by now (``core.stops``)."""


class HostCell:
    """Where all rows of a host find its newest status, so that a probe replaces no row."""

    __slots__ = ("status",)

    def __init__(self, status: HostStatus) -> None:
        self.status = status


class Row:
    """One domain as the screens see it. Never changed: the store replaces it.

    ``host`` alone is live: it is always the host's newest status.
    """

    __slots__ = (
        "_cell",
        "_search",
        "_sort_name",
        "domain",
        "history",
        "key",
        "pending",
        "sizes",
        "stats",
        "version",
    )

    def __init__(
        self,
        domain: Domain,
        cell: HostCell,
        version: int = 0,
        stats: Stats | None = None,
        pending: Pending | None = None,
        history: History = EMPTY,
        like: Row | None = None,
    ) -> None:
        """Build a row; ``like`` is the same domain's row before, whose derived texts still hold."""
        self.key: DomainKey = domain.key
        self.domain = domain
        self.stats = stats
        """The newest sample, or None when it does not run or was not measured yet."""
        self.pending = pending
        self.history = history
        self.version = version
        """Grows with every change of any row: what is painted of a row depends on it."""
        self._cell = cell
        if like is None or like.domain is not domain:
            like = None
        self._search: str | None = None if like is None else like._search
        self._sort_name: str | None = None if like is None else like._sort_name
        self.sizes: tuple[int, ...] | None = None if like is None else like.sizes
        """Cells that its texts take, once ``core.columns`` measured them."""

    @property
    def host(self) -> HostStatus:
        """The newest status of its host."""
        return self._cell.status

    @property
    def stale(self) -> bool:
        """True when the host is out of reach: what is shown is from ``host.seen_at``."""
        return self._cell.status.state not in FRESH_STATES

    @property
    def live_stats(self) -> Stats | None:
        """The newest sample, unless the host is out of reach."""
        return None if self.stale else self.stats

    @property
    def tags(self) -> tuple[str, ...] | None:
        """The VM's tags and its host's; None while the VM's are unknown and its host has none."""
        facts, inherited = self.domain.facts, self._cell.status.tags
        if facts is None:
            return inherited or None
        return (*facts.tags, *inherited) if inherited else facts.tags

    @property
    def search(self) -> str:
        """What a bare word of a filter is looked for in: name, title and addresses."""
        text = self._search
        if text is None:
            domain = self.domain
            title = "" if domain.facts is None else domain.facts.title
            parts = (domain.name, title, *(address.ip for address in domain.addresses))
            text = self._search = "\n".join(parts).casefold()
        return text

    @property
    def sort_name(self) -> str:
        """The key by which rows are in natural order of names, unique in a fleet."""
        text = self._sort_name
        if text is None:
            key = self.key
            text = self._sort_name = f"{natural_key(self.domain.name)}\0{key.host}\0{key.uuid}"
        return text

    def __repr__(self) -> str:
        domain = self.domain
        return f"Row({domain.name!r}, {domain.state.value!r}, host={self.key.host!r})"


# Not a set: an enumeration's hash is Python, and this is asked of every row.
FRESH_STATES = (HostState.UP, HostState.DEGRADED, HostState.SYNCING)
"""Connection states in which a row's record is what the host says."""


class Changes(NamedTuple):
    """What one step of the store changed."""

    keys: frozenset[DomainKey] = frozenset()
    """Rows that were added, replaced or removed."""
    membership: bool = False
    """True when rows were added or removed."""
    hosts: frozenset[str] = frozenset()
    """Hosts with a new status."""
    entries: tuple[LogEntry, ...] = ()
    """New lines of the event log."""

    jobs: frozenset[DomainKey] = frozenset()
    """Domains whose job came, went on or ended."""
    questions: frozenset[int] = frozenset()
    """Questions that came, or need no answer any more."""
    dropped: frozenset[str] = frozenset()
    """Hosts whose rows went because the host did: nothing is known of what became of them."""
    more: bool = False
    """True for a part of one report: the rest follows, and after it a step without this."""

    def __bool__(self) -> bool:
        return bool(self.keys or self.hosts or self.entries or self.jobs or self.questions)
