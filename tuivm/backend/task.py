"""What a host does again and again in the background, and the figures that pace it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import libvirt

from tuivm.backend.link import LaneName
from tuivm.core.errors import TuivmError


class Timing(NamedTuple):
    """All times of a host, in seconds; tests make them short."""

    open: float = 15.0
    """An attempt to connect that takes longer is given up."""
    keepalive: int = 5
    keepalive_count: int = 3
    probe: float = 5.0
    """A host that was silent for this long is asked whether it lives."""
    late: float = 2.0
    """An answer later than this makes the host DEGRADED."""
    dead: float = 40.0
    """A probe unanswered for this long means that the link is lost, keepalive or not."""
    read: float = 10.0
    """Deadline of reads."""
    sync: float = 60.0
    """Deadline of the whole inventory."""
    reconcile: float = 30.0
    """Between whole inventories of a local host; twice that for others."""
    blind_reconcile: float = 3.0
    """The same where the driver tells no events."""
    backoff: float = 1.0
    """Before the first attempt to connect again; doubles each time."""
    backoff_max: float = 60.0
    stable: float = 60.0
    """A connection that held this long lets the next backoff start afresh."""
    stats: float = 1.0
    """The shortest time between two samples."""
    duty: float = 0.2
    """The largest part of the time that is spent on samples."""
    sweep: float = 5.0
    """Deadline of a sample of all domains."""
    addresses: float = 30.0
    """Between two looks for the addresses of one domain."""
    facts_rate: float = 50.0
    """XML documents a second that are read in the background."""


class Task(Protocol):
    """Background work of a host, one call at a time; lives on the keeper thread.

    ``begin`` returns a function that runs on a lane's thread and must not touch the task;
    its result comes back to ``done`` on the keeper thread.
    """

    call: str
    """The libvirt call, for errors."""
    lane: LaneName
    """Where it runs: ``side`` when it may wait for a guest."""
    deadline: float

    def due(self) -> float | None:
        """``time.monotonic()`` at which it wants to run; None while it has nothing to do."""

    def begin(self, now: float) -> Callable[[libvirt.virConnect], Any]:
        """Say what to read now."""

    def done(self, result: Any, now: float) -> None:
        """Take what was read."""

    def failed(self, error: TuivmError, now: float) -> None:
        """Take a failure and decide when to try again."""
