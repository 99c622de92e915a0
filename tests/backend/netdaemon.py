"""A libvirt daemon of a test's own that listens on 127.0.0.1 too, by tcp and by TLS."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from pathlib import Path

import libvirt
import pytest

from tests.backend.certificates import Authority
from tests.backend.daemon import Daemon
from tests.lab.needs import find

USER, PASSWORD = "alice", "right-word"


def need(*programs: str) -> None:
    """Skip a test, or fail it in CI, where a program is missing."""
    missing = [name for name in programs if find(name) is None]
    if missing:
        reason = f"not installed: {', '.join(missing)}"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)


def need_passwords() -> None:
    """Skip a test where libvirt can take no passwords."""
    if not any(Path("/usr/lib").glob("**/sasl2/libdigestmd5.so*")):
        pytest.skip("SASL has no digest-md5 here (libsasl2-modules)")
    need("saslpasswd2", "libvirtd")


class NetDaemon(Daemon):
    """Listens on two ports; ``alice`` has a password where ``sasl`` wants one."""

    arguments = ("--listen",)

    def __init__(
        self, pki: Authority | None = None, *, sasl: bool = False, allowed: str = ""
    ) -> None:
        """``pki`` has signed ``server``; only a client called ``allowed`` is let in, if given."""
        super().__init__()
        self.tcp = self.tls = 0
        config = self.folder / "config/libvirt"
        config.mkdir()
        auth = "sasl" if sasl else "none"
        lines = [
            f'listen_tcp=1\nlisten_addr="127.0.0.1"\nauth_tcp="{auth}"',
            f'listen_tls={int(pki is not None)}\nauth_tls="{auth}"',
        ]
        if pki is not None:
            for name, key in (("server.key", "key"), ("server.pem", "cert"), ("ca.pem", "ca")):
                shutil.copy(pki.folder / name, config / name)
                lines.append(f'{key}_file="{config / name}"')
        if allowed:
            lines.append(f'tls_allowed_dn_list=["{allowed}"]')
        self._file = config / "libvirtd.conf"
        self._lines = lines
        self._write()
        self._sasl = self.folder / "sasl"
        self._sasl.mkdir()
        if sasl:
            self._give_password()
        if self._user is not None:
            for path in (self._sasl, *self._sasl.iterdir(), config, *config.iterdir()):
                os.chown(path, self._user, self._user)

    def environment(self) -> dict[str, str]:
        """Where its SASL library looks."""
        return {"SASL_CONF_PATH": str(self._sasl)}

    def start(self) -> None:
        """Start it, on other ports where somebody took them meanwhile; wait until it listens."""
        for last in (False, False, False, False, True):
            self._write()
            try:
                super().start()
                # It answers only after it has all its ports, and ends where it cannot have them.
                libvirt.open(self.uri()).close()
            except (RuntimeError, libvirt.libvirtError):
                self.kill()
                if last:
                    raise
            else:
                return

    def _write(self) -> None:
        """Write its configuration, with ports that are free at the moment."""
        self.tcp, self.tls = _free_port(), _free_port()
        ports = f'tcp_port="{self.tcp}"\ntls_port="{self.tls}"'
        self._file.write_text("\n".join([*self._lines, ports]) + "\n")

    def _give_password(self) -> None:
        # Over tcp libvirt takes only what encrypts, and this is what needs no infrastructure.
        database = f"{self._sasl}/db"
        mechanism = f"mech_list: digest-md5\nsasldb_path: {database}\n"
        (self._sasl / "libvirt.conf").write_text(mechanism)
        add = [str(find("saslpasswd2")), "-p", "-c", "-a", "libvirt", "-f", database, USER]
        subprocess.run(add, input=PASSWORD.encode(), check=True)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])
