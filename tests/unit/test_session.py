"""The session between channel and screen: order, notes, replies, taps, and who waits."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from tuivm.core.api import ConsoleSink, ConsoleState
from tuivm.core.cores import new_core
from tuivm.core.limiter import ReplyLimiter
from tuivm.core.model import DomainKey
from tuivm.core.session import ConsoleSession
from tuivm.core.sessions import Sessions
from tuivm.core.terminal import TerminalCore, TerminalUnavailable
from tuivm.core.typeahead import LIMIT

KEY = DomainKey("here", "00000000-0000-0000-0000-000000000001")


class Channel:
    """A scripted channel: the test plays the backend."""

    def __init__(self, sink: ConsoleSink) -> None:
        self.sink = sink
        self.state = ConsoleState.ATTACHING
        self.sent = bytearray()
        self.closed = False
        self.attempts: list[bool] = []

    def say(self, state: ConsoleState, detail: str = "") -> None:
        self.state = state
        self.sink.console_state(state, detail)

    def write(self, data: bytes) -> None:
        self.sent += data

    def attach(self, *, force: bool = False) -> None:
        self.attempts.append(force)

    def close(self) -> None:
        self.closed = True


def until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.002)


@pytest.fixture
def session() -> Iterator[ConsoleSession]:
    made = ConsoleSession(KEY, new_core)
    yield made
    made.close()


def attached(session: ConsoleSession) -> Channel:
    session.open(Channel)
    channel = session._channel
    assert isinstance(channel, Channel)
    channel.say(ConsoleState.ATTACHED)
    until(lambda: session.state is ConsoleState.ATTACHED)
    return channel


def test_bytes_reach_the_screen_and_keys_reach_the_guest(session: ConsoleSession) -> None:
    channel = attached(session)
    channel.sink.console_bytes(b"login: ")
    until(lambda: "login:" in session.text())
    assert session.seen == 7
    assert session.press("a", "a")
    assert session.press("up", None)
    assert session.paste("two\nlines")
    assert bytes(channel.sent) == b"a\x1b[Atwo\rlines"


def test_nothing_is_typed_while_nobody_listens(session: ConsoleSession) -> None:
    channel = attached(session)
    channel.say(ConsoleState.ENDED)
    assert not session.press("a", "a")
    assert not channel.sent


def test_what_is_typed_while_it_is_attached_is_sent_then(session: ConsoleSession) -> None:
    assert session.press("a", "a"), "its past is being read"
    session.open(Channel)
    channel = session.channel
    assert isinstance(channel, Channel)
    assert session.press("b", "b")
    assert not channel.sent
    channel.say(ConsoleState.ATTACHED)
    assert session.press("c", "c")
    until(lambda: bytes(channel.sent) == b"abc")


def test_what_is_typed_while_the_terminal_is_being_made_is_sent() -> None:
    made = threading.Event()

    def late() -> TerminalCore:
        assert made.wait(30)
        return new_core()

    session = ConsoleSession(KEY, late)
    session.open(Channel)
    channel = session.channel
    assert isinstance(channel, Channel)
    channel.say(ConsoleState.ATTACHED)
    assert session.takes_keys
    assert session.press("a", "a")
    assert session.press("enter", None)
    assert session.press("up", None)
    made.set()
    until(lambda: session.attached)
    assert bytes(channel.sent) == b"a\r\x1b[A"
    session.close()


def test_what_was_typed_is_forgotten_where_somebody_else_has_it(session: ConsoleSession) -> None:
    session.open(Channel)
    channel = session.channel
    assert isinstance(channel, Channel)
    assert session.press("a", "a")
    channel.say(ConsoleState.BUSY)
    until(lambda: session.state is ConsoleState.BUSY)
    channel.say(ConsoleState.ATTACHED)
    assert session.press("b", "b")
    assert bytes(channel.sent) == b"b"


def test_no_more_is_kept_than_somebody_types(session: ConsoleSession) -> None:
    session.open(Channel)
    channel = session.channel
    assert isinstance(channel, Channel)
    typed = [session.press("a", "a") for _ in range(2000)]
    assert typed == [True] * LIMIT + [False] * (2000 - LIMIT)
    channel.say(ConsoleState.ATTACHED)
    until(lambda: len(channel.sent) == LIMIT)


def test_queries_are_answered_but_not_without_end(session: ConsoleSession) -> None:
    channel = attached(session)
    channel.sink.console_bytes(b"\x1b[6n")
    until(lambda: bytes(channel.sent) == b"\x1b[1;1R")
    for _ in range(50):
        channel.sink.console_bytes(b"\x1b[6n" * 500)
    channel.sink.console_bytes(b"done")
    until(lambda: "done" in session.text())
    assert len(channel.sent) < 16_000


def test_the_limiter_refills() -> None:
    now = [0.0]
    limiter = ReplyLimiter(100, clock=lambda: now[0])
    assert limiter.allow(100)
    assert not limiter.allow(1)
    now[0] = 0.5
    assert limiter.allow(50)
    assert not limiter.allow(50)
    now[0] = 1000.0
    assert not limiter.allow(101)


def test_the_scrollback_says_what_happened_and_survives_leaving(session: ConsoleSession) -> None:
    first = attached(session)
    first.sink.console_bytes(b"before\r\n\x1b[?1049h\x1b[31mfull screen")
    until(lambda: session.seen > 10)
    first.say(ConsoleState.ENDED)
    first.sink.console_state(ConsoleState.ATTACHING, "")
    first.say(ConsoleState.ATTACHED)
    first.sink.console_bytes(b"booting\r\n")
    until(lambda: "booting" in session.text())
    text = session.text()
    assert text.index("before") < text.index("-- stopped") < text.index("-- started")
    assert text.index("-- started") < text.index("booting")
    session.leave()
    assert first.closed
    until(lambda: session.state is ConsoleState.CLOSED)
    first.sink.console_bytes(b"too late")
    second = attached(session)
    second.sink.console_bytes(b"after")
    until(lambda: "after" in session.text())
    text = session.text()
    assert "too late" not in text
    assert text.index("booting") < text.index("-- attached again") < text.index("after")


def test_a_machine_that_never_ran_is_not_said_to_have_stopped(session: ConsoleSession) -> None:
    session.open(Channel)
    channel = session._channel
    assert isinstance(channel, Channel)
    channel.say(ConsoleState.ENDED)
    until(lambda: session.state is ConsoleState.ENDED)
    assert "stopped" not in session.text()


def test_taps_hear_every_byte_and_a_broken_tap_is_dropped(session: ConsoleSession) -> None:
    heard = bytearray()

    def broken(data: bytes) -> None:
        raise ValueError

    session.add_tap(broken)
    remove = session.add_tap(heard.extend)
    channel = attached(session)
    for n in range(100):
        channel.sink.console_bytes(b"%03d" % n)
    until(lambda: len(heard) == 300)
    assert bytes(heard) == b"".join(b"%03d" % n for n in range(100))
    remove()
    channel.sink.console_bytes(b"silent")
    until(lambda: "silent" in session.text())
    assert len(heard) == 300


def test_one_wake_until_the_frame_is_taken(session: ConsoleSession) -> None:
    wakes: list[int] = []
    channel = attached(session)
    session.frame()
    session.watch(lambda: wakes.append(threading.get_ident()))
    for _ in range(20):
        channel.sink.console_bytes(b"x")
    until(lambda: session.seen == 20)
    assert len(wakes) == 1
    session.frame()
    channel.sink.console_bytes(b"x")
    until(lambda: len(wakes) == 2)
    assert threading.get_ident() not in wakes


class SlowLook(ConsoleSession):
    """A session whose feeder takes its time between a look at the mark and setting it."""

    flag = False
    looking: threading.Event | None = None

    @property
    def _woken(self) -> bool:
        value = self.flag
        if self.looking is not None and threading.current_thread() is self._feeder:
            self.looking.set()
            time.sleep(0.05)
        return value

    @_woken.setter
    def _woken(self, value: bool) -> None:
        self.flag = value


def test_no_wake_is_lost_to_a_frame_at_the_same_moment() -> None:
    """Regression: a burst's last bytes stayed invisible until the next ones came."""
    session = SlowLook(KEY, new_core)
    channel = attached(session)
    until(lambda: session.frame() is not None)
    session.flag = True
    session.looking = threading.Event()
    channel.sink.console_bytes(b"last")
    assert session.looking.wait(60)
    session.frame()
    time.sleep(0.1)
    assert not session.flag, "marked as told after the frame was taken: nobody would be woken"
    session.close()


