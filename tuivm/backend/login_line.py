"""A console's bytes for pexpect: through a socket pair, without what only a screen wants.

The guest's output comes in on the backend's event thread, which must never wait; a script
reads it on a thread of its own. Escape sequences are taken out on the way, and the few
questions among them are answered: some shells wait for that before they read a line.
"""

from __future__ import annotations

import io
import re
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from pexpect import TIMEOUT
from pexpect.fdpexpect import fdspawn

from tuivm.core.api import ConsoleSink, ConsoleState
from tuivm.core.limiter import ReplyLimiter

READ_SIZE = 16 * 1024
MAX_QUEUED = 8 * 1024 * 1024
"""Bytes that may wait for the script; what a guest prints beyond that is dropped."""
SLICE = 0.2
"""Seconds between two looks whether the script is still wanted."""
TAIL = 2000
"""Characters of the newest output that are kept to explain a failure."""
BUFFER = 64 * 1024
"""Characters without a match that are kept to find one."""
MAX_HELD = 4096
"""Characters of an escape sequence that has no end."""
SCREEN = (24, 80)
"""Lines and columns of the screen that a serial line's guest is told of."""

_ESCAPE = re.compile(
    r"\x1b(?:\[(?P<csi>[0-?]*[ -/]*[@-~])|[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)|[ -/]+[0-~]|"
    r"(?P<one>[0-OQ-WYZ\\`-~]))"
)
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f]")
_PLACE = re.compile(r"(\d*);?(\d*)[Hf]")


class Stopped(Exception):
    """The console went away, or nobody wants the answer any more."""


class Feed(ConsoleSink):
    """Takes a console's output and states; never waits."""

    def __init__(self) -> None:
        self._ours, theirs = socket.socketpair()
        self._ours.setblocking(False)
        self.socket = theirs
        """Where the output can be read."""
        self.state = ConsoleState.ATTACHING
        """The last state told."""
        self.detail = ""
        self.changed = threading.Condition()
        """Told of every change of state."""
        self.lost = 0
        """Bytes that came faster than they were read, by far."""
        self._lock = threading.Lock()
        self._waiting: deque[bytes] = deque()
        self._size = 0

    def console_bytes(self, data: bytes) -> None:
        """Pass on what the guest printed; any thread."""
        with self._lock:
            if self._size > MAX_QUEUED:
                self.lost += len(data)
                return
            self._waiting.append(data)
            self._size += len(data)
            self._push()

    def console_state(self, state: ConsoleState, detail: str) -> None:
        """Take a change of state; any thread."""
        with self.changed:
            self.state, self.detail = state, detail
            self.changed.notify_all()

    def pump(self) -> None:
        """Put what waits into the socket, as far as it goes."""
        with self._lock:
            self._push()

    def _push(self) -> None:
        while self._waiting:
            data = self._waiting[0]
            try:
                sent = self._ours.send(data)
            except OSError:
                return
            self._size -= sent
            if sent < len(data):
                self._waiting[0] = data[sent:]
            else:
                self._waiting.popleft()

    def close(self) -> None:
        """Let go of both ends."""
        with self._lock:
            self._ours.close()
            self.socket.close()


class _Reader(fdspawn):  # type: ignore[type-arg]
    """pexpect's reader, over clean text."""

    def __init__(self, feed: Feed, answer: Callable[[bytes], None] | None) -> None:
        super().__init__(
            feed.socket.fileno(),
            encoding="utf-8",
            codec_errors="replace",
            maxread=READ_SIZE,
            use_poll=True,
        )
        self.delayafterread = None
        self.heard = 0
        self.tail = ""
        self._feed = feed
        self._answer = answer
        self._limiter = ReplyLimiter()
        self._held = ""
        self._place = (1, 1)

    def read_nonblocking(self, size: int = 1, timeout: Any = -1) -> str:
        self._feed.pump()
        raw: str = super().read_nonblocking(size, timeout)
        self.heard += len(raw)
        text = self._clean(raw)
        self.tail = (self.tail + text)[-TAIL:]
        return text

    def put(self, text: str) -> None:
        """Replace what is still to be matched."""
        # pexpect keeps it twice, and takes the longer one.
        for name in ("_buffer", "_before"):
            buffer = io.StringIO()
            buffer.write(text)
            setattr(self, name, buffer)

    def _clean(self, text: str) -> str:
        text = self._held + text
        self._held = ""
        if "\x1b" in text:
            text = self._without_escapes(text)
        return _CONTROLS.sub("", text)

    def _without_escapes(self, text: str) -> str:
        kept: list[str] = []
        start = 0
        while (at := text.find("\x1b", start)) >= 0:
            kept.append(text[start:at])
            match = _ESCAPE.match(text, at)
            if match is not None:
                self._escape(match["csi"] or "")
                start = match.end()
            elif len(text) - at < MAX_HELD:
                self._held = text[at:]
                return "".join(kept)
            else:
                start = at + 1
        return "".join([*kept, text[start:]])

    def _escape(self, csi: str) -> None:
        """Remember where a program put the cursor, and say so when it asks."""
        place = _PLACE.fullmatch(csi)
        if place is not None:
            self._place = (
                min(int(place[1] or 1), SCREEN[0]),
                min(int(place[2] or 1), SCREEN[1]),
            )
            return
        reply = ""
        if csi == "6n":
            # One that asks from afar (999;999) wants to know the screen's size.
            reply = f"\x1b[{self._place[0]};{self._place[1]}R"
            self._place = (1, 1)
        elif csi == "5n":
            reply = "\x1b[0n"
        elif csi in ("c", "0c"):
            reply = "\x1b[?1;2c"
        if reply and self._answer is not None and self._limiter.allow(len(reply)):
            self._answer(reply.encode())


