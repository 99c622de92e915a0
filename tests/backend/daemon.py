"""A libvirt daemon of a test's own, in session mode and a folder of its own."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

NOBODY = 65534
"""A daemon started by root runs as this user: root's would be the system's daemon."""


def _listens(path: Path) -> bool:
    """True once a socket takes connections, which is a moment after it is there."""
    with socket.socket(socket.AF_UNIX) as one:
        return one.connect_ex(str(path)) == 0


class Daemon:
    """One ``libvirtd`` with the test driver and a QEMU driver; needs no rights."""

    arguments: tuple[str, ...] = ()
    """More of its command line."""

    def __init__(self) -> None:
        # Not below pytest's folders: others may not enter those, and the path of a socket
        # has room for 107 bytes only.
        self.folder = Path(tempfile.mkdtemp(prefix="tuivm-d-", dir="/tmp"))
        self._user = NOBODY if os.geteuid() == 0 else None
        for name in ("run", "config", "cache", "data"):
            (self.folder / name).mkdir(mode=0o700)
        if self._user is not None:
            for path in (self.folder, *self.folder.iterdir()):
                os.chown(path, self._user, self._user)
        self.socket = self.folder / "run/libvirt/libvirt-sock"
        self._process: subprocess.Popen[bytes] | None = None

    @staticmethod
    def available() -> bool:
        """True when there is a libvirtd to start."""
        return shutil.which("libvirtd", path=f"{os.environ.get('PATH', '')}:/usr/sbin") is not None

    def uri(self, uri: str = "test:///default") -> str:
        """The URI by which this daemon serves what ``uri`` names."""
        scheme, _, rest = uri.partition(":")
        return f"{scheme}+unix:{rest}?socket={self.socket}"

    def environment(self) -> dict[str, str]:
        """More of its environment."""
        return {}

    def _environment(self) -> dict[str, str]:
        return {
            "PATH": f"{os.environ['PATH']}:/usr/sbin",
            "HOME": str(self.folder),
            "XDG_RUNTIME_DIR": str(self.folder / "run"),
            "XDG_CONFIG_HOME": str(self.folder / "config"),
            "XDG_CACHE_HOME": str(self.folder / "cache"),
            "XDG_DATA_HOME": str(self.folder / "data"),
        }

    def start(self) -> None:
        """Start it, and wait until it listens."""
        self.socket.unlink(missing_ok=True)
        # The timeout ends a daemon that a killed test run left behind.
        self._process = subprocess.Popen(
            ["libvirtd", "--timeout", "60", *self.arguments],
            env={**self._environment(), **self.environment()},
            cwd=self.folder,
            user=self._user,
            group=self._user,
            extra_groups=[] if self._user is not None else None,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        until = time.monotonic() + 30
        while not _listens(self.socket):
            if self._process.poll() is not None or time.monotonic() > until:
                raise RuntimeError("libvirtd did not start")
            time.sleep(0.01)

    @contextmanager
    def beside(self, program: str) -> Iterator[Path]:
        """Run another of libvirt's daemons in the same folders; yields that of the sockets."""
        process = subprocess.Popen(
            [program, "--timeout", "60"],
            env=self._environment(),
            cwd=self.folder,
            user=self._user,
            group=self._user,
            extra_groups=[] if self._user is not None else None,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            yield self.socket.parent
        finally:
            process.kill()
            process.wait()

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal: SIGSTOP makes it hang, SIGCONT lets it go on."""
        assert self._process is not None
        self._process.send_signal(number)

    def kill(self) -> None:
        """End it at once, as a crash does: its socket stays behind."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def close(self) -> None:
        """End it and the guests that outlive it, and remove its folder."""
        self.kill()
        for file in self.folder.glob("run/libvirt/qemu/run/*.pid"):
            with suppress(OSError, ValueError):
                guest = int(file.read_text())
                if str(self.folder) in Path(f"/proc/{guest}/cmdline").read_text():
                    os.kill(guest, signal.SIGKILL)
        shutil.rmtree(self.folder, ignore_errors=True)


@contextmanager
def private_daemon() -> Iterator[Daemon]:
    """A running daemon that nobody else uses; without libvirtd the test is skipped by name."""
    if not Daemon.available():
        pytest.skip("there is no libvirtd")
    one = Daemon()
    try:
        one.start()
        yield one
    finally:
        one.close()
