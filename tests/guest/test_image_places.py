"""Images where QEMU's user may not go, and in pools that are not active: named, and cured."""

from __future__ import annotations

import fcntl
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp

import libvirt
import pytest
from lxml import etree

from tests.e2e.conftest import Launch
from tests.e2e.terminal import program
from tests.guest.lab import Lab, until
from tests.guest.test_obstacles import Trouble, conn, disk, image, trouble
from tuivm.backend.power import run_verb
from tuivm.core.causes import Surety
from tuivm.core.errors import TuivmError

__all__ = ["conn", "trouble"]

NOBODY = 65534


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder that is its owner's alone, below one that anybody may enter."""
    folder = Path(mkdtemp(prefix="tuivm-home-", dir="/var/tmp"))
    folder.chmod(0o755)
    (folder / "ann").mkdir(mode=0o700)
    try:
        yield folder / "ann"
    finally:
        rmtree(folder)


@pytest.fixture
def open_pool(lab: Lab, conn: libvirt.virConnect) -> Iterator[Path]:
    """The folder of an active pool where everybody may go, behind one where nobody may.

    The only one: what another worker has could be taken just as well.
    """
    made = []
    lock = (lab.paths.home / "open-pool.lock").open("w")
    fcntl.flock(lock, fcntl.LOCK_EX)
    for name, mode in (("a-closed", 0o700), ("open", 0o755)):
        place = Path(mkdtemp(prefix="tuivm-pool-", dir="/var/tmp"))
        place.chmod(mode)
        target = f"<target><path>{place}</path></target>"
        xml = f"<pool type='dir'><name>{name}-{os.getpid()}</name>{target}</pool>"
        made.append((conn.storagePoolCreateXML(xml, 0), place))
    try:
        yield place
    finally:
        for pool, place in made:
            pool.destroy()
            rmtree(place)
        lock.close()


def deny(trouble: Trouble, path: Path) -> None:
    """Have its QEMU run as nobody, with a disk in that place."""

    def change(root: etree._Element) -> None:
        disk(root).set("file", str(path))
        label = f"<label>+{NOBODY}:+{NOBODY}</label>"
        kind = "type='static' model='dac' relabel='yes'"
        root.append(etree.fromstring(f"<seclabel {kind}>{label}</seclabel>"))

    trouble.change(change)
    trouble.fails_to_start()


@pytest.fixture
def inactive(trouble: Trouble, tmp_path: Path) -> Iterator[Path]:
    """The folder of a pool that is defined, but not active: like a share that is not mounted."""
    folder = tmp_path / "share"
    name = f"share-{os.getpid()}"
    xml = f"<pool type='dir'><name>{name}</name><target><path>{folder}</path></target></pool>"
    made = trouble.conn.storagePoolDefineXML(xml, 0)
    try:
        yield folder
    finally:
        if trouble.domain.isActive():
            trouble.domain.destroy()
        if made.isActive():
            made.destroy()
        made.undefine()


def test_a_volume_of_an_inactive_pool(trouble: Trouble, inactive: Path) -> None:
    inactive.mkdir()
    image(inactive / "web.qcow2")

    def volume(root: etree._Element) -> None:
        element = root.find("devices/disk")
        assert element is not None
        element.set("type", "volume")
        source = disk(root)
        source.attrib.clear()
        source.set("pool", f"share-{os.getpid()}")
        source.set("volume", "web.qcow2")

    trouble.change(volume)
    trouble.fails_to_start()
    assert trouble.cause().id == "pool-inactive"
    trouble.cured_by("pool-start")


def test_a_file_that_is_missing_where_an_inactive_pool_belongs(
    trouble: Trouble, inactive: Path
) -> None:
    trouble.change(lambda root: disk(root).set("file", str(inactive / "web.qcow2")))
    trouble.fails_to_start()
    cause = trouble.cause()
    assert cause.id == "image-missing"
    assert f"{inactive} does not exist" in cause.evidence
    assert cause.cures[0].verb == "pool-start"


def test_a_closed_home_is_named_and_opened(trouble: Trouble, home: Path) -> None:
    path = image(home / "web.qcow2")
    path.chmod(0o666)
    deny(trouble, path)
    cause = trouble.cause()
    assert (cause.id, cause.surety) == ("image-denied", Surety.CERTAIN)
    assert f"{home} (mode 0700) lacks x" in cause.evidence
    assert "nobody" in cause.title
    cure = next(cure for cure in cause.cures if cure.verb == "allow-path")
    assert any(str(home) in line for line in cure.lines)
    trouble.cured_by("allow-path")


