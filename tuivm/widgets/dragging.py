"""Selecting with the mouse: drag for cells, two clicks for a word, three for a line."""

from __future__ import annotations

from typing import Protocol

from textual import events

from tuivm.core.selection import Place, Unit, word_at
from tuivm.widgets.reading import Reading

LEFT = 1


class Pad(Protocol):
    """Where the mouse is used: ``widgets.terminal.TerminalView``."""

    reading: Reading

    @property
    def page(self) -> int:
        """Rows that a page has."""

    def place_at(self, x: int, y: int) -> Place:
        """The cell under a place of the widget."""

    def row_text(self, row: int) -> str:
        """What stands on a row in sight."""

    def scroll_rows(self, rows: int) -> None:
        """Move through the scrollback."""

    def capture_mouse(self, capture: bool = True) -> None:
        """Keep getting the mouse's events, wherever it goes."""

    def release_mouse(self) -> None:
        """The end of that."""


class Dragging:
    """Turns the mouse's events into a selection of ``pad.reading``."""

    def __init__(self, pad: Pad) -> None:
        self._pad = pad
        self._start: Place | None = None
        self._dragged = False

    def down(self, event: events.MouseDown) -> None:
        """A button goes down: with the left one a selection may begin."""
        if event.button == LEFT:
            self._start = self._pad.place_at(event.x, event.y)
            self._dragged = False

    def move(self, event: events.MouseMove) -> None:
        """The mouse moves: what is between is selected; beyond an edge it scrolls."""
        if self._start is None or event.button != LEFT:
            return
        pad = self._pad
        place = pad.place_at(event.x, min(max(event.y, 0), pad.page))
        if not self._dragged:
            if place == self._start:
                return
            self._dragged = True
            pad.capture_mouse()
        if event.y < 0 or event.y > pad.page:
            pad.scroll_rows(-1 if event.y < 0 else 1)
        pad.reading.select(self._start, place)

    def up(self) -> None:
        """The button goes up: what is selected stays."""
        if self._dragged:
            self._pad.release_mouse()
        self._start = None

    def click(self, event: events.Click) -> None:
        """Two clicks select the word, three the line."""
        if self._dragged or event.chain < 2 or event.button != LEFT:
            return
        pad = self._pad
        place = pad.place_at(event.x, event.y)
        if event.chain == 2:
            start, end = word_at(pad.row_text(place.row), place.column)
            pad.reading.select(Place(place.row, start), Place(place.row, end - 1))
        else:
            pad.reading.select(place, place, Unit.LINE)
