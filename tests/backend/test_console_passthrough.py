"""``tuivm console``: every byte both ways, a way out at any time, and the terminal as it was."""

from __future__ import annotations

import os
import pty
import signal
import termios
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tuivm.backend import passthrough
from tuivm.backend.lookup import locate
from tuivm.core.api import ConsoleChannel, ConsoleSink, ConsoleState
from tuivm.core.bareterminal import Ended, Passthrough
from tuivm.core.errors import TuivmError

ALL_BYTES = bytes(range(256))


class Guest:
    """A channel whose other side is the test, on another thread."""

    def __init__(self) -> None:
        self.sink: ConsoleSink | None = None
        self.state = ConsoleState.ATTACHING
        self.pending = 0
        self.got = bytearray()
        self.closed = threading.Event()
        self.connected = threading.Event()

    def connect(self, sink: ConsoleSink) -> ConsoleChannel:
        self.sink = sink
        self.connected.set()
        return self

    def become(self, state: ConsoleState, detail: str = "") -> None:
        assert self.connected.wait(60)
        assert self.sink is not None
        self.state = state
        self.sink.console_state(state, detail)

    def say(self, data: bytes) -> None:
        assert self.sink is not None
        self.sink.console_bytes(data)

    def write(self, data: bytes) -> None:
        self.got += data

    def attach(self, *, force: bool = False) -> None:
        raise NotImplementedError

    def close(self) -> None:
        self.closed.set()


