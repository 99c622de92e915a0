"""Where a lab keeps its things, and the record of a lab that is up."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Running:
    """A lab that was started; it need not be alive any more."""

    pid: int
    """The first process of the lab's PID namespace: with it, everything ends."""
    started: int
    """That process's start time (``/proc/PID/stat``, field 22): a PID may be used again."""
    run: str
    """The daemon's run directory: short, as a socket's path has at most 107 bytes."""
    owner: str
    """Who started it, so that a test run ends only its own lab."""

    @property
    def socket(self) -> str:
        """The daemon's socket as seen from outside."""
        return f"{self.run}/libvirt-sock"

    @property
    def uri(self) -> str:
        """What to give to ``virsh -c`` and ``tuivm -c``."""
        return f"qemu+unix:///system?socket={self.socket}"

    @property
    def alive(self) -> bool:
        """True while the lab's first process is the one that was started."""
        return start_time(self.pid) == self.started


class Paths:
    """The folders of one lab: ``.lab/NAME`` in the checkout, unless ``TUIVM_LAB_DIR`` says."""

    def __init__(self, name: str = "main") -> None:
        base = Path(os.environ.get("TUIVM_LAB_DIR") or ROOT / ".lab").resolve()
        self.name = name
        self.cache = base / "cache"
        """Kernel and initramfs: shared by this checkout's labs, kept from one to the next."""
        self.home = base / name
        self.state = self.home / "state.json"
        self.log = self.home / "lab.log"
        self.serial = self.home / "serial"
        """What each guest's serial port said, byte by byte: ``NAME.log``."""
        self.disks = self.home / "disks"

    def private(self, part: str) -> Path:
        """The folder that the daemon sees as its own ``etc``, ``lib``, ``cache`` or ``log``."""
        return self.home / part

    def load(self) -> Running | None:
        """The recorded lab, or None; ask ``alive`` before use."""
        try:
            return Running(**json.loads(self.state.read_text()))
        except (OSError, ValueError, TypeError):
            return None

    def save(self, running: Running | None) -> None:
        """Record what runs now."""
        if running is None:
            self.state.unlink(missing_ok=True)
            return
        self.home.mkdir(parents=True, exist_ok=True)
        self.state.write_text(json.dumps(asdict(running)))

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the lab against other processes that start or stop it."""
        self.home.mkdir(parents=True, exist_ok=True)
        with (self.home.parent / "lock").open("w") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield


def start_time(pid: int) -> int | None:
    """A process's start time in clock ticks, or None when there is none (or it is a zombie)."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else int(fields[19])
