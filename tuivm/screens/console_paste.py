"""Pasting into consoles: asks about lines, then sends at a pace that a serial port can take."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable, Sequence

from tuivm.core.pasting import GAP, LINE_LIMIT, Asked, Pasting, Queueing
from tuivm.core.session import ConsoleSession
from tuivm.core.text import bytes_text, sanitise

SHOW_FROM = 256
"""Bytes from which the progress is shown."""


def question(asked: Asked, name: str, size: int) -> tuple[str, str]:
    """The question about a paste of several lines: its title and what will happen."""
    title = f"Paste {asked.lines} line{'s' * (asked.lines != 1)} into {name}"
    words = f"{bytes_text(size)}; each line end is an Enter: a shell runs line by line."
    if asked.longest > LINE_LIMIT:
        words += (
            f"\nThe longest line has {asked.longest} bytes; "
            f"a guest that edits lines keeps {LINE_LIMIT} of them."
        )
    return title, words + "\nThe first one:"


def first_line(asked: Asked) -> str:
    """The first line of a paste, as it may be shown."""
    return sanitise(asked.first, 200)


class Pump:
    """Sends one text to one or more sessions, piece by piece. UI thread."""

    def __init__(
        self,
        sessions: Sequence[ConsoleSession],
        text: str,
        told: Callable[[], None],
    ) -> None:
        """``told`` is called as it goes on, and at the end; ``running`` says which."""
        self._told = told
        self._loop = asyncio.get_running_loop()
        self._context = contextvars.copy_context()
        self._parts: list[tuple[ConsoleSession, Pasting]] = []
        for session in sessions:
            with session.turn as core:
                data = b"" if core is None else core.paste(text)
            self._parts.append((session, Pasting(data)))
        self._timer: asyncio.TimerHandle | None = None
        self._shown = -1
        self.broken = False
        """True when it ended before all was sent."""

    @property
    def running(self) -> bool:
        """True until the last byte was sent or somebody stopped it."""
        return self._timer is not None

    @property
    def long(self) -> bool:
        """True when it takes so long that its progress is worth a look."""
        return self.total >= SHOW_FROM

    @property
    def percent(self) -> int:
        """How much was sent."""
        return min((part.percent for _, part in self._parts), default=100)

    @property
    def sent(self) -> int:
        """Bytes sent to the slowest."""
        return min((part.sent for _, part in self._parts), default=0)

    @property
    def total(self) -> int:
        """Bytes in all, for one session."""
        return max((part.total for _, part in self._parts), default=0)

    def start(self) -> None:
        """Send the first piece now."""
        self._step()

    def stop(self) -> None:
        """Break it off; a bracket that was opened is closed."""
        if self._timer is None:
            return
        self._timer.cancel()
        self._timer = None
        self.broken = True
        for session, part in self._parts:
            session.write(part.stop())

    def _step(self) -> None:
        self._timer = None
        busy = False
        for session, part in self._parts:
            if part.done:
                continue
            channel = session.channel
            if isinstance(channel, Queueing) and channel.pending:
                busy = True
            elif session.write(part.next()):
                busy = busy or not part.done
            else:
                self.broken = True
                part.stop()
        if busy:
            self._timer = self._loop.call_later(GAP, self._step, context=self._context)
        if not busy or self.percent != self._shown:
            self._shown = self.percent
            self._told()
