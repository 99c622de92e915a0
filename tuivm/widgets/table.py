"""The list of VMs: a ``View``'s rows drawn with the core's columns."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import ClassVar

from textual.message import Message
from textual.strip import Strip

from tuivm.core.arrangement import Arrangement
from tuivm.core.cells import Paint
from tuivm.core.columns import DECLARED, Layout, column_at, header_spans, layout, spans
from tuivm.core.glyphs import glyphs
from tuivm.core.grouping import Grouping, GroupKey
from tuivm.core.model import DomainKey
from tuivm.core.rows import Row
from tuivm.core.store import Store
from tuivm.core.view import View, ViewChange
from tuivm.widgets.listbox import Span, line_strip
from tuivm.widgets.roles import Palette
from tuivm.widgets.rows import RowsView, draw

CACHED_ROWS = 512
"""Painted rows that are kept; some screens full, so that paging back costs nothing."""


LEAST_PINNED = 2
"""Lines of rows up to which all of them are rows."""


class VmTable(RowsView):
    """One line a VM. The view owns order, marks and cursor; this only draws them."""

    HEADER_LINES: ClassVar[int] = 1

    class SortBy(Message):
        """A column's header was clicked."""

        def __init__(self, column_id: str) -> None:
            super().__init__()
            self.column_id = column_id

    def __init__(
        self,
        view: View,
        store: Store,
        *,
        ascii_only: bool = False,
        kept: Callable[[], Collection[DomainKey]] = tuple,
        spark: bool = True,
        arrangement: Arrangement = DECLARED,
        heading: Callable[[GroupKey], Sequence[Span]] = lambda group: (),
    ) -> None:
        """Draw ``view``; ``kept`` names the domains whose console stays attached.

        Without ``spark`` there are no sparklines. ``arrangement``: see ``show_columns``.
        ``heading`` says what stands in a group's header.
        """
        super().__init__(id="vms")
        self._kept = kept
        self._heading = heading
        self._spark = spark
        self.ascii = ascii_only
        self.empty: Sequence[Sequence[Span]] = ()
        """Lines shown instead of rows when there is none."""
        self._view = view
        self._store = store
        self._glyphs = glyphs(ascii_only)
        self._arrangement = arrangement
        self._layout: Layout = ()
        self._grown: dict[str, int] = {}
        self._refit = self._owed = False
        """Whether columns were fitted anew, and rows changed, since all was painted."""
        self._strips: dict[DomainKey, tuple[object, Strip]] = {}

    # -- changes -----------------------------------------------------------------------

    def changed(self, change: ViewChange) -> None:
        """Repaint after the view took a batch of changes."""
        rows = self._store.rows
        if self.fit_columns(rows[key] for key in change.changed_keys if key in rows):
            self._refit = True
        if not change.settled:
            self._owed |= bool(change.changed_keys)
            return
        refit, owed, self._refit, self._owed = self._refit, self._owed, False, False
        if refit or change.order_changed:
            self.reordered()
            return
        if owed:
            self.redraw()
            return
        if change.changed_keys:
            shown = self._view.lines[self.top : self.top + self.page]
            self.refresh_rows(
                self.top + place for place, line in enumerate(shown) if line in change.changed_keys
            )
        self.refresh_headings()

    def refresh_headings(self) -> None:
        """Repaint groups' headers on screen that read differently: a count, an age."""
        if self._view.lines is not self._view.keys:
            shown = self._view.lines[self.top : self.top + self.page]
            self.refresh_rows(
                self.top + place
                for place, line in enumerate(shown)
                if not place or isinstance(line, GroupKey)
            )

    def reordered(self) -> None:
        """Repaint after rows came, went or moved, with the cursor still in sight."""
        self.fit_columns(())
        self.scroll_rows(self.top)
        if not self.keep_in_sight():
            self.redraw()

    def fit_columns(self, rows: Iterable[Row]) -> bool:
        """Fit the columns to the width; True when they changed. They only ever grow."""
        width = self.size.width - 2
        if width <= 0:
            return False
        # Grouped by host, its header says it for all of its rows.
        hosts = () if self._view.grouping is Grouping.HOST else self._store.hosts
        new = layout(width, hosts, rows, self._grown, self._arrangement)
        if new == self._layout:
            return False
        self._layout = new
        self._strips.clear()
        return True

    def on_resize(self) -> None:
        """Share the new width afresh."""
        self._grown.clear()
        self.fit_columns(self._store.rows.values())

    def show_columns(self, arrangement: Arrangement) -> Layout:
        """Show the columns as they were chosen; returns those that have a place."""
        if arrangement != self._arrangement:
            self._arrangement = arrangement
            if self.fit_columns(self._store.rows.values()):
                self.redraw()
        return self._layout

    @property
    def columns(self) -> tuple[str, ...]:
        """Ids of the columns on screen, from left to right."""
        return tuple(column.id for column, _ in self._layout)

    # -- RowsView ----------------------------------------------------------------------

    def row_count(self) -> int:
        """See ``RowsView``."""
        return len(self._view.lines)

    def cursor_index(self) -> int | None:
        """See ``RowsView``."""
        return self._view.cursor_index

    def row_at(self, line: int) -> int:
        """See ``RowsView``; on the first line stands the header of the row that is there."""
        index, lines = self.top + line, self._view.lines
        if line == 0 and self._pins and index < len(lines):
            while index and not isinstance(lines[index], GroupKey):
                index -= 1
        return index

    @property
    def _pins(self) -> bool:
        """Whether a header stays in sight: in a table of two lines it would hide the cursor."""
        return self._view.lines is not self._view.keys and self.page > LEAST_PINNED

    def keep_in_sight(self) -> bool:
        """See ``RowsView``; the first line is no row's where a header stays on it."""
        scrolled = super().keep_in_sight()
        if not self._pins or self._view.cursor_index != self.top or self._view.header is not None:
            return scrolled
        return self.scroll_rows(self.top - 1) or scrolled

    def set_cursor(self, index: int) -> None:
        """See ``RowsView``."""
        self._view.move_to(index)

    def row_strip(self, index: int, width: int, styles: Palette) -> Strip:
        """See ``RowsView``; what is drawn depends on the row's version and its marks alone."""
        key = self._view.lines[index]
        if isinstance(key, GroupKey):
            return line_strip(self._heading(key), (), width, styles, self._glyphs.ellipsis)
        row = self._store.rows.get(key)
        if row is None:
            return Strip.blank(width)
        marked = key in self._view.marks
        kept = key in self._kept()
        wanted = (row.version, marked, kept, width, styles)
        found = self._strips.get(key)
        if found is not None and found[0] == wanted:
            return found[1]
        mark = (self._glyphs.mark, "mark") if marked else (" ", "")
        if kept:
            mark = (self._glyphs.kept, "mark" if marked else "accent")
        strip = draw(
            [mark, *spans(row, self._layout, Paint(self._glyphs, spark=self._spark))], width, styles
        )
        if len(self._strips) >= CACHED_ROWS:
            self._strips.pop(next(iter(self._strips)))
        self._strips[key] = (wanted, strip)
        return strip

    def header_strip(self, line: int, width: int, styles: Palette) -> Strip:
        """See ``RowsView``."""
        view = self._view
        pieces = header_spans(
            self._layout, view.sort_column, view.descending, Paint(self._glyphs, 0.0)
        )
        return draw([(" ", ""), *pieces], width, styles)

    def empty_strip(self, line: int, width: int, styles: Palette) -> Strip:
        """See ``RowsView``."""
        line -= 1
        if not 0 <= line < len(self.empty):
            return Strip.blank(width)
        return line_strip([Span("   "), *self.empty[line]], (), width, styles)

    def header_clicked(self, x: int) -> None:
        """See ``RowsView``."""
        column = column_at(self._layout, x - 1)
        if column is not None:
            self.post_message(self.SortBy(column.id))
