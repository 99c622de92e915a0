"""How long a host that is lost is left alone before the next attempt."""

from __future__ import annotations

import random

from tuivm.backend.dial import MAX_ABANDONED
from tuivm.backend.task import Timing


class Backoff:
    """Longer from attempt to attempt, until a connection has held. Keeper thread only."""

    def __init__(self, timing: Timing) -> None:
        self._timing = timing
        self._attempts = 0
        self._up_since: float | None = None

    def up(self, now: float) -> None:
        """A connection is there."""
        self._up_since = now

    def lost(self, now: float) -> None:
        """The connection is gone; one that held long enough counts as a fresh start."""
        if self._up_since is not None and now - self._up_since >= self._timing.stable:
            self._attempts = 0
        self._up_since = None

    def afresh(self) -> None:
        """Begin with short waits again."""
        self._attempts = 0

    def wait(self, pending: int) -> float:
        """Seconds until the next attempt; ``pending`` attempts hang in libvirt."""
        timing = self._timing
        wait = min(timing.backoff * 2.0**self._attempts, timing.backoff_max)
        self._attempts = min(self._attempts + 1, 16)
        hanging = pending - MAX_ABANDONED
        if hanging >= 0:
            # Each attempt may hang for good and keep its thread. The first to come back is
            # news; those that follow are ever rarer, so that in a day there are but ten.
            wait = timing.backoff_max * 10 * 2.0 ** min(hanging, 10)
        return wait * random.uniform(0.8, 1.2)
