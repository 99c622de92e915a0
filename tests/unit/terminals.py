"""What the tests of the terminal cores share: making one, and reading its screen."""

from __future__ import annotations

from unicodedata import category

from rich.cells import cell_len

from tuivm.core.avt import AvtCore
from tuivm.core.ghostty import GhosttyCore
from tuivm.core.terminal import UNPRINTABLE, CellStyle, Frame, TerminalCore

CORES = {"ghostty": GhosttyCore, "avt": AvtCore}


def make(name: str, columns: int = 40, lines: int = 6, scrollback: int = 1000) -> TerminalCore:
    core: TerminalCore = CORES[name](columns, lines, scrollback=scrollback)
    return core


def numbered(count: int, first: int = 0) -> bytes:
    return b"".join(b"line %d\r\n" % n for n in range(first, first + count))


def look(core: TerminalCore) -> Frame:
    """The whole screen."""
    core.capture()
    return core.frame(full=True)


def changed(core: TerminalCore) -> Frame:
    """What changed since the frame before."""
    core.capture()
    return core.frame()


def screen(core: TerminalCore) -> list[str]:
    """The text of each row shown."""
    frame = look(core)
    rows = ("".join(run.text for run in frame.rows[y]) for y in range(frame.lines))
    return [row.rstrip() for row in rows]


def at(frame: Frame) -> tuple[int, int]:
    """Where the cursor is."""
    assert frame.cursor is not None
    return frame.cursor.x, frame.cursor.y


def style(frame: Frame, x: int, y: int) -> CellStyle:
    """The style of one cell."""
    for run in frame.rows[y]:
        if x < run.width:
            return run.style
        x -= run.width
    raise AssertionError("no such cell")


def clean(text: str) -> bool:
    """No character of it could steer the user's terminal."""
    return not any(category(char) in UNPRINTABLE for char in text)


def check(frame: Frame) -> None:
    """Nothing in it can harm the user's terminal, and each row is as wide as the grid."""
    for runs in frame.rows.values():
        assert sum(run.width for run in runs) == frame.columns
        for run in runs:
            assert cell_len(run.text) == run.width
            assert clean(run.text), run.text
    if frame.cursor is not None:
        assert 0 <= frame.cursor.x < frame.columns
        assert 0 <= frame.cursor.y < frame.lines
    assert 0 <= frame.offset <= frame.total - frame.lines
