"""Images where QEMU's user may not go, and in pools that are not active: named, and cured."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp

import pytest
from lxml import etree

from tests.guest.test_obstacles import Trouble, conn, disk, image, trouble
from tuivm.core.causes import Surety

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


def test_or_the_image_is_copied_to_where_it_can_be_read(trouble: Trouble, home: Path) -> None:
    path = image(home / "web.qcow2")
    place = Path(mkdtemp(prefix="tuivm-pool-", dir="/var/tmp"))
    place.chmod(0o755)
    name = f"open-{os.getpid()}"
    made = trouble.conn.storagePoolCreateXML(
        f"<pool type='dir'><name>{name}</name><target><path>{place}</path></target></pool>", 0
    )
    try:
        deny(trouble, path)
        cure = next(cure for cure in trouble.cause().cures if cure.verb == "copy-image")
        assert cure.args["pool"] == name
        trouble.cured_by("copy-image")
        source = etree.fromstring(trouble.domain.XMLDesc(0)).find("devices/disk/source")
        assert source is not None
        assert source.get("file") == str(place / "web.qcow2")
        assert (place / "web.qcow2").read_bytes() == path.read_bytes()
        trouble.domain.destroy()
    finally:
        made.destroy()
        rmtree(place)
