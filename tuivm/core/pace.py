"""How fast the terminal takes what is written, and so how often the screen may change.

A terminal that lies behind a slow line takes bytes later than they are written: buffers of
the pty, of ssh and of the network hide it for seconds. So after a frame the terminal is asked
something that costs it nothing; its answer comes once it has drawn all that stood before.
"""

from __future__ import annotations

from collections.abc import Callable

QUICK = 0.05
"""At least this many seconds between two batches on a terminal that keeps up."""
RARE = 0.5
"""The same with ``--low-bandwidth``."""
LATE = 0.2
"""An answer that takes so much longer than the quickest one means that output piles up."""
SHARE = 2.0
"""Pause after a late answer, as a multiple of what it was late: keys find the line free."""
LONGEST = 5.0
"""The longest such pause."""
LOST = 15.0
"""An answer that did not come by then is not waited for any more."""
PATIENCE = 2
"""Questions without an answer after which none is asked any more."""
QUEUED = 8
"""Writes that the terminal has not taken, at which no further frame is made."""


class Pacer:
    """Asks after frames, and says when the next one may be made. UI thread only."""

    def __init__(self, *, low_bandwidth: bool = False) -> None:
        self.period = RARE if low_bandwidth else QUICK
        """Seconds between two batches while the terminal keeps up."""
        self.queued: Callable[[], int] = lambda: 0
        """Tells how many writes wait for the terminal in this process."""
        self.held = False
        """True makes no frame at all: what comes first is painted together."""
        self.muted = False
        """True asks nothing: soon an answer would reach somebody else."""
        self._asked: float | None = None
        self._slow: float | None = None
        """What the answer before took, while the terminal is asked again."""
        self._quickest = float("inf")
        self._unanswered = 0
        self._free_at = 0.0

    def asks(self, now: float) -> bool:
        """Note that a frame was written; True when the terminal is to be asked behind it."""
        if self._asked is not None and now - self._asked > LOST:
            self._asked = self._slow = None
            self._unanswered += 1
        if self.muted or self._asked is not None or self._unanswered >= PATIENCE:
            return False
        self._asked = now
        return True

    @property
    def waiting(self) -> bool:
        """Whether an answer of the terminal is still to come."""
        return self._asked is not None

    def usual(self) -> float:
        """Seconds that an answer takes at best; 0 while that is not known."""
        return self._quickest if self._quickest < LOST else 0.0

    def forget(self) -> None:
        """Wait for no answer any more: the terminal was in other hands."""
        self._asked = self._slow = None

    def answered(self, now: float) -> bool:
        """Take the terminal's answer: all before it was drawn.

        True when it is to be asked again at once: with nothing to draw, the answer takes
        what the way there and back takes, and the rest was the line's slowness.
        """
        if self._asked is None:
            return False
        took, self._asked = now - self._asked, None
        self._unanswered = 0
        unknown = self._quickest == float("inf")
        self._quickest = min(self._quickest, took)
        slow, self._slow = self._slow, None
        if slow is None and not self.muted and (unknown or took > self.usual() + LATE):
            self._slow, self._asked = took, now
            return True
        late = (took if slow is None else slow) - self._quickest
        if late > LATE:
            self._free_at = now + min(LONGEST, SHARE * late)
        return False

    def behind(self, now: float) -> bool:
        """Whether the terminal has yet to draw what it was given: no further frame now."""
        if self.queued() >= QUEUED:
            return True
        if self._asked is None or now - self._asked > LOST:
            return False
        return now - self._asked > self.usual() + LATE

    def wait(self, applied: float, now: float) -> float:
        """Seconds until the next batch of news may be applied; 0 for at once.

        ``applied`` is when that was done last.
        """
        if self.behind(now):
            return QUICK
        return max(0.0, applied + self.period - now, self._free_at - now)
