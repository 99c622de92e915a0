"""The signs that the program draws, in Unicode and in plain ASCII."""

from __future__ import annotations

from typing import NamedTuple

from tuivm.core.model import State
from tuivm.core.text import UNKNOWN


class Glyphs(NamedTuple):
    """One set of signs; each is one cell wide."""

    running: str = "●"
    paused: str = "‖"
    stopping: str = "◐"
    off: str = "○"
    crashed: str = "✗"
    suspended: str = "◑"
    unknown_state: str = "?"
    saved: str = "◌"
    mark: str = "▌"
    kept: str = "»"
    """A console that stays attached."""
    news: str = "*"
    """A console that printed something unseen."""
    opened: str = "▾"
    """A group whose rows are shown."""
    folded: str = "▸"
    sort_up: str = "▲"
    sort_down: str = "▼"
    ellipsis: str = "…"
    unknown: str = UNKNOWN
    at_least: str = "≥"
    dot: str = "·"
    yes: str = "✓"
    spark: str = "▁▂▃▄▅▆▇█"
    """Eight steps, lowest first."""

    def state(self, state: State) -> str:
        """Return a domain state's sign."""
        return getattr(self, _STATES[state])  # type: ignore[no-any-return]


_STATES = {
    State.RUNNING: "running",
    State.PAUSED: "paused",
    State.STOPPING: "stopping",
    State.OFF: "off",
    State.CRASHED: "crashed",
    State.SUSPENDED: "suspended",
    State.UNKNOWN: "unknown_state",
}
UNICODE = Glyphs()
ASCII = Glyphs(
    running="*",
    paused="=",
    stopping="/",
    off="o",
    crashed="x",
    suspended="z",
    unknown_state="?",
    saved="s",
    mark="#",
    kept=">",
    opened="-",
    folded="+",
    sort_up="^",
    sort_down="v",
    ellipsis="~",
    unknown="-",
    at_least=">",
    dot="|",
    yes="y",
    spark="_.:-=+*#",
)

ASCII_SIGNS = str.maketrans({"·": "|", "…": "~", "–": "-", "→": ">", "▲": "^"})  # noqa: RUF001
"""Translates our own texts for terminals without Unicode; every sign stays one cell wide."""


def glyphs(ascii: bool) -> Glyphs:  # noqa: A002 - the option's name
    """Return the signs to draw with."""
    return ASCII if ascii else UNICODE
