"""Stopped and continued, by its own key or by anybody's signal: the screen is whole again."""

from __future__ import annotations

import os
import signal
import termios
from pathlib import Path

import pytest

from tests.e2e.conftest import Launch
from tests.e2e.terminal import FRAME_BEGIN, Terminal, program
from tests.e2e.test_ways_out import assert_restored

STOPS = (signal.SIGSTOP, signal.SIGTSTP)
FLEET = ("-c", "test:///default")
HARD_RESET = b"\x1bc"


def state_of(pid: int) -> str:
    """A process's state as the kernel names it: T is stopped."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def scribble(tuivm: Terminal) -> None:
    """What a shell or another program leaves on the terminal: its modes, settings and text."""
    slave = os.open(f"/proc/{tuivm.pid}/fd/0", os.O_RDWR | os.O_NOCTTY)
    try:
        termios.tcsetattr(slave, termios.TCSANOW, tuivm.before)  # type: ignore[arg-type]
        os.write(slave, HARD_RESET + b"somebody else was here\r\n" * 30)
    finally:
        os.close(slave)
    tuivm.wait_for("somebody else was here")


def wait_for_a_new_screen(terminal: Terminal, start: int) -> None:
    """Wait until the alternate screen was entered after ``start`` bytes, and drawn upon."""

    def drawn() -> bool:
        _, entered, since = bytes(terminal.raw[start:]).rpartition(b"\x1b[?1049h")
        return bool(entered) and b"VMs" in since and "1 VM" in terminal.text

    terminal.wait(drawn, "new screen")


def child_of(shell: Terminal) -> int:
    """The one process that a shell has started."""
    (found,) = Path(f"/proc/{shell.pid}/task/{shell.pid}/children").read_text().split()
    return int(found)


@pytest.mark.parametrize("stop", STOPS)
def test_continued_it_takes_the_whole_terminal_back(launch: Launch, stop: signal.Signals) -> None:
    tuivm = launch(*FLEET)
    tuivm.wait_for("running")
    tuivm.wait_quiet()
    modes, settings = tuivm.modes(), tuivm.line_settings()
    for _ in range(2):
        tuivm.signal(stop)
        tuivm.wait(lambda: state_of(tuivm.pid) == "T", "stop")
        scribble(tuivm)
        start = len(tuivm.raw)
        tuivm.signal(signal.SIGCONT)
        wait_for_a_new_screen(tuivm, start)
        tuivm.wait_gone("somebody else was here")
        tuivm.wait(lambda: tuivm.modes() == modes, f"modes {modes}")
        tuivm.wait(lambda: not tuivm.cursor_shown, "hidden cursor")
        tuivm.wait(lambda: tuivm.line_settings() == settings, "raw line")
        for line, beginning in ((0, " tuivm  1 VMs"), (3, " ● running"), (-1, " enter ")):
            assert tuivm.lines[line].startswith(beginning), tuivm.text
        tuivm.wait_quiet()
    # One reader of the keyboard: each key does its work once.
    tuivm.press("/", "test", "enter")
    tuivm.wait_for("/test ")
    tuivm.press("ctrl+q")
    assert tuivm.wait_exit() == 0
    assert_restored(tuivm)


@pytest.mark.parametrize("stop", STOPS)
def test_a_shell_gets_the_terminal_meanwhile(launch: Launch, stop: signal.Signals) -> None:
    shell = launch(argv=["/bin/bash", "--norc", "--noprofile", "-i"])
    shell.wait_for("$" if "$" in shell.text else "#")
    shell.press(" ".join(program(*FLEET)), "enter")
    shell.wait_for("running")
    shell.wait_quiet()
    tuivm = child_of(shell)
    os.kill(tuivm, stop)
    shell.wait_for("Stopped")
    # The shell may have been given what the terminal had to answer to the program.
    shell.press("ctrl+u", "echo shell-$((6*7))", "enter")
    shell.wait_for("shell-42")
    # In the background it may not have the terminal: it stops again, and draws nothing.
    start = len(shell.raw)
    shell.press("bg; wait; echo still-$((6*7))", "enter")
    shell.wait_for("still-42")
    shell.wait(lambda: state_of(tuivm) == "T", "stop in the background")
    assert FRAME_BEGIN not in shell.raw[start:]
    start = len(shell.raw)
    shell.press("fg", "enter")
    wait_for_a_new_screen(shell, start)
    shell.wait_gone("still-42")
    assert "alternate screen" in shell.modes()
    assert "mouse" in shell.modes()
    shell.press("q")
    shell.wait_gone("1 VM")
    shell.wait(lambda: shell.text.rstrip().endswith(("#", "$")), "a prompt")
    shell.press("echo code-$?", "enter")
    shell.wait_for("code-0")
    assert "alternate screen" not in shell.modes()
    assert shell.cursor_shown
