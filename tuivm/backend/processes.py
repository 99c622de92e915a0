"""QEMU's processes on this machine, from /proc: which one runs a domain, and how it stands."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

_UUID = re.compile(rb"-uuid\0([0-9a-f-]{36})\0")
_MAX_COMMAND = 65536


class Process(NamedTuple):
    """A process, as this machine numbers it."""

    pid: int
    state: str
    """The kernel's letter: R, S, D, T, Z (proc(5))."""
    owner: int
    """The user that it runs as."""

    @property
    def stopped(self) -> bool:
        """True when a signal or a debugger stopped it."""
        return self.state in "Tt"


def qemu_of(uuid: str, proc: Path = Path("/proc")) -> Process | None:
    """The QEMU process of a domain; None where there is none, or it cannot be seen."""
    try:
        pids = [name for name in os.listdir(proc) if name.isdigit()]
    except OSError:
        return None
    for pid in pids:
        try:
            with open(proc / pid / "cmdline", "rb") as file:
                match = _UUID.search(file.read(_MAX_COMMAND))
            if match is None or match[1].decode() != uuid:
                continue
            state = (proc / pid / "stat").read_text().rpartition(")")[2].split()[0]
            return Process(int(pid), state, (proc / pid).stat().st_uid)
        except (OSError, ValueError, IndexError):
            continue
    return None


def holder_of(path: str, proc: Path = Path("/proc")) -> str:
    """Who holds a lock on a file of this machine: ``qemu-img (process 77)``; else empty."""
    try:
        status = os.stat(path)
        lines = (proc / "locks").read_text().splitlines()
    except OSError:
        return ""
    inode = f"{os.major(status.st_dev):02x}:{os.minor(status.st_dev):02x}:{status.st_ino}"
    for line in lines:
        words = line.split()
        if inode in words:
            for word in words:
                if word.isdigit() and (proc / word / "comm").exists():
                    name = (proc / word / "comm").read_text(errors="replace").strip()
                    return f"{name} (process {word})"
    return _opener(status, proc)


def _opener(status: os.stat_result, proc: Path) -> str:
    """Open file description locks name no process: look who has the file open."""
    for pid in filter(str.isdigit, os.listdir(proc)):
        try:
            for handle in (proc / pid / "fd").iterdir():
                other = handle.stat()
                if (other.st_dev, other.st_ino) == (status.st_dev, status.st_ino):
                    name = (proc / pid / "comm").read_text(errors="replace").strip()
                    return f"{name} (process {pid})"
        except OSError:
            continue
    return ""


def console_programs(name: str, proc: Path = Path("/proc")) -> list[str]:
    """Other programs of this machine that may have a domain's console open, as one reads them."""
    return [
        f"{' '.join(words)} (process {pid})"
        for pid, program, words in _programs(proc)
        if (program == "virsh" and "console" in words and name in words)
        or program == "virt-manager"
    ]


_CLIENTS = frozenset({
    "virsh", "virt-manager", "virt-install", "virt-clone", "virt-viewer", "virt-ssh-helper",
    "cockpit-bridge", "tuivm",
})  # fmt: skip


def libvirt_programs(proc: Path = Path("/proc")) -> list[str]:
    """Other programs of this machine that may be connected to libvirt, as one reads them."""
    return [
        f"{' '.join(words)[:120]} (process {pid})"
        for pid, program, words in _programs(proc)
        if program in _CLIENTS
    ]


def _programs(proc: Path) -> Iterator[tuple[str, str, list[str]]]:
    """Each other process's number, the name of its program or script, and its command line."""
    for pid in filter(str.isdigit, os.listdir(proc)):
        if int(pid) == os.getpid():
            continue
        try:
            with open(proc / pid / "cmdline", "rb") as file:
                text = file.read(_MAX_COMMAND).decode("utf-8", "replace")
        except OSError:
            continue
        words = [word for word in text.split("\0") if word]
        names = [os.path.basename(word) for word in words[:2]]
        # A script's own name follows its interpreter's.
        script = len(names) > 1 and names[0].startswith(("python", "sh", "bash"))
        if names:
            yield pid, names[1] if script else names[0], words
