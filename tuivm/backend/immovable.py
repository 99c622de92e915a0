"""What of a running domain cannot leave it: devices without migration, files of one host alone."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import libvirt
from lxml import etree

from tuivm.backend.case import Case
from tuivm.backend.connection import Target
from tuivm.backend.processes import qemu_of
from tuivm.backend.xml_parse import parse, source_path, value_at
from tuivm.core.text import sanitise

SHARED = frozenset({
    "nfs", "nfs4", "cifs", "smb3", "ceph", "glusterfs", "fuse.glusterfs", "gpfs", "gfs2", "ocfs2",
    "lustre", "beegfs", "pvfs2",
})  # fmt: skip
"""File systems that several hosts can see (as libvirt's ``virFileIsSharedFS``, and some more)."""
_SHARED_POOLS = frozenset({"netfs", "rbd", "iscsi", "iscsi-direct", "gluster", "sheepdog"})
_LOCAL_POOLS = frozenset({"dir", "fs", "logical", "disk", "zfs"})


ASKS_QEMU = 8_006_000
"""libvirt from which on QEMU is asked what it cannot move."""
QEMU_TELLS = 6_000_000
"""QEMU from which on it tells."""


class Disk(NamedTuple):
    """A disk that is written to."""

    target: str
    kind: str
    """``file``, ``block``, ``network``, ``volume``."""
    format: str
    """``qcow2``, ``raw``."""
    path: str
    element: etree._Element


def disks(root: etree._Element) -> list[Disk]:
    """The disks that can be written to: no CDs, floppies or read-only disks."""
    found = []
    for disk in root.iterfind("devices/disk"):
        source = disk.find("source")
        if disk.get("device", "disk") not in ("disk", "lun") or source is None:
            continue
        if disk.find("readonly") is None:
            found.append(
                Disk(
                    value_at(disk, "target/@dev"),
                    disk.get("type", ""),
                    value_at(disk, "driver/@type") or "raw",
                    source_path(source),
                    disk,
                )
            )
    return found


class Stuck(NamedTuple):
    """What keeps the memory of a running domain where it is."""

    text: str
    certain: bool
    """False where it depends on what neither XML nor libvirt tells."""


def frozen(case: Case) -> Iterator[Stuck]:
    """Name what keeps libvirt from saving or moving a running domain's memory.

    As libvirt's ``qemuMigrationSrcIsAllowed`` has it, and QEMU's own refusals, which newer
    libvirts ask for instead of what they knew of devices.
    """
    root = case.live
    yield from _devices(root, _asks(case))
    for disk in root.iterfind("devices/disk"):
        target = value_at(disk, "target/@dev")
        if disk.find("transient") is not None:
            yield Stuck(f"its disk {target} is <transient/>", True)
        if disk.find("mirror") is not None:
            yield Stuck(f"its disk {target} is being copied (jobs: 5)", True)
    for memory in root.iterfind("devices/shmem"):
        if memory.get("role") != "master":
            yield Stuck("it has shared memory with its host (<shmem>)", True)
    yield from _folders(root)
    yield from _clock(root)


def _asks(case: Case) -> bool:
    """True when libvirt asks QEMU what is in the way, and knows nothing of it itself."""
    libvirt_version, qemu_version = case.conn.getLibVersion(), case.conn.getVersion()
    return bool(libvirt_version >= ASKS_QEMU and qemu_version >= QEMU_TELLS)


def _devices(root: etree._Element, asks: bool) -> Iterator[Stuck]:
    """Devices of the host: some can move by now, or are unplugged for the time being."""
    for device in root.iterfind("devices/hostdev"):
        kind = device.get("type") or device.get("mode") or "?"
        if kind == "usb" or (kind == "scsi" and asks) or _unplugged(device):
            continue
        text = f"a device of its host is passed through to it (<hostdev type='{kind}'>)"
        yield _device(text, asks and kind in ("pci", "mdev"))
    for card in root.iterfind("devices/interface"):
        if card.get("type") in ("hostdev", "vdpa") and not _unplugged(card):
            mac = value_at(card, "mac/@address")
            yield _device(f"its card {mac} is a device of its host ({card.get('type')})", asks)


def _unplugged(device: etree._Element) -> bool:
    """True for one half of a pair: it is unplugged while the other moves."""
    return value_at(device, "teaming/@type") == "transient"


def _device(text: str, may_move: bool) -> Stuck:
    return Stuck(f"{text}, unless its driver can move it" if may_move else text, not may_move)


def _folders(root: etree._Element) -> Iterator[Stuck]:
    for folder in root.iterfind("devices/filesystem"):
        name = value_at(folder, "target/@dir")
        if value_at(folder, "driver/@type") == "virtiofs":
            yield Stuck(f"its folder {name} is its host's (virtiofs)", True)
        else:
            text = f"its folder {name} is its host's (9p), for as long as the guest has it mounted"
            yield Stuck(text, False)


def _clock(root: etree._Element) -> Iterator[Stuck]:
    """An invariant clock cannot change its pace, unless that is given."""
    cpu = root.find("cpu")
    if cpu is None or root.find("clock/timer[@name='tsc'][@frequency]") is not None:
        return
    if cpu.find("feature[@name='invtsc'][@policy='require']") is not None:
        yield Stuck("its CPU has invtsc without a fixed frequency", True)
    elif cpu.get("migratable") == "off" and root.get("type") == "kvm":
        yield Stuck("its CPU has what cannot move: invtsc, with migratable='off'", False)


def is_shared(case: Case, disk: Disk) -> bool | None:
    """Tell whether other hosts see a disk too; None where that does not show."""
    if disk.kind == "network":
        return True
    if disk.kind == "volume":
        return _pool_shared(case, value_at(disk.element, "source/@pool"), "")
    if disk.kind != "file":
        return None
    if Target(case.uri).local:
        kind = file_system(case.domain.UUIDString(), disk.path)
        return None if not kind else kind in SHARED
    return _pool_shared(case, "", disk.path)


def file_system(uuid: str, path: str) -> str:
    """The type of the file system where a domain's file is, as its QEMU sees it; or empty."""
    process = qemu_of(uuid)
    place = Path("/proc") / (str(process.pid) if process else "self") / "mountinfo"
    try:
        lines = place.read_text(errors="replace").splitlines()
    except OSError:
        return ""
    best, kind = "", ""
    for line in lines:
        words, _, rest = line.partition(" - ")
        point = words.split()[4]
        inside = path == point or path.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= len(best):
            best, kind = point, rest.split()[0] if rest else ""
    return kind


def _pool_shared(case: Case, name: str, path: str) -> bool | None:
    try:
        if name:
            pool = case.conn.storagePoolLookupByName(name)
        else:
            pool = case.conn.storageVolLookupByPath(path).storagePoolLookupByVolume()
        kind = parse(pool.XMLDesc(0)).get("type", "")
    except libvirt.libvirtError:
        return None
    return True if kind in _SHARED_POOLS else False if kind in _LOCAL_POOLS else None


def needed_files(root: etree._Element) -> Iterator[str]:
    """Files beside its disks that another host has to have too, under the same path."""
    for disk in root.iterfind("devices/disk"):
        path = source_path(disk.find("source"))
        if path and disk.get("device") in ("cdrom", "floppy") and disk.get("type") == "file":
            yield f"{path} (the medium in {value_at(disk, 'target/@dev')})"
    for name in ("kernel", "initrd", "loader"):
        if path := value_at(root, f"os/{name}"):
            yield f"{sanitise(path, 300)} ({name})"


def stem(path: str) -> str:
    """A file's path without its suffix: external snapshots are named after it."""
    return os.path.splitext(path)[0]
