"""What a terminal emulator is to the rest of the program: bytes in, rows of runs out.

The console's widget and session know this protocol and never the library behind it, so
that another emulator can take its place. Everything a core hands out is clean: no
control character, no bidi control, and every run as wide as it says.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple, Protocol
from unicodedata import category

from rich.cells import cell_len

from tuivm.core.errors import TuivmError

MIN_COLUMNS = 4
MIN_LINES = 2
"""The hard floor of a grid: emulators misbehave below it."""
MAX_SIDE = 1000
"""The ceiling of a grid's side, whatever a terminal claims to be."""
DEFAULT_COLOR = -1
RGB = 0x1000000
"""Marks a colour as 24 bits: ``RGB | 0xRRGGBB``; 0 to 255 are palette entries."""
REPLACEMENT = "\ufffd"
UNPRINTABLE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Unicode categories that never reach the user's terminal: controls, bidi, separators."""


class TerminalUnavailable(TuivmError):
    """No terminal core can be used here; the message says why, the hint what to do."""


class CellStyle(NamedTuple):
    """How a run is drawn. Colours are palette indexes, ``RGB | 0xRRGGBB`` or -1."""

    fg: int = DEFAULT_COLOR
    bg: int = DEFAULT_COLOR
    bold: bool = False
    faint: bool = False
    italic: bool = False
    underline: bool = False
    blink: bool = False
    inverse: bool = False
    invisible: bool = False
    strike: bool = False
    overline: bool = False


PLAIN = CellStyle()


class Run(NamedTuple):
    """Neighbouring cells of one style."""

    text: str
    width: int
    """Cells; equals the width of ``text`` as Rich measures it."""
    style: CellStyle


class Cursor(NamedTuple):
    """Where the cursor is in the rows shown."""

    x: int
    y: int
    visible: bool


@dataclass(slots=True)
class Frame:
    """What changed on the screen since the frame before."""

    columns: int
    lines: int
    rows: dict[int, tuple[Run, ...]] = field(default_factory=dict)
    """The rows that changed, by their line on the screen."""
    cursor: Cursor | None = None
    """None while it is scrolled out of sight."""
    total: int = 0
    """Rows in the scrollback and on the screen together."""
    offset: int = 0
    """The first row shown, counted from the oldest in the scrollback."""

    @property
    def behind(self) -> int:
        """How many rows the view is scrolled back; 0 at the bottom."""
        return max(0, self.total - self.lines - self.offset)


class Personality(StrEnum):
    """Whose keys are sent; guests on a serial line are often told ``TERM=vt220``."""

    XTERM = "xterm"
    VT220 = "vt220"
    LINUX = "linux"


class Keyboard(NamedTuple):
    """How keys are sent where the guest cannot say it by its modes."""

    personality: Personality = Personality.XTERM
    erase: bytes = b""
    """What Backspace sends: DEL, ^H, or empty for what the user's own terminal sends."""


class TerminalCore(Protocol):
    """A terminal emulator.

    Not thread-safe: the caller serialises all calls but ``frame``, which only touches
    what the last ``capture`` copied and may run beside a ``feed``. ``capture`` and
    ``frame`` belong to one thread.

    Rows are counted from the oldest in the scrollback, as ``Frame.offset`` counts them.
    """

    keyboard: Keyboard
    """How keys are sent; may be set at any time."""

    @property
    def columns(self) -> int:
        """The grid's width in cells."""

    @property
    def lines(self) -> int:
        """The grid's height in cells."""

    @property
    def title(self) -> str:
        """The title that the guest set, sanitised; empty without one."""

    @property
    def alternate(self) -> bool:
        """True while a full-screen program has the screen."""

    def feed(self, data: bytes) -> None:
        """Take what the guest printed; never raises, whatever the bytes are."""

    def take_replies(self) -> bytes:
        """Take the answers to the guest's queries (cursor position, device attributes)."""

    def take_bells(self) -> int:
        """How often the bell rang since the last call."""

    def resize(self, columns: int, lines: int) -> None:
        """Change the grid; lines of the primary screen are wrapped anew."""

    def capture(self) -> None:
        """Copy the state that the next ``frame`` shows; fast."""

    def frame(self, *, full: bool = False) -> Frame:
        """Build the rows that changed up to the last ``capture``; all of them with ``full``."""

    def scroll(self, rows: int) -> None:
        """Move the view within the scrollback, negative towards the past."""

    def scroll_to_bottom(self) -> None:
        """Show the live screen again."""

    def key(self, key: str, character: str | None) -> bytes:
        """Encode a key press as the guest's modes want it; empty when it has no bytes.

        ``key`` is Textual's name of it (``ctrl+shift+up``), ``character`` what it types.
        """

    def paste(self, text: str) -> bytes:
        """Encode pasted text: control characters out, bracketed when the guest asked."""

    def wheel(self, up: bool, x: int, y: int) -> bytes:
        """Encode one notch of the mouse wheel; empty when the guest did not ask for it."""

    def text(self, first: int = 0, last: int | None = None) -> str:
        """Rows ``first`` to ``last`` (both included) as plain text, wrapped lines joined.

        By default the whole scrollback and the screen.
        """

    def row_texts(self, first: int = 0, last: int | None = None) -> list[str]:
        """The same rows one by one, blanks at their ends cut off; for ``core.find.Find``."""

    def close(self) -> None:
        """Free it; no other call may follow."""


def clamp_grid(columns: int, lines: int) -> tuple[int, int]:
    """A grid that every emulator can take."""
    return min(max(columns, MIN_COLUMNS), MAX_SIDE), min(max(lines, MIN_LINES), MAX_SIDE)


@lru_cache(maxsize=8192)
def clean_glyph(text: str, width: int) -> str:
    """A cell's text as it may reach the user's terminal: exactly ``width`` cells wide.

    Control characters, bidi controls, separators and lone zero-width characters become
    U+FFFD: Rich and Textual write a segment's text unfiltered.
    """
    if len(text) == 1:
        kind = category(text)
        if kind == "Zs":
            return " " * width
        if kind not in UNPRINTABLE and cell_len(text) == width:
            return text
        return "-" if text == "\xad" and width == 1 else REPLACEMENT.ljust(width)
    if cell_len(text) == width and not any(category(char) in UNPRINTABLE for char in text):
        return text
    return clean_glyph(text[:1] or " ", width)


def fit_run(text: str, width: int) -> str:
    """``text`` made exactly ``width`` cells wide; the last guard of a row's layout."""
    if text.isascii() and len(text) == width:
        return text
    have = cell_len(text)
    if have == width:
        return text
    if have < width:
        return text + " " * (width - have)
    return REPLACEMENT * width
