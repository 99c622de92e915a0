"""Getting into a console, working there and getting out, wherever one sits.

On the embedded fleet, whose guests ask for a login and run a small shell: at a German
keyboard, inside tmux, over a long line, and with input that comes in one piece.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import clean_environment
from tests.e2e.conftest import Launch
from tests.e2e.terminal import Terminal, program

GUEST = "web-01"
FAR = 200
"""Milliseconds that a byte takes to come back over the long line."""


def attach(tuivm: Terminal, patience: float = 20) -> None:
    """Open the guest's console from the list, as the list's own hints say."""
    tuivm.wait_for(GUEST, patience)
    tuivm.press("/", GUEST, "enter")
    tuivm.wait_for("1 of ", patience)
    tuivm.press("c")
    tuivm.wait_for(f"{GUEST} attached", patience)
    assert "ctrl+5" in tuivm.text


def work(tuivm: Terminal, patience: float = 20) -> None:
    """Log in, if need be, and have the guest echo something that was not typed as it is."""
    tuivm.press("enter")
    tuivm.wait(lambda: "login:" in tuivm.text or "# " in tuivm.text + " ", "login", patience)
    if "login:" in tuivm.text:
        tuivm.write(b"root\r")
        tuivm.wait_for("assword:", patience)
        tuivm.write(b"any\r")
        tuivm.wait(lambda: prompted(tuivm), "shell", patience)
    tuivm.write("echo größe {[]}@~|\\\\\r".encode())
    tuivm.wait(
        lambda: any(line.startswith("größe {[]}@~|\\") for line in tuivm.lines), "echo", patience
    )


def prompted(tuivm: Terminal) -> bool:
    return any(line.endswith(("#", "$")) for line in tuivm.lines)


def back_in_the_list(tuivm: Terminal, patience: float = 20) -> None:
    tuivm.wait(lambda: "1 of " in tuivm.text and "f12 menu" not in tuivm.text, "list", patience)


GERMAN = {"ctrl+5": b"\x1d", "ctrl+AltGr+9": b"\x1d"}
"""What terminals send for the keys with which a German layout can leave."""


@pytest.mark.parametrize("key", GERMAN)
def test_on_a_german_keyboard(launch: Launch, key: str) -> None:
    """AltGr's characters and umlauts are characters like others; two keys leave."""
    tuivm = launch("--demo")
    attach(tuivm)
    work(tuivm)
    tuivm.write(GERMAN[key])
    back_in_the_list(tuivm)


def test_input_in_one_piece_leaves_where_it_says_so(launch: Launch) -> None:
    tuivm = launch("--demo")
    attach(tuivm)
    tuivm.write(b"\x03\x1d")
    back_in_the_list(tuivm)
    tuivm.press("c")
    tuivm.wait_for(f"{GUEST} attached")
    tuivm.write("ä\x1d".encode())
    back_in_the_list(tuivm)


def test_what_is_pasted_does_not_leave(launch: Launch) -> None:
    tuivm = launch("--demo")
    attach(tuivm)
    work(tuivm)
    tuivm.write(b"\x1b[200~pas\x1dted\x1b[201~")
    tuivm.wait_for("pasted")
    assert f"{GUEST} attached" in tuivm.text
    tuivm.press("ctrl+]")
    back_in_the_list(tuivm)


def test_over_a_long_line(launch: Launch) -> None:
    argv = [sys.executable, "-m", "tests.e2e.relay", str(FAR / 2), *program("--demo")]
    tuivm = launch(argv=argv)
    attach(tuivm, 40)
    work(tuivm, 40)
    tuivm.press("ctrl+]")
    back_in_the_list(tuivm)
    tuivm.press("q")
    assert tuivm.wait_exit() == 0


def test_the_bare_console_over_a_long_line(launch: Launch) -> None:
    relay = [sys.executable, "-m", "tests.e2e.relay", str(FAR / 2)]
    tuivm = launch(argv=[*relay, *program("console", "--demo", GUEST)])
    tuivm.wait_for("ctrl+] leaves", 40)
    work(tuivm, 40)
    tuivm.write(b"\x03\x1d")
    assert tuivm.wait_exit() == 0


def test_the_configured_key_leaves_the_bare_console(launch: Launch, tmp_path: Path) -> None:
    file = tmp_path / "tuivm.toml"
    file.write_text('[console]\nleave = "ctrl+a"\n')
    tuivm = launch("console", "--demo", "--config", str(file), GUEST)
    tuivm.wait_for("ctrl+a leaves", 20)
    tuivm.write(b"\x1d")
    work(tuivm)
    tuivm.press("ctrl+a")
    assert tuivm.wait_exit() == 0


@pytest.fixture
def in_tmux(launch: Launch, tmp_path: Path) -> Iterator[Callable[..., Terminal]]:
    """Start tuivm as the only window of a tmux server of the test's own."""
    tmux = shutil.which("tmux")
    if tmux is None:
        pytest.skip("tmux is not installed")
    config = tmp_path / "tmux.conf"
    # tmux's own answer to "what are you": the TERM that people have in it unless they chose.
    config.write_text("set -g default-terminal screen\nset -g status off\n")
    server = ["-S", str(tmp_path / "socket"), "-f", str(config)]
    env = clean_environment(tmp_path)

    def start(*arguments: str) -> Terminal:
        command = " ".join(program(*arguments))
        return launch(argv=[tmux, *server, "new-session", command], env=env)

    yield start
    subprocess.run([tmux, *server, "kill-server"], check=False, capture_output=True)


def test_inside_tmux(in_tmux: Callable[..., Terminal]) -> None:
    tuivm = in_tmux("--demo")
    attach(tuivm)
    work(tuivm)
    tuivm.write(b"\x03\x1d")
    back_in_the_list(tuivm)
    tuivm.press("q")
    assert tuivm.wait_exit() == 0
