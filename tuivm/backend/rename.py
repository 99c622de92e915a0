"""Gives a domain another name; its UUID, disks and snapshots stay."""

from __future__ import annotations

from collections.abc import Mapping

import libvirt

from tuivm.backend.inventory import decode
from tuivm.core.errors import TuivmError
from tuivm.core.names import wrong_name
from tuivm.core.text import sanitise


def rename(domain: libvirt.virDomain, args: Mapping[str, str]) -> str:
    """Give a domain the name ``new-name``; returns what came of it.

    Blocks, on a host's own thread. Raises ``TuivmError`` for a name that will not do or that
    another domain has, ``libvirt.libvirtError`` as libvirt does.
    """
    name = args.get("new-name", "")
    title = f"Cannot rename {sanitise(domain.name(), 80)}"
    if wrong := wrong_name(name):
        raise TuivmError(title, wrong, hint="choose another name")
    if name == domain.name():
        raise TuivmError(title, "that is its name already", hint="choose another name")
    try:
        domain.rename(name, 0)
    except libvirt.libvirtError as error:
        holder = holder_of(domain.connect(), name)
        if holder is None or holder.UUIDString() == domain.UUIDString():
            raise
        raise TuivmError(
            title,
            f"there is another VM called {sanitise(name, 80)} ({state_of(holder)})",
            hint="choose another name",
            code=error.get_error_code(),
            domain=error.get_error_domain(),
            call="virDomainRename",
            raw=sanitise(error.get_error_message() or str(error), 4096),
        ) from error
    return f"it is {sanitise(name, 80)} from here on"


def holder_of(conn: libvirt.virConnect, name: str) -> libvirt.virDomain | None:
    """The domain that has a name; None where there is none, or it may not be seen."""
    try:
        return conn.lookupByName(name)
    except libvirt.libvirtError:
        return None


def state_of(domain: libvirt.virDomain) -> str:
    """Its state in a word, and the reason where that is worth one."""
    state, reason = decode(*domain.state()[:2])
    return f"{state.value}: {reason}" if reason else state.value
