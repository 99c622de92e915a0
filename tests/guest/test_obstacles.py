"""What keeps real guests from starting or going on: made, named, and cured."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import libvirt
import pytest
from lxml import etree

from tests.guest.conftest import MakeGuest
from tests.guest.lab import Lab, until
from tests.lab.guests import Guest
from tuivm.backend import errors
from tuivm.backend.explain import Question, explain
from tuivm.backend.jobs import is_job
from tuivm.backend.notes import notes
from tuivm.backend.power import run_verb
from tuivm.backend.processes import qemu_of
from tuivm.core.causes import Cause, Surety
from tuivm.core.errors import TuivmError
from tuivm.core.text import bytes_text

Break = Callable[[etree._Element], None]


class Trouble:
    """A guest of the lab, what is done to its definition, and what tuivm says of it."""

    def __init__(self, lab: Lab, guest: Guest, conn: libvirt.virConnect) -> None:
        self.lab, self.guest, self.conn = lab, guest, conn
        self.error: TuivmError | None = None

    @property
    def domain(self) -> libvirt.virDomain:
        return self.conn.lookupByUUIDString(self.guest.uuid)

    @property
    def definition(self) -> etree._Element:
        """The XML of the next start."""
        return etree.fromstring(self.domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE))

    def change(self, change: Break) -> None:
        root = self.definition
        change(root)
        self.conn.defineXML(etree.tostring(root, encoding="unicode"))

    def fails_to_start(self) -> None:
        try:
            run_verb(self.conn, self.guest.uuid, "start", {})
        except (libvirt.libvirtError, TuivmError) as error:
            self.error = errors.convert(error, title="Cannot start it")
        else:
            pytest.fail("it started")

    def causes(self) -> tuple[Cause, ...]:
        return explain(self.conn, Question(self.guest.uuid, self.lab.uri, self.error))

    def notes(self, *topics: str, up: float = 3600.0) -> tuple[Cause, ...]:
        """What tuivm says it lacks, of one that is up for so long."""
        question = Question(self.guest.uuid, self.lab.uri, started_at=time.time() - up)
        return notes(self.conn, question, topics)

    def cause(self) -> Cause:
        found = self.causes()
        assert found, self.error
        return found[0]

    def cured_by(self, verb: str) -> None:
        """Take the first cause's cure of that name; the guest runs then."""
        cure = next(cure for cure in self.cause().cures if cure.verb == verb)
        assert cure.key
        run_verb(self.conn, self.guest.uuid, cure.verb, cure.args)
        assert self.domain.isActive()
        assert self.causes() == ()


@pytest.fixture
def conn(lab: Lab) -> Iterator[libvirt.virConnect]:
    conn = libvirt.open(lab.uri)
    yield conn
    conn.close()


@pytest.fixture
def trouble(lab: Lab, make_guest: MakeGuest, conn: libvirt.virConnect) -> Trouble:
    return Trouble(lab, make_guest("trouble", agent=False), conn)


@pytest.fixture
def pool(conn: libvirt.virConnect, tmp_path: Path) -> Iterator[Path]:
    """The folder of an active pool of this test's own."""
    folder = tmp_path / "pool"
    folder.mkdir(mode=0o755)
    name = f"pool-{os.getpid()}-{tmp_path.name}"[:60]
    xml = f"<pool type='dir'><name>{name}</name><target><path>{folder}</path></target></pool>"
    made = conn.storagePoolCreateXML(xml, 0)
    yield folder
    made.destroy()


def disk(root: etree._Element) -> etree._Element:
    found = root.find("devices/disk/source")
    assert found is not None
    return found


def image(path: Path, *options: str) -> Path:
    command = ["qemu-img", "create", "-q", "-f", "qcow2", *options, str(path)]
    subprocess.run([*command, "64M"], check=True)
    return path


