"""Why TLS to a host does not come about: whose certificate, which file, what is wrong with it.

libvirt says only that "the peer's certificate" failed, or that the connection ended. So the
certificates are looked at once more: the files here, and the host's own by a handshake of
ours. That takes a connection, and a few seconds at most: for threads that may wait.
"""

from __future__ import annotations

import contextlib
import os
import re
import socket
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tuivm.backend.place import Place
from tuivm.core.text import sanitise

Explanation = tuple[str, str] | None
"""A cause and a next step, or None where it is something else."""

PORT = 16514
SECONDS = 3.0
"""For our own handshake."""
GUIDE = "libvirt.org/kbase/tlscerts.html"
_EXPIRED, _EARLY, _ISSUER, _NAME = {10}, {9}, {2, 18, 19, 20, 21}, {62, 64}
"""OpenSSL's reasons (X509_V_ERR_...)."""
_OWN = re.compile(r"The (\S+) certificate (/\S+) (has expired|is not yet active)")
_UNSIGNED = re.compile(r"Our own certificate (\S+) failed validation against (\S+): (.+)")
_NO_FILE = re.compile(r"Cannot read (.+?) '([^']+)': (.+)")
_NAMES = {"CA": "CA certificate", "client": "client certificate"}


@dataclass(frozen=True, slots=True)
class _Files:
    """Where libvirt takes the certificates of a connection from."""

    ca: Path
    certificate: Path
    key: Path

    @classmethod
    def of(cls, place: Place) -> _Files:
        given = place.option("pkipath")
        own = Path.home() / ".pki/libvirt"
        for folder in (Path(given),) if given else (own,) * (os.geteuid() != 0):
            files = cls(*(folder / f"{name}.pem" for name in ("cacert", "clientcert", "clientkey")))
            if given or any(path.exists() for path in files.all):
                return files
        system = Path("/etc/pki")
        return cls(
            system / "CA/cacert.pem",
            system / "libvirt/clientcert.pem",
            system / "libvirt/private/clientkey.pem",
        )

    @property
    def all(self) -> tuple[Path, Path, Path]:
        return self.ca, self.certificate, self.key


def explain_tls(raw: str, uri: str) -> Explanation:
    """Explain libvirt's text ``raw``; may take seconds."""
    place = Place.of(uri)
    if place.transport != "tls":
        return None
    files = _Files.of(place)
    if "verify peer" in raw:
        return _of_the_host(place, files)
    if "TLS confirmation" in raw:
        return _refused(place, files)
    if "TLS handshake failed" in raw:
        return (
            f"what listens at {_address(place)} does not speak TLS as libvirt does",
            f"TLS has port {PORT}, where nothing else is configured; plain tcp is qemu+tcp://",
        )
    return _of_ours(raw, place)


# Our own files -----------------------------------------------------------------------------


def _of_ours(raw: str, place: Place) -> Explanation:
    if match := _NO_FILE.search(raw):
        what, path, reason = (sanitise(part, 200) for part in match.groups())
        if "No such file" in reason:
            cure = _bring(what, place)
            if "+" not in place.uri.partition(":")[0]:
                ssh = f"{place.driver}+ssh://{place.host}/system"
                cure = f"without +ssh the URI means TLS: write {ssh} to go over ssh; else {cure}"
            return f"there is no {what}: {path} does not exist", cure
        return f"the {what} {path} cannot be read: {reason}", "let your user read that file"
    if match := _OWN.search(raw):
        what, path = _NAMES.get(match[1], f"{match[1]} certificate"), match[2]
        shown = sanitise(path, 200)
        if match[3] == "has expired":
            until = _date(path, "notAfter", " on ")
            hint = f"have it signed anew by the CA, and put it there ({GUIDE})"
            return f"your {what} {shown} expired{until}", hint
        since = _date(path, "notBefore", ": only from ")
        return f"your {what} {shown} is not valid yet{since}", "is the clock of this machine right?"
    if match := _UNSIGNED.search(raw):
        own, ca = (sanitise(path, 200) for path in match.groups()[:2])
        return (
            f"your certificate {own} and the CA in {ca} do not belong together",
            f"both have to come from the CA of {place.host} ({GUIDE})",
        )
    if "do not match" in raw:
        return "clientkey.pem is not the key of clientcert.pem", "put both there as they were made"
    if "certificate" in raw.lower():
        return sanitise(raw), f"TLS wants cacert.pem, clientcert.pem and clientkey.pem ({GUIDE})"
    return None


def _bring(what: str, place: Place) -> str:
    if "CA" in what:
        whose = f"cacert.pem of the CA of {place.host}"
    else:
        whose = f"one that the CA of {place.host} signed"
    return f"put {whose} there, or name the folder that has it: ?pkipath=DIR ({GUIDE})"