class Pipes:
    """Standard input and output of a passthrough, from the user's side."""

    def __init__(self) -> None:
        self.stdin, self.keyboard = os.pipe()
        self.screen, self.stdout = os.pipe()

    def close(self) -> None:
        for fd in (self.stdin, self.keyboard, self.screen, self.stdout):
            try:
                os.close(fd)
            except OSError:
                continue

    def read(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            data += os.read(self.screen, size - len(data))
        return data


@pytest.fixture
def pipes() -> Iterator[Pipes]:
    made = Pipes()
    yield made
    made.close()


def drive(script: Callable[[], object], run: Callable[[], Ended]) -> Ended:
    """Run the passthrough on this, the main thread, and the script beside it."""
    with ThreadPoolExecutor(1) as pool:
        playing = pool.submit(script)
        ended = run()
        playing.result(60)
    return ended


def test_every_byte_goes_both_ways_untouched(pipes: Pipes) -> None:
    guest = Guest()

    def script() -> None:
        guest.become(ConsoleState.ATTACHED)
        typed = ALL_BYTES.replace(b"\x1d", b"")
        os.write(pipes.keyboard, typed)
        guest.say(ALL_BYTES * 1000)
        assert pipes.read(256_000) == ALL_BYTES * 1000
        os.write(pipes.keyboard, b"last\x1dnot this")
        assert guest.closed.wait(60)
        assert bytes(guest.got) == typed + b"last"

    ended = drive(script, lambda: Passthrough("web", pipes.stdin, pipes.stdout).run(guest.connect))
    assert ended.code == 0


def test_output_goes_on_after_input_ended_and_all_of_it_is_written(pipes: Pipes) -> None:
    guest = Guest()

    def script() -> None:
        guest.become(ConsoleState.ATTACHED)
        os.close(pipes.keyboard)
        guest.say(b"first ")
        assert pipes.read(6) == b"first "
        guest.say(b"x" * 300_000)
        guest.become(ConsoleState.ENDED)
        assert pipes.read(300_000) == b"x" * 300_000

    ended = drive(script, lambda: Passthrough("web", pipes.stdin, pipes.stdout).run(guest.connect))
    assert (ended.code, ended.text) == (0, "web stopped")


@pytest.mark.parametrize(
    ("states", "code", "text"),
    [
        ([ConsoleState.BUSY], 1, "--force"),
        ([ConsoleState.ENDED], 1, "not running"),
        ([ConsoleState.ATTACHED, ConsoleState.ENDED], 0, "stopped"),
        ([ConsoleState.ATTACHED, ConsoleState.STOLEN], 1, "took the console of web over"),
        ([ConsoleState.NO_DEVICE], 1, "<console type='pty'/>"),
        ([ConsoleState.NOT_A_PTY], 1, "only a pty"),
        ([ConsoleState.FAILED], 1, "why"),
    ],
)
def test_the_end_has_an_exit_code_and_a_reason(
    pipes: Pipes, states: list[ConsoleState], code: int, text: str
) -> None:
    guest = Guest()

    def script() -> None:
        for state in states:
            guest.become(state, "why")

    ended = drive(script, lambda: Passthrough("web", pipes.stdin, pipes.stdout).run(guest.connect))
    assert ended.code == code
    assert text in ended.text


def test_input_before_the_leave_key_is_sent_first(pipes: Pipes) -> None:
    guest = Guest()
    guest.pending = 10

    def script() -> None:
        guest.become(ConsoleState.ATTACHED)
        os.write(pipes.keyboard, b"reboot\r\x1d")
        time.sleep(0.05)
        assert not guest.closed.is_set()
        guest.pending = 0
        assert guest.closed.wait(60)

    drive(script, lambda: Passthrough("web", pipes.stdin, pipes.stdout).run(guest.connect))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_with_its_code_and_the_old_handler_is_back(
    pipes: Pipes, number: signal.Signals
) -> None:
    guest = Guest()
    before = signal.getsignal(number)

    def script() -> None:
        guest.become(ConsoleState.ATTACHED)
        os.kill(os.getpid(), number)
        assert guest.closed.wait(60)

    ended = drive(script, lambda: Passthrough("web", pipes.stdin, pipes.stdout).run(guest.connect))
    assert ended.code == 128 + number
    assert signal.getsignal(number) is before


def test_the_terminal_is_raw_meanwhile_and_as_before_afterwards() -> None:
    master, slave = pty.openpty()
    before = termios.tcgetattr(slave)
    guest = Guest()

    def script() -> None:
        guest.become(ConsoleState.ATTACHED)
        assert not termios.tcgetattr(slave)[3] & (termios.ECHO | termios.ICANON | termios.ISIG)
        os.write(master, b"\x03\x1a\x11\r")
        guest.say(b"\x1b[?1049h\x1b[?25lraw\n")
        shown = b""
        while b"raw\n" not in shown:
            shown += os.read(master, 1000)
        assert b"raw\r\n" not in shown
        os.write(master, b"\x1d")
        while b"\x1b[?1049l" not in shown or b"\x1b[?25h" not in shown:
            shown += os.read(master, 1000)

    try:
        ended = drive(script, lambda: Passthrough("web", slave, slave).run(guest.connect))
        assert ended.code == 0
        assert bytes(guest.got) == b"\x03\x1a\x11\r"
        assert termios.tcgetattr(slave) == before
    finally:
        os.close(master)
        os.close(slave)


def test_a_reader_that_went_away_ends_it(pipes: Pipes) -> None:
    guest = Guest()

    def script() -> None:
        guest.become(ConsoleState.ATTACHED)
        os.close(pipes.screen)
        guest.say(b"nobody reads this")
        assert guest.closed.wait(60)

    with pytest.raises(BrokenPipeError):
        drive(script, lambda: Passthrough("web", pipes.stdin, pipes.stdout).run(guest.connect))


def test_a_domain_is_found_by_name_uuid_and_id() -> None:
    uri = "test:///default"
    for text in ("test", "6695eb01-f6a4-8304-79aa-97f2502e193f", "1"):
        link, found = locate([uri], text)
        link.close()
        assert (found.uuid, found.name) == ("6695eb01-f6a4-8304-79aa-97f2502e193f", "test")


def test_what_cannot_be_found_says_what_was_probably_meant() -> None:
    with pytest.raises(TuivmError, match="There is no VM tset") as caught:
        locate(["test:///default"], "tset")
    assert caught.value.hint == "did you mean test?"
    with pytest.raises(TuivmError, match="Cannot tell which") as caught:
        locate(["test:///default", "test:///default?x=1"], "test")
    assert "-c URI" in caught.value.hint
    with pytest.raises(TuivmError, match="Cannot connect"):
        locate(["qemu+unix:///system?socket=/nonexistent/socket"], "test")


def test_the_command_says_that_the_driver_has_no_consoles() -> None:
    with pytest.raises(TuivmError, match="No console"):
        passthrough.run(["test:///default"], "test")
