"""libvirt's event loop: registered once, run by one daemon thread for all hosts.

libvirt's own implementation in a thread of its own is the only one whose callbacks come
without delay on every driver and whose sockets never run on the UI thread.
"""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

import libvirt

logger = logging.getLogger(__name__)

SWITCH_INTERVAL = 0.0005
"""Seconds after which a thread must offer the interpreter to the others: with Python's own
5 ms the UI waits up to a third of a second while a hundred hosts connect."""
HEARTBEAT_MS = 1000

T = TypeVar("T")

_lock = threading.Lock()
_thread: threading.Thread | None = None
_beat = 0.0


def start() -> None:
    """Register the error handler and the event loop and run it; idempotent, any thread.

    Must happen before the first connection is opened. The loop then runs for as long as
    the process does: it is a daemon thread and costs one wake-up a second.
    """
    global _thread, _beat
    with _lock:
        if _thread is not None:
            return
        # libvirt's own handler prints to fd 2, which is the user's screen.
        libvirt.registerErrorHandler(_ignore_error, None)
        libvirt.virEventRegisterDefaultImpl()
        # The timer keeps the loop turning, which is how it notices descriptors that other
        # threads add between two polls, and its beat tells a watchdog that it is alive.
        libvirt.virEventAddTimeout(HEARTBEAT_MS, _on_heartbeat, None)
        sys.setswitchinterval(SWITCH_INTERVAL)
        _beat = time.monotonic()
        _thread = threading.Thread(target=_run, name="tuivm-events", daemon=True)
        _thread.start()


def silence() -> float:
    """Seconds since the loop last showed that it turns; about one at most while healthy."""
    return time.monotonic() - _beat


def guarded(callback: Callable[..., T]) -> Callable[..., T | None]:
    """Wrap a libvirt callback so that its exceptions are logged, never printed."""

    def run(*args: Any) -> T | None:
        try:
            return callback(*args)
        except Exception:
            logger.exception("callback failed")
            return None

    return run


def _ignore_error(_context: object, _error: object) -> None:
    """Every error also comes as an exception."""


def _on_heartbeat(_timer: int, _opaque: object) -> None:
    global _beat
    _beat = time.monotonic()


def _run() -> None:
    while True:
        try:
            libvirt.virEventRunDefaultImpl()
        except libvirt.libvirtError:
            logger.exception("event loop failed")
            # A loop that fails at once for ever must not take a whole core.
            time.sleep(0.1)
