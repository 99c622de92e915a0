"""A console in the bare terminal: this terminal, or this pair of pipes, becomes the serial line.

Bytes go both ways untouched: no emulation, no translation. The terminal is raw meanwhile
and is brought back however it ends, with the modes that the guest left on switched off.
"""

from __future__ import annotations

import os
import select
import signal
import termios
import threading
import time
import tty
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from types import FrameType

from tuivm.core.api import ConsoleChannel, ConsoleSink, ConsoleState
from tuivm.core.rawconsole import LEAVE_BYTE, LEAVE_LABEL, LeaveScanner, ModeTracker

READ_SIZE = 4096
WRITE_SIZE = 1024
"""Bytes written at once: what a pipe or terminal that is ready takes without blocking."""
MAX_WAITING = 256 * 1024 * 1024
"""Bytes that may wait for a reader of ours that stopped; libvirt knows no back-pressure."""
FLUSH = 5.0
"""Seconds that input before the leave key gets to be sent."""
Connect = Callable[[ConsoleSink], ConsoleChannel]


class Inbox(ConsoleSink):
    """Takes what the backend's threads deliver and wakes the main thread's ``select``."""

    def __init__(self) -> None:
        self.reader, self._writer = os.pipe()
        os.set_blocking(self._writer, False)
        os.set_blocking(self.reader, False)
        # A signal's handler may come in between: it wakes too.
        self._lock = threading.RLock()
        self._output: deque[bytes] = deque()
        self._size = 0
        self._states: deque[tuple[ConsoleState, str]] = deque()

    def console_bytes(self, data: bytes) -> None:
        """Keep what the guest printed until it is written."""
        with self._lock:
            self._output.append(data)
            self._size += len(data)
        self.wake()

    def console_state(self, state: ConsoleState, detail: str) -> None:
        """Keep a state until the main thread takes it."""
        self._states.append((state, detail))
        self.wake()

    def wake(self) -> None:
        """Let ``select`` return; any thread, signal handlers too."""
        # Full, or closed already.
        with self._lock, suppress(OSError):
            os.write(self._writer, b"!")

    def heard(self) -> list[tuple[ConsoleState, str]]:
        """Take the states that came, and forget that we were woken."""
        with suppress(BlockingIOError):
            os.read(self.reader, READ_SIZE)
        states = []
        while self._states:
            states.append(self._states.popleft())
        return states

    def close(self) -> None:
        """Give the pipe back; whoever wakes us later does nothing."""
        with self._lock:
            os.close(self._writer)
            os.close(self.reader)
            self._writer = self.reader = -1

    @property
    def waiting(self) -> int:
        """Bytes that are still to be written."""
        return self._size

    def peek(self) -> bytes:
        """The next bytes to write."""
        with self._lock:
            return self._output[0][:WRITE_SIZE] if self._output else b""

    def written(self, count: int) -> None:
        """Forget what was written."""
        with self._lock:
            head = self._output.popleft()
            if count < len(head):
                self._output.appendleft(head[count:])
            self._size -= count


