"""What a console's scrollback says in our own words, among the guest's."""

from __future__ import annotations

from tuivm.core.api import ConsoleState

LEAVE_ALTERNATE = b"\x1b[?1049l"
"""Ends a full-screen program's screen; only where there is one, it moves the cursor."""
RESET = b"\x1b[?1000;1002;1003;1004;1006;2004l\x1b[!p\x1b[0m"
"""Undoes what a guest that died left behind: mouse, paste and cursor modes, colours."""
BREAKS = {
    ConsoleState.ENDED: "stopped",
    ConsoleState.STOLEN: "somebody else took this console over",
    ConsoleState.FAILED: "the connection broke off",
}
"""What the scrollback says when the stream of bytes breaks off."""
RETURNS = {
    ConsoleState.ENDED: "started",
    ConsoleState.STOLEN: "taken back",
    ConsoleState.FAILED: "attached again after the connection was lost",
    ConsoleState.CLOSED: "attached again, what was printed meanwhile is missing",
}
"""What it says when the stream goes on, by what had ended it."""


def note(text: str) -> bytes:
    """A line of ours among the guest's, dim so that nobody takes it for the guest's."""
    return f"\r\n\x1b[0;2m-- {text} --\x1b[0m\r\n".encode()


class Story:
    """Follows a channel's states, and knows which of them are worth a line."""

    def __init__(self) -> None:
        self._gap: ConsoleState | None = None
        self._live = False

    def words(self, state: ConsoleState) -> str:
        """What the scrollback says of the next state; empty where it is no news."""
        if state is ConsoleState.ATTACHED:
            gap, self._gap, self._live = self._gap, None, True
            return "" if gap is None else RETURNS[gap]
        if state is ConsoleState.CLOSED:
            self._gap = state if self._live or self._gap is not None else None
            self._live = False
        elif state in BREAKS and self._live:
            self._gap, self._live = state, False
            return BREAKS[state]
        return ""
