"""What events say, in people's words; pure functions of what libvirt's callbacks got."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import libvirt

from tuivm.core.model import Severity
from tuivm.core.text import bytes_text, sanitise, took_text

Args = tuple[Any, ...]


class Said(NamedTuple):
    """The rest of a sentence that begins with the domain's name."""

    text: str
    severity: Severity = Severity.INFO
    seconds: float | None = None
    """How long what ended had taken."""


_GOOD, _WARNING, _ERROR = Severity.GOOD, Severity.WARNING, Severity.ERROR

LIFECYCLE: dict[tuple[int, int], Said] = {
    (0, 0): Said("defined"),
    (0, 1): Said("got a new definition"),
    (0, 2): Said("renamed"),
    (0, 3): Said("redefined from a snapshot"),
    (1, 0): Said("undefined"),
    (2, 0): Said("started", _GOOD),
    (2, 1): Said("started: migrated here", _GOOD),
    (2, 2): Said("started: restored from its saved state", _GOOD),
    (2, 3): Said("started from a snapshot", _GOOD),
    (2, 4): Said("woke up", _GOOD),
    (3, 0): Said("paused"),
    (3, 1): Said("paused: migrating"),
    (3, 2): Said("paused: I/O error", _ERROR),
    (3, 3): Said("paused: its watchdog fired", _ERROR),
    (3, 4): Said("paused: restored"),
    (3, 5): Said("paused: from a snapshot"),
    (3, 6): Said("paused: the hypervisor failed to resume it", _ERROR),
    (3, 7): Said("paused: post-copy migration"),
    (3, 8): Said("paused: post-copy migration failed", _ERROR),
    (4, 0): Said("resumed", _GOOD),
    (4, 1): Said("resumed: migration finished", _GOOD),
    (4, 2): Said("resumed from a snapshot", _GOOD),
    (4, 3): Said("resumed: post-copy migration", _GOOD),
    (4, 4): Said("resumed: post-copy migration failed", _WARNING),
    (5, 0): Said("stopped: shut down"),
    (5, 1): Said("stopped: forced off", _WARNING),
    (5, 2): Said("stopped: it crashed", _ERROR),
    (5, 3): Said("stopped: migrated away"),
    (5, 4): Said("stopped: its state is saved"),
    (5, 5): Said("stopped: the hypervisor failed", _ERROR),
    (5, 6): Said("stopped: from a snapshot"),
    (7, 0): Said("suspended itself"),
    (7, 1): Said("suspended itself to disk"),
    (8, 0): Said("crashed: the guest panicked", _ERROR),
    (8, 1): Said("crashed: the guest panicked, its memory was dumped", _ERROR),
}
"""By event and detail (``virDomainEventType``)."""

_JOBS = {1: "pull", 2: "copy", 3: "commit", 4: "active commit", 5: "backup"}
_JOB_ENDS = {
    0: ("finished", _GOOD),
    1: ("failed", _ERROR),
    2: ("was cancelled", _WARNING),
    3: ("is ready", _GOOD),
}
_JOB_WORDS = {
    libvirt.VIR_DOMAIN_JOB_OPERATION_START: "starting",
    libvirt.VIR_DOMAIN_JOB_OPERATION_SAVE: "saving its memory",
    libvirt.VIR_DOMAIN_JOB_OPERATION_RESTORE: "restoring its memory",
    libvirt.VIR_DOMAIN_JOB_OPERATION_MIGRATION_IN: "migrating here",
    libvirt.VIR_DOMAIN_JOB_OPERATION_MIGRATION_OUT: "migrating away",
    libvirt.VIR_DOMAIN_JOB_OPERATION_SNAPSHOT: "taking a snapshot",
    libvirt.VIR_DOMAIN_JOB_OPERATION_SNAPSHOT_REVERT: "reverting to a snapshot",
    libvirt.VIR_DOMAIN_JOB_OPERATION_DUMP: "dumping its memory",
    getattr(libvirt, "VIR_DOMAIN_JOB_OPERATION_BACKUP", 9): "backing up",
    getattr(libvirt, "VIR_DOMAIN_JOB_OPERATION_SNAPSHOT_DELETE", 10): "deleting a snapshot",
}
STOOD = frozenset({libvirt.VIR_DOMAIN_JOB_OPERATION_MIGRATION_OUT})
"""Jobs of which it matters how long the guest stood still."""
_WATCHDOG = {
    libvirt.VIR_DOMAIN_EVENT_WATCHDOG_NONE: "nothing was done",
    libvirt.VIR_DOMAIN_EVENT_WATCHDOG_PAUSE: "it was paused",
    libvirt.VIR_DOMAIN_EVENT_WATCHDOG_RESET: "it was reset",
    libvirt.VIR_DOMAIN_EVENT_WATCHDOG_POWEROFF: "it was forced off",
    libvirt.VIR_DOMAIN_EVENT_WATCHDOG_SHUTDOWN: "it was asked to shut down",
    libvirt.VIR_DOMAIN_EVENT_WATCHDOG_DEBUG: "QEMU's log has a line of it",
    libvirt.VIR_DOMAIN_EVENT_WATCHDOG_INJECTNMI: "it was sent an NMI",
}
_IO_DONE = {
    libvirt.VIR_DOMAIN_EVENT_IO_ERROR_NONE: "; the guest was not told",
    libvirt.VIR_DOMAIN_EVENT_IO_ERROR_REPORT: "; the guest was told",
}
"""A pause has an event of its own."""
_IO_REASONS = {"enospc": "no space is left where it is stored", "eperm": "it is not permitted"}
_WHOSE_MEMORY = {0: "the hypervisor's", 1: "the guest's"}
_MEMORY_DONE = {
    0: "it can be ignored",
    1: "the guest was told",
    2: "it is fatal",
    3: "the guest was reset, as it cannot deal with it",
}


