"""Columns and views that were chosen are there in the next run, and on the command line."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.conftest import clean_environment
from tests.e2e.conftest import Launch
from tests.e2e.terminal import Terminal, program

SIZE = (120, 40)


def header(tuivm: Terminal) -> list[str]:
    """The headers of the columns on screen."""
    return tuivm.lines[2].replace("▲", "").replace("▼", "").split()


def test_a_view_outlives_the_program_and_the_command_line_agrees(
    launch: Launch, tmp_path: Path
) -> None:
    tuivm = launch("--demo", size=SIZE)
    tuivm.wait_for("web-01")
    tuivm.press("|")
    tuivm.wait_for("[x] AUTO")
    # No CPU%, which a list would have to wait for; the title to the left of the name.
    tuivm.press("j", "j", "j", " ", "j", "j", " ", "j", " ", "G", *["K"] * 12)
    tuivm.wait(lambda: header(tuivm)[0] == "TITLE", "the title at the left")
    tuivm.press("enter")
    tuivm.wait_for("columns kept")
    tuivm.press("/", "web", "enter", ":", "sort name desc", "enter")
    tuivm.wait_for("NAME▼")
    tuivm.press("V")
    tuivm.wait_for("busiest")
    tuivm.press("s")
    tuivm.wait_for("Save filter")
    tuivm.press("mine", "enter")
    tuivm.wait_for("saved as mine")
    shown = header(tuivm)
    tuivm.press("q")
    assert tuivm.wait_exit() == 0

    tuivm = launch("--demo", "--view", "mine", size=SIZE)
    tuivm.wait_for("view mine")
    tuivm.wait(lambda: header(tuivm) == shown, "the columns of the first run")
    assert "/web" in tuivm.lines[1]
    names = [word for line in tuivm.lines[3:] for word in line.split() if word.startswith("web-")]
    done = subprocess.run(
        program("list", "--demo", "--view", "mine"),
        env=clean_environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    first, *lines = done.stdout.splitlines()
    assert first.split()[: len(shown)] == shown
    assert [word for line in lines for word in line.split() if word.startswith("web-")] == names
    assert len(names) > 1
