"""The lab as tests use it."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from tests.lab import daemon, guests
from tests.lab.guests import Guest
from tests.lab.image import Image, build
from tests.lab.paths import ROOT, Paths, Running

PATIENCE = 60.0
"""Seconds that a test waits by default: other guests may be booting on the same cores."""


class LabUnavailable(Exception):
    """Why real guests are impossible here."""


class Lab:
    """A lab that is up; makes and removes guests of a test's own."""

    def __init__(self, running: Running, paths: Paths, image: Image) -> None:
        self.running = running
        self.paths = paths
        self.image = image
        self._defined: list[Guest] = []

    @property
    def uri(self) -> str:
        """What to give to ``tuivm -c``."""
        return self.running.uri

    def virsh(self, *arguments: str, check: bool = True) -> str:
        """Run virsh; its output."""
        return daemon.virsh(self.running, *arguments, check=check).stdout

    def state(self, guest: Guest) -> str:
        """The guest's state in virsh's words."""
        return self.virsh("domstate", guest.uuid, check=False).strip()

    def define(self, guest: Guest) -> Guest:
        """Define a guest, and start it where it says so; removed by ``clean``."""
        self._defined.append(guest)
        guests.define(self.running, self.paths, self.image, guest)
        return guest

    def clean(self) -> None:
        """Remove what was defined."""
        while self._defined:
            guests.remove(self.running, self.paths, self._defined.pop())

    def said(self, guest: Guest) -> bytes:
        """Every byte that the guest's serial port said since its start."""
        path = guests.serial_log(guest, self.paths)
        if os.access(path, os.R_OK) or not path.exists():
            return path.read_bytes() if path.exists() else b""
        command = ["sudo", "-n", "cat", str(path)]
        return subprocess.run(command, capture_output=True, check=True).stdout

    def await_boot(self, guest: Guest, timeout: float = 180) -> None:
        """Wait until the guest asks for a login."""
        until(lambda: b" login: " in self.said(guest), f"login of {guest.name}", timeout)


def until(condition: Callable[[], object], what: str, timeout: float = PATIENCE) -> float:
    """Wait for a condition outside of any terminal; gives the seconds that it took."""
    start = time.monotonic()
    while not condition():
        if time.monotonic() - start > timeout:
            raise AssertionError(f"no {what} within {timeout} s")
        time.sleep(0.05)
    return time.monotonic() - start


def open_lab(owner: str, name: str = "main") -> Lab:
    """Bring the lab of that name up, or take the one that is.

    Raises:
        LabUnavailable: with the reason.
    """
    check = _script("check")
    if check.returncode:
        raise LabUnavailable((check.stdout + check.stderr).strip())
    paths = Paths(name)
    done = _script("--name", name, "up", "--off", "--owner", owner)
    running = paths.load()
    if done.returncode or running is None:
        raise RuntimeError(f"scripts/lab up: {done.stderr.strip()}")
    return Lab(running, paths, build(paths.cache))


def close_lab(owner: str, name: str = "main") -> None:
    """Take the lab of that name down, if it is this owner's."""
    running = Paths(name).load()
    if running is not None and running.owner == owner:
        _script("--name", name, "down")


def _script(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(Path(ROOT) / "scripts/lab"), *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
