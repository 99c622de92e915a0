"""All that the details screen shows of one domain, read in one go."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import libvirt

from tuivm.backend import agent, errors, why_address, xml
from tuivm.backend.inventory import REASONS, STATES
from tuivm.backend.optional import or_none
from tuivm.backend.patience import ask_within
from tuivm.backend.xml_parse import AGENT_CHANNEL, parse
from tuivm.core.errors import TuivmError
from tuivm.core.model import Device, DomainDetails, DomainKey, DomainXml, State
from tuivm.core.text import bytes_text, duration_text, sanitise

T = TypeVar("T")

PATIENCE = 4.0
"""Seconds that statistics may take: even without waiting for jobs, a QEMU that was stopped
holds the first question up."""

Counters = tuple[tuple[str, int | float | str], ...]

_NO_XML = DomainXml("", None, ())


class _Reading:
    """One domain being read: what fails is noted and the rest goes on."""

    def __init__(self, domain: libvirt.virDomain) -> None:
        self.domain = domain
        self.unread: list[str] = []

    def ask(self, what: str, call: Callable[[], T], default: T) -> T:
        """Make one call; a failure becomes a line in ``unread``, a broken link is raised."""
        try:
            return call()
        except libvirt.libvirtError as error:
            if errors.broken(error):
                raise
            failure = errors.convert(error)
            self.unread.append(f"{what}: {failure.message or failure.title}")
        except TuivmError as error:
            self.unread.append(f"{what}: {error.message or error.title}")
        return default


def read_details(conn: libvirt.virConnect, key: DomainKey) -> DomainDetails:
    """Read everything; blocks for some round trips, and for some seconds where a guest hangs.

    What cannot be read is listed with its reason in ``unread``. Raises
    ``libvirt.libvirtError`` when the domain is gone or the connection broke.
    """
    domain = conn.lookupByUUIDString(key.uuid)
    reading = _Reading(domain)
    text = reading.ask("XML", lambda: xml.read_xml(conn, key.uuid), _NO_XML)
    devices: tuple[Device, ...] = ()
    if text.live:
        devices = reading.ask("devices", lambda: xml.devices(text.live, text.inactive), ())
    no_messages: tuple[str, ...] = ()
    messages = reading.ask("messages", lambda: _messages(domain), no_messages)
    info = _info(reading, messages)
    # Last, as these may be left unanswered: while a call hangs, the client of libvirt 9.0
    # was seen to hold the next one of the same connection back for some seconds.
    no_stats: Counters = ()
    stats = reading.ask(
        "statistics",
        lambda: ask_within(PATIENCE, key.uuid, "statistics", lambda: _stats(conn, domain)),
        no_stats,
    )
    guest = _guest(reading, text.live, key.uuid) if stats else ()
    return DomainDetails(
        key=key,
        info=info,
        stats=stats,
        devices=devices,
        xml=text,
        guest=guest,
        messages=messages,
        unread=tuple(reading.unread),
        no_address=why_address.note(parse(text.live)) if text.live else "",
    )


def _stats(conn: libvirt.virConnect, domain: libvirt.virDomain) -> Counters:
    # Without NOWAIT a domain in a job, or with a stuck QEMU, would hold us for 30 s.
    flags = libvirt.VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT
    try:
        records = conn.domainListGetStats([domain], 0, flags)
    except libvirt.libvirtError as error:
        if error.get_error_code() != libvirt.VIR_ERR_INVALID_ARG:
            raise
        # A driver that never waits may not know the flag.
        records = conn.domainListGetStats([domain], 0, 0)
    found: dict[str, Any] = records[0][1] if records else {}
    return tuple(
        (sanitise(name, 128), sanitise(value, 4096) if isinstance(value, str) else value)
        for name, value in found.items()
    )


def _messages(domain: libvirt.virDomain) -> tuple[str, ...]:
    return tuple(sanitise(str(message)) for message in domain.messages(0))


def _info(reading: _Reading, messages: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """The facts of ``virsh dominfo`` under its labels, and some that it leaves out."""
    domain, ask = reading.domain, reading.ask
    info = {
        "Id": str(domain.ID()) if domain.ID() >= 0 else "-",
        "Name": sanitise(domain.name()),
        "UUID": domain.UUIDString(),
        "OS Type": sanitise(ask("OS type", domain.OSType, "")),
    }
    persistent = bool(ask("persistent", domain.isPersistent, 1))
    info["Persistent"] = _yes_no(persistent)
    if persistent:
        autostart = ask("autostart", domain.autostart, None)
        info["Autostart"] = "" if autostart is None else "enable" if autostart else "disable"
        info["Managed save"] = _yes_no(ask("managed save", domain.hasManagedSaveImage, None))
    info |= _security(reading)
    info |= _next_boot(reading, persistent)
    info["Messages"] = "; ".join(messages)
    counts = ask("state", domain.info, None)
    if counts is not None:
        _state, most, used, vcpus, time_ns = counts
        info["CPU(s)"] = str(vcpus)
        info["CPU time"] = duration_text(time_ns / 1e9) if time_ns else ""
        # libvirt counts in KiB.
        info["Max memory"] = bytes_text(most << 10)
        info["Used memory"] = bytes_text(used << 10)
    code, why = ask("state", domain.state, [0, 0])
    state = STATES.get(code, State.UNKNOWN)
    reason = REASONS.get((state, why), "")
    info["State"] = f"{state}: {reason}" if reason else str(state)
    return tuple((label, value) for label, value in info.items() if value)


def _next_boot(reading: _Reading, persistent: bool) -> dict[str, str]:
    """What hangs on the definition: snapshots, checkpoints, whether it ever changed."""
    domain = reading.domain
    found: dict[str, str] = {}
    snapshots = reading.ask("snapshots", domain.snapshotNum, 0)
    if snapshots:
        found["Snapshots"] = str(snapshots)
        current = reading.ask("current snapshot", lambda: _current_snapshot(domain), "")
        found["Current snapshot"] = current
    checkpoints = or_none(domain.listAllCheckpoints)
    if checkpoints:
        found["Checkpoints"] = str(len(checkpoints))
    if domain.isActive():
        control = or_none(domain.controlInfo)
        if control and control[0]:
            found["Control"] = _CONTROL.get(control[0], f"state {control[0]}")
    return found


_CONTROL = {
    libvirt.VIR_DOMAIN_CONTROL_JOB: "a job is running",
    libvirt.VIR_DOMAIN_CONTROL_OCCUPIED: "busy with a command",
    libvirt.VIR_DOMAIN_CONTROL_ERROR: "unusable: its monitor failed",
}


def _current_snapshot(domain: libvirt.virDomain) -> str:
    if not domain.hasCurrentSnapshot():
        return ""
    return sanitise(domain.snapshotCurrent().getName())


def _security(reading: _Reading) -> dict[str, str]:
    model = or_none(reading.domain.connect().getSecurityModel)
    if not model or not model[0]:
        return {}
    found = {"Security model": sanitise(model[0]), "Security DOI": sanitise(model[1])}
    label = or_none(reading.domain.securityLabel) if reading.domain.isActive() else None
    if label and label[0]:
        enforced = "enforcing" if label[1] else "permissive"
        found["Security label"] = f"{sanitise(label[0])} ({enforced})"
    return found


def _guest(reading: _Reading, live: str, uuid: str) -> tuple[tuple[str, str], ...]:
    """What the agent tells, asked only where it is connected: else each call waits in vain."""
    if not live or agent_state(live) != "connected":
        return ()
    return reading.ask("guest agent", lambda: agent.read_guest(reading.domain, uuid), ())


def agent_state(live: str) -> str | None:
    """The agent channel's state in live XML: ``connected``, ``disconnected``; None: no channel."""
    target = parse(live).find(f"devices/channel/target[@name='{AGENT_CHANNEL}']")
    return None if target is None else target.get("state", "disconnected")


def _yes_no(value: object) -> str:
    return "" if value is None else "yes" if value else "no"
