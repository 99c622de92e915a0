"""A selection in rows of a terminal, by cells, words or lines; places are row and column."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

from tuivm.core.text import cell_width

WORD_SIGNS = "_-./:~@%+=?&#"
"""Signs that belong to a word: paths, addresses and options are taken whole."""


class Place(NamedTuple):
    """A cell: its row, counted from the oldest in the scrollback, and its column."""

    row: int
    column: int


class Unit(StrEnum):
    """What a selection grows by."""

    CELL = "cell"
    WORD = "word"
    LINE = "line"


class Selection(NamedTuple):
    """From one place to another, both included, in any order."""

    anchor: Place
    head: Place
    unit: Unit = Unit.CELL

    @property
    def first(self) -> Place:
        """The upper end."""
        return min(self.anchor, self.head)

    @property
    def last(self) -> Place:
        """The lower end."""
        return max(self.anchor, self.head)

    def columns(self, row: int, text: str, width: int) -> tuple[int, int] | None:
        """The columns selected on a row with this text, the end excluded; None for none."""
        first, last = self.first, self.last
        if not first.row <= row <= last.row:
            return None
        if self.unit is Unit.LINE:
            return 0, width
        start = first.column if row == first.row else 0
        end = last.column + 1 if row == last.row else width
        if self.unit is Unit.WORD:
            if row == first.row:
                start = word_at(text, start)[0]
            if row == last.row:
                end = word_at(text, end - 1)[1]
        return start, min(end, width)

    def text(self, rows: Sequence[str], joined: str, width: int) -> str:
        """What is selected. ``rows`` are the texts from ``first.row`` to ``last.row``.

        ``joined`` is the same text with wrapped lines joined; it tells where a row's end is
        no line's end.
        """
        goes_on = _wraps(rows, joined)
        out: list[str] = []
        for index, row in enumerate(rows):
            span = self.columns(self.first.row + index, row, width)
            if span is None:
                continue
            piece = cut(row, *span)
            if index and goes_on[index - 1]:
                out[-1] += piece
            else:
                out.append(piece)
        return "\n".join(line.rstrip() for line in out)


def cells(text: str) -> list[str]:
    """The text of each cell; the second half of a wide one is empty, marks stay with theirs."""
    if text.isascii():
        return list(text)
    out: list[str] = []
    for char in text:
        width = cell_width(char)
        if not width and out:
            out[-1 if out[-1] or len(out) < 2 else -2] += char
            continue
        out.append(char)
        out.extend([""] * (width - 1))
    return out


def cut(text: str, start: int, end: int) -> str:
    """The text of columns ``start`` to ``end``, that one excluded."""
    if text.isascii():
        return text[start:end]
    return "".join(cells(text)[start:end])


def column_of(text: str, index: int) -> int:
    """The column in which the character with this index stands."""
    return index if text.isascii() else cell_width(text[:index])


def word_at(text: str, column: int) -> tuple[int, int]:
    """The columns of the word, or of the run of other signs, at a column; the end excluded."""
    line = cells(text)
    if column >= len(line):
        return column, column + 1
    kind = _kind(line, column)
    start = end = column
    while start > 0 and _kind(line, start - 1) == kind:
        start -= 1
    while end < len(line) and _kind(line, end) == kind:
        end += 1
    return start, end


def _kind(line: Sequence[str], column: int) -> str:
    cell = line[column] or (line[column - 1] if column else " ")
    if cell.isspace():
        return " "
    return "word" if cell[:1].isalnum() or cell in WORD_SIGNS else "sign"


def _wraps(rows: Sequence[str], joined: str) -> list[bool]:
    """For each row whether its line goes on in the next one."""
    lines = iter(joined.split("\n"))
    wraps: list[bool] = []
    rest: str | None = None
    for row in rows:
        if rest is None:
            rest = next(lines, "")
        if not rest.startswith(row):
            rest = rest.lstrip(" ")
        if not rest.startswith(row):
            return [False] * len(rows)
        rest = rest[len(row) :]
        goes_on = bool(rest.strip())
        wraps.append(goes_on)
        if not goes_on:
            rest = None
    return wraps