def test_a_missing_image_is_found_in_a_pool(trouble: Trouble, pool: Path) -> None:
    image(pool / "web.qcow2")
    trouble.change(lambda root: disk(root).set("file", "/srv/gone/web.qcow2"))
    trouble.fails_to_start()
    cause = trouble.cause()
    assert (cause.id, cause.surety) == ("image-missing", Surety.CERTAIN)
    assert "/srv/gone/web.qcow2" in cause.evidence
    trouble.cured_by("use-source")


def test_a_missing_backing_file_is_found_in_a_pool(
    trouble: Trouble, pool: Path, tmp_path: Path
) -> None:
    base = image(tmp_path / "base.qcow2")
    overlay = image(tmp_path / "overlay.qcow2", "-b", str(base), "-F", "qcow2")
    base.rename(pool / "base.qcow2")
    trouble.change(lambda root: disk(root).set("file", str(overlay)))
    trouble.fails_to_start()
    cause = trouble.cause()
    assert cause.id == "backing-missing"
    assert str(base) in cause.evidence
    trouble.cured_by("rebase-image")


def test_an_image_that_another_vm_has_open(
    trouble: Trouble, make_guest: MakeGuest, conn: libvirt.virConnect
) -> None:
    other = make_guest("holder", agent=False, start="paused")
    source = etree.fromstring(conn.lookupByUUIDString(other.uuid).XMLDesc(0))
    path = disk(source).get("file", "")
    trouble.change(lambda root: disk(root).set("file", path))
    trouble.fails_to_start()
    cause = trouble.cause()
    assert cause.id == "image-locked"
    assert other.name in cause.title
    assert path in cause.evidence
    trouble.cured_by("force-off-holder")


def test_a_medium_that_is_gone_is_ejected(trouble: Trouble) -> None:
    def insert(root: etree._Element) -> None:
        devices = root.find("devices")
        assert devices is not None
        devices.append(
            etree.fromstring(
                "<disk type='file' device='cdrom'><source file='/srv/gone/setup.iso'/>"
                "<target dev='hdc' bus='ide'/><readonly/></disk>"
            )
        )

    trouble.change(insert)
    trouble.fails_to_start()
    assert trouble.cause().id == "medium-missing"
    trouble.cured_by("eject")


def network(name: str) -> Break:
    def change(root: etree._Element) -> None:
        source = root.find("devices/interface/source")
        assert source is not None
        source.set("network", name)

    return change


def test_an_inactive_network_is_started(trouble: Trouble, conn: libvirt.virConnect) -> None:
    name = f"net-{trouble.guest.uuid[:6]}"
    made = conn.networkDefineXML(f"<network><name>{name}</name></network>")
    try:
        trouble.change(network(name))
        trouble.fails_to_start()
        assert trouble.cause().id == "network-inactive"
        trouble.cured_by("net-start")
        assert made.autostart()
    finally:
        made.destroy()
        made.undefine()


def test_a_network_that_does_not_exist(trouble: Trouble) -> None:
    trouble.change(network("no-such-net"))
    trouble.fails_to_start()
    assert trouble.cause().id == "network-missing"
    trouble.cured_by("use-network")


def test_a_bridge_that_does_not_exist(trouble: Trouble) -> None:
    def bridge(root: etree._Element) -> None:
        card = root.find("devices/interface")
        assert card is not None
        card.set("type", "bridge")
        source = card.find("source")
        assert source is not None
        source.attrib.clear()
        source.set("bridge", "br-gone")

    trouble.change(bridge)
    trouble.fails_to_start()
    cause = trouble.cause()
    assert cause.id == "bridge-missing"
    assert "br-gone" in cause.title
    trouble.cured_by("use-network")


def test_a_cpu_model_that_nobody_knows(trouble: Trouble) -> None:
    def unknown(root: etree._Element) -> None:
        model = root.find("cpu/model")
        assert model is not None
        model.text = "Unobtainium"

    trouble.change(unknown)
    trouble.fails_to_start()
    cause = trouble.cause()
    assert cause.id == "cpu-unknown"
    trouble.cured_by("use-cpu")


