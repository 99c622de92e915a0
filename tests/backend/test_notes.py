"""What would stop a snapshot or a migration is told before; libvirt then refuses just that."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import libvirt
import pytest

from tests.backend.daemon import NOBODY, Daemon
from tests.backend.watcher import watch
from tuivm.backend.explain import Question
from tuivm.backend.notes import notes
from tuivm.core.causes import Cause, Surety
from tuivm.core.errors import TuivmError

pytestmark = pytest.mark.skipif(
    shutil.which("qemu-system-x86_64") is None or shutil.which("virsh") is None,
    reason="there is no QEMU or no virsh",
)
NAME = "moving"
SIZE = 64 << 20
"""Bytes of a disk that is copied: at 1 MiB/s long enough for a busy machine."""
GUEST = """
<domain type='qemu'>
  <name>moving</name><memory unit='MiB'>32</memory><vcpu>1</vcpu>
  <os><type arch='x86_64' machine='pc'>hvm</type>{os}</os><features><acpi/></features>
  <devices>{devices}<memballoon model='none'/></devices>
</domain>"""
DISK = """<disk type='file' device='{device}'><driver name='qemu' type='{form}'/>
  <source file='{path}'/><target dev='{target}'/>{more}</disk>"""


@pytest.fixture(scope="module")
def daemon() -> Iterator[Daemon]:
    if not Daemon.available():
        pytest.skip("there is no libvirtd")
    one = Daemon()
    try:
        for name, form in (("a.qcow2", "qcow2"), ("b.img", "raw"), ("a.img", "raw")):
            path = one.folder / "data" / name
            subprocess.run(["qemu-img", "create", "-q", "-f", form, str(path), "16M"], check=True)
        for name in ("CODE.fd", "VARS.fd"):
            (one.folder / "data" / name).write_bytes(bytes(65536))
        if os.geteuid() == 0:
            for path in (one.folder / "data").iterdir():
                os.chown(path, NOBODY, NOBODY)
        one.start()
        yield one
    finally:
        one.close()


@pytest.fixture
def conn(daemon: Daemon) -> Iterator[libvirt.virConnect]:
    conn = libvirt.open(daemon.uri("qemu:///session"))
    yield conn
    conn.close()


def disk(folder: Path, name: str, target: str, more: str = "", device: str = "disk") -> str:
    form = "qcow2" if name.endswith("qcow2") else "raw"
    return DISK.format(
        path=folder / "data" / name, form=form, target=target, more=more, device=device
    )


def virsh(daemon: Daemon, line: str, snapshot: str = "") -> str:
    """Run a command line that was shown; its complaint, or nothing."""
    words = shlex.split(line.replace("SNAPSHOT", snapshot))
    command = [words[0], "-q", "-c", daemon.uri("qemu:///session"), *words[1:]]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stderr if done.returncode else ""


def told(conn: libvirt.virConnect, daemon: Daemon, topic: str) -> dict[str, Cause]:
    uuid = conn.lookupByName(NAME).UUIDString()
    question = Question(uuid, daemon.uri("qemu:///session"))
    return {note.id: note for note in notes(conn, question, (topic,))}


SNAPSHOTS = {
    "nothing": ([("a.qcow2", "vda", "")], "", {}),
    "raw": ([("a.qcow2", "vda", ""), ("b.img", "vdb", "")], "", {"snapshot-internal": "raw"}),
    "read-only": ([("a.qcow2", "vda", ""), ("b.img", "vdb", "<readonly/>")], "", {}),
    "stem": (
        [("a.qcow2", "vda", ""), ("a.img", "vdb", "")],
        "",
        {"snapshot-internal": "raw", "snapshot-external": "collision"},
    ),
    "flash": (
        [("a.qcow2", "vda", "")],
        "<loader readonly='yes' type='pflash'>{folder}/data/CODE.fd</loader>"
        "<nvram template='{folder}/data/VARS.fd'>{folder}/data/nvram.fd</nvram>",
        {"snapshot-internal": "pflash"},
    ),
    "none": ([], "", {"snapshot-none": "nothing selected"}),
}  # fmt: skip


@pytest.mark.parametrize("case", SNAPSHOTS)
def test_what_would_stop_a_snapshot(conn: libvirt.virConnect, daemon: Daemon, case: str) -> None:
    disks, os_xml, expected = SNAPSHOTS[case]
    if case == "flash" and conn.getLibVersion() >= 10_010_000:
        pytest.skip("this libvirt can")
    devices = "".join(disk(daemon.folder, *one) for one in disks)
    os_xml = os_xml.format(folder=daemon.folder)
    conn.defineXML(GUEST.format(os=os_xml, devices=devices))
    try:
        found = told(conn, daemon, "snapshot")
        assert set(found) == set(expected)
        assert all(note.surety is Surety.CERTAIN for note in found.values())
        # libvirt refuses for the reason that was told, and takes what was not warned of.
        said = virsh(daemon, f"virsh snapshot-create-as {NAME} inside")
        refused = found.keys() & {"snapshot-internal", "snapshot-none"}
        assert bool(said) == bool(refused), said
        assert all(expected[name] in said for name in refused), said
        said = virsh(daemon, f"virsh snapshot-create-as {NAME} {case} --disk-only --no-metadata")
        refused = found.keys() & {"snapshot-external", "snapshot-none"}
        assert bool(said) == bool(refused), said
        if way := next((note.cures[0].lines for note in found.values()), ()):
            # The way out is a command that works as it stands.
            assert virsh(daemon, way[0], f"{case}-way") == ""
    finally:
        virsh(daemon, f"virsh undefine {NAME} --snapshots-metadata --nvram")


@pytest.mark.parametrize(
    ("devices", "expected", "said"),
    [
        (("a.qcow2", "vda"), {"migrate-storage"}, "Migration without shared storage is unsafe"),
        (None, {"migrate-refused", "migrate-files"}, "ivshmem"),
    ],
    ids=["local disk", "shared memory and a CD"],
)
def test_what_would_stop_a_migration(
    conn: libvirt.virConnect,
    daemon: Daemon,
    devices: tuple[str, str] | None,
    expected: set[str],
    said: str,
) -> None:
    cd = disk(daemon.folder, "b.img", "hdc", "<readonly/>", "cdrom")
    memory = "<shmem name='x'><model type='ivshmem-plain'/><size unit='M'>4</size></shmem>"
    xml = cd + memory if devices is None else disk(daemon.folder, *devices)
    domain = conn.createXML(GUEST.format(os="", devices=xml), 0)
    try:
        found = told(conn, daemon, "migrate")
        assert set(found) == expected
        if files := found.get("migrate-files"):
            assert f"{daemon.folder}/data/b.img (the medium in hdc)" in files.evidence
        # To itself it never moves; what stands in the way before that is told first.
        uri = daemon.uri("qemu:///session")
        assert said in virsh(daemon, f"virsh migrate --live {NAME} {uri}")
        everything = notes(conn, Question(domain.UUIDString(), uri))
        assert {one.topic for one in everything} >= {"agent", "address", "console", "migrate"}
        assert all(one.evidence and one.cures for one in everything)
    finally:
        domain.destroy()


def test_a_cpu_that_it_has_to_share_is_told(conn: libvirt.virConnect, daemon: Daemon) -> None:
    """Firmware of nothing but zeros computes for ever: two such VMs want one CPU."""
    rom = f"<loader type='rom'>{daemon.folder}/data/CODE.fd</loader>"
    xml = GUEST.format(os=rom, devices="").replace("<vcpu>", f"<vcpu cpuset='{a_cpu()}'>")
    question = Question("", daemon.uri("qemu:///session"))
    busy = [conn.createXML(xml.replace(NAME, name), 0) for name in (NAME, "other")]
    try:
        asked = replace(question, uuid=busy[0].UUIDString())
        found: dict[str, Cause] = {}
        for _ in range(10):
            found = {one.id: one for one in notes(conn, asked, ("speed",))}
            if "slow-cpu" in found:
                break
        assert found.keys() == {"slow-emulation", "slow-cpu"}
        assert "vCPU 0 " in found["slow-cpu"].evidence
        assert found["slow-emulation"].surety is Surety.CERTAIN
        for one in busy:
            one.suspend()
        assert notes(conn, asked, ("speed",)) == (), "nobody is slow who was paused"
    finally:
        for one in busy:
            one.destroy()


def a_cpu() -> int:
    return min(os.sched_getaffinity(0))


def test_jobs_of_disks_are_found_followed_and_broken_off(
    conn: libvirt.virConnect, daemon: Daemon
) -> None:
    base, overlay = daemon.folder / "data/base.img", daemon.folder / "data/overlay.qcow2"
    for path in (base, daemon.folder / "data/full.img"):
        path.write_bytes(b"x" * SIZE)
    create = ["qemu-img", "create", "-q", "-f", "qcow2", "-b", str(base), "-F", "raw"]
    subprocess.run([*create, str(overlay)], check=True)
    for path in (daemon.folder / "data").iterdir():
        if os.geteuid() == 0:
            os.chown(path, NOBODY, NOBODY)
    disks = disk(daemon.folder, "full.img", "vda") + disk(daemon.folder, "overlay.qcow2", "vdb")
    domain = conn.createXML(GUEST.format(os="", devices=disks), 0)
    try:
        with watch(daemon.uri("qemu:///session")) as one:
            key = one.up().domain(NAME).key
            # Begun by somebody else, and so slow that it is seen: no event tells of a begin.
            copy = f"blockcopy {NAME} vda {daemon.folder}/data/copy.img --bandwidth 1"
            assert virsh(daemon, f"virsh {copy} --transient-job") == ""
            assert virsh(daemon, f"virsh blockpull {NAME} vdb --bandwidth 1") == ""
            one.wait(lambda: key in one.jobs and any(job.rate for job in one.jobs[key].more))
            copying, (pulling,) = one.jobs[key], one.jobs[key].more
            assert (copying.what, pulling.what) == ("Copy disk vda", "Pull disk vdb")
            # QEMU's copy begins with a burst of these few bytes: it is in step at once.
            assert copying.total == pulling.total == SIZE
            assert pulling.part is not None
            assert 0 < pulling.part < 1
            assert pulling.eta is not None
            assert not pulling.ready
            for which, why in (("vda", "not all of vda is copied yet"), ("vdb", "no copy of vdb")):
                with pytest.raises(TuivmError, match=why):
                    one.run(NAME, "pivot", {"disk": which})
            one.run(NAME, "abort-job", {"disk": "vda"})
            one.wait(lambda: key in one.jobs and not one.jobs[key].more)
            assert one.jobs[key].disk == "vdb"
            one.run(NAME, "abort-job", {"disk": "vdb"})
            one.wait(lambda: key not in one.jobs)
            assert domain.blockJobInfo("vda", 0) == domain.blockJobInfo("vdb", 0) == {}
    finally:
        domain.destroy()
