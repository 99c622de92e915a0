"""Groups of the list: in which one a row stands, their order, and how many in each do what."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from enum import StrEnum
from typing import NamedTuple

from tuivm.core.model import Domain, DomainKey, HostStatus, State
from tuivm.core.rows import FRESH_STATES, Row
from tuivm.core.text import natural_key


class Grouping(StrEnum):
    """What the list is grouped by; the words of ``:group``."""

    NONE = "none"
    HOST = "host"
    STATE = "state"
    TAG = "tag"


class GroupKey(NamedTuple):
    """A group's identity within a grouping; never equal to a ``DomainKey``."""

    name: str
    """A host's id, a state's word, a tag in small letters, or one of those below."""


OUT_OF_REACH = GroupKey("out of reach")
"""By state: rows of hosts that don't answer; what they do is not known."""
UNTAGGED = GroupKey("")
UNREAD = GroupKey("\0")
"""By tag: rows whose tags were not read yet. Sanitised tags have no such character."""

Line = DomainKey | GroupKey
"""A line of the list: a row, or the header of a group."""

_URGENCY = {
    GroupKey(state.value): place
    for place, state in enumerate(
        (
            State.CRASHED,
            State.PAUSED,
            State.STOPPING,
            State.SUSPENDED,
            State.RUNNING,
            State.OFF,
            State.UNKNOWN,
        )
    )
} | {OUT_OF_REACH: len(State)}


class Tally:
    """How many rows of a group do what, as far as is known."""

    __slots__ = ("faults", "running", "stale", "total")

    def __init__(self) -> None:
        self.total = self.running = self.faults = self.stale = 0

    def __repr__(self) -> str:
        return f"Tally({self.total}, {self.running}, {self.faults}, {self.stale})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Tally) and repr(self) == repr(other)

    __hash__ = None  # type: ignore[assignment]  # it changes

    def add(self, kind: _Kind, by: int) -> None:
        """Count a row in (1) or out (-1)."""
        self.total += by
        self.running += by * kind.running
        self.faults += by * kind.fault
        self.stale += by * kind.stale

    def notes(self, grouping: Grouping, group: GroupKey) -> list[tuple[str, str]]:
        """Say what is beside the total, each with its role; not what the group's name says."""
        faults = "fault" if self.faults == 1 else "faults"
        found = (
            (self.running if grouping is not Grouping.STATE else 0, "running", "good"),
            (self.faults, faults, "bad"),
            (self.stale if group != OUT_OF_REACH else 0, "out of reach", "warn"),
        )
        return [(f"{count} {word}", role) for count, word, role in found if count]


def vms_text(count: int) -> str:
    """``38 VMs``."""
    return "1 VM" if count == 1 else f"{count or 'no'} VMs"


class _Kind(NamedTuple):
    """What a row counts as."""

    running: bool
    fault: bool
    stale: bool


_KINDS = {
    (running, fault, stale): _Kind(running, fault, stale)
    for running in (False, True)
    for fault in (False, True)
    for stale in (False, True)
}


class _Entry(NamedTuple):
    """A row as it was counted; while the first two are the same objects, nothing changed."""

    domain: Domain
    host: HostStatus
    group: GroupKey
    kind: _Kind


def group_of(row: Row, grouping: Grouping) -> GroupKey:
    """Tell the group in which a row stands.

    A VM with several tags stands in the group of its first one: its own tags come before
    its host's, each in natural order.
    """
    if grouping is Grouping.HOST:
        return GroupKey(row.key.host)
    if grouping is Grouping.STATE:
        return OUT_OF_REACH if row.stale else GroupKey(row.domain.state.value)
    tags = row.tags
    if tags is None:
        return UNREAD
    return GroupKey(tags[0].casefold()) if tags else UNTAGGED


