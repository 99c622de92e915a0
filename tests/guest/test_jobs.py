"""What somebody else began on a real guest is seen, switched over or broken off by key."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.conftest import Launch
from tests.guest.conftest import MakeGuest
from tests.guest.lab import Lab
from tests.lab.guests import Guest

# No other test's jobs and events are on the screen.
pytestmark = pytest.mark.own_lab


def image(lab: Lab, guest: Guest) -> str:
    """The file that the guest's disk is in now."""
    told = lab.virsh("domblklist", guest.uuid)
    return next(line.split()[1] for line in told.splitlines() if line.split()[:1] == ["vda"])


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=["80x24", "120x40"])
def test_a_finished_copy_is_switched_over_to_or_left(
    lab: Lab, make_guest: MakeGuest, launch: Launch, size: tuple[int, int]
) -> None:
    guest = make_guest("copied", start="paused")
    old = image(lab, guest)
    copies = [Path(old).with_name(f"{guest.uuid[:8]}-{number}.qcow2") for number in (1, 2)]
    try:
        tuivm = launch("-c", lab.uri, size=size)
        tuivm.wait_for(guest.name)
        tuivm.press("5")
        for path, key, option, said in (
            (copies[0], "x", "--abort", "vda stays on "),
            (copies[1], "o", "--pivot", "vda is on "),
        ):
            lab.virsh("blockcopy", guest.uuid, "vda", str(path), "--transient-job")
            tuivm.wait_for("ready to switch over", 30)
            tuivm.press(key)
            tuivm.wait_for("y yes" if key == "x" else "Switch over this VM?")
            tuivm.press("y")
            tuivm.wait_for("nothing is under way", 30)
            tuivm.press("6")
            tuivm.wait_for(said)
            tuivm.press("/", f"blockjob {option}", "enter")
            tuivm.wait_for(" 1 shown")
            tuivm.press("enter")
            tuivm.wait_for("vda --")
            tuivm.press("escape", "5")
            assert image(lab, guest) == (old if key == "x" else str(path))
        again = lab.virsh("dumpxml", guest.uuid, "--inactive")
        assert str(copies[1]) in again, "the next start has it too"
    finally:
        for path in copies:
            path.unlink(missing_ok=True)
