"""The hypervisor's own log of a domain: QEMU's output as libvirt keeps it in a file."""

from __future__ import annotations

import os
import socket
import stat
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from tuivm.backend.xml_parse import mask
from tuivm.core.errors import TuivmError
from tuivm.core.model import QemuLog
from tuivm.core.text import sanitise, sanitise_block

LIMIT = 256 * 1024
"""Bytes of the file's end that are read."""

_SYSTEM_FOLDERS = {
    "qemu": "/var/log/libvirt/qemu",
    "lxc": "/var/log/libvirt/lxc",
    "xen": "/var/log/libvirt/libxl",
    "bhyve": "/var/log/libvirt/bhyve",
    "ch": "/var/log/libvirt/ch",
}
"""Where each driver's system daemon logs; other drivers keep no such file."""


def read_log(uri: str, name: str, *, folder: Path | None = None) -> QemuLog:
    """Read the end of the log of the domain with this (raw) name, sanitised.

    ``uri`` says whose daemon it is. Touches no libvirt; may block on a slow disk. Failures
    are in the value's ``error``, with the next step; nothing is raised. ``folder`` is for
    daemons that log elsewhere.
    """
    shown = sanitise(name, 80)
    try:
        where = folder or log_folder(uri)
        path = where / f"{_checked(name)}.log"
        data, cut, _ = tail(path)
    except TuivmError as error:
        error.title = f"Cannot read the log of {shown}"
        return QemuLog("", "", error)
    except OSError as error:
        return QemuLog(sanitise(str(path)), "", _explain(error, shown, path, uri))
    text = data.decode("utf-8", "replace")
    if cut:
        # The first line is most likely only a part of one.
        text = text.partition("\n")[2]
    return QemuLog(sanitise(str(path)), sanitise_block(mask(text), LIMIT))


def log_folder(uri: str) -> Path:
    """Where the daemon behind a URI keeps its logs; raises ``TuivmError`` for remote hosts."""
    parts = urlsplit(uri)
    driver, _, transport = parts.scheme.partition("+")
    if driver not in _SYSTEM_FOLDERS:
        raise TuivmError(
            "No log",
            f"libvirt's {sanitise(driver, 40)} driver keeps no log file of its domains",
            hint="the events of this VM are below",
        )
    host = parts.hostname or ""
    if (host and host not in ("localhost", socket.gethostname())) or transport == "ext":
        raise TuivmError(
            "The log is on another machine",
            f"it is in a file on {sanitise(host or 'the other side', 80)}, "
            "and libvirt does not hand it over",
            hint=f"there: less {_SYSTEM_FOLDERS[driver]}/NAME.log",
        )
    root = parse_qs(parts.query).get("root", [""])[0]
    if parts.path == "/embed" and root:
        return Path(unquote(root), "log", driver)
    if parts.path == "/session":
        cache = os.environ.get("XDG_CACHE_HOME", "")
        base = Path(cache) if cache.startswith("/") else Path.home() / ".cache"
        return base / "libvirt" / driver / "log"
    return Path(_SYSTEM_FOLDERS[driver])


def _checked(name: str) -> str:
    """Refuse a name that would lead out of the folder: a host may send any."""
    if not name or "/" in name or "\0" in name or name in (".", ".."):
        raise TuivmError("No log", "its name cannot be the name of a file")
    return name


def tail(path: Path, limit: int = LIMIT) -> tuple[bytes, bool, float]:
    """The end of a regular file, whether something was left out before it, and its time.

    Raises ``OSError``, and ``TuivmError`` where it is something else than a file.
    """
    # Neither a link to some secret nor a pipe that never ends.
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(descriptor, "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise TuivmError("No log", "it is not a regular file")
        start = max(0, status.st_size - limit)
        file.seek(start)
        return file.read(limit), start > 0, status.st_mtime


def read_tail(path: Path, limit: int = LIMIT) -> str:
    """The end of any log file as sanitised text, from the beginning of a line.

    Raises ``TuivmError`` with the reason.
    """
    try:
        data, cut, _ = tail(path, limit)
    except OSError as error:
        raise TuivmError(
            "Cannot read the log", sanitise(f"{error.strerror or error}: {path}", 400)
        ) from None
    text = data.decode("utf-8", "replace")
    return sanitise_block(text.partition("\n")[2] if cut else text, limit)


def _explain(error: OSError, name: str, path: Path, uri: str) -> TuivmError:
    title = f"Cannot read the log of {name}"
    shown = sanitise(str(path))
    if isinstance(error, FileNotFoundError):
        return TuivmError(
            title,
            f"there is no {shown}",
            hint="it is written when the VM is first started; a daemon may log elsewhere",
        )
    if isinstance(error, PermissionError):
        return TuivmError(
            title,
            f"only root may read {shown}",
            hint="run tuivm as root, or: sudo less followed by that path",
        )
    return TuivmError(title, sanitise(f"{error.strerror or error}: {path}"), hint="see that path")