def _word(value: object) -> str:
    return sanitise(str(value), 120) if value else ""


def _io_error(args: Args) -> Said:
    path, alias, action, reason = args
    word = _word(reason)
    known = _IO_REASONS.get(word)
    cause = f": {known} ({word})" if known else f": {word}" if word else ""
    what = f"had an I/O error on {_word(alias) or 'a disk'}{cause}{_IO_DONE.get(action, '')}"
    return Said(f"{what}: {_word(path)}" if path else what, _ERROR)


def _block_job(args: Args) -> Said:
    disk, kind, status = args
    end, severity = _JOB_ENDS.get(status, ("changed", Severity.INFO))
    return Said(f"block {_JOBS.get(kind, 'job')} on {_word(disk)} {end}", severity)


def _tray(args: Args) -> Said:
    alias, reason = args
    return Said(f"tray of {_word(alias)} {'closed' if reason else 'opened'}")


def _threshold(args: Args) -> Said:
    disk, _path, threshold, excess = args
    beyond = f", by {bytes_text(excess)}" if excess else ""
    return Said(f"wrote past {bytes_text(threshold)} on {_word(disk)}{beyond}", _WARNING)


def _watchdog(args: Args) -> Said:
    done = _WATCHDOG.get(args[0], "something was done")
    return Said(f"hangs, says its watchdog: {done}", _ERROR)


def _memory_failure(args: Args) -> Said:
    whose, action, _flags = args
    memory = f"{_WHOSE_MEMORY.get(whose, 'its')} memory failed"
    return Said(f"is hit by a hardware fault: {memory}; {_MEMORY_DONE.get(action, '')}", _ERROR)


def _job_completed(args: Args) -> Said:
    (told,) = args
    what = _JOB_WORDS.get(told.get(libvirt.VIR_DOMAIN_JOB_OPERATION, 0), "a job")
    elapsed = told.get(libvirt.VIR_DOMAIN_JOB_TIME_ELAPSED)
    seconds = None if elapsed is None else elapsed / 1000
    error = _word(told.get(libvirt.VIR_DOMAIN_JOB_ERRMSG))
    if error or told.get(libvirt.VIR_DOMAIN_JOB_SUCCESS) is False:
        # A backup that is broken off succeeds, with this text.
        ended = "did not finish" if "cancel" not in error.casefold() else "broke off"
        return Said(f"{ended} {what}{': ' * bool(error)}{error}", _WARNING, seconds)
    names = (libvirt.VIR_DOMAIN_JOB_DATA_PROCESSED, libvirt.VIR_DOMAIN_JOB_DISK_PROCESSED)
    moved = next((told[name] for name in names if told.get(name)), None)
    text = f"finished {what}" + (f": {bytes_text(moved)}" if moved else "")
    stood = told.get(libvirt.VIR_DOMAIN_JOB_DOWNTIME)
    if stood and told.get(libvirt.VIR_DOMAIN_JOB_OPERATION) in STOOD:
        text += f"; it stood still for {took_text(stood / 1000)}"
    return Said(text, _GOOD, seconds)


_AGENT = {1: "guest agent connected", 2: "guest agent gone"}


def _agent(args: Args) -> Said | None:
    state, reason = args
    if reason != libvirt.VIR_CONNECT_DOMAIN_EVENT_AGENT_LIFECYCLE_REASON_CHANNEL or (
        state not in _AGENT
    ):
        # A start tells of the channel before anything in the guest could have opened it.
        return None
    return Said(_AGENT[state])


OTHER: dict[int, Callable[[Args], Said | None]] = {
    libvirt.VIR_DOMAIN_EVENT_ID_REBOOT: lambda a: Said("rebooted"),
    libvirt.VIR_DOMAIN_EVENT_ID_AGENT_LIFECYCLE: _agent,
    libvirt.VIR_DOMAIN_EVENT_ID_WATCHDOG: _watchdog,
    libvirt.VIR_DOMAIN_EVENT_ID_IO_ERROR_REASON: _io_error,
    libvirt.VIR_DOMAIN_EVENT_ID_CONTROL_ERROR: lambda a: Said(
        "lost its monitor connection", _ERROR
    ),
    libvirt.VIR_DOMAIN_EVENT_ID_BLOCK_JOB_2: _block_job,
    libvirt.VIR_DOMAIN_EVENT_ID_JOB_COMPLETED: _job_completed,
    libvirt.VIR_DOMAIN_EVENT_ID_DISK_CHANGE: lambda a: Said(f"medium of {_word(a[2])} changed"),
    libvirt.VIR_DOMAIN_EVENT_ID_TRAY_CHANGE: _tray,
    libvirt.VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED: lambda a: Said(f"device {_word(a[0])} removed"),
    libvirt.VIR_DOMAIN_EVENT_ID_DEVICE_ADDED: lambda a: Said(f"device {_word(a[0])} added"),
    libvirt.VIR_DOMAIN_EVENT_ID_DEVICE_REMOVAL_FAILED: lambda a: Said(
        f"did not release device {_word(a[0])}: it stays", _WARNING
    ),
    libvirt.VIR_DOMAIN_EVENT_ID_BLOCK_THRESHOLD: _threshold,
    libvirt.VIR_DOMAIN_EVENT_ID_MEMORY_FAILURE: _memory_failure,
}
"""What events other than LIFECYCLE say; None where that is nothing new."""
