"""The last few minutes of a domain's numbers, kept compactly for sparklines and charts."""

from __future__ import annotations

from array import array
from math import isnan, nan

from tuivm.core.model import Stats

CAPACITY = 180
"""Samples that a history keeps."""
SERIES = ("cpu", "memory", "disk_read", "disk_write", "net_rx", "net_tx")
"""What is kept, in the units of ``Stats``; memory is ``memory_value``."""
_WIDTH = 1 + len(SERIES)


def memory_value(stats: Stats) -> int | None:
    """Return the memory in use: what the guest says, else what the host holds for it."""
    return stats.memory_rss if stats.memory_used is None else stats.memory_used


class History:
    """A ring of the last ``CAPACITY`` samples of one domain. For the UI thread only.

    One array of floats: 10,000 running domains have one each, so every byte counts.
    """

    __slots__ = ("_base", "_data", "_next")

    def __init__(self) -> None:
        self._data = array("f")
        self._next = 0
        self._base = 0.0

    def __len__(self) -> int:
        return len(self._data) // _WIDTH

    def add(self, stats: Stats) -> None:
        """Keep one sample."""
        if not self._data:
            self._base = stats.at
        memory = memory_value(stats)
        self._put(
            (
                stats.at - self._base,
                nan if stats.cpu is None else stats.cpu,
                nan if memory is None else memory,
                nan if stats.disk_read is None else stats.disk_read,
                nan if stats.disk_write is None else stats.disk_write,
                nan if stats.net_rx is None else stats.net_rx,
                nan if stats.net_tx is None else stats.net_tx,
            )
        )

    def gap(self) -> None:
        """Note that the domain stopped, so that a chart draws no line across the pause."""
        data = self._data
        if not data:
            return
        last = (self._next - _WIDTH) % len(data)
        if all(isnan(value) for value in data[last + 1 : last + _WIDTH]):
            return
        self._put((data[last], nan, nan, nan, nan, nan, nan))

    def _put(self, sample: tuple[float, ...]) -> None:
        data = self._data
        if len(data) < CAPACITY * _WIDTH:
            data.extend(sample)
            self._next = len(data) % (CAPACITY * _WIDTH)
            return
        data[self._next : self._next + _WIDTH] = array("f", sample)
        self._next = (self._next + _WIDTH) % len(data)

    def _column(self, index: int) -> list[float]:
        data = self._data
        start = self._next if len(data) == CAPACITY * _WIDTH else 0
        return [*data[start + index :: _WIDTH], *data[index:start:_WIDTH]]

    def times(self) -> list[float]:
        """Return the ``time.monotonic()`` of each sample, oldest first."""
        return [self._base + offset for offset in self._column(0)]

    def series(self, name: str) -> list[float | None]:
        """Return one of ``SERIES``, oldest first; None where the value was unknown."""
        values = self._column(1 + SERIES.index(name))
        return [None if isnan(value) else value for value in values]

    def spark(self, count: int) -> tuple[float | None, ...]:
        """Return the last ``count`` CPU percentages, oldest first; fewer when there are fewer."""
        data = self._data
        size = len(data)
        count = min(count, size // _WIDTH)
        first = self._next - count * _WIDTH + 1
        values = [data[(first + i * _WIDTH) % size] for i in range(count)]
        return tuple(None if isnan(value) else value for value in values)


EMPTY = History()
"""The history of a domain of which no sample was taken yet; nothing is ever added to it."""