@pytest.fixture
def share(lab: Lab) -> Iterator[Path]:
    """A file system without access lists, as many shares are, where the lab sees it."""
    place = Path(mkdtemp(prefix="tuivm-share-", dir="/var/tmp"))
    inside(lab, "mount", "-t", "ramfs", "ramfs", str(place))
    inside(lab, "chmod", "755", str(place))
    try:
        yield place
    finally:
        inside(lab, "umount", "-l", str(place))
        place.rmdir()


def inside(lab: Lab, *command: str) -> None:
    subprocess.run([*entered(lab), *command], check=True)


def entered(lab: Lab) -> list[str]:
    """Begin a command line that sees the lab's file systems."""
    pid = lab.running.pid
    return ["nsenter", "-t", str(pid), "-m", f"--pid=/proc/{pid}/ns/pid_for_children", "--"]


@pytest.mark.parametrize("writable", [True, False], ids=["kept", "read-only"])
def test_where_no_access_lists_are_kept(
    trouble: Trouble, open_pool: Path, share: Path, launch: Launch, writable: bool
) -> None:
    lab, path = trouble.lab, share / "ann/web.qcow2"
    inside(lab, "mkdir", "-m", "700", str(path.parent))
    inside(lab, "qemu-img", "create", "-q", "-f", "qcow2", str(path), "64M")
    inside(lab, "chmod", "666", str(path))
    deny(trouble, path)
    argv = [*entered(lab), *program("-c", lab.uri, "--filter", trouble.guest.name)]
    tuivm = launch(argv=argv, size=(120, 40))
    tuivm.wait_row(trouble.guest.name, "off")
    tuivm.press("s")
    tuivm.wait_for("QEMU runs as nobody, who may not open the image of vda")
    tuivm.press("W")
    tuivm.wait_for("Let everybody (no access lists are kept there) through, and start")
    for text in (f"{path.parent} (mode 0700) lacks x", f"chmod o+x {path.parent}", "o   Copy it"):
        assert text in tuivm.text, text
    if not writable:
        inside(lab, "mount", "-o", "remount,ro", str(share))
    tuivm.press("a")
    tuivm.wait_for("y yes")
    tuivm.press("y")
    if not writable:
        # Why it cannot be is said, and what was in the way stays there with the other way.
        tuivm.wait_for("and cannot be given it: Read-only file system")
        tuivm.wait_for("take another way out, such as a copy in a pool")
        tuivm.wait_for("o   Copy it")
        tuivm.press("o")
        tuivm.wait_for("y yes")
        tuivm.press("y")
    until(lambda: lab.state(trouble.guest) == "running", "start")
    used = path if writable else open_pool / "web.qcow2"
    assert f"file='{used}'" in trouble.domain.XMLDesc(0)
    tuivm.wait_for("Nothing stands in its way")
    trouble.domain.destroy()


def test_a_copy_is_not_written_over_what_is_there(
    trouble: Trouble, open_pool: Path, home: Path
) -> None:
    deny(trouble, image(home / "web.qcow2"))
    cure = next(cure for cure in trouble.cause().cures if cure.verb == "copy-image")
    (open_pool / "web.qcow2").write_text("mine")
    trouble.conn.storagePoolLookupByName(cure.args["pool"]).refresh(0)
    with pytest.raises(TuivmError, match=r"has a volume web\.qcow2 already"):
        run_verb(trouble.conn, trouble.guest.uuid, cure.verb, cure.args)
    assert (open_pool / "web.qcow2").read_text() == "mine"
    trouble.cured_by("allow-path")
    trouble.domain.destroy()


def test_or_the_image_is_copied_to_where_it_can_be_read(
    trouble: Trouble, open_pool: Path, home: Path
) -> None:
    path = image(home / "web.qcow2")
    deny(trouble, path)
    trouble.cured_by("copy-image")
    source = etree.fromstring(trouble.domain.XMLDesc(0)).find("devices/disk/source")
    assert source is not None
    assert source.get("file") == str(open_pool / "web.qcow2")
    assert (open_pool / "web.qcow2").read_bytes() == path.read_bytes()
    trouble.domain.destroy()
