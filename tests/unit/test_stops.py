"""A shutdown is followed until its domain is off: asked again, told when late, summed up."""

from __future__ import annotations

from typing import Any

from tests.unit.samples import domain, key_of, store_of
from tuivm.core.api import Batch
from tuivm.core.causes import Cause, Surety
from tuivm.core.model import Domain, DomainKey, LogEntry, State
from tuivm.core.stops import Stop, Stops, told, verdict

WALL = 1_700_000_000.0
PATIENCE = 60.0


def asked(*domains: Domain, at: float = 100.0, **fields: Any) -> tuple[Stops, Any]:
    """Domains that were asked to shut down in one request."""
    store, stops = store_of(*domains), Stops()
    group = stops.new_group()
    for one in domains:
        row = store.rows[one.key]
        given: dict[str, Any] = {"now": at, "wall": WALL, "patience": PATIENCE, **fields}
        stops.add(row, "domain.shutdown", {}, group, **given)
    stops.close_group(group)
    return stops, store


def become(store: Any, stops: Stops, name: str, state: State, now: float = 110.0) -> list[Any]:
    store.apply(Batch(domains={key_of(name): domain(name, state)}))
    return stops.see([key_of(name)], store.rows, now)


def entry(name: str, text: str, **fields: Any) -> LogEntry:
    key: DomainKey = key_of(name)
    return LogEntry(WALL, f"{name} {text}", host=key.host, uuid=key.uuid, name=name, **fields)


def cause(title: str) -> Cause:
    return Cause("x", title, Surety.CERTAIN, "evidence")


def test_a_guest_that_goes_is_followed_no_more_and_nothing_is_said_of_it() -> None:
    stops, store = asked(domain("web"))
    assert become(store, stops, "web", State.STOPPING) == []
    assert stops.by_key[key_of("web")].doing == "its guest powers off"
    (ended,) = become(store, stops, "web", State.OFF, now=104.5)
    assert (ended.stop.name, ended.seconds) == ("web", 4.5)
    assert not stops.by_key
    assert stops.tick(1000.0) == ((), ())
    assert not stops.groups


def test_a_guest_that_vanishes_is_followed_no_more() -> None:
    stops, store = asked(domain("web"))
    store.apply(Batch(domains={key_of("web"): None}))
    assert len(stops.see([key_of("web")], store.rows, 101.0)) == 1


def test_one_that_does_not_go_is_late_once_and_can_be_waited_for_again() -> None:
    stops, _ = asked(domain("web"))
    assert stops.tick(100.0 + PATIENCE - 0.1) == ((), ())
    (group,) = stops.tick(100.0 + PATIENCE).late
    assert [stop.name for stop in stops.members(group)] == ["web"]
    assert [stop.name for stop in stops.late] == ["web"]
    assert stops.tick(100.0 + PATIENCE + 1) == ((), ()), "told once"
    stops.wait_on(key_of("web"), 170.0)
    assert not stops.late
    assert stops.tick(170.0 + PATIENCE).late == (group,)
    assert stops.drop(key_of("web")) is not None
    assert stops.tick(999.0) == ((), ())
    assert not stops.groups


def test_of_one_on_a_lost_host_nothing_is_claimed() -> None:
    stops, _ = asked(domain("web"))
    stop = stops.by_key[key_of("web")]
    stop.lost = True
    assert stops.tick(100.0 + PATIENCE) == ((), ())
    host = key_of("web").host
    said = f"web is stopping, 1m00s, {host} is out of reach: what became of it is not known"
    assert told(stop, 100.0 + PATIENCE, "") == said
    stop.lost = False
    assert len(stops.tick(101.0 + PATIENCE).late) == 1


def test_a_guest_that_was_booting_is_asked_once_more() -> None:
    stops, _ = asked(domain("young", started_at=WALL - 5), domain("old", started_at=WALL - 3600))
    assert stops.tick(101.0).again == ()
    (stop,) = stops.tick(100.0 + PATIENCE / 2).again
    assert stop.name == "young"
    assert stops.tick(100.0 + PATIENCE / 2 + 1).again == ()


