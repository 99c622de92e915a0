"""Search in lines of text: all matches at once, then from one to the next."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from typing import NamedTuple

MOST_MATCHES = 20_000
"""More are not looked for: nobody steps through them, and the count says ``20000+``."""


class Match(NamedTuple):
    """Where the text was found."""

    line: int
    start: int
    end: int


class Find:
    """One search over one text; small letters match capitals too, a capital only itself."""

    def __init__(self, lines: Sequence[str], needle: str) -> None:
        self.needle = needle
        self.matches: tuple[Match, ...] = _find(lines, needle)
        self.current: int | None = None
        """Index of the match that the reader stands on."""
        self._by_line: dict[int, list[int]] = {}
        for index, match in enumerate(self.matches):
            self._by_line.setdefault(match.line, []).append(index)

    def on_line(self, line: int) -> tuple[tuple[Match, bool], ...]:
        """Return the matches on a line, each with whether it is the current one."""
        indexes = self._by_line.get(line, ())
        return tuple((self.matches[index], index == self.current) for index in indexes)

    def begin(self, line: int) -> Match | None:
        """Go to the first match at or below ``line``, else to the first of all."""
        if not self.matches:
            return None
        at = bisect_left(self.matches, Match(line, 0, 0))
        return self._go(at)

    def step(self, by: int) -> Match | None:
        """Go ``by`` matches on (negative: back), around the end."""
        if not self.matches:
            return None
        return self._go(0 if self.current is None else self.current + by)

    def resume(self, other: Find) -> None:
        """Stand where ``other`` stood, after the text was read afresh."""
        if other.current is None or not other.matches or not self.matches:
            return
        at = bisect_left(self.matches, other.matches[other.current])
        self.current = min(at, len(self.matches) - 1)

    def _go(self, index: int) -> Match:
        self.current = index % len(self.matches)
        return self.matches[self.current]

    @property
    def count(self) -> str:
        """Return ``3/17``, ``17`` or ``no match``."""
        total = len(self.matches)
        if not total:
            return "no match"
        text = f"{total}+" if total >= MOST_MATCHES else str(total)
        return text if self.current is None else f"{self.current + 1}/{text}"


def _find(lines: Sequence[str], needle: str) -> tuple[Match, ...]:
    if not needle:
        return ()
    exact = any(letter.isupper() for letter in needle)
    pattern = re.compile(re.escape(needle), 0 if exact else re.IGNORECASE)
    found: list[Match] = []
    for number, line in enumerate(lines):
        for match in pattern.finditer(line):
            found.append(Match(number, match.start(), match.end()))
        if len(found) >= MOST_MATCHES:
            return tuple(found[:MOST_MATCHES])
    return tuple(found)
