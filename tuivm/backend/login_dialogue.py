"""Logs in on a serial line, runs one command, logs out: what a person would do, with patience.

The line is left as it was found: at a login prompt when we logged in, at the shell's prompt
when somebody had left one open.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto

from tuivm.backend.login_line import Line
from tuivm.backend.login_signs import (
    EXPIRED,
    LOGIN,
    PASSWORD,
    PASSWORD_AT_REST,
    PROMPT,
    WRONG,
    Wrapped,
    words,
)
from tuivm.core.api import Login
from tuivm.core.errors import TuivmError
from tuivm.core.runs import RunStep
from tuivm.core.text import duration_text

MAX_OUTPUT = 1 << 20
"""Characters of output that are kept."""
INTERRUPT = "\x03"
SERIAL_HINT = (
    "the guest needs console=ttyS0 on its kernel command line and a login there: "
    "systemctl enable --now serial-getty@ttyS0"
)
_LINE_END = re.compile(r"\r*\n")
LOOK = "c opens the console: look what is there"


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds."""

    attach: float = 25.0
    rest: float = 0.3
    """Silence after which a prompt is taken for one."""
    wake: float = 60.0
    """In all, while the guest prints: it may be booting."""
    silent: float = 15.0
    """Without one byte in answer to Enter."""
    login: float = 45.0
    echo_off: float = 0.3
    """From the password prompt on: some guests ask first and stop echoing then."""
    shell: float = 20.0
    """Until the command begins: what is typed too early is read when the shell is there."""
    odd: float = 3.0
    """Of silence after an unfinished line, until Enter is tried to see if it is a prompt."""
    leave: float = 10.0


class Place(Enum):
    """Where the guest is, so that it can be left as it was found."""

    UNTOUCHED = auto()
    LOGIN = auto()
    ASKED = auto()
    """A user name was typed: it wants the password, or does something with it."""
    SHELL = auto()
    RUNNING = auto()


class GaveUp(Exception):
    """It did not work; ``error`` says why."""

    def __init__(self, title: str, message: str, hint: str = "") -> None:
        super().__init__(title)
        self.error = TuivmError(title, message, hint=hint)


@dataclass(slots=True)
class Outcome:
    """What is known so far; also when it broke off."""

    code: int | None = None
    output: list[str] = field(default_factory=list)
    size: int = 0
    lost: int = 0
    began: float | None = None
    """``time.monotonic()`` when the command began."""
    ended: float | None = None
    note: str = ""

    def add(self, text: str) -> None:
        """Keep a piece of output, as long as there is room."""
        text = _LINE_END.sub("\n", text)
        kept = text[: max(0, MAX_OUTPUT - self.size)]
        if kept:
            self.output.append(kept)
            self.size += len(kept)
        self.lost += len(text[len(kept) :].encode())

    def text(self) -> str:
        """The output as it was printed, without the line break that ends it for our mark."""
        text = "".join(self.output)
        return text.removesuffix("\n") if self.ended is not None else text


