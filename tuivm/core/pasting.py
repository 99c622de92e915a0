"""A paste in pieces that a serial port can take: its FIFO holds 16 bytes, and drops the rest."""

from __future__ import annotations

from typing import NamedTuple, Protocol, runtime_checkable

from tuivm.core.keycodes import PASTE_END, PASTE_START

PIECE = 16
"""Bytes sent at once: the FIFO of a 16550."""
GAP = 0.002
"""Seconds between two pieces: a port at 115200 baud takes 16 bytes in 1.4 ms."""
LINE_LIMIT = 4095
"""Bytes of one line that a Unix terminal takes while it edits lines; it drops what follows."""


@runtime_checkable
class Queueing(Protocol):
    """A channel that says how much of its input still waits on this side."""

    @property
    def pending(self) -> int:
        """Bytes that have not been sent yet."""


class Asked(NamedTuple):
    """What somebody wants to paste, as the question about it says it."""

    lines: int
    enters: int
    """How many of them end with Enter; without any there is nothing to ask."""
    first: str
    """The first line that has something in it."""
    longest: int
    """Bytes of the longest line."""


def look(text: str) -> Asked:
    """Count a text's lines."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    enters = len(lines) - 1
    longest = max(len(line.encode("utf-8", "replace")) for line in lines)
    first = next((line for line in lines if line.strip()), "")
    return Asked(enters + bool(lines[-1]), enters, first, longest)


class Pasting:
    """The bytes of one paste, handed out piece by piece."""

    def __init__(self, data: bytes, piece: int = PIECE) -> None:
        self._data = data
        self._piece = piece
        self.sent = 0
        """Bytes handed out."""
        self.total = len(data)
        """Bytes in all."""

    @property
    def done(self) -> bool:
        """True when nothing is left."""
        return self.sent >= len(self._data)

    @property
    def percent(self) -> int:
        """How much was handed out."""
        return 100 * self.sent // self.total if self.total else 100

    def next(self) -> bytes:
        """The next piece; empty at the end."""
        start = self.sent
        self.sent = min(start + self._piece, len(self._data))
        return self._data[start : self.sent]

    def stop(self) -> bytes:
        """Break off; gives what the guest still needs: a character's rest, the bracket's end."""
        start, data = self.sent, self._data
        self._data = data[:start]
        if start >= len(data):
            return b""
        body = len(data) - len(PASTE_END)
        bracketed = data.startswith(PASTE_START) and data.endswith(PASTE_END)
        if bracketed and start >= body:
            return data[start:]
        end = start
        while end < len(data) and data[end] & 0xC0 == 0x80:
            end += 1
        return data[start:end] + (PASTE_END if bracketed and start else b"")
