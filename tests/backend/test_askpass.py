"""What ssh asks comes to the program, through a real ssh and a real sshd; the terminal never."""

from __future__ import annotations

import contextlib
import os
import pty
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.backend.asking import PASSPHRASE, AskingSshd, obstacle
from tests.backend.daemon import Daemon
from tests.backend.watcher import Watcher
from tuivm.backend import askpass
from tuivm.backend.fleet import Fleet
from tuivm.backend.task import Timing
from tuivm.core.model import HostState
from tuivm.core.question import QuestionKind

pytestmark = pytest.mark.skipif(
    bool(obstacle()) and not os.environ.get("CI"), reason=f"no ssh server: {obstacle()}"
)


PATIENT = Timing(open=60.0)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[AskingSshd]:
    """A server that takes a key with a passphrase."""
    made = AskingSshd()
    made.start()
    monkeypatch.setenv("PATH", made.path)
    yield made
    made.close()


@pytest.fixture
def password_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[AskingSshd]:
    """A server that takes a password, of a host that is known."""
    made = AskingSshd(password=True)
    made.start()
    made.trust()
    monkeypatch.setenv("PATH", made.path)
    yield made
    made.close()


def watch(server: AskingSshd, daemon: Daemon, *, ask: bool) -> Watcher:
    uri = server.asking_uri(daemon.uri())
    return Watcher(Fleet([uri], timing=PATIENT, asking_uris=[uri] if ask else []))


def why(one: Watcher) -> str:
    """Wait until it failed; returns why."""
    one.wait(lambda: one.state() in (HostState.LOST, HostState.NEEDS_AUTH))
    status = next(iter(one.hosts.values()))
    assert status.retry_at is None
    assert status.error is not None
    return f"{status.error.message}; {status.error.hint}"


def wanted(one: Watcher) -> QuestionKind | None:
    """What the host waits for."""
    return next(iter(one.hosts.values())).wants


def retry(one: Watcher) -> None:
    told = len(one.states)
    one.fleet.retry(next(iter(one.hosts)))
    one.wait(lambda: len(one.states) > told)


def test_a_new_host_and_a_passphrase_are_asked_for(server: AskingSshd, daemon: Daemon) -> None:
    with watch(server, daemon, ask=True) as one:
        question = one.reply("yes")
        assert question.kind is QuestionKind.HOST_KEY
        assert question.fingerprint.startswith("SHA256:")
        assert "127.0.0.1" in question.text
        assert one.reply(PASSPHRASE).kind is QuestionKind.PASSPHRASE
        one.up()
        # The other lanes' connections come in through the first one.
        one.wait(lambda: one.samples)
        assert server.logins == 1
    assert f"127.0.0.1]:{server.port}" in server.known.read_text()


def test_what_connects_by_itself_asks_nothing(server: AskingSshd, daemon: Daemon) -> None:
    with watch(server, daemon, ask=False) as one:
        assert "needs its host key to be trusted" in why(one)
        assert wanted(one) is QuestionKind.HOST_KEY
        server.trust()
        retry(one)
        assert one.reply(None).kind is QuestionKind.PASSPHRASE
        assert "not given" in why(one)
        assert len(one.questions) == 1
        retry(one)
        assert one.reply(PASSPHRASE).attempt == 1, "nothing was wrong before"
        one.up()


def test_a_wrong_passphrase_is_said_and_not_tried_again(server: AskingSshd, daemon: Daemon) -> None:
    server.trust()
    with watch(server, daemon, ask=True) as one:
        one.reply("wrong")
        assert "wrong passphrase" in why(one)
        assert wanted(one) is QuestionKind.PASSPHRASE
        retry(one)
        assert one.reply(PASSPHRASE).attempt == 2
        one.up()


def test_a_changed_host_key_is_never_trusted(server: AskingSshd, daemon: Daemon) -> None:
    server.trust("stranger")
    with watch(server, daemon, ask=True) as one:
        text = why(one)
        assert "host's ssh key changed" in text
        assert f"ssh-keygen -f {server.known} -R '[127.0.0.1]:{server.port}'" in text
        assert not one.questions


def test_a_password_is_asked_for_once(password_server: AskingSshd, daemon: Daemon) -> None:
    with watch(password_server, daemon, ask=False) as one:
        assert "needs a password" in why(one)
        assert one.state() is HostState.NEEDS_AUTH
        assert wanted(one) is QuestionKind.PASSWORD
        # An empty password would count as a wrong one.
        assert "Failed password" not in password_server.told
        retry(one)
        assert one.reply("wrong").kind is QuestionKind.PASSWORD
        assert "wrong password" in why(one)
        retry(one)
        one.reply(password_server.password)
        one.up()
        one.wait(lambda: one.samples)
        assert password_server.logins == 1
    assert password_server.told.count("Failed password") == 1


def test_a_server_that_shares_no_connection_is_let_in_by_the_same_answer(
    password_server: AskingSshd, daemon: Daemon
) -> None:
    server = password_server
    server.stop()
    server.options += "MaxSessions 1\n"
    server.start()
    with watch(server, daemon, ask=True) as one:
        one.reply(server.password, QuestionKind.PASSWORD)
        one.up()
        one.wait(lambda: one.samples)
        assert len(one.questions) == 1
        assert server.logins > 1
    assert "Failed password" not in server.told


