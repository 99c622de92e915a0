"""What the UI relies on, whatever the host: the same on the in-process driver and a daemon."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator

import libvirt
import pytest

from tests.backend.conftest import NodeFile
from tests.backend.daemon import Daemon
from tests.backend.nodes import uuid_of
from tests.backend.watcher import Watcher, failure, result, watch
from tuivm.core.api import Focus
from tuivm.core.model import DomainKey, HostState, State


@pytest.fixture(params=["in-process", "daemon"])
def uri(request: pytest.FixtureRequest, node: NodeFile) -> str:
    """Three domains, two of them running; in this process, or one that a daemon serves."""
    if request.param == "in-process":
        return node(3, running=2)
    daemon: Daemon = request.getfixturevalue("daemon")
    return daemon.uri("test:///default")


@pytest.fixture
def watcher(uri: str) -> Iterator[Watcher]:
    with watch(uri) as one:
        yield one.up()


def test_a_host_comes_up_with_all_of_its_domains(watcher: Watcher) -> None:
    first = watcher.running()
    assert first.state is State.RUNNING
    assert first.name in ("vm-0000", "vm-0001", "test")
    assert first.id is not None
    assert (first.autostart, first.managed_save) == (False, False)
    watcher.wait(lambda: watcher.domains[first.key].has_checkpoints is not None)
    first = watcher.domains[first.key]
    assert (first.persistent, first.has_snapshots, first.has_checkpoints) == (True, False, False)
    watcher.wait(lambda: next(iter(watcher.hosts.values())).libvirt)
    status = next(iter(watcher.hosts.values()))
    assert status.state is HostState.UP
    assert status.hypervisor.startswith("test driver")
    assert status.cpus
    assert status.memory
    assert status.error is None


def test_rows_follow_what_the_verbs_do(watcher: Watcher) -> None:
    name = watcher.running().name
    for verb, state in (
        ("suspend", State.PAUSED),
        ("resume", State.RUNNING),
        ("destroy", State.OFF),
        ("start-paused", State.PAUSED),
        ("resume", State.RUNNING),
        ("shutdown", State.OFF),
        ("start", State.RUNNING),
    ):
        watcher.run(name, verb)
        watcher.wait(lambda state=state: watcher.domain(name).state is state)  # type: ignore[misc]
    watcher.wait(lambda: watcher.domain(name).started_exact)
    domain = watcher.domain(name)
    assert domain.started_at == pytest.approx(time.time(), abs=30)


def test_what_no_event_tells_is_read_after_the_verb(watcher: Watcher) -> None:
    name = watcher.running().name
    watcher.run(name, "autostart", {"value": "on"})
    watcher.wait(lambda: watcher.domain(name).autostart)
    watcher.run(name, "managedsave")
    watcher.wait(lambda: watcher.domain(name).saved)
    watcher.run(name, "managedsave-remove")
    watcher.wait(lambda: watcher.domain(name).managed_save is False)


def test_an_undefined_domain_leaves_and_its_line_stays(watcher: Watcher) -> None:
    name = watcher.running().name
    watcher.run(name, "destroy")
    watcher.wait(lambda: watcher.domain(name).state is State.OFF)
    watcher.run(name, "undefine")
    watcher.wait(lambda: name not in watcher.names())
    watcher.wait(lambda: f"{name} undefined" in watcher.texts())
    assert f"{name} stopped: forced off" in watcher.texts()


def test_an_undefined_running_domain_stays_until_it_stops(watcher: Watcher) -> None:
    key = watcher.running().key
    libvirt_undefine(watcher, key)
    watcher.wait(lambda: watcher.domains[key].persistent is False)
    assert watcher.domains[key].state is State.RUNNING
    result(watcher.fleet.run(key, "destroy", {}))
    watcher.wait(lambda: key not in watcher.domains)


def libvirt_undefine(watcher: Watcher, key: DomainKey) -> None:
    host = watcher.fleet.hosts[key.host]
    result(host.submit(lambda c: c.lookupByUUIDString(key.uuid).undefine(), call="x", lane="job"))


def test_a_renamed_domain_keeps_its_row(watcher: Watcher) -> None:
    key = watcher.running().key
    result(watcher.fleet.run(key, "destroy", {}))
    host = watcher.fleet.hosts[key.host]
    result(host.submit(lambda c: c.lookupByUUIDString(key.uuid).rename("other", 0), call="x"))
    watcher.wait(lambda: watcher.domains[key].name == "other")
    watcher.wait(lambda: "other renamed" in watcher.texts())
    assert not any("undefined" in text for text in watcher.texts())


def test_a_verb_on_a_vanished_domain_fails_and_the_row_goes(watcher: Watcher) -> None:
    key = watcher.running().key
    host = watcher.fleet.hosts[key.host]

    def vanish(conn: libvirt.virConnect) -> None:
        domain = conn.lookupByUUIDString(key.uuid)
        domain.destroy()
        domain.undefine()

    result(host.submit(vanish, call="x"))
    error = failure(watcher.fleet.run(key, "start", {}))
    assert error.is_gone
    assert "no longer exists" in str(error)
    watcher.wait(lambda: key not in watcher.domains)


def test_a_refused_verb_says_why(watcher: Watcher) -> None:
    key = watcher.running().key
    error = failure(watcher.fleet.run(key, "resume", {}))
    assert error.title == f"Cannot resume {watcher.domains[key].name}"
    assert error.message
    assert error.code is not None
    assert not error.is_connection_loss
    assert error.__traceback__ is None
    assert error.__cause__ is None
    assert watcher.state() is HostState.UP


def test_facts_come_from_the_xml_and_follow_it(watcher: Watcher) -> None:
    key = watcher.running().key
    watcher.wait(lambda: watcher.domains[key].facts)
    facts = watcher.domains[key].facts
    assert facts is not None
    assert facts.vcpus == 2
    assert facts.memory_max
    host = watcher.fleet.hosts[key.host]
    result(
        host.submit(
            lambda c: c.lookupByUUIDString(key.uuid).setMetadata(
                libvirt.VIR_DOMAIN_METADATA_TITLE, "a new title", None, None, 0
            ),
            call="x",
        )
    )
    watcher.wait(lambda: (f := watcher.domains[key].facts) and f.title == "a new title")


def test_numbers_come_for_running_domains_and_go_with_them(watcher: Watcher) -> None:
    key = watcher.running().key
    watcher.wait(lambda: (s := watcher.stats.get(key)) and s.cpu is not None)
    sample = watcher.stats[key]
    assert sample.cpu is not None
    assert 0 <= sample.cpu <= 100
    assert sample.memory_max
    assert sample.disk_read is None, "the test driver tells nothing of disks: unknown, not zero"
    result(watcher.fleet.run(key, "destroy", {}))
    watcher.wait(lambda: key not in watcher.stats)


def test_addresses_are_read_for_rows_on_screen(watcher: Watcher) -> None:
    key = watcher.running().key
    assert not watcher.domains[key].addresses
    watcher.fleet.focus(Focus(visible=(key,)))
    watcher.wait(lambda: watcher.domains[key].addresses)
    assert watcher.domains[key].addresses[0].source in ("lease", "agent", "arp")
    result(watcher.fleet.run(key, "destroy", {}))
    watcher.wait(lambda: not watcher.domains[key].addresses)


def test_nobody_is_woken_when_nothing_changes(watcher: Watcher) -> None:
    for domain in watcher.domains.values():
        if domain.state.active:
            result(watcher.fleet.run(domain.key, "destroy", {}))
    watcher.wait(
        lambda: not watcher.stats and not any(d.state.active for d in watcher.domains.values())
    )
    watcher.quiet(0.5)
    assert watcher.quiet(1.0) == 0


def test_hidden_means_no_samples(watcher: Watcher) -> None:
    key = watcher.running().key
    watcher.fleet.focus(Focus(detail=key))
    watcher.wait(lambda: watcher.samples > 3)
    watcher.fleet.focus(Focus(detail=key, hidden=True))
    watcher.quiet(0.3)
    before = watcher.samples
    watcher.quiet(0.5)
    assert watcher.samples == before
    watcher.fleet.focus(Focus(detail=key))
    watcher.wait(lambda: watcher.samples > before + 2)


def test_samples_are_rarer_while_the_user_is_elsewhere_and_at_once_on_return(
    watcher: Watcher,
) -> None:
    key = watcher.running().key
    watcher.fleet.focus(Focus(detail=key))
    watcher.wait(lambda: watcher.samples > 3)
    start, before = time.monotonic(), watcher.samples
    watcher.wait(lambda: watcher.samples >= before + 6)
    usual = time.monotonic() - start
    watcher.fleet.focus(Focus(detail=key, blurred=True))
    before = watcher.samples
    watcher.wait(lambda: watcher.samples > before)
    start, before = time.monotonic(), watcher.samples
    watcher.wait(lambda: watcher.samples >= before + 6)
    assert time.monotonic() - start > 1.5 * usual
    watcher.fleet.focus(Focus(detail=key))
    before = watcher.samples
    watcher.wait(lambda: watcher.samples > before)


def test_wake_is_called_once_until_the_drain(uri: str) -> None:
    watcher = watch(uri)
    calls: list[float] = []
    watcher.fleet.start(lambda: calls.append(time.monotonic()))
    until = time.monotonic() + 20
    host = next(iter(watcher.fleet.hosts.values()))
    while host.status.state is not HostState.UP:
        assert time.monotonic() < until
        time.sleep(0.01)
    assert len(calls) == 1
    batch = watcher.fleet.drain()
    assert batch.hosts
    assert batch.domains
    assert watcher.fleet.stop(5.0)


def test_stop_is_quick_and_leaves_no_thread_and_no_descriptor(uri: str) -> None:
    with watch(uri) as first:
        first.up()
    before, others = open_files(), set(own_threads())
    for _ in range(3):
        with watch(uri) as one:
            one.up()
            key = one.running().key
            result(one.fleet.run(key, "autostart", {"value": "on"}))
            began = time.monotonic()
        assert time.monotonic() - began < 5
    # The in-process driver parses its file again; only what stays open counts.
    until = time.monotonic() + 10
    while open_files() > before or not set(own_threads()) <= others:
        assert time.monotonic() < until, (open_files(), before, threading.enumerate())
        time.sleep(0.05)


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


def own_threads() -> list[int]:
    return [t.ident or 0 for t in threading.enumerate() if t.name.startswith("tuivm-")]


def test_a_readonly_host_refuses_verbs(uri: str) -> None:
    with watch(uri, readonly=True) as one:
        one.up()
        assert next(iter(one.hosts.values())).readonly
        error = failure(one.fleet.run(one.running().key, "destroy", {}))
        assert "--readonly" in error.hint


def test_a_thousand_domains_are_listed_in_full(node: NodeFile) -> None:
    with watch(node(1000, running=500)) as one:
        one.up()
        assert len(one.domains) == 1000
        assert sum(d.state is State.RUNNING for d in one.domains.values()) == 500
        one.wait(lambda: all(d.facts for d in one.domains.values()))
        key = DomainKey(next(iter(one.hosts)), uuid_of(999))
        assert one.domains[key].name == "vm-0999"
        facts = one.domains[key].facts
        assert facts is not None
        assert facts.title == "title of vm-0999"


def test_several_hosts_do_not_mix(node: NodeFile) -> None:
    with watch([node(2), node(5)]) as one:
        one.up()
        assert list(one.hosts) == list(one.fleet.hosts) == ["test", "test-2"]
        assert sum(key.host == "test" for key in one.domains) == 2
        assert sum(key.host == "test-2" for key in one.domains) == 5
        result(one.fleet.run(DomainKey("test-2", uuid_of(0)), "destroy", {}))
        one.wait(lambda: one.domains[DomainKey("test-2", uuid_of(0))].state is State.OFF)
        assert one.domains[DomainKey("test", uuid_of(0))].state is State.RUNNING


def test_an_unknown_host_fails_the_future(node: NodeFile) -> None:
    with watch(node(1)) as one:
        error = failure(one.fleet.run(DomainKey("nowhere", uuid_of(0)), "start", {}))
        assert "nowhere" in str(error)
