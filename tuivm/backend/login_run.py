"""A command on one guest's serial console, on a daemon thread of its own.

Attaches, or listens in where this program is attached already, holds the dialogue, and gives
the console back. Whatever happens ends in a result; the password is in none of them.
"""

from __future__ import annotations

import logging
import threading
import time
import traceback
from collections.abc import Callable
from concurrent.futures import Future

from tuivm.backend.login_dialogue import SERIAL_HINT, Dialogue, GaveUp, Outcome, Patience
from tuivm.backend.login_line import Feed, Line, Stopped, wait_for_state
from tuivm.backend.login_signs import refusal
from tuivm.core.api import ConsoleChannel, ConsoleLine, ConsoleSink, ConsoleState, Login
from tuivm.core.errors import TuivmError
from tuivm.core.model import DomainKey
from tuivm.core.runs import RunResult, RunStep
from tuivm.core.text import sanitise, sanitise_block

logger = logging.getLogger(__name__)

FLUSH = 2.0
"""Seconds that the last keys get to be sent: input goes out at the guest's pace."""
_SETTLED = (
    ConsoleState.ATTACHED,
    ConsoleState.BUSY,
    ConsoleState.STOLEN,
    ConsoleState.ENDED,
    ConsoleState.NO_DEVICE,
    ConsoleState.NOT_A_PTY,
    ConsoleState.FAILED,
    ConsoleState.CLOSED,
)


class ConsoleRun:
    """``core.api.LoginRun``."""

    def __init__(
        self,
        connect: Callable[[ConsoleSink], ConsoleChannel],
        key: DomainKey,
        login: Login,
        report: Callable[[RunStep], None],
        *,
        line: ConsoleLine | None = None,
        patience: Patience | None = None,
    ) -> None:
        """Begin. ``connect`` attaches to the console where ``line`` is not attached."""
        self.result: Future[RunResult] = Future()
        """See ``core.api.LoginRun``."""
        # Nobody who waits for it can cancel it: the line has to be left clean.
        self.result.set_running_or_notify_cancel()
        self._connect = connect
        self._key = key
        self._login = login
        self._report = report
        self._patience = patience or Patience()
        self._feed = Feed()
        self._channel: ConsoleChannel | None = None
        self._untap: Callable[[], None] | None = None
        self._cancelled = threading.Event()
        self._leaving = False
        channel = None if line is None else line.channel
        if line is not None and channel is not None and channel.state is ConsoleState.ATTACHED:
            self._channel = channel
            self._untap = line.add_tap(self._feed.console_bytes)
        threading.Thread(target=self._run, name="tuivm-login", daemon=True).start()

    def cancel(self) -> None:
        """Break it off; the line is left clean first."""
        self._cancelled.set()

    # -- the run's own thread --------------------------------------------------------------

    def _run(self) -> None:
        began = time.monotonic()
        outcome = Outcome()
        error: TuivmError | None = None
        step = RunStep.DONE
        try:
            self._check()
            write = self._attach()
            dialogue = self._dialogue(write)
            outcome = dialogue.outcome
            try:
                dialogue.run()
            finally:
                self._leave(dialogue)
        except GaveUp as failure:
            step, error = RunStep.FAILED, failure.error
        except Stopped as stopped:
            step, error = RunStep.FAILED, self._gone(stopped)
            if self._cancelled.is_set():
                step, error = RunStep.CANCELLED, None
        except Exception as defect:
            # Not its text: what a guest echoed may be in it.
            where = "".join(traceback.format_tb(defect.__traceback__))
            logger.error("a login failed: %s\n%s", type(defect).__name__, where)
            step = RunStep.FAILED
            error = TuivmError("Defect", type(defect).__name__, hint="the log says where")
        finally:
            self._close()
        self._done(step, error, outcome, began)

    def _check(self) -> None:
        why = refusal(self._login.user, self._login.password, self._login.command)
        if why:
            raise GaveUp("Cannot run it", why)

    def _wanted(self) -> None:
        """Raises ``Stopped`` when the console went away, or when it was cancelled."""
        if self._cancelled.is_set() and not self._leaving:
            raise Stopped
        if self._channel is not None and self._channel.state is not ConsoleState.ATTACHED:
            raise Stopped

    def _attach(self) -> Callable[[bytes], None]:
        """Have the console; returns what types at it."""
        if self._channel is None:
            self._report(RunStep.ATTACHING)
            # Before there is a channel to look at, only cancelling stops the wait.
            channel = self._connect(self._feed)
            try:
                state = wait_for_state(self._feed, _SETTLED, self._wanted, self._patience.attach)
            finally:
                self._channel = channel
            if state is not ConsoleState.ATTACHED:
                raise refused(state, self._feed.detail)
        return self._channel.write

    def _dialogue(self, write: Callable[[bytes], None]) -> Dialogue:
        line = Line(
            self._feed,
            write,
            self._wanted,
            # Where a terminal shows it, that one answers.
            answers=self._untap is None,
            rest=self._patience.rest,
        )
        return Dialogue(line, self._login, self._report, self._patience)

    def _leave(self, dialogue: Dialogue) -> None:
        self._leaving = True
        self._report(RunStep.LEAVING)
        try:
            dialogue.leave()
        except Stopped:
            logger.debug("the console of %s went away", self._key.uuid)
        until = time.monotonic() + FLUSH
        while getattr(self._channel, "pending", 0) and time.monotonic() < until:
            time.sleep(0.01)

    def _gone(self, stopped: Stopped) -> TuivmError:
        state = ConsoleState.FAILED if self._channel is None else self._channel.state
        return refused(state, self._feed.detail).error

    def _close(self) -> None:
        if self._untap is not None:
            self._untap()
        elif self._channel is not None:
            self._channel.close()
        self._feed.close()

    def _done(
        self, step: RunStep, error: TuivmError | None, outcome: Outcome, began: float
    ) -> None:
        now = time.monotonic()
        seconds = now - began
        if outcome.began is not None:
            seconds = (outcome.ended or now) - outcome.began
        self.result.set_result(
            RunResult(
                self._key,
                step,
                outcome.code,
                sanitise_block(outcome.text()),
                outcome.lost + self._feed.lost,
                seconds,
                error,
                outcome.note,
            )
        )


def refused(state: ConsoleState, detail: str) -> GaveUp:
    """Why there is no console to type at."""
    detail = sanitise(detail, 300)
    match state:
        case ConsoleState.BUSY:
            return GaveUp(
                "The console is busy",
                "somebody else has it open",
                "end that, or run it again and take the console over",
            )
        case ConsoleState.STOLEN:
            return GaveUp("The console was taken over", "somebody else has it now")
        case ConsoleState.ENDED:
            return GaveUp("It is off", "the VM does not run", "start it")
        case ConsoleState.NO_DEVICE:
            return GaveUp(
                "No serial console",
                f"it has no console {detail}".strip(),
                "add <console type='pty'/> to its XML; " + SERIAL_HINT,
            )
        case ConsoleState.NOT_A_PTY:
            return GaveUp("Not a terminal", f"{detail}: only a pty can be typed at")
        case ConsoleState.CLOSED:
            return GaveUp("The console was left", "it was closed here meanwhile")
        case ConsoleState.FAILED:
            return GaveUp("The console failed", detail, "c opens it and says more")
        case _:
            return GaveUp("The console did not open", "the host took too long to answer")