def test_a_jump_host_asks_too(password_server: AskingSshd, daemon: Daemon) -> None:
    """The ssh that ssh runs on the way has no terminal to ask on either."""
    server = password_server
    server.jump()
    uri = server.asking_uri(daemon.uri()).replace("127.0.0.1", "localhost")
    with Watcher(Fleet([uri], timing=PATIENT)) as one:
        assert "needs a password" in why(one)
        retry(one)
        for host in ("127.0.0.1", "localhost"):
            asked = one.reply(server.password, QuestionKind.PASSWORD)
            assert f"@{host}'s password" in asked.text
        one.up()
        one.wait(lambda: one.samples)
        assert server.logins == 2
    assert "Failed password" not in server.told


def test_a_program_of_the_uris_own_asks_the_same_way(
    password_server: AskingSshd, daemon: Daemon
) -> None:
    server = password_server
    uri = f"{server.asking_uri(daemon.uri())}&command={server.client}/ssh"
    with Watcher(Fleet([uri], timing=PATIENT)) as one:
        assert "needs a password" in why(one)
        retry(one)
        assert one.reply(server.password).kind is QuestionKind.PASSWORD
        one.up()
        one.wait(lambda: one.samples)
        assert len(one.questions) == 1
    assert "Failed password" not in server.told


def test_a_program_of_the_uris_own_has_no_terminal_to_ask_on(tmp_path: Path) -> None:
    found = tmp_path / "found"
    own = tmp_path / "my ssh"
    own.write_text(
        f"#!/bin/sh\n(exec 3<>/dev/tty) 2>/dev/null && echo tty >>{found} || echo none >>{found}\n"
        'echo "I ask nobody" >&2\n'
    )
    own.chmod(0o755)
    uri = f"test+ssh://kv1.invalid/default?command={quote(str(own))}"
    terminal, theirs = pty.openpty()
    command = ["setsid", "--ctty", sys.executable, "-m", "tuivm", "list", "-c", uri]
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs) as child:
        os.close(theirs)
        said = b""
        with contextlib.suppress(OSError):  # EIO: the terminal's last user is gone
            while piece := os.read(terminal, 4096):
                said += piece
    os.close(terminal)
    assert child.returncode == 1
    assert set(found.read_text().split()) == {"none"}
    assert b"tuivm: kv1 (test+ssh://kv1.invalid/" in said
    assert b"I ask nobody" in said


def test_libssh_asks_the_same_way(password_server: AskingSshd, daemon: Daemon) -> None:
    """It has no askpass, and no connection lets another one in."""
    server = password_server
    server.known.unlink()
    uri = server.asking_uri(daemon.uri()).replace("+ssh", "+libssh")
    uri += f"&known_hosts={server.known}&known_hosts_verify=normal&sshauth=password"
    with Watcher(Fleet([uri], timing=PATIENT, asking_uris=[uri])) as one:
        question = one.reply("yes")
        assert question.kind is QuestionKind.HOST_KEY
        assert question.fingerprint in question.text
        assert one.reply("wrong").kind is QuestionKind.PASSWORD
        assert "wrong password" in why(one)
        retry(one)
        one.reply(server.password)
        one.up()
        one.wait(lambda: one.samples)
        assert server.logins >= 2
    assert server.told.count("Failed password") == 1


def test_all_of_it_is_the_owners_alone() -> None:
    made = askpass.Askpass()
    try:
        assert stat.S_IMODE(made.folder.stat().st_mode) == 0o700
        for path in made.folder.iterdir():
            assert not stat.S_IMODE(path.stat().st_mode) & 0o077
    finally:
        made.close()
    assert not made.folder.exists()


def test_what_a_killed_program_left_is_swept_and_what_is_in_use_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as above:
        monkeypatch.setenv("XDG_RUNTIME_DIR", above)
        used, left = askpass.Askpass(), Path(above) / f"{askpass.PREFIX}left"
        left.mkdir()
        with socket.socket(socket.AF_UNIX) as line:
            line.bind(str(left / "socket"))
        other = askpass.Askpass()
        assert other.folder.parent == Path(above)
        assert used.folder.exists()
        assert not left.exists()
        other.close()
        used.close()


def test_it_answers_again_after_there_were_no_more_descriptors() -> None:
    script = """
import json, os, resource, socket, time
from tuivm.backend import askpass

made = askpass.Askpass()
_, most = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (64, most))
line = socket.socket(socket.AF_UNIX)
line.settimeout(30)
taken = []
try:
    while True:
        taken.append(os.open("/dev/null", os.O_RDONLY))
except OSError:
    pass
line.connect(str(made.folder / "socket"))
line.sendall(json.dumps({"token": "", "prompt": "a passphrase?", "hint": ""}).encode() + b"\\n")
before = time.process_time()
time.sleep(1)
spent = time.process_time() - before
for one in taken:
    os.close(one)
print(line.recv(10), spent < 0.5, flush=True)
made.close()
made.thread.join(30)
print(made.thread.is_alive())
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.stdout.splitlines() == ["b'-' True", "False"], done.stderr