class Sign(NamedTuple):
    """Something in the output that tells where the guest is."""

    pattern: re.Pattern[str]
    at_rest: bool = False
    """True when it counts only at the end of the output, once that has come to rest."""


class Line:
    """A script's end of a console. One thread."""

    def __init__(
        self,
        feed: Feed,
        write: Callable[[bytes], None],
        wanted: Callable[[], None],
        *,
        answers: bool,
        rest: float,
    ) -> None:
        """``wanted`` raises ``Stopped`` when it is over; ``answers`` replies to queries."""
        self._write = write
        self._wanted = wanted
        self._rest = rest
        self._reader = _Reader(feed, write if answers else None)

    @property
    def heard(self) -> int:
        """Characters that came from the guest so far."""
        return self._reader.heard

    @property
    def unfinished(self) -> str:
        """The newest line, when it has no end yet: a prompt, most likely."""
        return re.split(r"[\r\n]", self._reader.tail)[-1]

    @property
    def last_words(self) -> str:
        """The newest line that is not empty."""
        lines = [line.strip() for line in re.split(r"[\r\n]+", self._reader.tail)]
        return next((line for line in reversed(lines) if line), "")

    def send(self, text: str) -> None:
        """Type something."""
        self._wanted()
        self._write(text.encode())

    def forget(self) -> None:
        """What came so far is not to be matched any more."""
        self._reader.put("")

    def pause(self, seconds: float) -> None:
        """Wait, as long as that is wanted."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self._wanted()
            time.sleep(min(SLICE, left))

    def expect(self, signs: Sequence[Sign], seconds: float) -> int | None:
        """Wait for the first of some signs; None when none came. Raises ``Stopped``."""
        until = time.monotonic() + seconds
        while (found := self._next(signs, until)) is not None:
            if not signs[found].at_rest or self._at_rest():
                return found
        return None

    def line(self, seconds: float) -> str | None:
        """The next line with its end, or 4096 characters of a longer one; None when late."""
        found = self._next((Sign(_LINE),), time.monotonic() + seconds)
        return None if found is None else str(self._reader.after)

    def _next(self, signs: Sequence[Sign], until: float) -> int | None:
        patterns: list[Any] = [sign.pattern for sign in signs]
        while True:
            self._wanted()
            left = max(0.0, until - time.monotonic())
            found = int(self._reader.expect_list([*patterns, TIMEOUT], timeout=min(SLICE, left)))
            if found < len(patterns):
                return found
            if left <= 0:
                return None
            buffer = self._reader.buffer
            if len(buffer) > BUFFER:
                self._reader.put(buffer[-BUFFER // 2 :])

    def _at_rest(self) -> bool:
        """True when nothing follows what was just matched; else it is put back."""
        reader = self._reader
        matched = f"{reader.before}{reader.after}"
        until = time.monotonic() + self._rest
        if self._next((Sign(_ANYTHING),), until) is None:
            return True
        reader.put(matched + str(reader.buffer))
        return False


_ANYTHING = re.compile(r"(?=.)", re.DOTALL)
_LINE = re.compile(r"\A(?:[^\n]{0,4095}\n|[^\n]{4096})")


def wait_for_state(
    feed: Feed, states: Sequence[ConsoleState], wanted: Callable[[], None], seconds: float
) -> ConsoleState:
    """Wait until a console is in one of some states; the state that it is in then."""
    until = time.monotonic() + seconds
    with feed.changed:
        while feed.state not in states and (left := until - time.monotonic()) > 0:
            wanted()
            feed.changed.wait(min(SLICE, left))
        return feed.state
