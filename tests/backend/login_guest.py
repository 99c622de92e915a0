"""A guest behind a serial line, played by a script: asks, is slow, says things in between."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from queue import Queue

from tuivm.core.api import ConsoleSink, ConsoleState

NOISE = "\r\n[   12.345678] usb 1-1: new high-speed device: it is fine\r\n"


@dataclass
class Manners:
    """What a guest is like."""

    password: str | None = "lab"
    """None asks for none."""
    login: str = "web login: "
    ask: str = "Password: "
    wrong: str = "\r\nLogin incorrect\r\n"
    welcome: str = (
        "\r\nLast login: Mon Jan  1 00:00:00 UTC 2001 on ttyS0\r\nWelcome: 100% ok #1\r\n"
    )
    prompt: str = "root@web:~# "
    echo: bool = True
    leak: bool = False
    """Echoes the password, as one that switches the echo off too late."""
    noise: bool = False
    """The kernel speaks right after each prompt, once."""
    asks_place: bool = False
    """The shell reads no line before it was told where the cursor is."""
    expired: bool = False
    deaf: bool = False
    shell: Callable[[str], str] | None = None
    """Answers a line instead of a real ``sh``."""
    first: str = "login"
    """``login``, ``password`` or ``shell``: what it shows when somebody comes."""
    boot: float = 0.0
    """Seconds of kernel messages before the first prompt."""
    shells: str = "/bin/sh"


class ScriptedGuest:
    """``core.api.ConsoleChannel``; everything happens on a thread of its own."""

    def __init__(self, sink: ConsoleSink, manners: Manners) -> None:
        self.sink = sink
        self.manners = manners
        self.state = ConsoleState.ATTACHING
        self.typed = b""
        """All that was typed, passwords included."""
        self.lines: list[str] = []
        """What was entered at a shell's prompt."""
        self.phase = manners.first
        self.closed = False
        self.logins = 0
        self._input: Queue[bytes | None] = Queue()
        self._line = ""
        self._noisy = 3 if manners.noise else 0
        self._answered = True
        self._quiet_until = 0.0
        threading.Thread(target=self._run, daemon=True).start()

    def become(self, state: ConsoleState, detail: str = "") -> None:
        self.state = state
        self.sink.console_state(state, detail)

    def write(self, data: bytes) -> None:
        self.typed += data
        self._input.put(data)

    def attach(self, *, force: bool = False) -> None: ...

    def close(self) -> None:
        self.closed = True
        self._input.put(None)

    def say(self, text: str) -> None:
        self.sink.console_bytes(text.encode())

    # -- its own thread --------------------------------------------------------------------

    def _run(self) -> None:
        self.become(ConsoleState.ATTACHED)
        until = time.monotonic() + self.manners.boot
        while time.monotonic() < until:
            self.say("[    0.000000] Booting: all is well\r\n")
            time.sleep(0.02)
        while not self._input.empty():
            self._input.get()
        if self.manners.boot:
            self._prompt()
        while (data := self._input.get()) is not None:
            if not self.manners.deaf:
                for char in data.decode():
                    self._take(char)

    def _prompt(self) -> None:
        manners = self.manners
        text = {"login": manners.login, "password": manners.ask, "shell": manners.prompt}
        # In pieces, as a serial line has it.
        shown = text[self.phase]
        self.say(shown[:4])
        self.say(shown[4:])
        if self.phase == "shell" and manners.asks_place:
            self._answered = False
            self.say("\x1b[6n")
        if self._noisy:
            self._noisy -= 1
            self.say(NOISE)

    def _take(self, char: str) -> None:
        if not self._answered:
            self._line += char
            if char == "R":
                assert self._line.startswith("\x1b["), self._line
                self._answered, self._line = True, ""
            return
        if char == "\x03":
            self._line = ""
            if self.phase == "password":
                self.phase = "login"
            self.say("^C\r\n")
            self._prompt()
        elif char == "\r":
            line, self._line = self._line, ""
            if self.manners.echo:
                self.say("\r\n")
            self._enter(line)
        else:
            self._line += char
            if self.phase == "password" and not self.manners.leak:
                return
            if self.manners.echo or self.manners.leak:
                self.say(char)

    def _enter(self, line: str) -> None:
        if self.phase == "login":
            self._name(line)
        elif self.phase == "password":
            self._secret(line)
        elif line.strip() == "exit":
            self.phase = "login"
            self.say("logout\r\n\r\nDebian GNU/Linux 12 web ttyS0\r\n\r\n")
            self._prompt()
        else:
            if line.strip():
                self.lines.append(line)
                self.say(self._shell(line))
            self._prompt()

    def _name(self, line: str) -> None:
        if line:
            self.phase = "shell" if self.manners.password is None else "password"
            if self.phase == "shell":
                self._welcome()
        self._prompt()

    def _secret(self, line: str) -> None:
        self.say("\r\n")
        if line == self.manners.password and self.manners.expired:
            self.say("You are required to change your password immediately.\r\n")
            self.say("Changing password for root.\r\nCurrent password: ")
            return
        if line == self.manners.password:
            self.phase = "shell"
            self._welcome()
        else:
            self.phase = "login"
            self.say(self.manners.wrong)
        self._prompt()

    def _welcome(self) -> None:
        self.logins += 1
        self.say(self.manners.welcome)

    def _shell(self, line: str) -> str:
        if self.manners.shell is not None:
            return self.manners.shell(line)
        done = subprocess.run(
            ["/bin/sh", "-c", line],
            capture_output=True,
            check=False,
            env={"PATH": "/usr/bin:/bin", "SHELL": self.manners.shells},
        )
        # As a terminal does it.
        return (done.stdout + done.stderr).decode(errors="replace").replace("\n", "\r\n")
