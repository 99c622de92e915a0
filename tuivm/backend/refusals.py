"""Why a connection could not be opened, and what to do about it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable

import libvirt

from tuivm.backend.connection import split_uri
from tuivm.backend.desk import Talk
from tuivm.backend.errors import AUTH_CODES, convert, plain
from tuivm.backend.place import Place
from tuivm.backend.refused_logins import explain_login
from tuivm.backend.unanswered import explain_talk
from tuivm.core.errors import TuivmError
from tuivm.core.text import sanitise

_DRIVER_NAMES = """
    qemu xen lxc vbox vz openvz bhyve ch test esx gsx vpx hyperv vmwarews vmwareplayer
    vmwarefusion hvf
"""
DRIVERS = frozenset(_DRIVER_NAMES.split())
"""URI schemes that some libvirt has a driver for."""

Explanation = tuple[str, str] | None
"""A cause and a next step, or None where it is something else."""

_POLICY = ("polkit", "PolicyKit", "org.libvirt.", "access denied by policy", "system bus")
"""How libvirt tells that the host's policy was asked."""


def connection_error(error: BaseException, uri: str, talk: Talk | None = None) -> TuivmError:
    """Why a connection could not be opened, and what to do about it.

    ``talk`` is what was asked on the way.
    """
    if not isinstance(error, libvirt.libvirtError):
        return convert(
            error, title=f"Cannot connect to {sanitise(uri, 120)}", call="virConnectOpen"
        )
    raw = error.get_error_message() or str(error)
    code, domain = error.get_error_code(), error.get_error_domain()
    asked = None if talk is None else explain_talk(code, raw, uri, talk)
    if asked is not None:
        message, hint = asked
        code = code if code in AUTH_CODES else libvirt.VIR_ERR_AUTH_FAILED
    else:
        message, hint, code = _explained(code, raw, uri)
    return TuivmError(
        f"Cannot connect to {sanitise(uri, 120)}",
        message,
        hint=hint,
        code=code,
        domain=domain,
        call="virConnectOpen",
        raw=sanitise(raw, 4096),
    )


def no_answer(uri: str, seconds: float) -> TuivmError:
    """The failure of an attempt to connect that hangs."""
    place = Place.of(uri)
    hint = "is the host up, and its libvirt daemon not stuck?"
    if "ssh" in place.transport:
        hint = f"does ssh {place.by_hand} get in by hand? If so, its libvirt daemon is stuck."
    return TuivmError(
        f"Cannot connect to {sanitise(uri, 120)}",
        f"no answer within {seconds:.0f} s",
        hint=f"{hint} It is tried again by itself",
        code=libvirt.VIR_ERR_OPERATION_TIMEOUT,
        call="virConnectOpen",
    )


def _explained(code: int | None, raw: str, uri: str) -> tuple[str, str, int | None]:
    """A cause, a next step, and the code that libvirt should have given."""
    for explain in _EXPLAINERS:
        found = explain(code, raw, uri)
        if found is not None:
            if explain is _explain_scheme:
                # libvirt tries unknown schemes at a daemon and blames its socket.
                code = libvirt.VIR_ERR_NO_CONNECT
            elif explain is _explain_tls:
                # libvirt calls a wrong certificate a failed login: no password would help.
                code = libvirt.VIR_ERR_GNUTLS_ERROR
            elif (
                explain in (_explain_login, _explain_policy, _explain_auth)
                and code not in AUTH_CODES
            ):
                # A missing password is an invalid argument to some drivers, and a refused
                # ssh login a broken pipe.
                code = libvirt.VIR_ERR_AUTH_FAILED
            return *found, code
    return plain(raw), "virsh -c URI list shows whether libvirt itself can connect", code


def _explain_scheme(code: int | None, raw: str, uri: str) -> Explanation:
    scheme = uri.partition(":")[0].partition("+")[0].lower()
    if scheme in DRIVERS and code != libvirt.VIR_ERR_NO_CONNECT:
        return None
    if scheme in DRIVERS and "://" in uri:
        return f"libvirt here has no driver for {sanitise(scheme, 40)}", "install that driver"
    return (
        f"{sanitise(uri, 80)} is not a libvirt URI",
        "they look like qemu:///system, qemu:///session or qemu+ssh://user@host/system",
    )


def _explain_slashes(code: int | None, raw: str, uri: str) -> Explanation:
    parts = split_uri(uri)
    if "+" in parts.scheme or parts.netloc not in ("system", "session"):
        return None
    meant = f"{sanitise(parts.scheme, 40)}:///{parts.netloc}"
    return f"{parts.netloc} is taken for a host's name", f"write three slashes: {meant}"


def _explain_socket(code: int | None, raw: str, uri: str) -> Explanation:
    from tuivm.backend.why_socket import explain_socket

    return explain_socket(raw, uri)


def _explain_policy(code: int | None, raw: str, uri: str) -> Explanation:
    if not any(word in raw for word in _POLICY):
        return None
    from tuivm.backend.why_socket import explain_policy

    return explain_policy(raw, uri)


def _explain_auth(code: int | None, raw: str, uri: str) -> Explanation:
    if code in AUTH_CODES or "Missing authentication credentials" in raw:
        return (
            f"the host wants a password or refused it: {plain(raw)}",
            "put it into ~/.config/libvirt/auth.conf (libvirt.org/auth.html)",
        )
    return None


Table = tuple[tuple[str, str, str], ...]
"""Words of libvirt's text, a cause, and a next step; HOST and PORT are filled in."""