def test_a_booting_guest_is_asked_as_soon_as_its_agent_is_there() -> None:
    stops, _ = asked(domain("young", started_at=WALL - 5))
    stops.hear([entry("young", "guest agent connected")])
    assert [stop.name for stop in stops.tick(101.0).again] == ["young"]


def test_what_the_guest_does_is_heard_and_our_own_actions_are_not() -> None:
    stops, _ = asked(domain("web"))
    stop = stops.by_key[key_of("web")]
    stops.hear([entry("web", "guest agent gone"), entry("other", "rebooted")])
    assert stop.doing == "guest agent gone"
    stops.hear([entry("web", "was asked", virsh="virsh shutdown web")])
    assert stop.doing == "guest agent gone"
    stop.note = "asked by the guest agent"
    assert told(stop, 112.0, "") == (
        "web is stopping, 12s, asked by the guest agent; guest agent gone"
    )


def test_a_request_to_many_is_summed_up_once_all_that_is_left_is_late() -> None:
    names = [f"vm-{number}" for number in range(40)]
    stops, store = asked(*(domain(name) for name in names))
    for name in names[:37]:
        become(store, stops, name, State.OFF)
    assert stops.tick(120.0).late == ()
    (group,) = stops.tick(160.0).late
    left = stops.members(group)
    assert [stop.name for stop in left] == names[37:]
    left[0].causes = left[1].causes = (cause("acpi=off is there"),)
    left[2].causes = ()
    said = verdict(left, 37, 160.0, " (W why)")
    assert said == "3 of 40 do not stop after 1m00s (W why): 2 x acpi=off is there"


def test_a_request_to_many_that_all_went_is_told_too() -> None:
    stops, store = asked(domain("a"), domain("b"))
    become(store, stops, "a", State.OFF)
    become(store, stops, "b", State.OFF)
    (group,) = stops.tick(101.0).late
    assert verdict(stops.members(group), len(stops.groups[group].off), 101.0, "") == (
        "Shut down: all 2 are off"
    )
    assert stops.tick(102.0) == ((), ())
    assert not stops.groups


def test_asking_again_in_another_way_keeps_the_time_of_the_first_request() -> None:
    stops, store = asked(domain("web"))
    stops.tick(100.0 + PATIENCE)
    row = store.rows[key_of("web")]
    group = stops.new_group()
    stop: Stop = stops.add(
        row, "domain.shutdown", {"mode": "acpi"}, group, now=200.0, wall=WALL, patience=PATIENCE
    )
    assert (stop.asked, stop.since, stop.late) == (100.0, 200.0, False)
    assert list(stops.groups) == [group]


def test_the_verdict_names_the_cause_and_the_key() -> None:
    stops, _ = asked(domain("web"))
    stops.tick(160.0)
    (stop,) = stops.late
    assert "looking into it" in told(stop, 160.0, "")
    stop.causes = (cause("acpi=off is there"), cause("other"))
    assert verdict([stop], 0, 160.0, " (W why)") == (
        "web does not stop after 1m00s (W why): acpi=off is there"
    )
    stop.causes = ()
    assert "no cause shows from outside" in verdict([stop], 0, 160.0, "")


def test_a_request_that_hangs_is_looked_into_before_it_was_answered() -> None:
    store, stops = store_of(domain("web"), domain("db")), Stops()
    for name, alone in (("web", True), ("db", False)):
        group = stops.new_group(alone=alone)
        assert stops.tick(99.0).late == ()
        given: dict[str, Any] = {"now": 100.0, "wall": WALL, "patience": PATIENCE}
        stops.add(store.rows[key_of(name)], "domain.shutdown", {}, group, **given)
    web, db = (stops.by_key[key_of(name)] for name in ("web", "db"))
    assert stops.tick(159.0).late == ()
    assert stops.tick(160.0).late == (web.group,)
    assert stops.tick(170.0).late == (), "once"
    # Of a request to many, more may follow.
    stops.close_group(db.group)
    assert stops.tick(180.0).late == (db.group,)
