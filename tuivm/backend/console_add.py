"""Adds a serial console to a domain's definition."""

from __future__ import annotations

from collections.abc import Mapping

import libvirt

from tuivm.backend.xml_console import find_port
from tuivm.core.consoleports import SERIAL_XML
from tuivm.core.errors import TuivmError
from tuivm.core.text import sanitise


def add_console(domain: libvirt.virDomain, args: Mapping[str, str]) -> str:
    """Add a pty serial port to what the next start uses; what runs stays as it is.

    Raises ``libvirt.libvirtError`` as libvirt does.
    """
    name = sanitise(domain.name(), 80)
    if not domain.isPersistent():
        raise TuivmError(
            f"Cannot add a console to {name}",
            "it is transient: it has no definition that a next start would use",
        )
    port = find_port(domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE))
    if port is not None and port.pty:
        return "its definition has one already: power it off and on"
    domain.attachDeviceFlags(SERIAL_XML, libvirt.VIR_DOMAIN_AFFECT_CONFIG)
    return "added: it is there after the next power off and on"
