"""Whatever is wrong with what tuivm is given, it says what, and what to do next."""

from __future__ import annotations

import os
import socket
import subprocess
from pathlib import Path

import pytest

from tests.conftest import clean_environment
from tests.e2e.conftest import Launch
from tests.e2e.terminal import program


def run(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run tuivm without a terminal."""
    return subprocess.run(
        program(*arguments),
        env=clean_environment(home),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("uri", "cause", "step"),
    [
        ("bogus:///x", "not a libvirt URI", "qemu:///system"),
        (
            "qemu+unix:///system?socket=/nonexistent/sock",
            "/nonexistent/sock: there is no such socket",
            "check the path after socket=",
        ),
        ("test:///nonexistent.xml", "/nonexistent.xml", "test:///default"),
    ],
)
def test_a_uri_that_cannot_be_opened(
    launch: Launch, tmp_path: Path, uri: str, cause: str, step: str
) -> None:
    """On the command line in one message; on screen beside the host, and nothing hangs."""
    done = run(tmp_path, "list", "-c", uri)
    assert done.returncode == 1
    assert not done.stdout
    assert cause in done.stderr
    assert step in done.stderr
    assert "Traceback" not in done.stderr

    tuivm = launch("-c", uri, size=(120, 40))
    tuivm.wait(lambda: cause in tuivm.text.replace("\n", " "), cause)
    tuivm.press("q")
    assert tuivm.wait_exit(20) == 0


def test_a_socket_on_which_nobody_answers(launch: Launch, tmp_path: Path) -> None:
    """A daemon that accepts and says nothing: the screen lives, and says that it waits."""
    path = tmp_path / "mute"
    with socket.socket(socket.AF_UNIX) as mute:
        mute.bind(str(path))
        mute.listen()
        tuivm = launch("-c", f"qemu+unix:///system?socket={path}")
        tuivm.wait_for("connecting")
        tuivm.press("?")
        tuivm.wait_for("help")
        tuivm.press("ctrl+q")
        assert tuivm.wait_exit(20) == 0


def test_a_socket_without_permission(tmp_path: Path) -> None:
    """As root too: without its capability to pass over permissions."""
    path = tmp_path / "locked"
    powerless = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
    with socket.socket(socket.AF_UNIX) as locked:
        locked.bind(str(path))
        locked.listen()
        if os.geteuid() == 0:
            os.chown(path, 65534, 65534)
        path.chmod(0o600 if os.geteuid() == 0 else 0)
        done = subprocess.run(
            (powerless if os.geteuid() == 0 else [])
            + program("list", "-c", f"qemu+unix:///system?socket={path}"),
            env=clean_environment(tmp_path),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 1
    assert "may not" in done.stderr, done.stderr
    assert "usermod" in done.stderr or "sudo" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("x = [", "line"),
        ("patience = 'soon'", "patience"),
        ("nonsense = 1", "nonsense"),
        ("\udcff", "UTF-8"),
    ],
)
def test_a_broken_configuration_names_file_and_key(tmp_path: Path, text: str, cause: str) -> None:
    config = tmp_path / "broken.toml"
    config.write_bytes(text.encode(errors="surrogateescape"))
    done = run(tmp_path, "--config", str(config), "--demo")
    assert done.returncode == 2
    assert "broken.toml" in done.stderr
    assert cause in done.stderr
    assert "Traceback" not in done.stderr


def test_a_wrong_query_on_the_command_line(tmp_path: Path) -> None:
    done = run(tmp_path, "list", "-c", "test:///default", "cpu>much")
    assert done.returncode == 2
    assert "much" in done.stderr
    assert not done.stdout


def test_without_a_terminal_the_screen_does_not_open(tmp_path: Path) -> None:
    done = run(tmp_path, "--demo")
    assert done.returncode == 1
    assert "terminal" in done.stderr
    assert "tuivm list" in done.stderr


def test_an_unknown_domain(tmp_path: Path) -> None:
    done = run(tmp_path, "console", "-c", "test:///default", "nonesuch")
    assert done.returncode == 1
    assert "nonesuch" in done.stderr
