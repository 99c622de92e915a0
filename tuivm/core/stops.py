"""Shutdowns under way: each is followed until its domain is off, or until somebody lets it be.

A request to a guest is only a request. ``Stops`` knows when each was made, what was seen
since, which has to be made again, and which is late. It asks nobody anything: whoever
drives it (``screens.following``) does what ``tick`` says. For the UI thread only.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from tuivm.core.actions import ACTIONS
from tuivm.core.model import DomainKey, LogEntry, State
from tuivm.core.rows import Row
from tuivm.core.text import duration_text

if TYPE_CHECKING:
    from tuivm.core.causes import Cause

BOOT_SECONDS = 60.0
"""A guest that has run for less when it is asked may not hear it yet: it is asked twice."""
AGENT_CAME = "guest agent connected"
"""What the log says when a guest's agent is there (``backend.events``)."""


@dataclass(slots=True, eq=False, repr=False)
class Stop:
    """One domain that was asked to shut down."""

    key: DomainKey
    name: str
    action_id: str
    args: Mapping[str, str]
    group: int
    """The request that it was made with; several domains may share one."""
    asked: float
    """``time.monotonic()`` of the first request."""
    since: float
    """When waiting began: as ``asked``, later once somebody chose to wait on."""
    patience: float
    booting: bool
    """It had just been started: it is asked once more."""
    bulk: int = 0
    """The number of the verb on many VMs (``LogEntry.bulk``) that it is a part of."""
    note: str = ""
    """How it was asked: ``asked by the guest agent``."""
    doing: str = ""
    """What was last seen of it: an event, or what its console does."""
    lost: bool = False
    """Its host is out of reach: what became of it is not known."""
    late: bool = False
    causes: tuple[Cause, ...] | None = None
    """What stands in its way; None while nobody has looked."""

    @property
    def button(self) -> bool:
        """False when its agent alone was asked: no power button was pressed."""
        from tuivm.core.shutdown import BY_AGENT

        return self.args.get("mode") != "agent" and self.note != BY_AGENT

    @property
    def marker(self) -> str:
        """What the list calls it."""
        return "won't stop" if self.late else "stopping"


@dataclass(slots=True, eq=False, repr=False)
class Group:
    """The domains of one request."""

    names: dict[DomainKey, str] = field(default_factory=dict)
    off: set[DomainKey] = field(default_factory=set)
    open: bool = True
    """True while more may be asked with it."""
    alone: bool = False
    """True when it is of one domain: nobody else is waited for, even before it was answered."""
    told: bool = False
    """True once it was said what became of it."""


class Ended(NamedTuple):
    """A domain that is off."""

    stop: Stop
    seconds: float


class Due(NamedTuple):
    """What has to be done now."""

    again: tuple[Stop, ...]
    """Guests to be asked once more: they were booting."""
    late: tuple[int, ...]
    """Groups of which all that is left is late: time to say why."""


