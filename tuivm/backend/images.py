"""Disk images among a host's storage pools: where a file is, and copying one into a pool."""

from __future__ import annotations

import os
from pathlib import PurePosixPath
from xml.sax.saxutils import escape

import libvirt

from tuivm.backend.optional import each, or_none
from tuivm.backend.xml_parse import parse
from tuivm.core.errors import TuivmError
from tuivm.core.text import sanitise

CHUNK = 256 * 1024
"""Bytes that are sent at a time: the most that one message carries."""
_FOLDERS = frozenset({"dir", "fs", "netfs"})
"""Kinds of pool whose volumes are files."""


def folder_pools(conn: libvirt.virConnect) -> list[tuple[str, str, bool]]:
    """Name, folder and whether it is active, of all pools of files; raises as ``each``."""
    found = []
    for name, xml, active in each(
        or_none(lambda: conn.listAllStoragePools(0)),
        lambda pool: (pool.name(), pool.XMLDesc(0), bool(pool.isActive())),
    ):
        root = parse(xml)
        if root.get("type") in _FOLDERS:
            found.append((name, (root.findtext("target/path") or "").rstrip("/"), active))
    return found


def same_name_elsewhere(conn: libvirt.virConnect, path: str) -> str:
    """The path of a volume with the file name of ``path`` in another folder, or empty."""
    name = PurePosixPath(path).name

    def path_in(pool: libvirt.virStoragePool) -> str:
        pool.refresh(0)
        return str(pool.storageVolLookupByName(name).path())

    active = libvirt.VIR_CONNECT_LIST_STORAGE_POOLS_ACTIVE
    for found in each(or_none(lambda: conn.listAllStoragePools(active)), path_in):
        if found.startswith("/") and found != path:
            return found
    return ""


def copy_into_pool(conn: libvirt.virConnect, path: str, pool_name: str) -> str:
    """Copy a file of this machine into a pool; returns the copy's path.

    Takes as long as the file is big. The daemon writes it, so it belongs to whom libvirt
    gives it. Raises ``TuivmError`` when the file cannot be read or is there already.
    """
    pool = conn.storagePoolLookupByName(pool_name)
    name, title = PurePosixPath(path).name, f"Cannot copy {sanitise(path, 200)}"
    try:
        file = open(path, "rb")  # noqa: SIM115 - closed below, after the stream
    except OSError as error:
        raise TuivmError(
            title, error.strerror or str(error), hint="run tuivm as its owner"
        ) from None
    with file:
        size = os.fstat(file.fileno()).st_size
        volume = _new_volume(pool, name, size, title)
        stream = conn.newStream(0)
        try:
            volume.upload(stream, 0, size, 0)
            while data := file.read(CHUNK):
                _send(stream, data)
            stream.finish()
        except (libvirt.libvirtError, OSError):
            _drop(stream, volume)
            raise
    pool.refresh(0)
    return str(volume.path())


def _new_volume(
    pool: libvirt.virStoragePool, name: str, size: int, title: str
) -> libvirt.virStorageVol:
    try:
        return pool.createXML(
            f"<volume><name>{escape(name)}</name><capacity>{size}</capacity>"
            "<target><format type='raw'/></target></volume>",
            0,
        )
    except libvirt.libvirtError as error:
        if error.get_error_code() != libvirt.VIR_ERR_STORAGE_VOL_EXIST:
            raise
        raise TuivmError(
            title,
            f"the pool {sanitise(pool.name(), 80)} has a volume {sanitise(name, 80)} already",
            hint="is it that? Then change the disk's <source> (e); or take another way out",
            code=error.get_error_code(),
            raw=sanitise(error.get_error_message() or str(error), 4096),
        ) from None


def _send(stream: libvirt.virStream, data: bytes) -> None:
    sent = 0
    while sent < len(data):
        sent += stream.send(data[sent:])


def _drop(stream: libvirt.virStream, volume: libvirt.virStorageVol) -> None:
    """Leave no half of a copy behind."""
    for undo in (stream.abort, volume.delete):
        try:
            undo()
        except libvirt.libvirtError:
            continue
