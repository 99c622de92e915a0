"""Looks at libvirt's services on this machine: daemons, sockets, listeners.

Reads files, asks systemd where there is one, and tries sockets; no libvirt.
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import parse_qs

from tuivm.backend.connection import split_uri
from tuivm.backend.defaults import session_sockets
from tuivm.backend.login_facts import group_name
from tuivm.core.hostfacts import DaemonFact, SocketFact
from tuivm.core.text import sanitise

DAEMONS = (
    "libvirtd",
    "virtqemud",
    "virtlogd",
    "virtlockd",
    "virtnetworkd",
    "virtstoraged",
    "virtnodedevd",
    "virtproxyd",
)
"""libvirt's daemons that VMs of QEMU need, the monolithic one first."""
PORTS = frozenset({16509, 16514})
SYSTEMD_SECONDS = 1.2
TRY_SECONDS = 0.3
_PLACES = ("usr/sbin", "usr/bin", "usr/local/sbin", "sbin")


def has_systemd(root: Path) -> bool:
    """True when systemd is the machine's init (sd_booted(3))."""
    return (root / "run/systemd/system").is_dir()


def daemons(root: Path, *, systemd: bool) -> tuple[tuple[DaemonFact, ...] | None, frozenset[str]]:
    """The daemons that are installed or run, and the names of all that root runs here."""
    running = _processes(root)
    if running is None:
        return None, frozenset()
    units = _units() if systemd else {}
    facts = []
    for name in DAEMONS:
        service, listens = units.get(f"{name}.service", {}), units.get(f"{name}.socket", {})
        known = service.get("LoadState") == "loaded"
        if name not in running and not known and not _installed(root, name):
            continue
        states = [unit.get("UnitFileState", "") for unit in (service, listens) if unit]
        facts.append(
            DaemonFact(
                name,
                name in running,
                at_boot="enabled" in states if systemd and any(states) else None,
                by_socket=listens.get("ActiveState") == "active" if systemd else None,
            )
        )
    return tuple(facts), running


def _installed(root: Path, name: str) -> bool:
    return any((root / place / name).exists() for place in _PLACES)


def _processes(root: Path) -> frozenset[str] | None:
    """Names of root's processes, without those of containers and other namespaces."""
    proc = root / "proc"
    try:
        numbers = [name for name in os.listdir(proc) if name.isdigit()]
    except OSError:
        return None
    here, depth = _namespace(proc / "self"), _depth(proc / "self")
    found = set()
    for number in numbers:
        try:
            folder = proc / number
            if folder.stat().st_uid != 0:
                continue
            name = (folder / "comm").read_text(errors="replace").strip()
        except OSError:
            continue
        # Another's mounts can be read by root alone; how deep its process ids are, by all.
        if _depth(folder) == depth and (here is None or _namespace(folder) in (here, None)):
            found.add(name)
    return frozenset(found)


def _depth(folder: Path) -> int:
    """In how many process id namespaces a process is: more than ours means a container."""
    try:
        match = re.search(r"^NSpid:(.*)$", (folder / "status").read_text(), re.MULTILINE)
    except (OSError, ValueError):
        return 1
    return len(match[1].split()) if match else 1


def _namespace(folder: Path) -> str | None:
    try:
        return os.readlink(folder / "ns/mnt")
    except OSError:
        return None


def _units() -> Mapping[str, Mapping[str, str]]:
    """What systemd says of the services and their sockets."""
    names = [f"{name}.{kind}" for name in DAEMONS for kind in ("service", "socket")]
    command = ["systemctl", "show", "-p", "Id,LoadState,ActiveState,UnitFileState", *names]
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=SYSTEMD_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return {}
    return units(done.stdout.decode("utf-8", "replace"))


def units(text: str) -> dict[str, dict[str, str]]:
    """Read the output of ``systemctl show``: blocks of NAME=VALUE, an empty line between."""
    blocks = (
        dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        for block in text.split("\n\n")
    )
    return {block["Id"]: block for block in blocks if "Id" in block}


def listeners(root: Path) -> frozenset[tuple[str, int]] | None:
    """Who listens on libvirt's TCP ports: address and port; None when it cannot be read."""
    found: set[tuple[str, int]] = set()
    seen = False
    for name, family in (("tcp", socket.AF_INET), ("tcp6", socket.AF_INET6)):
        try:
            lines = (root / "proc/net" / name).read_text(errors="replace").splitlines()[1:]
        except OSError:
            continue
        seen = True
        for line in lines:
            words = line.split()
            if len(words) > 3 and words[3] == "0A":
                address, _, port = words[1].rpartition(":")
                if int(port, 16) in PORTS:
                    found.add((_address(address, family), int(port, 16)))
    return frozenset(found) if seen else None


def _address(digits: str, family: socket.AddressFamily) -> str:
    """An address as the kernel writes it: hexadecimal words in the machine's byte order."""
    words = [int(digits[i : i + 8], 16).to_bytes(4, "little") for i in range(0, len(digits), 8)]
    text = socket.inet_ntop(family, b"".join(words))
    return "*" if text in ("0.0.0.0", "::") else text.removeprefix("::ffff:")


def sockets(uri: str, root: Path = Path("/"), *, connect: bool = True) -> tuple[SocketFact, ...]:
    """The sockets of this machine by which a URI reaches its daemon, tried as this user.

    Without ``connect`` it is not tried whether anybody listens: the daemon hears nothing.
    """
    parts = split_uri(uri)
    driver, _, transport = parts.scheme.partition("+")
    if (driver == "test" and not transport) or parts.netloc or transport not in ("", "unix"):
        return ()
    given = parse_qs(parts.query).get("socket", [""])[0]
    if given:
        path = Path(given)
        admin = path.with_name(re.sub(r"-sock$", "-admin-sock", path.name))
        others = [(admin, "admin")] if admin != path else []
        read_only = path.with_name(f"{path.name}-ro")
        return tuple(
            fact
            for one, kind in ((path, "read-write"), (read_only, "read-only"), *others)
            if (fact := look(one, kind, connect=connect)).exists or kind == "read-write"
        )
    session = parts.path == "/session"
    folder = session_sockets()[0].parent if session else root / "run/libvirt"
    return _beside(folder, driver, connect=connect)


def _beside(folder: Path, driver: str, *, connect: bool) -> tuple[SocketFact, ...]:
    """The modular daemon's sockets where it has some, else the monolithic one's."""
    modular = f"virt{driver}d"
    for name in (modular, "libvirt"):
        facts = [
            look(folder / f"{name}-{tail}", kind, connect=connect)
            for tail, kind in (
                ("sock", "read-write"),
                ("sock-ro", "read-only"),
                ("admin-sock", "admin"),
            )
        ]
        if facts[0].exists:
            return tuple(fact for fact in facts if fact.exists)
    return (facts[0],)


def look(path: Path, kind: str, *, connect: bool = True) -> SocketFact:
    """Look at a socket, and try to connect where this user may and ``connect`` says so."""
    shown = sanitise(str(path), 200)
    try:
        status = path.stat()
    except PermissionError:
        return SocketFact(shown, kind, True)
    except OSError:
        return SocketFact(shown, kind, False)
    permitted = os.access(path, os.R_OK | os.W_OK)
    return SocketFact(
        shown,
        kind,
        True,
        permitted,
        _listening(path) if permitted and connect else None,
        group_name(status.st_gid),
        status.st_mode & 0o7777,
    )


def _listening(path: Path) -> bool | None:
    try:
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(TRY_SECONDS)
            probe.connect(str(path))
    except ConnectionRefusedError:
        return False
    except OSError:
        return None
    return True
