"""An ssh server of a test's own on the loopback address, and keys for it."""

from __future__ import annotations

import getpass
import os
import shlex
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from tests.lab.needs import find


class Sshd:
    """One ``sshd`` that lets the user who runs the tests in by one key, and no other way."""

    options = ""
    """Lines of its configuration that go before the others."""

    def __init__(self) -> None:
        # A short path that sshd finds safe: below pytest's folders it may not be.
        self.folder = Path(tempfile.mkdtemp(prefix="tuivm-s-", dir="/tmp"))
        for name in ("host", "stranger", "mine", "wrong"):
            self._keygen(name)
        self.log = self.folder / "log"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self._process: subprocess.Popen[bytes] | None = None

    @staticmethod
    def missing() -> list[str]:
        """The programs that it needs and that are not here."""
        return [name for name in ("sshd", "ssh", "ssh-keygen", "nc") if find(name) is None]

    def start(self) -> None:
        """Start it, and wait until it listens."""
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)
        config = self.folder / "config"
        config.write_text(
            f"{self.options}Port {self.port}\nListenAddress 127.0.0.1\nHostKey {self.folder}/host\n"
            f"AuthorizedKeysFile {self.folder}/mine.pub\nPidFile none\nUsePAM no\n"
            "PasswordAuthentication no\nKbdInteractiveAuthentication no\n"
            "StrictModes no\nPermitRootLogin yes\nLogLevel VERBOSE\n"
        )
        self._process = subprocess.Popen(
            [str(find("sshd")), "-D", "-f", str(config), "-E", str(self.log)]
        )
        until = time.monotonic() + 30
        while "Server listening" not in self._told():
            if self._process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"sshd did not start: {self._told()}")
            time.sleep(0.01)

    def stop(self) -> None:
        """End it; it can be started again."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
            self.log.unlink(missing_ok=True)

    def close(self) -> None:
        """End it and remove its folder."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def connections(self) -> int:
        """How often somebody connected."""
        return self._told().count("Connection from ")

    def uri(self, libvirt_socket: Path, *, known: str | None = "host", key: str = "mine") -> str:
        """A URI of a libvirt socket through this server, by the user's own ``command=``.

        ``known`` is the key that the user knows the host by, None for a host not seen yet.
        """
        known_hosts = self.folder / f"known-{known}"
        public = "" if known is None else (self.folder / f"{known}.pub").read_text()
        known_hosts.write_text(f"[127.0.0.1]:{self.port} {public}" if public else "")
        command = self.folder / f"ssh-{known}-{key}"
        options = f"-F none -o UserKnownHostsFile={known_hosts} -o IdentitiesOnly=yes"
        command.write_text(f'#!/bin/sh\nexec {shlex.quote(str(find("ssh")))} {options} "$@"\n')
        command.chmod(0o700)
        return (
            f"test+ssh://{getpass.getuser()}@127.0.0.1:{self.port}/default?no_tty=1&proxy=netcat"
            f"&socket={libvirt_socket}&command={command}&keyfile={self.folder / key}"
        )

    def _keygen(self, name: str) -> None:
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self.folder / name)],
            check=True,
        )

    def _told(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""
