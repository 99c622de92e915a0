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


def _says(text: str, severity: Severity = Severity.INFO) -> tuple[str, Severity]:
    return text, severity


_GOOD, _WARNING, _ERROR = Severity.GOOD, Severity.WARNING, Severity.ERROR

_LIFECYCLE: dict[tuple[int, int], tuple[str, Severity]] = {
    (0, 0): _says("defined"),
    (0, 1): _says("got a new definition"),
    (0, 2): _says("renamed"),
    (0, 3): _says("redefined from a snapshot"),
    (1, 0): _says("undefined"),
    (2, 0): _says("started", _GOOD),
    (2, 1): _says("started: migrated here", _GOOD),
    (2, 2): _says("started: restored from its saved state", _GOOD),
    (2, 3): _says("started from a snapshot", _GOOD),
    (2, 4): _says("woke up", _GOOD),
    (3, 0): _says("paused"),
    (3, 1): _says("paused: migrating"),
    (3, 2): _says("paused: I/O error", _ERROR),
    (3, 3): _says("paused: its watchdog fired", _ERROR),
    (3, 4): _says("paused: restored"),
    (3, 5): _says("paused: from a snapshot"),
    (3, 6): _says("paused: the hypervisor failed to resume it", _ERROR),
    (3, 7): _says("paused: post-copy migration"),
    (3, 8): _says("paused: post-copy migration failed", _ERROR),
    (4, 0): _says("resumed", _GOOD),
    (4, 1): _says("resumed: migration finished", _GOOD),
    (4, 2): _says("resumed from a snapshot", _GOOD),
    (4, 3): _says("resumed: post-copy migration", _GOOD),
    (4, 4): _says("resumed: post-copy migration failed", _WARNING),
    (5, 0): _says("stopped: shut down"),
    (5, 1): _says("stopped: forced off", _WARNING),
    (5, 2): _says("stopped: it crashed", _ERROR),
    (5, 3): _says("stopped: migrated away"),
    (5, 4): _says("stopped: its state is saved"),
    (5, 5): _says("stopped: the hypervisor failed", _ERROR),
    (5, 6): _says("stopped: from a snapshot"),
    (7, 0): _says("suspended itself"),
    (7, 1): _says("suspended itself to disk"),
    (8, 0): _says("crashed: the guest panicked", _ERROR),
    (8, 1): _says("crashed: the guest panicked, its memory was dumped", _ERROR),
}
_RESUMED = (libvirt.VIR_DOMAIN_EVENT_RESUMED, libvirt.VIR_DOMAIN_EVENT_RESUMED_UNPAUSED)
HOLD = 0.25
"""Seconds that the line of a RESUMED event waits for the STARTED that may follow it."""
TWICE = 1.0
"""Seconds within which a second REBOOT event of a domain tells of the same reset."""
_STOPPED_BY = {1: "stopped: shut down by guest", 2: "stopped: shut down by host"}
"""What the SHUTDOWN event before a STOPPED one tells, by its detail."""

_JOBS = {1: "pull", 2: "copy", 3: "commit", 4: "active commit", 5: "backup"}
_JOB_ENDS = {
    0: ("finished", _GOOD),
    1: ("failed", _ERROR),
    2: ("was cancelled", _WARNING),
    3: ("is ready", _GOOD),
}


class Narrator:
    """Turns events into log lines; remembers only what the next event's wording needs."""

    def __init__(self, host: str) -> None:
        self._host = host
        self._stopped_by: dict[str, str] = {}
        self._rebooted: dict[str, float] = {}
        self._resumed: dict[str, Event] = {}

    def tell(self, event: Event) -> list[LogEntry]:
        """The log lines that an event brings, none when it says nothing new."""
        told: list[LogEntry] = []
        held = self._resumed.pop(event.uuid, None)
        kind, detail = event.lifecycle
        if held is not None and kind != libvirt.VIR_DOMAIN_EVENT_STARTED:
            told.append(self._entry(held, _LIFECYCLE[held.lifecycle]))
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
        return [self._entry(event, _LIFECYCLE[event.lifecycle]) for event in late]

    def forget(self, uuids: Iterable[str]) -> None:
        """These domains are gone; what was to end an event of theirs does not come."""
        for uuid in uuids:
            self._stopped_by.pop(uuid, None)

    @property
    def waits(self) -> bool:
        """True while a line waits."""
        return bool(self._resumed)

    def _entry(self, event: Event, told: tuple[str, Severity]) -> LogEntry:
        text, severity = told
        return LogEntry(
            event.at, f"{event.name} {text}", severity, self._host, event.uuid, event.name
        )

    def _lifecycle(self, event: Event) -> tuple[str, Severity] | None:
        kind, detail = event.lifecycle
        if kind == libvirt.VIR_DOMAIN_EVENT_SHUTDOWN:
            if detail in _STOPPED_BY:
                self._stopped_by[event.uuid] = _STOPPED_BY[detail]
            return None
        if kind == libvirt.VIR_DOMAIN_EVENT_STOPPED:
            by = self._stopped_by.pop(event.uuid, "")
            if by and detail == libvirt.VIR_DOMAIN_EVENT_STOPPED_SHUTDOWN:
                return by, Severity.INFO
        return _LIFECYCLE.get((kind, detail))

    def _other(self, event: Event) -> tuple[str, Severity] | None:
        teller = _OTHER.get(event.id)
        if event.id == libvirt.VIR_DOMAIN_EVENT_ID_REBOOT:
            # A reset is reported twice.
            lately = {uuid: at for uuid, at in self._rebooted.items() if event.at - at < TWICE}
            self._rebooted = lately | {event.uuid: event.at}
            if event.uuid in lately:
                return None
        return teller(event.args) if teller else None


