"""Rows under a cursor, drawn a line at a time: the base of every list in the program.

Only what is on screen is ever drawn. A subclass says how many rows there are and draws
one; this class scrolls, keeps the cursor in sight, and repaints no row whose strip is the
same as the one that the terminal already shows.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from tuivm.widgets.roles import Palette, palette

WHEEL_ROWS = 3
"""Rows that one notch of the mouse wheel scrolls."""


class RowsView(Widget):
    """A scrolling list of one-line rows with a cursor and a fixed header."""

    HEADER_LINES: ClassVar[int] = 0
    """Lines above the rows that don't scroll."""

    DEFAULT_CSS = """
    RowsView { width: 1fr; height: 1fr; background: $background; }
    """

    class Moved(Message):
        """The cursor moved, or other rows came into sight."""

    class Opened(Message):
        """The row under the cursor was chosen with a double click."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.top = 0
        """Index of the first row on screen."""
        self.ascii = False
        """Draw with ASCII alone."""
        self._drawn: dict[int, Strip] = {}

    # -- for subclasses ----------------------------------------------------------------

    def row_count(self) -> int:
        """How many rows there are."""
        raise NotImplementedError

    def row_strip(self, index: int, width: int, styles: Palette) -> Strip:
        """Draw a row without its cursor, exactly ``width`` cells."""
        raise NotImplementedError

    def header_strip(self, line: int, width: int, styles: Palette) -> Strip:
        """Draw a line of the header."""
        return Strip.blank(width)

    def empty_strip(self, line: int, width: int, styles: Palette) -> Strip:
        """Draw a line of what stands in place of the rows when there is none."""
        return Strip.blank(width)

    def cursor_index(self) -> int | None:
        """The row under the cursor, or None when there is none."""
        raise NotImplementedError

    def set_cursor(self, index: int) -> None:
        """Put the cursor on a row that exists."""
        raise NotImplementedError

    def selectable(self, index: int) -> bool:
        """Whether the cursor may stand on a row; headings say no."""
        return True

    def row_at(self, line: int) -> int:
        """The row that is drawn on a line of the rows' part of the widget; it may be none."""
        return self.top + line

    # -- moving ------------------------------------------------------------------------

    @property
    def page(self) -> int:
        """Rows that fit on screen."""
        return max(1, self.size.height - self.HEADER_LINES)

    @property
    def shown(self) -> range:
        """Indices of the rows on screen."""
        return range(self.top, min(self.row_count(), self.top + self.page))

    def move(self, delta: int) -> None:
        """Move the cursor by rows, at most to the ends."""
        index = self.cursor_index()
        self.move_to((0 if index is None else index) + delta, 1 if delta > 0 else -1)

    def move_to(self, index: int, step: int = 1) -> None:
        """Move the cursor to a row; over rows that can't have it in the direction ``step``."""
        count = self.row_count()
        if not count:
            return
        index = min(max(index, 0), count - 1)
        for direction in (step, -step):
            found = index
            while 0 <= found < count and not self.selectable(found):
                found += direction
            if 0 <= found < count:
                break
        else:
            return
        before = self.cursor_index()
        if found == before:
            self.keep_in_sight()
            return
        self.set_cursor(found)
        if not self.keep_in_sight():
            self.refresh_rows([found] if before is None else [before, found])
        self.post_message(self.Moved())

    def keep_in_sight(self) -> bool:
        """Scroll as little as needed to show the cursor; True when it scrolled."""
        index = self.cursor_index()
        top = self.top
        if index is not None:
            if index < top:
                top = index
            elif index >= top + self.page:
                top = index - self.page + 1
        return self.scroll_rows(top)

    def scroll_rows(self, top: int) -> bool:
        """Make ``top`` the first row on screen, as far as the ends allow."""
        top = max(0, min(top, self.row_count() - self.page))
        if top == self.top:
            return False
        self.top = top
        self.redraw()
        return True

    # -- drawing -----------------------------------------------------------------------

    def redraw(self) -> None:
        """Repaint all lines that differ from what is on the screen."""
        self.refresh_lines_if_changed(range(self.size.height))

    def refresh_rows(self, indices: Iterable[int]) -> None:
        """Repaint the given rows where they are on screen and look different."""
        lines = (index - self.top + self.HEADER_LINES for index in indices)
        last = self.size.height
        self.refresh_lines_if_changed(y for y in lines if self.HEADER_LINES <= y < last)

    def refresh_lines_if_changed(self, lines: Iterable[int]) -> None:
        """Repaint lines of the widget, but only those that look different now."""
        width = self.size.width
        regions = [Region(0, y, width, 1) for y in lines if self._line(y) != self._drawn.get(y)]
        if regions:
            self.refresh(*regions)

    def render_line(self, y: int) -> Strip:
        """Textual's line API."""
        strip = self._drawn[y] = self._line(y)
        # Without colours of its own a strip shows the terminal's background, as it should
        # where the theme leaves that to the terminal.
        return strip if palette(self.app).ansi else strip.apply_style(self.rich_style)

    def _line(self, y: int) -> Strip:
        width = self.size.width
        styles = palette(self.app)
        if y < self.HEADER_LINES:
            return self.header_strip(y, width, styles)
        index = self.row_at(y - self.HEADER_LINES)
        if index >= self.row_count():
            if not self.row_count():
                return self.empty_strip(y - self.HEADER_LINES, width, styles)
            return Strip.blank(width)
        strip = self.row_strip(index, width, styles)
        if index == self.cursor_index():
            strip = lay_over(strip, styles.cursor)
        return self._with_thumb(strip, y, styles)

    def _with_thumb(self, strip: Strip, y: int, styles: Palette) -> Strip:
        """Draw the scroll bar's thumb into the last cell, where there is more than a page."""
        count, page = self.row_count(), self.page
        if count <= page or strip.cell_length < 2:
            return strip
        size = max(1, page * page // count)
        first = round((page - size) * self.top / (count - page))
        if not first <= y - self.HEADER_LINES < first + size:
            return strip
        thumb = Segment("#" if self.ascii else "▐", styles["dim"])
        return Strip([*strip.crop(0, strip.cell_length - 1), thumb], strip.cell_length)

    def notify_style_update(self) -> None:
        """Forget what was drawn: the theme may have changed."""
        super().notify_style_update()
        self._drawn.clear()

    # -- the mouse ---------------------------------------------------------------------

    def on_resize(self) -> None:
        """Keep the cursor in sight in the new size."""
        self._drawn.clear()
        self.scroll_rows(self.top)
        self.keep_in_sight()
        self.refresh()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Scroll without moving the cursor."""
        event.stop()
        if self.scroll_rows(self.top + WHEEL_ROWS):
            self.post_message(self.Moved())

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Scroll without moving the cursor."""
        event.stop()
        if self.scroll_rows(self.top - WHEEL_ROWS):
            self.post_message(self.Moved())

    def on_click(self, event: events.Click) -> None:
        """A click moves the cursor, a double click opens the row."""
        event.stop()
        if event.y < self.HEADER_LINES:
            self.header_clicked(event.x)
            return
        index = self.row_at(event.y - self.HEADER_LINES)
        if index >= self.row_count() or not self.selectable(index):
            return
        self.move_to(index)
        if event.chain == 2:
            self.post_message(self.Opened())

    def header_clicked(self, x: int) -> None:
        """A click on the header at cell ``x``."""


def lay_over(strip: Strip, style: Style) -> Strip:
    """A strip with a style over all its segments; what the style sets wins."""
    if style.color is not None or style.reverse:
        # One bar of one colour: over the terminal's own palette no mix is sure to be read.
        return Strip([Segment(strip.text, style)], strip.cell_length)
    return Strip(
        [Segment(text, style if old is None else old + style) for text, old, _ in strip],
        strip.cell_length,
    )


def draw(parts: Iterable[tuple[str, str]], width: int, styles: Palette) -> Strip:
    """A strip of exactly ``width`` cells from (text, role) pairs, with few style changes.

    Blanks take the style of what stands before them, since each change of style costs
    some 40 bytes on the wire.
    """
    segments: list[Segment] = []
    for text, role in parts:
        style = styles[role]
        if segments:
            last = segments[-1]
            if last.style is style or (not text.strip() and not _visible_blank(last.style)):
                segments[-1] = Segment(last.text + text, last.style)
                continue
        segments.append(Segment(text, style))
    return Strip(segments).adjust_cell_length(width)


def _visible_blank(style: Style | None) -> bool:
    return style is not None and bool(style.underline or style.reverse or style.strike)
