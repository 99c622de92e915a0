"""A program of this machine in a pseudo terminal: ssh to a guest, a virsh shell.

One daemon thread a child starts it, moves bytes both ways, and ends it. Nothing polls: the
thread sleeps until the terminal, the program's end, or one of us wakes it.
"""

from __future__ import annotations

import gc
import logging
import os
import re
import select
import signal
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import pexpect

from tuivm.core.api import ConsoleState, PacedSink
from tuivm.core.model import ChildExit
from tuivm.core.text import sanitise

logger = logging.getLogger(__name__)

TERM = "xterm-256color"
"""What the emulator in the pane speaks."""
READ_SIZE = 64 * 1024
MAX_BEHIND = 256 * 1024
"""Bytes not worked off by the sink at which we stop reading: the program then waits, and an
interrupt typed at it works at once."""
PAUSE_MS = 5
"""Milliseconds between two looks whether the sink has caught up."""
MAX_INPUT = 1024 * 1024
"""Bytes of input that may wait for a program that does not read."""
LAST_WORDS_MS = 200
"""Milliseconds in which what a program printed before its end still arrives."""
HANG_ON = 0.25
"""Seconds between two looks at a program that has let go of its terminal and runs on."""
GRACE = 1.0
"""Seconds from hang-up to SIGTERM, and from there to SIGKILL."""
_OURS = ("SSH_ASKPASS", "SSH_ASKPASS_REQUIRE", "COLUMNS", "LINES", "TERMCAP", "TERM_PROGRAM",
         "TERM_PROGRAM_VERSION", "TMUX", "TMUX_PANE", "STY", "VTE_VERSION", "WINDOWID")  # fmt: skip
"""Variables about the outer terminal, or that would make ssh ask somewhere else."""


def environment(outer: Mapping[str, str]) -> dict[str, str]:
    """A child's environment: ours, but for what is said of the terminal."""
    kept = {name: value for name, value in outer.items() if name not in _OURS}
    return kept | {"TERM": TERM, "COLORTERM": "truecolor"}


