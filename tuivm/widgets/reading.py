"""Reading a console instead of typing into it: scrollback, search, and selection.

While this is on, keys move and mark; nothing of them reaches the guest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from tuivm.core.find import Find
from tuivm.core.selection import Place, Selection, Unit, column_of
from tuivm.core.terminal import Frame
from tuivm.core.text import cell_width
from tuivm.widgets.roles import Palette

if TYPE_CHECKING:
    from tuivm.core.session import ConsoleSession

FAR = 1 << 30
SCROLLS = {
    "pageup": (-1, 0),
    "pagedown": (1, 0),
    "up": (0, -1),
    "down": (0, 1),
    "k": (0, -1),
    "j": (0, 1),
    "home": (0, -FAR),
    "g": (0, -FAR),
    "end": (0, FAR),
    "G": (0, FAR),
}
"""Pages and rows that a key moves by."""
SIDEWAYS = {"left": -1, "h": -1, "right": 1, "l": 1, "0": -FAR, "dollar_sign": FAR}
"""Cells that a key moves the cursor by."""
MARKS = {"v": Unit.CELL, "space": Unit.CELL, "V": Unit.LINE, "w": Unit.WORD}
"""What a key selects from the cursor on."""


class Surface(Protocol):
    """What is read: ``widgets.terminal.TerminalView``."""

    session: ConsoleSession
    origin: int
    total: int

    @property
    def page(self) -> int:
        """Rows that a page has."""

    @property
    def width(self) -> int:
        """The grid's columns."""

    def first_cursor(self) -> Place:
        """Where the guest's cursor is, or the last row in sight."""

    def scroll_rows(self, rows: int) -> None:
        """Move through the scrollback."""

    def reveal(self, place: Place) -> None:
        """Bring a cell into sight."""

    def read_on(self) -> None:
        """Repaint, and tell whoever shows where the reader is."""

    def go_live(self) -> None:
        """Show the live screen."""

    def ask_search(self, back: bool) -> None:
        """Let the user type what to look for."""

    def offer_copy(self, text: str) -> None:
        """Hand a text over for the clipboard."""

    def refuse(self, why: str) -> None:
        """Say why something was not done."""


