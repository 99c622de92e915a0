"""Access lists of files (acl(5)), as the kernel keeps them in an extended attribute.

Only this machine's files; no libvirt. The layout is the kernel's ``posix_acl_xattr.h``.
"""

from __future__ import annotations

import errno
import os
import stat
import struct
from typing import NamedTuple

NAME = "system.posix_acl_access"
_VERSION = 2
_ENTRY = struct.Struct("<HHI")
_OWNER, _USER, _GROUP_OF_FILE, _GROUP, _MASK, _OTHER = 0x01, 0x02, 0x04, 0x08, 0x10, 0x20
_NO_ID = 0xFFFFFFFF


class Entry(NamedTuple):
    """What one kind of user may do."""

    tag: int
    bits: int
    """``rwx`` as in a mode."""
    number: int
    """The user's or group's, where the tag is of one."""


def kept(path: str) -> bool:
    """False where a file system keeps no access lists: some network and memory file systems."""
    try:
        os.getxattr(path, NAME)
    except OSError as error:
        return error.errno not in (errno.ENOTSUP, errno.EOPNOTSUPP)
    return True


def given(path: str, uid: int) -> int | None:
    """What a file's list gives to a user by number; None without such an entry."""
    entries = _read(path)
    mask = next((one.bits for one in entries if one.tag == _MASK), 7)
    for one in entries:
        if one.tag == _USER and one.number == uid:
            return one.bits & mask
    return None


def give(path: str, uid: int, bits: int) -> None:
    """Add to what a file's list gives to a user, as ``setfacl -m`` does; raises ``OSError``."""
    entries = _read(path) or _of_mode(stat.S_IMODE(os.stat(path).st_mode))
    had = next((one.bits for one in entries if (one.tag, one.number) == (_USER, uid)), 0)
    others = [one for one in entries if one.tag != _MASK and (one.tag, one.number) != (_USER, uid)]
    fresh = [*others, Entry(_USER, had | bits, uid)]
    mask = 0
    for one in fresh:
        if one.tag in (_USER, _GROUP_OF_FILE, _GROUP):
            mask |= one.bits
    fresh.append(Entry(_MASK, mask, _NO_ID))
    fresh.sort(key=lambda one: (one.tag, one.number))
    data = struct.pack("<I", _VERSION) + b"".join(_ENTRY.pack(*one) for one in fresh)
    os.setxattr(path, NAME, data)


def _of_mode(mode: int) -> list[Entry]:
    return [
        Entry(_OWNER, mode >> 6 & 7, _NO_ID),
        Entry(_GROUP_OF_FILE, mode >> 3 & 7, _NO_ID),
        Entry(_OTHER, mode & 7, _NO_ID),
    ]


def _read(path: str) -> list[Entry]:
    try:
        data = os.getxattr(path, NAME)
    except OSError:
        return []
    return [Entry(*_ENTRY.unpack_from(data, at)) for at in range(4, len(data) - 7, 8)]
