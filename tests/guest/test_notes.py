"""What real guests lack, or would refuse, though nothing is wrong: told, and cured."""

from __future__ import annotations

from collections.abc import Callable

import libvirt
import pytest
from lxml import etree

from tests.guest.conftest import MakeGuest
from tests.guest.lab import Lab, until
from tests.guest.test_obstacles import Trouble, conn, network
from tuivm.backend.power import run_verb
from tuivm.core.causes import Cause, Surety

__all__ = ["conn"]


PORTS = "<controller type='virtio-serial' index='0'/>"
"""What takes the agent's channel while the guest runs."""


@pytest.fixture
def bare(lab: Lab, make_guest: MakeGuest, conn: libvirt.virConnect) -> Trouble:
    """A guest without an agent and without a serial port."""
    return Trouble(lab, make_guest("bare", agent=False, serial=False, extra=PORTS), conn)


def take(trouble: Trouble, note: Cause, verb: str) -> str:
    """Take a note's way out."""
    cure = next(cure for cure in note.cures if cure.verb == verb)
    assert cure.key
    assert cure.lines
    return run_verb(trouble.conn, trouble.guest.uuid, cure.verb, cure.args)


def test_what_a_bare_guest_lacks_is_given_to_it(bare: Trouble, lab: Lab) -> None:
    bare.change(lambda root: _cmdline(root, ""))
    agent, console = bare.notes("agent", "console")
    assert (agent.id, agent.surety) == ("agent-channel", Surety.CERTAIN)
    assert any(
        "dnf install qemu-guest-agent" in line for cure in agent.cures for line in cure.lines
    )
    assert (console.id, console.surety) == ("console-device", Surety.CERTAIN)
    take(bare, console, "add-console")
    (kernel,) = bare.notes("console")
    assert kernel.id == "console-kernel"
    take(bare, kernel, "kernel-console")
    assert bare.notes("console") == ()
    bare.domain.create()
    # The channel comes at once, to what runs too; the agent is there when its guest is up.
    assert (
        take(bare, bare.notes("agent")[0], "add-agent") == "added, at once and for the next start"
    )
    (silent,) = bare.notes("agent")
    assert (silent.id, silent.surety) == ("agent-silent", Surety.LIKELY)
    assert bare.notes("agent", up=5.0)[0].surety is Surety.POSSIBLE
    until(lambda: bare.notes("agent") == (), "guest agent", 60)


def _cmdline(root: etree._Element, text: str) -> None:
    line = root.find("os/cmdline")
    assert line is not None
    line.text = text


def _bridge(root: etree._Element) -> None:
    card = root.find("devices/interface")
    source = root.find("devices/interface/source")
    assert card is not None
    assert source is not None
    card.set("type", "bridge")
    source.attrib.clear()
    source.set("bridge", "virbr0")


def _user(root: etree._Element) -> None:
    card = root.find("devices/interface")
    source = root.find("devices/interface/source")
    assert card is not None
    assert source is not None
    card.set("type", "user")
    card.remove(source)


def _unplugged(root: etree._Element) -> None:
    card = root.find("devices/interface")
    assert card is not None
    etree.SubElement(card, "link", state="down")


def _without(root: etree._Element) -> None:
    card, devices = root.find("devices/interface"), root.find("devices")
    assert card is not None
    assert devices is not None
    devices.remove(card)


@pytest.mark.parametrize(
    ("change", "surety", "words"),
    [
        (None, Surety.LIKELY, "no DHCP lease: it still boots"),
        (_bridge, Surety.CERTAIN, "the bridge virbr0"),
        (network("no-dhcp"), Surety.CERTAIN, "which has no <dhcp>"),
        (_user, Surety.CERTAIN, "a NAT of its own, usually as 10.0.2.15"),
        (_unplugged, Surety.CERTAIN, "unplugged"),
        (_without, Surety.CERTAIN, "no network card"),
    ],
    ids=["no-lease", "bridge", "no-dhcp", "user", "unplugged", "no-card"],
)
def test_why_no_address_is_known(
    bare: Trouble,
    conn: libvirt.virConnect,
    change: Callable[[etree._Element], None] | None,
    surety: Surety,
    words: str,
) -> None:
    made = conn.networkCreateXML("<network><name>no-dhcp</name></network>")
    try:
        if change is not None:
            bare.change(change)
        bare.domain.create()
        (told,) = bare.notes("address")
        assert (told.surety, words in told.title) == (surety, True), told.title
        assert told.cures
        if change is _unplugged:
            take(bare, told, "link-up")
            assert bare.notes("address")[0].surety is Surety.LIKELY
            assert bare.definition.find("devices/interface/link").get("state") == "up"  # type: ignore[union-attr]
    finally:
        bare.domain.destroy()
        made.destroy()