def _word(value: object) -> str:
    return sanitise(str(value), 120) if value else ""


def _io_error(args: tuple[Any, ...]) -> tuple[str, Severity]:
    path, alias, _action, reason = args
    cause = f": {_word(reason)}" if reason else ""
    return f"had an I/O error on {_word(alias) or 'a disk'} ({_word(path)}){cause}", _ERROR


def _block_job(args: tuple[Any, ...]) -> tuple[str, Severity]:
    disk, kind, status = args
    end, severity = _JOB_ENDS.get(status, ("changed", Severity.INFO))
    return f"block {_JOBS.get(kind, 'job')} on {_word(disk)} {end}", severity


def _tray(args: tuple[Any, ...]) -> tuple[str, Severity]:
    alias, reason = args
    return f"tray of {_word(alias)} {'closed' if reason else 'opened'}", Severity.INFO


def _threshold(args: tuple[Any, ...]) -> tuple[str, Severity]:
    disk, _path, _threshold_bytes, _excess = args
    return f"wrote past the threshold of {_word(disk)}", _WARNING


_AGENT = {1: "guest agent connected", 2: "guest agent gone"}


def _agent(args: tuple[Any, ...]) -> tuple[str, Severity] | None:
    state, reason = args
    if reason != libvirt.VIR_CONNECT_DOMAIN_EVENT_AGENT_LIFECYCLE_REASON_CHANNEL or (
        state not in _AGENT
    ):
        # A start tells of the channel before anything in the guest could have opened it.
        return None
    return _AGENT[state], Severity.INFO


_OTHER: dict[int, Callable[[tuple[Any, ...]], tuple[str, Severity] | None]] = {
    libvirt.VIR_DOMAIN_EVENT_ID_REBOOT: lambda a: ("rebooted", Severity.INFO),
    libvirt.VIR_DOMAIN_EVENT_ID_AGENT_LIFECYCLE: _agent,
    libvirt.VIR_DOMAIN_EVENT_ID_WATCHDOG: lambda a: ("watchdog fired", _ERROR),
    libvirt.VIR_DOMAIN_EVENT_ID_IO_ERROR_REASON: _io_error,
    libvirt.VIR_DOMAIN_EVENT_ID_CONTROL_ERROR: lambda a: ("lost its monitor connection", _ERROR),
    libvirt.VIR_DOMAIN_EVENT_ID_BLOCK_JOB_2: _block_job,
    libvirt.VIR_DOMAIN_EVENT_ID_DISK_CHANGE: lambda a: (
        f"medium of {_word(a[2])} changed",
        Severity.INFO,
    ),
    libvirt.VIR_DOMAIN_EVENT_ID_TRAY_CHANGE: _tray,
    libvirt.VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED: lambda a: (
        f"device {_word(a[0])} removed",
        Severity.INFO,
    ),
    libvirt.VIR_DOMAIN_EVENT_ID_DEVICE_ADDED: lambda a: (
        f"device {_word(a[0])} added",
        Severity.INFO,
    ),
    libvirt.VIR_DOMAIN_EVENT_ID_DEVICE_REMOVAL_FAILED: lambda a: (
        f"the guest did not release device {_word(a[0])}",
        _WARNING,
    ),
    libvirt.VIR_DOMAIN_EVENT_ID_BLOCK_THRESHOLD: _threshold,
    libvirt.VIR_DOMAIN_EVENT_ID_MEMORY_FAILURE: lambda a: ("has faulty memory", _ERROR),
}
