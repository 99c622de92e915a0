"""Roles to styles: the core names a cell's role, the theme gives it a colour.

Roles are words (``state.running``, ``dim``); a role ``a.b`` that has no style of its own
takes that of ``a``. Only theme variables are named here, never colours, so that light,
16-colour and user themes stay readable.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from rich.style import Style
from rich.text import Text
from textual.app import App
from textual.color import Color, ColorParseError
from textual.theme import Theme


class Look(NamedTuple):
    """How a role is drawn: a theme variable and attributes."""

    color: str = ""
    bold: bool = False
    italic: bool = False
    underline: bool = False
    reverse: bool = False


COLOUR = "colour"
"""``colour.red`` and so on: a colour that the user gave to something."""
MUTED = "foreground-muted"
"""The theme variable of text that steps back."""

LOOKS: dict[str, Look] = {
    "": Look(),
    "strong": Look(bold=True),
    "dim": Look(MUTED),
    "good": Look("text-success"),
    "warn": Look("text-warning"),
    "bad": Look("text-error", bold=True),
    "alarm": Look("text-error", bold=True, reverse=True),
    "accent": Look("text-accent"),
    "title": Look("text-primary", bold=True),
    "key": Look("text-accent", bold=True),
    "label": Look(MUTED),
    "mark": Look("text-warning", bold=True),
    "pending": Look("text-accent", italic=True),
    "spark": Look("text-success"),
    "header": Look(MUTED, bold=True),
    "header.sort": Look("text-primary", bold=True),
    "view": Look(MUTED),
    "view.on": Look("text-primary", bold=True, underline=True),
    "banner": Look("text-warning", bold=True),
    "state.running": Look("text-success"),
    "state.paused": Look("text-warning"),
    "state.stopping": Look("text-warning"),
    "state.suspended": Look("text-warning"),
    "state.off": Look(MUTED),
    "state.crashed": Look("text-error", bold=True),
    "state.fault": Look("text-error", bold=True),
    "state.unknown": Look(MUTED),
    "stale": Look(MUTED, italic=True),
    "section": Look("text-primary", bold=True),
    "find": Look("text-warning", underline=True),
    "find.current": Look("text-warning", bold=True, reverse=True),
    "xml.tag": Look("text-primary"),
    "xml.attr": Look("text-accent"),
    "xml.value": Look("text-success"),
    "xml.text": Look(bold=True),
    "xml.hidden": Look("text-warning", italic=True),
    "xml.comment": Look(MUTED, italic=True),
    "chart.first": Look("text-success"),
    "chart.second": Look("text-warning"),
}
"""Every role that the core and the widgets use."""


class Palette:
    """The styles of one theme, each made when it is first asked for."""

    def __init__(self, theme: Theme, mono: bool = False) -> None:
        self._variables = theme.to_color_system().generate()
        self.ansi = theme.ansi
        """True when the theme leaves colours and background to the terminal."""
        self._mono = mono
        self._dark = theme.dark
        self._styles: dict[str, Style] = {}
        self.cursor = self._cursor_style()
        """Laid over the row under the cursor."""

    def __getitem__(self, role: str) -> Style:
        style = self._styles.get(role)
        if style is None:
            style = self._styles[role] = self._make(role)
        return style

    def _color(self, variable: str) -> Color | None:
        try:
            return Color.parse(self._variables.get(variable, ""))
        except ColorParseError:
            return None

    def _cursor_style(self) -> Style:
        background, primary = self._color("background"), self._color("primary")
        if self._mono or background is None or primary is None:
            return Style(reverse=True)
        if self.ansi:
            cursor = self._color("block-cursor-background")
            text = self._color("block-cursor-foreground")
            if cursor is None or text is None or cursor == background:
                return Style(reverse=True)
            return Style(color=text.rich_color, bgcolor=cursor.rich_color, dim=False)
        return Style(bgcolor=background.blend(primary, 0.3, 1).rich_color)

    def _own(self, name: str) -> Style:
        """One of the terminal's own colours, in the shade that shows on the background."""
        try:
            color = Color.parse(f"ansi_bright_{name}" if self._dark else f"ansi_{name}")
        except ColorParseError:
            return Style()
        return Style(color=color.rich_color, bold=True)

    def _make(self, role: str) -> Style:
        kind, _, name = role.partition(".")
        if kind == COLOUR:
            return self._own(name)
        found = role
        while found and found not in LOOKS:
            found = found.rpartition(".")[0]
        look = LOOKS[found]
        muted = look.color == MUTED
        color = None if (muted and self.ansi) or not look.color else self._color(look.color)
        background = self._color("background")
        if color is not None and color.a < 1 and background is not None:
            color = background.blend(color, color.a, 1)
        return Style(
            color=None if color is None else color.rich_color,
            bold=look.bold or None,
            dim=(muted and self.ansi) or None,
            underline=look.underline or None,
            italic=look.italic or None,
            reverse=look.reverse or None,
        )


_PALETTES: dict[tuple[str, bool], Palette] = {}


def palette(app: App[object]) -> Palette:
    """The palette of the app's present theme."""
    theme = app.current_theme
    mono = app.no_color or app.console.color_system is None
    found = _PALETTES.get((theme.name, mono))
    if found is None:
        found = _PALETTES[theme.name, mono] = Palette(theme, mono)
    return found


def role_text(app: App[object], parts: Iterable[tuple[str, str]]) -> Text:
    """Text for a ``Static`` from (text, role) pairs; nothing in it is read as markup."""
    styles = palette(app)
    text = Text(no_wrap=False)
    for part, role in parts:
        text.append(part, styles[role])
    return text
