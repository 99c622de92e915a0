"""What came into a console session and is not shown yet: bytes, states, and the past, in order."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from tuivm.core.api import ConsoleState
from tuivm.core.consolenotes import note

CHUNK = 64 * 1024
"""Bytes fed between two chances for the UI to take a frame."""
MAX_BYTES = 32 * 1024 * 1024
"""Bytes that may wait; a guest that prints faster than they are shown loses the rest."""


class Change(NamedTuple):
    """A change of the channel's state, with its place among the bytes."""

    state: ConsoleState
    detail: str


class Past(NamedTuple):
    """What the guest printed before we listened; nobody answers it any more."""

    data: bytes
    source: str
    """Whence it comes, and until when, as the line below it says."""


class Backlog:
    """A queue of them; its owner's lock is held for every call."""

    def __init__(self) -> None:
        self.size = 0
        """Bytes that wait."""
        self._items: deque[bytes | Change | Past] = deque()
        self._lost = 0

    def __len__(self) -> int:
        return len(self._items)

    def add(self, item: Change | Past) -> None:
        """Put it behind all that waits."""
        self._items.append(item)

    def add_bytes(self, data: bytes, *, wanted: bool) -> bool:
        """Put bytes behind all that waits; False where they are not ``wanted``, or too many."""
        if not wanted or self.size > MAX_BYTES:
            self._lost += len(data)
            return False
        self._items.append(data)
        self.size += len(data)
        return True

    def take(self) -> bytes | Change | Past:
        """The next bytes, about a chunk and up to what is no bytes, or that."""
        pieces: list[bytes] = []
        size = 0
        while self._items:
            head = self._items[0]
            if not isinstance(head, bytes):
                if pieces:
                    break
                self._items.popleft()
                return head
            if pieces and size + len(head) > CHUNK:
                break
            self._items.popleft()
            pieces.append(head)
            size += len(head)
        self.size -= size
        if self._lost and not self._items:
            pieces.append(note(f"{self._lost} bytes came too fast and are not shown"))
            self._lost = 0
        return b"".join(pieces)
