"""The demo's serial console behaves as a real one does."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import libvirt
import pytest

from tuivm.backend.demo import Demo
from tuivm.backend.demo_fleet import MACHINES
from tuivm.backend.power import run_verb
from tuivm.core.api import ConsoleChannel, ConsoleState
from tuivm.core.model import Domain, DomainKey, State

UUIDS = {machine.name: machine.uuid for machine in MACHINES}
STATES = {
    libvirt.VIR_DOMAIN_RUNNING: State.RUNNING,
    libvirt.VIR_DOMAIN_PAUSED: State.PAUSED,
    libvirt.VIR_DOMAIN_PMSUSPENDED: State.SUSPENDED,
}


class OneThreadHost:
    """A host's thread and its rows, without anything that a console does not need."""

    def __init__(self, conn: libvirt.virConnect) -> None:
        self.conn = conn
        self.pool = ThreadPoolExecutor(1)
        self.watchers: list[tuple[str, Callable[[Domain | None], None]]] = []

    def submit(self, fn: Callable[[libvirt.virConnect], Any], *, call: str) -> Future[Any]:
        return self.pool.submit(self._do, fn)

    def _do(self, fn: Callable[[libvirt.virConnect], Any]) -> Any:
        before = {uuid: self.row(uuid) for uuid, _ in self.watchers}
        result = fn(self.conn)
        for uuid, watcher in list(self.watchers):
            if (row := self.row(uuid)) != before.get(uuid):
                watcher(row)
        return result

    def row(self, uuid: str) -> Domain:
        domain = self.conn.lookupByUUIDString(uuid)
        state = STATES.get(domain.state()[0], State.OFF)
        return Domain(DomainKey("demo", uuid), "x", state, id=domain.ID())

    def watch(self, uuid: str, callback: Callable[[Domain | None], None]) -> Callable[[], None]:
        self.watchers.append((uuid, callback))
        return lambda: self.watchers.remove((uuid, callback))

    def do(self, name: str, verb: str) -> None:
        self.submit(lambda conn: run_verb(conn, UUIDS[name], verb, {}), call=verb).result(60)


class Screen:
    """A sink that remembers."""

    def __init__(self) -> None:
        self.text = ""
        self.states: list[ConsoleState] = []
        self.changed = threading.Condition()

    def console_bytes(self, data: bytes) -> None:
        with self.changed:
            self.text += data.decode()
            self.changed.notify_all()

    def console_state(self, state: ConsoleState, detail: str) -> None:
        with self.changed:
            self.states.append(state)
            self.changed.notify_all()

    def until(self, text: str) -> None:
        self._wait(lambda: text in self.text, text)

    def until_state(self, state: ConsoleState) -> None:
        self._wait(lambda: bool(self.states) and self.states[-1] is state, state)

    def _wait(self, reached: Callable[[], bool], what: str) -> None:
        with self.changed:
            assert self.changed.wait_for(reached, 60), (what, self.text[-500:], self.states)


class World:
    """A demo with its host; opens consoles."""

    def __init__(self) -> None:
        self.demo = Demo(speed=0)
        conn = libvirt.open(self.demo.uri)
        self.demo.prepare(conn)
        self.host = OneThreadHost(conn)
        self.channels: list[ConsoleChannel] = []

    def open(self, name: str, **options: Any) -> tuple[ConsoleChannel, Screen]:
        screen = Screen()
        key = DomainKey("demo", UUIDS[name])
        channel = self.demo.console(key, screen, self.host, **options)
        self.channels.append(channel)
        return channel, screen


@pytest.fixture
def world() -> Iterator[World]:
    made = World()
    yield made
    for channel in made.channels:
        channel.close()
    made.host.pool.shutdown()
    made.demo.close()


def log_in(channel: ConsoleChannel, screen: Screen) -> None:
    screen.until_state(ConsoleState.ATTACHED)
    channel.write(b"\r")
    screen.until("login: ")
    channel.write(b"root\r")
    screen.until("Password: ")
    channel.write(b"secret\r")
    screen.until("# ")


def test_log_in_and_run_commands(world: World) -> None:
    channel, screen = world.open("web-01")
    screen.until_state(ConsoleState.ATTACHED)
    log_in(channel, screen)
    channel.write(b"uname -r\r")
    screen.until("6.12")
    channel.write(b"ls /\r")
    screen.until("srv")
    channel.write(b"nonsense\r")
    screen.until("nonsense: not found")
    assert "secret" not in screen.text


