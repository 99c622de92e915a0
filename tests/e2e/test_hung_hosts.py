"""The real program with every host hung: it is left at once."""

from __future__ import annotations

import time

import pytest

from tests.backend.daemon import private_daemon
from tests.backend.wire import Wire
from tests.e2e.conftest import Launch
from tests.e2e.terminal import SCALE


@pytest.mark.parametrize("key", ["q", "ctrl+q"])
def test_the_program_is_left_although_every_host_hangs(launch: Launch, key: str) -> None:
    # Something else may take the whole machine for a moment, though not each time.
    assert any(leave(launch, key) < 2 * SCALE for _ in range(3))


def leave(launch: Launch, key: str) -> float:
    """Open the program, let every host hang, and leave; the seconds that leaving takes."""
    with (
        private_daemon() as daemon,
        Wire(daemon.socket) as one,
        Wire(daemon.socket) as two,
        Wire(daemon.socket) as mute,
    ):
        mute.hang()
        uris = [wire.uri() for wire in (one, two, mute)]
        tuivm = launch(*(word for uri in uris for word in ("-c", uri)), size=(120, 40))
        tuivm.wait(lambda: tuivm.text.count("running") >= 2, "two VMs")
        one.hang()
        two.hang()
        tuivm.press("j", "ctrl+r")
        tuivm.press(key)
        began = time.monotonic()
        assert tuivm.wait_exit() == 0
        took = time.monotonic() - began
        assert "Traceback" not in tuivm.history
        assert not tuivm.modes()
        return took


@pytest.mark.parametrize(
    ("option", "cause", "code"), [("--view", "view", 2), ("--theme", "theme", 1)]
)
def test_what_is_wrong_before_the_screen_is_said_although_a_host_hangs(
    launch: Launch, option: str, cause: str, code: int
) -> None:
    with private_daemon() as daemon, Wire(daemon.socket) as mute:
        mute.hang()
        began = time.monotonic()
        tuivm = launch("-c", mute.uri(), option, "mien")
        assert tuivm.wait_exit(20) == code
        assert time.monotonic() - began < 5 * SCALE
        assert f"tuivm: No such {cause}" in tuivm.history
        assert "Traceback" not in tuivm.history
        assert not tuivm.modes()
