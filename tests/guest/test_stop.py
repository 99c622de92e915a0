"""Shutdowns of real guests: those that go, those that cannot, why, and what cures them."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import libvirt
import pytest

from tests.e2e.conftest import Launch
from tests.e2e.terminal import Terminal
from tests.guest.conftest import MakeGuest
from tests.guest.lab import Lab, until
from tests.lab.guests import Guest
from tuivm.backend.explain import Question, explain
from tuivm.backend.fleet import Fleet
from tuivm.backend.power import run_verb
from tuivm.backend.processes import qemu_of
from tuivm.backend.shutdown import AGENT_PATIENCE, NO_AGENT
from tuivm.core.causes import Cause, Surety
from tuivm.core.model import DomainKey, HostState

PATIENCE = 6
Open = Callable[..., Terminal]


@pytest.fixture
def open_list(lab: Lab, launch: Launch, tmp_path: Path) -> Open:
    """Open tuivm, with little patience, on the guests whose names begin with some text."""
    config = tmp_path / "config/tuivm/config.toml"
    config.parent.mkdir(parents=True)
    config.write_text(f"patience = {PATIENCE}\n")

    def start(*guests: Guest, filter_text: str, size: tuple[int, int] = (80, 24)) -> Terminal:
        tuivm = launch("-c", lab.uri, size=size)
        for guest in guests:
            tuivm.wait_row(guest.name, "running")
        tuivm.press("/", filter_text, "enter")
        tuivm.wait_for(f"{len(guests)} of ")
        return tuivm

    return start


def test_the_deaf_guest_is_explained_and_cured_and_the_healthy_one_just_goes(
    lab: Lab, make_guest: MakeGuest, open_list: Open
) -> None:
    healthy = make_guest("power-well", start="running")
    deaf = make_guest("power-deaf", arguments="acpi=off", agent=False, start="running")
    lab.await_boot(healthy)
    lab.await_boot(deaf)
    tuivm = open_list(healthy, deaf, filter_text="power-")

    # Both at once: one goes, one line tells of the other.
    tuivm.press("*", "S")
    tuivm.wait_for("y yes")
    tuivm.press("y")
    tuivm.wait_row(healthy.name, "○ off", 30)
    tuivm.press("\\", "G")
    tuivm.wait_for("(W why): acpi=off", 2 * PATIENCE + 10)
    assert lab.state(healthy) == "shut off"
    assert lab.state(deaf) == "running"

    tuivm.press("W")
    tuivm.wait_for("certain   acpi=off on its kernel's command line")
    for text in ("<cmdline>console=ttyS0", "D   Force off", "e   Take acpi=off off that line"):
        assert text in tuivm.text, text
    tuivm.press("e")
    tuivm.wait_for("Enable ACPI")
    tuivm.press("y")
    until(lambda: "acpi=off" not in lab.virsh("dumpxml", "--inactive", deaf.uuid), "cured XML")
    tuivm.wait_for("The next start is cured already")
    tuivm.press("D")
    tuivm.wait_for("Cancel")
    tuivm.press("y")
    tuivm.wait_for(f"{deaf.name} is off")
    assert lab.state(deaf) == "shut off"

    # Cured: it hears the button now. Off and on again, with a change that waited for that.
    before = lab.said(deaf)
    tuivm.press("s")
    until(lambda: b" login: " in (said := lab.said(deaf)) and said != before, "second boot", 60)
    tuivm.press("escape")
    tuivm.wait_row(deaf.name, "running")
    lab.virsh("setvcpus", deaf.uuid, "3", "--config", "--maximum")
    tuivm.press("g", "P")
    tuivm.wait_for("Shut down and start again")
    tuivm.press("C")
    tuivm.wait_for("y yes")
    tuivm.press("y")
    until(lambda: "'>3</vcpu>" in lab.virsh("dumpxml", deaf.uuid), "the change")
    until(lambda: lab.state(deaf) == "running", "the start")
    tuivm.press("6")
    tuivm.wait_for(f"Start {deaf.name}: again, as its definition is now")
    tuivm.press("/", "stop after", "enter")
    tuivm.wait_for("1 shown")


def test_a_managed_save_shows_how_far_it_is(
    lab: Lab, make_guest: MakeGuest, open_list: Open
) -> None:
    guest = make_guest("large", memory=1024, start="running")
    lab.await_boot(guest)
    in_guest(
        lab,
        guest,
        "dd if=/dev/urandom of=/r bs=1M count=50 && for i in 1 2 3 4 5 6 7 8; "
        "do cat /r >> /big || exit; done; echo filled > /dev/ttyS0",
    )
    until(lambda: b"filled" in lab.said(guest), "memory in use", 60)
    tuivm = open_list(guest, filter_text=guest.name, size=(120, 40))
    tuivm.press("P")
    tuivm.wait_for("Save memory")
    tuivm.press("m")
    tuivm.wait_for("y yes")
    with slowed(guest):
        tuivm.press("y", "5")
        tuivm.wait_for("Save memory")
        tuivm.wait_for("of 1.0 GiB")
    tuivm.wait_for("nothing is under way", 60)
    assert lab.state(guest) == "shut off"


@contextmanager
def slowed(guest: Guest) -> Iterator[None]:
    """Let a guest's QEMU run a tenth of the time: what it writes takes long enough to be seen."""
    process = qemu_of(guest.uuid)
    assert process is not None
    over = threading.Event()

    def hold_back() -> None:
        with suppress(ProcessLookupError):  # it has written all
            while not over.wait(0.01):
                os.kill(process.pid, signal.SIGSTOP)
                over.wait(0.09)
                os.kill(process.pid, signal.SIGCONT)

    holding = threading.Thread(target=hold_back)
    holding.start()
    try:
        yield
    finally:
        over.set()
        holding.join()