def test_line_editing(world: World) -> None:
    channel, screen = world.open("web-01")
    log_in(channel, screen)
    channel.write("echo abcü\x7f\x7fX\r".encode())
    screen.until("\r\nabX\r\n")
    channel.write(b"\x1b[A\r")
    screen.until("\r\nabX\r\n\x1b[1;32mroot@web-01\x1b[0m:\x1b[1;34m~\x1b[0m# echo abX\r\nabX\r\n")
    channel.write(b"rubbish\x03echo fresh\r")
    screen.until("\r\nfresh\r\n")


def test_the_escape_key_by_itself_does_not_make_the_guest_deaf(world: World) -> None:
    channel, screen = world.open("web-01")
    log_in(channel, screen)
    channel.write(b"\x1b\r\x1bxecho ok\r")
    screen.until("\r\nok\r\n")


def test_a_terminals_replies_are_not_typed_text(world: World) -> None:
    channel, screen = world.open("web-01")
    log_in(channel, screen)
    channel.write(b"\x1b[24;80R\x1b[?62;22cecho ok\r")
    screen.until("\r\nok\r\n")


def test_boot_shows_every_line_from_the_first(world: World) -> None:
    _channel, screen = world.open("build-7", boot=True)
    screen.until("login: ")
    assert "SeaBIOS" in screen.text[:100]
    assert screen.states[-1] is ConsoleState.ATTACHED
    assert world.host.row(UUIDS["build-7"]).state is State.RUNNING


def test_poweroff_in_the_guest_stops_the_domain(world: World) -> None:
    channel, screen = world.open("web-01")
    log_in(channel, screen)
    channel.write(b"poweroff\r")
    screen.until_state(ConsoleState.ENDED)
    assert "Power down" in screen.text
    assert world.host.row(UUIDS["web-01"]).state is State.OFF


def test_it_attaches_again_when_the_domain_starts_again(world: World) -> None:
    _channel, screen = world.open("web-01")
    screen.until_state(ConsoleState.ATTACHED)
    world.host.do("web-01", "destroy")
    screen.until_state(ConsoleState.ENDED)
    world.host.do("web-01", "start")
    screen.until_state(ConsoleState.ATTACHED)
    screen.until("SeaBIOS")


def test_reboot_from_outside_is_seen_inside(world: World) -> None:
    _channel, screen = world.open("web-01")
    screen.until_state(ConsoleState.ATTACHED)
    world.demo.before(UUIDS["web-01"], "reboot", {})
    screen.until("SeaBIOS")
    screen.until("login: ")


def test_one_console_one_reader(world: World) -> None:
    first, one = world.open("web-01")
    one.until_state(ConsoleState.ATTACHED)
    second, two = world.open("web-01")
    two.until_state(ConsoleState.BUSY)
    second.attach(force=True)
    two.until_state(ConsoleState.ATTACHED)
    one.until_state(ConsoleState.STOLEN)
    second.close()
    first.attach()
    one.until_state(ConsoleState.ATTACHED)


def test_the_session_is_still_there_on_return(world: World) -> None:
    channel, screen = world.open("web-01")
    log_in(channel, screen)
    channel.close()
    channel.close()
    again, second = world.open("web-01")
    second.until_state(ConsoleState.ATTACHED)
    again.write(b"whoami\r")
    second.until("root")
    assert "login" not in second.text


def test_a_paused_guest_answers_when_it_is_resumed(world: World) -> None:
    channel, screen = world.open("ci-runner-3")
    screen.until_state(ConsoleState.ATTACHED)
    channel.write(b"\r")
    world.host.do("ci-runner-3", "resume")
    screen.until("login: ")


def test_what_cannot_be_opened_says_why(world: World) -> None:
    _, windows = world.open("win11-desk")
    windows.until_state(ConsoleState.NO_DEVICE)
    _, off = world.open("build-7")
    off.until_state(ConsoleState.ENDED)


def test_threads_end_with_their_console(world: World) -> None:
    channel, screen = world.open("web-01")
    screen.until_state(ConsoleState.ATTACHED)
    channel.close()
    screen.until_state(ConsoleState.CLOSED)
    deadline = time.monotonic() + 5
    while any(t.name.startswith("tuivm-demo-console") for t in threading.enumerate()):
        assert time.monotonic() < deadline
        threading.Event().wait(0.01)
