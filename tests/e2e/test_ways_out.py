"""However tuivm ends, the terminal is as it was, and the exit code tells how it went."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from pathlib import Path

import pytest

from tests.e2e.conftest import Launch
from tests.e2e.terminal import Terminal, program


def assert_restored(tuivm: Terminal) -> None:
    """The modes, the cursor and the line settings are those of before."""
    assert tuivm.modes() == []
    assert tuivm.cursor_shown
    settings = tuivm.line_settings()
    assert not settings or settings == tuivm.before
    assert "Traceback" not in tuivm.history


@pytest.mark.parametrize("key", ["q", "ctrl+q"])
def test_quitting_is_quick_and_clean(launch: Launch, key: str) -> None:
    tuivm = launch("--demo")
    tuivm.wait_for("web-01")
    tuivm.press(key)
    assert tuivm.wait_exit(20) == 0
    assert_restored(tuivm)
    assert tuivm.text.strip() == ""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_in_order(launch: Launch, number: signal.Signals) -> None:
    tuivm = launch("--demo")
    tuivm.wait_for("web-01")
    tuivm.signal(number)
    assert tuivm.wait_exit(20) == 128 + number
    assert_restored(tuivm)


def test_a_lost_terminal_ends_it(launch: Launch) -> None:
    tuivm = launch("--demo")
    tuivm.wait_for("web-01")
    tuivm.hang_up()
    assert tuivm.wait_exit(20) in (128 + signal.SIGHUP, -signal.SIGHUP)


def test_a_terminal_that_does_not_read_cannot_hold_it(launch: Launch) -> None:
    tuivm = launch("--demo", bytes_per_second=20)
    tuivm.wait(lambda: len(tuivm.raw) > 20, "the first bytes")
    time.sleep(2)  # until the pty is full; nothing on screen tells
    start = time.monotonic()
    tuivm.signal(signal.SIGTERM)
    while tuivm.alive and time.monotonic() - start < 20:
        time.sleep(0.05)
    assert not tuivm.alive


@pytest.mark.parametrize("where", ["a key", "the backend's news"])
def test_a_defect_leaves_a_message_and_a_clean_terminal(launch: Launch, where: str) -> None:
    target = {
        "a key": "import tuivm.screens.vms as m; m.VmsScreen.do_nav_down = boom; "
        "m.VmsScreen.perform = boom",
        "the backend's news": "import tuivm.core.store as m; import threading; "
        "threading.Timer(2, lambda: setattr(m.Store, 'apply', boom)).start()",
    }[where]
    script = (
        "def boom(*args, **kwargs): raise RuntimeError('an invented defect')\n"
        f"{target}\n"
        "import sys\nfrom tuivm.cli import main\nsys.exit(main(['--demo']))\n"
    )
    tuivm = launch(argv=[sys.executable, "-c", script])
    tuivm.wait_for("web-01")
    tuivm.press("j")
    assert tuivm.wait_exit(20) == 1
    assert_restored(tuivm)
    assert "an invented defect" in tuivm.history.replace("\n", "")
    assert "tuivm.log" in tuivm.history.replace("\n", "")


def test_job_control_gives_the_terminal_back_and_takes_it_again(launch: Launch) -> None:
    shell = launch(argv=["/bin/bash", "--norc", "--noprofile", "-i"])
    shell.wait_for("$" if "$" in shell.text else "#")
    shell.press(" ".join(program("--demo")), "enter")
    shell.wait_for("web-01")
    shell.press("ctrl+z")
    shell.wait_for("Stopped")
    assert "alternate screen" not in shell.modes()
    assert "mouse" not in shell.modes()
    assert shell.cursor_shown
    shell.press("echo shell-$((6*7))", "enter")
    shell.wait_for("shell-42")
    shell.press("fg", "enter")
    shell.wait_for("DEMO")
    assert "alternate screen" in shell.modes()
    shell.press("q")
    shell.wait_gone("DEMO")
    # What is typed before the shell has its terminal back is the program's.
    shell.wait(lambda: shell.text.rstrip().endswith(("#", "$")), "a prompt")
    shell.press("echo code-$?", "enter")
    shell.wait_for("code-0")
    assert "alternate screen" not in shell.modes()
    assert shell.cursor_shown


def open_files(pid: int) -> set[str]:
    """What a process holds open."""
    found = set()
    for file in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            found.add(os.readlink(file))
    return found


def test_it_opens_anew_with_libvirts_log_and_without(launch: Launch, tmp_path: Path) -> None:
    """The same program on the same terminal; libvirt writes to the file and never here."""
    tuivm = launch("-c", "test:///default", size=(160, 24))
    tuivm.wait_for("running")
    state = tmp_path / "state/tuivm"
    assert not list(state.glob("libvirt-client-*"))
    tuivm.press(":")
    tuivm.wait_for("tab completes")
    tuivm.press("debug", "enter")
    tuivm.wait_for("anew with libvirt's client log?")
    tuivm.press("y")
    tuivm.wait_for("libvirt's client log: ")
    tuivm.wait_for("running")
    (log,) = state.glob("libvirt-client-*")
    assert "virConnectOpenAuth" in log.read_text()
    assert str(log) in open_files(tuivm.pid)
    tuivm.press(":")
    tuivm.wait_for("tab completes")
    tuivm.press("debug", "enter")
    tuivm.wait_for("anew without libvirt's client log?")
    tuivm.press("y")
    # Nothing has happened there yet.
    tuivm.wait_for("shows every key")
    tuivm.wait_for("running")
    assert str(log) not in open_files(tuivm.pid)
    assert "debug :" not in tuivm.history
    tuivm.press("q")
    assert tuivm.wait_exit(20) == 0
    assert_restored(tuivm)
