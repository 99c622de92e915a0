"""Guests that stand still, each in its own way: named, and got going or off by the cure."""

from __future__ import annotations

import os
import signal
import time

import libvirt
import pytest

from tests.guest.conftest import MakeGuest
from tests.guest.lab import Lab, until
from tests.guest.test_obstacles import Trouble, conn
from tests.guest.test_stop import in_guest, why
from tests.lab.guests import Guest
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
