"""Lists beyond what one answer carries, drivers that lack functions, and what rows remember."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

import libvirt
import pytest

from tests.backend.nodes import uuid_of
from tests.backend.test_errors import libvirt_error
from tuivm.backend import inventory, stats
from tuivm.backend.inventory import Inventory, Reading, Seen
from tuivm.backend.lists import list_domains
from tuivm.backend.rows import Rows
from tuivm.backend.stats import Sweep
from tuivm.core.model import Address, Domain, DomainKey, State

TOO_MANY = libvirt_error(1, 7, "internal error: Too many domains '20000' for limit '16384'")
TOO_MANY_STATS = libvirt_error(
    1,
    7,
    "internal error: Number of domain stats records is 20000, which exceeds max limit: 16384",
)
NO_SUPPORT = libvirt_error(3, 0, "this function is not supported by the connection driver")


class FakeDomain:
    """Stands in for ``libvirt.virDomain``."""

    def __init__(self, number: int, one_off_in: int = 2) -> None:
        self.number = number
        self.active = number % one_off_in != 1
        self.auto = number % 3 == 0

    def UUIDString(self) -> str:
        return uuid_of(self.number)

    def name(self) -> str:
        return f"vm-{self.number}\x1b"

    def ID(self) -> int:
        return self.number if self.active else -1

    def info(self) -> list[int]:
        return [1, 1024, 1024, 1, 1_000_000]


class FakeConnection:
    """A host whose answers hold at most ``limit`` domains."""

    def __init__(self, count: int, limit: int, *, bulk: bool = True, one_off_in: int = 2) -> None:
        self.domains = [FakeDomain(number, one_off_in) for number in range(count)]
        self.limit = limit
        self.bulk = bulk

    def listAllDomains(self, flags: int) -> list[FakeDomain]:
        tests: dict[int, Callable[[FakeDomain], bool]] = {
            libvirt.VIR_CONNECT_LIST_DOMAINS_ACTIVE: lambda d: d.active,
            libvirt.VIR_CONNECT_LIST_DOMAINS_INACTIVE: lambda d: not d.active,
            libvirt.VIR_CONNECT_LIST_DOMAINS_RUNNING: lambda d: d.active,
            libvirt.VIR_CONNECT_LIST_DOMAINS_SHUTOFF: lambda d: not d.active,
            libvirt.VIR_CONNECT_LIST_DOMAINS_PAUSED: lambda d: False,
            libvirt.VIR_CONNECT_LIST_DOMAINS_OTHER: lambda d: False,
            libvirt.VIR_CONNECT_LIST_DOMAINS_AUTOSTART: lambda d: d.auto,
            libvirt.VIR_CONNECT_LIST_DOMAINS_NO_AUTOSTART: lambda d: not d.auto,
        }
        found = self.domains
        for flag, test in tests.items():
            if flags & flag:
                found = [domain for domain in found if test(domain)]
        if len(found) > self.limit:
            raise TOO_MANY
        return found

    def getAllDomainStats(self, groups: int, flags: int) -> Any:
        if not self.bulk:
            raise NO_SUPPORT
        halves = {
            libvirt.VIR_CONNECT_GET_ALL_DOMAINS_STATS_ACTIVE: True,
            libvirt.VIR_CONNECT_GET_ALL_DOMAINS_STATS_INACTIVE: False,
        }
        wanted = {active for half, active in halves.items() if flags & half}
        found = [domain for domain in self.domains if not wanted or domain.active in wanted]
        return self.domainListGetStats(found, groups, flags)

    def domainListGetStats(
        self, domains: Iterable[FakeDomain], _groups: int, _flags: int
    ) -> list[tuple[FakeDomain, dict[str, int]]]:
        found = [(d, {"state.state": 1 if d.active else 5, "state.reason": 1}) for d in domains]
        if len(found) > self.limit:
            raise TOO_MANY_STATS
        return found


@pytest.mark.parametrize(("limit", "one_off_in", "running"), [(600, 2, 500), (600, 10, 900)])
def test_lists_longer_than_one_answer_are_put_together(
    limit: int, one_off_in: int, running: int
) -> None:
    conn = FakeConnection(1000, limit, one_off_in=one_off_in)
    assert len(list_domains(conn)) == 1000
    seen = inventory.read_states(conn)
    assert [entry.uuid for entry in sorted(seen)] == [uuid_of(number) for number in range(1000)]
    assert sum(entry.state is State.RUNNING for entry in seen) == running


@pytest.mark.parametrize(("one_off_in", "running"), [(2, 500), (10, 900)])
def test_numbers_of_more_domains_than_one_answer_carries_are_put_together(
    one_off_in: int, running: int
) -> None:
    conn = FakeConnection(1000, 600, one_off_in=one_off_in)
    samples = stats.sweep(conn, Sweep(near=True, full=frozenset(), careful=False)).samples
    assert len(samples) == running
    assert all(sample.cpu == 1_000_000 for sample in samples.values())


def test_a_domain_that_starts_between_two_halves_is_told_once_and_as_it_is() -> None:
    class Starting(FakeConnection):
        def getAllDomainStats(self, groups: int, flags: int) -> Any:
            found = super().getAllDomainStats(groups, flags)
            self.domains[1].active = True
            return found

    seen = inventory.read_states(Starting(1000, 600))
    assert len(seen) == 1000
    assert next(s for s in seen if s.uuid == uuid_of(1)).state is State.RUNNING


def test_a_list_that_no_split_shortens_fails_as_libvirt_does() -> None:
    with pytest.raises(libvirt.libvirtError):
        list_domains(FakeConnection(1000, 10))


def test_drivers_without_bulk_calls_tell_states_by_lists() -> None:
    seen = inventory.read_states(FakeConnection(10, 400, bulk=False))
    assert len(seen) == 10
    assert {entry.state for entry in seen} == {State.RUNNING, State.OFF}
    assert all(entry.id == -1 for entry in seen if entry.state is State.OFF)


def test_a_flag_that_the_driver_lacks_is_unknown() -> None:
    class Poor(FakeConnection):
        def listAllDomains(self, flags: int) -> list[FakeDomain]:
            raise NO_SUPPORT

    assert inventory.read_flag(Poor(3, 9), "managed_save") is None


def test_names_are_made_harmless() -> None:
    assert all("\x1b" not in entry.name for entry in inventory.read_states(FakeConnection(3, 9)))


def test_numbers_of_later_versions_are_unknown() -> None:
    assert inventory.decode(99, 1) == (State.UNKNOWN, "")
    assert inventory.decode(libvirt.VIR_DOMAIN_PAUSED, 99) == (State.PAUSED, "")


class Told:
    """Rows, and what they published."""

    def __init__(self) -> None:
        self.changes: list[dict[DomainKey, Domain | None]] = []
        self.rows = Rows("kv1", self.changes.append)

    def list(self, *seen: Seen, **flags: frozenset[str] | None) -> None:
        self.rows.replace_all(Inventory(list(seen), flags))

    def one(self) -> Domain:
        return self.rows.domains[UUID]


UUID = uuid_of(7)
OFF = Seen(UUID, "web", -1, State.OFF, "")
RUNNING = Seen(UUID, "web", 3, State.RUNNING, "")


def test_what_did_not_change_is_not_told_again() -> None:
    told = Told()
    told.list(OFF, autostart=frozenset())
    told.list(OFF, autostart=frozenset())
    told.rows.set(UUID, addresses=())
    assert len(told.changes) == 1


def test_flags_that_were_not_read_keep_what_was_known() -> None:
    told = Told()
    told.list(OFF, has_snapshots=frozenset({UUID}), transient=frozenset())
    assert told.one().autostart is None, "unknown until it is read"
    told.list(OFF, autostart=frozenset({UUID}))
    assert (told.one().has_snapshots, told.one().persistent, told.one().autostart) == (
        True,
        True,
        True,
    )
    told.rows.merge_flags({"transient": frozenset({UUID}), "has_snapshots": None})
    assert (told.one().has_snapshots, told.one().persistent) == (True, False)


def test_a_start_that_was_seen_is_exact_and_another_is_not() -> None:
    told = Told()
    told.list(RUNNING)
    assert told.one().started_at == pytest.approx(time.time(), abs=5)
    assert not told.one().started_exact
    told.rows.merge({UUID: Reading(OFF, True, False, False)})
    assert told.one().started_at is None
    told.rows.started(UUID, 123.0)
    told.rows.merge({UUID: Reading(RUNNING, True, False, False)})
    assert (told.one().started_at, told.one().started_exact) == (123.0, True)
    told.list(RUNNING)
    assert told.one().started_at == 123.0, "a later reading does not forget it"
    told.list(RUNNING._replace(id=4))
    assert not told.one().started_exact, "another id: it was started again unseen"


def test_addresses_end_with_the_run() -> None:
    told = Told()
    told.list(RUNNING)
    told.rows.set(UUID, addresses=(Address("192.0.2.1", "", "lease"),))
    told.list(RUNNING)
    assert told.one().addresses
    told.list(OFF)
    assert told.one().addresses == ()


def test_what_is_gone_is_told_as_gone() -> None:
    told = Told()
    told.list(RUNNING)
    told.list()
    assert told.changes[-1] == {DomainKey("kv1", UUID): None}
    assert not told.rows.active