class Dialogue:
    """One conversation. Raises ``GaveUp``, and ``login_line.Stopped`` from any wait."""

    def __init__(
        self, line: Line, login: Login, report: Callable[[RunStep], None], patience: Patience
    ) -> None:
        self._line = line
        self._login = login
        self._report = report
        self._patience = patience
        self._place = Place.UNTOUCHED
        self._ours = False
        self.outcome = Outcome()
        """Filled as it goes."""

    def run(self) -> None:
        """Do it all but leave."""
        self._report(RunStep.WAKING)
        if self._wake() is Place.LOGIN:
            self._report(RunStep.LOGGING_IN)
            self._log_in()
        else:
            self.outcome.note = "used the shell that was open there"
        self._report(RunStep.RUNNING)
        self._command()

    # -- to a login prompt, or a shell -----------------------------------------------------

    def _wake(self) -> Place:
        line, patience = self._line, self._patience
        began = time.monotonic()
        pause, before = 1.0, ""
        while (spent := time.monotonic() - began) < patience.wake:
            if not line.heard and spent > patience.silent:
                raise GaveUp(
                    "No answer",
                    f"nothing came from its serial port in {duration_text(patience.silent)}",
                    SERIAL_HINT,
                )
            heard = line.heard
            line.send("\r")
            match line.expect((LOGIN, PASSWORD_AT_REST, PROMPT), pause):
                case 0:
                    self._place = Place.LOGIN
                    return Place.LOGIN
                case 1:
                    # Somebody left it there: Enter is a wrong password, then it asks anew.
                    pause = 8.0
                case 2:
                    self._place = Place.SHELL
                    return Place.SHELL
                case _:
                    prompt = line.unfinished.strip()
                    if prompt and prompt == before and line.heard > heard:
                        # What Enter brings back every time is a prompt, whatever it looks like.
                        self._place = Place.SHELL
                        return Place.SHELL
                    before = prompt
                    pause = min(pause * 1.5, 5.0)
        raise GaveUp(
            "No login prompt",
            f"it prints, but asks for no user; its last words: {self._last_words()}",
            LOOK,
        )

    def _log_in(self) -> None:
        line, patience = self._line, self._patience
        for _attempt in range(2):
            self._place = Place.ASKED
            line.send(self._login.user + "\r")
            match line.expect((PASSWORD, WRONG, LOGIN, PROMPT), patience.login):
                case 0:
                    self._give_password()
                    return
                case 1:
                    raise self._wrong("it does not take this user")
                case 2:
                    # The kernel may have printed into the name; once more.
                    continue
                case 3:
                    self._logged_in()
                    return
                case _:
                    break
        raise GaveUp(
            "Cannot log in",
            f"it took the user name and asked for no password; its last words: "
            f"{self._last_words()}",
            LOOK,
        )

    def _give_password(self) -> None:
        line, patience = self._line, self._patience
        line.pause(patience.echo_off)
        line.forget()
        asked = line.unfinished
        line.send(self._login.password + "\r")
        match self._after_password(asked):
            case 0:
                raise self._wrong("wrong user or password")
            case 1:
                raise GaveUp(
                    "Cannot log in",
                    "the password is right, but has to be changed first",
                    "c opens the console: log in there once",
                )
            case 2:
                self._place = Place.LOGIN
                raise self._wrong("wrong user or password")
            case 3:
                raise self._wrong("it asks for a password again")
            case 4:
                self._logged_in()
            case _:
                raise GaveUp(
                    "Cannot log in",
                    f"nothing that looks like a shell came in "
                    f"{duration_text(patience.login)}; its last words: {self._last_words()}",
                    LOOK,
                )

    def _after_password(self, asked: str) -> int | None:
        """Which sign came: wrong, expired, login, password, or (4) a prompt of any kind."""
        line, patience = self._line, self._patience
        signs = (WRONG, EXPIRED, LOGIN, PASSWORD_AT_REST, PROMPT)
        until = time.monotonic() + patience.login
        while time.monotonic() < until:
            heard = line.heard
            found = line.expect(signs, patience.odd)
            if found is not None:
                return found
            before = line.unfinished
            if line.heard == heard and before.strip() and before != asked:
                line.send("\r")
                found = line.expect(signs, patience.odd)
                if found is not None or line.unfinished == before:
                    return 4 if found is None else found
        return None

    def _logged_in(self) -> None:
        self._place, self._ours = Place.SHELL, True

    def _wrong(self, why: str) -> GaveUp:
        return GaveUp("Cannot log in", why, "check both, then run it again")

    # -- the command -----------------------------------------------------------------------

    def _command(self) -> None:
        line, outcome = self._line, self.outcome
        wrapped = Wrapped(self._login.command)
        line.forget()
        self._place = Place.RUNNING
        line.send(wrapped.typed)
        if line.expect((wrapped.begin,), self._patience.shell) is None:
            raise GaveUp(
                "No shell",
                f"what answers there runs no commands; its last words: {self._last_words()}",
                LOOK,
            )
        outcome.began = time.monotonic()
        until = outcome.began + self._login.seconds
        while outcome.code is None:
            left = until - time.monotonic()
            # A guest that floods the line always has one more.
            text = line.line(left) if left > 0 else None
            if text is None:
                raise GaveUp(
                    "It took too long",
                    f"the command had not ended after {duration_text(self._login.seconds)}; "
                    "it was interrupted",
                    "give it more time, or run it in the background",
                )
            end = wrapped.end.search(text)
            outcome.add(text if end is None else text[: end.start()])
            if end is not None:
                outcome.code = int(end[1])
        outcome.ended = time.monotonic()

    # -- back ------------------------------------------------------------------------------

    def leave(self) -> None:
        """Leave the line as it was found; says so in the outcome's note where it could not."""
        line, patience = self._line, self._patience
        clean = True
        if self._place is Place.RUNNING:
            if self.outcome.code is None:
                line.send(INTERRUPT)
            clean = line.expect((PROMPT, LOGIN), patience.leave / 2) is not None
            self._place = Place.SHELL
        if self._place is Place.SHELL and self._ours:
            clean = self._log_out()
        elif self._place is Place.ASKED:
            clean = self._withdraw()
        if not clean:
            left = "the line may not be as it was found"
            self.outcome.note = f"{self.outcome.note}; {left}" if self.outcome.note else left

    def _log_out(self) -> bool:
        for _attempt in range(3):
            # The first may be answered by "there are stopped jobs".
            self._line.send("exit\r")
            found = self._line.expect((LOGIN, PROMPT), self._patience.leave)
            if found != 1:
                return found == 0
        return False

    def _withdraw(self) -> bool:
        """Back to the login prompt from somewhere within the login."""
        if self._line.expect((LOGIN,), self._patience.leave / 2) is not None:
            return True
        self._line.send(INTERRUPT)
        return self._line.expect((LOGIN,), self._patience.leave) is not None

    def _last_words(self) -> str:
        return words(self._line.last_words, self._login.password) or "none"
