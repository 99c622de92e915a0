"""One-line bars: text at the left, text at the right, parts that can be clicked.

A bar repaints only when its text changed, and then only itself: over a slow line every
byte counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from tuivm.core.text import cell_width, fit
from tuivm.widgets.roles import palette


class Part(NamedTuple):
    """A piece of a bar."""

    text: str
    role: str = ""
    action: str = ""
    """An action id: a click on the piece asks for it."""


class Bar(Widget):
    """A line of parts; what doesn't fit is cut at the left group's end, never wrapped."""

    DEFAULT_CSS = """
    Bar { height: 1; width: 1fr; background: $background; }
    """

    class Pressed(Message):
        """A part with an action was clicked."""

        def __init__(self, action: str) -> None:
            super().__init__()
            self.action = action

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.left: tuple[Part, ...] = ()
        """What is shown from the left edge on."""
        self.right: tuple[Part, ...] = ()
        """What is shown up to the right edge; it gives way to nothing."""

    def show(self, left: Iterable[Part], right: Iterable[Part] = ()) -> None:
        """Replace the text; repaints only when it differs."""
        parts = (tuple(left), tuple(right))
        if parts != (self.left, self.right):
            self.left, self.right = parts
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """Textual's line API: the whole bar is line 0."""
        width = self.size.width
        right = _cut(self.right, width)
        room = width - _width(right)
        left = _cut(self.left, max(0, room - 1 if right else room))
        gap = room - _width(left)
        styles = palette(self.app)
        segments = [Segment(part.text, _style(styles[part.role], part.action)) for part in left]
        segments.append(Segment(" " * gap))
        segments += [Segment(part.text, _style(styles[part.role], part.action)) for part in right]
        strip = Strip(segments, width).simplify()
        return strip if styles.ansi else strip.apply_style(self.rich_style)

    def on_click(self, event: events.Click) -> None:
        """Turn a click on a part into its action."""
        action = event.style.meta.get("part")
        if isinstance(action, str):
            event.stop()
            self.post_message(self.Pressed(action))


def _style(style: Style, action: str) -> Style:
    return style + Style(meta={"part": action}) if action else style


def _width(parts: Sequence[Part]) -> int:
    return sum(cell_width(part.text) for part in parts)


def _cut(parts: Sequence[Part], width: int) -> list[Part]:
    """The parts that fit, the last one shortened with an ellipsis."""
    kept: list[Part] = []
    for part in parts:
        size = cell_width(part.text)
        if size > width:
            if width > 0:
                kept.append(part._replace(text=fit(part.text, width)))
            break
        kept.append(part)
        width -= size
    return kept
