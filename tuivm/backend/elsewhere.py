"""Whether VMs that are not on one of this machine's connections are on its other one.

A user has two: VMs of the system, and VMs of their own. Whoever looks at the wrong one sees
an empty list. Asks nobody anything and starts no daemon of the user's; may wait for one.
"""

from __future__ import annotations

import os
import threading
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from pathlib import Path

import libvirt

from tuivm.backend.connection import Target, close_connection, open_connection, split_uri
from tuivm.backend.defaults import system_sockets
from tuivm.core.hostapi import Elsewhere

SYSTEM, SESSION = "qemu:///system", "qemu:///session"


def look(uri: str) -> Future[Elsewhere | None]:
    """Look on a thread of its own for VMs on the other connection than ``uri``."""
    found: Future[Elsewhere | None] = Future()

    def work() -> None:
        other = other_of(uri)
        count = 0
        with suppress(libvirt.libvirtError, OSError):
            count = _count_own() if other == SESSION else _count_system() if other else 0
        with suppress(InvalidStateError):
            found.set_result(Elsewhere(other, count) if count else None)

    threading.Thread(target=work, name="tuivm-elsewhere", daemon=True).start()
    return found


def other_of(uri: str) -> str:
    """The user's other connection on this machine, or empty where there is none."""
    parts = split_uri(uri)
    # Root's session is not another daemon's.
    if os.geteuid() == 0 or parts.scheme != "qemu" or parts.netloc or "socket=" in parts.query:
        return ""
    return {"/system": SESSION, "/session": SYSTEM}.get(parts.path, "")


def _count_own() -> int:
    """The user's own VMs, by their files: asking would start their daemon."""
    import platformdirs

    return sum(
        path.is_file() for path in (own_folder(platformdirs.user_config_path())).glob("*.xml")
    )


def own_folder(config: Path) -> Path:
    """Where libvirt keeps a user's own VMs below their configuration."""
    return config / "libvirt/qemu"


def _count_system() -> int:
    """The system's VMs: whoever may not manage them may mostly look at them."""
    if not any(path.with_name(f"{path.name}-ro").is_socket() for path in system_sockets()):
        return 0
    conn = open_connection(Target(SYSTEM, readonly=True))
    try:
        return int(conn.numOfDomains()) + int(conn.numOfDefinedDomains())
    finally:
        close_connection(conn, ())
