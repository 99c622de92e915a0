"""Draws a terminal's screen as SVG."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from xml.sax.saxutils import escape

from rich.cells import cell_len

from tests.e2e.terminal import Style, Terminal

FONT = "DejaVu Sans Mono"
FONT_SIZE = 15.0
CELL_WIDTH = 9.03
"""The font's advance (0.602 em) at that size."""
CELL_HEIGHT = 18.0
BASELINE = 14.2
FOREGROUND, BACKGROUND = "#d8dee4", "#0d1117"
BASE = (
    *("#161b22", "#e5534b", "#57ab5a", "#c69026", "#539bf5", "#b083f0", "#39c5cf", "#adbac7"),
    *("#636e7b", "#ff938a", "#8ddb8c", "#eac55f", "#96d0ff", "#dcbdfb", "#56d4dd", "#f5faff"),
)


@dataclass(frozen=True, slots=True)
class Look:
    """How a cell is drawn."""

    foreground: str
    background: str
    bold: bool
    italic: bool
    underline: bool


def draw(terminal: Terminal, title: str) -> str:
    """The screen as an SVG text."""
    columns, rows = terminal.size
    width, height = columns * CELL_WIDTH, rows * CELL_HEIGHT
    body = [part for row in range(rows) for part in _row(terminal, row)]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.1f} {height:.1f}" '
            f'width="{width:.0f}" height="{height:.0f}" font-size="{FONT_SIZE}" '
            f"font-family=\"'{FONT}', monospace\">",
            f"<title>{escape(title)}</title>",
            f'<rect width="100%" height="100%" fill="{BACKGROUND}"/>',
            *body,
            "</svg>",
            "",
        ]
    )


def _row(terminal: Terminal, row: int) -> Iterator[str]:
    runs = list(_runs(terminal, row))
    top = row * CELL_HEIGHT
    for column, _, width, look in runs:
        if look.background != BACKGROUND:
            # A hair wider and higher: no seams between neighbours.
            yield (
                f'<rect x="{column * CELL_WIDTH:.2f}" y="{top:.1f}" '
                f'width="{width * CELL_WIDTH + 0.3:.2f}" height="{CELL_HEIGHT + 0.3:.1f}" '
                f'fill="{look.background}"/>'
            )
    for column, text, width, look in runs:
        if text.strip():
            yield _text(column, text, width, look, top + BASELINE)


def _text(column: int, text: str, width: int, look: Look, y: float) -> str:
    start = f'<text x="{column * CELL_WIDTH:.2f}" y="{y:.1f}" fill="{look.foreground}"'
    if look.bold:
        start += ' font-weight="bold"'
    if look.italic:
        start += ' font-style="italic"'
    if look.underline:
        start += ' text-decoration="underline"'
    if len(text) > 1:
        start += f' textLength="{width * CELL_WIDTH:.2f}"'
    return f'{start} xml:space="preserve">{escape(text)}</text>'


def _runs(terminal: Terminal, row: int) -> Iterator[tuple[int, str, int, Look]]:
    """Pieces of a row that look alike: column, text, cells, look.

    What is not ASCII stands alone, so that a fallback font cannot shift its neighbours.
    """
    text, start, look = "", 0, None
    columns = terminal.size[0]
    for column, char, width in _cells(terminal.lines[row], columns):
        now = _look(terminal.style(column, row))
        alone = not (char.isascii() and text.isascii())
        if look is not None and (now != look or alone):
            yield start, text, column - start, look
            text, start = "", column
        text, look = text + char, now
        if width == 2:
            yield start, text, column + 2 - start, look
            text, start, look = "", column + 2, None
    if look is not None:
        yield start, text, columns - start, look


def _cells(line: str, columns: int) -> Iterator[tuple[int, str, int]]:
    column = 0
    for char in line.ljust(columns):
        width = cell_len(char)
        if width and column + width <= columns:
            yield column, char, width
            column += width
    for rest in range(column, columns):
        yield rest, " ", 1


def _look(style: Style) -> Look:
    foreground = _colour(style.foreground, FOREGROUND)
    background = _colour(style.background, BACKGROUND)
    if style.inverse:
        foreground, background = background, foreground
    if style.faint:
        foreground = _mixed(foreground, background)
    return Look(foreground, background, style.bold, style.italic, style.underline)


@cache
def _colour(colour: object, default: str) -> str:
    match colour:
        case ("rgb", (red, green, blue)):
            return f"#{red:02x}{green:02x}{blue:02x}"
        case ("palette", int(number)):
            return _palette(number)
    return default


def _palette(number: int) -> str:
    """xterm's 256 colours."""
    if number < 16:
        return BASE[number]
    if number < 232:
        steps = (0, 95, 135, 175, 215, 255)
        rest = number - 16
        return f"#{steps[rest // 36]:02x}{steps[rest // 6 % 6]:02x}{steps[rest % 6]:02x}"
    return "#" + f"{8 + (number - 232) * 10:02x}" * 3


@cache
def _mixed(one: str, other: str) -> str:
    parts = ((int(one[i : i + 2], 16) * 3 + int(other[i : i + 2], 16) * 2) // 5 for i in (1, 3, 5))
    return "#" + "".join(f"{part:02x}" for part in parts)
