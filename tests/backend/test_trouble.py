"""Hosts that hang, die, come back, or never were there: nothing waits, nothing is lost."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from pathlib import Path

import pytest

from tests.backend.conftest import NodeFile
from tests.backend.daemon import NOBODY, Daemon
from tests.backend.watcher import PATIENT, QUICK, failure, result, watch
from tuivm.backend import inventory
from tuivm.backend.service_facts import has_systemd
from tuivm.core.api import Focus
from tuivm.core.errors import TuivmError
from tuivm.core.model import DomainKey, HostState, State

HELD = PATIENT._replace(late=0.3)
"""Keepalive and probes that never end a link: what hangs stays hanging, and is seen to."""


def test_a_hanging_daemon_is_shown_then_lost_then_found_again(daemon: Daemon) -> None:
    # On a busy machine a daemon that goes on takes more than a second to let one in.
    with watch(daemon.uri(), QUICK._replace(open=20.0)) as one:
        key = one.up().running().key
        daemon.signal(signal.SIGSTOP)
        one.wait(lambda: one.state() is HostState.DEGRADED)
        assert "late" in str(one.hosts[key.host].error)
        one.wait(lambda: one.state() is HostState.LOST)
        assert key in one.domains, "rows stay when their host is lost"
        assert one.hosts[key.host].retry_at is not None
        assert "no longer answers" in str(one.hosts[key.host].error)
        daemon.signal(signal.SIGCONT)
        one.wait(lambda: one.state() is HostState.UP)
        assert one.hosts[key.host].error is None
        one.run("test", "suspend")
        one.wait(lambda: one.domains[key].state is State.PAUSED)


def test_a_call_to_a_hanging_daemon_fails_at_its_deadline(daemon: Daemon) -> None:
    with watch(daemon.uri(), HELD) as one:
        key = one.up().running().key
        host = one.fleet.hosts[key.host]
        daemon.signal(signal.SIGSTOP)
        began = time.monotonic()
        error = failure(
            host.submit(
                lambda c: c.lookupByUUIDString(key.uuid),
                call="x",
                title="Cannot look",
                deadline=0.4,
            )
        )
        assert time.monotonic() - began < 20, "no other deadline is so near"
        assert str(error).startswith("Cannot look: no answer within 0 s")
        daemon.signal(signal.SIGCONT)
        assert result(host.submit(lambda c: c.getLibVersion(), call="x"))
        one.wait(lambda: one.state() is HostState.UP)


def test_leaving_a_hanging_daemon_takes_no_longer_than_the_grace(daemon: Daemon) -> None:
    one = watch(daemon.uri(), HELD)
    with one:
        one.up()
        daemon.signal(signal.SIGSTOP)
        one.wait(lambda: one.state() is HostState.DEGRADED)
        began = time.monotonic()
        assert one.fleet.stop(0.5) is False, "something is stuck, and it says so"
        assert time.monotonic() - began < 10
        daemon.signal(signal.SIGCONT)


def test_stuck_calls_do_not_grow_in_number(daemon: Daemon) -> None:
    with watch(daemon.uri(), HELD) as one:
        key = one.up().running().key
        host = one.fleet.hosts[key.host]
        daemon.signal(signal.SIGSTOP)
        before = threading.active_count()
        futures = [
            host.submit(lambda c: c.getHostname(), call="x", lane=lane, deadline=0.3)
            for _ in range(20)
            for lane in ("main", "job")
        ]
        for future in futures:
            failure(future)
        assert threading.active_count() - before <= 8
        daemon.signal(signal.SIGCONT)
        one.wait(lambda: host.stuck == 0)


def test_another_host_goes_on_while_one_hangs(daemon: Daemon, node: NodeFile) -> None:
    with watch([daemon.uri(), node(2)], HELD) as one:
        one.up()
        first, other = one.hosts
        key = next(key for key in one.domains if key.host == other)
        daemon.signal(signal.SIGSTOP)
        took = []
        for verb, state in (("suspend", State.PAUSED), ("resume", State.RUNNING)) * 5:
            began = time.monotonic()
            result(one.fleet.run(key, verb, {}))
            one.wait(lambda state=state: one.domains[key].state is state)  # type: ignore[misc]
            took.append(time.monotonic() - began)
        assert sorted(took)[len(took) // 2] < 1, took
        one.wait(lambda: one.state(first) is not HostState.UP)
        daemon.signal(signal.SIGCONT)


def test_a_restarted_daemon_is_found_again_without_growth(daemon: Daemon) -> None:
    with watch(daemon.uri()) as one:
        one.up()
        files = threads = 0
        for round_ in range(4):
            daemon.kill()
            one.wait(lambda: one.state() is HostState.LOST)
            daemon.start()
            one.wait(lambda: one.state() is HostState.UP)
            one.run("test", "autostart", {"value": "on"})
            one.wait(lambda: one.domain("test").autostart)
            if round_ == 0:
                files, threads = len(os.listdir("/proc/self/fd")), threading.active_count()
        one.wait(lambda: len(os.listdir("/proc/self/fd")) <= files + 1)
        one.wait(lambda: threading.active_count() <= threads + 2)
        assert sum("connected" in text for text in one.texts()) == 4
        assert sum("Connection lost" in text for text in one.texts()) == 4


def test_a_daemon_that_dies_during_a_verb_fails_the_verb(daemon: Daemon) -> None:
    with watch(daemon.uri(), HELD) as one:
        key = one.up().running().key
        result(one.fleet.run(key, "suspend", {}))
        daemon.signal(signal.SIGSTOP)
        future = one.fleet.run(key, "resume", {})
        daemon.kill()
        error = failure(future)
        assert error.is_connection_loss
        assert "Cannot resume test" in str(error)
        one.wait(lambda: one.state() is HostState.LOST)
        error = failure(one.fleet.run(key, "resume", {}))
        assert "not connected" in str(error)


def test_a_dead_socket_says_that_the_daemon_stopped(daemon: Daemon) -> None:
    daemon.kill()
    with watch(daemon.uri("qemu:///session")) as one:
        one.wait(lambda: one.state() is HostState.LOST)
        error = next(iter(one.hosts.values())).error
        assert error is not None
        assert "nobody answers" in error.message
        assert "start it again" in error.hint
        told = len(one.states)
        one.wait(lambda: len(one.states) > told + 4)
        assert len(one.entries) == 1, "the same failure is not told again and again"


def test_a_missing_socket_says_what_to_start(tmp_path: Path) -> None:
    with watch(f"qemu+unix:///system?socket={tmp_path}/libvirt-sock") as one:
        one.wait(lambda: one.state() is HostState.LOST)
        error = next(iter(one.hosts.values())).error
        assert error is not None
        assert "libvirtd does not run" in error.message
        start = "systemctl start libvirtd" if has_systemd(Path("/")) else "libvirtd -d"
        assert start in error.hint


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give its rights up")
def test_a_forbidden_socket_names_the_group(tmp_path: Path) -> None:
    import libvirt

    from tuivm.backend.refusals import connection_error

    path = tmp_path / "libvirt-sock"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        path.chmod(0o600)
        for folder in (tmp_path, *tmp_path.parents):
            folder.chmod(folder.stat().st_mode | 0o011)
        os.seteuid(NOBODY)
        try:
            with pytest.raises(libvirt.libvirtError) as caught:
                libvirt.open(f"qemu+unix:///system?socket={path}")
            error = connection_error(caught.value, "qemu:///system")
        finally:
            os.seteuid(0)
    assert "you may not use" in error.message
    assert "qemu:///session" in error.hint


def test_a_host_that_accepts_but_never_answers_is_given_up(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET) as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = server.getsockname()[1]
        with watch(f"qemu+tcp://127.0.0.1:{port}/system", QUICK._replace(open=0.3)) as one:
            took = one.wait(lambda: one.state() is HostState.LOST)
            assert took < 20
            error = next(iter(one.hosts.values())).error
            assert error is not None
            assert "no answer" in error.message
            one.quiet(2.0)
            openers = [t for t in threading.enumerate() if t.name.endswith("-open")]
            assert len(openers) <= 3
            began = time.monotonic()
            assert one.fleet.stop(0.2) is False
            assert time.monotonic() - began < 10


@pytest.mark.parametrize(
    ("uri", "cause"),
    [
        ("foo:///system", "not a libvirt URI"),
        ("nonsense", "not a libvirt URI"),
        ("qemu+weird:///system", "transport in URL not recognised"),
        ("qemu+tcp://127.0.0.1:1/system", "nothing listens there"),
        ("test:///no/such/file.xml", "no/such/file.xml"),
    ],
)
def test_a_wrong_address_says_what_is_wrong(uri: str, cause: str) -> None:
    with watch(uri) as one:
        one.wait(lambda: one.state() is HostState.LOST)
        error = next(iter(one.hosts.values())).error
        assert error is not None
        assert cause in str(error)
        assert error.hint
        assert error.title.startswith("Cannot connect to ")
        assert "\n" not in str(error)


def test_a_wrong_address_is_not_tried_again_by_itself() -> None:
    with watch("foo:///x") as one:
        one.wait(lambda: one.state() is HostState.LOST)
        host = next(iter(one.hosts.values()))
        assert host.retry_at is None
        told = len(one.states)
        assert one.quiet(0.5) == 0
        one.fleet.retry(host.id)
        one.wait(lambda: len(one.states) > told and one.state() is HostState.LOST)


def test_a_missing_password_is_asked_of_a_human_not_tried_again(tmp_path: Path) -> None:
    node = tmp_path / "node.xml"
    node.write_text("<node><auth><user password='pw'>alice</user></auth></node>")
    with watch(f"test://{node}") as one:
        one.wait(lambda: one.state() is HostState.NEEDS_AUTH)
        host = next(iter(one.hosts.values()))
        assert host.retry_at is None
        assert host.error is not None
        assert "password" in host.error.message
        assert "auth.conf" in host.error.hint


def test_an_inventory_that_fails_is_told(node: NodeFile, monkeypatch: pytest.MonkeyPatch) -> None:
    def deny(_conn: object) -> None:
        raise TuivmError("Cannot list", "access denied")

    with watch(node(2), PATIENT._replace(reconcile=0.1)) as one:
        one.up()
        with monkeypatch.context() as patch:
            patch.setattr(inventory, "read_states", deny)
            one.wait(lambda: one.state() is HostState.DEGRADED)
            assert "access denied" in str(next(iter(one.hosts.values())).error)
        one.wait(lambda: one.state() is HostState.UP)
        monkeypatch.setattr(inventory, "read_states", deny)
        with watch(node(3)) as other:
            other.wait(lambda: other.state() is HostState.LOST)
            assert "access denied" in str(next(iter(other.hosts.values())).error)


def test_retry_connects_at_once(daemon: Daemon) -> None:
    daemon.kill()
    slow = PATIENT._replace(backoff=600.0, backoff_max=600.0)
    with watch(daemon.uri(), slow) as one:
        one.wait(lambda: one.state() is HostState.LOST)
        daemon.start()
        one.fleet.retry(next(iter(one.hosts)))
        assert one.wait(lambda: one.state() is HostState.UP) < 60


def test_retry_lists_a_connected_host_afresh(node: NodeFile) -> None:
    slow = PATIENT._replace(reconcile=3600.0)
    with watch(node(2), slow) as one:
        key = one.up().running().key
        host = one.fleet.hosts[key.host]
        # Autostart tells no event.
        result(host.submit(lambda c: c.lookupByUUIDString(key.uuid).setAutostart(1), call="x"))
        one.quiet(0.3)
        assert not one.domains[key].autostart
        one.fleet.retry(key.host)
        one.wait(lambda: one.domains[key].autostart)


def test_reconciliation_finds_what_no_event_told(node: NodeFile) -> None:
    with watch(node(2), PATIENT._replace(reconcile=0.2)) as one:
        key = one.up().running().key
        host = one.fleet.hosts[key.host]
        result(host.submit(lambda c: c.lookupByUUIDString(key.uuid).setAutostart(1), call="x"))
        one.wait(lambda: one.domains[key].autostart)


def test_changes_made_by_others_arrive_at_once(daemon: Daemon) -> None:
    import libvirt

    with watch(daemon.uri()) as one:
        key = one.up().running().key
        other = libvirt.open(daemon.uri())
        try:
            took = []
            for state in (State.PAUSED, State.RUNNING) * 5:
                domain = other.lookupByUUIDString(key.uuid)
                began = time.monotonic()
                (domain.suspend if state is State.PAUSED else domain.resume)()
                one.wait(lambda state=state: one.domains[key].state is state)  # type: ignore[misc]
                took.append(time.monotonic() - began)
            assert sorted(took)[len(took) // 2] < 1, took
        finally:
            other.close()


def test_a_storm_of_events_loses_no_final_state(node: NodeFile) -> None:
    with watch(node(200, running=0)) as one:
        one.up()
        keys = list(one.domains)
        host = next(iter(one.fleet.hosts.values()))

        def storm(conn: object) -> None:
            for _ in range(25):
                for key in keys:
                    conn.lookupByUUIDString(key.uuid).create()  # type: ignore[attr-defined]
                for key in keys:
                    conn.lookupByUUIDString(key.uuid).destroy()  # type: ignore[attr-defined]
            for key in keys[:100]:
                conn.lookupByUUIDString(key.uuid).create()  # type: ignore[attr-defined]

        result(host.submit(storm, call="x", deadline=60))

        def settled() -> bool:
            running = [k for k, d in one.domains.items() if d.state is State.RUNNING]
            return len(running) == 100 and set(running) == set(keys[:100])

        one.wait(settled)
        one.quiet(0.5)
        assert settled()
        assert len(one.domains) == 200
        assert 0 < len(one.entries) <= 10_200


def test_the_focus_may_name_what_is_gone(node: NodeFile) -> None:
    with watch(node(2)) as one:
        one.up()
        gone = DomainKey(next(iter(one.hosts)), "00000000-0000-4000-8000-000000000000")
        one.fleet.focus(Focus(visible=(gone, DomainKey("nowhere", "x")), detail=gone))
        one.wait(lambda: len(one.stats) == 2)
        assert one.state() is HostState.UP