_SSH: Table = (
    (
        "Could not resolve hostname",
        "the host's name is not known",
        "check its spelling, ~/.ssh/config and DNS",
    ),
    (
        "during banner exchange",
        "something takes connections at HOST, port PORT, but does not answer as ssh does",
        "is that sshd's port? If so, it is stuck or overloaded: look on the host's own console",
    ),
    (
        "kex_exchange_identification",
        "HOST takes ssh connections at port PORT and drops them at once",
        "too many at a time (MaxStartups), or it bars this address (fail2ban, hosts.deny): look "
        "at sshd's log there",
    ),
    (
        "Connection timed out",
        "HOST does not answer at port PORT",
        "is it up, and does its firewall let ssh in? ssh -v BYHAND shows how far it comes",
    ),
    (
        "Connection refused",
        "nothing listens for ssh at HOST, port PORT",
        "is sshd running there? Another port goes into the URI: HOST:2222",
    ),
    ("virt-ssh-helper", "the host has no libvirt client", "install libvirt-clients on it"),
    ("nc: ", "the host's netcat cannot do it", "install libvirt-clients or netcat-openbsd on it"),
    ("not found", "the host lacks a program", "install libvirt-clients on it"),
    (
        "Remote command terminated",
        "the host let us in, but its daemon or its netcat did not answer",
        "qemu+ssh:// tells more than this transport; is libvirt's daemon running on HOST?",
    ),
    (
        "Key file path must be provided",
        "this transport needs the path of your ssh key",
        "add keyfile=/home/you/.ssh/id_ed25519 to the URI, or use qemu+ssh://",
    ),
)

_NETWORK: Table = (
    ("Name or service not known", "the host's name is not known", "check its spelling and DNS"),
    ("Unable to resolve address", "the host's name is not known", "check its spelling and DNS"),
    ("Connection refused", "nothing listens there", "is the service running, the port right?"),
    ("No route to host", "there is no way to that host", "check the network and its firewall"),
    ("Network is unreachable", "there is no way to that host", "check the network"),
    ("timed out", "the host does not answer", "is it up, and does its firewall let you in?"),
)

_LISTENERS: Table = (
    (
        "Connection refused",
        "nothing listens there: HOST is up, but takes no KIND connections at port PORT",
        "on HOST: sudo systemctl start libvirtd-KIND.socket (virtproxyd-KIND.socket where its "
        "daemons are modular); without systemd: libvirtd -d --listen. qemu+ssh:// needs none",
    ),
)
"""For libvirt's own ports."""


def _explain_login(code: int | None, raw: str, uri: str) -> Explanation:
    place = Place.of(uri)
    return explain_login(raw, place.host, place.by_hand) if "ssh" in place.transport else None


def _explain_ssh(code: int | None, raw: str, uri: str) -> Explanation:
    place = Place.of(uri)
    if "ssh" not in place.transport:
        return None
    command = place.option("command")
    if command and shutil.which(command) is None:
        # What libvirt says of it depends on who was faster.
        return (
            f"the program after command= in the URI does not run: {sanitise(command, 200)}",
            "check its path, or leave command= out: then tuivm runs ssh",
        )
    return _look_up(_SSH, raw, uri)


def _explain_tls(code: int | None, raw: str, uri: str) -> Explanation:
    from tuivm.backend.why_tls import explain_tls

    return explain_tls(raw, uri)


def _explain_network(code: int | None, raw: str, uri: str) -> Explanation:
    if Place.of(uri).transport in ("tcp", "tls"):
        return _look_up(_LISTENERS + _NETWORK, raw, uri)
    return _look_up(_NETWORK, raw, uri)


_PORTS = {"tcp": 16509, "tls": 16514}


def _look_up(table: Table, raw: str, uri: str) -> Explanation:
    place = Place.of(uri)
    port = place.port or _PORTS.get(place.transport, 22)
    for needle, message, hint in table:
        if needle.lower() in raw.lower():
            texts = (
                text.replace("BYHAND", place.by_hand)
                .replace("HOST", place.host)
                .replace("PORT", str(port))
                .replace("KIND", place.transport)
                for text in (message, hint)
            )
            cause, cure = texts
            return f"{cause} ({plain(raw)})", cure
    return None


_PATH = re.compile(r"unexpected \S+ URI path '([^']*)', try (\S+)")


def _explain_path(code: int | None, raw: str, uri: str) -> Explanation:
    match = _PATH.search(raw)
    if match is None:
        return None
    path, other = (sanitise(part, 80) for part in match.groups())
    wanted = split_uri(other).path
    return (
        f"the daemon that answers serves {other}, not {path}: it is not the one that is meant",
        f"write {wanted} instead of {path} in the URI",
    )


def _explain_file(code: int | None, raw: str, uri: str) -> Explanation:
    if uri.startswith("test:") and code in (libvirt.VIR_ERR_XML_DETAIL, libvirt.VIR_ERR_XML_ERROR):
        return plain(raw), "test:///PATH names an XML file; test:///default needs none"
    if code == libvirt.VIR_ERR_INVALID_ARG:
        return plain(raw), "check the URI: libvirt.org/uri.html"
    return None


_EXPLAINERS: tuple[Callable[[int | None, str, str], Explanation], ...] = (
    _explain_scheme,
    _explain_slashes,
    _explain_socket,
    _explain_login,
    _explain_policy,
    _explain_tls,
    _explain_auth,
    _explain_ssh,
    _explain_network,
    _explain_path,
    _explain_file,
)