def _refused(place: Place, files: _Files) -> Explanation:
    """The host ended the connection when it had seen our certificate, or none."""
    for path, what in ((files.certificate, "certificate"), (files.key, "key")):
        if not path.exists():
            return (
                f"{place.host} wants to see a client certificate, and your {what} is missing: "
                f"{sanitise(str(path), 200)} does not exist",
                f"have one signed by the CA of {place.host}, and put clientcert.pem and "
                f"clientkey.pem there ({GUIDE})",
            )
    owner = _owner(files.certificate)
    called = f"the certificate of {owner}" if owner else "your certificate"
    allow = f'"{owner}"' if owner else "its distinguished name"
    return (
        f"{place.host} refuses {called} ({sanitise(str(files.certificate), 200)})",
        f"on {place.host}: tls_allowed_dn_list in libvirtd.conf has to list {allow}, and ca_file "
        "has to be the CA that signed it; then restart the daemon",
    )


# The host's certificate --------------------------------------------------------------------


def _of_the_host(place: Place, files: _Files) -> Explanation:
    code = _verify(place, files.ca, names=True)
    host, ca = place.host, sanitise(str(files.ca), 200)
    if code in _EXPIRED:
        return (
            f"the certificate of {host} has expired",
            f"whoever runs {host} has it signed anew and restarts its daemon; "
            "with a wrong clock here it looks the same",
        )
    if code in _EARLY:
        return f"the certificate of {host} is not valid yet", "are both clocks right?"
    if code in _ISSUER:
        return (
            f"the certificate of {host} is not signed by the CA in {ca}",
            f"put cacert.pem of the CA of {host} there, or name the folder that has it: "
            f"?pkipath=DIR ({GUIDE})",
        )
    if code in _NAME:
        names = _names_of(place, files.ca)
        told = f"it is for {', '.join(names)}" if names else "it is for another name"
        write = f"write {names[0]} in the URI, or" if names else "write that name in the URI, or"
        return (
            f"the certificate of {host} is not for the name {host}: {told}",
            f"{write} have {host} added to its subjectAltName",
        )
    return (
        f"the certificate of {host} does not pass",
        f"is it from the CA in {ca}, in time, and for the name {host}? ({GUIDE})",
    )


def _verify(place: Place, ca: Path, *, names: bool) -> int | None:
    """OpenSSL's reason why the host's certificate fails; None where it does not, or who knows."""
    try:
        _handshake(place, ca, names=names)
    except ssl.SSLCertVerificationError as error:
        return error.verify_code
    except (OSError, ValueError):
        return None
    return None


def _names_of(place: Place, ca: Path) -> list[str]:
    """The names that the host's certificate is for."""
    with contextlib.suppress(OSError, ValueError):
        found = _handshake(place, ca, names=False)
        names = [str(value) for _kind, value in found.get("subjectAltName", ())]
        return [sanitise(name, 80) for name in names or _common_names(found)][:4]
    return []


def _handshake(place: Place, ca: Path, *, names: bool) -> dict[str, Any]:
    """Meet the host as libvirt did; returns its certificate as ``ssl`` tells it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = names
    context.load_verify_locations(str(ca))
    address = (place.host, place.port or PORT)
    with (
        socket.create_connection(address, SECONDS) as line,
        context.wrap_socket(line, server_hostname=place.host) as met,
    ):
        return dict(met.getpeercert() or {})


def _address(place: Place) -> str:
    return f"{place.host}:{place.port or PORT}"


# What a file says --------------------------------------------------------------------------


def _decoded(path: Path) -> dict[str, Any]:
    """A certificate file's subject and dates, or nothing where Python cannot read it."""
    with contextlib.suppress(Exception):
        # The only way in the standard library to read a certificate that is no CA's.
        return dict(getattr(ssl, "_ssl")._test_decode_cert(str(path)))  # noqa: B009
    return {}


def _date(path: str, which: str, before: str) -> str:
    date = _decoded(Path(path)).get(which, "")
    return sanitise(f"{before}{date}", 60) if date else ""


_SHORT = {
    "commonName": "CN",
    "organizationName": "O",
    "organizationalUnitName": "OU",
    "localityName": "L",
    "stateOrProvinceName": "ST",
    "countryName": "C",
    "emailAddress": "EMAIL",
    "domainComponent": "DC",
    "userId": "UID",
}


def _owner(path: Path) -> str:
    """A certificate's distinguished name as libvirt's list of allowed ones has it, or empty."""
    parts = [pair for names in _decoded(path).get("subject", ()) for pair in names]
    if not parts or any(name not in _SHORT for name, _value in parts):
        return ""
    return sanitise(",".join(f"{_SHORT[name]}={value}" for name, value in parts), 200)


def _common_names(certificate: dict[str, Any]) -> list[str]:
    pairs = [pair for names in certificate.get("subject", ()) for pair in names]
    return [str(value) for name, value in pairs if name == "commonName"]
