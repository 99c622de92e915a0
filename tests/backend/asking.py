"""An ssh server that lets nobody in unasked, and an ssh client that no user's files reach.

The client is the real ``ssh``, found in ``PATH`` as a script that names its configuration:
OpenSSH takes ``~`` from the user database, so ``HOME`` would not keep a user's keys out.
"""

from __future__ import annotations

import os
import secrets
import subprocess

from tests.backend.daemon import NOBODY
from tests.backend.sshd import Sshd
from tests.lab.needs import find

PASSPHRASE = "correct horse"


def obstacle() -> str:
    """Why there can be no such server here, or an empty text."""
    missing = [*Sshd.missing(), *(name for name in ("useradd", "chpasswd") if find(name) is None)]
    if missing:
        return f"not installed: {', '.join(missing)}"
    # A session daemon of somebody else is reached, and a user made, by root alone.
    return "" if os.geteuid() == 0 else "not root"


class AskingSshd(Sshd):
    """Takes a key that has a passphrase; or, with ``password``, a user made for it by password."""

    def __init__(self, *, password: bool = False) -> None:
        super().__init__()
        self.user, self.password = "root", ""
        key = self.folder / "mine"
        change = ["ssh-keygen", "-q", "-p", "-P", "", "-N", PASSPHRASE, "-a", "1", "-f", str(key)]
        subprocess.run(change, check=True, capture_output=True)
        if password:
            self.options = "PasswordAuthentication yes\n"
            self._make_user()
        self.known = self.folder / "known_hosts"
        self.client = self.folder / "client"
        self.client.mkdir()
        self._write_client("none" if password else str(key))

    def asking_uri(self, daemon_uri: str) -> str:
        """The URI that leads through this server to what ``daemon_uri`` names here."""
        scheme, _, rest = daemon_uri.partition("://")
        return f"{scheme.partition('+')[0]}+ssh://{self.user}@127.0.0.1:{self.port}{rest}"

    @property
    def path(self) -> str:
        """``PATH`` with the client first."""
        return f"{self.client}{os.pathsep}{os.environ['PATH']}"

    @property
    def told(self) -> str:
        """What the server wrote down."""
        return self._told()

    @property
    def logins(self) -> int:
        """How often somebody was let in."""
        return sum(self.told.count(f"Accepted {way} for ") for way in ("publickey", "password"))

    def trust(self, key: str = "host") -> None:
        """Let the client know the host by its key, or by a ``stranger``'s."""
        public = (self.folder / f"{key}.pub").read_text()
        self.known.write_text(f"[127.0.0.1]:{self.port} {public}")

    def jump(self) -> None:
        """Have the client reach ``localhost`` through ``127.0.0.1``, which is known too."""
        self.known.write_text(
            self.known.read_text() + self.known.read_text().replace("127.0.0.1", "localhost")
        )
        config = self.client / "config"
        through = f"Host localhost\n ProxyJump {self.user}@127.0.0.1:{self.port}\n"
        config.write_text(through + config.read_text())

    def close(self) -> None:
        """End it, and remove its user and its folder."""
        super().close()
        if self.password:
            subprocess.run(["userdel", "-f", self.user], check=False, capture_output=True)

    def _make_user(self) -> None:
        """A second name of the user as whom the test's daemon runs."""
        self.user, self.password = f"tuivm-{secrets.token_hex(4)}", secrets.token_hex(8)
        options = ["-M", "-d", "/", "-s", "/bin/sh", "-o", "-u", str(NOBODY), "-g", str(NOBODY)]
        subprocess.run(["useradd", *options, self.user], check=True, capture_output=True)
        line = f"{self.user}:{self.password}".encode()
        subprocess.run(["chpasswd"], input=line, check=True, capture_output=True)

    def _write_client(self, key: str) -> None:
        (self.client / "config").write_text(
            f"Host *\n UserKnownHostsFile {self.known}\n GlobalKnownHostsFile none\n"
            f" IdentityFile {key}\n IdentitiesOnly yes\n IdentityAgent none\n"
        )
        script = self.client / "ssh"
        script.write_text(f'#!/bin/sh\nexec {find("ssh")} -F {self.client}/config "$@"\n')
        script.chmod(0o755)
