"""Consoles through resets, reboots, power cycles, take-overs and a daemon's restart.

Few rounds by default; ``TUIVM_TEST_LONG=1`` does as many as a release needs.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.backend.daemon import Daemon, private_daemon
from tests.guest.conftest import MakeGuest
from tests.guest.lab import Lab, until
from tests.guest.login import log_in
from tests.lab.guests import Guest
from tuivm.backend.fleet import Fleet
from tuivm.core.api import ConsoleState
from tuivm.core.cores import AUTO, new_core
from tuivm.core.model import DomainKey
from tuivm.core.session import ConsoleSession

LONG = os.environ.get("TUIVM_TEST_LONG", "") == "1"
RESETS, REBOOTS, CYCLES, STEALS, RESTARTS = (20, 3, 20, 20, 5) if LONG else (2, 1, 3, 2, 1)
SLACK = 2
"""Descriptors and threads that may come and go by chance: none grows with the rounds."""
STARTED = b"Linux version"

pytestmark = pytest.mark.timeout(1500 if LONG else 240)


class Desk:
    """A fleet on one daemon, and sessions as the screens have them."""

    def __init__(self, uri: str) -> None:
        self.fleet = Fleet([uri])
        self.fleet.start(lambda: None)
        self.host = next(iter(self.fleet.hosts))
        self.sessions: list[ConsoleSession] = []
        self.up()

    def up(self, timeout: float = 60) -> None:
        """Wait for the connection."""
        until(lambda: self.fleet.hosts[self.host].status.state.connected, "connection", timeout)

    def open(self, uuid: str) -> tuple[ConsoleSession, Bytes]:
        """Attach a session to a domain's console."""
        key = DomainKey(self.host, uuid)
        session = ConsoleSession(key, lambda: new_core(10_000, AUTO))
        tap = Bytes(session)
        session.open(lambda sink: self.fleet.console(key, sink))
        self.sessions.append(session)
        return session, tap

    def close(self) -> None:
        """Leave everything."""
        for session in self.sessions:
            session.close()
        self.fleet.stop(3.0)


class Bytes:
    """All that a session's guest printed, and the states on the way."""

    def __init__(self, session: ConsoleSession) -> None:
        self.session = session
        self.data = b""
        self.states: list[ConsoleState] = []
        session.add_tap(self._take)
        session.changed.add(lambda change: self.states.append(change.state))

    def _take(self, data: bytes) -> None:
        self.data += data

    def await_state(self, state: ConsoleState, timeout: float = 60) -> float:
        """Wait for a state; the seconds that it took."""
        return until(lambda: self.session.state is state, f"state {state}", timeout)

    def await_text(self, text: bytes, start: int, timeout: float = 90) -> None:
        """Wait for a text behind a place."""
        until(lambda: text in self.data[start:], repr(text), timeout)


class Growth:
    """Descriptors and threads of this process, round by round."""

    def __init__(self) -> None:
        self.seen: list[tuple[int, int]] = []

    def note(self) -> None:
        """Count once what is being closed is gone, at most two seconds later."""
        end = time.monotonic() + 2
        counts = _counts()
        while self.seen and time.monotonic() < end and counts > self.seen[0]:
            time.sleep(0.05)
            counts = _counts()
        self.seen.append(counts)

    def none(self) -> None:
        """Fail when there is more at the end than after the first round."""
        (first_fds, first_threads), (fds, threads) = self.seen[0], self.seen[-1]
        print("descriptors, threads:", self.seen)
        assert fds <= first_fds + SLACK, self.seen
        assert threads <= first_threads + SLACK, self.seen


def _counts() -> tuple[int, int]:
    return len(os.listdir("/proc/self/fd")), threading.active_count()


@pytest.fixture
def desk(lab: Lab) -> Iterator[Desk]:
    made = Desk(lab.uri)
    yield made
    made.close()


def test_resets_and_reboots_keep_the_stream(lab: Lab, make_guest: MakeGuest, desk: Desk) -> None:
    guest = make_guest("again", start="running")
    session, seen = desk.open(guest.uuid)
    seen.await_state(ConsoleState.ATTACHED)
    growth = Growth()
    for _ in range(RESETS):
        start = len(seen.data)
        lab.virsh("reset", guest.uuid)
        seen.await_text(STARTED, start)
        growth.note()
    for _ in range(REBOOTS):
        start = len(seen.data)
        log_in(lambda start=start: seen.data[start:], session.write)  # type: ignore[misc]
        start = len(seen.data)
        session.write(b"reboot\r")
        seen.await_text(STARTED, start)
        growth.note()
    assert seen.states == [ConsoleState.ATTACHING, ConsoleState.ATTACHED]
    assert " -- " not in session.text()
    growth.none()


