"""Which way a guest is asked to shut down, and what is said of it."""

from __future__ import annotations

import pytest

from tuivm.backend.shutdown import (
    ACPI,
    AGENT,
    NO_AGENT,
    best_modes,
    shut_down_best,
    shutdown,
)
from tuivm.core.errors import TuivmError

XML = "<domain type='kvm'><devices>{channel}</devices></domain>"
CHANNEL = (
    "<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'{state}/></channel>"
)


def xml(state: str | None) -> str:
    if state is None:
        return XML.format(channel="")
    return XML.format(channel=CHANNEL.format(state=f" state='{state}'" if state else ""))


@pytest.mark.parametrize(
    ("state", "flags"),
    [("connected", AGENT), ("disconnected", ACPI), (None, ACPI), ("", ACPI | AGENT)],
)
def test_the_agent_where_it_is_there_both_where_that_is_not_known(
    state: str | None, flags: int
) -> None:
    assert best_modes(xml(state)) == flags


def test_drivers_but_qemus_choose_by_themselves() -> None:
    assert best_modes("<domain type='lxc'><devices/></domain>") == 0
    assert best_modes("<domain type='test'/>") == 0


class Guest:
    """A domain, its connection, and its agent, which does what the test wants."""

    def __init__(self, state: str | None, failure: TuivmError | None = None) -> None:
        self.state, self.failure = state, failure
        self.asked: list[int] = []

    def name(self) -> str:
        return "web"

    def XMLDesc(self, flags: int) -> str:
        return xml(self.state)

    def lookupByUUIDString(self, uuid: str) -> Guest:
        return self

    def shutdownFlags(self, flags: int) -> None:
        self.asked.append(flags)

    def ask_agent(self, uuid: str) -> None:
        self.asked.append(AGENT)
        if self.failure is not None:
            raise self.failure


def best(guest: Guest) -> str:
    return shut_down_best(guest, "uuid", guest.ask_agent)


def test_the_button_is_pressed_where_the_agent_hangs() -> None:
    guest = Guest("connected", TuivmError("Cannot", "no answer within 8 s", code=86))
    assert best(guest) == f"asked by {NO_AGENT}no answer within 8 s (code 86)"
    assert guest.asked == [AGENT, ACPI]


def test_it_is_said_how_it_was_asked() -> None:
    assert best(Guest("connected")) == "asked by the guest agent"
    assert best(Guest(None)) == "asked by the power button"
    assert best(Guest("")) == "asked by the power button or the guest agent"


def test_a_mode_that_was_chosen_is_the_only_one() -> None:
    guest = Guest("connected")
    assert shutdown(guest, {"mode": "acpi"}) == "asked by the power button"
    assert guest.asked == [ACPI]
    assert shutdown(guest, {"mode": "agent"}) == "asked by the guest agent"
    assert guest.asked == [ACPI, AGENT]
