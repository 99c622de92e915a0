"""What is kept of a real guest's console is what it printed; what is pasted arrives."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.guest.conftest import MakeGuest
from tests.guest.lab import Lab, until
from tests.guest.login import log_in
from tests.lab.guests import Guest, serial_log
from tuivm.backend.fleet import Fleet
from tuivm.core.api import Backend
from tuivm.core.model import DomainKey
from tuivm.core.recording import Recording
from tuivm.core.session import ConsoleSession
from tuivm.core.sessions import Sessions
from tuivm.screens.console_past import source
from tuivm.screens.console_paste import Pump

LOGIN = " login:"
Open = Callable[..., ConsoleSession]


@pytest.fixture
def fleet(lab: Lab) -> Iterator[Fleet]:
    made = Fleet([lab.uri])
    made.start(lambda: None)
    host = next(iter(made.hosts.values()))
    until(lambda: host.status.state.connected, "connection")
    yield made
    made.stop(2.0)


def key_of(fleet: Fleet, guest: Guest) -> DomainKey:
    return DomainKey(next(iter(fleet.hosts)), guest.uuid)


@pytest.fixture
def open_session(fleet: Fleet) -> Iterator[Open]:
    sessions = Sessions()
    backend: Backend = fleet

    def attach(guest: Guest, *, boot: bool = False) -> ConsoleSession:
        key = key_of(fleet, guest)
        session = sessions.get(key)
        session.open(lambda sink: backend.console(key, sink, boot=boot))
        return session

    yield attach
    sessions.close()


def ask(session: ConsoleSession, command: str) -> str:
    session.write(f"{command}; echo en''d-{len(session.text())}\r".encode())
    mark = f"end-{len(session.text())}"
    until(lambda: mark in session.text(), command)
    return session.text()


def paste(session: ConsoleSession, text: str) -> float:
    """Paste as the console's screen does; the seconds that it took."""

    async def run() -> None:
        done = asyncio.Event()
        pump = Pump([session], text, lambda: None if pump.running else done.set())
        pump.start()
        await asyncio.wait_for(done.wait(), 60)
        assert not pump.broken

    start = time.monotonic()
    asyncio.run(run())
    return time.monotonic() - start


def test_a_recorded_boot_equals_the_log_file(
    lab: Lab, make_guest: MakeGuest, open_session: Open, tmp_path: Path
) -> None:
    guest = make_guest("rec")
    session = open_session(guest)
    recording = Recording(tmp_path / "boot.cast", (80, 24), title=guest.name)
    session.add_tap(recording.output)
    session.leave()
    open_session(guest, boot=True)
    until(lambda: LOGIN in session.text(), "login", 90)
    until(lambda: lab.said(guest).decode().endswith(LOGIN + " "), "the whole log")
    recording.close()
    header, *lines = recording.path.read_text(encoding="utf-8").splitlines()
    assert json.loads(header)["version"] == 2
    events = [json.loads(line) for line in lines]
    assert [event[0] for event in events] == sorted(event[0] for event in events)
    assert "".join(event[2] for event in events) == lab.said(guest).decode()


def test_pastes_of_6000_bytes_arrive_whole(make_guest: MakeGuest, open_session: Open) -> None:
    session = open_session(make_guest("paste", start="running"))
    until(lambda: session.attached, "attached")
    log_in(lambda: session.text().encode(), session.write)
    raw = "".join(chr(33 + (n * 7) % 90) for n in range(6000))
    # Each end is waited for: what is typed while stty changes the port's ways is lost.
    session.write(b"stty raw -echo; echo rea''dy; head -c 6000 > /tmp/p; stty sane; echo go''ne\r")
    until(lambda: "ready" in session.text(), "a reader")
    assert paste(session, raw) < 15
    until(lambda: "gone" in session.text(), "the end of the paste")
    assert hashlib.md5(raw.encode()).hexdigest() in ask(session, "md5sum /tmp/p")
    lines = "".join(f"{n:04d} {'x' * 54}\n" for n in range(100))
    assert len(lines) == 6000
    session.write(b"echo wait''ing; cat > /tmp/q; echo sto''red\r")
    until(lambda: "waiting" in session.text(), "a reader")
    paste(session, lines)
    session.write(b"\x04")
    until(lambda: "stored" in session.text(), "the end of the paste")
    told = ask(session, "cat -v /tmp/q").rpartition("cat -v /tmp/q; echo")[2]
    arrived = told.splitlines()[1:101]
    assert arrived == lines.splitlines()
    assert hashlib.md5(lines.encode()).hexdigest() in ask(session, "md5sum /tmp/q")


def test_a_log_file_is_added_and_becomes_the_past(
    lab: Lab, make_guest: MakeGuest, fleet: Fleet, open_session: Open
) -> None:
    guest = make_guest("past", serial_log=False)
    key, path = key_of(fleet, guest), serial_log(guest, lab.paths)
    before = lab.virsh("dumpxml", "--inactive", guest.uuid)
    assert fleet.console_past(key).result(10).offer.endswith(f"{guest.name}-serial0.log")
    note = fleet.run(key, "add-console-log", {"file": str(path)}).result(20)
    assert "power off and on" in note
    after = lab.virsh("dumpxml", "--inactive", guest.uuid)
    assert re.sub(r"\s*<log file=[^>]*/>", "", after) == before
    assert str(path) in after
    lab.virsh("start", guest.uuid)
    lab.await_boot(guest)
    past = fleet.console_past(key).result(10)
    assert past.error is None
    assert past.data == lab.said(guest)
    session = open_session(guest)
    session.leave()
    session.preload(past.data, source(past))
    until(lambda: "-- above: from the log file" in session.text(), "the past")
    assert "Linux version" in session.text()
