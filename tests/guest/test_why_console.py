"""Consoles that stay blank on real guests: no getty, or a guest that does not use the port."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from lxml import etree

from tests.guest.conftest import MakeGuest
from tests.guest.lab import Lab, until
from tests.guest.test_obstacles import Trouble, conn
from tests.lab.guests import Guest, serial_log
from tuivm.core.causes import Cause, Surety

__all__ = ["conn"]

QEMU = "http://libvirt.org/schemas/domain/qemu/1.0"


@pytest.fixture
def trouble(lab: Lab, conn: object) -> Callable[[Guest], Trouble]:
    return lambda guest: Trouble(lab, guest, conn)


def console(trouble: Trouble) -> list[Cause]:
    return [one for one in trouble.notes("console") if one.id != "console-holder"]


def in_guest(lab: Lab, guest: Guest, command: str) -> None:
    """Run a shell command in the guest, through its agent."""
    asked = {"path": "/bin/sh", "arg": ["-c", command]}
    line = json.dumps({"execute": "guest-exec", "arguments": asked})

    def done() -> bool:
        return "pid" in lab.virsh("qemu-agent-command", guest.uuid, line, check=False)

    until(done, "answer of the agent")


def test_a_guest_without_a_getty(
    lab: Lab, trouble: Callable[[Guest], Trouble], make_guest: MakeGuest
) -> None:
    guest = make_guest("nogetty", arguments="lab.getty=off", start="running")
    one = trouble(guest)
    until(lambda: [note.id for note in console(one)] == ["console-getty"], "the cause")
    # A little later everything that it prints at its start is there.
    in_guest(lab, guest, "true")
    (told,) = console(one)
    assert (told.id, told.surety) == ("console-getty", Surety.LIKELY)
    last = lab.said(guest).decode("utf-8", "replace").strip().splitlines()[-1].strip()
    assert str(serial_log(guest, lab.paths)) in told.evidence
    assert last in told.evidence
    assert "serial-getty@ttyS0" in told.cures[0].lines[0]
    assert one.notes("console", up=5.0) == (), "it may be booting still"
    # The cure is the guest's to take: there, a getty on that port.
    in_guest(lab, guest, "setsid /sbin/getty -L 115200 ttyS0 vt100 &")
    lab.await_boot(guest)
    assert console(one) == []


def test_a_guest_whose_kernel_does_not_use_the_port(
    lab: Lab, trouble: Callable[[Guest], Trouble], make_guest: MakeGuest
) -> None:
    """It boots by itself, so that its XML says nothing of its kernel; its port stays silent."""
    guest = make_guest("silent")
    one = trouble(guest)
    one.change(lambda root: own_kernel(lab, root, "lab.getty=off"))
    one.domain.create()
    in_guest(lab, guest, "true")
    assert lab.said(guest) == b""
    (told,) = console(one)
    assert (told.id, told.surety) == ("console-silent", Surety.LIKELY)
    assert f"{serial_log(guest, lab.paths)} is empty" in told.evidence
    assert any("console=ttyS0" in line for line in told.cures[0].lines)
    assert one.notes("console", up=5.0) == ()
    # The cure is the guest's to take: its kernel is told, and a login runs there.
    one.domain.destroy()
    one.change(lambda root: own_kernel(lab, root, "console=ttyS0"))
    one.domain.create()
    lab.await_boot(guest)
    assert console(one) == []


def own_kernel(lab: Lab, root: etree._Element, arguments: str) -> None:
    """Have QEMU load the kernel behind libvirt's back, as a boot loader on a disk does."""
    system = root.find("os")
    assert system is not None
    for name in ("kernel", "initrd", "cmdline"):
        for child in system.findall(name):
            system.remove(child)
    for child in root.findall(f"{{{QEMU}}}commandline"):
        root.remove(child)
    line = etree.SubElement(root, f"{{{QEMU}}}commandline", nsmap={"qemu": QEMU})
    image = lab.image
    words = ["-kernel", str(image.kernel), "-initrd", str(image.initramfs), "-append", arguments]
    for word in words:
        etree.SubElement(line, f"{{{QEMU}}}arg", value=word)
