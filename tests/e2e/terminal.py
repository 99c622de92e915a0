"""The real program in a real pty, seen through a terminal emulator.

``Terminal`` runs a program, feeds its output to an emulator, answers the questions that a
terminal answers, and tells what is on screen. Nothing in it sleeps for luck: every wait is
for a condition, with a deadline.
"""

from __future__ import annotations

import os
import re
import select
import signal
import sys
import termios
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from ptyprocess import PtyProcess  # type: ignore[import-untyped]
from pyghostty import Terminal as Emulator

KEYS = {
    "enter": "\r",
    "escape": "\x1b",
    "tab": "\t",
    "space": " ",
    "backspace": "\x7f",
    "up": "\x1b[A",
    "down": "\x1b[B",
    "right": "\x1b[C",
    "left": "\x1b[D",
    "home": "\x1b[H",
    "end": "\x1b[F",
    "pageup": "\x1b[5~",
    "pagedown": "\x1b[6~",
    "f12": "\x1b[24~",
}
SCALE = float(os.environ.get("TUIVM_TEST_PATIENCE", "1"))
"""Multiplies every deadline: for machines slower than any that these were written on."""
PATIENCE = 30.0
"""Seconds that a wait lasts at most where a test does not say how soon something has to be."""
ESCAPE_DELAY = 0.2
"""Seconds after which Textual takes a lone escape for the key, and some."""
FRAME_BEGIN, FRAME_END = b"\x1b[?2026h", b"\x1b[?2026l"
MODES = {
    "application keys": 1,
    "mouse": 1000,
    "mouse motion": 1003,
    "mouse drag": 1002,
    "focus": 1004,
    "mouse encoding": 1006,
    "alternate screen": 1049,
    "bracketed paste": 2004,
}
"""What a full-screen program sets, and must set back: private mode numbers."""


@dataclass(frozen=True, slots=True)
class Style:
    """How a cell looks; colours as ``("palette", n)``, ``("rgb", (r, g, b))``, or None."""

    foreground: object = None
    background: object = None
    bold: bool = False
    italic: bool = False
    faint: bool = False
    inverse: bool = False
    underline: bool = False


class Timeout(AssertionError):
    """A deadline passed; carries the screen as it was."""


