"""A list of ready-made lines with a cursor: menus, help, the host list, the event log."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import ClassVar, NamedTuple

from textual.strip import Strip

from tuivm.core.text import ELLIPSIS, cell_width, fit
from tuivm.widgets.roles import Palette
from tuivm.widgets.rows import RowsView, draw


class Span(NamedTuple):
    """A piece of a line: text and role."""

    text: str
    role: str = ""


class Line(NamedTuple):
    """One line of a ``ListBox``."""

    spans: tuple[Span, ...]
    key: str = ""
    """What the line stands for; identifies the line under the cursor across updates."""
    selectable: bool = True
    right: tuple[Span, ...] = ()
    """Shown at the right edge where there is room for it."""


class ListBox(RowsView):
    """Lines that are given whole; for at most some thousand of them."""

    DEFAULT_CSS = """
    ListBox { height: 1fr; }
    """

    def __init__(self, *, id: str | None = None, ascii_only: bool = False) -> None:  # noqa: A002
        super().__init__(id=id)
        self.ascii = ascii_only
        self.lines: Sequence[Line] = ()
        self._place: int | None = None

    def show(self, lines: Sequence[Line], *, follow_end: bool = False) -> None:
        """Replace the lines; the cursor stays on the line with the same key.

        Args:
            lines: What to show.
            follow_end: Keep the cursor on the last line when it was on the last line.
        """
        at_end = self._place is None or self._place >= len(self.lines) - 1
        old = self.selected
        self.lines = lines
        self._place = self._find(old, at_end and follow_end)
        self.scroll_rows(self.top)
        self.keep_in_sight()
        if self.is_mounted:
            self.redraw()

    def _find(self, old: Line | None, at_end: bool) -> int | None:
        count = len(self.lines)
        if not count:
            return None
        if at_end:
            return count - 1
        if old is not None and old.key:
            for index, line in enumerate(self.lines):
                if line.key == old.key:
                    return index
        start = min(self._place or 0, count - 1)
        for index in chain(range(start, count), range(start - 1, -1, -1)):
            if self.lines[index].selectable:
                return index
        return None

    @property
    def selected(self) -> Line | None:
        """The line under the cursor."""
        index = self._place
        return self.lines[index] if index is not None and index < len(self.lines) else None

    def keep_in_sight(self) -> bool:
        """See ``RowsView``; a heading right above the cursor comes into sight with it."""
        index = self._place
        while index and index <= self.top and not self.lines[index - 1].selectable:
            index -= 1
        if index is not None and index < self.top:
            return self.scroll_rows(index)
        return super().keep_in_sight()

    def row_count(self) -> int:
        """See ``RowsView``."""
        return len(self.lines)

    def cursor_index(self) -> int | None:
        """See ``RowsView``."""
        return self._place

    def set_cursor(self, index: int) -> None:
        """See ``RowsView``."""
        self._place = index

    def selectable(self, index: int) -> bool:
        """See ``RowsView``."""
        return self.lines[index].selectable

    def row_strip(self, index: int, width: int, styles: Palette) -> Strip:
        """See ``RowsView``."""
        line = self.lines[index]
        ellipsis = "~" if self.ascii else ELLIPSIS
        return line_strip(line.spans, line.right, width, styles, ellipsis)


class HeadedListBox(ListBox):
    """A ``ListBox`` under headings that stay."""

    HEADER_LINES: ClassVar[int] = 1

    def __init__(self, *, id: str | None = None, ascii_only: bool = False) -> None:  # noqa: A002
        super().__init__(id=id, ascii_only=ascii_only)
        self.header: tuple[Span, ...] = ()

    def header_strip(self, line: int, width: int, styles: Palette) -> Strip:
        """See ``RowsView``."""
        return line_strip(self.header, (), width, styles)


def line_strip(
    spans: Sequence[Span],
    right: Sequence[Span],
    width: int,
    styles: Palette,
    ellipsis: str = ELLIPSIS,
) -> Strip:
    """Draw spans from the left, cut with an ellipsis, and ``right`` where it fits whole."""
    room = width - 1
    used = sum(cell_width(span.text) for span in spans)
    wanted = sum(cell_width(span.text) for span in right)
    tail = right if right and used + wanted + 2 <= room else ()
    kept: list[tuple[str, str]] = []
    for span in spans:
        size = cell_width(span.text)
        if size > room:
            kept.append((fit(span.text, room, ellipsis=ellipsis), span.role))
            break
        kept.append((span.text, span.role))
        room -= size
    if tail:
        kept.append((" " * (width - 1 - used - wanted), ""))
        kept += [(span.text, span.role) for span in tail]
    return draw(kept, width, styles)
