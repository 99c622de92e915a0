"""Why a user cannot reach a file: the component of its path that stops them.

Looks at permission bits and access lists of this machine's files; no libvirt. It may wait
for a slow disk.
"""

from __future__ import annotations

import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path

from tuivm.backend import access_list
from tuivm.core.errors import TuivmError
from tuivm.core.text import sanitise

READ, WRITE, ENTER = 4, 2, 1
"""Permission bits, as in a mode."""
_BITS = {"r": READ, "w": WRITE, "x": ENTER}


@dataclass(frozen=True, slots=True)
class Who:
    """Whoever has to reach a file: the user that QEMU runs as."""

    uid: int
    groups: frozenset[int]
    name: str

    @classmethod
    def of(cls, uid: int, gid: int | None = None) -> Who:
        """A user by its number, with the groups that the user database gives it."""
        groups = set() if gid is None else {gid}
        try:
            entry = pwd.getpwuid(uid)
        except KeyError:
            return cls(uid, frozenset(groups), str(uid))
        groups |= {entry.pw_gid, *os.getgrouplist(entry.pw_name, entry.pw_gid)}
        return cls(uid, frozenset(groups), sanitise(entry.pw_name, 40))


@dataclass(frozen=True, slots=True)
class Barrier:
    """One component of a path that somebody may not pass."""

    path: str
    """Not sanitised: it is worked with."""
    need: str
    """``x`` for a folder, ``r`` or ``rw`` for the file."""
    mode: int
    owner: int

    @property
    def text(self) -> str:
        """Say what it is: ``/home/ann (mode 0700) lacks x``."""
        return f"{sanitise(self.path, 300)} (mode {self.mode:04o}) lacks {self.need}"


def barriers(path: str, who: Who, *, write: bool) -> list[Barrier]:
    """What keeps ``who`` from a file, from the root on; empty when nothing does or is seen."""
    found = []
    file = Path(path)
    try:
        for folder in reversed(file.parents):
            status = folder.stat()
            if not _may(str(folder), status, who, ENTER):
                found.append(_barrier(str(folder), status, "x"))
        status = file.stat()
        wanted = READ | (WRITE if write else 0)
        if not _may(path, status, who, wanted):
            found.append(_barrier(path, status, "rw" if write else "r"))
    except OSError:
        # What we may not see ourselves ends the search, not what was found before.
        return found
    return found


def missing_part(path: str) -> str:
    """The first component of a path that does not exist; empty when all do or it is unseen."""
    for part in (*reversed(Path(path).parents), Path(path)):
        try:
            part.lstat()
        except FileNotFoundError:
            return str(part)
        except OSError:
            return ""
    return ""


def _barrier(path: str, status: os.stat_result, need: str) -> Barrier:
    return Barrier(path, need, stat.S_IMODE(status.st_mode), status.st_uid)


def _may(path: str, status: os.stat_result, who: Who, wanted: int) -> bool:
    if who.uid == 0:
        return True
    if status.st_uid == who.uid:
        return status.st_mode >> 6 & wanted == wanted
    listed = access_list.given(path, who.uid)
    if listed is not None:
        return listed & wanted == wanted
    shift = 3 if status.st_gid in who.groups else 0
    return status.st_mode >> shift & wanted == wanted


def commands(found: list[Barrier], who: Who) -> tuple[str, ...]:
    """The commands that let ``who`` pass, as ``let_pass`` runs them."""
    return tuple(" ".join(_command(one, who)) for one in found)


def can_change(found: list[Barrier]) -> bool:
    """True when this process may change all of these permissions."""
    return os.geteuid() == 0 or all(one.owner == os.geteuid() for one in found)


def for_all(found: list[Barrier]) -> bool:
    """True when only everybody can be let through: where no access lists are kept."""
    return any(not access_list.kept(one.path) for one in found)


def _command(one: Barrier, who: Who) -> list[str]:
    if access_list.kept(one.path):
        return ["setfacl", "-m", f"u:{who.name}:{one.need}", one.path]
    return ["chmod", f"o+{one.need}", one.path]


def let_pass(path: str, who: Who, *, write: bool) -> str:
    """Open the way to a file for ``who``; returns what was done. Raises ``TuivmError``."""
    shown = sanitise(path, 200)
    found = barriers(path, who, write=write)
    for one in found:
        try:
            _open(one, who)
        except OSError as error:
            raise _refused(path, one, who, error.strerror or str(error)) from None
    left = barriers(path, who, write=write)
    if left:
        raise _refused(path, left[0], who, "its file system does not keep what was set")
    if not found:
        return f"{who.name} can reach {shown} already"
    return f"{'everybody' if for_all(found) else who.name} can reach {shown} now"


def _open(one: Barrier, who: Who) -> None:
    bits = sum(_BITS[letter] for letter in one.need)
    if access_list.kept(one.path):
        access_list.give(one.path, who.uid, bits)
    else:
        os.chmod(one.path, one.mode | bits)


def _refused(path: str, one: Barrier, who: Who, why: str) -> TuivmError:
    return TuivmError(
        f"Cannot open the way to {sanitise(path, 200)}",
        f"{one.text}, and cannot be given it: {sanitise(why, 200)}",
        hint="take another way out, such as a copy in a pool",
    )