class Terminal:
    """One program in one pty. A context manager: leaving it ends the program."""

    def __init__(
        self,
        argv: Sequence[str],
        *,
        size: tuple[int, int] = (80, 24),
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        bytes_per_second: float | None = None,
    ) -> None:
        """Start ``argv``; ``size`` is columns and lines.

        With ``bytes_per_second`` the output is read no faster than that, so the program
        feels a slow line: its writes block once the pty is full.
        """
        columns, lines = size
        self.raw = bytearray()
        """Everything that the program wrote."""
        self.ended: int | None = None
        """The exit code once it ended; -N for signal N."""
        self._started = time.monotonic()
        self._pace = bytes_per_second
        self._changed = threading.Condition()
        self._let_go = threading.Event()
        self._emulator = Emulator(columns, lines)
        self._frame = b""
        """The beginning of a frame whose end is still to come."""
        self._emulator.on_reply(self._answer)
        self._process = PtyProcess.spawn(
            list(argv),
            dimensions=(lines, columns),
            env=dict(env if env is not None else os.environ),
            cwd=str(cwd) if cwd else None,
        )
        self.pid: int = self._process.pid
        self._fd: int = self._process.fd
        self._wake = os.pipe()
        self.before = self.line_settings()
        """The pty's settings as the program found them."""
        self._reader = threading.Thread(target=self._read, name="test-terminal", daemon=True)
        self._reader.start()

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    # -- what the program shows ------------------------------------------------------------

    @property
    def lines(self) -> list[str]:
        """The screen, one text a line, trailing spaces cut."""
        with self._changed:
            rows = self._emulator.text().split("\n")
            count = self._emulator.size[1]
        return [row.rstrip() for row in rows] + [""] * (count - len(rows))

    @property
    def text(self) -> str:
        """The screen as one text."""
        return "\n".join(self.lines)

    @property
    def history(self) -> str:
        """The screen and what scrolled out of it."""
        with self._changed:
            return str(self._emulator.contents())

    @property
    def size(self) -> tuple[int, int]:
        """Columns and lines."""
        with self._changed:
            return self._emulator.size  # type: ignore[no-any-return]

    @property
    def seconds(self) -> float:
        """How long ago the program was started."""
        return time.monotonic() - self._started

    def style(self, column: int, line: int) -> Style:
        """How a cell looks."""
        with self._changed:
            found = self._emulator.style(column, line)
        return Style(
            found["fg"],
            found["bg"],
            found["bold"],
            found["italic"],
            found["faint"],
            found["inverse"],
            bool(found["underline"]),
        )

    @property
    def cursor_shown(self) -> bool:
        """True while the cursor is visible (private mode 25)."""
        with self._changed:
            return bool(self._emulator.mode(25))

    def modes(self) -> list[str]:
        """The names of those ``MODES`` that are set."""
        with self._changed:
            return [name for name, number in MODES.items() if self._emulator.mode(number)]

    @property
    def alive(self) -> bool:
        """True while the process runs, even if its output was not read to the end."""
        try:
            return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None
        except ChildProcessError:
            return False

    def line_settings(self) -> list[object]:
        """The pty's termios settings."""
        try:
            return list(termios.tcgetattr(self._fd))
        except termios.error:
            return []

    def row(self, text: str) -> str:
        """The first line with ``text`` below tuivm's three lines of chrome, or an empty text."""
        return next((line for line in self.lines[3:] if text in line), "")

    # -- waiting ---------------------------------------------------------------------------

    def wait(self, condition: Callable[[], object], what: str, timeout: float = PATIENCE) -> float:
        """Wait until ``condition()`` is true; gives the seconds that it took."""
        start = time.monotonic()
        deadline = start + timeout * SCALE
        with self._changed:
            while not condition():
                left = deadline - time.monotonic()
                if left <= 0:
                    raise Timeout(f"no {what} within {timeout} s; the screen:\n{self.text}")
                self._changed.wait(min(left, 0.2))
        return time.monotonic() - start

    def wait_for(self, text: str, timeout: float = PATIENCE) -> float:
        """Wait until ``text`` is on screen."""
        return self.wait(lambda: text in self.text, repr(text), timeout)

    def wait_gone(self, text: str, timeout: float = PATIENCE) -> float:
        """Wait until ``text`` is no longer on screen."""
        return self.wait(lambda: text not in self.text, f"screen without {text!r}", timeout)

    def wait_row(self, text: str, wanted: str, timeout: float = PATIENCE) -> float:
        """Wait until the line with ``text`` also has ``wanted``."""
        return self.wait(lambda: wanted in self.row(text), f"{wanted!r} beside {text!r}", timeout)

    def wait_introduced(self) -> None:
        """Wait until the program hears even of what is rare.

        It asks for that once it knows the host's versions.
        """
        self.press("4")
        self.wait_for("libvirt ")
        self.press("1")
        self.wait_quiet(0.5)

    def wait_quiet(self, seconds: float = 0.3, timeout: float = PATIENCE) -> None:
        """Wait until the program has written nothing for ``seconds``."""
        deadline = time.monotonic() + timeout * SCALE
        while time.monotonic() < deadline:
            seen = len(self.raw)
            with self._changed:
                if not self._changed.wait(seconds) and len(self.raw) == seen:
                    return
        raise Timeout(f"it never paused for {seconds} s")

    def wait_exit(self, timeout: float = PATIENCE) -> int:
        """Wait until the program ended; gives its exit code, -N for signal N."""
        self.wait(lambda: self.ended is not None, "end of the program", timeout)
        assert self.ended is not None
        return self.ended

    # -- doing -----------------------------------------------------------------------------

    def press(self, *keys: str) -> None:
        """Press keys by name: ``enter``, ``ctrl+c``, or any text."""
        for key in keys:
            self.write(encoded(key))
            if key == "escape":
                # Followed at once by a key it would be alt and that key, as on any terminal.
                time.sleep(ESCAPE_DELAY)

    def write(self, data: bytes) -> None:
        """Send bytes as the keyboard would."""
        while data:
            data = data[os.write(self._fd, data) :]

    def resize(self, columns: int, lines: int) -> None:
        """Change the size; the program hears SIGWINCH."""
        with self._changed:
            self._emulator.resize(columns, lines)
        self._process.setwinsize(lines, columns)

    def signal(self, number: int) -> None:
        """Send a signal to the program."""
        os.kill(self.pid, number)

    def hang_up(self) -> None:
        """Close our end: the program's terminal is gone."""
        # The reader must let go first: a read under way keeps the pty open.
        os.write(self._wake[1], b"x")
        self._let_go.wait(5)
        self._process.fileobj.close()
        self._process.fd = self._fd = -1
        self._process.closed = True

    def close(self) -> None:
        """End the program, first as a terminal that is closed does, and free the pty."""
        self._pace = None
        # Not SIGTERM: a shell at its prompt ignores that.
        for number in (signal.SIGHUP, signal.SIGKILL):
            if self.ended is not None:
                break
            self.signal(number)
            with self._changed:
                self._changed.wait_for(lambda: self.ended is not None, 5)
        self._reader.join(5)
        if self._fd >= 0:
            self._process.close()
        for end in self._wake:
            os.close(end)

    # -- the reader's thread ---------------------------------------------------------------

    def _read(self) -> None:
        piece = 65536 if self._pace is None else max(1, int(self._pace / 20))
        while data := self._next(piece):
            with self._changed:
                self.raw += data
                self._draw(data)
                self._changed.notify_all()
            if self._pace is not None:
                time.sleep(len(data) / self._pace)
        with self._changed:
            self._emulator.feed(self._frame)
        self._let_go.set()
        _, status = os.waitpid(self.pid, 0)
        with self._changed:
            self.ended = os.waitstatus_to_exitcode(status)
            self._process.terminated = True
            self._changed.notify_all()

    def _draw(self, data: bytes) -> None:
        """Show whole frames only, as a terminal with synchronized output does."""
        data = self._frame + data
        begun = data.rfind(FRAME_BEGIN)
        if begun < 0 or data.find(FRAME_END, begun) >= 0:
            begun = len(data) - cut_marker(data)
        self._frame = data[begun:]
        self._emulator.feed(data[:begun])

    def _next(self, size: int) -> bytes:
        try:
            ready, _, _ = select.select([self._fd, self._wake[0]], [], [])
            if self._wake[0] in ready:
                return b""
            return os.read(self._fd, size)
        except OSError:  # EIO: the program closed its side; EBADF: the test closed ours
            return b""

    def _answer(self, reply: bytes) -> None:
        try:
            os.write(self._fd, reply)
        except OSError:
            return


