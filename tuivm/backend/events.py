"""What hosts tell unasked: which events are listened to, what they touch, and how they read.

Callbacks run on the one event thread of all hosts: they take names out of the handle,
hand over a tuple and return.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import libvirt

from tuivm.backend import loop
from tuivm.backend.eventwords import LIFECYCLE as LIFECYCLE_WORDS
from tuivm.backend.eventwords import OTHER, Said
from tuivm.core.model import LogEntry, Severity
from tuivm.core.text import sanitise

logger = logging.getLogger(__name__)

LIFECYCLE = libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE

OTHERS: tuple[int, ...] = (
    libvirt.VIR_DOMAIN_EVENT_ID_REBOOT,
    libvirt.VIR_DOMAIN_EVENT_ID_WATCHDOG,
    libvirt.VIR_DOMAIN_EVENT_ID_IO_ERROR_REASON,
    libvirt.VIR_DOMAIN_EVENT_ID_CONTROL_ERROR,
    libvirt.VIR_DOMAIN_EVENT_ID_BLOCK_JOB_2,
    libvirt.VIR_DOMAIN_EVENT_ID_DISK_CHANGE,
    libvirt.VIR_DOMAIN_EVENT_ID_TRAY_CHANGE,
    libvirt.VIR_DOMAIN_EVENT_ID_PMWAKEUP,
    libvirt.VIR_DOMAIN_EVENT_ID_PMSUSPEND,
    libvirt.VIR_DOMAIN_EVENT_ID_PMSUSPEND_DISK,
    libvirt.VIR_DOMAIN_EVENT_ID_BALLOON_CHANGE,
    libvirt.VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED,
    libvirt.VIR_DOMAIN_EVENT_ID_TUNABLE,
    libvirt.VIR_DOMAIN_EVENT_ID_AGENT_LIFECYCLE,
    libvirt.VIR_DOMAIN_EVENT_ID_DEVICE_ADDED,
    libvirt.VIR_DOMAIN_EVENT_ID_MIGRATION_ITERATION,
    libvirt.VIR_DOMAIN_EVENT_ID_JOB_COMPLETED,
    libvirt.VIR_DOMAIN_EVENT_ID_DEVICE_REMOVAL_FAILED,
    libvirt.VIR_DOMAIN_EVENT_ID_METADATA_CHANGE,
    libvirt.VIR_DOMAIN_EVENT_ID_BLOCK_THRESHOLD,
    libvirt.VIR_DOMAIN_EVENT_ID_MEMORY_FAILURE,
    libvirt.VIR_DOMAIN_EVENT_ID_MEMORY_DEVICE_SIZE_CHANGE,
)
"""Everything but LIFECYCLE, most wanted first; registered after the list is on screen."""

ROW_CHANGES = frozenset(
    {
        LIFECYCLE,
        libvirt.VIR_DOMAIN_EVENT_ID_REBOOT,
        libvirt.VIR_DOMAIN_EVENT_ID_WATCHDOG,
        libvirt.VIR_DOMAIN_EVENT_ID_IO_ERROR_REASON,
        libvirt.VIR_DOMAIN_EVENT_ID_CONTROL_ERROR,
        libvirt.VIR_DOMAIN_EVENT_ID_PMWAKEUP,
        libvirt.VIR_DOMAIN_EVENT_ID_PMSUSPEND,
        libvirt.VIR_DOMAIN_EVENT_ID_PMSUSPEND_DISK,
        libvirt.VIR_DOMAIN_EVENT_ID_JOB_COMPLETED,
    }
)
"""Events after which a row may say something else."""

XML_KINDS = frozenset(
    {
        libvirt.VIR_DOMAIN_EVENT_DEFINED,
        libvirt.VIR_DOMAIN_EVENT_STARTED,
        libvirt.VIR_DOMAIN_EVENT_STOPPED,
    }
)
"""Lifecycle events after which a domain's XML says something else."""

JOB_SIGNS = frozenset(
    {
        libvirt.VIR_DOMAIN_EVENT_ID_MIGRATION_ITERATION,
        libvirt.VIR_DOMAIN_EVENT_ID_JOB_COMPLETED,
        libvirt.VIR_DOMAIN_EVENT_ID_BLOCK_JOB_2,
    }
)
"""Events by which a job shows."""

