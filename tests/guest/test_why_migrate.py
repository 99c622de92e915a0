"""What would stop a live migration is told before: then it is tried, between two real hosts."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import libvirt
import pytest

from tests.guest.conftest import lab_of, unique
from tests.guest.lab import Lab, close_lab, open_lab
from tests.guest.test_obstacles import conn
from tuivm.backend.explain import Question
from tuivm.backend.notes import notes
from tuivm.core.causes import Cause, Surety

__all__ = ["conn"]

GUEST = """
<domain type='{type}'>
  <name>{name}</name><memory unit='MiB'>48</memory><vcpu>1</vcpu>{backing}
  <os><type arch='x86_64' machine='pc'>hvm</type></os><features><acpi/></features>{cpu}
  <devices>{devices}<memballoon model='none'/></devices>
</domain>"""
SHARED = "<memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>"
DISK = """<disk type='file' device='disk'><driver name='qemu' type='qcow2'/>
  <source file='FOLDER/disk.qcow2'/><target dev='vda' bus='virtio'/>{more}</disk>"""
# Some machines that are guests themselves cannot give that feature on.
PASSED = "<cpu mode='host-passthrough'{how}><feature name='arch-capabilities' policy='disable'/>"
ALL_PASSED = PASSED.format(how=" migratable='off'")


def share(mode: str, driver: str) -> str:
    return (
        f"<filesystem type='mount' accessmode='{mode}'><driver type='{driver}'/>"
        "<source dir='FOLDER'/><target dir='share'/></filesystem>"
    )


def memory(role: str = "") -> str:
    return f"<shmem name='x'{role}><model type='ivshmem-plain'/><size unit='M'>4</size></shmem>"


@dataclass(frozen=True)
class Moving:
    """A guest, what is told of its migration, and how that is refused if it is."""

    devices: str = ""
    cpu: str = ""
    kind: str = "qemu"
    backing: str = ""
    told: Surety | None = None
    said: str = ""


WOULD, MAY = Surety.CERTAIN, Surety.LIKELY
CASES = {
    "nothing": Moving(),
    "another CPU": Moving(cpu="<cpu mode='maximum' migratable='off'/>"),
    "a NAT of its own": Moving("<interface type='user'/>"),
    "virtiofs": Moving(
        share("passthrough", "virtiofs"), backing=SHARED, told=WOULD, said="vhost-user-fs"
    ),
    # QEMU refuses once a guest has it mounted, and this one has no system that could.
    "9p": Moving(share("mapped", "path"), told=MAY),
    "a transient disk": Moving(DISK.format(more="<transient/>"), told=WOULD, said="transient disk"),
    "shared memory": Moving(memory(), told=WOULD, said="ivshmem"),
    "shared memory that it owns": Moving(memory(" role='master'")),
    "its host's CPU": Moving(cpu=f"{PASSED.format(how='')}</cpu>", kind="kvm"),
    "all of its host's CPU": Moving(cpu=f"{ALL_PASSED}</cpu>", kind="kvm", told=MAY, said="invtsc"),
    "an invariant clock": Moving(
        cpu=f"{ALL_PASSED}<feature name='invtsc' policy='require'/></cpu>",
        kind="kvm",
        told=WOULD,
        said="invtsc",
    ),
}


@pytest.fixture(scope="module")
def other(lab_or_reason: Lab | str) -> Iterator[Lab]:
    """Another host, of this test's own."""
    lab_of(lab_or_reason)
    name = f"other-{os.environ.get('PYTEST_XDIST_WORKER', 'gw')}"
    try:
        yield open_lab(name, name)
    finally:
        close_lab(name, name)


@pytest.fixture
def folder(lab: Lab) -> Path:
    """A folder that both hosts see."""
    place = lab.paths.disks / unique("moving")
    place.mkdir()
    return place


def started(conn: libvirt.virConnect, folder: Path, one: Moving) -> libvirt.virDomain:
    """Start a guest without a system, or skip the test where this machine cannot."""
    create = ["qemu-img", "create", "-q", "-f", "qcow2", str(folder / "disk.qcow2"), "8M"]
    subprocess.run(create, check=True)
    xml = GUEST.format(
        name=unique("moving"),
        type=one.kind,
        backing=one.backing,
        cpu=one.cpu,
        devices=one.devices.replace("FOLDER", str(folder)),
    )
    try:
        return conn.createXML(xml, 0)
    except libvirt.libvirtError as error:
        if one.kind == "kvm" or "virtiofsd" in str(error):
            pytest.skip(f"not on this machine: {error}")
        raise


def told(conn: libvirt.virConnect, lab: Lab, domain: libvirt.virDomain) -> dict[str, Cause]:
    question = Question(domain.UUIDString(), lab.uri)
    return {note.id: note for note in notes(conn, question, ("migrate",))}


def move(domain: libvirt.virDomain, there: libvirt.virConnect, other: Lab) -> str:
    """Migrate it; what libvirt or QEMU says to that, or nothing when it is there."""
    way = {libvirt.VIR_MIGRATE_PARAM_URI: f"unix://{other.running.run}/move.sock"}
    flags = libvirt.VIR_MIGRATE_LIVE | libvirt.VIR_MIGRATE_UNSAFE
    try:
        moved = domain.migrate3(there, way, flags)
    except libvirt.libvirtError as error:
        return str(error)
    assert moved.isActive()
    moved.destroy()
    return ""


@pytest.mark.parametrize("case", CASES)
def test_what_is_told_is_what_comes(
    lab: Lab, other: Lab, conn: libvirt.virConnect, folder: Path, case: str
) -> None:
    one, there = CASES[case], libvirt.open(other.uri)
    domain = started(conn, folder, one)
    try:
        refused = told(conn, lab, domain).get("migrate-refused")
        assert (None if refused is None else refused.surety) is one.told
        answer = move(domain, there, other)
        assert bool(answer) is bool(one.said), answer
        assert one.said in answer
    finally:
        with suppress(libvirt.libvirtError):
            domain.destroy()
        there.close()


def test_a_copy_and_a_snapshot_are_told_until_they_are_over(
    lab: Lab, other: Lab, conn: libvirt.virConnect, folder: Path
) -> None:
    there = libvirt.open(other.uri)
    domain = started(conn, folder, Moving(DISK.format(more="")))
    try:
        assert told(conn, lab, domain).keys() == {"migrate-storage"}
        target = f"<disk type='file'><source file='{folder}/copy.qcow2'/></disk>"
        domain.blockCopy("vda", target, {}, libvirt.VIR_DOMAIN_BLOCK_COPY_TRANSIENT_JOB)
        assert "vda is being copied" in told(conn, lab, domain)["migrate-refused"].title
        assert "active block job" in move(domain, there, other)
        domain.blockJobAbort("vda", 0)
        snapshot = domain.snapshotCreateXML("<domainsnapshot/>", 0)
        assert "it has 1 snapshot" in told(conn, lab, domain)["migrate-refused"].title
        assert "with 1 snapshots" in move(domain, there, other)
        snapshot.delete()
        assert told(conn, lab, domain).keys() == {"migrate-storage"}
        assert move(domain, there, other) == ""
    finally:
        with suppress(libvirt.libvirtError):
            domain.destroy()
        there.close()
