"""Hosts come and go while the program runs, and leave nothing behind."""

from __future__ import annotations

import os
import threading
import time

import pytest

from tests.backend.conftest import NodeFile
from tests.backend.daemon import Daemon
from tests.backend.watcher import PATIENT, Watcher, failure, result, watch
from tests.backend.wire import Wire
from tuivm.backend.fleet import Fleet
from tuivm.core.api import ConsoleState
from tuivm.core.errors import TuivmError
from tuivm.core.hostconfig import HostConfig
from tuivm.core.model import HostState, State

TEST = "test:///default"


def threads_of(host: str) -> list[str]:
    return [one.name for one in threading.enumerate() if one.name.startswith(f"tuivm-{host}")]


def hosts_of(one: Watcher) -> list[str]:
    return [*one.hosts]


def test_a_host_is_added_disconnected_connected_and_forgotten(node: NodeFile) -> None:
    with watch(node(3)) as one:
        one.up()
        roster = one.fleet.roster
        assert roster.add(HostConfig(TEST, "kv1", tags=("prod",), colour="red")) == "kv1"
        one.wait(lambda: "kv1" in one.hosts and one.state("kv1") is HostState.UP)
        assert (one.hosts["kv1"].tags, one.hosts["kv1"].colour) == (("prod",), "red")
        assert any(key.host == "kv1" for key in one.domains)
        before = one.hosts["kv1"]
        roster.disconnect("kv1")
        one.wait(lambda: one.state("kv1") is HostState.DISABLED)
        assert not any(key.host == "kv1" for key in one.domains)
        one.wait(lambda: not threads_of("kv1"))
        after = one.hosts["kv1"]
        assert (after.tags, after.hypervisor) == (before.tags, before.hypervisor)
        assert "not connected" in str(failure(one.fleet.roster.hosts["kv1"].submit(len, call="x")))
        one.fleet.retry("kv1")
        one.wait(lambda: one.state("kv1") is HostState.UP and "test" in one.names())
        roster.forget("kv1")
        one.wait(lambda: "kv1" not in one.hosts)
        assert len(one.domains) == 3
        one.wait(lambda: not threads_of("kv1"))
        assert "kv1" not in one.fleet.hosts


def test_logs_are_asked_of_hosts_that_came_and_of_none_that_went(node: NodeFile) -> None:
    fleet = Fleet([node(1)])
    support = fleet.support
    name = fleet.roster.add(HostConfig(TEST, "late", autoconnect=False))
    assert "runs inside of tuivm" in str(support.daemon_logs(name, "").exception(10))
    fleet.roster.forget(name)
    assert "No such host" in str(support.daemon_logs(name, "").exception(10))


def test_what_is_there_already_is_refused(node: NodeFile) -> None:
    fleet = Fleet([TEST, node(1)], known=[HostConfig(TEST, "kv1")])
    roster = fleet.roster
    kv1, other = fleet.hosts
    for host, message, hint in (
        (HostConfig("TEST:///default "), "kv1 has this URI already", "one host, one URI"),
        (HostConfig("test:///x.xml", "kv1"), "another host is called kv1", "another name"),
    ):
        with pytest.raises(TuivmError) as caught:
            roster.add(host)
        assert message in caught.value.message
        assert hint in caught.value.hint
        with pytest.raises(TuivmError, match="Cannot change"):
            roster.change(other, host)
    with pytest.raises(TuivmError):
        roster.change("nobody", HostConfig("test:///y.xml"))
    assert [*fleet.hosts] == [kv1, other]


def test_a_change_of_looks_does_not_touch_the_connection(node: NodeFile) -> None:
    with watch([node(2), TEST]) as one:
        one.up()
        name, second = one.fleet.hosts
        uri, link = one.hosts[name].uri, one.fleet.hosts[name].link
        told = len(one.states)
        assert one.fleet.roster.change(name, HostConfig(uri, colour="blue", tags=("a",))) == name
        one.wait(lambda: one.hosts[name].colour == "blue")
        assert one.fleet.hosts[name].link is link
        assert {state for host, state in one.states[told:] if host == name} == {HostState.UP}
        # Another name, and another access, are another connection in the same place.
        changed = HostConfig(uri, "new", readonly=True)
        assert one.fleet.roster.change(name, changed) == "new"
        one.wait(lambda: "new" in one.hosts and one.state("new") is HostState.UP)
        assert [*one.fleet.hosts] == ["new", second]
        assert one.hosts["new"].readonly
        assert {key.host for key in one.domains} == {"new", second}


def test_a_host_that_is_not_wanted_makes_no_attempt() -> None:
    fleet = Fleet([TEST], known=[HostConfig(TEST, "kv1", autoconnect=False)])
    with Watcher(fleet) as one:
        one.wait(lambda: "kv1" in one.hosts)
        one.quiet(0.2)
        assert one.states == [("kv1", HostState.DISABLED)]
        assert not threads_of("kv1")
        one.fleet.retry("kv1")
        one.wait(lambda: one.state("kv1") is HostState.UP)
    assert fleet.stop(5.0)


def test_why_a_host_is_not_there_is_said_once() -> None:
    with Watcher(Fleet(["test:///no/such/file.xml"])) as one:
        one.wait(lambda: one.entries)
        (entry,) = one.entries
        assert entry.error is not None
        assert entry.error.message
        assert entry.error.message not in entry.text
        assert entry.text == f"{entry.host}: Cannot connect"


