"""Which domains there are and how they stand, in a handful of calls however many there are.

Flag lists and one bulk call for the states: 10,000 domains take six requests. Nothing
here asks domain by domain except for the few that an event named.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import NamedTuple

import libvirt

from tuivm.backend import errors, lists
from tuivm.core.model import State
from tuivm.core.text import sanitise

logger = logging.getLogger(__name__)

STATES: dict[int, State] = {
    libvirt.VIR_DOMAIN_NOSTATE: State.UNKNOWN,
    libvirt.VIR_DOMAIN_RUNNING: State.RUNNING,
    libvirt.VIR_DOMAIN_BLOCKED: State.RUNNING,
    libvirt.VIR_DOMAIN_PAUSED: State.PAUSED,
    libvirt.VIR_DOMAIN_SHUTDOWN: State.STOPPING,
    libvirt.VIR_DOMAIN_SHUTOFF: State.OFF,
    libvirt.VIR_DOMAIN_CRASHED: State.CRASHED,
    libvirt.VIR_DOMAIN_PMSUSPENDED: State.SUSPENDED,
}

REASONS: dict[tuple[State, int], str] = {
    (State.RUNNING, libvirt.VIR_DOMAIN_RUNNING_POSTCOPY): "post-copy migration",
    (State.PAUSED, libvirt.VIR_DOMAIN_PAUSED_USER): "by user",
    (State.PAUSED, libvirt.VIR_DOMAIN_PAUSED_MIGRATION): "migrating",
    (State.PAUSED, libvirt.VIR_DOMAIN_PAUSED_SAVE): "saving",
    (State.PAUSED, libvirt.VIR_DOMAIN_PAUSED_DUMP): "dumping",
    (State.PAUSED, libvirt.VIR_DOMAIN_PAUSED_IOERROR): "I/O error",
    (State.PAUSED, libvirt.VIR_DOMAIN_PAUSED_WATCHDOG): "watchdog",
    (State.PAUSED, libvirt.VIR_DOMAIN_PAUSED_FROM_SNAPSHOT): "from snapshot",
    (State.PAUSED, libvirt.VIR_DOMAIN_PAUSED_SHUTTING_DOWN): "shutting down",
    (State.PAUSED, libvirt.VIR_DOMAIN_PAUSED_SNAPSHOT): "taking a snapshot",
    (State.PAUSED, libvirt.VIR_DOMAIN_PAUSED_CRASHED): "crashed",
    (State.PAUSED, libvirt.VIR_DOMAIN_PAUSED_STARTING_UP): "starting up",
    (State.PAUSED, libvirt.VIR_DOMAIN_PAUSED_POSTCOPY): "post-copy migration",
    (State.PAUSED, libvirt.VIR_DOMAIN_PAUSED_POSTCOPY_FAILED): "post-copy failed",
    (State.PAUSED, 14): "API error",  # VIR_DOMAIN_PAUSED_API_ERROR, since libvirt 9.2
    (State.OFF, libvirt.VIR_DOMAIN_SHUTOFF_CRASHED): "crashed",
    (State.OFF, libvirt.VIR_DOMAIN_SHUTOFF_MIGRATED): "migrated away",
    (State.OFF, libvirt.VIR_DOMAIN_SHUTOFF_SAVED): "saved",
    (State.OFF, libvirt.VIR_DOMAIN_SHUTOFF_FAILED): "failed to start",
    (State.CRASHED, libvirt.VIR_DOMAIN_CRASHED_PANICKED): "panicked",
}
"""Only what is worth a word; the ordinary reasons stay empty."""

FLAGS: dict[str, int] = {
    "autostart": libvirt.VIR_CONNECT_LIST_DOMAINS_AUTOSTART,
    "managed_save": libvirt.VIR_CONNECT_LIST_DOMAINS_MANAGEDSAVE,
    "transient": libvirt.VIR_CONNECT_LIST_DOMAINS_TRANSIENT,
    "has_snapshots": libvirt.VIR_CONNECT_LIST_DOMAINS_HAS_SNAPSHOT,
    "has_checkpoints": libvirt.VIR_CONNECT_LIST_DOMAINS_HAS_CHECKPOINT,
}
"""What one list each tells: fields of ``Domain``, and its not being ``persistent``, as the
list of those few is the short one."""
FIRST_FLAGS = ("autostart", "managed_save")
"""What the list shows; far away the others follow once it is on screen."""
OTHER_FLAGS = tuple(name for name in FLAGS if name not in FIRST_FLAGS)


class Seen(NamedTuple):
    """What one bulk call tells of a domain; ``id`` is -1 while it is off."""

    uuid: str
    name: str
    id: int
    state: State
    reason: str


Flags = dict[str, "frozenset[str] | None"]
"""By name in ``FLAGS``: the UUIDs for which it holds, or None where the driver cannot tell."""


class Inventory(NamedTuple):
    """All domains of a host, and some of the flags; those missing were not read."""

    seen: list[Seen]
    flags: Flags


class Reading(NamedTuple):
    """One domain, read by itself; None for what the driver cannot tell."""

    seen: Seen
    persistent: bool | None
    autostart: bool | None
    managed_save: bool | None


def read_states(conn: libvirt.virConnect) -> list[Seen]:
    """Every domain with its state and reason, by one request where the driver has it."""
    try:
        records = lists.all_stats(conn, libvirt.VIR_DOMAIN_STATS_STATE)
    except libvirt.libvirtError as error:
        if not errors.is_unsupported(error):
            raise
        return _states_by_lists(conn)
    # Of one that comes twice, as it changed between two halves, the later answer is true.
    return list({(seen := _seen(domain, stats)).uuid: seen for domain, stats in records}.values())


def read_flag(conn: libvirt.virConnect, name: str) -> frozenset[str] | None:
    """The UUIDs of the domains with a flag of ``FLAGS``; None when the driver cannot tell."""
    try:
        return frozenset(domain.UUIDString() for domain in lists.list_domains(conn, FLAGS[name]))
    except libvirt.libvirtError as error:
        if errors.broken(error):
            raise
        logger.debug("no list by %s: %s", name, error)
        return None


def read_flags(conn: libvirt.virConnect, names: Iterable[str]) -> Flags:
    """Several flags, one request each."""
    return {name: read_flag(conn, name) for name in names}


def read_some(conn: libvirt.virConnect, uuids: Iterable[str]) -> dict[str, Reading | None]:
    """Single domains, looked up now; None for one that no longer exists."""
    return {uuid: _read_one(conn, uuid) for uuid in uuids}


def _states_by_lists(conn: libvirt.virConnect) -> list[Seen]:
    """For drivers without bulk statistics: four lists tell the states, not the reasons."""
    result: list[Seen] = []
    for flag, state in (
        (libvirt.VIR_CONNECT_LIST_DOMAINS_RUNNING, State.RUNNING),
        (libvirt.VIR_CONNECT_LIST_DOMAINS_PAUSED, State.PAUSED),
        (libvirt.VIR_CONNECT_LIST_DOMAINS_SHUTOFF, State.OFF),
        (libvirt.VIR_CONNECT_LIST_DOMAINS_OTHER, State.UNKNOWN),
    ):
        result += [
            Seen(domain.UUIDString(), sanitise(domain.name()), domain.ID(), state, "")
            for domain in lists.list_domains(conn, flag)
        ]
    return result


def _seen(domain: libvirt.virDomain, stats: dict[str, int]) -> Seen:
    state, reason = decode(stats.get("state.state", 0), stats.get("state.reason", 0))
    return Seen(domain.UUIDString(), sanitise(domain.name()), domain.ID(), state, reason)


def decode(state: int, reason: int) -> tuple[State, str]:
    """Turn libvirt's numbers into our words; numbers of later versions are unknown."""
    known = STATES.get(state, State.UNKNOWN)
    return known, REASONS.get((known, reason), "")


def _read_one(conn: libvirt.virConnect, uuid: str) -> Reading | None:
    try:
        domain = conn.lookupByUUIDString(uuid)
        state, reason = decode(*domain.state()[:2])
        seen = Seen(uuid, sanitise(domain.name()), domain.ID(), state, reason)
        return Reading(
            seen,
            _flag(domain.isPersistent),
            _flag(domain.autostart),
            _flag(domain.hasManagedSaveImage),
        )
    except libvirt.libvirtError as error:
        if error.get_error_code() == libvirt.VIR_ERR_NO_DOMAIN:
            return None
        raise


def _flag(read: Callable[[], int]) -> bool | None:
    try:
        return bool(read())
    except libvirt.libvirtError as error:
        if errors.broken(error) or error.get_error_code() == libvirt.VIR_ERR_NO_DOMAIN:
            raise
        # Transient domains have no autostart and no managed save (OPERATION_INVALID).
        return False if error.get_error_code() == libvirt.VIR_ERR_OPERATION_INVALID else None
