"""Passes the backend's wake-ups on, from before there is a screen to wake."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Relay:
    """A wake that may be called on any thread before it is known whom to wake."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._target: Callable[[], None] | None = None
        self._missed = False

    def __call__(self) -> None:
        """Wake the target, or remember that it has to be woken."""
        with self._lock:
            target = self._target
            self._missed = target is None
        if target is not None:
            target()

    def attach(self, target: Callable[[], None]) -> None:
        """Take the target, and wake it when that was missed."""
        with self._lock:
            self._target = target
            missed, self._missed = self._missed, False
        if missed:
            target()
