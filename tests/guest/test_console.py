"""The serial console of real guests: not a byte lost, whatever happens to guest or console."""

from __future__ import annotations

import hashlib
import os
import re
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pexpect
import pytest

from tests.guest.conftest import MakeGuest, unique
from tests.guest.lab import Lab, until
from tests.guest.login import log_in
from tests.lab.guests import Guest
from tuivm.backend.console import Console
from tuivm.backend.fleet import Fleet
from tuivm.core.api import ConsoleChannel, ConsoleState
from tuivm.core.model import DomainKey

S = ConsoleState

LOGIN = b" login: "
CYCLES = 3


class Screen:
    """A sink that keeps everything."""

    def __init__(self) -> None:
        self.data = b""
        self.states: list[ConsoleState] = []
        self.details: list[str] = []

    def console_bytes(self, data: bytes) -> None:
        self.data += data

    def console_state(self, state: ConsoleState, detail: str) -> None:
        self.states.append(state)
        self.details.append(detail)

    def await_state(self, state: ConsoleState, timeout: float = 60) -> None:
        until(lambda: self.states and self.states[-1] is state, f"state {state}", timeout)

    def await_text(self, text: bytes, start: int = 0, timeout: float = 60) -> None:
        until(lambda: text in self.data[start:], repr(text), timeout)


class Desk:
    """A fleet on the lab, and the consoles opened through it."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.fleet = Fleet([lab.uri])
        self.fleet.start(lambda: None)
        self.host = next(iter(self.fleet.hosts))
        self.channels: list[ConsoleChannel] = []
        until(lambda: self.fleet.hosts[self.host].status.state.connected, "connection")

    def open(self, guest: Guest, *, boot: bool = False) -> tuple[ConsoleChannel, Screen]:
        screen = Screen()
        channel = self.fleet.console(DomainKey(self.host, guest.uuid), screen, boot=boot)
        self.channels.append(channel)
        return channel, screen

    def close(self) -> None:
        for channel in self.channels:
            channel.close()
        self.fleet.stop(2.0)


@pytest.fixture
def desk(lab: Lab) -> Iterator[Desk]:
    made = Desk(lab)
    yield made
    made.close()


def ask(channel: ConsoleChannel, screen: Screen, command: str) -> bytes:
    """A shell command's output, by a prompt that follows it."""
    start = len(screen.data)
    channel.write(command.encode() + b"; echo en''d\r")
    screen.await_text(b"end\r\n", start)
    return screen.data[start:]


def test_boot_with_console_shows_every_byte_of_the_log(
    lab: Lab, make_guest: MakeGuest, desk: Desk
) -> None:
    guest = make_guest("boot")
    _channel, screen = desk.open(guest, boot=True)
    screen.await_text(LOGIN)
    until(lambda: len(lab.said(guest)) == len(screen.data), "the same length")
    assert lab.said(guest) == screen.data
    assert screen.data.startswith(b"[    0.000000] Linux version")
    start = len(screen.data)
    lab.virsh("reset", guest.uuid)
    screen.await_text(LOGIN, start)
    assert screen.states == [S.ATTACHING, S.ATTACHED]


def test_power_cycles_attach_again_and_leak_nothing(
    lab: Lab, make_guest: MakeGuest, desk: Desk
) -> None:
    guest = make_guest("cycle")
    _channel, screen = desk.open(guest)
    screen.await_state(S.ENDED)
    descriptors: list[int] = []
    for _ in range(CYCLES):
        lab.virsh("start", guest.uuid)
        screen.await_state(S.ATTACHED)
        before = len(screen.data)
        screen.await_text(b"Run /init", before)
        seen = screen.data[before:]
        until(partial(_said, lab, guest, seen), "the same bytes in the log")
        lab.virsh("destroy", guest.uuid)
        screen.await_state(S.ENDED)
        until(lambda: threading.active_count() < 40, "threads")
        descriptors.append(len(os.listdir("/proc/self/fd")))
    assert S.STOLEN not in screen.states
    assert S.BUSY not in screen.states
    assert descriptors[-1] <= descriptors[0] + 1, descriptors


@pytest.fixture
def own_desk(own_lab: Lab) -> Iterator[Desk]:
    made = Desk(own_lab)
    yield made
    made.close()