ADDRESS_CHANGES = frozenset({libvirt.VIR_DOMAIN_EVENT_ID_AGENT_LIFECYCLE})
"""Events after which a guest may have another address."""

XML_CHANGES = frozenset(
    {
        libvirt.VIR_DOMAIN_EVENT_ID_DISK_CHANGE,
        libvirt.VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED,
        libvirt.VIR_DOMAIN_EVENT_ID_DEVICE_ADDED,
        libvirt.VIR_DOMAIN_EVENT_ID_METADATA_CHANGE,
        libvirt.VIR_DOMAIN_EVENT_ID_MEMORY_DEVICE_SIZE_CHANGE,
    }
)
"""Events after which a domain's XML says something else."""


class Event(NamedTuple):
    """One event, free of libvirt's objects; its texts are still raw but for the name."""

    id: int
    uuid: str
    name: str
    args: tuple[Any, ...]
    """What the callback got between the domain and the opaque value."""
    at: float
    """``time.time()``."""

    @property
    def lifecycle(self) -> tuple[int, int]:
        """Event and detail of a LIFECYCLE event; (-1, -1) for others."""
        return (self.args[0], self.args[1]) if self.id == LIFECYCLE else (-1, -1)


Sink = Callable[[Event], None]


def register(conn: libvirt.virConnect, event_id: int, sink: Sink) -> int | None:
    """Listen to one event of all domains; None when the driver or daemon lacks it."""

    def heard(_conn: libvirt.virConnect, domain: libvirt.virDomain, *args: Any) -> None:
        sink(Event(event_id, domain.UUIDString(), sanitise(domain.name()), args[:-1], time.time()))

    try:
        return int(conn.domainEventRegisterAny(None, event_id, loop.guarded(heard), None))
    except libvirt.libvirtError as error:
        logger.debug("no domain event %d: %s", event_id, error)
        if error.get_error_code() in (libvirt.VIR_ERR_NO_SUPPORT, libvirt.VIR_ERR_INVALID_ARG):
            return None
        raise


_RESUMED = (libvirt.VIR_DOMAIN_EVENT_RESUMED, libvirt.VIR_DOMAIN_EVENT_RESUMED_UNPAUSED)
HOLD = 0.25
"""Seconds that the line of a RESUMED event waits for the STARTED that may follow it."""
TWICE = 1.0
"""Seconds within which a second REBOOT event of a domain tells of the same reset."""
REPEAT = 10.0
"""Seconds after which an I/O error that goes on is told again."""
_STOPPED_BY = {1: "stopped: shut down by guest", 2: "stopped: shut down by host"}
"""What the SHUTDOWN event before a STOPPED one tells, by its detail."""
_RESTORED = (
    libvirt.VIR_DOMAIN_EVENT_STARTED_RESTORED,
    libvirt.VIR_DOMAIN_EVENT_RESUMED,
    libvirt.VIR_DOMAIN_EVENT_RESUMED_FROM_SNAPSHOT,
)
"""A saved state's restoration, which libvirt calls a snapshot's too; it was told already."""
_ARRIVAL_FAILED = (
    libvirt.VIR_DOMAIN_EVENT_STARTED_MIGRATED,
    libvirt.VIR_DOMAIN_EVENT_STOPPED,
    libvirt.VIR_DOMAIN_EVENT_STOPPED_FAILED,
)
_BROKEN_OFF = Said("stopped: its migration to here was broken off", Severity.WARNING)


