"""Guests that stand still, each in its own way: named, and got going or off by the cure."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp

import libvirt
import pytest

from tests.guest.conftest import MakeGuest
from tests.guest.lab import Lab, until
from tests.guest.test_obstacles import Trouble, conn
from tests.guest.test_stop import in_guest, why
from tests.lab.guests import Guest
from tests.lab.needs import find
from tuivm.backend.power import run_verb
from tuivm.backend.processes import qemu_of
from tuivm.core.actions import ACTIONS
from tuivm.core.causes import Cause, Surety

__all__ = ["conn"]


def taken(conn: libvirt.virConnect, guest: Guest, cause: Cause, verb: str) -> None:
    """Take a cause's cure by what it does."""
    for cure in cause.cures:
        action = ACTIONS.get(cure.action_id)
        if verb in (cure.verb, action.verb if action else ""):
            assert cure.key
            run_verb(conn, guest.uuid, verb, cure.args)
            return
    raise AssertionError(f"no {verb} among {cause.cures}")


def test_a_panic_that_its_host_hears_of(
    lab: Lab, make_guest: MakeGuest, conn: libvirt.virConnect
) -> None:
    guest = make_guest("crash", extra="<panic model='isa'/>")
    xml = conn.lookupByUUIDString(guest.uuid).XMLDesc(0)
    conn.defineXML(xml.replace("<on_crash>destroy", "<on_crash>preserve"))
    lab.virsh("start", guest.uuid)
    lab.await_boot(guest)
    assert why(conn, lab, guest, None) == []
    in_guest(lab, guest, "echo c > /proc/sysrq-trigger")
    until(lambda: lab.state(guest) == "crashed", "crash")
    cause, *_ = why(conn, lab, guest, None)
    assert (cause.id, cause.surety) == ("crashed", Surety.CERTAIN)
    taken(conn, guest, cause, "destroy")
    assert lab.state(guest) == "shut off"
    assert why(conn, lab, guest, None) == []


@pytest.mark.parametrize(
    ("command", "id_"),
    [("echo c > /proc/sysrq-trigger", "panic"), ("sync; halt -f", "halted")],
)
def test_what_its_console_says_of_a_guest_that_is_dead(
    lab: Lab, make_guest: MakeGuest, conn: libvirt.virConnect, command: str, id_: str
) -> None:
    guest = make_guest(id_, start="running")
    lab.await_boot(guest)
    assert why(conn, lab, guest, None) == []
    in_guest(lab, guest, f"dmesg -n 7; {command}")
    until(lambda: why(conn, lab, guest, None), "a cause")
    cause, *_ = why(conn, lab, guest, None)
    assert (cause.id, cause.surety) == (id_, Surety.CERTAIN)
    taken(conn, guest, cause, "destroy")
    assert lab.state(guest) == "shut off"


def test_a_guest_without_a_system_waits_in_its_firmware(
    lab: Lab, make_guest: MakeGuest, conn: libvirt.virConnect
) -> None:
    guest = make_guest("empty", agent=False)
    trouble = Trouble(lab, guest, conn)

    def bare(root: object) -> None:
        place = root.find("os")  # type: ignore[attr-defined]
        for name in ("kernel", "initrd", "cmdline"):
            place.remove(place.find(name))
        place.append(place.makeelement("bios", {"useserial": "yes"}))

    trouble.change(bare)
    trouble.domain.create()
    until(lambda: b"Boot" in lab.said(guest), "firmware")
    assert why(conn, lab, guest, None) == []
    run_verb(conn, guest.uuid, "shutdown", {"mode": "acpi"})
    cause, *_ = why(conn, lab, guest, 30.0)
    assert (cause.id, cause.surety) == ("firmware", Surety.LIKELY)
    taken(conn, guest, cause, "destroy")
    assert lab.state(guest) == "shut off"


