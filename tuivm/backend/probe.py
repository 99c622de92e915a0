"""Small standing tasks of a host: does it still answer, and what is it."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

import libvirt

from tuivm.backend import errors, events
from tuivm.backend.connection import hear_close
from tuivm.backend.lane import Lane
from tuivm.backend.link import LaneName
from tuivm.backend.task import Timing
from tuivm.core.errors import TuivmError
from tuivm.core.text import sanitise

_LATENCY_STEP = 0.01
"""Seconds by which the round trip must differ to be told again: an idle host is silent."""
_PORTION = 0.1
"""Seconds of registering events before others get their turn."""
_RECENT = 5
"""Round trips whose median counts: a busy moment is not a slow link."""


class Probe:
    """Asks for the daemon's version when nothing else was answered for a while."""

    call = "virConnectGetLibVersion"
    lane: LaneName = "main"

    def __init__(
        self,
        lane: Lane,
        timing: Timing,
        latency: Callable[[], float | None],
        tell: Callable[[float], None],
        dead: Callable[[TuivmError], None],
    ) -> None:
        self._lane = lane
        self._timing = timing
        self._tell = tell
        self._dead = dead
        self._asked_at = 0.0
        self._latency = latency
        self._recent: deque[float] = deque(maxlen=_RECENT)
        self.deadline = timing.dead

    def due(self) -> float | None:
        """After a silence of ``Timing.probe``; sooner when a call under way is late."""
        since = max(self._lane.answered_at, self._asked_at)
        return since + (self._timing.late if self._lane.busy else self._timing.probe)

    def begin(self, now: float) -> Callable[[libvirt.virConnect], Any]:
        """Ask the cheapest question that goes to the daemon and needs no lock there."""
        self._asked_at = now
        return _round_trip

    def done(self, result: float, now: float) -> None:
        """Tell the latency when it changed much."""
        self._recent.append(result)
        usual, last = self.usual, self._latency()
        assert usual is not None
        if last is None or abs(usual - last) > max(_LATENCY_STEP, last / 2):
            self._tell(usual)

    @property
    def usual(self) -> float | None:
        """Seconds of a round trip as last measured, told or not; None before the first."""
        return sorted(self._recent)[len(self._recent) // 2] if self._recent else None

    def failed(self, error: TuivmError, now: float) -> None:
        """An unanswered probe ends the link, whatever keepalive thinks of it."""
        self._dead(error)


class Introduction:
    """Once a link: what the host is, and the events that are not urgent.

    In portions, as each event is a round trip of its own and others wait meanwhile.
    """

    call = "virConnectGetHostname"
    lane: LaneName = "main"

    def __init__(
        self,
        timing: Timing,
        sink: events.Sink,
        on_close: Callable[[int], None],
        callbacks: list[int],
        tell: Callable[[dict[str, Any]], None],
        done: Callable[[], None],
    ) -> None:
        """``callbacks`` takes the ids of what is registered, as soon as it is.

        ``on_close`` hears libvirt's reason when the connection breaks.
        """
        self._sink = sink
        self._on_close = on_close
        self._callbacks = callbacks
        self._tell = tell
        self._done = done
        self._met = False
        self._events = deque(events.OTHERS)
        self._next_at: float | None = 0.0
        self.deadline = timing.sync

    def due(self) -> float | None:
        """At once until it is done."""
        return self._next_at

    def begin(self, now: float) -> Callable[[libvirt.virConnect], Any]:
        """Hear of the connection's end and read the host's facts, then listen to events."""
        self._next_at = None
        if not self._met:
            return partial(_meet, on_close=self._on_close)
        return partial(_listen, wanted=self._events, sink=self._sink, callbacks=self._callbacks)

    def done(self, result: dict[str, Any] | None, now: float) -> None:
        """Pass the facts on; go on as long as there is something to listen to."""
        if result is not None:
            self._met = True
            self._tell(result)
        if self._events:
            self._next_at = now
        else:
            self._done()

    def failed(self, error: TuivmError, now: float) -> None:
        """The link is in trouble; the next one tries again."""


class Hears(Protocol):
    """A function of a connection that some drivers lack."""

    def __call__(self) -> Any:
        """Ask."""


def read_host(conn: libvirt.virConnect) -> dict[str, Any]:
    """Fields of ``HostStatus`` that the driver can tell; raises when the link breaks."""
    kind = _ask(conn.getType)
    version = _ask(conn.getVersion)
    info = _ask(conn.getInfo)
    library = _ask(conn.getLibVersion)
    name = {"QEMU": "QEMU", "TEST": "test driver"}.get(str(kind).upper(), str(kind or ""))
    return {
        "hostname": sanitise(str(_ask(conn.getHostname) or ""), 80),
        "hypervisor": sanitise(f"{name} {version_text(version)}".strip(), 80),
        "libvirt": version_text(library),
        "cpus": int(info[2]) if info else None,
        "memory": int(info[1]) << 20 if info else None,
    }


def version_text(number: int | None) -> str:
    """Write libvirt's number of a version as people do: 9000001 is 9.0.1."""
    if not number:
        return ""
    return f"{number // 1_000_000}.{number // 1000 % 1000}.{number % 1000}"


def _meet(conn: libvirt.virConnect, on_close: Callable[[int], None]) -> dict[str, Any]:
    hear_close(conn, on_close)
    return read_host(conn)


def _ask(question: Hears) -> Any:
    try:
        return question()
    except libvirt.libvirtError as error:
        if errors.broken(error):
            raise
        return None


def _listen(
    conn: libvirt.virConnect, wanted: deque[int], sink: events.Sink, callbacks: list[int]
) -> None:
    until = time.monotonic() + _PORTION
    while wanted and time.monotonic() < until:
        callback = events.register(conn, wanted.popleft(), sink)
        if callback is not None:
            callbacks.append(callback)


def _round_trip(conn: libvirt.virConnect) -> float:
    began = time.monotonic()
    conn.getLibVersion()
    return time.monotonic() - began
