"""Which of a guest's addresses are shown, and in which order."""

from __future__ import annotations

from tuivm.backend.addresses import to_addresses
from tuivm.core.model import Address


def test_usable_addresses_ipv4_first_with_their_source() -> None:
    told = {
        "lo": {"hwaddr": "00:00:00:00:00:00", "addrs": [{"addr": "127.0.0.1"}, {"addr": "::1"}]},
        "eth0": {
            "hwaddr": "52:54:00:00:00:01",
            "addrs": [
                {"addr": "fe80::1"},
                {"addr": "2001:db8::7"},
                {"addr": "192.0.2.7"},
                {"addr": "192.0.2.7"},
                {"addr": "169.254.1.1"},
            ],
        },
        "none": {"hwaddr": None, "addrs": None},
    }
    assert to_addresses(told, "agent") == (
        Address("192.0.2.7", "52:54:00:00:00:01", "agent"),
        Address("2001:db8::7", "52:54:00:00:00:01", "agent"),
    )


def test_a_guest_cannot_write_to_the_terminal_by_its_address() -> None:
    told = {"e": {"hwaddr": "\x1b[2J", "addrs": [{"addr": "1.2.3.4\x1b]0;x\x07"}]}}
    (address,) = to_addresses(told, "agent")
    assert "\x1b" not in address.ip + address.mac
