"""What a raw console needs to know of the bytes it passes on: when to leave, what to undo."""

from __future__ import annotations

import re
from collections.abc import Iterable
from string import ascii_lowercase

from tuivm.core.keys import key_label

LEAVE_BYTE = b"\x1d"
"""ctrl+], as ``virsh console`` has it; ctrl+5 sends the same byte."""
LEAVE_LABEL = "ctrl+]"
CONTROL_BYTES = {letter: bytes([ord(letter) & 0x1F]) for letter in ascii_lowercase} | {
    "right_square_bracket": LEAVE_BYTE,
    "5": LEAVE_BYTE,
    "backslash": b"\x1c",
    "4": b"\x1c",
    "circumflex_accent": b"\x1e",
    "6": b"\x1e",
    "underscore": b"\x1f",
    "7": b"\x1f",
}
"""What ctrl with a key sends; the digits are what other layouts have in the same place."""
ON_BY_DEFAULT = frozenset({7, 25})
"""Private modes that terminals start with: autowrap, a visible cursor."""
KEPT = frozenset({3, 40, 2026})
"""Modes that are not worth undoing: 132 columns would clear the screen."""
MAX_MODES = 64
MAX_HELD = 64

_MARKER = 6
_OUTPUT = re.compile(rb"\x1b\[\?([0-9;]{1,60})([hl])|\x1b\[[0-9]+;[0-9]*r")
_UNFINISHED = re.compile(rb"\x1b(?:\[\??[0-9;]*)?\Z")


def leave_key(keys: Iterable[str]) -> tuple[bytes, str]:
    """The byte that leaves, and its key as people write it.

    Of these keys, named as ``core.keys`` has them, it is the first for which a terminal
    sends a single control character; where none is one, ctrl+].
    """
    for key in keys:
        head, _, last = key.rpartition("+")
        if head == "ctrl" and last in CONTROL_BYTES:
            return CONTROL_BYTES[last], key_label(key)
    return LEAVE_BYTE, LEAVE_LABEL


class LeaveScanner:
    """Finds the leave key anywhere in what is typed, though not inside a bracketed paste.

    Every byte before it is passed on at once: an ESC must not wait for what may follow.
    """

    def __init__(self, leave: bytes = LEAVE_BYTE) -> None:
        self._wanted = re.compile(rb"\x1b\[200~|\x1b\[201~|" + re.escape(leave))
        self._tail = b""
        self._pasting = False

    def feed(self, data: bytes) -> tuple[bytes, bool]:
        """What to send on, and whether the leave key was in it."""
        seen = self._tail + data
        fresh = len(self._tail)
        for match in self._wanted.finditer(seen):
            if match.end() <= fresh:
                continue
            if match[0] == b"\x1b[200~":
                self._pasting = True
            elif match[0] == b"\x1b[201~":
                self._pasting = False
            elif not self._pasting:
                return seen[fresh : match.start()], True
        self._tail = seen[1 - _MARKER :]
        return data, False


class ModeTracker:
    """Remembers what the guest switched on the user's terminal, to switch it back."""

    def __init__(self) -> None:
        self._changed: set[int] = set()
        self._region = False
        self._held = b""

    def feed(self, data: bytes) -> None:
        """Take what is written to the terminal."""
        data = self._held + data
        if b"\x1b" not in data:
            self._held = b""
            return
        for match in _OUTPUT.finditer(data):
            if match[1] is None:
                self._region = True
                continue
            for text in match[1].split(b";"):
                self._switch(int(text or b"0"), match[2] == b"h")
        tail = _UNFINISHED.search(data, max(0, len(data) - MAX_HELD))
        self._held = data[tail.start() :] if tail is not None else b""

    def _switch(self, mode: int, on: bool) -> None:
        if mode in KEPT:
            return
        if on == (mode in ON_BY_DEFAULT):
            self._changed.discard(mode)
        elif len(self._changed) < MAX_MODES:
            self._changed.add(mode)

    def undo(self) -> bytes:
        """What brings the terminal back: modes, margins, colours, character set, keypad."""
        off = sorted(self._changed - ON_BY_DEFAULT)
        on = sorted(self._changed & ON_BY_DEFAULT)
        parts = [b"\x1b[?%dl" % mode for mode in off] + [b"\x1b[?%dh" % mode for mode in on]
        if self._region:
            parts.append(b"\x1b7\x1b[r\x1b8")
        return b"".join(parts) + b"\x1b[0m\x1b(B\x0f\x1b[4l\x1b>"
