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


def frozen(root: etree._Element) -> Iterator[str]:
    """Name what keeps libvirt from saving or moving a running domain's memory.

    As libvirt's ``qemuMigrationSrcIsAllowed`` has it, and QEMU's own refusals.
    """
    for device in root.iterfind("devices/hostdev"):
        kind = device.get("type") or device.get("mode") or "?"
        if kind != "usb":
            yield f"a device of its host is passed through to it (<hostdev type='{kind}'>)"
    for card in root.iterfind("devices/interface"):
        if card.get("type") in ("hostdev", "vdpa"):
            mac = value_at(card, "mac/@address")
            yield f"its card {mac} is a device of its host (type='{card.get('type')}')"
    for disk in root.iterfind("devices/disk"):
        if disk.find("transient") is not None:
            yield f"its disk {value_at(disk, 'target/@dev')} is <transient/>"
    if root.find("devices/shmem") is not None:
        yield "it has shared memory with its host (<shmem>)"
    for folder in root.iterfind("devices/filesystem"):
        yield (
            f"its folder {value_at(folder, 'target/@dir')} is its host's "
            f"({value_at(folder, 'driver/@type') or '9p'})"
        )
    for feature in root.iterfind("cpu/feature"):
        wanted = feature.get("name") == "invtsc" and feature.get("policy") == "require"
        if wanted and root.find("clock/timer[@name='tsc'][@frequency]") is None:
            yield "its CPU has invtsc without a fixed frequency"


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
