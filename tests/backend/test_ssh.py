"""Hosts over a real ssh: they connect without a question, or wait for a human."""

from __future__ import annotations

import os
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from tests.backend.daemon import Daemon
from tests.backend.netdaemon import need
from tests.backend.sshd import Sshd
from tests.backend.watcher import QUICK, Watcher, watch
from tuivm.core.errors import TuivmError
from tuivm.core.model import HostState


@pytest.fixture
def sshd() -> Iterator[Sshd]:
    """An ssh server of this test's own."""
    missing = Sshd.missing()
    if missing:
        reason = f"not installed: {', '.join(missing)}"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    one = Sshd()
    try:
        one.start()
        yield one
    finally:
        one.close()


def needs_a_human(one: Watcher, sshd: Sshd) -> TuivmError:
    """Wait until the host waits for a human; it was tried once and is not tried again."""
    one.wait(lambda: one.state() in (HostState.NEEDS_AUTH, HostState.LOST))
    (host,) = one.hosts.values()
    assert host.state is HostState.NEEDS_AUTH, host.error
    assert host.retry_at is None
    one.quiet(0.5)
    assert sshd.connections == 1
    assert host.error is not None
    return host.error


def test_a_key_that_fits_connects(sshd: Sshd, daemon: Daemon) -> None:
    with watch(sshd.uri(daemon.socket)) as one:
        assert one.up().running().name == "test"


def test_a_wrong_key_is_offered_once(sshd: Sshd, daemon: Daemon) -> None:
    with watch(sshd.uri(daemon.socket, key="wrong")) as one:
        assert "refused the login" in needs_a_human(one, sshd).message


def test_an_unknown_host_is_not_trusted_unasked(sshd: Sshd, daemon: Daemon) -> None:
    with watch(sshd.uri(daemon.socket, known=None)) as one:
        error = needs_a_human(one, sshd)
    assert "not known" in error.message
    assert f"ssh -p {sshd.port} " in error.hint


def test_a_changed_host_key_is_shown_and_never_taken(sshd: Sshd, daemon: Daemon) -> None:
    with watch(sshd.uri(daemon.socket, known="stranger")) as one:
        error = needs_a_human(one, sshd)
    assert "changed" in error.message
    assert "ED25519 SHA256:" in error.message
    assert f"The old one is in {sshd.folder}/known-stranger, line 1." in error.message
    assert f"ssh-keygen -f {sshd.folder}/known-stranger -R '[127.0.0.1]:" in error.hint


def _helper(uri: str) -> str:
    return uri.replace("proxy=netcat", "proxy=native")


@pytest.mark.parametrize(
    ("change", "cause", "cure"),
    [
        (
            lambda uri: uri.replace("libvirt-sock", "no-such/libvirt-sock"),
            "no libvirt daemon runs on 127.0.0.1: it has no socket /",
            "systemctl start libvirtd (without systemd: libvirtd -d)",
        ),
        (
            lambda uri: re.sub("socket=[^&]*/", "socket=/run/no-such/", _helper(uri)),
            "virt-ssh-helper does not heed socket=/run/no-such/libvirt-sock",
            "add proxy=netcat",
        ),
        (
            lambda uri: f"{uri}&netcat=no-such-program",
            "the host lacks a program",
            "install libvirt-clients",
        ),
        (
            lambda uri: re.sub(r":\d+/", ":1/", uri),
            "nothing listens for ssh at 127.0.0.1, port 1",
            "is sshd running there?",
        ),
        (
            lambda uri: uri.replace("127.0.0.1", "no-such-host.invalid"),
            "the host's name is not known",
            "~/.ssh/config",
        ),
        (
            lambda uri: uri.replace("command=", "command=/no/such"),
            "command= in the URI does not run: /no/such/",
            "leave command= out",
        ),
    ],
    ids=["socket", "helper", "netcat", "port", "name", "command"],
)
def test_what_is_in_the_way_is_named_with_its_cure(
    sshd: Sshd, daemon: Daemon, change: Callable[[str], str], cause: str, cure: str
) -> None:
    with watch(change(sshd.uri(daemon.socket))) as one:
        one.wait(lambda: one.state() is HostState.LOST)
        (host,) = one.hosts.values()
    assert host.error is not None
    assert cause in host.error.message
    assert cure in host.error.hint


def _silent(one: socket.socket) -> None:
    """Take connections and say nothing, as a hung sshd does."""


def _stuck(one: socket.socket) -> None:
    """Greet as sshd does, then say nothing."""
    one.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")


def _rude(one: socket.socket) -> None:
    """Hang up at once, as an sshd does that has too many at the door."""
    one.close()


@contextmanager
def listener(answer: Callable[[socket.socket], None] | None) -> Iterator[int]:
    """Something at an ssh port; None takes no connection, as behind a firewall that drops."""
    with socket.create_server(("127.0.0.1", 0), backlog=0 if answer is None else 5) as server:
        port = int(server.getsockname()[1])
        held = []
        if answer is None:
            for _ in range(3):
                full = socket.socket()
                full.setblocking(False)
                full.connect_ex(("127.0.0.1", port))
                held.append(full)

        def serve() -> None:
            with suppress(OSError):
                while answer is not None:
                    held.append(server.accept()[0])
                    answer(held[-1])

        threading.Thread(target=serve, daemon=True).start()
        try:
            yield port
        finally:
            server.shutdown(socket.SHUT_RDWR)
            for one in held:
                one.close()


@pytest.mark.parametrize(
    ("answer", "seconds", "cause", "cure"),
    [
        (_silent, 14.0, "but does not answer as ssh does", "stuck or overloaded"),
        (None, 14.0, "127.0.0.1 does not answer at port", "ssh -v -p PORT ann@127.0.0.1"),
        (_rude, 14.0, "and drops them at once", "MaxStartups"),
        (_stuck, 3.0, "no answer within 3 s", "does ssh -p PORT ann@127.0.0.1 get in by hand?"),
    ],
    ids=["silent", "dropped", "rude", "stuck"],
)
def test_an_ssh_that_does_not_answer_is_named_in_time(
    answer: Callable[[socket.socket], None] | None, seconds: float, cause: str, cure: str
) -> None:
    need("ssh")
    with (
        listener(answer) as port,
        watch(f"qemu+ssh://ann@127.0.0.1:{port}/system", QUICK._replace(open=seconds)) as one,
    ):
        one.wait(lambda: one.state() is HostState.LOST, seconds + 10)
        (host,) = one.hosts.values()
        assert host.error is not None
        assert cause in host.error.message
        assert cure.replace("PORT", str(port)) in host.error.hint
        assert host.retry_at is not None, "it may come back"


def test_a_daemon_that_left_its_socket_behind_is_told_apart(sshd: Sshd, daemon: Daemon) -> None:
    uri = sshd.uri(daemon.socket)
    daemon.kill()
    with watch(uri) as one:
        one.wait(lambda: one.state() is HostState.LOST)
        (host,) = one.hosts.values()
    assert "on 127.0.0.1: the daemon stopped and left its socket behind" in str(host.error)
