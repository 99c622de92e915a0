"""The grid of a terminal as a widget shows it: a window on it, its scrollback, what is marked.

Where the rows come from is its subclass's business.
"""

from __future__ import annotations

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from tuivm.core.selection import Place
from tuivm.core.session import ConsoleSession
from tuivm.core.terminal import Cursor, Frame
from tuivm.core.text import cell_width
from tuivm.widgets.dragging import Dragging
from tuivm.widgets.reading import Reading
from tuivm.widgets.roles import palette

WHEEL_ROWS = 3


class TerminalGrid(Widget):
    """Implements ``widgets.reading.Surface`` and ``widgets.dragging.Pad``."""

    class Changed(Message):
        """Another state, the first output, or another place in the scrollback."""

    class SearchAsked(Message):
        """The user wants to look for a text, towards the past with ``back``."""

        def __init__(self, back: bool) -> None:
            super().__init__()
            self.back = back

    class CopyOffered(Message):
        """The user copies this text."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Refused(Message):
        """Why something was not done."""

        def __init__(self, why: str) -> None:
            super().__init__()
            self.why = why

    def __init__(
        self,
        session: ConsoleSession,
        *,
        id: str | None = None,  # noqa: A002 - Textual's name
    ) -> None:
        super().__init__(id=id)
        self.session = session
        self.behind = 0
        """How many rows the view is scrolled back."""
        self.origin = self.total = 0
        """The first row of the grid, counted from the oldest there is, and how many there are."""
        self.reading = Reading(self)
        """What is looked for and selected; while it is on, keys go there."""
        self._dragging = Dragging(self)
        self._strips: list[Strip] = []
        self._cursor: Cursor | None = None
        self._top = 0
        self._left = 0
        self._panned = False

    def _wake_here(self) -> None:
        """See to it that what changed is drawn."""
        raise NotImplementedError

    # -- the window ----------------------------------------------------------------------

    def _move_window(self, frame: Frame) -> bool:
        """Keep the cursor in sight where the grid is larger than the widget."""
        cursor, size = frame.cursor, self.size
        if not size:
            # Out of sight: there is no window yet.
            return False
        top, left = self._top, self._left
        if cursor is not None and not self._panned:
            top = min(max(top, cursor.y - size.height + 1), cursor.y)
            left = min(max(left, cursor.x - size.width + 1), cursor.x)
        top = max(0, min(top, frame.lines - size.height))
        left = max(0, min(left, frame.columns - size.width))
        moved = (top, left) != (self._top, self._left)
        self._top, self._left = top, left
        return moved

    def render_line(self, y: int) -> Strip:
        """Textual's line API."""
        width = self.size.width
        row = y + self._top
        if row >= len(self._strips):
            return Strip.blank(width, self.rich_style)
        strip = self._strips[row]
        cursor = self._cursor
        if cursor is not None and cursor.visible and cursor.y == row and self.session.attached:
            strip = _with_cursor(strip, cursor.x)
        if self.reading.on:
            strip = self.reading.paint(strip, row + self.origin, palette(self.app))
        if self._left or strip.cell_length > width:
            strip = strip.crop(self._left, self._left + width)
        if strip.cell_length < width:
            strip = strip.extend_cell_length(width, self.rich_style)
        return strip

    @property
    def browsing(self) -> bool:
        """True while keys move through the scrollback instead of going to the guest."""
        return self.reading.on

    @property
    def page(self) -> int:
        """Rows that a page has: one less than there are."""
        return max(1, self.size.height - 1)

    @property
    def width(self) -> int:
        """The grid's columns."""
        return self._strips[0].cell_length if self._strips else self.session.grid[0]

    def place_at(self, x: int, y: int) -> Place:
        """The cell under a place of the widget."""
        column = min(max(x + self._left, 0), self.width - 1)
        return Place(self.origin + self._top + y, column)

    def first_cursor(self) -> Place:
        """The guest's cursor, if it is in sight, else the last row's first cell."""
        if self._cursor is not None:
            return Place(self.origin + self._cursor.y, self._cursor.x)
        return Place(self.origin + self._top + self.page, 0)

    def row_text(self, row: int) -> str:
        """What stands on a row of the grid as it is shown."""
        y = row - self.origin
        return self._strips[y].text.rstrip() if 0 <= y < len(self._strips) else ""

    # -- the scrollback ------------------------------------------------------------------

    def scroll_rows(self, rows: int) -> None:
        """Move through the scrollback, negative towards the past.

        Lines of the guest's screen that do not fit on ours come first.
        """
        hidden = len(self._strips) - self.size.height
        if not self.behind and hidden > 0 and (self._top if rows < 0 else hidden - self._top) > 0:
            self._top = max(0, min(self._top + rows, hidden))
            self._panned = self._top < hidden
            self.refresh()
            return
        self.session.scroll(rows)
        self._wake_here()

    def reveal(self, place: Place) -> None:
        """Bring a cell into sight."""
        lines, height = len(self._strips), self.size.height
        if not self.origin <= place.row < self.origin + lines:
            offset = max(0, min(place.row - lines // 2, self.total - lines))
            self.session.scroll(offset - self.origin)
            self.origin = offset
            self._wake_here()
        y = place.row - self.origin
        if not self._top <= y < self._top + height:
            self._top = max(0, min(y - height // 2, lines - height))
            self._panned = True
        if not self._left <= place.column < self._left + self.size.width:
            self._left = max(0, place.column - self.size.width // 2)
            self._panned = True

    def browse(self) -> None:
        """Let keys move through the scrollback until escape."""
        self.reading.begin()
        self.scroll_rows(-self.page)

    def to_bottom(self) -> None:
        """Show the live screen, and give the keys to the guest."""
        if self.reading.on:
            self.reading.end()
        elif self.behind or self._panned:
            self.go_live()

    def go_live(self) -> None:
        """Show the live screen."""
        self._panned = False
        self.behind = 0
        self.session.scroll_to_bottom()
        self._wake_here()
        self.read_on()

    def read_on(self) -> None:
        """Repaint, and tell whoever shows where the reader is."""
        self.refresh()
        self.post_message(self.Changed())

    def ask_search(self, back: bool) -> None:
        """Let the user type what to look for."""
        self.post_message(self.SearchAsked(back))

    def offer_copy(self, text: str) -> None:
        """Hand a text over for the clipboard."""
        self.post_message(self.CopyOffered(text))

    def refuse(self, why: str) -> None:
        """Say why something was not done."""
        self.post_message(self.Refused(why))

    # -- the mouse -----------------------------------------------------------------------

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """A selection may begin."""
        self._dragging.down(event)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """A selection may grow."""
        self._dragging.move(event)

    def on_mouse_up(self, event: events.MouseUp) -> None:
        """A selection is made."""
        self._dragging.up()

    def on_click(self, event: events.Click) -> None:
        """Two clicks select a word, three a line."""
        self._dragging.click(event)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """The guest's where it asked for the mouse, else through the scrollback."""
        self._wheel(event, up=True)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """The guest's where it asked for the mouse, else through the scrollback."""
        self._wheel(event, up=False)

    def _wheel(self, event: events.MouseEvent, *, up: bool) -> None:
        event.stop()
        event.prevent_default()
        mine = event.shift or self.behind
        if mine or not self.session.wheel(up, event.x + self._left, event.y + self._top):
            self.scroll_rows(-WHEEL_ROWS if up else WHEEL_ROWS)


def _with_cursor(strip: Strip, x: int) -> Strip:
    """The row with the cell at ``x`` reversed, both halves of a wide one."""
    cell = strip.crop(x, x + 2)
    first = cell.text[:1]
    width = 2 if first and cell_width(first) == 2 else 1
    marked = [
        Segment(text, (style or Style()) + Style(reverse=not (style and style.reverse)))
        for text, style, _control in strip.crop(x, x + width)
    ]
    rest = strip.crop(x + width)
    return Strip([*strip.crop(0, x), *marked, *rest], strip.cell_length)
