"""A pager: long text with colours, search, horizontal scrolling and line selection.

Draws a line at a time and keeps the strips of lines it has drawn, so that a text of any
length opens at once and scrolls at the speed of the terminal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from rich.segment import Segment
from textual import events
from textual.cache import LRUCache
from textual.message import Message
from textual.selection import Selection
from textual.strip import Strip

from tuivm.core.find import Find
from tuivm.core.text import cell_width
from tuivm.core.xmltext import Span
from tuivm.widgets.roles import Palette
from tuivm.widgets.rows import RowsView, lay_over

Spans = Callable[[int], Iterable[Span]]
"""What the parts of a line are, by its index."""
STRIPS = 512
"""Drawn lines that are kept; a few screens full."""
STEP = 8
"""Cells that one press scrolls sideways."""


class TextView(RowsView):
    """Lines of text without a cursor; scrolling keys move the page."""

    DEFAULT_CSS = """
    TextView { margin: 0 0 0 1; }
    """

    class Changed(Message):
        """The place, the search or the selection is another one."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.lines: Sequence[str] = ()
        """What is shown, one string a line, sanitised."""
        self.left = 0
        """Cells scrolled to the right."""
        self.follow = False
        """Stay at the end as lines arrive, as long as the reader is there."""
        self.find: Find | None = None
        """The search of the moment."""
        self._spans: Spans | None = None
        self._width = 0
        self._strips: LRUCache[int, Strip] = LRUCache(STRIPS)
        self._anchor: int | None = None
        self._cursor: int | None = None
        self._stuck = True

    # -- content -----------------------------------------------------------------------

    def show(self, lines: Sequence[str], spans: Spans | None = None) -> None:
        """Replace the text; the place in it, the search and the selection are kept."""
        if lines == self.lines and (spans is None) == (self._spans is None):
            return
        at_end = self._stuck or not self.lines
        self.lines = lines
        self._spans = spans
        self._width = max(map(cell_width, lines), default=0)
        self._strips.clear()
        if self.find is not None:
            before, self.find = self.find, Find(lines, self.find.needle)
            self.find.resume(before)
        if self._cursor is not None and not lines:
            self.select(False)
        elif self._cursor is not None and self._anchor is not None:
            last = len(lines) - 1
            self._cursor, self._anchor = min(self._cursor, last), min(self._anchor, last)
        self.top = max(0, min(self.top, len(lines) - self.page))
        if self.follow and at_end:
            self.top = max(0, len(lines) - self.page)
        self.left = max(0, min(self.left, self._width - self.size.width))
        self.redraw()
        self.post_message(self.Changed())

    @property
    def at_end(self) -> bool:
        """True when the last line is in sight."""
        return self.top >= len(self.lines) - self.page

    # -- moving ------------------------------------------------------------------------

    def move(self, delta: int) -> None:
        """Scroll by lines; while selecting, move the selection's end."""
        if self._cursor is not None:
            super().move(delta)
            self._strips.clear()
            self.redraw()
            self.post_message(self.Changed())
        else:
            self.scroll_rows(self.top + delta)

    def move_to(self, index: int, step: int = 1) -> None:
        """Scroll to a line; while selecting, move the selection's end there."""
        if self._cursor is not None:
            super().move_to(index, step)
            self.redraw()
        else:
            self.scroll_rows(index)

    def scroll_rows(self, top: int) -> bool:
        """Make ``top`` the first line on screen, and say so."""
        moved = super().scroll_rows(top)
        self._stuck = self.at_end
        if moved:
            self.post_message(self.Changed())
        return moved

    def sideways(self, cells: int) -> None:
        """Scroll to the right, or to the left by a negative number."""
        left = max(0, min(self.left + cells, self._width - self.size.width + 1))
        if left != self.left:
            self.left = left
            self.redraw()
            self.post_message(self.Changed())

    # -- search ------------------------------------------------------------------------

    def search(self, needle: str) -> None:
        """Look for a text and go to the first match from here on; empty ends the search."""
        self.find = Find(self.lines, needle) if needle else None
        self._strips.clear()
        if self.find is not None:
            self.find.begin(self.top)
        self._show_match()

    def next_match(self, by: int) -> None:
        """Go to the next match, or to the one before by -1; around the end."""
        if self.find is None:
            return
        self.find.step(by)
        self._strips.clear()
        self._show_match()

    def _show_match(self) -> None:
        find = self.find
        if find is not None and find.current is not None:
            match = find.matches[find.current]
            if match.line not in self.shown:
                super().scroll_rows(match.line - self.page // 3)
            before = cell_width(self.lines[match.line][: match.start])
            after = cell_width(self.lines[match.line][: match.end])
            if before < self.left or after > self.left + self.size.width:
                self.left = 0 if after <= self.size.width else max(0, before - STEP)
            if self._cursor is not None:
                self._cursor = match.line
        self.redraw()
        self.post_message(self.Changed())

    # -- selection ---------------------------------------------------------------------

    @property
    def selecting(self) -> bool:
        """True while lines are being selected."""
        return self._cursor is not None

    def select(self, on: bool) -> None:
        """Begin to select lines at the current match or the first line, or stop."""
        if on and self.lines:
            find = self.find
            at = self.top
            if find is not None and find.current is not None:
                line = find.matches[find.current].line
                at = line if line in self.shown else at
            self._anchor = self._cursor = at
        else:
            self._anchor = self._cursor = None
        self.redraw()
        self.post_message(self.Changed())

    @property
    def selected(self) -> range:
        """Indices of the selected lines; empty without a selection."""
        if self._anchor is None or self._cursor is None:
            return range(0)
        first, last = sorted((self._anchor, self._cursor))
        return range(first, last + 1)

    def chosen(self) -> str:
        """Return what a copy takes: what the mouse marked, else the selected lines, else all."""
        if self.text_selection is not None:
            marked = self.text_selection.extract("\n".join(self.lines))
            if marked:
                return marked
        lines = [self.lines[index] for index in self.selected] or self.lines
        return "\n".join(lines)

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """Return what the mouse marked."""
        return selection.extract("\n".join(self.lines)), "\n"

    def selection_updated(self, selection: Selection | None) -> None:
        """Show what the mouse marks."""
        self.redraw()

    # -- drawing -----------------------------------------------------------------------

    def row_count(self) -> int:
        """As many rows as lines."""
        return len(self.lines)

    def cursor_index(self) -> int | None:
        """The moving end of the selection."""
        return self._cursor

    def set_cursor(self, index: int) -> None:
        """Move that end."""
        self._cursor = index

    def row_strip(self, index: int, width: int, styles: Palette) -> Strip:
        """Draw a line from the column on to which it is scrolled."""
        strip = self._strips.get(index)
        if strip is None:
            strip = self._strips[index] = self._draw(index, styles)
        strip = strip.crop(self.left, self.left + width).adjust_cell_length(width)
        if index in self.selected and index != self._cursor:
            strip = lay_over(strip, styles.cursor)
        return strip

    def _draw(self, index: int, styles: Palette) -> Strip:
        line = self.lines[index]
        roles: list[tuple[int, int, str]] = list(self._spans(index)) if self._spans else []
        if self.find is not None:
            for match, current in self.find.on_line(index):
                role = "find.current" if current else "find"
                roles.append((match.start, match.end, role))
        selection = self.text_selection
        if selection is not None and (span := selection.get_span(index)) is not None:
            end = len(line) if span[1] == -1 else span[1]
            roles.append((span[0], end, "find.current"))
        return Strip([Segment(text, styles[role]) for text, role in pieces(line, roles)])

    def _line(self, y: int) -> Strip:
        if self.text_selection is not None:
            self._strips.clear()
        return super()._line(y).apply_offsets(self.left, self.top + y)

    def notify_style_update(self) -> None:
        """Forget what was drawn: the theme may have changed."""
        super().notify_style_update()
        self._strips.clear()

    # -- events ------------------------------------------------------------------------

    def on_resize(self) -> None:
        """Keep the end in sight where it was followed."""
        at_end = self.follow and self._stuck
        super().on_resize()
        if at_end:
            self.scroll_rows(len(self.lines))
        self.post_message(self.Changed())

    def on_click(self, event: events.Click) -> None:
        """A click marks nothing and moves nothing: the mouse selects text by dragging."""
        event.stop()

    def on_mouse_scroll_right(self, event: events.MouseScrollRight) -> None:
        """Scroll sideways."""
        event.stop()
        self.sideways(STEP)

    def on_mouse_scroll_left(self, event: events.MouseScrollLeft) -> None:
        """Scroll sideways."""
        event.stop()
        self.sideways(-STEP)


def pieces(line: str, roles: Sequence[tuple[int, int, str]]) -> list[tuple[str, str]]:
    """Split a line into (text, role); where roles overlap, the later one wins."""
    if not roles:
        return [(line, "")] if line else []
    edges = {0, len(line)}
    for start, end, _ in roles:
        edges.add(min(max(start, 0), len(line)))
        edges.add(min(max(end, 0), len(line)))
    cuts = sorted(edges)
    found = [""] * (len(cuts) - 1)
    places = {cut: number for number, cut in enumerate(cuts)}
    for start, end, role in roles:
        first = places[min(max(start, 0), len(line))]
        last = places[min(max(end, 0), len(line))]
        found[first:last] = [role] * (last - first)
    merged: list[tuple[str, str]] = []
    for number, role in enumerate(found):
        text = line[cuts[number] : cuts[number + 1]]
        if merged and merged[-1][1] == role:
            merged[-1] = (merged[-1][0] + text, role)
        else:
            merged.append((text, role))
    return merged
