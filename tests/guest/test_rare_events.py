"""Events that hardly ever come, made for real: the log says in plain words what happened."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from lxml import etree

from tests.e2e.conftest import Launch
from tests.e2e.terminal import Terminal
from tests.guest.conftest import MakeGuest, unique
from tests.guest.lab import Lab

# No other test's jobs and events are on the screen.
pytestmark = pytest.mark.own_lab

WATCHDOG = "<watchdog model='i6300esb' action='none'/>"
# The guest has no driver of it: its one-megahertz clock is chosen and it is turned on by hand,
# in its PCI configuration (Intel 6300ESB datasheet, registers 60h and 68h).
ARM = (
    "w=$(dirname $(grep -l 0x25ab /sys/bus/pci/devices/*/device)); "
    r"printf '\004\000' | dd of=$w/config bs=2 seek=48 count=1 conv=notrunc 2>/dev/null; "
    r"printf '\002' | dd of=$w/config bs=1 seek=104 count=1 conv=notrunc 2>/dev/null"
)


@pytest.fixture
def tuivm(lab: Lab, launch: Launch) -> Terminal:
    """The program on the lab."""
    tuivm = launch("-c", lab.uri, size=(120, 40))
    tuivm.wait_introduced()
    return tuivm


def log_in(tuivm: Terminal, name: str) -> None:
    """Open a VM's console and log in there."""
    tuivm.wait_row(name, "running")
    tuivm.press("/", name, "enter", "c")
    tuivm.wait_for("attached")
    tuivm.press("\r")
    tuivm.wait_for("login:", 60)
    tuivm.press("root\r")
    tuivm.wait_for("Password:")
    tuivm.wait_quiet()
    tuivm.press("lab\r")
    tuivm.wait_for("~#")


def seen_in_log(tuivm: Terminal, *texts: str) -> None:
    """Look into the event log, from wherever one is."""
    tuivm.press("6")
    for text in texts:
        tuivm.press("/", f'"{text}"')
        tuivm.wait(lambda: text in "\n".join(tuivm.lines[2:-3]), f"{text!r} in the log")  # noqa: B023
        tuivm.wait_for(" 1 shown")
        tuivm.press("escape")


def test_a_guest_that_hangs_its_watchdog_and_a_threshold_of_its_disk(
    lab: Lab, make_guest: MakeGuest, tuivm: Terminal
) -> None:
    guest = make_guest("rare", start="running", network=False, extra=WATCHDOG)
    lab.await_boot(guest)
    log_in(tuivm, guest.name)
    lab.virsh("domblkthreshold", guest.uuid, "vda", "65536")
    tuivm.press("dd if=/dev/zero of=/dev/vda bs=64k count=32 conv=fsync; " + ARM + "\r")
    tuivm.wait_for("32+0 records out")
    tuivm.press("ctrl+]")
    seen_in_log(
        tuivm,
        f"{guest.name} hangs, says its watchdog: nothing was done",
        f"{guest.name} wrote past 64 KiB on vda",
    )


def test_faulty_memory_and_a_saved_one(lab: Lab, make_guest: MakeGuest, tuivm: Terminal) -> None:
    guest = make_guest("faulty", start="paused", network=False)
    tuivm.wait_row(guest.name, "paused")
    # As the kernel of a host does when a memory module fails below a guest without MCE.
    fault = "mce 0 1 0xbd00000000000000 5 0x1000 0"
    lab.virsh("qemu-monitor-command", "--hmp", guest.uuid, fault)
    lab.virsh("managedsave", guest.uuid)
    seen_in_log(
        tuivm,
        f"{guest.name} is hit by a hardware fault: the guest's memory failed; the guest was reset",
        f"{guest.name} finished saving its memory: ",
    )
    tuivm.press("/", "saving took>0s")
    tuivm.wait_for(" 1 shown")


@pytest.fixture
def small(lab: Lab) -> Iterator[Path]:
    """A folder of the lab's host with room for a megabyte."""
    place = lab.paths.disks / unique("small")
    place.mkdir()
    inside = ["nsenter", "-t", str(lab.running.pid), "-m"]
    subprocess.run(
        [*inside, "mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)], check=True
    )
    image = str(place / "thin.qcow2")
    subprocess.run([*inside, "qemu-img", "create", "-q", "-f", "qcow2", image, "64M"], check=True)
    yield Path(image)
    subprocess.run([*inside, "umount", "-l", str(place)], check=False)
    place.rmdir()


def test_a_disk_that_cannot_be_written(
    lab: Lab, make_guest: MakeGuest, tuivm: Terminal, small: Path
) -> None:
    disk = (
        "<disk type='file'><driver name='qemu' type='qcow2' error_policy='report'/>"
        f"<source file='{small}'/><target dev='vdb' bus='virtio'/></disk>"
    )
    guest = make_guest("errors", start="running", network=False, extra=disk)
    lab.await_boot(guest)
    log_in(tuivm, guest.name)
    tuivm.press("dd if=/dev/zero of=/dev/vdb bs=64k count=64 conv=fsync\r")
    tuivm.wait_for("error")
    tuivm.press("ctrl+]", "6")
    tuivm.wait_for(f"{guest.name} had an I/O error on virtio-disk1; the guest was told: ")
    errors = [line for line in tuivm.lines[2:-3] if "I/O error" in line]
    assert len(errors) == 1, "one line, however many requests fail"
    lab.virsh("destroy", guest.uuid)


MORE = """<maxMemory slots='2' unit='MiB'>1024</maxMemory>"""
CELL = """<numa><cell id='0' cpus='0' memory='192' unit='MiB'/></numa>"""
DIMM = """<memory model='dimm'>
<target><size unit='MiB'>128</size><node>0</node></target></memory>"""
# The kernel's own pages cannot be moved out of a module, so that it cannot be taken away.
KEEP = (
    "cd /sys/devices/system/memory; echo 'online_'kernel > $(ls -d memory3[2-9] | head -1)/state; "
    "mkdir -p /m; mount -t tmpfs t /m; for i in $(seq 3000); do : > /m/$i; done; echo 'is 'kept"
)


def test_a_device_that_the_guest_does_not_release(
    lab: Lab, make_guest: MakeGuest, tuivm: Terminal, tmp_path: Path
) -> None:
    guest = make_guest("keeper", network=False)
    root = etree.fromstring(lab.virsh("dumpxml", guest.uuid))
    memory, cpu = root.find("memory"), root.find("cpu")
    assert memory is not None
    assert cpu is not None
    memory.addprevious(etree.fromstring(MORE))
    cpu.append(etree.fromstring(CELL))
    (tmp_path / "all.xml").write_text(etree.tostring(root, encoding="unicode"))
    (tmp_path / "dimm.xml").write_text(DIMM)
    lab.virsh("define", str(tmp_path / "all.xml"))
    lab.virsh("start", guest.uuid)
    lab.await_boot(guest)
    lab.virsh("attach-device", guest.uuid, str(tmp_path / "dimm.xml"), "--live")
    log_in(tuivm, guest.name)
    tuivm.press(KEEP + "\r")
    tuivm.wait_for("is kept", 60)
    tuivm.press("ctrl+]")
    lab.virsh("detach-device", guest.uuid, str(tmp_path / "dimm.xml"), "--live", check=False)
    seen_in_log(tuivm, f"{guest.name} did not release device dimm0: it stays")