class Stops:
    """All shutdowns under way, by domain."""

    def __init__(self) -> None:
        self.by_key: dict[DomainKey, Stop] = {}
        """In the order in which they were asked."""
        self.groups: dict[int, Group] = {}
        self._next = 0

    def __len__(self) -> int:
        return len(self.by_key)

    @property
    def late(self) -> list[Stop]:
        """Those that do not stop."""
        return [stop for stop in self.by_key.values() if stop.late]

    def new_group(self, *, alone: bool = False) -> int:
        """Begin a request to one or more domains."""
        self._next += 1
        self.groups[self._next] = Group(alone=alone)
        return self._next

    def close_group(self, number: int) -> None:
        """A request was sent to all of its domains."""
        if number in self.groups:
            self.groups[number].open = False

    def add(
        self,
        row: Row,
        action_id: str,
        args: Mapping[str, str],
        group: int,
        *,
        now: float,
        wall: float,
        patience: float,
        bulk: int = 0,
    ) -> Stop:
        """Follow a domain that is asked now (``time.monotonic()``, and ``wall`` the clock).

        One that is followed already keeps the time of its first request.
        """
        before = self.by_key.pop(row.key, None)
        started = row.domain.started_at
        young = started is not None and wall - started < BOOT_SECONDS
        stop = Stop(
            row.key,
            row.domain.name,
            action_id,
            dict(args),
            group,
            asked=now if before is None else before.asked,
            since=now,
            patience=patience,
            booting=young and not args.get("again"),
            bulk=bulk,
        )
        if before is not None:
            self._forget(before)
            stop.doing = before.doing
        self.by_key[row.key] = stop
        self.groups[group].names[row.key] = row.domain.name
        return stop

    def drop(self, key: DomainKey) -> Stop | None:
        """Follow a domain no longer, whatever it does."""
        stop = self.by_key.pop(key, None)
        if stop is not None:
            self._forget(stop)
        return stop

    def drop_hosts(self, hosts: Collection[str]) -> None:
        """Follow nothing on these hosts any longer: what becomes of it is not seen."""
        for key in [key for key in self.by_key if key.host in hosts]:
            self.drop(key)

    def _forget(self, stop: Stop) -> None:
        group = self.groups.get(stop.group)
        if group is not None:
            group.names.pop(stop.key, None)
            if not group.names and not group.open:
                del self.groups[stop.group]

    def wait_on(self, key: DomainKey, now: float) -> None:
        """Be patient once more."""
        stop = self.by_key.get(key)
        if stop is not None:
            stop.since, stop.late, stop.causes = now, False, None
            group = self.groups.get(stop.group)
            if group is not None:
                group.told = False

    def see(
        self, changed: Iterable[DomainKey], rows: Mapping[DomainKey, Row], now: float
    ) -> list[Ended]:
        """Take changed rows; returns the domains that are off now, which are followed no more."""
        ended = []
        for key in [key for key in changed if key in self.by_key]:
            stop, row = self.by_key[key], rows.get(key)
            wants = ACTIONS[stop.action_id].wants
            if row is not None and not (wants is not None and wants(row.domain)):
                if row.domain.state is State.STOPPING:
                    stop.doing = "its guest powers off"
                continue
            del self.by_key[key]
            group = self.groups.get(stop.group)
            if group is not None:
                group.off.add(key)
            ended.append(Ended(stop, now - stop.asked))
        return ended

    def hear(self, entries: Iterable[LogEntry]) -> None:
        """Take log lines: what the guest does shows in its events."""
        for entry in entries:
            stop = self.by_key.get(DomainKey(entry.host, entry.uuid)) if entry.uuid else None
            if stop is not None and not entry.virsh:
                stop.doing = entry.text.removeprefix(stop.name).strip(" :")

    def tick(self, now: float) -> Due:
        """Let time pass; returns what has to be done."""
        again: list[Stop] = []
        for stop in self.by_key.values():
            waited = now - stop.since
            if stop.lost:
                # Nobody saw whether it stopped; once its host is back all is asked afresh.
                stop.late, stop.causes = False, None
                continue
            ready = AGENT_CAME in stop.doing or waited >= stop.patience / 2
            if stop.booting and ready:
                stop.booting = False
                again.append(stop)
            if waited >= stop.patience:
                stop.late = True
        return Due(tuple(again), tuple(self._settled()))

    def _settled(self) -> Iterable[int]:
        for number, group in [*self.groups.items()]:
            if group.open and not (group.alone and group.names):
                continue
            left = [self.by_key[key] for key in group.names if key in self.by_key]
            if not left:
                if len(group.names) > 1 and not group.told:
                    group.told = True
                    yield number
                else:
                    del self.groups[number]
            elif not group.told and all(stop.late for stop in left):
                group.told = True
                yield number

    def members(self, number: int) -> list[Stop]:
        """Those of a request that are still followed."""
        group = self.groups.get(number)
        names = () if group is None else group.names
        return [self.by_key[key] for key in names if key in self.by_key]


def told(stop: Stop, now: float, why: str) -> str:
    """Say in one line how one stands; ``why`` names the key that shows more, or is empty."""
    waited = duration_text(now - stop.asked)
    if stop.late:
        return f"{stop.name} does not stop after {waited}{why}: {standing(stop)}"
    said = standing(stop)
    return f"{stop.name} is stopping, {waited}{', ' if said else ''}{said}"


def waiting(stop: Stop, now: float) -> str:
    """Say how long one has been asked for, how, and what it was last seen to do."""
    what = "does not stop" if stop.late else "is stopping"
    said = _seen(stop)
    return f"{stop.name} {what}, {duration_text(now - stop.asked)}{', ' if said else ''}{said}"


def standing(stop: Stop) -> str:
    """Say why one does not stop, or while it may yet: how it was asked and what it does."""
    if not stop.late:
        return _seen(stop)
    if stop.causes is None:
        return "looking into it…"
    return stop.causes[0].title if stop.causes else "no cause shows from outside"


def _seen(stop: Stop) -> str:
    if stop.lost:
        return f"{stop.key.host} is out of reach: what became of it is not known"
    return "; ".join(part for part in (stop.note.partition(",")[0], stop.doing) if part)


def verdict(stops: list[Stop], off: int, now: float, why: str) -> str:
    """Say in one line what became of a request to one or more domains.

    ``why`` names the key that shows more, or is empty.
    """
    if not stops:
        return f"Shut down: all {off} are off"
    if len(stops) == 1 and off == 0:
        return told(stops[0], now, why)
    found: dict[str, int] = {}
    for stop in stops:
        if stop.causes:
            found[stop.causes[0].title] = found.get(stop.causes[0].title, 0) + 1
    counted = "; ".join(f"{count} x {title}" for title, count in found.items())
    if len(found) == 1 and sum(found.values()) == len(stops):
        counted = next(iter(found))
    waited = duration_text(max(now - stop.asked for stop in stops))
    head = f"{len(stops)} of {len(stops) + off} do not stop after {waited}{why}"
    return f"{head}: {counted}" if counted else head
