"""Log in and run, on real guests through their real serial ports."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import pexpect
import pytest

from tests.e2e.conftest import Launch
from tests.guest.conftest import MakeGuest
from tests.guest.lab import Lab, until
from tests.lab.guests import Guest
from tuivm.backend import login_run
from tuivm.backend.fleet import Fleet
from tuivm.backend.login_dialogue import Patience
from tuivm.core.api import Login, LoginRun
from tuivm.core.model import DomainKey
from tuivm.core.runs import RunResult, RunStep

USER, PASSWORD = "root", "lab"


@pytest.fixture
def fleet(lab: Lab) -> Iterator[Fleet]:
    made = Fleet([lab.uri])
    news = threading.Event()
    made.start(news.set)
    yield made
    made.stop(5)


ENDED = 300.0
"""Seconds until a run must have come to an end."""


def key(fleet: Fleet, guest: Guest) -> DomainKey:
    return DomainKey(next(iter(fleet.hosts)), guest.uuid)


def start(fleet: Fleet, guest: Guest, command: str, **fields: object) -> LoginRun:
    given: dict[str, object] = {"user": USER, "password": PASSWORD, "command": command}
    login = Login(**(given | fields))  # type: ignore[arg-type]
    until(lambda: fleet.hosts[next(iter(fleet.hosts))].status.state.connected, "a connection")
    return fleet.log_in_and_run(key(fleet, guest), login, lambda step: None)


def run(fleet: Fleet, guest: Guest, command: str, **fields: object) -> RunResult:
    return start(fleet, guest, command, **fields).result.result(ENDED)


def clean(lab: Lab, guest: Guest) -> bool:
    """The guest asks for a login, and nothing was typed at it."""
    return lab.said(guest).rstrip(b" ").endswith(b"login:")


def await_clean(lab: Lab, guest: Guest) -> None:
    until(lambda: clean(lab, guest), f"a login prompt of {guest.name}")


@contextmanager
def virsh_console(lab: Lab, guest: Guest) -> Iterator[pexpect.spawn[str]]:
    """Somebody else at the console."""
    other = pexpect.spawn("virsh", ["-c", lab.uri, "console", guest.uuid], timeout=20)
    try:
        other.expect(b"Escape character")
        yield other
    finally:
        other.close(force=True)


def test_output_and_exit_code_of_two_at_once(
    lab: Lab, fleet: Fleet, make_guest: MakeGuest, monkeypatch: pytest.MonkeyPatch
) -> None:
    # On a busy machine two emulated guests print nothing for long, and boot for longer.
    monkeypatch.setattr(login_run, "Patience", partial(Patience, silent=90.0, wake=180.0))
    guests = [make_guest("run", start="running") for _ in range(2)]
    # Not awaited: it is patient enough for a guest that boots.
    runs = [start(fleet, guest, "uname -r; hostname; false") for guest in guests]
    for guest, under_way in zip(guests, runs, strict=True):
        result = under_way.result.result(ENDED)
        assert (result.step, result.error) == (RunStep.DONE, None)
        assert result.code == 1
        release, name = result.output.splitlines()
        assert release.endswith("amd64")
        assert name == guest.name
        assert result.note == ""
        await_clean(lab, guest)


def test_a_wrong_password_gives_the_reason_and_a_clean_line(
    lab: Lab, fleet: Fleet, resident: Guest
) -> None:
    result = run(fleet, resident, "true", password="not-this-one")
    assert result.step is RunStep.FAILED
    assert "wrong user or password" in str(result.error)
    assert result.note == ""
    await_clean(lab, resident)
    again = run(fleet, resident, "echo $((6*7))")
    assert (again.code, again.output) == (0, "42\n")
    said = lab.said(resident)
    assert b"not-this-one" not in said
    assert b"Password: lab" not in said


def test_a_busy_console_is_left_alone_unless_one_says_otherwise(
    lab: Lab, fleet: Fleet, resident: Guest
) -> None:
    with virsh_console(lab, resident):
        result = run(fleet, resident, "true")
        assert result.step is RunStep.FAILED
        assert "somebody else has it open" in str(result.error)
        assert run(fleet, resident, "echo taken", force=True).output == "taken\n"


def test_a_shell_that_somebody_left_is_used_and_left(
    lab: Lab, fleet: Fleet, make_guest: MakeGuest
) -> None:
    guest = make_guest("open", start="running")
    lab.await_boot(guest)
    with virsh_console(lab, guest) as other:
        other.send(b"\r")
        other.expect(b"login: ")
        other.send(b"root\r")
        other.expect(b"Password: ")
        # What is typed before the echo is off would be shown, and dropped.
        other.expect(pexpect.TIMEOUT, timeout=0.5)
        other.send(b"lab\r")
        other.expect(b"# ")
    result = run(fleet, guest, "id -un", password="never typed")
    assert (result.code, result.output) == (0, "root\n")
    assert "shell that was open" in result.note
    assert not clean(lab, guest)


def test_too_long_and_cancelled_leave_nothing_behind(
    lab: Lab, fleet: Fleet, resident: Guest
) -> None:
    result = run(fleet, resident, "echo begun; sleep 1000", seconds=8.0)
    assert "had not ended" in str(result.error)
    assert result.output.startswith("begun")
    await_clean(lab, resident)
    begun = lab.said(resident).count(b"\nbegun")
    under_way = start(fleet, resident, "echo begun; sleep 1000")
    until(lambda: lab.said(resident).count(b"\nbegun") > begun, "the command")
    under_way.cancel()
    assert under_way.result.result(ENDED).step is RunStep.CANCELLED
    await_clean(lab, resident)
    left = run(fleet, resident, "ps | grep -c '[s]leep 1000'")
    assert left.output == "0\n"


def test_much_output_comes_whole(fleet: Fleet, resident: Guest) -> None:
    result = run(fleet, resident, "seq 1 5000", seconds=120.0)
    assert result.output == "".join(f"{n}\n" for n in range(1, 5001))


def test_what_is_off_or_silent_says_why(
    fleet: Fleet, make_guest: MakeGuest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(login_run, "Patience", partial(Patience, silent=3.0))
    off = make_guest("off")
    assert "does not run" in str(run(fleet, off, "true").error)
    none = make_guest("none", start="running", serial=False)
    assert "no console" in str(run(fleet, none, "true").error)
    mute = make_guest("mute", start="paused")
    error = str(run(fleet, mute, "true").error)
    assert "nothing came from its serial port" in error
    assert "console=ttyS0" in error


def test_in_the_program_on_marked_vms(lab: Lab, make_guest: MakeGuest, launch: Launch) -> None:
    guests = [make_guest("marked", start="running") for _ in range(2)]
    for guest in guests:
        lab.await_boot(guest)
    tuivm = launch("-c", lab.uri, size=(120, 40))
    tuivm.wait_row(guests[0].name, "192 MiB")
    tuivm.press("/", "|".join(guest.name for guest in guests), "enter")
    tuivm.wait_for("2 of ")
    tuivm.press("*", "r")
    tuivm.wait_for("Log in and run")
    tuivm.press(PASSWORD, "enter")
    tuivm.press("uname -r; false", "enter")
    tuivm.wait_for("2 of 2", 60)
    for guest in guests:
        assert "amd64" in tuivm.row(guest.name)
        assert "exit code 1" in tuivm.row(guest.name)
    tuivm.press("enter")
    tuivm.wait_for("6.")


def test_the_end_of_the_program_leaves_no_guest_logged_in(lab: Lab, resident: Guest) -> None:
    fleet = Fleet([lab.uri])
    fleet.start(lambda: None)
    begun = lab.said(resident).count(b"\nbegun")
    under_way = start(fleet, resident, "echo begun; sleep 1000")
    until(lambda: lab.said(resident).count(b"\nbegun") > begun, "the command")
    fleet.stop(1)
    assert under_way.result.done()
    await_clean(lab, resident)
