"""Who runs tuivm here, and which groups this login has. Reads the user database."""

from __future__ import annotations

import grp
import os
import pwd
from dataclasses import dataclass

from tuivm.core.text import sanitise


@dataclass(frozen=True, slots=True)
class Login:
    """The user of this process; names are sanitised."""

    user: str
    groups: frozenset[str]
    """Those that this login has."""
    listed: frozenset[str]
    """Those that the user has by now; a login from before lacks new ones."""

    @classmethod
    def read(cls) -> Login:
        """Look this process's user up."""
        groups = frozenset(map(group_name, {*os.getgroups(), os.getegid()}))
        try:
            entry = pwd.getpwuid(os.geteuid())
            numbers = os.getgrouplist(entry.pw_name, entry.pw_gid)
        except (KeyError, OSError):
            return cls(str(os.geteuid()), groups, groups)
        return cls(sanitise(entry.pw_name, 40), groups, groups | set(map(group_name, numbers)))

    def join(self, group: str) -> str:
        """What gives this user a group."""
        if group in self.listed - self.groups:
            return f"log in again: {self.user} is in the group {group} only since this login"
        return f"join the group (sudo usermod -aG {group} {self.user}) and log in again"


def groups_of(user: str, group: str = "") -> tuple[int, frozenset[int]] | None:
    """A user's number and the numbers of its groups, ``group`` among them; None if unknown."""
    try:
        entry = pwd.getpwuid(int(user)) if user.isdecimal() else pwd.getpwnam(user)
        own = entry.pw_gid if not group else int(group) if group.isdecimal() else _number(group)
        return entry.pw_uid, frozenset(os.getgrouplist(entry.pw_name, own))
    except (KeyError, OSError):
        return None


def _number(group: str) -> int:
    return grp.getgrnam(group).gr_gid


def group_name(number: int) -> str:
    """The name of a group, or its number."""
    try:
        return sanitise(grp.getgrgid(number).gr_name, 40)
    except KeyError:
        return str(number)
