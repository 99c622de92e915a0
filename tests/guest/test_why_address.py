"""Cards past which libvirt sees no address: a macvtap on a real interface, and a device of the
host's that is passed through."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import replace

import pytest
from lxml import etree

from tests.guest.conftest import MakeGuest
from tests.guest.lab import Lab, until
from tests.guest.test_obstacles import Trouble, conn
from tuivm.backend import why_address
from tuivm.backend.explain import Question, to_case
from tuivm.backend.power import run_verb
from tuivm.backend.why_address import note
from tuivm.backend.xml_parse import parse
from tuivm.core.causes import Surety
from tuivm.core.model import State

__all__ = ["conn"]


@pytest.fixture
def wire(lab: Lab) -> Iterator[str]:
    """An interface of the lab's own network namespace; nobody hands out addresses on it."""
    name = f"w{os.getpid() % 10**6}"
    inside = ["nsenter", "-t", str(lab.running.pid), "-n", "ip", "link"]
    made = subprocess.run(
        [*inside, "add", name, "type", "veth", "peer", "name", f"{name}p"],
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode:
        pytest.skip(f"this kernel makes no veth: {made.stderr.strip()}")
    try:
        for end in (name, f"{name}p"):
            subprocess.run([*inside, "set", end, "up"], check=True)
        yield name
    finally:
        subprocess.run([*inside, "del", name], check=False)


def card(root: etree._Element, kind: str, source: str) -> None:
    """Put the guest's card on something else."""
    found = root.find("devices/interface")
    assert found is not None
    found.set("type", kind)
    old = found.find("source")
    assert old is not None
    found.replace(old, etree.fromstring(source))


def test_a_macvtap_is_named_until_the_guest_agent_tells(
    lab: Lab, conn: object, make_guest: MakeGuest, wire: str
) -> None:
    one = Trouble(lab, make_guest("macvtap", agent=False), conn)
    one.change(lambda root: card(root, "direct", f"<source dev='{wire}' mode='bridge'/>"))
    one.domain.create()
    (told,) = one.notes("address")
    assert told.surety is Surety.CERTAIN
    assert f"{wire} by macvtap" in told.title
    live = parse(one.domain.XMLDesc(0))
    assert (live.find("devices/interface").find("mac").get("address", "?")) in told.evidence  # type: ignore[union-attr]
    assert f"macvtap on {wire} has no leases" in note(live)
    titles = [cure.title for cure in told.cures]
    # Not the host's neighbours: guest and host do not see each other's packets.
    assert titles[0] == "Install the guest agent: it tells"
    assert not any("neighbours" in title for title in titles)
    assert any(cure.action_id == "view.console" for cure in told.cures)
    # Taken: the channel comes with the next start, and the lab's guests have the agent.
    one.domain.destroy()
    run_verb(one.conn, one.guest.uuid, "add-agent", {})
    one.domain.create()
    command = "ip addr add 192.0.2.7/24 dev eth0"
    asked = {"path": "/bin/sh", "arg": ["-c", command]}
    line = json.dumps({"execute": "guest-exec", "arguments": asked})
    until(
        lambda: "pid" in lab.virsh("qemu-agent-command", one.guest.uuid, line, check=False),
        "answer of the agent",
    )
    until(lambda: one.notes("address") == (), "address from the agent")


def test_a_device_that_is_passed_through(lab: Lab, conn: object, make_guest: MakeGuest) -> None:
    """Defined by libvirt; nothing here could be given away, so that it never runs."""
    one = Trouble(lab, make_guest("passed", agent=False), conn)
    place = "<address type='pci' domain='0x0000' bus='0x7f' slot='0x1f' function='0x7'/>"
    one.change(lambda root: card(root, "hostdev", f"<source>{place}</source>"))
    assert one.notes("address") == (), "it is off"
    case = to_case(one.conn, Question(one.guest.uuid, lab.uri))
    (told,) = why_address.causes(replace(case, state=State.RUNNING))
    assert told.surety is Surety.CERTAIN
    assert "passed through" in told.title
    assert told.cures[0].title.split(":")[0] == "Install the guest agent"
    assert any("DHCP server" in cure.title for cure in told.cures)


def test_nothing_is_said_of_a_guest_whose_address_is_known(
    lab: Lab, conn: object, make_guest: MakeGuest
) -> None:
    one = Trouble(lab, make_guest("leased", agent=False, start="running"), conn)
    until(lambda: one.notes("address") == (), "a lease")
