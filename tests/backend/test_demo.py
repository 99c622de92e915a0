"""The embedded fleet: real libvirt underneath, believable numbers on top."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import libvirt
import pytest

from tuivm.backend.connection_facts import inside, outside
from tuivm.backend.demo import Demo
from tuivm.backend.demo_fleet import BY_UUID, MACHINES, Machine
from tuivm.backend.details import read_details
from tuivm.backend.power import run_verb
from tuivm.core.model import DomainKey, State


@pytest.fixture
def demo() -> Iterator[Demo]:
    fleet = Demo(speed=0)
    yield fleet
    fleet.close()


@pytest.fixture
def conn(demo: Demo) -> Iterator[libvirt.virConnect]:
    connection = libvirt.open(demo.uri)
    demo.prepare(connection)
    yield connection
    connection.close()


def by_name(name: str) -> Machine:
    return next(machine for machine in MACHINES if machine.name == name)


def test_a_dozen_machines_in_every_state(conn: libvirt.virConnect) -> None:
    states = {domain.state()[0] for domain in conn.listAllDomains()}
    assert len(conn.listAllDomains()) >= 12
    assert states >= {
        libvirt.VIR_DOMAIN_RUNNING,
        libvirt.VIR_DOMAIN_PAUSED,
        libvirt.VIR_DOMAIN_SHUTOFF,
        libvirt.VIR_DOMAIN_CRASHED,
        libvirt.VIR_DOMAIN_PMSUSPENDED,
    }
    flags = libvirt
    assert len(conn.listAllDomains(flags.VIR_CONNECT_LIST_DOMAINS_TRANSIENT)) == 1
    assert len(conn.listAllDomains(flags.VIR_CONNECT_LIST_DOMAINS_MANAGEDSAVE)) == 1
    assert len(conn.listAllDomains(flags.VIR_CONNECT_LIST_DOMAINS_AUTOSTART)) >= 3
    assert len(conn.listAllDomains(flags.VIR_CONNECT_LIST_DOMAINS_HAS_SNAPSHOT)) == 1
    assert {network.name() for network in conn.listAllNetworks()} == {"default", "storage"}
    assert {pool.name() for pool in conn.listAllStoragePools()} == {"images", "iso"}


def test_a_pool_has_no_more_room_than_it_holds(conn: libvirt.virConnect) -> None:
    pools = inside(conn, outside("test:///default"), None).pools
    assert pools
    for pool in pools:
        assert pool.available is not None
        assert pool.capacity is not None
        assert pool.available <= pool.capacity


def test_an_agent_that_nobody_expects_is_not_missed(conn: libvirt.virConnect) -> None:
    off = by_name("build-7")
    assert read_details(conn, DomainKey("demo", off.uuid)).unread == ()


def test_every_machine_is_known_by_its_uuid(conn: libvirt.virConnect) -> None:
    for domain in conn.listAllDomains():
        assert BY_UUID[domain.UUIDString()].name == domain.name()


def test_paused_for_different_reasons(demo: Demo, conn: libvirt.virConnect) -> None:
    broken, idle = by_name("db-02").uuid, by_name("ci-runner-3").uuid
    assert demo.reason(broken, State.PAUSED, "") == "I/O error"
    assert demo.reason(idle, State.PAUSED, "by user") == "by user"
    assert conn.lookupByUUIDString(idle).state()[1] == libvirt.VIR_DOMAIN_PAUSED_USER
    run_verb(conn, broken, "resume", {})
    run_verb(conn, broken, "suspend", {})
    assert demo.reason(broken, State.PAUSED, "by user") == "by user"


def test_numbers_move_and_are_the_same_for_the_same_moment(demo: Demo) -> None:
    machine = by_name("web-01")

    def sample(at: float) -> object:
        return demo.stats(machine.uuid, State.RUNNING, at=at, vcpus=4, memory_max=machine.memory)

    assert sample(1000.0) == sample(1000.0)
    assert len({repr(sample(1000.0 + second)) for second in range(20)}) == 20


def test_numbers_stay_believable(demo: Demo) -> None:
    for machine in MACHINES:
        for second in range(0, 400, 7):
            stats = demo.stats(
                machine.uuid, State.RUNNING, at=float(second), vcpus=2, memory_max=machine.memory
            )
            assert stats is not None
            assert stats.cpu is not None
            assert 0 < stats.cpu <= 100
            assert stats.memory_rss is not None
            assert 0 < stats.memory_rss <= machine.memory
            assert min(stats.disk_read or 0, stats.net_rx or 0) >= 0


def test_what_is_off_has_no_numbers_and_what_is_paused_rests(demo: Demo) -> None:
    uuid = by_name("db-02").uuid
    assert demo.stats(uuid, State.OFF, at=1.0, vcpus=1, memory_max=1) is None
    paused = demo.stats(uuid, State.PAUSED, at=1.0, vcpus=1, memory_max=1 << 30)
    assert paused is not None
    assert (paused.cpu, paused.disk_write, paused.net_tx) == (0.0, 0.0, 0.0)


def test_a_machine_made_by_the_user_has_numbers_too(demo: Demo) -> None:
    assert demo.stats("another", State.RUNNING, at=5.0, vcpus=1, memory_max=1 << 30) is not None
    assert demo.addresses("another", State.RUNNING) == ()


def test_addresses_only_while_it_runs(demo: Demo) -> None:
    machine = by_name("web-01")
    (address,) = demo.addresses(machine.uuid, State.RUNNING)
    assert (address.mac, address.source) == (machine.mac, "agent")
    assert demo.addresses(machine.uuid, State.OFF) == ()


def test_counters_and_guest_in_the_details_grow(demo: Demo, conn: libvirt.virConnect) -> None:
    key = DomainKey("demo", by_name("db-01").uuid)
    first = demo.enrich(read_details(conn, key), State.RUNNING)
    counters = dict(first.stats)
    assert counters["block.count"] == 3
    assert dict(first.guest)["Hostname"] == "db-01"
    again = dict(demo.enrich(read_details(conn, key), State.RUNNING).stats)
    assert float(again["cpu.time"]) >= float(counters["cpu.time"]) > 0


def test_every_machine_can_be_undefined(conn: libvirt.virConnect) -> None:
    for machine in MACHINES:
        domain = conn.lookupByUUIDString(machine.uuid)
        persistent = domain.isPersistent()
        if domain.isActive():
            run_verb(conn, machine.uuid, "destroy", {})
        if persistent:
            run_verb(conn, machine.uuid, "undefine", {})
    assert conn.listAllDomains() == []


def test_two_demos_do_not_share_a_world(demo: Demo, conn: libvirt.virConnect) -> None:
    other = Demo()
    try:
        assert other.uri != demo.uri
        with libvirt.open(other.uri) as connection:
            run_verb(connection, by_name("web-01").uuid, "destroy", {})
        assert conn.lookupByName("web-01").isActive()
    finally:
        other.close()


def test_nothing_is_left_behind() -> None:
    fleet = Demo()
    node = Path(fleet.uri.removeprefix("test://"))
    assert node.exists()
    fleet.close()
    fleet.close()
    assert not node.parent.exists()


def test_the_log_tells_what_stopped_it(demo: Demo) -> None:
    assert "No space left" in demo.log(by_name("db-02").uuid, "db-02").text
    assert demo.log("another", "mine").error is not None