class RawTerminal:
    """Standard input in raw mode, where it is a terminal; ``with`` brings it back."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._saved: list[object] | None = None

    def __enter__(self) -> RawTerminal:
        if os.isatty(self._fd):
            self._saved = termios.tcgetattr(self._fd)
            self.apply()
        return self

    def apply(self) -> None:
        """Make it raw, again after somebody else had it."""
        if self._saved is not None:
            with suppress(termios.error):
                tty.setraw(self._fd, termios.TCSANOW)

    def __exit__(self, *exc: object) -> None:
        if self._saved is not None:
            with suppress(termios.error, OSError):
                termios.tcsetattr(self._fd, termios.TCSANOW, self._saved)  # type: ignore[arg-type]


class Ended(Exception):
    """The session is over; holds the exit code and what to say."""

    def __init__(self, code: int, text: str = "") -> None:
        super().__init__(text)
        self.code = code
        self.text = text


class Passthrough:
    """Moves bytes between two descriptors and a console until one side ends it."""

    def __init__(
        self,
        name: str,
        stdin: int = 0,
        stdout: int = 1,
        *,
        leave: bytes = LEAVE_BYTE,
        label: str = LEAVE_LABEL,
    ) -> None:
        """Prepare it.

        Args:
            name: What the console is called in what is said.
            stdin: Where input comes from, a terminal or not.
            stdout: Where output goes.
            leave: The byte that leaves.
            label: That byte's key, as people write it.
        """
        self._name = name
        self._stdin = stdin
        self._stdout = stdout
        self._label = label
        self._inbox = Inbox()
        self._scanner = LeaveScanner(leave)
        self._modes = ModeTracker()
        self._channel: ConsoleChannel | None = None
        self._attached = False
        self._was_attached = False
        self._input_open = True
        self._ending: Ended | None = None
        self._signal = 0
        self._continued = False

    def run(self, connect: Connect) -> Ended:
        """Attach and pass bytes on until the end, on the main thread."""
        before = {
            number: signal.signal(number, self._signalled)
            for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGCONT)
        }
        try:
            with RawTerminal(self._stdin) as terminal:
                try:
                    return self._loop(connect, terminal)
                finally:
                    if self._channel is not None:
                        self._channel.close()
                    self._restore_modes()
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
            self._inbox.close()

    def _loop(self, connect: Connect, terminal: RawTerminal) -> Ended:
        self._channel = connect(self._inbox)
        try:
            while True:
                self._turn()
                if self._signal:
                    return Ended(128 + self._signal)
                if self._continued:
                    self._continued = False
                    terminal.apply()
        except Ended as ended:
            return ended

    def _turn(self) -> None:
        inbox = self._inbox
        reads = [inbox.reader]
        if self._attached and self._input_open:
            reads.append(self._stdin)
        writes = [self._stdout] if inbox.waiting else []
        readable, writable, _ = select.select(reads, writes, [])
        if writable:
            self._write()
        if inbox.reader in readable:
            for state, detail in inbox.heard():
                self._state_changed(state, detail)
        if self._stdin in readable:
            self._read()
        if inbox.waiting > MAX_WAITING:
            raise Ended(1, "nobody reads our output, and the guest does not stop")
        if self._ending is not None and not inbox.waiting:
            raise self._ending

    def _write(self) -> None:
        data = self._inbox.peek()
        count = os.write(self._stdout, data)
        self._modes.feed(data[:count])
        self._inbox.written(count)

    def _read(self) -> None:
        try:
            data = os.read(self._stdin, READ_SIZE)
        except OSError:
            # The terminal is gone (EIO); SIGHUP may come or not.
            raise Ended(128 + signal.SIGHUP) from None
        if not data:
            self._input_open = False
            return
        sent, leave = self._scanner.feed(data)
        channel = self._channel
        if sent and channel is not None:
            channel.write(sent)
        if leave:
            self._flush()
            raise Ended(0)

    def _flush(self) -> None:
        """Input is sent at the guest's pace: what came before the leave key goes first."""
        end = time.monotonic() + FLUSH
        while getattr(self._channel, "pending", 0) and time.monotonic() < end:
            time.sleep(0.005)

    def _state_changed(self, state: ConsoleState, detail: str) -> None:
        name = self._name
        self._attached = state is ConsoleState.ATTACHED
        match state:
            case ConsoleState.ATTACHED:
                self._was_attached = True
                self._say(f"attached to {name}, {self._label} leaves")
            case ConsoleState.BUSY:
                self._end(1, f"the console of {name} is open elsewhere (--force takes it over)")
            case ConsoleState.STOLEN:
                self._end(1, f"somebody else took the console of {name} over")
            case ConsoleState.ENDED if self._was_attached:
                self._end(0, f"{name} stopped")
            case ConsoleState.ENDED:
                self._end(1, f"{name} is not running (start it, or use B in tuivm)")
            case ConsoleState.NO_DEVICE:
                self._end(1, f"{name} has no serial console (add <console type='pty'/>)")
            case ConsoleState.NOT_A_PTY:
                self._end(1, f"{detail}: only a pty can be opened")
            case ConsoleState.FAILED:
                self._end(1, detail)

    def _end(self, code: int, text: str) -> None:
        """End as soon as all that the guest printed is written."""
        self._ending = Ended(code, text)

    def _say(self, text: str) -> None:
        if os.isatty(2):
            with suppress(OSError):
                os.write(2, f"tuivm: {text}\r\n".encode())

    def _restore_modes(self) -> None:
        if self._was_attached and os.isatty(self._stdout):
            with suppress(OSError):
                os.write(self._stdout, self._modes.undo() + b"\r\n")

    def _signalled(self, number: int, _frame: FrameType | None) -> None:
        if number == signal.SIGCONT:
            self._continued = True
        else:
            self._signal = number
        self._inbox.wake()
