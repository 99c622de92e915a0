"""Guests' addresses, for the rows on screen: from DHCP leases, the guest agent, or ARP."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import libvirt

from tuivm.backend import errors
from tuivm.backend.link import LaneName
from tuivm.backend.rows import Rows
from tuivm.backend.task import Timing
from tuivm.core.errors import TuivmError
from tuivm.core.model import Address, Domain, State
from tuivm.core.text import sanitise

logger = logging.getLogger(__name__)

SOURCES: tuple[tuple[str, int], ...] = (
    ("lease", libvirt.VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_LEASE),
    ("agent", libvirt.VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_AGENT),
    ("arp", libvirt.VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_ARP),
)
"""In the order of asking: cheap and certain first; the agent may take seconds."""
_YOUNG_SHARE = 10
"""A guest without an address is asked this much more often than one that has some."""
_LOOKS = 20
"""Looks at that pace; a guest that has none by then may never get one."""


class _Look(NamedTuple):
    """When a domain was looked at, and how often without an address."""

    next_at: float
    misses: int


class AddressReader:
    """Keeps ``Domain.addresses`` of visible rows filled, one domain a call. Keeper thread."""

    call = "virDomainInterfaceAddresses"
    lane: LaneName = "side"

    def __init__(self, rows: Rows, timing: Timing) -> None:
        self._rows = rows
        self._period = timing.addresses
        self.deadline = timing.read
        self._visible: tuple[str, ...] = ()
        self._looks: dict[str, _Look] = {}
        self._unsupported: set[str] = set()
        self._asked = ""

    def focus(self, visible: tuple[str, ...]) -> None:
        """Take the UUIDs on screen."""
        self._visible = visible

    def hurry(self, uuid: str) -> None:
        """Its addresses may have changed: look soon."""
        self._looks.pop(uuid, None)

    def due(self) -> float | None:
        """When the first visible running domain is to be looked at."""
        waits = [self._due_of(uuid) for uuid in self._visible]
        return min((at for at in waits if at is not None), default=None)

    def begin(self, now: float) -> Callable[[libvirt.virConnect], Any]:
        """Look at the one that waited longest."""
        waits = [(at, uuid) for uuid in self._visible if (at := self._due_of(uuid)) is not None]
        self._asked = min(waits)[1]
        domain = self._rows.domains[self._asked]
        agent = domain.facts is None or domain.facts.has_agent is not False
        names = [
            name
            for name, _ in SOURCES
            if name not in self._unsupported and (agent or name != "agent")
        ]
        return partial(read_addresses, uuid=self._asked, names=names)

    def done(self, result: tuple[tuple[Address, ...], set[str]], now: float) -> None:
        """Keep what was found; an empty answer does not wipe out an older address."""
        found, unsupported = result
        self._unsupported |= unsupported
        self._plan(now, bool(found))
        # It may have stopped while it was asked.
        if found and self._asked in self._rows.active:
            self._rows.set(self._asked, addresses=found)

    def failed(self, error: TuivmError, now: float) -> None:
        """Let it rest; most likely its agent hangs."""
        self._looks[self._asked] = _Look(now + self._period, _LOOKS)

    def _plan(self, now: float, found: bool) -> None:
        misses = 0 if found else self._looks.get(self._asked, _Look(0, 0)).misses + 1
        soon = not found and misses <= _LOOKS
        wait = self._period / _YOUNG_SHARE if soon else self._period
        self._looks[self._asked] = _Look(now + wait, misses)

    def _due_of(self, uuid: str) -> float | None:
        domain: Domain | None = self._rows.domains.get(uuid)
        if domain is None or domain.state not in (State.RUNNING, State.STOPPING):
            return None
        if domain.facts is None or not domain.facts.macs:
            return None
        look = self._looks.get(uuid)
        return 0.0 if look is None else look.next_at


def read_addresses(
    conn: libvirt.virConnect, uuid: str, names: list[str]
) -> tuple[tuple[Address, ...], set[str]]:
    """The addresses from the first source that has any, and the sources the driver lacks."""
    unsupported: set[str] = set()
    try:
        domain = conn.lookupByUUIDString(uuid)
        for name, source in SOURCES:
            if name not in names:
                continue
            try:
                found = to_addresses(domain.interfaceAddresses(source) or {}, name)
            except libvirt.libvirtError as error:
                if errors.broken(error):
                    raise
                if error.get_error_code() == libvirt.VIR_ERR_NO_SUPPORT:
                    unsupported.add(name)
                continue
            if found:
                return found, unsupported
    except libvirt.libvirtError as error:
        if errors.broken(error):
            raise
        logger.debug("no addresses of %s: %s", uuid, error)
    return (), unsupported


def to_addresses(interfaces: dict[str, Any], source: str) -> tuple[Address, ...]:
    """Take libvirt's answer without loopback and link-local addresses, IPv4 first."""
    found: list[tuple[bool, Address]] = []
    for interface in interfaces.values():
        mac = sanitise(str(interface.get("hwaddr") or ""), 40)
        for entry in interface.get("addrs") or ():
            ip = sanitise(str(entry.get("addr") or ""), 64)
            if not ip or ip.startswith(("127.", "169.254.", "fe80:")) or ip == "::1":
                continue
            address = Address(ip, mac, source)
            if (is_six := ":" in ip, address) not in found:
                found.append((is_six, address))
    found.sort(key=lambda pair: pair[0])
    return tuple(address for _, address in found)