def test_firmware_that_is_not_installed(trouble: Trouble) -> None:
    def uefi(root: etree._Element) -> None:
        os_element = root.find("os")
        assert os_element is not None
        loader = etree.fromstring(
            "<loader readonly='yes' type='pflash'>/usr/share/gone/OVMF_CODE.fd</loader>"
        )
        os_element.insert(1, loader)

    trouble.change(uefi)
    trouble.fails_to_start()
    cause = trouble.cause()
    assert cause.id == "firmware-missing"
    assert "/usr/share/gone/OVMF_CODE.fd" in cause.title
    trouble.cured_by("drop-firmware")
    assert trouble.definition.find("os/loader") is None


def test_more_memory_than_there_is(trouble: Trouble) -> None:
    def huge(root: etree._Element) -> None:
        for name in ("memory", "currentMemory"):
            element = root.find(name)
            assert element is not None
            element.set("unit", "TiB")
            element.text = "60"

    trouble.change(huge)
    trouble.fails_to_start()
    cause = trouble.cause()
    assert cause.id == "memory-short"
    assert "60 TiB" in cause.evidence
    trouble.cured_by("set-memory")
    mib = trouble.definition.findtext("memory")
    assert mib is not None
    assert int(mib) * 1024 < os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def test_a_saved_state_that_cannot_be_restored(trouble: Trouble, lab: Lab) -> None:
    trouble.domain.create()
    trouble.domain.managedSave(0)
    saved = lab.paths.private("lib") / "qemu/save" / f"{trouble.guest.name}.save"
    with saved.open("r+b") as file:
        file.seek(200)
        file.write(b"\0" * 64)
    trouble.fails_to_start()
    assert trouble.cause().id == "saved-state"
    trouble.cured_by("start")


