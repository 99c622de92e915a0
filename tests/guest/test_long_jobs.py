"""Long operations on real guests: seen with their figures, broken off, and told when they end."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.e2e.conftest import Launch
from tests.e2e.terminal import Terminal
from tests.guest.conftest import MakeGuest, unique
from tests.guest.lab import Lab, until
from tests.lab import daemon
from tests.lab.needs import find
from tests.lab.paths import Paths, Running

# No other test's jobs and events are on the screen.
pytestmark = pytest.mark.own_lab

SIZE = (120, 40)


@contextmanager
def slow_saving(part_of_path: str) -> Iterator[None]:
    """Hold the helper that writes a guest's memory to a file, once it is there.

    libvirt gives saves all the speed there is: a small guest's is over before one looks.
    """
    held: list[int] = []

    def hold() -> bool:
        for folder in Path("/proc").iterdir():
            try:
                words = (folder / "cmdline").read_bytes() if folder.name.isdigit() else b""
            except OSError:
                continue
            if b"libvirt_iohelper" in words and part_of_path.encode() in words:
                os.kill(int(folder.name), signal.SIGSTOP)
                held.append(int(folder.name))
        return bool(held)

    over = threading.Event()

    def watch() -> None:
        while not over.is_set() and not hold():
            time.sleep(0.002)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        for number in held:
            with suppress(ProcessLookupError):
                os.kill(number, signal.SIGCONT)


@contextmanager
def virsh(uri: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Run virsh beside the test, as somebody else does; ended with it."""
    command = [find("virsh") or "virsh", "-q", "-c", uri, *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def jobs(tuivm: Terminal, *texts: str) -> str:
    """Wait on the list of jobs until a line has all these; returns the line."""
    found: list[str] = []

    def there() -> bool:
        found[:] = [line for line in tuivm.lines if all(text in line for text in texts)]
        return bool(found)

    tuivm.wait(there, f"a job with {texts}", 60)
    return found[0]


def test_a_save_of_ours_goes_on_elsewhere_is_asked_about_and_broken_off(
    lab: Lab, make_guest: MakeGuest, launch: Launch
) -> None:
    guest = make_guest("saved", start="running", network=False)
    tuivm = launch("-c", lab.uri, size=SIZE)
    tuivm.wait_row(guest.name, "running")
    tuivm.wait_introduced()
    tuivm.press("/", guest.name, "enter")
    with slow_saving(f"{guest.name}.save"):
        tuivm.press(":", "managedsave", "enter")
        tuivm.wait_for("y yes")
        tuivm.press("y", "5")
        line = jobs(tuivm, guest.name, "Save memory", "% ")
        assert "other" not in line
        tuivm.press("ctrl+q")
        tuivm.wait_for("Save memory")
        tuivm.wait_for("[Cancel]")
        tuivm.press("escape")
        tuivm.press("x")
        tuivm.wait_for("y yes")
        tuivm.press("y")
    tuivm.wait_for("nothing is under way", 60)
    assert lab.state(guest) == "running"
    tuivm.press("6", "/", f'"{guest.name}" managedsave level:error', "enter")
    tuivm.wait_for(" 1 shown")


def test_a_dump_by_somebody_else_is_seen_and_told_when_it_ends(
    lab: Lab, make_guest: MakeGuest, launch: Launch, tmp_path: Path
) -> None:
    guest = make_guest("dumped", start="running", network=False)
    tuivm = launch("-c", lab.uri, size=(80, 24))
    tuivm.wait_row(guest.name, "running")
    tuivm.wait_introduced()
    tuivm.press("5")
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        path = f"{folder}/memory"
        with slow_saving(path), virsh(lab.uri, "dump", "--live", guest.uuid, path):
            line = jobs(tuivm, guest.name[:16], "Dump memory", "other", "% ")
            assert "left" in line or "%" in line
            tuivm.press("ctrl+q")
            assert tuivm.wait_exit() == 0, "what others began is no reason to stay"
        again = launch("-c", lab.uri, size=SIZE)
        again.wait_row(guest.name, "running")
        with virsh(lab.uri, "dump", "--live", guest.uuid, path) as process:
            assert process.wait(60) == 0
        again.press("6", "/", "took>0s", "enter")
        again.wait_for(f"{guest.name} finished dumping its memory: ")


def fill(disk: Path) -> None:
    """Write to an image that nobody uses, so that copying it takes a while."""
    command = [find("qemu-io") or "qemu-io", "-c", "write -q 0 60M", str(disk)]
    subprocess.run(command, check=True, capture_output=True)


@pytest.mark.parametrize(
    ("begin", "what", "ended"),
    [
        (("blockpull",), "Pull disk vda", "block pull on vda"),
        (("blockcommit", "--active"), "Commit disk vda", "block active commit on vda"),
    ],
    ids=["pull", "commit"],
)
def test_a_disks_job_by_somebody_else_is_seen_with_its_figures_and_broken_off(
    lab: Lab,
    make_guest: MakeGuest,
    launch: Launch,
    begin: tuple[str, ...],
    what: str,
    ended: str,
) -> None:
    guest = make_guest("disk", network=False)
    disk = lab.paths.disks / f"{guest.uuid[:8]}.qcow2"
    overlay = disk.with_name(f"{guest.uuid[:8]}-over.qcow2")
    fill(disk)
    try:
        lab.virsh("start", guest.uuid, "--paused")
        lab.virsh(
            "snapshot-create-as", guest.uuid, "--disk-only", "--no-metadata",
            "--diskspec", f"vda,file={overlay}",
        )  # fmt: skip
        lab.virsh("destroy", guest.uuid)
        if "--active" in begin:
            fill(overlay)
        lab.virsh("start", guest.uuid, "--paused")
        tuivm = launch("-c", lab.uri, size=SIZE)
        tuivm.wait_row(guest.name, "paused")
        tuivm.wait_introduced()
        tuivm.press("5")
        verb, *options = begin
        # One MiB a second: it takes a minute.
        lab.virsh(verb, guest.uuid, "vda", *options, "--bandwidth", "1")
        jobs(tuivm, guest.name, what, "other", "% ", " left", "/s")
        tuivm.press("x")
        tuivm.wait_for("y yes")
        tuivm.press("y")
        tuivm.wait_for("nothing is under way", 60)
        tuivm.press("6")
        tuivm.wait_for(f"{guest.name} {ended} was cancelled")
    finally:
        lab.virsh("destroy", guest.uuid, check=False)
        overlay.unlink(missing_ok=True)


PUSH = """<domainbackup mode='push'><disks><disk name='vda' type='file'>
<target file='{path}'/><driver type='qcow2'/></disk></disks></domainbackup>"""


def test_a_backup_is_told_when_it_ends(
    lab: Lab, make_guest: MakeGuest, launch: Launch, tmp_path: Path
) -> None:
    guest = make_guest("pushed", network=False)
    fill(lab.paths.disks / f"{guest.uuid[:8]}.qcow2")
    lab.virsh("start", guest.uuid, "--paused")
    target = lab.paths.disks / f"{guest.uuid[:8]}-copy.qcow2"
    order = tmp_path / "order.xml"
    order.write_text(PUSH.format(path=target))
    tuivm = launch("-c", lab.uri, size=SIZE)
    tuivm.wait_row(guest.name, "paused")
    tuivm.wait_introduced()
    try:
        lab.virsh("backup-begin", guest.uuid, str(order))
        tuivm.press("6")
        tuivm.wait_for(f"{guest.name} finished backing up: 64 MiB")
        tuivm.wait_for("block backup on vda finished")
    finally:
        lab.virsh("destroy", guest.uuid, check=False)
        target.unlink(missing_ok=True)


PULL = """<domainbackup mode='pull'><server transport='unix' socket='{path}/nbd'/>
<disks><disk name='vda' backup='yes' type='file'><scratch file='{path}/scratch.qcow2'/></disk>
</disks></domainbackup>"""


def test_a_backup_that_is_fetched_goes_on_until_it_is_ended(
    lab: Lab, make_guest: MakeGuest, launch: Launch, tmp_path: Path
) -> None:
    guest = make_guest("fetched", start="paused", network=False)
    order = tmp_path / "order.xml"
    tuivm = launch("-c", lab.uri, size=SIZE)
    tuivm.wait_row(guest.name, "paused")
    tuivm.wait_introduced()
    tuivm.press("5")
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        order.write_text(PULL.format(path=folder))
        lab.virsh("backup-begin", guest.uuid, str(order))
        jobs(tuivm, guest.name, "Serve a backup", "other")
        tuivm.press("x")
        tuivm.wait_for(f"Cancel the backup of {guest.name}?")
        tuivm.press("y")
        tuivm.wait_for("nothing is under way", 60)
        tuivm.press("6")
        tuivm.wait_for(f"{guest.name} broke off backing up")


@pytest.fixture
def second() -> Iterator[Running]:
    """A second host: daemons in namespaces of their own, as the lab's."""
    paths = Paths(unique("second"))
    with paths.lock():
        running = daemon.start(paths, "test")
    yield running
    with paths.lock():
        daemon.stop(paths)
    shutil.rmtree(paths.home, ignore_errors=True)


def test_a_live_migration_is_broken_off_and_done_again(
    lab: Lab, make_guest: MakeGuest, launch: Launch, second: Running
) -> None:
    guest = make_guest("mover", start="running", network=False)
    lab.await_boot(guest)
    tuivm = launch("-c", lab.uri, "-c", second.uri, size=(160, 40))
    tuivm.wait_row(guest.name, "running")
    tuivm.wait_introduced()
    tuivm.press("5")
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        # The two see the same files, but not each other's network.
        order = (
            "migrate", "--live", "--p2p", "--unsafe", "--persistent", "--undefinesource",
            guest.uuid, second.uri, "--migrateuri", f"unix://{folder}/sock",
        )  # fmt: skip
        with virsh(lab.uri, *order, "--bandwidth", "1") as process:
            jobs(tuivm, guest.name, "Migrate away", "other", "% ", " left", "/s")
            tuivm.press("x")
            tuivm.wait_for("y yes")
            tuivm.press("y")
            assert process.wait(60) != 0
            assert "canceled by client" in process.communicate()[0]
        tuivm.wait_for("nothing is under way", 60)
        assert lab.state(guest) == "running"
        tuivm.press("6")
        tuivm.wait_for("its migration to here was broken off")
        with virsh(lab.uri, *order) as process:
            assert process.wait(120) == 0, process.communicate()[0]
        tuivm.wait_for(f"{guest.name} stopped: migrated away")
        tuivm.wait_for(f"{guest.name} resumed: migration finished")
        tuivm.wait_for(f"{guest.name} finished migrating away: ")
        tuivm.wait_for("; it stood still for ")
        until(lambda: "running" in daemon.virsh(second, "domstate", guest.uuid).stdout, "arrival")
