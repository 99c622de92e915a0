"""Writes an initramfs: the kernel's own ``newc`` archive format."""

from __future__ import annotations

import stat
from pathlib import Path


class Archive:
    """Collects files by their path in the guest; the last one of a path wins."""

    def __init__(self) -> None:
        self._entries: dict[str, tuple[int, bytes, tuple[int, int]]] = {}

    def directory(self, path: str) -> None:
        """Add a folder and those above it."""
        parts = path.strip("/").split("/")
        for count in range(1, len(parts) + 1):
            name = "/".join(parts[:count])
            self._entries.setdefault(name, (stat.S_IFDIR | 0o755, b"", (0, 0)))

    def file(self, path: str, data: bytes, mode: int = 0o644) -> None:
        """Add a file."""
        self._put(path, stat.S_IFREG | mode, data)

    def copy(self, path: str, source: Path, mode: int = 0o755) -> None:
        """Add this machine's file ``source``, links followed."""
        self.file(path, source.read_bytes(), mode)

    def link(self, path: str, target: str) -> None:
        """Add a symbolic link."""
        self._put(path, stat.S_IFLNK | 0o777, target.encode())

    def device(self, path: str, major: int, minor: int) -> None:
        """Add a character device."""
        self._put(path, stat.S_IFCHR | 0o600, b"", (major, minor))

    def _put(self, path: str, mode: int, data: bytes, device: tuple[int, int] = (0, 0)) -> None:
        name = path.strip("/")
        if "/" in name:
            self.directory(name.rpartition("/")[0])
        self._entries[name] = (mode, data, device)

    def pack(self) -> bytes:
        """The archive."""
        out = bytearray()
        for inode, (name, entry) in enumerate(self._entries.items(), 1):
            out += _record(name, inode, *entry)
        out += _record("TRAILER!!!", 0, 0, b"", (0, 0))
        return bytes(out)


def _record(name: str, inode: int, mode: int, data: bytes, device: tuple[int, int]) -> bytes:
    encoded = name.encode() + b"\0"
    fields = (inode, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(encoded), 0)
    head = b"070701" + b"".join(b"%08x" % field for field in fields) + encoded
    return _padded(head) + _padded(data)


def _padded(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % 4)
