"""Which hosts to open when the command line names none, as libvirt itself decides it."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Sequence
from pathlib import Path

from tuivm.core.launch import Origin

_URI_DEFAULT = r"""(?m)^\s*uri_default\s*=\s*(["'])(.*?)\1"""
_SYSTEM_SOCKETS = ("virtqemud-sock", "libvirt-sock")
_PROBE_TIMEOUT = 0.5


def default_uris(explicit: Sequence[str] = (), configured: Sequence[str] = ()) -> list[str]:
    """The URIs to open: given, libvirt's default, ``configured``, or what answers here.

    ``configured`` are the config file's hosts. An empty list means that nothing answers:
    the demo is all there is to show. Starts no daemon; takes half a second at most, and
    usually a millisecond.
    """
    return decide(explicit, configured)[0]


def decide(
    explicit: Sequence[str] = (), configured: Sequence[str] = ()
) -> tuple[list[str], Origin]:
    """As ``default_uris``, with who decided on them."""
    if explicit:
        return list(dict.fromkeys(explicit)), Origin.NAMED
    chosen = os.environ.get("LIBVIRT_DEFAULT_URI") or os.environ.get("VIRSH_DEFAULT_CONNECT_URI")
    chosen = chosen or configured_default()
    if chosen:
        return [chosen], Origin.LIBVIRT
    if configured:
        return list(dict.fromkeys(configured)), Origin.CONFIG
    return answering(), Origin.FOUND


def configured_default() -> str:
    """``uri_default`` of the libvirt.conf that libvirt would read, or empty."""
    import platformdirs

    root = os.geteuid() == 0
    folder = Path("/etc/libvirt") if root else platformdirs.user_config_path("libvirt")
    try:
        match = re.search(_URI_DEFAULT, (folder / "libvirt.conf").read_text(errors="replace"))
    except OSError:
        return ""
    return match[2] if match else ""


def answering() -> list[str]:
    """URIs of this machine's own daemons that somebody listens for right now."""
    session = ["qemu:///session"] if any(map(_answers, session_sockets())) else []
    system = ["qemu:///system"] if any(map(_answers, system_sockets())) else []
    return system + session if os.geteuid() == 0 else session + system


def system_sockets() -> list[Path]:
    """Where the system's QEMU daemon listens, modular and monolithic."""
    return [Path("/run/libvirt") / name for name in _SYSTEM_SOCKETS]


def session_sockets() -> list[Path]:
    """Where this user's own daemon listens; without a runtime folder libvirt takes the cache."""
    import platformdirs

    runtime = os.environ.get("XDG_RUNTIME_DIR")
    folder = Path(runtime) / "libvirt" if runtime else platformdirs.user_cache_path("libvirt")
    return [folder / name for name in _SYSTEM_SOCKETS]


def _answers(path: Path) -> bool:
    if not path.is_socket():
        return False
    try:
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(_PROBE_TIMEOUT)
            probe.connect(str(path))
    except TimeoutError:
        # Somebody holds the socket but is slow: worth a try with an error to read.
        return True
    except OSError:
        return False
    return True
