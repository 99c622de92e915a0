"""The details beside the list on wide screens: they follow the cursor once it rests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.timer import Timer

from tuivm.screens.base import BaseScreen

if TYPE_CHECKING:
    from tuivm.screens.details_view import DetailsView

WIDE = 160
"""Columns from which on there is room for the pane."""
LIST_WIDTH = 112
"""Columns that the list takes beside the pane: all its columns, short of the title."""
REST = 0.15
"""Seconds that the cursor must rest before the pane shows its VM."""


class Pane:
    """Mounts, hides and steers the details view of the list's screen."""

    def __init__(self, screen: BaseScreen) -> None:
        self._screen = screen
        self._wanted = True
        self._widget: DetailsView | None = None
        self._timer: Timer | None = None

    @property
    def shown(self) -> bool:
        """Whether the pane is on screen."""
        return self._widget is not None

    def fit(self, width: int) -> None:
        """Show the pane where there is room for it and it is wanted."""
        if not self._fits(width):
            self._remove()
        else:
            if self._widget is not None:
                self._widget.styles.width = pane_width(width)
            self.follow()

    def toggle(self, width: int) -> bool:
        """Show or hide; False when there is no room."""
        if width < WIDE:
            return False
        self._wanted = not self._wanted
        self.fit(width)
        return True

    def follow(self) -> None:
        """Show the VM under the cursor, once it has rested there."""
        if not self._fits(self._screen.size.width):
            return
        key = self._screen.subject()
        if self._widget is not None and key == self._widget.key:
            return
        if self._timer is not None:
            self._timer.stop()
        self._timer = self._screen.set_timer(REST, self._show)

    def _fits(self, width: int) -> bool:
        return self._wanted and width >= WIDE

    def _show(self) -> None:
        self._timer = None
        body = self._screen.query_one_optional("#body")
        if body is None or not body.is_attached:
            return
        width = self._screen.size.width
        key = self._screen.subject()
        if not self._fits(width):
            self._remove()
        elif key is None:
            # On a group's header it stays: columns that jump with the cursor would be worse.
            if self._screen.context.view.header is None:
                self._remove()
        elif self._widget is not None:
            self._widget.show(key)
        else:
            from tuivm.screens.details_view import DetailsView

            self._widget = DetailsView(self._screen.context, key)
            self._widget.styles.width = pane_width(width)
            body.mount(self._widget)
        self._screen.tell_focus()

    def _remove(self) -> None:
        if self._widget is not None:
            self._widget.remove()
            self._widget = None


def pane_width(width: int) -> int:
    """Cells for the pane on a screen of that width: the list keeps what it needs."""
    return max(48, min(width // 2, width - LIST_WIDTH))
