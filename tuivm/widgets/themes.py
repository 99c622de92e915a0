"""The program's own themes: the terminal's sixteen colours on the terminal's own background.

They look at home in every terminal, follow its palette, and cost the fewest bytes. Textual's
themes can be chosen instead; those paint their own background.
"""

from __future__ import annotations

from collections.abc import Mapping

from textual.theme import Theme

DARK, LIGHT = "tuivm", "tuivm-light"
_SHARED = {
    "border": "ansi_bright_black",
    "border-blurred": "ansi_bright_black",
    "input-cursor-background": "ansi_default",
    "input-cursor-foreground": "ansi_default",
    "input-cursor-text-style": "reverse",
    "scrollbar": "ansi_bright_black",
    "scrollbar-background": "ansi_default",
}


def _theme(name: str, dark: bool, primary: str, accent: str, warning: str) -> Theme:
    return Theme(
        name=name,
        ansi=True,
        dark=dark,
        primary=primary,
        secondary="ansi_cyan",
        accent=accent,
        warning=warning,
        error="ansi_bright_red" if dark else "ansi_red",
        success="ansi_green",
        foreground="ansi_default",
        background="ansi_default",
        surface="ansi_default",
        panel="ansi_default",
        boost="ansi_default",
        variables={
            **_SHARED,
            "ansi-background": "ansi_black" if dark else "ansi_white",
            "ansi-foreground": "ansi_white" if dark else "ansi_black",
            "block-cursor-background": "ansi_blue",
            "block-cursor-foreground": "ansi_bright_white",
            "input-selection-background": "ansi_blue",
            "input-selection-foreground": "ansi_bright_white",
            "screen-selection-background": "ansi_blue",
            "screen-selection-foreground": "ansi_bright_white",
        },
    )


THEMES = (
    _theme(DARK, True, "ansi_bright_blue", "ansi_cyan", "ansi_yellow"),
    _theme(LIGHT, False, "ansi_blue", "ansi_magenta", "ansi_red"),
)


def default_theme(environment: Mapping[str, str]) -> str:
    """The theme that suits the terminal, as far as the environment tells.

    ``COLORFGBG`` (rxvt, konsole and others) ends with the background's colour number.
    """
    background = environment.get("COLORFGBG", "").rpartition(";")[2]
    return LIGHT if background in ("7", "15") else DARK