def cut_marker(data: bytes) -> int:
    """How many bytes at the end of ``data`` may be the start of a frame's first bytes."""
    sizes = range(len(FRAME_BEGIN) - 1, 0, -1)
    return next((size for size in sizes if data.endswith(FRAME_BEGIN[:size])), 0)


def encoded(key: str) -> bytes:
    """The bytes that a terminal sends for a key's name, or a text's own."""
    if key in KEYS:
        return KEYS[key].encode()
    if match := re.fullmatch(r"ctrl\+(.)", key):
        return bytes([ord(match[1].upper()) & 0x1F])
    return key.encode()


def program(*arguments: str) -> list[str]:
    """The command line of tuivm with ``arguments``, run by this very interpreter."""
    return [sys.executable, "-m", "tuivm", *arguments]


SEQUENCE = re.compile(
    rb"\x1b(?:"
    rb"\[[0-?]*[ -/]*[@-~]"  # CSI
    rb"|P[^\x1b]*\x1b\\"  # DCS
    rb"|\][0-9]+;[^\x07\x1b]*(?:\x07|\x1b\\)"  # OSC
    rb"|[ -/]*[0-~]"  # ESC and one letter
    rb")"
)
OSC = re.compile(rb"\x1b\]([0-9]+);([^\x07\x1b]*)")
FORBIDDEN = re.compile(
    "[\x00-\x07\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f\x80-\x9f"
    "\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\U000e0000-\U000e007f]"
)


def forbidden(raw: bytes) -> list[str]:
    """What in a program's output must never reach a terminal.

    Control characters outside of escape sequences, C1, DEL, bidi and zero-width
    characters, clipboard writes, and text that is not UTF-8.
    """
    found = [f"OSC {match[1].decode()}" for match in OSC.finditer(raw) if match[1] == b"52"]
    plain = SEQUENCE.sub(b"", raw)
    try:
        text = plain.decode()
    except UnicodeDecodeError as error:
        return [*found, f"not UTF-8: {error}"]
    return found + [
        f"{match[0]!r} in {text[max(0, match.start() - 20) : match.end() + 20]!r}"
        for match in FORBIDDEN.finditer(text)
    ]
