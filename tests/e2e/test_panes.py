"""Programs in panes of the real program: their questions stay in the pane, nothing stays behind."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from tests.e2e.conftest import Launch

ASKING = """#!/bin/sh
echo $$ > "$PID_FILE"
printf 'The authenticity of host cannot be established, continue? ' > /dev/tty
read -r answer < /dev/tty
echo "it said: $answer"
sleep 1000
"""


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    return state == "Z"


def await_gone(pid: int) -> None:
    end = time.monotonic() + 10
    while not gone(pid):
        assert time.monotonic() < end, "it runs on"
        time.sleep(0.02)


@pytest.fixture
def pid_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A virsh of this test's own, which asks on the terminal that it controls."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "virsh").write_text(ASKING)
    (folder / "virsh").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    monkeypatch.setenv("PID_FILE", str(tmp_path / "pid"))
    return tmp_path / "pid"


def test_questions_are_asked_in_the_pane(launch: Launch, pid_file: Path) -> None:
    tuivm = launch("-c", "test:///default", size=(80, 24))
    tuivm.wait_row("test", "running")
    tuivm.press(":", "virsh", "enter")
    tuivm.wait_for("continue?")
    tuivm.wait_for("virsh shell running")
    tuivm.press("yes", "enter")
    tuivm.wait_for("it said: yes")
    tuivm.press("ctrl+]")
    tuivm.wait_for("End virsh shell?")
    tuivm.press("y")
    tuivm.wait_gone("it said")
    await_gone(int(pid_file.read_text()))
    tuivm.wait_for("closed virsh shell")


def test_the_end_of_tuivm_is_the_end_of_its_panes(launch: Launch, pid_file: Path) -> None:
    tuivm = launch("-c", "test:///default", size=(80, 24))
    tuivm.wait_row("test", "running")
    tuivm.press(":", "virsh", "enter")
    tuivm.wait_for("continue?")
    tuivm.signal(15)
    tuivm.wait_exit()
    await_gone(int(pid_file.read_text()))
