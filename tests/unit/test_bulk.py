"""The bookkeeping of a verb on many VMs: queues by host, cancel, counts and texts."""

from __future__ import annotations

from tests.ui.fake import domain, host
from tuivm.core.actions import ACTIONS
from tuivm.core.api import Batch
from tuivm.core.bulk import KEPT, Bulk, Bulks, Step, by_host, queued
from tuivm.core.errors import TuivmError
from tuivm.core.model import LogEntry, Severity, State
from tuivm.core.rows import Row
from tuivm.core.store import Store

START = ACTIONS["domain.start"]


def rows(**counts: int) -> list[Row]:
    """So many VMs that are off, by host."""
    store = Store()
    made = [
        domain(number + 1000 * place, f"{on}-{number}", State.OFF, on=on)
        for place, (on, count) in enumerate(counts.items())
        for number in range(count)
    ]
    hosts = {on: host(on) for on in counts}
    store.apply(Batch(hosts=hosts, domains={one.key: one for one in made}))
    return list(store.rows.values())


def planned(**counts: int) -> Bulk:
    """A start of them."""
    bulk = Bulk("Start")
    bulk.plan((row, START) for row in rows(**counts))
    return bulk


def test_each_host_has_a_queue_of_its_own_in_the_order_given() -> None:
    bulk = planned(kv1=2, kv2=1)
    assert bulk.hosts == {"kv1": 2, "kv2": 1}
    names = []
    while (target := bulk.next("kv1")) is not None:
        names.append(target.name)
        assert target.step is Step.SENT
    assert names == ["kv1-0", "kv1-1"]
    assert bulk.hosts == {"kv2": 1}
    assert bulk.next("nowhere") is None


def test_cancel_keeps_what_was_sent_and_tells_the_rest() -> None:
    bulk = planned(kv1=3, kv2=2)
    sent = bulk.next("kv1")
    assert sent is not None
    left = bulk.cancel()
    assert sent.key not in left
    assert len(left) == 4
    assert bulk.next("kv1") is bulk.next("kv2") is None
    bulk.end(sent, Step.DONE, seconds=0.1)
    bulk.finish()
    assert bulk.summary() == "Start: 1 done, 4 not sent (cancelled)"
    assert bulk.unsuccessful() == tuple(key for key in bulk.targets if key != sent.key)


def test_the_progress_names_the_host_that_does_not_answer() -> None:
    bulk = planned(kv1=2, kv3=2)
    assert bulk.progress() == "Start: 0 of 4"
    done, failed = bulk.next("kv1"), bulk.next("kv1")
    assert done is not None
    assert failed is not None
    bulk.end(done, Step.DONE)
    bulk.end(failed, Step.FAILED, error=TuivmError("Cannot start"))
    assert bulk.progress() == "Start: 2 of 4, 1 failed, waiting for kv3"


def test_what_was_refused_counts_as_skipped_with_its_reason() -> None:
    bulk = planned(kv1=1)
    other = domain(50, "busy")
    bulk.refuse(other.key, other.name, "busy is running already")
    only = bulk.next("kv1")
    assert only is not None
    bulk.end(only, Step.DONE)
    assert bulk.summary() == "Start: 1 done, 1 skipped (busy is running already)"


def test_runs_are_numbered_and_the_oldest_let_go() -> None:
    bulks = Bulks()
    assert bulks.last is None
    for _ in range(KEPT + 1):
        bulks.add(planned(kv1=1))
    assert bulks.get(1) is None
    assert bulks.last is bulks.get(KEPT + 1)
    assert bulks.running is bulks.last
    for number in range(2, KEPT + 2):
        bulk = bulks.get(number)
        assert bulk is not None
        bulk.finish()
    assert bulks.running is None


def test_a_row_whose_turn_has_not_come_is_never_late() -> None:
    store = Store()
    off = domain(1, "web", State.OFF)
    store.apply(Batch(hosts={"kv1": host()}, domains={off.key: off}))
    store.set_pending(off.key, queued(START, 0.0))
    assert not store.tick(1e9).entries
    assert store.rows[off.key].pending is not None
    store.clear_pendings([off.key])
    assert store.rows[off.key].pending is None


def test_hosts_are_counted_the_largest_first() -> None:
    assert by_host(rows(kv1=1, kv2=3)) == "kv2 3, kv1 1"
    many = rows(**{f"kv{number}": 1 for number in range(7)})
    assert by_host(many).endswith(" and 3 more hosts")


def test_the_outcome_stays_above_what_the_vms_report_but_not_above_what_matters() -> None:
    bulks, at = Bulks(), 1000.0
    stopped = LogEntry(at + 1, "web stopped")
    assert bulks.news(stopped, at + 1) is stopped
    bulk = planned(kv1=1)
    bulk.entry = LogEntry(at, "Start: 1 done", Severity.GOOD)
    bulks.add(bulk)
    assert bulks.news(stopped, at + 1) is bulk.entry
    assert bulks.news(stopped, at + 60) is stopped
    for other in (
        LogEntry(at + 1, "kv1 was lost", Severity.ERROR),
        LogEntry(at + 1, "Pause web: done", Severity.GOOD, virsh="virsh suspend web"),
    ):
        assert bulks.news(other, at + 1) is other