class Child:
    """``core.api.ChildChannel`` over pexpect. Methods may be called on any thread."""

    def __init__(self, argv: Sequence[str], sink: PacedSink, *, columns: int, lines: int) -> None:
        self._argv = tuple(argv)
        self._sink = sink
        self._size = (lines, columns)
        self._state = ConsoleState.CLOSED
        self._lock = threading.Lock()
        self._input = bytearray()
        self._closing = False
        self._exit: ChildExit | None = None
        self._spawn: pexpect.spawn[Any] | None = None
        self._wake_reader, self._wake_writer = os.pipe()
        os.set_blocking(self._wake_writer, False)
        self.thread = threading.Thread(target=self._run, name="tuivm-child", daemon=True)
        """Ends after the program did."""
        # What is typed before the program runs waits for it, as in any terminal.
        self._tell(ConsoleState.ATTACHED)
        self.thread.start()

    @property
    def state(self) -> ConsoleState:
        """The last state told to the sink."""
        return self._state

    @property
    def exit(self) -> ChildExit | None:
        """How the program ended."""
        return self._exit

    def write(self, data: bytes) -> None:
        """Queue input; dropped once the program ended, or while it reads none for long."""
        with self._lock:
            if self._state is ConsoleState.ATTACHED and len(self._input) < MAX_INPUT:
                self._input += data
            self._wake()

    def attach(self, *, force: bool = False) -> None:
        """Nothing: a program that ended is started anew by another child."""

    def resize(self, columns: int, lines: int) -> None:
        """Set the terminal's size; the program gets SIGWINCH."""
        with self._lock:
            self._size = (lines, columns)
            if self._spawn is not None:
                with suppress(OSError):
                    self._spawn.setwinsize(*self._size)

    def close(self) -> None:
        """Hang up; whatever does not end by itself is killed soon after."""
        with self._lock:
            if self._closing:
                return
            self._closing = True
            self._wake()

    def _wake(self) -> None:
        """The lock is held: the descriptor's number may soon be somebody else's."""
        if self._wake_writer >= 0:
            with suppress(BlockingIOError):
                os.write(self._wake_writer, b"!")

    # -- the child's own thread ------------------------------------------------------------

    def _run(self) -> None:
        try:
            spawn = self._start()
            if spawn is not None:
                try:
                    self._serve(spawn)
                finally:
                    self._end(spawn)
        except Exception as error:
            logger.exception("a program in a pane failed")
            self._tell(ConsoleState.FAILED, sanitise(str(error)))
        finally:
            with self._lock:
                reader, writer = self._wake_reader, self._wake_writer
                self._wake_reader = self._wake_writer = -1
            os.close(reader)
            os.close(writer)

    def _start(self) -> pexpect.spawn[Any] | None:
        command, *arguments = self._argv
        if not arguments:
            # Without arguments pexpect splits the command as a shell would.
            command = re.sub(r"([\s'\"\\])", r"\\\1", command)
        # A collection between fork and exec could talk to a daemon over the parent's socket.
        collecting = gc.isenabled()
        gc.disable()
        try:
            spawn = pexpect.spawn(
                command,
                arguments,
                timeout=None,
                env=environment(os.environ),
                dimensions=self._size,
                preexec_fn=_default_signals,
            )
        except (pexpect.ExceptionPexpect, OSError) as error:
            logger.info("cannot run %s: %s", self._argv[0], error)
            found = pexpect.which(self._argv[0]) is not None
            reason = str(error) if found else f"there is no {self._argv[0]} on this machine"
            self._tell(ConsoleState.FAILED, sanitise(reason))
            return None
        finally:
            if collecting:
                gc.enable()
        os.set_blocking(spawn.child_fd, False)
        spawn.ptyproc.delayafterclose = 0  # type: ignore[attr-defined]
        with self._lock:
            self._spawn = spawn
            spawn.setwinsize(*self._size)
        return spawn

    def _serve(self, spawn: pexpect.spawn[Any]) -> None:
        """Move bytes until the program ended and all it said is passed on, or we close."""
        poll = select.poll()
        poll.register(self._wake_reader, select.POLLIN)
        ended = _end_of(_pid(spawn))
        if ended is not None:
            poll.register(ended, select.POLLIN)
        patience: int | None = None
        try:
            while not self._closing:
                behind = self._sink.waiting > MAX_BEHIND
                if behind:
                    with suppress(KeyError):
                        poll.unregister(spawn.child_fd)
                else:
                    writing = select.POLLOUT if self._input else 0
                    poll.register(spawn.child_fd, select.POLLIN | writing)
                ready = dict(poll.poll(PAUSE_MS if behind else patience))
                if self._wake_reader in ready:
                    os.read(self._wake_reader, 4096)
                if ended is not None and ended in ready:
                    # Others may hold the terminal open; it has said its last words by then.
                    poll.unregister(ended)
                    os.close(ended)
                    ended, patience = None, LAST_WORDS_MS
                if not ready and patience is not None and not behind:
                    return
                if spawn.child_fd in ready and not self._move(spawn, ready[spawn.child_fd]):
                    return
        finally:
            if ended is not None:
                os.close(ended)

    def _move(self, spawn: pexpect.spawn[Any], event: int) -> bool:
        """Read and write what goes without waiting; False at the end of the stream."""
        if event & select.POLLOUT:
            with self._lock, suppress(BlockingIOError, OSError):
                sent = os.write(spawn.child_fd, self._input[:4096])
                del self._input[:sent]
        if not event & ~select.POLLOUT:
            return True
        try:
            data = os.read(spawn.child_fd, READ_SIZE)
        except BlockingIOError:
            return True
        except OSError:
            # Linux's way to say that nobody has the terminal open any more.
            return False
        if data:
            try:
                self._sink.console_bytes(data)
            except Exception:
                logger.exception("terminal sink failed")
        return bool(data)

    def _end(self, spawn: pexpect.spawn[Any]) -> None:
        """Let it end, or see to it, and say how it ended."""
        while not self._closing and not _gone(spawn, HANG_ON):
            pass
        for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGKILL):
            if _gone(spawn, 0):
                break
            # Of its own session: the group's number is the child's until it is reaped.
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(_pid(spawn), number)
            _gone(spawn, GRACE)
        with self._lock:
            self._spawn = None
        with suppress(pexpect.ExceptionPexpect, OSError):
            spawn.close(force=True)
        killed_by = "" if spawn.signalstatus is None else _signal_name(spawn.signalstatus)
        self._exit = ChildExit(spawn.exitstatus, killed_by)
        self._tell(ConsoleState.CLOSED if self._closing else ConsoleState.ENDED, self._exit.text)

    def _tell(self, state: ConsoleState, detail: str = "") -> None:
        self._state = state
        try:
            self._sink.console_state(state, detail)
        except Exception:
            logger.exception("terminal sink failed")


def _default_signals() -> None:
    """In the child: nothing is ignored or blocked, as a terminal has it.

    Python ignores some, and ours may be ignored or blocked by who started us: nohup, a
    script's ``&``. Without SIGINT ctrl+c would do nothing.
    """
    for number in signal.valid_signals():
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def _pid(spawn: pexpect.spawn[Any]) -> int:
    """The program's process; never 0, which would be our own group."""
    assert spawn.pid, "the program was never started"
    return spawn.pid


def _end_of(pid: int) -> int | None:
    """A descriptor that becomes readable when a process ends, where there is such a thing."""
    try:
        return os.pidfd_open(pid)
    except (AttributeError, OSError):
        return None


def _gone(spawn: pexpect.spawn[Any], seconds: float) -> bool:
    """Wait for the process to end, and reap it."""
    until = time.monotonic() + seconds
    pause = 0.001
    while True:
        try:
            if not spawn.isalive():
                return True
        except pexpect.ExceptionPexpect:
            return True
        if time.monotonic() >= until:
            return False
        time.sleep(pause)
        pause = min(2 * pause, 0.05)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