def test_a_disk_with_no_room_on_its_host(
    lab: Lab, make_guest: MakeGuest, conn: libvirt.virConnect
) -> None:
    guest = make_guest("full")
    place = lab.paths.disks / f"full-{guest.uuid[:6]}"
    place.mkdir()
    inside = ["nsenter", "-t", str(lab.running.pid), "-m"]
    subprocess.run(
        [*inside, "mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)], check=True
    )
    try:
        path = place / "small.qcow2"
        subprocess.run(
            [*inside, "qemu-img", "create", "-q", "-f", "qcow2", str(path), "64M"], check=True
        )
        trouble = Trouble(lab, guest, conn)

        def stop_on_errors(root: etree._Element) -> None:
            disk(root).set("file", str(path))
            driver = root.find("devices/disk/driver")
            assert driver is not None
            driver.set("error_policy", "enospace")

        trouble.change(stop_on_errors)
        assert trouble.causes() == ()
        trouble.domain.create()
        lab.await_boot(guest)
        asked = {
            "execute": "guest-exec",
            "arguments": {
                "path": "/bin/busybox",
                "arg": ["dd", "if=/dev/zero", "of=/dev/vda", "bs=64k", "count=64"],
            },
        }
        until(lambda: _agent(lab, guest, {"execute": "guest-ping"}), "agent")
        assert trouble.causes() == ()
        lacks = {"agent", "address", "console"}
        until(lambda: not lacks & {note.topic for note in trouble.notes()}, "all it needs", 20)
        assert _agent(lab, guest, asked)
        until(lambda: "paused" in lab.state(guest), "pause")
        cause = trouble.cause()
        assert (cause.id, cause.surety) == ("no-space", Surety.CERTAIN)
        assert "vda" in cause.title
        told = [*inside, "stat", "-f", "-c", "%a %S", str(place)]
        blocks, size = map(int, subprocess.check_output(told).split())
        assert f"{path}: {bytes_text(blocks * size)} free" in cause.evidence
        subprocess.run([*inside, "mount", "-o", "remount,size=80m", str(place)], check=True)
        cure = next(cure for cure in trouble.cause().cures if cure.verb == "resume")
        run_verb(conn, guest.uuid, cure.verb, cure.args)
        until(lambda: lab.state(guest) == "running", "going on")
        assert trouble.causes() == ()
    finally:
        lab.virsh("destroy", guest.uuid, check=False)
        subprocess.run([*inside, "umount", "-l", str(place)], check=False)
        place.rmdir()


def _agent(lab: Lab, guest: Guest, asked: object) -> bool:
    done = lab.virsh("qemu-agent-command", guest.uuid, json.dumps(asked), check=False)
    return "return" in done


def locked(call: str) -> TuivmError:
    """What libvirt 9.0 says after it waited 30 s for a lock, word by word."""
    return TuivmError(
        "Cannot suspend it",
        "it is busy",
        code=libvirt.VIR_ERR_OPERATION_TIMEOUT,
        raw=f"Timed out during operation: cannot acquire state change lock (held by {call})",
    )


@contextmanager
def under_way(
    trouble: Trouble, call: Callable[[libvirt.virDomain], object]
) -> Iterator[threading.Thread]:
    """Make a call that hangs on a connection of its own; by the end it has come back."""
    conn = libvirt.open(trouble.lab.uri)

    def run() -> None:
        with suppress(libvirt.libvirtError):
            call(conn.lookupByUUIDString(trouble.guest.uuid))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    yield thread
    thread.join(20)
    assert not thread.is_alive()
    conn.close()


def test_a_qemu_that_was_stopped_holds_everything_up(trouble: Trouble) -> None:
    trouble.domain.create()
    process = qemu_of(trouble.guest.uuid)
    assert process is not None
    os.kill(process.pid, signal.SIGSTOP)
    try:
        with under_way(trouble, lambda domain: domain.suspend()):
            until(lambda: trouble.domain.controlInfo(0)[0], "command under way")
            trouble.error = locked("monitor=remoteDispatchDomainSuspend")
            cause = trouble.cause()
            assert (cause.id, cause.surety) == ("qemu-stopped", Surety.CERTAIN)
            assert "Suspend" in cause.evidence
            assert "a command is under way for " in cause.evidence
            cure = next(cure for cure in cause.cures if cure.verb == "continue-qemu")
            run_verb(trouble.conn, trouble.guest.uuid, cure.verb, cure.args)
            again = qemu_of(trouble.guest.uuid)
            assert again is not None
            assert not again.stopped
        assert trouble.lab.state(trouble.guest) == "paused"
    finally:
        os.kill(process.pid, signal.SIGCONT)


def test_a_job_holds_everything_up_until_it_is_broken_off(trouble: Trouble) -> None:
    trouble.domain.create()
    until(lambda: trouble.lab.said(trouble.guest), "a kernel in its memory", 30)
    pipe = trouble.lab.paths.disks / f"pipe-{trouble.guest.uuid[:6]}"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        # Nobody reads: the dump stands still once the pipe is full.
        with under_way(trouble, lambda domain: domain.coreDump(str(pipe), 0)):
            until(lambda: is_job(trouble.domain.jobStats(0)), "dump")
            trouble.error = locked("monitor=remoteDispatchDomainCoreDump")
            cause = trouble.cause()
            assert (cause.id, cause.surety) == ("busy-job", Surety.CERTAIN)
            assert "a dump of its memory" in cause.title
            assert "a job (Dump memory) is under way for " in cause.evidence
            cure = next(cure for cure in cause.cures if cure.action_id == "domain.abort_job")
            assert cure.key
            run_verb(trouble.conn, trouble.guest.uuid, "abort-job", {})
            os.close(reader)
        assert trouble.lab.state(trouble.guest) == "running"
    finally:
        pipe.unlink()


def test_of_a_healthy_guest_nothing_is_said(trouble: Trouble) -> None:
    assert trouble.causes() == ()
    trouble.domain.create()
    assert trouble.causes() == ()
    trouble.domain.suspend()
    assert [cause.id for cause in trouble.causes() if cause.surety is Surety.CERTAIN] in (
        [],
        ["paused"],
    )
