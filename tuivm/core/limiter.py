"""Keeps a guest from making us type: answers to its queries are sent at a bounded rate."""

from __future__ import annotations

import time
from collections.abc import Callable

REPLY_RATE = 4096
"""Bytes a second of answers to the guest's queries; a guest that asks more is ignored."""


class ReplyLimiter:
    """A token bucket: lets ``rate`` bytes a second through, drops what is beyond."""

    def __init__(self, rate: int = REPLY_RATE, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = rate
        self._clock = clock
        self._level = float(rate)
        self._at = clock()

    def allow(self, size: int) -> bool:
        """True when a reply of that size may be sent now."""
        now = self._clock()
        self._level = min(float(self._rate), self._level + (now - self._at) * self._rate)
        self._at = now
        if size > self._level:
            return False
        self._level -= size
        return True
