"""A thread with an inbox: what keeps a host's state, and never waits for libvirt."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable

logger = logging.getLogger(__name__)

Message = Callable[[], None]

_BURST = 20_000
"""Messages taken in before the turn that acts on them."""


class Keeper:
    """Runs messages one after the other on one daemon thread, and a turn after each burst.

    ``turn`` returns the ``time.monotonic()`` at which it wants to be called again although
    nothing came, or None.
    """

    def __init__(self, name: str, turn: Callable[[float], float | None]) -> None:
        self._inbox: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
        self._turn = turn
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin; messages posted before are kept."""
        self._thread.start()

    @property
    def started(self) -> bool:
        """True once the thread was started, if it has ended since or not."""
        return self._thread.ident is not None

    def post(self, message: Message) -> None:
        """Have something done on the keeper's thread. Any thread, a callback too."""
        self._inbox.put(message)

    def nudge(self) -> None:
        """Have a turn, unless this is the keeper's own thread, which has one anyway."""
        if threading.current_thread() is not self._thread:
            self._inbox.put(_nothing)

    def end(self) -> None:
        """Let the thread end once it has done what is in the inbox."""
        self._inbox.put(None)

    def _run(self) -> None:
        wake: float | None = time.monotonic()
        while True:
            timeout = None if wake is None else max(0.0, wake - time.monotonic())
            try:
                message = self._inbox.get(timeout=timeout)
                for _ in range(_BURST):
                    if message is None:
                        return
                    self._guard(message)
                    message = self._inbox.get_nowait()
            except queue.Empty:
                pass
            try:
                wake = self._turn(time.monotonic())
            except Exception:
                logger.exception("a turn failed")
                wake = time.monotonic() + 1.0

    @staticmethod
    def _guard(message: Message) -> None:
        try:
            message()
        except Exception:
            logger.exception("a message failed")


def _nothing() -> None:
    """Only to wake up."""