@pytest.fixture
def conn(lab: Lab) -> Iterator[libvirt.virConnect]:
    connection = libvirt.open(lab.uri)
    yield connection
    connection.close()


def in_guest(lab: Lab, guest: Guest, command: str) -> None:
    """Run a shell command in a guest, through its agent; does not wait for it."""
    asked = {
        "execute": "guest-exec",
        "arguments": {"path": "/bin/sh", "arg": ["-c", command], "capture-output": False},
    }
    until(
        lambda: "state='connected'" in lab.virsh("dumpxml", guest.uuid),
        "guest agent",
        30,
    )
    lab.virsh("qemu-agent-command", guest.uuid, json.dumps(asked))


def why(
    conn: libvirt.virConnect, lab: Lab, guest: Guest, asked: float | None, agent: str = ""
) -> list[Cause]:
    """The causes, of a guest that has been up for an hour and was asked seconds ago."""
    at = None if asked is None else time.monotonic() - asked
    question = Question(guest.uuid, lab.uri, asked=at, agent=agent, started_at=time.time() - 3600)
    return list(explain(conn, question))


def test_what_a_running_guest_shows_and_nothing_of_a_healthy_one(
    lab: Lab, make_guest: MakeGuest, conn: libvirt.virConnect
) -> None:
    guest = make_guest("careless", start="running")
    lab.await_boot(guest)
    in_guest(lab, guest, "killall acpid; sleep 1; killall -STOP qemu-ga; echo hung > /dev/ttyS0")
    until(lambda: b"hung" in lab.said(guest), "an agent that hangs")
    assert why(conn, lab, guest, None) == [], "nobody was asked: nothing is claimed"

    fleet = Fleet([lab.uri])
    fleet.start(lambda: None)
    try:
        (host,) = fleet.hosts
        until(lambda: fleet.hosts[host].status.state is HostState.UP, "connection")
        began = time.monotonic()
        note = fleet.run(DomainKey(host, guest.uuid), "shutdown", {}).result(40)
        assert time.monotonic() - began < 2 * AGENT_PATIENCE
    finally:
        fleet.stop(1.0)
    assert note.startswith(f"asked by {NO_AGENT}")
    found = why(conn, lab, guest, 30.0, note.removeprefix(f"asked by {NO_AGENT}"))
    assert {cause.id for cause in found} == {"no-listener", "agent-unresponsive"}
    assert all(cause.surety is Surety.LIKELY for cause in found)
    assert "login:" in next(cause for cause in found if cause.id == "no-listener").evidence
    assert lab.state(guest) == "running"


@pytest.mark.parametrize(
    ("old", "new", "id_", "verb", "args"),
    [
        ("<acpi/>", "", "no-acpi", "enable-acpi", {}),
        (
            "<on_poweroff>destroy", "<on_poweroff>restart", "on-poweroff",
            "set-lifecycle-action", {"type": "poweroff", "action": "destroy"},
        ),
    ],
)  # fmt: skip
def test_what_the_xml_shows_is_found_and_cured(
    lab: Lab,
    make_guest: MakeGuest,
    conn: libvirt.virConnect,
    old: str,
    new: str,
    id_: str,
    verb: str,
    args: dict[str, str],
) -> None:
    guest = make_guest("xml")
    xml = conn.lookupByUUIDString(guest.uuid).XMLDesc(0)
    assert old in xml
    conn.defineXML(xml.replace(old, new))
    lab.virsh("start", guest.uuid)
    (found,) = why(conn, lab, guest, None)
    assert (found.id, found.surety) == (id_, Surety.CERTAIN)
    cure = next(cure for cure in found.cures if cure.key == "e")
    assert cure.lines
    run_verb(conn, guest.uuid, verb, args)
    lab.virsh("destroy", guest.uuid)
    lab.virsh("start", guest.uuid)
    assert why(conn, lab, guest, None) == []


def test_a_paused_guest(lab: Lab, make_guest: MakeGuest, conn: libvirt.virConnect) -> None:
    guest = make_guest("still", start="paused")
    (found,) = why(conn, lab, guest, None)
    assert found.id == "paused"
    run_verb(conn, guest.uuid, "resume", {})
    assert why(conn, lab, guest, None) == []
