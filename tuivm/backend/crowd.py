"""What begins at the same time: the rows of all hosts and the screen come before all else."""

from __future__ import annotations

import random
import threading

PATIENCE = 1.0
"""Seconds for which a host that has its rows waits for the others; some may hang."""
STEP = 0.05
"""Seconds over which it is spread for each host what follows its rows, which costs some 20 ms."""


_SCREEN = ""
"""Among the hosts; none has this name."""


class Crowd:
    """Those hosts of a fleet whose rows or failure are still awaited. Any thread."""

    def __init__(self, *, screen: bool = False) -> None:
        """With ``screen`` that is awaited too: it takes all of the interpreter to come up."""
        self._lock = threading.Lock()
        self._awaited: set[str] = {_SCREEN} if screen else set()
        self._size = 0

    def join(self, host: str) -> None:
        """Await this one too."""
        with self._lock:
            self._awaited.add(host)
            self._size += 1

    def leave(self, host: str) -> None:
        """Its rows were told, or it cannot be reached: the others wait for it no longer."""
        with self._lock:
            self._awaited.discard(host)

    def screen_is_up(self) -> None:
        """Somebody sees what is told."""
        self.leave(_SCREEN)

    @property
    def over(self) -> bool:
        """True when nobody is awaited."""
        return not self._awaited

    def turn(self) -> float:
        """Seconds after the end of which one of so many goes on, so that not all do at once."""
        return random.uniform(0.0, STEP) * max(0, self._size - 1)
