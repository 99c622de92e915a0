"""Which of a guest's addresses stands for it."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_address

from tuivm.core.model import Address

_SOURCES = {"lease": 0, "agent": 1, "arp": 2}


def _rank(address: Address) -> tuple[int, int]:
    try:
        parsed = ip_address(address.ip.partition("%")[0].partition("/")[0])
    except ValueError:
        return 9, 9
    if parsed.is_loopback or parsed.is_link_local:
        return 4 + (parsed.version == 6), _SOURCES.get(address.source, 3)
    return int(parsed.version == 6), _SOURCES.get(address.source, 3)


def usable(addresses: Iterable[Address]) -> list[Address]:
    """Sort addresses, best first: IPv4 before IPv6, lease before agent before ARP.

    Loopback and link-local ones come last: nobody else can reach the guest there. An
    address told by several sources stays once, as the best source has it.
    """
    best: dict[str, Address] = {}
    for address in sorted(addresses, key=_rank):
        best.setdefault(address.ip, address)
    return list(best.values())


def preferred(addresses: Iterable[Address]) -> Address | None:
    """Return the address to show and to connect to, or None."""
    return min(addresses, key=_rank, default=None)