class Reading:
    """The state of reading one console."""

    def __init__(self, surface: Surface) -> None:
        self.on = False
        """True while keys are the reader's."""
        self.cursor: Place | None = None
        """The reader's own cursor; None while keys only scroll."""
        self.selection: Selection | None = None
        self.find: Find | None = None
        self._surface = surface
        self._back = True
        self._searched: tuple[int, int] = (0, 0)
        self._guard: tuple[int, str] | None = None
        self._total = 0

    # -- on and off ----------------------------------------------------------------------

    def begin(self, *, select: bool = False) -> None:
        """Take the keys; with ``select`` show a cursor to select with."""
        self.on = True
        if select and self.cursor is None:
            self._move_to(self._surface.first_cursor())
        self._surface.read_on()

    def end(self) -> None:
        """Give the keys back to the guest and show the live screen."""
        self.on = False
        self.cursor = self.selection = self.find = self._guard = None
        self._surface.go_live()

    def framed(self, frame: Frame) -> None:
        """The scrollback has another length; when it lost rows, places in it mean nothing."""
        shrunk, self._total = frame.total < self._total, frame.total
        if shrunk and self.on:
            self.selection = self._guard = None
            if self.cursor is not None:
                self.cursor = Place(min(self.cursor.row, frame.total - 1), self.cursor.column)
            if self.find is not None:
                self._search_again()

    # -- keys ----------------------------------------------------------------------------

    def key(self, key: str, character: str | None) -> None:
        """Do what a key means here; others mean nothing, and reach nobody."""
        if character in ("/", "?"):
            self._surface.ask_search(character == "/")
        elif key in ("n", "N"):
            self.step(back=self._back if key == "n" else not self._back)
        elif key in MARKS:
            self._mark(MARKS[key])
        elif key in ("y", "c", "enter"):
            self.copy()
        elif key in ("escape", "q"):
            self._back_out(key)
        elif key in SCROLLS:
            pages, rows = SCROLLS[key]
            self._by(pages * self._surface.page + rows)
        elif key in SIDEWAYS and self.cursor is not None:
            row, column = self.cursor
            column = min(max(column + SIDEWAYS[key], 0), self._surface.width - 1)
            self._move_to(Place(row, column))

    def _back_out(self, key: str) -> None:
        if key == "escape" and self.selection is not None:
            self.selection = self._guard = None
            self._surface.read_on()
        else:
            self.end()

    def _by(self, rows: int) -> None:
        if self.cursor is None:
            self._surface.scroll_rows(rows)
            return
        row = min(max(self.cursor.row + rows, 0), max(0, self._surface.total - 1))
        self._move_to(Place(row, self.cursor.column))

    def _move_to(self, place: Place) -> None:
        self.cursor = place
        if self.selection is not None:
            self.selection = self.selection._replace(head=place)
        self._surface.reveal(place)
        self._surface.read_on()

    # -- selection -----------------------------------------------------------------------

    def _mark(self, unit: Unit) -> None:
        if self.cursor is None:
            self._move_to(self._surface.first_cursor())
        cursor = self.cursor
        if cursor is None:
            return
        chosen = self.selection
        if chosen is not None and chosen.unit is unit:
            self.selection = self._guard = None
        elif chosen is not None:
            self.selection = chosen._replace(unit=unit)
        elif unit is not Unit.CELL or self.on:
            self.select(cursor, cursor, unit)
        self._surface.read_on()

    def select(self, anchor: Place, head: Place, unit: Unit = Unit.CELL) -> None:
        """Select from one place to another; keys are the reader's from now on."""
        fresh = self.selection is None or self.selection.anchor != anchor
        self.on = True
        self.cursor = head
        self.selection = Selection(anchor, head, unit)
        if fresh:
            self._guard = (anchor.row, self._row(anchor.row))
        self._surface.read_on()

    def copy(self) -> None:
        """Hand over what is selected, else the line under the cursor, and stop reading."""
        chosen = self.selection
        if chosen is None and self.cursor is not None:
            chosen = Selection(self.cursor, self.cursor, Unit.LINE)
        if chosen is None:
            self._surface.refuse("nothing is selected: v selects, arrows move")
            return
        if self._guard is not None and self._moved_away(*self._guard):
            self.selection = self._guard = None
            self._surface.refuse("those lines left the scrollback meanwhile: select again")
            self._surface.read_on()
            return
        first, last = chosen.first.row, chosen.last.row
        with self._surface.session.turn as core:
            if core is None:
                return
            rows, joined = core.row_texts(first, last), core.text(first, last)
        rows += [""] * (last - first + 1 - len(rows))
        text = chosen.text(rows, joined, self._surface.width)
        self.end()
        self._surface.offer_copy(text)

    def _moved_away(self, row: int, text: str) -> bool:
        # Rows of the screen change under the reader, and are copied as they are now.
        return row < self._total - self._surface.session.grid[1] and self._row(row) != text

    def _row(self, row: int) -> str:
        with self._surface.session.turn as core:
            rows = [] if core is None else core.row_texts(row, row)
        return rows[0] if rows else ""

    @property
    def chosen(self) -> str:
        """How much is selected, in words; empty without a selection."""
        selection = self.selection
        if selection is None:
            return ""
        lines = selection.last.row - selection.first.row + 1
        return f"{lines} lines" if lines > 1 else "1 line"

    # -- search --------------------------------------------------------------------------

    def search(self, needle: str, *, back: bool, origin: int) -> None:
        """Look for a text from a row on, towards the past with ``back``; empty ends it."""
        self._back = back
        self.find = None
        if needle:
            self.on = True
            self.find = Find(self._all_rows(), needle)
            self.find.begin(origin + 1 if back else origin)
            if back:
                self.find.step(-1)
            self._show_match()
        self._surface.read_on()

    def step(self, *, back: bool) -> None:
        """Go to the next match towards the past, or towards the present."""
        if self.find is None:
            self._surface.ask_search(back)
            return
        if self._searched != self._state():
            self._search_again()
        self.find.step(-1 if back else 1)
        self._show_match()
        self._surface.read_on()

    @property
    def back(self) -> bool:
        """True when ``n`` goes towards the past."""
        return self._back

    def _search_again(self) -> None:
        if self.find is not None:
            before, self.find = self.find, Find(self._all_rows(), self.find.needle)
            self.find.resume(before)

    def _all_rows(self) -> list[str]:
        self._searched = self._state()
        with self._surface.session.turn as core:
            return [] if core is None else core.row_texts()

    def _state(self) -> tuple[int, int]:
        return self._surface.session.seen, self._surface.total

    def _show_match(self) -> None:
        find = self.find
        if find is None or find.current is None:
            return
        match = find.matches[find.current]
        place = Place(match.line, column_of(self._row(match.line), match.start))
        if self.cursor is not None:
            self._move_to(place)
        else:
            self._surface.reveal(place)

    # -- drawing -------------------------------------------------------------------------

    def paint(self, strip: Strip, row: int, styles: Palette) -> Strip:
        """Lay matches, the selection and the cursor over a row."""
        if self.find is not None and (found := self.find.on_line(row)):
            text = strip.text
            for match, current in found:
                start, end = column_of(text, match.start), column_of(text, match.end)
                strip = _lay(strip, start, end, styles["find.current" if current else "find"])
        if self.selection is not None:
            span = self.selection.columns(row, strip.text, strip.cell_length)
            if span is not None:
                strip = _lay(strip, *span, styles.cursor)
        if self.cursor is not None and self.cursor.row == row:
            start, end = _cell(strip.text, self.cursor.column)
            strip = _lay(strip, start, end, Style(reverse=True, underline=True))
        return strip


def _cell(text: str, column: int) -> tuple[int, int]:
    """The columns of the cell at a column: two of a wide one."""
    if text.isascii():
        return column, column + 1
    at = 0
    for char in text:
        width = cell_width(char)
        if at <= column < at + width:
            return at, at + width
        at += width
    return column, column + 1


def _lay(strip: Strip, start: int, end: int, style: Style) -> Strip:
    """A style over some columns, whatever the guest's own is there."""
    end = min(end, strip.cell_length)
    if start >= end:
        return strip
    marked = [Segment(text, (own or Style()) + style) for text, own, _ in strip.crop(start, end)]
    return Strip([*strip.crop(0, start), *marked, *strip.crop(end)], strip.cell_length)
