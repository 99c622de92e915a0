"""A simulated guest behind a serial port: it boots, asks for a login, runs a small shell."""

from __future__ import annotations

import codecs
import threading
import time
from collections import deque
from enum import Enum, auto

from tuivm.backend import demo_boot
from tuivm.backend.demo_fleet import Machine
from tuivm.backend.demo_shell import Shell, Wish

_MAX_LINE = 4000
_ESCAPE_END = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz~")


class _Phase(Enum):
    OFF = auto()
    BUSY = auto()
    """It boots or goes down: what is typed is lost."""
    LOGIN = auto()
    PASSWORD = auto()
    SHELL = auto()


class Guest:
    """One guest's serial port; thread-safe.

    Output waits in a queue with the time at which it is due (``time.monotonic()``); what is
    due while nobody is attached is lost, as on a real serial line.
    """

    def __init__(self, machine: Machine, speed: float = 1.0, booted: float | None = None) -> None:
        """``booted`` (``time.time()``): it has been up since then; None: it is off."""
        self.machine = machine
        self._speed = speed
        self._lock = threading.Lock()
        self._output: deque[tuple[float, bytes]] = deque()
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._phase = _Phase.LOGIN if booted is not None else _Phase.OFF
        self._after: _Phase | None = None
        self._busy_until = 0.0
        self._booted = booted or 0.0
        self._line = ""
        self._escape = ""
        self._recall = 0
        self._user = ""
        self._shell: Shell | None = None
        self.wish: Wish = ""
        """What the guest did to itself, for whoever drives it to carry out: take and clear."""

    # What happens to the machine --------------------------------------------------------

    @property
    def on(self) -> bool:
        """True while it has power, as far as it was told."""
        return self._phase is not _Phase.OFF

    def boot(self) -> None:
        """Power on, or a reset: the boot text begins now."""
        with self._lock:
            self._reset()
            self._play(demo_boot.boot(self.machine), afterwards=self._greet)
            self._after = _Phase.LOGIN
            self._booted = time.time()

    def go_down(self, *, restart: bool = False) -> None:
        """An orderly shutdown's text, at once; ``restart`` goes on with the next boot."""
        with self._lock:
            if not self.on:
                return
            self._reset()
            for _wait, text in demo_boot.shutdown(self.machine, restart=restart):
                self._say(text)
        if restart:
            self.boot()

    def cut(self) -> None:
        """The power is off; what was due before stays due."""
        with self._lock:
            now = time.monotonic()
            due = [item for item in self._output if item[0] <= now]
            self._output = deque(due)
            self._phase, self._after, self._shell = _Phase.OFF, None, None
            self._line = self._escape = ""

    def hear(self, text: str) -> None:
        """Let the kernel say something."""
        with self._lock:
            if self.on:
                clock = time.time() - self._booted
                self._say(f"\r\n[{clock:12.6f}] {text}\r\n")

    # The serial line ----------------------------------------------------------------------

    def take(self) -> tuple[bytes, float | None]:
        """What is due by now, and the time at which more will be."""
        with self._lock:
            now = time.monotonic()
            parts = []
            while self._output and self._output[0][0] <= now:
                parts.append(self._output.popleft()[1])
            self._settle(now)
            return b"".join(parts), self._output[0][0] if self._output else None

    def feed(self, data: bytes) -> None:
        """Take what was typed."""
        with self._lock:
            self._settle(time.monotonic())
            for char in self._decoder.decode(data):
                self._type(char)

    def _settle(self, now: float) -> None:
        if self._after is not None and now >= self._busy_until:
            self._phase, self._after = self._after, None

    def _reset(self) -> None:
        self._phase, self._after = _Phase.BUSY, None
        self._line = self._escape = self.wish = ""
        self._shell = None
        self._output.clear()

    def _play(self, script: demo_boot.Script, *, afterwards: str = "") -> None:
        at = time.monotonic()
        for wait, text in script:
            at += wait * self._speed
            self._output.append((at, text.encode()))
        if afterwards:
            self._output.append((at, afterwards.encode()))
        self._busy_until = at

    @property
    def _greet(self) -> str:
        return demo_boot.issue(self.machine) if self.machine.os != "none" else ""

    def _say(self, text: str) -> None:
        at = max(time.monotonic(), self._output[-1][0] if self._output else 0.0)
        self._output.append((at, text.encode()))

    def _type(self, char: str) -> None:
        if self._escape:
            self._in_escape(char)
        elif self._phase in (_Phase.OFF, _Phase.BUSY) or self.machine.os == "none":
            return
        elif char == "\x1b":
            self._escape = char
        elif char in "\r\n":
            self._say("\r\n")
            line, self._line, self._recall = self._line, "", 0
            self._entered(line)
        elif char in "\x7f\b":
            if self._line:
                self._erase(1)
        elif char in "\x03\x04\x0c\x15\x17":
            self._control(char)
        elif char.isprintable() and len(self._line) < _MAX_LINE:
            self._line += char
            if self._phase is not _Phase.PASSWORD:
                self._say(char)

    def _in_escape(self, char: str) -> None:
        """Swallow a key's sequence or a terminal's reply; the up and down keys recall lines."""
        if char < " ":
            # The escape key by itself: what follows is a key of its own (ECMA-48, 5.1).
            self._escape = ""
            self._type(char)
            return
        self._escape += char
        if len(self._escape) == 2:
            if char not in "[O":
                self._escape = ""
            return
        if char in _ESCAPE_END or len(self._escape) > 32:
            if self._escape in ("\x1b[A", "\x1bOA", "\x1b[B", "\x1bOB"):
                self._recalled(1 if self._escape.endswith("A") else -1)
            self._escape = ""

    def _recalled(self, step: int) -> None:
        history = self._shell.history if self._shell and self._phase is _Phase.SHELL else []
        wanted = max(0, min(len(history), self._recall + step))
        if wanted == self._recall:
            return
        self._recall = wanted
        self._erase(len(self._line))
        self._line = history[-wanted] if wanted else ""
        self._say(self._line)

    def _erase(self, count: int) -> None:
        lost, self._line = self._line[len(self._line) - count :], self._line[: -count or None]
        if self._phase is not _Phase.PASSWORD:
            cells = sum(2 if ord(char) > 0x10FF else 1 for char in lost)
            self._say("\b \b" * cells)

    def _control(self, char: str) -> None:
        if char == "\x03":
            self._line = ""
            self._say("^C\r\n" + self._prompt())
        elif char == "\x04" and not self._line:
            if self._shell is not None:
                self._logout()
        elif char == "\x0c" and self._shell is not None:
            self._say("\x1b[H\x1b[2J" + self._prompt() + self._line)
        elif char == "\x15":
            self._erase(len(self._line))
        elif char == "\x17":
            kept = self._line.rstrip().rpartition(" ")
            self._erase(len(self._line) - len(kept[0] + kept[1]))

    def _prompt(self) -> str:
        if self._phase is _Phase.SHELL and self._shell is not None:
            return self._shell.prompt
        self._phase = _Phase.LOGIN
        return f"{self.machine.hostname} login: "

    def _entered(self, line: str) -> None:
        if self._phase is _Phase.LOGIN:
            self._user = line.strip()[:32]
            if self._user:
                self._phase = _Phase.PASSWORD
                self._say("Password: ")
            else:
                self._say(self._greet)
        elif self._phase is _Phase.PASSWORD:
            self._phase = _Phase.SHELL
            self._shell = Shell(self.machine, self._user, self._booted)
            self._say("Welcome. Every password is right here: this guest is simulated.\r\n")
            self._say("help lists its commands, ctrl+] brings you back to tuivm.\r\n\r\n")
            self._say(self._shell.prompt)
        elif self._shell is not None:
            output, wish = self._shell.run(line)
            self._say(output.replace("\n", "\r\n"))
            if wish == "logout":
                self._logout()
            elif wish:
                self.wish = wish
                self._phase = _Phase.BUSY
            else:
                self._say(self._shell.prompt)

    def _logout(self) -> None:
        self._shell = None
        self._phase = _Phase.LOGIN
        self._say("\r\n" + self._greet)
