"""ssh's questions in a real terminal, from a real ssh: dialogs, and not a stray byte.

The server, its keys and its user are this test's own, and so is the daemon behind it.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.backend.asking import PASSPHRASE, AskingSshd, obstacle
from tests.backend.daemon import Daemon, private_daemon
from tests.conftest import clean_environment
from tests.e2e.conftest import Launch
from tests.e2e.terminal import SCALE, SEQUENCE, Terminal, forbidden

pytestmark = pytest.mark.skipif(
    bool(obstacle()) and not os.environ.get("CI"), reason=f"no ssh server: {obstacle()}"
)
FIRST = "The authenticity of host"
STRAY = ("Are you sure you want", "Please type")
"""What ssh alone says: the dialogs leave it out."""


@pytest.fixture
def daemon() -> Iterator[Daemon]:
    """A daemon behind the server."""
    with private_daemon() as one:
        yield one


@pytest.fixture
def server() -> Iterator[AskingSshd]:
    """A server that takes a key with a passphrase, of a host that nobody knows."""
    made = AskingSshd()
    made.start()
    yield made
    made.close()


@pytest.fixture
def password_server() -> Iterator[AskingSshd]:
    """A server that takes a password, of a host that is known."""
    made = AskingSshd(password=True)
    made.start()
    made.trust()
    yield made
    made.close()


def open_far(
    launch: Launch, server: AskingSshd, daemon: Daemon, home: Path, runtime: str = ""
) -> Terminal:
    """Open the program on the daemon behind the server."""
    env = clean_environment(home) | {"PATH": server.path, "XDG_RUNTIME_DIR": runtime}
    return launch("-c", server.asking_uri(daemon.uri()), env=env, size=(120, 40))


def settled(tuivm: Terminal) -> str:
    """The screen but for what changes by itself: a host's load and its answer's time."""
    return re.sub(r" +(?:\u2013|[0-9.]+ ?(?:x|%|ms))(?=[ \n])", " #", tuivm.text)


def await_load(tuivm: Terminal) -> None:
    """Wait until the host's line and facts have all that is read of its VM."""
    tuivm.wait(lambda: re.search(r"[0-9]x ", tuivm.text), "what the VM takes of the host")


def leave(tuivm: Terminal, *secrets: str) -> None:
    """Quit; nothing was printed but by the program itself, and no secret at all."""
    tuivm.wait_quiet()
    before = settled(tuivm)
    tuivm.press("ctrl+l")
    tuivm.wait_quiet()
    assert settled(tuivm) == before, "the program would have painted something else"
    tuivm.press("ctrl+q")
    assert tuivm.wait_exit() == 0
    assert not tuivm.text.strip(), "below the program's own screen nothing was printed"
    raw = bytes(tuivm.raw)
    assert not forbidden(raw)
    plain = SEQUENCE.sub(b"", raw).decode()
    for text in (*STRAY, *secrets):
        assert text not in plain


def answer(tuivm: Terminal, question: str, text: str) -> None:
    """Wait for a dialog and answer it."""
    tuivm.wait_for(question)
    tuivm.write(text.encode())
    tuivm.press("enter")
    tuivm.wait_gone(question)


def test_a_new_host_with_a_passphrase(
    launch: Launch, server: AskingSshd, daemon: Daemon, tmp_path: Path
) -> None:
    tuivm = open_far(launch, server, daemon, tmp_path)
    tuivm.wait_for(FIRST)
    assert "SHA256:" in tuivm.text
    answer(tuivm, FIRST, "yes")
    answer(tuivm, "Enter passphrase", "wrong-passphrase")
    tuivm.press("4")
    tuivm.wait_for("wrong passphrase")
    tuivm.wait_for("ctrl+r on the Hosts screen asks again")
    tuivm.press("ctrl+r")
    tuivm.wait_for("The answer before was wrong")
    answer(tuivm, "Enter passphrase", PASSPHRASE)
    tuivm.wait_for("1 up")
    await_load(tuivm)
    leave(tuivm, PASSPHRASE, "wrong-passphrase")


def test_a_password(
    launch: Launch, password_server: AskingSshd, daemon: Daemon, tmp_path: Path
) -> None:
    tuivm = open_far(launch, password_server, daemon, tmp_path)
    tuivm.wait_for("'s password:")
    tuivm.press("escape")
    tuivm.wait_gone("'s password:")
    tuivm.press("4")
    tuivm.wait_for("needs a password")
    for typed, outcome in (("wrong-word", "wrong password"), (password_server.password, "1 up")):
        tuivm.press("ctrl+r")
        answer(tuivm, "'s password:", typed)
        tuivm.wait_for(outcome)
    await_load(tuivm)
    leave(tuivm, password_server.password, "wrong-word")


def test_a_changed_host_key(
    launch: Launch, server: AskingSshd, daemon: Daemon, tmp_path: Path
) -> None:
    server.trust("stranger")
    tuivm = open_far(launch, server, daemon, tmp_path)
    tuivm.wait_for("127.0.0.1")
    tuivm.press("4")
    tuivm.wait_for("ssh key changed")
    tuivm.wait_for("ssh-keygen -f")
    leave(tuivm)


def test_leaving_while_a_question_is_open(
    launch: Launch, server: AskingSshd, daemon: Daemon, tmp_path: Path
) -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as runtime:
        tuivm = open_far(launch, server, daemon, tmp_path, runtime)
        tuivm.wait_for(FIRST)
        tuivm.press("ctrl+q")
        began = tuivm.seconds
        assert tuivm.wait_exit() == 0
        assert tuivm.seconds - began < 3 * SCALE
        assert not tuivm.text.strip()
        assert not any(Path(runtime).iterdir()), "no socket and no script is left"
