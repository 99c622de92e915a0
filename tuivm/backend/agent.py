"""What the guest agent tells, without ever waiting longer than people do."""

from __future__ import annotations

import time
from typing import Any

import libvirt

from tuivm.backend.patience import ask_within
from tuivm.core.text import bytes_text, sanitise

PATIENCE = 3.0
"""Seconds that an answer may take."""

_TYPES = (
    libvirt.VIR_DOMAIN_GUEST_INFO_USERS
    | libvirt.VIR_DOMAIN_GUEST_INFO_OS
    | libvirt.VIR_DOMAIN_GUEST_INFO_TIMEZONE
    | libvirt.VIR_DOMAIN_GUEST_INFO_HOSTNAME
    | libvirt.VIR_DOMAIN_GUEST_INFO_FILESYSTEM
    | libvirt.VIR_DOMAIN_GUEST_INFO_INTERFACES
)
_MOST = 64
"""Users, file systems or interfaces that are taken from one answer."""


def read_guest(domain: libvirt.virDomain, uuid: str) -> tuple[tuple[str, str], ...]:
    """Ask the agent for all that it tells, label and value; blocks ``PATIENCE`` at most.

    An agent that accepted a question and then hangs blocks libvirt's call for ever. The
    domain's own agent timeout could end it, but that setting is shared by everybody who
    manages the domain, whose freezes and shutdowns would then be cut short. Raises
    ``TuivmError`` when there is no answer in time, ``libvirt.libvirtError`` as libvirt does.
    """
    answer = ask_within(PATIENCE, uuid, "guest agent", lambda: domain.guestInfo(_TYPES, 0))
    return describe(answer)


def describe(answer: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    """Put ``virDomainGetGuestInfo``'s typed parameters into people's terms, sanitised."""
    known = {str(name): _text(value) for name, value in answer.items()}
    found: list[tuple[str, str]] = []
    for label, *names in (
        ("Hostname", "hostname"),
        ("OS", "os.pretty-name", "os.name", "os.id"),
        ("Version", "os.version"),
        ("Kernel", "os.kernel-release"),
        ("Machine", "os.machine"),
        ("Time zone", "timezone.name"),
    ):
        value = next((known[name] for name in names if known.get(name)), "")
        if value:
            found.append((label, value))
    users = [
        f"{known[f'user.{i}.name']}{_since(answer.get(f'user.{i}.login-time'))}"
        for i in _members(answer, "user")
        if known.get(f"user.{i}.name")
    ]
    if users:
        found.append(("Users", ", ".join(users)))
    found += [_file_system(known, answer, f"fs.{i}.") for i in _members(answer, "fs")]
    found += [_interface(known, answer, f"if.{i}.") for i in _members(answer, "if")]
    return tuple((label, value) for label, value in found if value)


def _members(answer: dict[str, Any], group: str, most: int = _MOST) -> range:
    count = answer.get(f"{group}.count", 0)
    return range(min(count, most) if isinstance(count, int) and count > 0 else 0)


def _text(value: object) -> str:
    return sanitise(str(value), 256)


def _since(milliseconds: object) -> str:
    if not isinstance(milliseconds, int) or milliseconds <= 0:
        return ""
    try:
        return time.strftime(" since %d %b %H:%M", time.localtime(milliseconds / 1000))
    except (OverflowError, ValueError, OSError):
        return ""


def _file_system(known: dict[str, str], answer: dict[str, Any], prefix: str) -> tuple[str, str]:
    total, used = answer.get(f"{prefix}total-bytes"), answer.get(f"{prefix}used-bytes")
    parts = []
    if isinstance(total, int) and isinstance(used, int) and total > 0:
        parts.append(f"{bytes_text(used)} of {bytes_text(total)} used ({used / total:.0%})")
    if kind := known.get(f"{prefix}fstype"):
        parts.append(kind)
    if device := known.get(f"{prefix}name"):
        parts.append(f"on {device}")
    return f"File system {known.get(f'{prefix}mountpoint', '?')}", ", ".join(parts)


def _interface(known: dict[str, str], answer: dict[str, Any], prefix: str) -> tuple[str, str]:
    addresses = []
    for index in _members(answer, f"{prefix}addr"):
        address = known.get(f"{prefix}addr.{index}.addr")
        size = known.get(f"{prefix}addr.{index}.prefix")
        if address:
            addresses.append(f"{address}/{size}" if size else address)
    mac = known.get(f"{prefix}hwaddr", "").removeprefix("00:00:00:00:00:00")
    label = f"Interface {known.get(f'{prefix}name', '?')}"
    return label, ", ".join(filter(None, (*addresses, mac)))
