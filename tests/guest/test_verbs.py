"""The backend's verbs and reads where only a real QEMU can tell right from wrong."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import libvirt
import pytest

from tests.guest.conftest import MakeGuest
from tests.guest.lab import Lab, until
from tests.lab.guests import Guest
from tuivm.backend.details import read_details
from tuivm.backend.power import run_verb
from tuivm.backend.xml import read_xml
from tuivm.core.errors import TuivmError
from tuivm.core.model import DomainKey

DISK = "<disk type='file' device='cdrom'><target dev='{}' bus='sata'/><readonly/></disk>"
SERIAL = "<serial type='null'><target port='3'/></serial>"


@pytest.fixture
def conn(lab: Lab) -> Iterator[libvirt.virConnect]:
    connection = libvirt.open(lab.uri)
    yield connection
    connection.close()


def key(guest: Guest) -> DomainKey:
    return DomainKey("lab", guest.uuid)


def test_nothing_is_pending_after_a_start_until_somebody_changes_something(
    conn: libvirt.virConnect, make_guest: MakeGuest
) -> None:
    guest = make_guest("fresh", start="running")
    assert read_xml(conn, guest.uuid).changes == ()
    details = read_details(conn, key(guest))
    assert [device.title for device in details.devices if device.pending] == []

    domain = conn.lookupByUUIDString(guest.uuid)
    domain.attachDeviceFlags(SERIAL, libvirt.VIR_DOMAIN_AFFECT_CONFIG)
    domain.setMemoryFlags(
        256 << 10, libvirt.VIR_DOMAIN_AFFECT_CONFIG | libvirt.VIR_DOMAIN_MEM_MAXIMUM
    )
    wheres = {change.where for change in read_xml(conn, guest.uuid).changes}
    assert wheres == {"devices/serial[3]", "memory"}
    pending = [device for device in read_details(conn, key(guest)).devices if device.pending]
    assert [device.pending for device in pending] == ["after the next power cycle"]


def test_details_of_a_guest_with_an_agent(
    lab: Lab, conn: libvirt.virConnect, make_guest: MakeGuest
) -> None:
    guest = make_guest("agent", start="running", hostname="told-by-agent")
    lab.await_boot(guest)

    def hostname() -> str:
        return dict(read_details(conn, key(guest)).guest).get("Hostname", "")

    until(lambda: hostname() == "told-by-agent", "an answer of the agent", 60)
    details = read_details(conn, key(guest))
    assert details.unread == ()
    counters = dict(details.stats)
    assert int(counters["cpu.time"]) > 0
    assert dict(details.info)["State"] == "running"


def test_undefine_of_a_saved_guest_and_of_a_running_one(
    conn: libvirt.virConnect, make_guest: MakeGuest
) -> None:
    guest = make_guest("forget", start="running")
    with pytest.raises(TuivmError, match="Cannot undefine"):
        run_verb(conn, guest.uuid, "undefine", {})
    run_verb(conn, guest.uuid, "managedsave", {})
    assert "saved state removed" in run_verb(conn, guest.uuid, "undefine", {})
    with pytest.raises(libvirt.libvirtError):
        conn.lookupByUUIDString(guest.uuid)


def test_a_mode_that_qemu_has_not(conn: libvirt.virConnect, make_guest: MakeGuest) -> None:
    guest = make_guest("mode", start="paused")
    with pytest.raises(TuivmError) as caught:
        run_verb(conn, guest.uuid, "shutdown", {"mode": "initctl"})
    assert "initctl" in caught.value.message
    assert caught.value.hint
    with pytest.raises(TuivmError) as caught:
        run_verb(conn, guest.uuid, "shutdown", {"mode": "acpi"})
    assert "paused" in caught.value.message
    assert "resume" in caught.value.hint


def test_a_guest_whose_qemu_hangs_is_still_shown(
    conn: libvirt.virConnect, make_guest: MakeGuest
) -> None:
    guest = make_guest("stuck", start="paused")
    process = qemu_process(guest)
    os.kill(process, signal.SIGSTOP)
    try:
        began = time.monotonic()
        details = read_details(conn, key(guest))
        assert time.monotonic() - began < 9
    finally:
        os.kill(process, signal.SIGCONT)
    assert guest.name in details.xml.live
    assert details.devices
    assert dict(details.info)["UUID"] == guest.uuid
    # Where somebody else waits for this QEMU, libvirt gives what it knows itself, at once.
    unread = any(line.startswith("statistics: ") for line in details.unread)
    assert unread or "state.state" in dict(details.stats)


def qemu_process(guest: Guest) -> int:
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if b"-uuid" in words and guest.uuid.encode() in words:
            return int(folder.name)
    raise AssertionError(f"no QEMU of {guest.name}")
