"""``virsh domstats``'s typed parameters, read by name, with a note of which were shown.

Names and units are those of libvirt's ``virConnectGetAllDomainStats``: nanoseconds for
times, KiB under ``balloon.``, bytes under ``block.`` and ``net.``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

Value = int | float | str
_INDEXED = re.compile(r"(\d+)\.(.+)", re.S)


class Counters:
    """One reading; remembers what was asked for, so that nothing is left untold."""

    def __init__(self, parameters: Iterable[tuple[str, Value]]) -> None:
        self._values = dict(parameters)
        self._taken: set[str] = set()

    def __bool__(self) -> bool:
        return bool(self._values)

    def take(self, name: str) -> Value | None:
        """Return a value and count it as shown; None when it is not there."""
        self._taken.add(name)
        return self._values.get(name)

    def number(self, name: str) -> int | float | None:
        """Return a number and count it as shown; None when it is not there or no number."""
        value = self.take(name)
        return None if isinstance(value, str) else value

    def text(self, name: str) -> str:
        """Return a text and count it as shown; empty when it is not there."""
        value = self.take(name)
        return "" if value is None else str(value)

    def members(self, group: str) -> tuple[str, ...]:
        """Return the prefixes ``block.0.``, ``block.1.`` of a group, in order.

        The numbers may have holes: a virtual CPU that was unplugged leaves one.
        """
        self._taken.add(f"{group}.count")
        start = len(group) + 1
        found = set()
        for name in self._values:
            if name.startswith(f"{group}."):
                match = _INDEXED.match(name, start)
                if match:
                    found.add(int(match[1]))
        return tuple(f"{group}.{number}." for number in sorted(found))

    def rest(self, prefix: str = "") -> tuple[tuple[str, Value], ...]:
        """Return what nobody asked for yet, in libvirt's order, and count it as shown."""
        left = [
            (name, value)
            for name, value in self._values.items()
            if name not in self._taken and name.startswith(prefix)
        ]
        self._taken.update(name for name, _ in left)
        return tuple(left)


def rates(
    before: Mapping[str, Value], after: Mapping[str, Value], elapsed: float
) -> dict[str, float]:
    """Return how fast each counter grew, per second of ``elapsed``.

    A counter that shrank was reset (restart, migration) and has no rate; one that is
    missing on either side has none either.
    """
    if elapsed <= 0:
        return {}
    grown: dict[str, float] = {}
    for name, value in after.items():
        old = before.get(name)
        if isinstance(value, str) or old is None or isinstance(old, str) or value < old:
            continue
        grown[name] = (value - old) / elapsed
    return grown
