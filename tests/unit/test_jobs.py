"""Which operations are under way, whose they are, and how far."""

from __future__ import annotations

from typing import Any

from tests.unit.samples import domain, key_of, store_of
from tuivm.core.api import Batch
from tuivm.core.jobs import DomainJob, under_way
from tuivm.core.model import State
from tuivm.core.rows import Pending
from tuivm.core.stops import Stops

NOW = 100.0


def job(name: str, **fields: Any) -> DomainJob:
    given: dict[str, Any] = {"what": "Save memory", "began": 90.0, "at": 99.0, **fields}
    return DomainJob(key_of(name), **given)


def test_how_much_is_done() -> None:
    assert job("a", total=200, left=50).part == 0.75
    assert job("a", total=200, left=500).part == 0.0
    assert job("a", total=200).part is None
    assert job("a", total=0, left=0).part is None


def test_ours_are_those_that_we_began_and_what_is_late_comes_first() -> None:
    store, stops = store_of(*(domain(name) for name in ("a", "b", "c", "d"))), Stops()
    store.apply(Batch(jobs={key_of("a"): job("a"), key_of("b"): job("b", what="Migrate away")}))
    store.set_pending(key_of("a"), Pending("saving…", "domain.managedsave", 95.0, 999.0))
    group = stops.new_group()
    for name in ("c", "d"):
        row = store.rows[key_of(name)]
        stops.add(row, "domain.shutdown", {}, group, now=98.0, wall=0.0, patience=60.0)
    stops.by_key[key_of("d")].late = True
    lines = under_way(store.rows, store.jobs, stops, NOW)
    assert [(line.name, line.what, line.ours) for line in lines] == [
        ("d", "Shut down", True),
        ("a", "Save memory", True),
        ("c", "Shut down", True),
        ("b", "Migrate away", False),
    ]
    assert lines[1].since == 95.0
    assert lines[1].job is not None


def test_a_save_is_there_before_libvirt_tells_of_it_and_a_short_start_is_no_job() -> None:
    store, stops = store_of(domain("a"), domain("b", State.OFF, managed_save=True)), Stops()
    store.set_pending(key_of("a"), Pending("saving…", "domain.managedsave", NOW, 999.0))
    store.set_pending(key_of("b"), Pending("starting…", "domain.start", NOW, 999.0))
    assert [line.name for line in under_way(store.rows, store.jobs, stops, NOW + 1)] == ["a"]
    late = under_way(store.rows, store.jobs, stops, NOW + 5)
    assert [(line.name, line.what) for line in late] == [("a", "Save memory"), ("b", "Restore")]


def test_a_job_that_ended_is_gone() -> None:
    store = store_of(domain("a"))
    store.apply(Batch(jobs={key_of("a"): job("a")}))
    assert store.jobs
    changes = store.apply(Batch(jobs={key_of("a"): None}))
    assert changes.jobs == {key_of("a")}
    assert not store.jobs
    store.apply(Batch(jobs={key_of("a"): job("a")}))
    store.apply(Batch(domains={key_of("a"): None}))
    assert not store.jobs


def test_each_disk_of_a_domain_may_have_a_job_beside_its_own() -> None:
    store, stops = store_of(domain("a"), domain("b")), Stops()
    copy = job("a", what="Copy disk vda", disk="vda", more=(job("a", what="Pull", disk="vdb"),))
    store.apply(Batch(jobs={key_of("a"): copy, key_of("b"): job("b", more=(copy,))}))
    store.set_pending(key_of("a"), Pending("saving…", "domain.managedsave", 95.0, 999.0))
    lines = under_way(store.rows, store.jobs, stops, NOW)
    assert [(line.name, line.what, line.ours) for line in lines] == [
        ("a", "Save memory", True),
        ("a", "Copy disk vda", False),
        ("a", "Pull", False),
        ("b", "Save memory", False),
        ("b", "Copy disk vda", False),
    ]
    assert lines[0].job is None, "a disk's figures are not the save's"
