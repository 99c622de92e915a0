"""What is written of a frame: little, and the terminal shows the same as if all were."""

from __future__ import annotations

import random
from collections.abc import Iterable
from itertools import pairwise

import pytest
from rich.color import Color
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual._compositor import ChopsUpdate, CompositorUpdate, LayoutUpdate
from textual.geometry import Region
from textual.strip import Strip

from tests.unit.terminals import look, make
from tuivm.core.terminal import TerminalCore
from tuivm.widgets.onscreen import OnScreen

WIDTH, HEIGHT = 24, 5
CONSOLE = Console(force_terminal=True, color_system="truecolor", width=WIDTH)
DEFAULT = Color.default()
STYLES = (
    None,
    Style(),
    Style(color=DEFAULT, bgcolor=DEFAULT),
    Style(color="green"),
    Style(color="green", bgcolor=DEFAULT, meta={"@click": "x"}),
    Style(color="color(39)"),
    Style(bgcolor="color(49)", bold=True),
    Style(bold=True, dim=True),
    Style(bold=False),
    Style(reverse=True),
    Style(color="#102030", underline=True, italic=True),
)
TEXTS = ("vm", "  ", "      ", "●", "中", "web-01", "-", "e\u0301")


def strip(dice: random.Random, width: int) -> Strip:
    """Something to show, exactly ``width`` cells."""
    parts = [Segment(dice.choice(TEXTS), dice.choice(STYLES)) for _ in range(dice.randrange(9))]
    return Strip(parts).adjust_cell_length(width, dice.choice(STYLES))


def line(dice: random.Random) -> dict[int, Strip]:
    """A line of the screen, as widgets beside each other cut it."""
    cuts = sorted({0, WIDTH, *(dice.randrange(WIDTH) for _ in range(dice.randrange(3)))})
    return {x: strip(dice, end - x) for x, end in pairwise(cuts)}


def whole(lines: list[dict[int, Strip]]) -> LayoutUpdate:
    return LayoutUpdate([one.values() for one in lines], Region(0, 0, WIDTH, HEIGHT))


def part(dice: random.Random, lines: list[dict[int, Strip]]) -> ChopsUpdate:
    """New contents for some of the widgets, in the way of a partial update."""
    spans = []
    chops: list[dict[int, Strip | None]] = [dict.fromkeys(one) for one in lines]
    for y in dice.sample(range(HEIGHT), 2):
        x = dice.choice([*lines[y]])
        old = lines[y][x]
        new = chops[y][x] = lines[y][x] = strip(dice, old.cell_length)
        spans.append((y, x, x + new.cell_length))
    ends = [[*one, WIDTH][1:] for one in lines]
    return ChopsUpdate(chops, sorted(spans), ends)


def written(update: CompositorUpdate | None) -> bytes:
    return b"" if update is None else update.render_segments(CONSOLE).encode()


def shows(core: TerminalCore) -> list[list[tuple[str, object]]]:
    """Each cell's look, however it came to be."""
    frame = look(core)
    return [
        [(char, run.style) for run in frame.rows[y] for char in run.text] for y in range(HEIGHT)
    ]


@pytest.mark.parametrize("seed", range(20))
def test_the_terminal_shows_what_it_would_if_all_were_written(seed: int) -> None:
    dice = random.Random(seed)
    ours, all_of_it = (make("ghostty", WIDTH, HEIGHT) for _ in range(2))
    screen, lines = OnScreen(), [line(dice) for _ in range(HEIGHT)]
    for step in range(60):
        roll = dice.random()
        if step and roll < 0.6:
            update: CompositorUpdate = part(dice, lines)
        else:
            # A dialog comes: other cuts, the same contents on most lines.
            for y in range(HEIGHT):
                if dice.random() < 0.3:
                    lines[y] = line(dice)
            update = whole(lines)
        if roll > 0.95:
            screen.forget()
            ours.feed(b"\x1b[2J")
        everything = written(update)
        all_of_it.feed(everything)
        difference = written(screen.difference(update))
        assert len(difference) <= len(everything)
        ours.feed(difference)
        if roll > 0.95 and isinstance(update, ChopsUpdate):
            ours.feed(written(screen.difference(whole(lines))))
        assert shows(ours) == shows(all_of_it)
    for core in (ours, all_of_it):
        core.close()


def rows(*texts: str, style: Style | None = None) -> LayoutUpdate:
    """A screen of one widget."""
    strips: list[Iterable[Strip]] = [[Strip([Segment(text.ljust(WIDTH), style)])] for text in texts]
    return LayoutUpdate(strips, Region(0, 0, WIDTH, len(texts)))


def test_what_is_there_is_not_written_again_however_it_is_said() -> None:
    screen = OnScreen()
    assert screen.difference(rows("one", "two")) is not None
    explicit = Style(color=DEFAULT, bgcolor=DEFAULT, meta={"@click": "x"})
    assert screen.difference(rows("one", "two", style=explicit)) is None
    assert written(screen.difference(rows("one", "2"))) == b"\x1b[2;1H2\x1b[K"
    screen.forget()
    assert written(screen.difference(rows("one", "2"))).count(b"\x1b[K") == 2


def test_another_size_is_written_whole() -> None:
    screen = OnScreen()
    screen.difference(rows("one", "two"))
    assert b"one" in written(screen.difference(rows("one", "two", "three")))


def test_colours_are_said_once() -> None:
    red = Style(color="red", bgcolor=DEFAULT)
    line = [Strip([Segment("a", red)]), Strip([Segment("b", red), Segment("c" * 22, Style())])]
    frame = OnScreen().difference(LayoutUpdate([line], Region(0, 0, WIDTH, 1)))
    assert written(frame) == b"\x1b[1;1H\x1b[31mab\x1b[m" + b"c" * 22