def test_a_fleet_with_disconnected_hosts_ends_cleanly() -> None:
    fleet = Fleet([TEST], known=[HostConfig(TEST, autoconnect=False)])
    fleet.start(lambda: None)
    began = time.monotonic()
    assert fleet.stop(5.0)
    assert time.monotonic() - began < 4, "nobody was waited for"


def test_the_connection_of_a_forgotten_host_hangs_alone(daemon: Daemon) -> None:
    with Wire(daemon.socket) as wire, watch([TEST, wire.uri()]) as one:
        one.up()
        _, name = one.fleet.hosts
        wire.hang()
        one.fleet.roster.forget(name)
        one.wait(lambda: name not in one.hosts)
        one.wait(lambda: not any(key.host == name for key in one.domains))
        one.quiet(0.3)
        assert name not in one.hosts, "nothing that it tells later gets through"
        wire.go_on()
        one.wait(lambda: not threads_of(name))


def test_coming_and_going_leaves_no_thread_and_no_descriptor(daemon: Daemon) -> None:
    with watch(TEST) as one:
        one.up()
        add, uri = one.fleet.roster.add, daemon.uri()
        for turn in range(12):
            if turn == 2:
                files, threads = len(os.listdir("/proc/self/fd")), threading.active_count()
            add(HostConfig(uri, "kv1"))
            one.wait(lambda: "kv1" in one.hosts and one.state("kv1") is HostState.UP)
            if turn % 2:
                one.fleet.roster.disconnect("kv1")
                one.wait(lambda: one.state("kv1") is HostState.DISABLED)
            one.fleet.roster.forget("kv1")
            one.wait(lambda: "kv1" not in one.hosts)
            one.wait(lambda: not threads_of("kv1"))
        one.wait(lambda: threading.active_count() <= threads)
        one.wait(lambda: len(os.listdir("/proc/self/fd")) <= files)


def test_a_trial_tells_what_is_there_and_keeps_nothing(daemon: Daemon) -> None:
    with watch(TEST, PATIENT._replace(open=5.0)) as one:
        one.up()
        files = len(os.listdir("/proc/self/fd"))
        found = result(one.fleet.roster.try_out(HostConfig(daemon.uri())))
        assert "test driver" in found.hypervisor
        assert found.libvirt
        assert found.latency is not None
        refused = failure(one.fleet.roster.try_out(HostConfig("qemu+unix:///x?socket=/none")))
        assert "listens at /none" in refused.message
        assert refused.hint
        with Wire(daemon.socket) as wire:
            wire.hang()
            late = failure(one.fleet.roster.try_out(HostConfig(wire.uri())))
            assert "no answer" in late.message
            assert "by itself" not in late.hint
            left = one.fleet.roster.try_out(HostConfig(wire.uri()))
            assert left.cancel()
            wire.go_on()
        one.wait(lambda: not threads_of("try"))
        one.wait(lambda: len(os.listdir("/proc/self/fd")) <= files)
        assert [*one.fleet.hosts] == hosts_of(one)


def test_what_was_known_of_its_moment_goes_with_the_connection(node: NodeFile) -> None:
    with watch(node(1)) as one:
        name = next(iter(one.up().fleet.hosts))
        one.wait(lambda: one.hosts[name].cpus is not None)
        one.fleet.hosts[name].describe(cpu_used=50.0, memory_used=1 << 30)
        one.wait(lambda: one.hosts[name].cpu_used == 50.0)
        result(one.fleet.run(one.running().key, "shutdown", {}))
        one.fleet.roster.disconnect(name)
        one.wait(lambda: one.state(name) is HostState.DISABLED)
        status = one.hosts[name]
        assert (status.cpu_used, status.memory_used, status.latency) == (None, None, None)
        assert status.cpus is not None
        assert not one.fleet._asked


def test_whom_it_asked_to_shut_down_is_forgotten_once_it_is_gone(node: NodeFile) -> None:
    with watch(node(2)) as one:
        one.up()
        first, second = sorted(one.domains)
        result(one.fleet.run(first, "shutdown", {}))
        one.wait(lambda: one.domains[first].state is State.OFF)
        result(one.fleet.run(first, "undefine", {}))
        one.wait(lambda: first not in one.domains)
        result(one.fleet.run(second, "shutdown", {}))
        assert [*one.fleet._asked] == [second]


class Sink:
    """Takes what a console tells."""

    def __init__(self) -> None:
        self.states: list[tuple[ConsoleState, str]] = []

    def console_bytes(self, data: bytes) -> None:
        raise AssertionError("nobody prints")

    def console_state(self, state: ConsoleState, detail: str) -> None:
        self.states.append((state, detail))


@pytest.mark.parametrize("how", ["forget", "disconnect"])
def test_a_console_of_a_host_that_went_says_so(how: str, node: NodeFile) -> None:
    with watch(node(1)) as one:
        key = one.up().running().key
        getattr(one.fleet.roster, how)(key.host)
        sink = Sink()
        channel = one.fleet.console(key, sink)
        channel.attach()
        one.wait(lambda: any(state is ConsoleState.FAILED for state, _ in sink.states))
        assert "not connected" in sink.states[-1][1]
        channel.close()
        assert "no host" in str(failure(one.fleet.run(key, "suspend", {}))) or how != "forget"
