r"""Rows of avt as compact text, and that text as runs.

A line of the library costs 24 bytes a cell, and asking it for its cells one by one costs
90 us. Its ``repr`` tells all in one native call of 4 us: ``Line("\u{1b}[0;1mbold...⏎")``,
a Rust string literal with the style of each run as SGR and an arrow where the line goes on
in the next one. Rows are therefore kept as such text: no arrow but ``WRAPPED`` at its end,
no blanks at the end of the others, and no style sequence before default cells that begin
a row.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

from avt import Line
from rich.cells import cell_len

from tuivm.core.terminal import PLAIN, REPLACEMENT, RGB, CellStyle, Run, clean_glyph

WRAPPED = "\n"
"""Ends a row that goes on in the next one."""
ARROW = "⏎"
PREFIX, SUFFIX = 'Line("', '")'
ESCAPED_STYLE = "\\u{1b}["
DEFAULT_STYLE = "\x1b[0m"
_ESCAPE = re.compile(r"\\(?:u\{([0-9a-f]+)\}|(.))", re.DOTALL)
_SIMPLE = {"n": "\n", "r": "\r", "t": "\t", "0": "\0"}
_STYLE = re.compile("\x1b\\[[0-9;:]*m")


def _unescape(match: re.Match[str]) -> str:
    if match[1]:
        return chr(int(match[1], 16))
    return _SIMPLE.get(match[2], match[2])


def encode(line: Line) -> str:
    """A line of the library as a row; its cells measured by Rich's widths, not avt's."""
    raw = repr(line)[len(PREFIX) : -len(SUFFIX)]
    row = raw.replace(ESCAPED_STYLE, "\x1b[")
    if "\\" in row:
        # Replacing is not unescaping: the guest may have printed a backslash before "u{1b}".
        row = _ESCAPE.sub(_unescape, raw)
    wrapped = row.endswith(ARROW) and len(plain(row)) > len(line.text)
    if wrapped:
        row = row[:-1]
    if not row.isascii() and cell_len(plain(row)) != len(line):
        row = _measured(row, line)
    row = row.removeprefix(DEFAULT_STYLE)
    if wrapped:
        return row + WRAPPED
    last = row.rfind("\x1b")
    if last < 0 or row.startswith(DEFAULT_STYLE, last):
        row = row.rstrip(" ").removesuffix(DEFAULT_STYLE)
    return row


def _measured(row: str, line: Line) -> str:
    """The row with a stand-in for each character whose width is disputed."""
    widths = iter([cell.width for cell in line.cells if cell.width])
    out: list[str] = []
    for style, text in _chunks(row):
        out.append(style)
        for char in text:
            width = next(widths, 1)
            out.append(char if cell_len(char) == width else REPLACEMENT.ljust(width))
    return "".join(out)


def _chunks(row: str) -> Iterator[tuple[str, str]]:
    """Pieces of one style: its sequence, which may be empty at the beginning, and text."""
    at = 0
    style = ""
    for match in _STYLE.finditer(row):
        if match.start() > at:
            yield style, row[at : match.start()]
        style, at = match[0], match.end()
    if at < len(row):
        yield style, row[at:]


def plain(row: str) -> str:
    """A row's text without styles; one that is wrapped keeps its mark."""
    return _STYLE.sub("", row) if "\x1b" in row else row


def decode(row: str, columns: int) -> tuple[Run, ...]:
    """A row as runs that fill ``columns`` exactly and can do no harm."""
    runs: list[Run] = []
    used = 0
    for sequence, text in _chunks(row.removesuffix(WRAPPED)):
        text, width = _clean(text, columns - used)
        used += width
        style = style_of(sequence)
        if runs and runs[-1].style == style:
            before = runs.pop()
            text, width = before.text + text, before.width + width
        if width:
            runs.append(Run(text, width, style))
    rest = columns - used
    if rest and runs and runs[-1].style == PLAIN:
        text, width, _ = runs.pop()
        runs.append(Run(text + " " * rest, width + rest, PLAIN))
    elif rest:
        runs.append(Run(" " * rest, rest, PLAIN))
    return tuple(runs)


def _clean(text: str, room: int) -> tuple[str, int]:
    """Printable text of at most ``room`` cells, and its width."""
    if text.isascii() and text.isprintable():
        text = text[:room]
        return text, len(text)
    out = []
    used = 0
    for char in text:
        width = 2 if cell_len(char) == 2 else 1
        if used + width > room:
            break
        out.append(clean_glyph(char, width))
        used += width
    return "".join(out), used


@lru_cache(maxsize=4096)
def style_of(sequence: str) -> CellStyle:
    """The style of a sequence as the library writes it: a reset, colours, attributes."""
    values = [int(value or 0) for value in sequence[2:-1].replace(":", ";").split(";") if value]
    fields: dict[str, int | bool] = {}
    at = 0
    while at < len(values):
        value = values[at]
        at += 1
        if value in (38, 48):
            name = "fg" if value == 38 else "bg"
            if values[at : at + 1] == [5]:
                fields[name] = values[at + 1]
                at += 2
            else:
                red, green, blue = values[at + 1 : at + 4]
                fields[name] = RGB | red << 16 | green << 8 | blue
                at += 4
        elif value in _ATTRIBUTES:
            fields[_ATTRIBUTES[value]] = True
        elif value:
            base, bright = divmod(value, 10)
            fields["fg" if base in (3, 9) else "bg"] = bright + (8 if base >= 9 else 0)
    return CellStyle(**fields) if fields else PLAIN  # type: ignore[arg-type]


_ATTRIBUTES = {
    1: "bold",
    2: "faint",
    3: "italic",
    4: "underline",
    5: "blink",
    7: "inverse",
    9: "strike",
}


def rewrap(rows: Iterable[str], columns: int) -> Iterator[str]:
    """The same lines in rows of another width."""
    line: list[str] = []
    for row in rows:
        if line and not row.isascii() and line[-1].endswith(" ") and _begins_wide(row):
            # The library fills the last column where a wide character did not fit.
            line[-1] = line[-1][:-1]
        if row.endswith(WRAPPED):
            line.append(row[:-1])
            continue
        if not line and len(row) <= columns and row.isascii():
            yield row
            continue
        line.append(row)
        yield from _split(line, columns)
        line = []
    if line:
        # The rest of the line is on the screen.
        *whole, last = _split(line, columns)
        yield from whole
        yield last + WRAPPED


def _begins_wide(row: str) -> bool:
    return cell_len(plain(row)[:1]) == 2


def _split(line: list[str], columns: int) -> Iterator[str]:
    """One line, given in rows, as rows that fit; all but the last are marked."""
    out: list[str] = []
    used = 0
    for row in line:
        for style, text in _chunks(row):
            # Each row begins with the default style again.
            style = style or (DEFAULT_STYLE if out else "")
            start = 0
            if text.isascii():
                while len(text) - start > columns - used:
                    out += (style, text[start : start + columns - used])
                    start += columns - used
                    yield "".join(out) + WRAPPED
                    out, used = [], 0
                out += (style, text[start:])
                used += len(text) - start
                continue
            for at, char in enumerate(text):
                width = cell_len(char)
                if used + width > columns:
                    out += (style, text[start:at], " " * (columns - used))
                    start = at
                    yield "".join(out) + WRAPPED
                    out, used = [], 0
                used += width
            out += (style, text[start:])
    yield "".join(out).removeprefix(DEFAULT_STYLE)
