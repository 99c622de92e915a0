"""The address that stands for a guest is the one that reaches it."""

from __future__ import annotations

from tuivm.core.addresses import preferred, usable
from tuivm.core.model import Address


def at(ip: str, source: str = "agent") -> Address:
    return Address(ip, "52:54:00:00:00:01", source)


def test_what_reaches_the_guest_comes_first() -> None:
    addresses = [
        at("nonsense"),
        at("fe80::1%eth0"),
        at("127.0.0.1"),
        at("169.254.1.1"),
        at("2001:db8::1"),
        at("10.0.0.3", "arp"),
        at("10.0.0.2", "agent"),
        at("10.0.0.1", "lease"),
    ]
    assert [address.ip for address in usable(addresses)] == [
        "10.0.0.1", "10.0.0.2", "10.0.0.3", "2001:db8::1", "127.0.0.1", "169.254.1.1",
        "fe80::1%eth0", "nonsense",
    ]  # fmt: skip
    assert preferred(addresses) == at("10.0.0.1", "lease")


def test_an_address_told_twice_stays_once_with_its_best_source() -> None:
    assert usable([at("10.0.0.1", "arp"), at("10.0.0.1", "lease")]) == [at("10.0.0.1", "lease")]


def test_no_address() -> None:
    assert usable([]) == []
    assert preferred([]) is None
