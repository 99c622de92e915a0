"""Whose turn it is with a terminal core: the feeder's, or the UI's, which comes first."""

from __future__ import annotations

import threading
import time

from tuivm.core.terminal import TerminalCore

COURTESY = 0.0005
"""Seconds for which the feeder steps back when the UI wants the core."""


class Turns:
    """A core and the lock around it. ``with turns`` is the feeder's turn."""

    def __init__(self) -> None:
        self.core: TerminalCore | None = None
        """None until there is one, and after it was closed. Read and set in a turn."""
        self.ui = UiTurn(self)
        """``with turns.ui as core`` is the UI's turn."""
        self._lock = threading.Lock()
        self._ui_waits = False

    def __enter__(self) -> TerminalCore | None:
        self._lock.acquire()
        return self.core

    def __exit__(self, *exc: object) -> None:
        self._lock.release()

    def give_way(self) -> None:
        """Let the UI have its turn; for the feeder, between two of its own.

        Python's locks are not fair: without this the UI would starve under a flood.
        """
        while self._ui_waits:
            time.sleep(COURTESY)


class UiTurn:
    """The UI thread's turn, asked for in a way that the feeder gives way to."""

    __slots__ = ("_turns",)

    def __init__(self, turns: Turns) -> None:
        self._turns = turns

    def __enter__(self) -> TerminalCore | None:
        turns = self._turns
        turns._ui_waits = True
        turns._lock.acquire()
        turns._ui_waits = False
        return turns.core

    def __exit__(self, *exc: object) -> None:
        self._turns._lock.release()