def test_a_guest_that_boots_still(
    lab: Lab, make_guest: MakeGuest, conn: libvirt.virConnect
) -> None:
    guest = make_guest("young", start="running", agent=False)
    until(lambda: b"Linux version" in lab.said(guest), "kernel")
    process = qemu_of(guest.uuid)
    assert process is not None
    os.kill(process.pid, signal.SIGSTOP)
    try:
        (cause, *_) = why(conn, lab, guest, 3.0)
        assert (cause.id, cause.surety) == ("booting", Surety.LIKELY)
    finally:
        os.kill(process.pid, signal.SIGCONT)
    lab.await_boot(guest)
    assert why(conn, lab, guest, None) == []


def test_a_guest_that_computes_without_a_pause(
    lab: Lab, make_guest: MakeGuest, conn: libvirt.virConnect
) -> None:
    guest = make_guest("busy", start="running", serial_log=False)
    until(lambda: "state='connected'" in lab.virsh("dumpxml", guest.uuid), "agent")
    in_guest(lab, guest, "killall acpid; while :; do :; done")
    found: list[Cause] = []
    # On a busy machine it may get less than a whole CPU for a while.
    late = time.monotonic() + 60
    while not any(one.id == "hung" for one in found) and time.monotonic() < late:
        found = why(conn, lab, guest, 30.0)
    hung = next(one for one in found if one.id == "hung")
    assert hung.surety is Surety.POSSIBLE
    assert not any(one.id == "hung" for one in why(conn, lab, guest, None)), "nobody asked"
    taken(conn, guest, hung, "destroy")
    assert lab.state(guest) == "shut off"


@pytest.fixture
def thin() -> Iterator[tuple[str, Path]]:
    """A block device with less room behind it than it says, and the folder that is too small."""
    if os.geteuid() != 0 or find("losetup") is None:
        pytest.skip("needs root, and losetup")
    place, device = Path(mkdtemp(prefix="tuivm-thin-", dir="/var/tmp")), ""
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)], check=True)
    try:
        with (place / "disk").open("wb") as file:
            file.truncate(64 << 20)
        found = subprocess.run(
            ["losetup", "--find", "--show", str(place / "disk")], capture_output=True, text=True
        )
        device = found.stdout.strip()
        if not device:
            pytest.skip(f"no loop device: {found.stderr}")
        yield device, place
    finally:
        if device:
            subprocess.run(["losetup", "--detach", device], check=True)
        subprocess.run(["umount", "-l", str(place)], check=True)
        place.rmdir()


def test_a_thin_volume_that_is_full_stops_its_guest_until_it_is_larger(
    lab: Lab, make_guest: MakeGuest, conn: libvirt.virConnect, thin: tuple[str, Path]
) -> None:
    device, place = thin
    disk = (
        "<disk type='block' device='disk'>"
        "<driver name='qemu' type='raw' cache='none' error_policy='stop'/>"
        f"<source dev='{device}'/><target dev='vdb' bus='virtio'/></disk>"
    )
    guest = make_guest("thin", start="running", extra=disk)
    lab.await_boot(guest)
    assert why(conn, lab, guest, None) == []
    in_guest(lab, guest, "dd if=/dev/zero of=/dev/vdb bs=64k count=64; echo written > /dev/ttyS0")
    until(lambda: lab.state(guest) == "paused", "pause")
    cause, *_ = why(conn, lab, guest, None)
    assert (cause.id, cause.surety) == ("no-space", Surety.CERTAIN)
    assert "The volume behind its disk vdb" in cause.title
    assert device in cause.evidence
    assert "free" not in cause.evidence, "that would be of /dev"
    subprocess.run(["mount", "-o", "remount,size=80m", str(place)], check=True)
    taken(conn, guest, cause, "resume")
    until(lambda: b"written" in lab.said(guest), "going on")
    assert lab.state(guest) == "running"
    assert why(conn, lab, guest, None) == []
    conn.lookupByUUIDString(guest.uuid).destroy()
