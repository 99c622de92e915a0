"""Opening a connection, what is registered on it, and closing it without a leak.

All of it blocks for as long as the daemon likes: only for threads that can be abandoned.
"""

from __future__ import annotations

import contextlib
import logging
import re
import socket
from collections.abc import Callable, Iterable
from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit

import libvirt

from tuivm.backend import errors, loop
from tuivm.backend.credentials import credentials
from tuivm.backend.desk import Talk
from tuivm.core.text import sanitise

logger = logging.getLogger(__name__)


def split_uri(uri: str) -> SplitResult:
    """The parts of a URI; those of an empty one when it is too broken to have any."""
    try:
        parts = urlsplit(uri)
        _ = parts.hostname
    except ValueError:
        return urlsplit("")
    return parts


class Target(NamedTuple):
    """What is connected to, and what follows from its URI."""

    uri: str
    readonly: bool = False
    keepalive: tuple[int, int] = (5, 3)
    """Seconds between probes, and how many may go unanswered."""

    @property
    def in_process(self) -> bool:
        """True for libvirt's test driver inside this process: no daemon, nothing can hang."""
        return self.uri.startswith("test:///")

    @property
    def private(self) -> bool:
        """True for the test driver on a file: its state dies with its connection."""
        parts = split_uri(self.uri)
        return parts.scheme.partition("+")[0] == "test" and parts.path != "/default"

    @property
    def local(self) -> bool:
        """True when its domains' processes are on this machine."""
        parts = split_uri(self.uri)
        return not parts.netloc and parts.scheme.partition("+")[2] in ("", "unix")


def open_connection(
    target: Target,
    talk: Talk | None = None,
) -> libvirt.virConnect:
    """Open it with keepalive; raises ``libvirt.libvirtError``, ``OSError`` without a folder.

    What has to be answered is asked through ``talk``; without one nothing is, and the
    terminal never is.
    """
    loop.start()
    with _answered(target.uri, talk) as uri:
        flags = libvirt.VIR_CONNECT_RO if target.readonly else 0
        conn = libvirt.openAuth(uri, credentials(talk), flags)
    if not target.in_process:
        _if_supported(conn.setKeepAlive, *target.keepalive)
    return conn


def hear_close(conn: libvirt.virConnect, on_close: Callable[[int], None]) -> None:
    """Have ``on_close`` hear libvirt's reason when it breaks, on the event thread.

    A round trip of its own: what is asked before learns of the end by its own failure.
    """
    closed = loop.guarded(lambda _conn, reason, _opaque: on_close(reason))
    _if_supported(conn.registerCloseCallback, closed, None)


def _answered(uri: str, talk: Talk | None) -> contextlib.AbstractContextManager[str]:
    """The URI by which what ssh asks comes to ``talk``; other ways ask through libvirt."""
    if not uri.partition(":")[0].endswith("+ssh"):
        return contextlib.nullcontext(uri)
    from tuivm.backend import askpass

    return askpass.asking(uri, talk)


def close_connection(conn: libvirt.virConnect, callbacks: Iterable[int]) -> None:
    """Deregister everything, then close: the other way round leaks two descriptors for ever.

    ``callbacks`` are ids of domain events. Nobody else may be using the connection: libvirt
    frees it under their feet. May block when the daemon does; failures are of no interest,
    the connection is being left.
    """
    for callback in callbacks:
        _quietly(conn.domainEventDeregisterAny, callback)
    _quietly(conn.unregisterCloseCallback)
    # On a failure the binding keeps entries that refer back to the connection: a cycle,
    # which would be collected on whichever thread the collector happens to run.
    getattr(conn, "domainEventCallbackID", {}).clear()
    _quietly(conn.close)


def _if_supported(function: Callable[..., object], *args: object) -> None:
    try:
        function(*args)
    except libvirt.libvirtError as error:
        if not errors.is_unsupported(error):
            raise


def _quietly(function: Callable[..., object], *args: object) -> None:
    try:
        function(*args)
    except libvirt.libvirtError as error:
        logger.debug("%s: %s", function.__name__, error)


def short_name(uri: str, taken: Iterable[str]) -> str:
    """A short, unique, printable name for a host, from its URI."""
    parts = split_uri(uri)
    driver = parts.scheme.partition("+")[0]
    name = (parts.hostname or "").partition(".")[0]
    if re.fullmatch(r"[\d.]+|.*:.*", parts.hostname or ""):
        name = parts.hostname or ""
    if not name:
        name = "test" if driver == "test" else socket.gethostname().partition(".")[0]
    if parts.path == "/session" and driver != "test":
        name += "/session"
    name = sanitise(name, 40) or "host"
    used = set(taken)
    if name not in used:
        return name
    return next(f"{name}-{n}" for n in range(2, len(used) + 3) if f"{name}-{n}" not in used)
