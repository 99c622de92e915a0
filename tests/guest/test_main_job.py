"""The main job on a real guest, through the program's own screen and keys."""

from __future__ import annotations

import re

from tests.e2e.conftest import Launch
from tests.e2e.terminal import Terminal
from tests.guest.conftest import MakeGuest
from tests.guest.lab import Lab
from tests.lab.guests import Guest

FIRST_LINE = "[    0.000000] Linux version"


def test_boot_log_in_leave_read_and_shut_down(
    lab: Lab, make_guest: MakeGuest, launch: Launch
) -> None:
    """List, B, boot text, login, a command, ctrl+], x, S; the row follows by itself."""
    guest, other = make_guest("job"), make_guest("idle")
    tuivm = launch("-c", lab.uri, size=(120, 40))
    tuivm.wait_for(other.name)
    tuivm.wait_for(guest.name)
    tuivm.wait_row(guest.name, "○ off")
    tuivm.press("/", guest.name, "enter")
    tuivm.wait_gone(other.name)

    tuivm.press("B")
    tuivm.wait(lambda: re.search(r"login: *$", tuivm.text, re.MULTILINE), "login prompt", 60)
    tuivm.press("root\r")
    tuivm.wait_for("Password:")
    tuivm.wait_quiet()
    tuivm.press("lab\r")
    tuivm.wait_for("~#")
    tuivm.press("echo answer-$((6 * 7)) on $(hostname)\r")
    tuivm.wait_for(f"answer-42 on {guest.name}")

    # Everything since the first line is there to be read.
    tuivm.press("f12")
    tuivm.wait_for("Scrollback")
    tuivm.press("s", "g")
    tuivm.wait(lambda: tuivm.lines[0].startswith(FIRST_LINE), "first line of the boot")
    tuivm.press("escape")

    tuivm.press("ctrl+]")
    tuivm.wait_row(guest.name, "running")
    tuivm.press("x")
    tuivm.wait_for("<domain type=")
    tuivm.press("escape")
    tuivm.wait_gone("<domain type=")

    tuivm.press("S")
    tuivm.wait_for("y yes")
    tuivm.press("y")
    tuivm.wait_row(guest.name, "○ off", 30)
    assert lab.state(guest) == "shut off"

    tuivm.press("q")
    assert tuivm.wait_exit() == 0


def test_changes_from_outside_show_within_a_second(
    lab: Lab, make_guest: MakeGuest, launch: Launch
) -> None:
    guest = make_guest("outside")
    tuivm = launch("-c", lab.uri, size=(120, 40))
    tuivm.wait_row(guest.name, "○ off")
    took = []
    for verb, shown in (
        ("start", "running"),
        ("suspend", "paused"),
        ("resume", "running"),
        ("destroy", "off"),
    ):
        lab.virsh(verb, guest.uuid)
        took.append(tuivm.wait_row(guest.name, shown))
    lab.virsh("undefine", guest.uuid)
    took.append(tuivm.wait(lambda: not listed(tuivm, guest), "row gone"))
    again = make_guest("outside")
    took.append(tuivm.wait(lambda: listed(tuivm, again), "new row"))
    # Another guest may take the whole machine for a moment.
    assert sorted(took)[len(took) // 2] < 1, took


def listed(tuivm: Terminal, guest: Guest) -> bool:
    """True while the list has the guest's row (the event line may name it, too)."""
    return any(guest.name in line for line in tuivm.lines[3:-2])