def test_busy_taken_over_stolen_and_taken_back(own_desk: Desk) -> None:
    """On a daemon of its own: libvirtd does not always outlive a console that is taken over."""
    desk = own_desk
    guest = desk.lab.define(Guest(unique("steal"), start="running"))
    first, mine = desk.open(guest)
    mine.await_state(S.ATTACHED)
    second, theirs = desk.open(guest)
    theirs.await_state(S.BUSY)
    second.attach(force=True)
    theirs.await_state(S.ATTACHED)
    mine.await_state(S.STOLEN)
    first.attach(force=True)
    mine.await_state(S.ATTACHED)
    theirs.await_state(S.STOLEN)
    first.close()
    third, again = desk.open(guest)
    again.await_state(S.ATTACHED)
    assert third.state is S.ATTACHED


def test_a_paste_arrives_whole_and_commands_run(make_guest: MakeGuest, desk: Desk) -> None:
    guest = make_guest("paste", start="running")
    channel, screen = desk.open(guest)
    screen.await_state(S.ATTACHED)
    log_in(lambda: screen.data, channel.write)
    assert b"\r\n42\r\n" in ask(channel, screen, "echo $((6 * 7))")
    text = bytes(33 + (n * 7) % 90 for n in range(6000))
    # Each end is waited for: what is typed while stty changes the port's ways is lost.
    channel.write(b"stty raw -echo; echo rea''dy; head -c 6000 > /tmp/p; stty sane; echo go''ne\r")
    screen.await_text(b"ready")
    channel.write(text)
    assert isinstance(channel, Console)
    until(lambda: channel.pending == 0, "input sent")
    screen.await_text(b"gone")
    found = ask(channel, screen, "md5sum /tmp/p")
    assert hashlib.md5(text).hexdigest().encode() in found


def test_a_virtio_console_and_what_is_no_console(
    lab: Lab, make_guest: MakeGuest, desk: Desk, tmp_path: Path
) -> None:
    virtio = make_guest("hvc", virtio_console=True)
    channel, screen = desk.open(virtio, boot=True)
    screen.await_state(S.ATTACHED)
    screen.await_text(b"login", timeout=60)
    assert channel.state is S.ATTACHED
    none = make_guest("none", serial=False, start="running")
    _channel, screen = desk.open(none)
    screen.await_state(S.NO_DEVICE)
    # Never a device: virtlogd replaces what it writes to, and /dev/null is everybody's.
    log = tmp_path / "serial.log"
    file = make_guest(
        "file",
        serial=False,
        start="running",
        extra=f"<serial type='file'><source path='{log}'/></serial>",
    )
    _channel, screen = desk.open(file)
    screen.await_state(S.NOT_A_PTY)
    assert log.name in screen.details[-1]


def _said(lab: Lab, guest: Guest, seen: bytes) -> bool:
    return lab.said(guest).startswith(seen)


@pytest.fixture
def bare(lab: Lab) -> Iterator[Callable[..., pexpect.spawn[bytes]]]:
    started: list[pexpect.spawn[bytes]] = []

    def start(*arguments: str) -> pexpect.spawn[bytes]:
        command = ["-m", "tuivm", "console", "-c", lab.uri, *arguments]
        started.append(pexpect.spawn(sys.executable, command, dimensions=(24, 80), timeout=30))
        return started[-1]

    yield start
    for one in started:
        one.close(force=True)


def test_the_bare_terminal(
    lab: Lab, make_guest: MakeGuest, bare: Callable[..., pexpect.spawn[bytes]]
) -> None:
    guest = make_guest("bare", start="running")
    lab.await_boot(guest)
    one = bare(guest.name)
    one.expect("attached to")
    one.send("\r")
    one.expect("login: ")
    two = bare(guest.uuid)
    two.expect("--force")
    two.expect(pexpect.EOF)
    two.close()
    assert two.exitstatus == 1
    three = bare("--force", guest.name)
    three.expect("attached to")
    one.expect("took the console")
    one.expect(pexpect.EOF)
    one.close()
    assert one.exitstatus == 1
    three.send("root\r")
    three.expect("assword:")
    # What is typed before the echo is off would be shown, and dropped.
    three.expect(pexpect.TIMEOUT, timeout=0.5)
    three.send("lab\r")
    three.expect("~# ")
    three.send("echo $((6 * 7))\r")
    three.expect(re.compile(rb"\r\n42\r\n"))
    three.send("never sent after\x1dthis")
    three.expect(pexpect.EOF)
    three.close()
    assert three.exitstatus == 0
    four = bare(guest.name)
    four.expect("attached to")
    lab.virsh("destroy", guest.uuid)
    four.expect("stopped")
    four.expect(pexpect.EOF)
    four.close()
    assert four.exitstatus == 0
