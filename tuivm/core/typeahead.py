"""What is typed on a console before it is attached."""

from __future__ import annotations

import threading
from collections.abc import Callable

LIMIT = 1024
"""Bytes kept: more than anybody types while a console opens."""


class TypeAhead:
    """Keeps input in its order until there is somewhere to send it; any thread."""

    def __init__(self) -> None:
        # Held while sending, or another thread's input would overtake; sending may come back.
        self._lock = threading.RLock()
        self._kept = b""

    def keep(self, data: bytes) -> bool:
        """Add to what waits; False, and nothing is added, where it is full."""
        with self._lock:
            if len(self._kept) + len(data) > LIMIT:
                return False
            self._kept += data
            return True

    def send(self, data: bytes, write: Callable[[bytes], object]) -> None:
        """Write all that waits, and then ``data``, in one piece."""
        with self._lock:
            data, self._kept = self._kept + data, b""
            if data:
                write(data)

    def drop(self) -> None:
        """Forget all that waits."""
        with self._lock:
            self._kept = b""