class Groups:
    """The groups of the rows that a filter lets through, kept up to date as rows change."""

    def __init__(self, grouping: Grouping) -> None:
        self.grouping = grouping
        self.tallies: dict[GroupKey, Tally] = {}
        """Counts by group; only groups with rows. Not to be changed by others."""
        self._entries: dict[DomainKey, _Entry] = {}
        self._spelling: dict[GroupKey, str] = {}
        self._same: dict[GroupKey, GroupKey] = {}
        """One object a group: where two are the same one, no text is compared."""

    def fill(self, rows: Iterable[Row]) -> None:
        """Take these rows and no others."""
        self.tallies.clear()
        self._entries.clear()
        for row in rows:
            self.put(row)

    def put(self, row: Row) -> bool:
        """Take a row that is new or has changed; True when its group is another one."""
        key, domain, host = row.key, row.domain, row.host
        before = self._entries.get(key)
        if before is not None and before.domain is domain and before.host is host:
            return False
        group = group_of(row, self.grouping)
        group = self._same.setdefault(group, group)
        stale = host.state not in FRESH_STATES
        kind = _KINDS[not stale and domain.state is State.RUNNING, domain.faulty, stale]
        self._entries[key] = _Entry(domain, host, group, kind)
        if before is not None:
            if before.group == group and before.kind is kind:
                return False
            self._count_out(before)
        tally = self.tallies.get(group)
        if tally is None:
            tally = self.tallies[group] = Tally()
            if self.grouping is Grouping.TAG and row.tags:
                self._spelling.setdefault(group, row.tags[0])
        tally.add(kind, 1)
        return before is None or before.group != group

    def drop(self, key: DomainKey) -> None:
        """Forget a row, where it was known."""
        entry = self._entries.pop(key, None)
        if entry is not None:
            self._count_out(entry)

    def _count_out(self, entry: _Entry) -> None:
        tally = self.tallies[entry.group]
        tally.add(entry.kind, -1)
        if not tally.total:
            del self.tallies[entry.group]

    def of(self, key: DomainKey) -> GroupKey | None:
        """Tell the group of a row, or None for one that isn't here."""
        entry = self._entries.get(key)
        return None if entry is None else entry.group

    def title(self, group: GroupKey) -> str:
        """Name a group as people do."""
        if self.grouping is Grouping.TAG:
            if group == UNTAGGED:
                return "no tag"
            if group == UNREAD:
                return "tags not read yet"
            return self._spelling.get(group, group.name)
        return group.name

    def arrange(
        self,
        keys: Iterable[DomainKey],
        folded: Collection[GroupKey],
        hosts: Mapping[str, object],
        empty: bool,
    ) -> tuple[list[DomainKey], list[Line]]:
        """Put rows into the order of groups.

        Args:
            keys: Rows that were ``put``, in the order that they have within a group.
            folded: Groups of which only the header is a line.
            hosts: All hosts, in their order.
            empty: By host, give those without a row a header too.

        Returns:
            All rows in their order, and the lines of the list.
        """
        found: defaultdict[GroupKey, list[DomainKey]] = defaultdict(list)
        entries = self._entries
        for key in keys:
            found[entries[key][2]].append(key)
        if empty and self.grouping is Grouping.HOST:
            for host in hosts:
                found.setdefault(GroupKey(host), [])
        ordered: list[DomainKey] = []
        lines: list[Line] = []
        for group in self._sorted(found, hosts):
            lines.append(group)
            ordered += found[group]
            if group not in folded:
                lines += found[group]
        return ordered, lines

    def _sorted(self, groups: Iterable[GroupKey], hosts: Iterable[str]) -> list[GroupKey]:
        if self.grouping is Grouping.HOST:
            places = {host: place for place, host in enumerate(hosts)}
            return sorted(groups, key=lambda group: places.get(group.name, len(places)))
        if self.grouping is Grouping.STATE:
            return sorted(groups, key=_URGENCY.__getitem__)
        return sorted(
            groups,
            key=lambda group: (group == UNREAD, group == UNTAGGED, natural_key(group.name)),
        )
