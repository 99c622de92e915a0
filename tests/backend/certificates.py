"""A certificate authority of a test's own, made by ``openssl``."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

LONG = ("20200101000000Z", "20490101000000Z")
OVER = ("20200101000000Z", "20200201000000Z")
"""From and until when a certificate is valid."""

_CONFIG = """\
[ca]
default_ca = d
[d]
database = {folder}/index
serial = {folder}/serial
new_certs_dir = {folder}
default_md = sha256
policy = p
unique_subject = no
[p]
organizationName = optional
commonName = supplied
"""


class Authority:
    """Signs certificates in a folder: each is ``NAME.pem`` with its ``NAME.key``."""

    def __init__(self, folder: Path, name: str = "Test CA") -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        (folder / "index").touch()
        (folder / "serial").write_text("01\n")
        (folder / "config").write_text(_CONFIG.format(folder=folder))
        self._request("ca", f"/CN={name}", "-x509", "-days", "3000", "-out", "ca.pem")

    def sign(
        self, name: str, subject: str, *, alt: str = "", valid: tuple[str, str] = LONG
    ) -> Path:
        """Make a certificate; ``alt`` is a subjectAltName like ``IP:127.0.0.1``."""
        self._request(name, subject, "-out", f"{name}.csr")
        usage = "keyUsage=digitalSignature,keyEncipherment\n"
        names = f"subjectAltName={alt}\n" if alt else ""
        (self.folder / f"{name}.ext").write_text(usage + names)
        since, until = valid
        self._run(
            *("ca", "-batch", "-notext", "-preserveDN", "-config", "config"),
            *("-cert", "ca.pem", "-keyfile", "ca.key", "-startdate", since, "-enddate", until),
            *("-extfile", f"{name}.ext", "-in", f"{name}.csr", "-out", f"{name}.pem"),
        )
        return self.folder / f"{name}.pem"

    def client(self, folder: Path, certificate: str = "") -> Path:
        """Fill a folder as ``pkipath=`` wants it: this CA, and a certificate where one is named."""
        folder.mkdir()
        shutil.copy(self.folder / "ca.pem", folder / "cacert.pem")
        if certificate:
            shutil.copy(self.folder / f"{certificate}.pem", folder / "clientcert.pem")
            shutil.copy(self.folder / f"{certificate}.key", folder / "clientkey.pem")
        return folder

    def _request(self, name: str, subject: str, *more: str) -> None:
        key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
        self._run("req", *key, "-keyout", f"{name}.key", "-subj", subject, *more)

    def _run(self, *words: str) -> None:
        command = ["openssl", *words]
        subprocess.run(command, cwd=self.folder, check=True, capture_output=True)
