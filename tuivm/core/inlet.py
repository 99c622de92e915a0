"""What a console's channel is given to put its bytes into."""

from __future__ import annotations

from tuivm.core.api import ConsoleState, PacedSink


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
