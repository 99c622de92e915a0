"""What the terminal shows: of each frame only what looks different is written, and tersely.

Textual paints a whole screen several times while a dialog opens, writes all of it each time,
and ends every word in a reset: 28 KB for a menu, three seconds on a line of 10 kB a second.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from rich.color import ColorSystem
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual._compositor import ChopsUpdate, CompositorUpdate, LayoutUpdate
from textual.geometry import Size
from textual.strip import Strip

PLAIN = Style()
ATTRIBUTES = (
    "bold",
    "dim",
    "italic",
    "underline",
    "underline2",
    "blink",
    "blink2",
    "reverse",
    "conceal",
    "strike",
    "frame",
    "encircle",
    "overline",
)
"""What a terminal's text may be, as Rich names it."""
ERASED = 4
"""Blanks up to the right edge that are cheaper erased than written."""


class Piece(NamedTuple):
    """A part of a line, the cell where it begins, and whether the line ends with it."""

    x: int
    y: int
    strip: Strip
    last: bool


class Difference(CompositorUpdate):
    """What is to be written of a frame."""

    def __init__(self, pieces: Iterable[Piece]) -> None:
        self.pieces = tuple(pieces)

    def render_segments(self, console: Console) -> str:
        """See Textual: each piece behind a jump to its place; the style is reset at the end."""
        system = console._color_system or ColorSystem.TRUECOLOR
        written: list[str] = []
        present = ""
        for text, style in self._parts():
            if style is not None:
                wanted = style._ansi
                if wanted is None:
                    wanted = Strip.render_ansi(style, system)
                if wanted != present:
                    written.append(f"\x1b[{'0;' if present and wanted else ''}{wanted}m")
                    present = wanted
            written.append(text)
        return "".join(written)

    def _parts(self) -> Iterator[tuple[str, Style | None]]:
        """What is written, each with the style that it has to have; None where that is all one."""
        place = (-1, -1)
        for x, y, strip, last in self.pieces:
            if (x, y) != place:
                yield f"\x1b[{y + 1};{x + 1}H", None
            place = (x + strip.cell_length, y)
            segments = [*strip]
            text, style, _ = segments[-1]
            erased = last and style == PLAIN and text.endswith(" " * ERASED)
            for text, style, _ in segments[:-1] if erased else segments:
                yield text, style
            if erased:
                yield f"{segments[-1].text.rstrip(' ')}\x1b[K", PLAIN
        yield "", PLAIN


class OnScreen:
    """Remembers the lines that were written. UI thread only.

    Pieces are compared as Textual cuts them, at the borders of widgets, and written whole:
    on a terminal that draws a sign wider than we think a row still has all in its order.
    """

    def __init__(self) -> None:
        self._lines: dict[int, Strip] = {}
        self._size = Size()

    def forget(self) -> None:
        """Write everything anew: the terminal was cleared, resized, or in other hands."""
        self._lines.clear()

    def difference(self, update: CompositorUpdate) -> CompositorUpdate | None:
        """What is to be written of a frame, and is taken as written then; None for nothing."""
        match update:
            case LayoutUpdate():
                if update.region.size != self._size:
                    self.forget()
                    self._size = update.region.size
                pieces = [*self._whole(update)]
            case ChopsUpdate():
                pieces = [piece for one in _chops(update) for piece in self._put(*one)]
            case _:
                self.forget()
                return update
        return Difference(pieces) if pieces else None

    def _whole(self, update: LayoutUpdate) -> Iterator[Piece]:
        left, top = update.region.offset
        for y, line in enumerate(update.strips, top):
            x, strips = left, [*line]
            for strip in strips if y in self._lines else [Strip.join(strips)]:
                yield from self._put(x, y, strip)
                x += strip.cell_length

    def _put(self, x: int, y: int, strip: Strip) -> Iterator[Piece]:
        """Take a part of a line as written; gives it where it is not there already."""
        strip, end, old = _plainly(strip), x + strip.cell_length, self._lines.get(y)
        if x == 0 and end >= self._size.width:
            self._lines[y] = strip
        elif old is not None:
            self._lines[y] = _plainly(Strip.join((old.crop(0, x), strip, old.crop(end))))
        if strip.cell_length and (old is None or old != self._lines[y]):
            yield Piece(x, y, strip, end >= self._size.width)


def _chops(update: ChopsUpdate) -> Iterator[tuple[int, int, Strip]]:
    """The parts of lines that a frame changes, as ``ChopsUpdate`` writes them."""
    for y, left, right in update.spans:
        for end, (x, strip) in zip(update.chop_ends[y], update.chops[y].items(), strict=False):
            first, last = max(x, left), min(end, right)
            if strip is not None and first < last:
                whole = first == x and last == end
                yield first, y, strip if whole else strip.crop(first - x, last - x)


def _plainly(strip: Strip) -> Strip:
    """A strip in the only form that looks so, to be compared with others."""
    segments: list[Segment] = []
    for text, style, _ in strip:
        look = PLAIN if style is None else _look(style)
        if segments and segments[-1].style == look:
            text = segments.pop().text + text
        if text:
            segments.append(Segment(text, look))
    return Strip(segments, strip.cell_length)


@lru_cache(4096)
def _look(style: Style) -> Style:
    """What is seen of a style: a default colour is none, nothing can be clicked in a terminal."""
    colours = (
        None if one is None or one.is_default else one for one in (style.color, style.bgcolor)
    )
    colour, ground = colours
    on: dict[str, Any] = {name: True for name in ATTRIBUTES if getattr(style, name)}
    return Style(color=colour, bgcolor=ground, **on)