class Narrator:
    """Turns events into log lines; remembers only what the next event's wording needs."""

    def __init__(self, host: str) -> None:
        self._host = host
        self._stopped_by: dict[str, str] = {}
        self._rebooted: dict[str, float] = {}
        self._resumed: dict[str, Event] = {}
        self._failed: dict[str, Event] = {}
        """The last I/O error of each domain that was told."""
        self._passed: dict[str, Event] = {}
        """The last event of each domain that wrote past a threshold."""
        self._started: dict[str, int] = {}
        """How domains were started that have not run yet: by a migration, from a saved state."""

    def tell(self, event: Event) -> list[LogEntry]:
        """The log lines that an event brings, none when it says nothing new."""
        told: list[LogEntry] = []
        held = self._resumed.pop(event.uuid, None)
        kind, detail = event.lifecycle
        if held is not None and kind != libvirt.VIR_DOMAIN_EVENT_STARTED:
            told.append(self._entry(held, LIFECYCLE_WORDS[held.lifecycle]))
        if (kind, detail) == _RESUMED:
            # QEMU reports it as a part of every start too, just before STARTED.
            self._resumed[event.uuid] = event
            return told
        text = self._lifecycle(event) if event.id == LIFECYCLE else self._other(event)
        if text is not None:
            told.append(self._entry(event, text))
        return told

    def overdue(self, now: float) -> list[LogEntry]:
        """Lines that waited for an event that did not follow; ``now`` is ``time.time()``."""
        late = [event for event in self._resumed.values() if now - event.at >= HOLD]
        for event in late:
            del self._resumed[event.uuid]
        return [self._entry(event, LIFECYCLE_WORDS[event.lifecycle]) for event in late]

    def forget(self, uuids: Iterable[str]) -> None:
        """These domains are gone; what was to end an event of theirs does not come."""
        kept: tuple[dict[str, Any], ...] = (
            self._stopped_by,
            self._started,
            self._failed,
            self._passed,
        )
        for uuid in uuids:
            for by_domain in kept:
                by_domain.pop(uuid, None)

    @property
    def waits(self) -> bool:
        """True while a line waits."""
        return bool(self._resumed)

    def _entry(self, event: Event, told: Said) -> LogEntry:
        return LogEntry(
            event.at,
            f"{event.name} {told.text}",
            told.severity,
            self._host,
            event.uuid,
            event.name,
            seconds=told.seconds,
        )

    def _lifecycle(self, event: Event) -> Said | None:
        kind, detail = event.lifecycle
        if kind == libvirt.VIR_DOMAIN_EVENT_SHUTDOWN:
            if detail in _STOPPED_BY:
                self._stopped_by[event.uuid] = _STOPPED_BY[detail]
            return None
        if kind == libvirt.VIR_DOMAIN_EVENT_STARTED:
            self._started[event.uuid] = detail
        elif kind in (libvirt.VIR_DOMAIN_EVENT_RESUMED, libvirt.VIR_DOMAIN_EVENT_STOPPED):
            before = self._started.pop(event.uuid, None)
            if (before, kind, detail) == _RESTORED:
                return None
            if (before, kind, detail) == _ARRIVAL_FAILED:
                return _BROKEN_OFF
        if kind == libvirt.VIR_DOMAIN_EVENT_STOPPED:
            by = self._stopped_by.pop(event.uuid, "")
            if by and detail == libvirt.VIR_DOMAIN_EVENT_STOPPED_SHUTDOWN:
                return Said(by)
        return LIFECYCLE_WORDS.get((kind, detail))

    def _other(self, event: Event) -> Said | None:
        teller = OTHER.get(event.id)
        if event.id == libvirt.VIR_DOMAIN_EVENT_ID_REBOOT:
            # A reset is reported twice.
            lately = {uuid: at for uuid, at in self._rebooted.items() if event.at - at < TWICE}
            self._rebooted = lately | {event.uuid: event.at}
            if event.uuid in lately:
                return None
        if event.id == libvirt.VIR_DOMAIN_EVENT_ID_BLOCK_THRESHOLD:
            # Told of the disk and then of the image that it is in: vda, vda[1].
            before, self._passed[event.uuid] = self._passed.get(event.uuid), event
            disk, bracket, _ = str(event.args[0]).partition("[")
            if bracket and before is not None and before.args == (disk, *event.args[1:]):
                return None
        if event.id == libvirt.VIR_DOMAIN_EVENT_ID_IO_ERROR_REASON:
            # One for each request that fails: a guest that goes on has thousands.
            before = self._failed.get(event.uuid)
            if before is not None and before.args == event.args and event.at - before.at < REPEAT:
                return None
            self._failed[event.uuid] = event
        return teller(event.args) if teller else None
