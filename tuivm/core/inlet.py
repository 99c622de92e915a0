"""What comes into a console session: bytes, changes of state, and the past, in order."""

from __future__ import annotations

from typing import NamedTuple

from tuivm.core.api import ConsoleState, PacedSink


class Change(NamedTuple):
    """A change of the channel's state, with its place among the bytes."""

    state: ConsoleState
    detail: str


class Past(NamedTuple):
    """What the guest printed before we listened; nobody answers it any more."""

    data: bytes
    source: str
    """Whence it comes, and until when, as the line below it says."""


class Inlet(PacedSink):
    """What one channel is given: it goes dead when its session leaves that channel."""

    def __init__(self, sink: PacedSink) -> None:
        self.sink: PacedSink | None = sink
        """None once the channel was left."""

    def console_bytes(self, data: bytes) -> None:
        """Pass on what the guest printed; called on the backend's event thread."""
        if (sink := self.sink) is not None:
            sink.console_bytes(data)

    def console_state(self, state: ConsoleState, detail: str) -> None:
        """Pass on a change of state; any thread."""
        if (sink := self.sink) is not None:
            sink.console_state(state, detail)

    @property
    def waiting(self) -> int:
        """Bytes that the session has not worked off."""
        return 0 if (sink := self.sink) is None else sink.waiting
