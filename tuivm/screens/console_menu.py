"""The lines of the console's menu that are about the console in sight."""

from __future__ import annotations

from collections.abc import Sequence

from tuivm.core.session import ConsoleSession
from tuivm.screens.menu import Choice


def choices(session: ConsoleSession) -> Sequence[Choice]:
    """The menu's lines; what cannot be done now says why."""
    away = "" if session.attached else "not attached"
    return (
        Choice("l", "Leave", "leave"),
        Choice("s", "Scrollback", "scrollback", detail="arrows, PgUp, PgDn, g, G; esc ends"),
        Choice("f", "Full screen", "full", away, "the bare terminal, byte by byte, until ^]"),
        Choice("]", "Send ^]", "literal", away),
        Choice("F", "Send F12", "f12", away, "or f12 again"),
    )
