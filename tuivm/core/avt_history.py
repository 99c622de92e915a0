"""The scrollback of the avt core: rows that left the screen, bounded, wrapped anew."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from itertools import islice

from avt import Line

from tuivm.core.avt_rows import encode, rewrap


class History:
    """Rows from the oldest on. Not thread-safe.

    Lines come as the library has them, 24 bytes a cell, and are made compact later.
    """

    def __init__(self, limit: int) -> None:
        self._rows: deque[Line | str] = deque(maxlen=max(0, limit))
        self._raw = 0
        self.added = 0
        """Rows that ever came; grows for ever."""

    def __len__(self) -> int:
        return len(self._rows)

    def extend(self, lines: Iterable[Line | str]) -> int:
        """Add rows; returns how many."""
        added = list(lines)
        self._rows.extend(added)
        self.added += len(added)
        self._raw = min(self._raw + len(added), len(self._rows))
        return len(added)

    def compact(self, most: int) -> None:
        """Make up to so many of the oldest rows compact that are not yet."""
        first = len(self._rows) - self._raw
        count = min(most, self._raw)
        for index in range(first, first + count):
            row = self._rows[index]
            if not isinstance(row, str):
                self._rows[index] = encode(row)
        self._raw -= count

    def rows(self, first: int = 0, last: int | None = None) -> list[str]:
        """Rows ``first`` to before ``last``."""
        found = islice(self._rows, max(0, first), last)
        return [row if isinstance(row, str) else encode(row) for row in found]

    def rewrap(self, columns: int) -> None:
        """Wrap all of it at another width."""
        rows = list(rewrap(self.rows(), columns))
        self._rows.clear()
        self._rows.extend(rows)
        self._raw = 0

    def clear(self) -> None:
        """Forget everything."""
        self._rows.clear()
        self._raw = 0