def test_the_screen_gets_its_turn_under_a_flood(session: ConsoleSession) -> None:
    channel = attached(session)
    line = b"\x1b[32m[   12.345678]\x1b[0m virtio_net virtio0: link becomes ready\r\n"
    for _ in range(400):
        channel.sink.console_bytes(line * 1000)
    waits = []
    while session.seen < 400 * 1000 * len(line):
        began = time.perf_counter()
        session.frame()
        waits.append(time.perf_counter() - began)
        time.sleep(0.005)
    assert len(waits) > 5
    assert sorted(waits)[len(waits) // 2] < 0.05


def test_a_core_that_fails_is_replaced(session: ConsoleSession) -> None:
    channel = attached(session)
    until(lambda: session.frame() is not None)

    class Panic(BaseException):
        pass

    def feed(data: bytes) -> None:
        raise Panic

    core = session._turns.core
    assert core is not None
    core.feed = feed  # type: ignore[method-assign]
    channel.sink.console_bytes(b"boom")
    until(lambda: "reset after a failure" in session.text())
    channel.sink.console_bytes(b"alive")
    until(lambda: "alive" in session.text())


def test_without_a_terminal_library_the_reason_is_kept() -> None:
    def none() -> None:
        raise TerminalUnavailable("Cannot show a terminal", "no library")

    session = ConsoleSession(KEY, none)  # type: ignore[arg-type]
    woken = threading.Event()
    session.watch(woken.set)
    session.open(Channel)
    assert woken.wait(60)
    assert session.failure is not None
    assert session.frame() is None
    session.close()


def test_one_session_a_domain() -> None:
    sessions = Sessions()
    one = sessions.get(KEY)
    assert sessions.get(KEY) is one
    assert sessions.get(DomainKey("there", KEY.uuid)) is not one
    channel = attached(one)
    sessions.close()
    assert channel.closed
