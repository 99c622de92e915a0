"""A screen that is one list: moving the cursor is the same everywhere."""

from __future__ import annotations

from textual import on

from tuivm.screens.base import BaseScreen
from tuivm.widgets.rows import RowsView


class RowScreen(BaseScreen):
    """Gives the ``nav.*`` actions to the one ``RowsView`` of the screen."""

    @property
    def rows_view(self) -> RowsView:
        """The list that the cursor moves in."""
        return self.query_one(RowsView)

    def do_nav_down(self) -> None:
        """A row down."""
        self.rows_view.move(1)

    def do_nav_up(self) -> None:
        """A row up."""
        self.rows_view.move(-1)

    def do_nav_first(self) -> None:
        """To the first row."""
        self.rows_view.move_to(0)

    def do_nav_last(self) -> None:
        """To the last row."""
        self.rows_view.move_to(self.rows_view.row_count() - 1, -1)

    def do_nav_page_down(self) -> None:
        """A page down."""
        self.rows_view.move(self.rows_view.page)

    def do_nav_page_up(self) -> None:
        """A page up."""
        self.rows_view.move(-self.rows_view.page)

    def do_nav_half_down(self) -> None:
        """Half a page down."""
        self.rows_view.move(max(1, self.rows_view.page // 2))

    def do_nav_half_up(self) -> None:
        """Half a page up."""
        self.rows_view.move(-max(1, self.rows_view.page // 2))

    def cursor_moved(self) -> None:
        """The cursor moved, or other rows came into sight."""

    def row_opened(self) -> None:
        """A row was double-clicked."""

    @on(RowsView.Moved)
    def _rows_moved(self) -> None:
        self.cursor_moved()
        self.tell_focus()

    @on(RowsView.Opened)
    def _rows_opened(self) -> None:
        self.row_opened()
