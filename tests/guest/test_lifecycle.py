"""What the lifecycle keys do to real guests, and what is said where a guest will not."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.e2e.conftest import Launch
from tests.e2e.terminal import Terminal, forbidden
from tests.guest.conftest import MakeGuest
from tests.guest.lab import Lab, until
from tests.lab.guests import HOSTILE_TITLE, Guest

Watch = Callable[..., Terminal]


@pytest.fixture
def watch(lab: Lab, launch: Launch) -> Watch:
    """Open tuivm with the cursor on a guest."""

    def start(guest: Guest, size: tuple[int, int] = (120, 40)) -> Terminal:
        tuivm = launch("-c", lab.uri, size=size)
        tuivm.wait_row(guest.name, "192 MiB")
        tuivm.press("/", guest.name, "enter")
        tuivm.wait_for("1 of ")
        return tuivm

    return start


def test_pause_resume_save_and_restore(lab: Lab, make_guest: MakeGuest, watch: Watch) -> None:
    guest = make_guest("save", start="running")
    tuivm = watch(guest)
    tuivm.wait_row(guest.name, "running")
    tuivm.press("p")
    tuivm.wait_row(guest.name, "paused: by user")
    tuivm.press("p")
    tuivm.wait_row(guest.name, "running")

    tuivm.press("P")
    tuivm.wait_for("Save memory")
    tuivm.press("m")
    tuivm.wait(lambda: "y yes" in tuivm.text or "saved" in tuivm.row(guest.name), "question")
    if "y yes" in tuivm.text:
        tuivm.press("y")
    tuivm.wait_row(guest.name, "saved", 60)
    assert "yes" in lab.virsh("dominfo", guest.uuid).split("Managed save:")[1].splitlines()[0]
    tuivm.press("s")
    tuivm.wait_row(guest.name, "running", 60)


def test_undefine_takes_the_saved_memory_along(
    lab: Lab, make_guest: MakeGuest, watch: Watch
) -> None:
    guest = make_guest("undefine", start="running")
    lab.virsh("managedsave", guest.uuid)
    tuivm = watch(guest)
    tuivm.wait_row(guest.name, "saved")
    tuivm.press("U")
    tuivm.wait_for("Cancel")
    assert lab.state(guest) == "shut off"
    tuivm.press("enter")
    tuivm.wait_quiet()
    assert lab.state(guest) == "shut off", "enter alone must not undefine"
    tuivm.press("y")
    until(lambda: not lab.state(guest), "undefined")


def test_force_off_asks_first(lab: Lab, make_guest: MakeGuest, watch: Watch) -> None:
    guest = make_guest("force", start="paused")
    tuivm = watch(guest)
    tuivm.press("D")
    tuivm.wait_for("Cancel")
    tuivm.press("escape")
    tuivm.wait_gone("Cancel")
    assert lab.state(guest) == "paused"
    tuivm.press("D")
    tuivm.wait_for("Cancel")
    tuivm.press("y")
    tuivm.wait_row(guest.name, "○ off")
    assert lab.state(guest) == "shut off"


def test_reboot_starts_the_guest_again(lab: Lab, make_guest: MakeGuest, watch: Watch) -> None:
    guest = make_guest("again", start="running")
    lab.await_boot(guest)
    tuivm = watch(guest)
    tuivm.press("R")
    tuivm.wait_for("y yes")
    tuivm.press("y")
    until(lambda: lab.said(guest).count(b"Linux version") == 2, "second boot", 60)
    tuivm.wait_row(guest.name, "running")


def test_details_tell_the_lease_and_what_the_agent_says(
    lab: Lab, make_guest: MakeGuest, watch: Watch
) -> None:
    guest = make_guest("talk", start="running")
    lab.await_boot(guest)
    tuivm = watch(guest)
    tuivm.wait_row(guest.name, "192.168.122.", 30)
    tuivm.press("enter")
    tuivm.wait_for("DHCP lease", 20)
    tuivm.wait_for("tuivm lab guest", 20)
    assert guest.uuid in tuivm.text


@pytest.mark.parametrize("start", ["", "running"])
def test_a_fresh_guest_has_nothing_pending(
    lab: Lab, make_guest: MakeGuest, watch: Watch, start: str
) -> None:
    """What libvirt itself adds to live XML is no change that waits for a power cycle."""
    guest = make_guest("fresh", start=start)
    tuivm = watch(guest)
    tuivm.press("enter")
    tuivm.wait_row("Next boot", "as it runs now" if start else "", 20)
    tuivm.press("x")
    tuivm.wait_for("<domain")
    assert "pending" not in tuivm.text.lower()


def test_a_title_that_attacks_the_terminal_is_harmless(
    lab: Lab, make_guest: MakeGuest, watch: Watch
) -> None:
    guest = make_guest("hostile[b]", title=HOSTILE_TITLE, hostname="hostile")
    tuivm = watch(guest, (200, 60))
    for key in ("enter", "x", "escape", "P", "escape", "U", "escape", "?", "escape", "6"):
        tuivm.press(key)
        tuivm.wait_quiet(0.5)
    assert tuivm.ended is None
    tuivm.press("ctrl+q")
    assert tuivm.wait_exit() == 0
    assert not forbidden(bytes(tuivm.raw))


def test_a_guest_that_vanishes_under_the_question_is_told(
    lab: Lab, make_guest: MakeGuest, watch: Watch
) -> None:
    guest = make_guest("vanish", start="paused")
    tuivm = watch(guest)
    tuivm.press("D")
    tuivm.wait_for("Cancel")
    lab.virsh("destroy", guest.uuid)
    lab.virsh("undefine", guest.uuid)
    # The list behind the question knows it, too.
    tuivm.wait_gone("1 of ")
    tuivm.press("y")
    tuivm.wait_gone("Cancel")
    tuivm.press("6")
    tuivm.wait_for(f"Cannot destroy {guest.name}: the VM no longer exists")
    tuivm.press("q")
    tuivm.wait_for("sort")