def test_power_cycles_attach_again_and_say_so(lab: Lab, make_guest: MakeGuest, desk: Desk) -> None:
    guest = make_guest("power", start="running")
    session, seen = desk.open(guest.uuid)
    seen.await_state(ConsoleState.ATTACHED)
    growth = Growth()
    for number in range(1, CYCLES + 1):
        lab.virsh("destroy", guest.uuid)
        seen.await_state(ConsoleState.ENDED)
        start = len(seen.data)
        lab.virsh("start", guest.uuid)
        seen.await_state(ConsoleState.ATTACHED)
        seen.await_text(STARTED, start)
        text = session.text()
        assert text.count("-- stopped ") == number
        assert text.count("-- started ") == number
        growth.note()
    assert not {ConsoleState.BUSY, ConsoleState.STOLEN, ConsoleState.FAILED} & set(seen.states)
    growth.none()


def test_steals_and_take_backs(private: Daemon) -> None:
    """On a guest that says nothing: libvirtd 9.0 may not tell the loser while output is under way.

    The daemon has no other guests whose output could be in the way.
    """
    guest = Guest("steals")
    xml = f"""<domain type='qemu'><name>steals</name><memory unit='MiB'>64</memory>
      <uuid>{guest.uuid}</uuid><os><type arch='x86_64'>hvm</type></os>
      <devices><serial type='pty'/><memballoon model='none'/></devices></domain>"""
    desk = Desk(private.uri("qemu:///session"))
    try:
        desk.fleet.hosts[desk.host].submit(
            lambda conn: conn.createXML(xml, 0).ID(), call="create", lane="job", deadline=60
        ).result(60)
        steal_and_take_back(desk, guest)
    finally:
        desk.close()


def steal_and_take_back(desk: Desk, guest: Guest) -> None:
    mine, my_bytes = desk.open(guest.uuid)
    my_bytes.await_state(ConsoleState.ATTACHED)
    theirs, their_bytes = desk.open(guest.uuid)
    their_bytes.await_state(ConsoleState.BUSY)
    growth = Growth()
    for number in range(1, STEALS + 1):
        theirs.attach(force=True)
        my_bytes.await_state(ConsoleState.STOLEN)
        their_bytes.await_state(ConsoleState.ATTACHED)
        mine.attach(force=True)
        their_bytes.await_state(ConsoleState.STOLEN)
        my_bytes.await_state(ConsoleState.ATTACHED)
        text = mine.text()
        assert text.count("-- somebody else took this console over ") == number
        assert text.count("-- taken back ") == number
        growth.note()
    growth.none()


@pytest.fixture
def private(tmp_path: Path) -> Iterator[Daemon]:
    """A daemon that can be killed without harm to anybody's guests."""
    with private_daemon() as one:
        yield one


def test_a_daemons_restart_is_survived(lab: Lab, private: Daemon) -> None:
    """The guest goes on meanwhile: the next daemon finds it again."""
    xml = f"""<domain type='qemu'><name>kept</name><memory unit='MiB'>64</memory>
      <uuid>{Guest("kept").uuid}</uuid><os><type arch='x86_64'>hvm</type></os>
      <devices><serial type='pty'/><memballoon model='none'/></devices></domain>"""
    desk = Desk(private.uri("qemu:///session"))
    try:
        host = desk.fleet.hosts[desk.host]
        host.submit(
            lambda conn: conn.createXML(xml, 0).ID(), call="create", lane="job", deadline=60
        ).result(60)
        session, seen = desk.open(Guest("kept").uuid)
        seen.await_state(ConsoleState.ATTACHED)
        growth = Growth()
        took = []
        for number in range(1, RESTARTS + 1):
            private.kill()
            seen.await_state(ConsoleState.FAILED)
            private.start()
            took.append(seen.await_state(ConsoleState.ATTACHED, 60))
            text = session.text()
            assert text.count("-- the connection broke off ") == number
            assert text.count("-- attached again after the connection was lost ") == number
            desk.up()
            growth.note()
        print("attached again after", [f"{seconds:.1f} s" for seconds in took])
        assert not {ConsoleState.STOLEN, ConsoleState.ENDED} & set(seen.states)
        growth.none()
        host.submit(
            lambda conn: conn.lookupByUUIDString(Guest("kept").uuid).destroy(),
            call="destroy", lane="job", deadline=30,
        ).result(30)  # fmt: skip
    finally:
        desk.close()


def test_a_console_is_added_to_a_definition(lab: Lab, make_guest: MakeGuest, desk: Desk) -> None:
    guest = make_guest("bare", serial=False, start="running")
    _session, seen = desk.open(guest.uuid)
    seen.await_state(ConsoleState.NO_DEVICE)
    key = DomainKey(desk.host, guest.uuid)
    desk.fleet.run(key, "add-console", {}).result(20)
    assert "<serial type='pty'" not in lab.virsh("dumpxml", guest.uuid)
    assert "<serial type='pty'" in lab.virsh("dumpxml", "--inactive", guest.uuid)
    assert "already" in desk.fleet.run(key, "add-console", {}).result(20)
    assert seen.session.state is ConsoleState.NO_DEVICE
    lab.virsh("destroy", guest.uuid)
    lab.virsh("start", guest.uuid)
    seen.await_state(ConsoleState.ATTACHED)
    seen.await_text(STARTED, 0)
    ports = desk.fleet.consoles(key).result(20)
    assert [(port.alias, port.openable, port.first) for port in ports] == [("serial0", True, True)]
