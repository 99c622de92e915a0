"""A console that is open goes to the bare terminal as it is: text, colours, cursor, modes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from tuivm.core.api import ConsoleChannel, ConsoleSink, ConsoleState
from tuivm.core.cores import AUTO, new_core
from tuivm.core.handover import Borrowed, handover
from tuivm.core.model import DomainKey
from tuivm.core.session import ConsoleSession
from tuivm.core.terminal import Frame


class Channel(ConsoleChannel):
    def __init__(self) -> None:
        self.sent = b""

    @property
    def state(self) -> ConsoleState:
        return ConsoleState.ATTACHED

    def write(self, data: bytes) -> None:
        self.sent += data

    def attach(self, *, force: bool = False) -> None:
        raise NotImplementedError

    def close(self) -> None:
        pass


class Heard(ConsoleSink):
    def __init__(self) -> None:
        self.data = b""
        self.states: list[ConsoleState] = []

    def console_bytes(self, data: bytes) -> None:
        self.data += data

    def console_state(self, state: ConsoleState, detail: str) -> None:
        self.states.append(state)


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.005)


@pytest.fixture
def channel() -> Channel:
    return Channel()


@pytest.fixture
def session(channel: Channel) -> Iterator[ConsoleSession]:
    made = ConsoleSession(DomainKey("h", "u"), lambda: new_core(100, AUTO))
    made.open(lambda sink: channel)
    made.console_state(ConsoleState.ATTACHED, "")
    until(lambda: made.attached and made.frame() is not None)
    yield made
    made.close()


def say(session: ConsoleSession, data: bytes) -> None:
    before = session.seen
    session.console_bytes(data)
    until(lambda: session.seen == before + len(data) and session.waiting == 0)


def shown(data: bytes) -> Frame:
    """What a terminal shows that is given these bytes."""
    core = new_core(100, AUTO)
    core.feed(data)
    core.capture()
    return core.frame(full=True)


def test_a_shells_screen_goes_on_below_a_hint(session: ConsoleSession) -> None:
    say(session, b"\x1b[1;31mred\x1b[0m plain \x1b[48;5;200mpink\x1b[0m\r\nweb:~# ls")
    frame = shown(handover(session, "web: ctrl+] goes back"))
    mine = session.frame(full=True)
    assert mine is not None
    texts = ["".join(run.text for run in frame.rows[y]).rstrip() for y in range(3)]
    assert texts == ["-- web: ctrl+] goes back --", "red plain pink", "web:~# ls"]
    assert [run.style for run in frame.rows[1]][:3] == [run.style for run in mine.rows[0]][:3]
    assert frame.cursor is not None
    assert (frame.cursor.x, frame.cursor.y) == (9, 2)


def test_a_full_screen_program_keeps_its_place_and_its_modes(session: ConsoleSession) -> None:
    say(session, b"\x1b[?1049h\x1b[?1h\x1b[?2004h\x1b[?1000;1006h\x1b[5;7Hhere\x1b[10;20H")
    data = handover(session, "hint")
    assert b"hint" not in data
    for mode in (b"\x1b[?1049h", b"\x1b[?1h", b"\x1b[?2004h", b"\x1b[?1000;1006h"):
        assert mode in data
    mine, frame = session.frame(full=True), shown(data)
    assert mine is not None
    assert frame.rows == mine.rows
    assert frame.cursor == mine.cursor


def test_the_session_goes_on_while_it_is_borrowed(
    session: ConsoleSession, channel: Channel
) -> None:
    heard = Heard()
    borrowed = Borrowed(session, heard, first=b"screen ")
    say(session, b"both hear this")
    borrowed.write(b"typed")
    session.console_state(ConsoleState.ENDED, "")
    until(lambda: heard.states == [ConsoleState.ATTACHED, ConsoleState.ENDED])
    borrowed.close()
    session.console_bytes(b"and only one this")
    until(lambda: "only one" in session.text())
    assert heard.data == b"screen both hear this"
    assert channel.sent == b"typed"
    assert "both hear this" in session.text()
