"""Asking a guest to shut down or to reboot: in a mode that was chosen, or in the best one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import NamedTuple

import libvirt

from tuivm.backend.xml_parse import AGENT_CHANNEL, parse
from tuivm.core.errors import TuivmError
from tuivm.core.text import sanitise

ACPI: int = libvirt.VIR_DOMAIN_SHUTDOWN_ACPI_POWER_BTN
AGENT: int = libvirt.VIR_DOMAIN_SHUTDOWN_GUEST_AGENT
SHUTDOWN_MODES: dict[str, int] = {
    "acpi": ACPI,
    "agent": AGENT,
    "initctl": libvirt.VIR_DOMAIN_SHUTDOWN_INITCTL,
    "signal": libvirt.VIR_DOMAIN_SHUTDOWN_SIGNAL,
    "paravirt": libvirt.VIR_DOMAIN_SHUTDOWN_PARAVIRT,
}
REBOOT_MODES: dict[str, int] = {
    "acpi": libvirt.VIR_DOMAIN_REBOOT_ACPI_POWER_BTN,
    "agent": libvirt.VIR_DOMAIN_REBOOT_GUEST_AGENT,
    "initctl": libvirt.VIR_DOMAIN_REBOOT_INITCTL,
    "signal": libvirt.VIR_DOMAIN_REBOOT_SIGNAL,
    "paravirt": libvirt.VIR_DOMAIN_REBOOT_PARAVIRT,
}
AGENT_PATIENCE = 8.0
"""Seconds in which a guest agent has to take the request; libvirt itself waits for 60."""
ASLEEP = (libvirt.VIR_DOMAIN_PAUSED, libvirt.VIR_DOMAIN_PMSUSPENDED)
"""States in which a guest hears nothing."""


NO_AGENT = "the power button, as the guest agent did not do it: "
"""What the note of a request says where the agent was asked in vain, before libvirt's words."""


class Asked(NamedTuple):
    """A request to shut down that this program made."""

    at: float
    """``time.monotonic()``."""
    mode: str
    """As it was chosen: ``agent``; empty for the best one."""
    answer: Future[str]


def shutdown(domain: libvirt.virDomain, args: Mapping[str, str]) -> str:
    """Ask the guest to power off; returns how it was asked.

    Without a ``mode`` the driver chooses; ``shut_down_best`` knows better.
    """
    flags = _modes(args, SHUTDOWN_MODES)
    _ask(domain, domain.shutdownFlags, flags, _title(domain), args)
    return f"asked by {_ways(flags)}" if flags else ""


def shut_down_best(conn: libvirt.virConnect, uuid: str, by_agent: Callable[[str], None]) -> str:
    """Ask the guest in the best way; returns how it was asked.

    By the agent where it is connected, by ACPI where it is not or does not do it, by both
    where that cannot be told. Drivers but QEMU's choose by themselves. ``by_agent`` asks
    the agent of a UUID, on another connection: one that hangs holds its call for a minute.
    """
    domain = conn.lookupByUUIDString(uuid)
    flags = best_modes(domain.XMLDesc(0))
    way = _ways(flags)
    if flags == AGENT:
        try:
            by_agent(uuid)
        except TuivmError as error:
            flags, way = ACPI, f"{NO_AGENT}{error.message}"
            if error.code is not None:
                way += f" (code {error.code})"
        else:
            return f"asked by {way}"
    _ask(domain, domain.shutdownFlags, flags, _title(domain), {})
    return f"asked by {way}" if flags else ""


def ask_agent(submit: Callable[..., Future[None]], uuid: str) -> None:
    """Have a guest's agent power it off, on a thread for that; waits, but not for long.

    ``submit`` is the host's. Raises ``TuivmError`` where the agent did not take it.
    """

    def ask(conn: libvirt.virConnect) -> None:
        conn.lookupByUUIDString(uuid).shutdownFlags(AGENT)

    call = "virDomainShutdownFlags"
    submit(ask, call=call, lane="agent", deadline=AGENT_PATIENCE).result()


def _title(domain: libvirt.virDomain) -> str:
    return f"Cannot shut down {sanitise(domain.name(), 80)}"


def best_modes(xml: str) -> int:
    """The flags with which a guest is best asked; 0 leaves it to the driver."""
    root = parse(xml)
    if root.get("type") not in ("kvm", "qemu"):
        return 0
    channel = root.find(f"devices/channel/target[@name='{AGENT_CHANNEL}']")
    if channel is None:
        return ACPI
    match channel.get("state"):
        case "connected":
            return AGENT
        case "disconnected":
            return ACPI
        case _:
            return ACPI | AGENT


def _ways(flags: int) -> str:
    names = {ACPI: "the power button", AGENT: "the guest agent"}
    words = {flag: names.get(flag, word) for word, flag in SHUTDOWN_MODES.items()}
    return " or ".join(word for flag, word in words.items() if flags & flag)


def reboot(domain: libvirt.virDomain, args: Mapping[str, str]) -> str:
    """Ask the guest to restart, in the driver's own best mode or the one that is given."""
    title = f"Cannot reboot {sanitise(domain.name(), 80)}"
    _ask(domain, domain.reboot, _modes(args, REBOOT_MODES), title, args)
    return ""


def _modes(args: Mapping[str, str], known: Mapping[str, int]) -> int:
    flags = 0
    for word in args.get("mode", "").replace(",", " ").lower().split():
        if word not in known:
            raise TuivmError(
                "Unknown mode",
                f"there is no {sanitise(word, 40)}",
                hint=f"one of {', '.join(known)}",
            )
        flags |= known[word]
    return flags


def _ask(
    domain: libvirt.virDomain,
    call: Callable[[int], object],
    flags: int,
    title: str,
    args: Mapping[str, str],
) -> None:
    """Make a call that the guest has to follow, in modes that differ from driver to driver."""
    try:
        call(flags)
    except libvirt.libvirtError as error:
        code, text = error.get_error_code(), error.get_error_message() or ""
        if code == libvirt.VIR_ERR_INVALID_ARG and flags and "unsupported flags" in text:
            mode = sanitise(args.get("mode", ""), 40)
            message = f"this host's driver has no mode {mode}"
            hint = "leave the mode out: the driver then chooses one that it has"
        elif code == libvirt.VIR_ERR_OPERATION_INVALID and state_of(domain) in ASLEEP:
            message, hint = "its guest is paused and cannot hear", "resume it first"
        else:
            raise
        raise TuivmError(
            title,
            message,
            hint=hint,
            code=code,
            domain=error.get_error_domain(),
            raw=sanitise(text),
        ) from None


def state_of(domain: libvirt.virDomain) -> int:
    """The domain's state (``virDomainState``); NOSTATE where it cannot be told any more."""
    try:
        return int(domain.state()[0])
    except libvirt.libvirtError:
        return int(libvirt.VIR_DOMAIN_NOSTATE)
