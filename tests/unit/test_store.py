"""The inventory follows what the backend reports, and says what did not happen."""

from __future__ import annotations

import pytest

from tests.unit.pace import times_plain
from tests.unit.samples import NOW, batch, domain, host_status, key_of, sample, store_of
from tuivm.core.actions import ACTIONS
from tuivm.core.api import Batch
from tuivm.core.history import EMPTY
from tuivm.core.jobs import DomainJob
from tuivm.core.model import Domain, HostState, LogEntry, Severity, State
from tuivm.core.question import Question, QuestionKind
from tuivm.core.rows import Changes
from tuivm.core.store import LOG_LINES, SWEEP_ROWS, Pending, Store

KEY = key_of("web-01")


def pending(action: str = "domain.shutdown", until: float = 60.0) -> Pending:
    return Pending("…", action, 0.0, until)


def test_domains_come_change_and_go() -> None:
    store = Store()
    changes = store.apply(batch(domain(state=State.OFF), hosts=[host_status()]))
    assert changes == Changes(frozenset({KEY}), True, frozenset({"kv1"}))
    before = store.rows[KEY]
    changes = store.apply(batch(domain()))
    after = store.rows[KEY]
    assert not changes.membership
    assert after.domain.state is State.RUNNING
    assert before.domain.state is State.OFF, "a row is replaced, not changed"
    assert after.version > before.version
    changes = store.apply(Batch(domains={KEY: None}))
    assert changes.membership
    assert changes.keys == {KEY}
    assert not store.rows
    assert not store.apply(Batch(domains={KEY: None}))


def test_numbers_come_and_go_with_the_power() -> None:
    store = store_of(domain())
    assert store.rows[KEY].history is EMPTY
    store.apply(Batch(stats={KEY: sample(1.0, cpu=10.0)}))
    store.apply(Batch(stats={KEY: sample(2.0, cpu=20.0)}))
    row = store.rows[KEY]
    assert row.stats == sample(2.0, cpu=20.0)
    assert row.history.spark(9) == (10.0, 20.0)
    store.apply(batch(domain(state=State.OFF)))
    row = store.rows[KEY]
    assert row.stats is None, "what is off has no numbers"
    assert row.history.spark(9) == (10.0, 20.0, None)
    assert len(EMPTY) == 0


def test_the_end_of_numbers_is_told_once() -> None:
    store = store_of(domain())
    assert not store.apply(Batch(stats={KEY: None}))
    store.apply(Batch(stats={KEY: sample(cpu=1.0)}))
    assert store.apply(Batch(stats={KEY: None})).keys == {KEY}
    assert store.rows[KEY].stats is None
    assert not store.apply(Batch(stats={key_of("unheard-of"): sample()}))


def test_a_host_that_is_lost_makes_its_rows_stale_and_keeps_them() -> None:
    store = store_of(domain("a"), domain("b", host="kv2"))
    changes = store.apply(batch(hosts=[host_status("kv2", HostState.LOST)]))
    assert changes.keys == {key_of("b", "kv2")}
    assert store.rows[key_of("b", "kv2")].stale
    assert not store.rows[key_of("a")].stale


def test_a_probe_of_a_host_replaces_no_row() -> None:
    store = store_of(domain())
    before = store.rows[KEY]
    changes = store.apply(batch(hosts=[host_status(latency=0.5)]))
    assert changes == Changes(hosts=frozenset({"kv1"}))
    assert store.rows[KEY] is before
    assert before.host.latency == 0.5


def test_a_domain_may_be_told_of_before_its_host() -> None:
    store = Store()
    store.apply(batch(domain()))
    assert store.hosts["kv1"].state is HostState.SYNCING
    store.apply(batch(hosts=[host_status()]))
    assert store.rows[KEY].host.state is HostState.UP


def test_subscribers_hear_of_every_change_until_they_leave() -> None:
    store = store_of(domain())
    heard: list[Changes] = []
    leave = store.subscribe(heard.append)
    store.apply(Batch())
    assert not heard
    store.apply(batch(domain()))
    store.add_entry(LogEntry(NOW, "hello"))
    leave()
    leave()
    store.add_entry(LogEntry(NOW, "unheard"))
    assert [changes.keys for changes in heard] == [{KEY}, frozenset()]
    assert heard[1].entries == (LogEntry(NOW, "hello"),)


def test_the_log_is_bounded_and_in_order() -> None:
    store = Store()
    entries = [LogEntry(float(at), str(at)) for at in range(LOG_LINES + 10)]
    store.apply(Batch(entries=entries))
    assert len(store.log) == LOG_LINES
    assert store.log[0].text == "10"
    assert store.log[-1].text == str(LOG_LINES + 9)


@pytest.mark.parametrize(
    ("action", "before", "after"),
    [
        ("domain.start", State.OFF, State.RUNNING),
        ("domain.start_paused", State.OFF, State.PAUSED),
        ("domain.boot_fresh", State.OFF, State.RUNNING),
        ("domain.shutdown", State.RUNNING, State.OFF),
        ("domain.destroy", State.RUNNING, State.OFF),
        ("domain.managedsave", State.RUNNING, State.OFF),
        ("domain.suspend", State.RUNNING, State.PAUSED),
        ("domain.resume", State.PAUSED, State.RUNNING),
    ],
)
def test_a_marker_stays_until_the_domain_is_as_wanted(
    action: str, before: State, after: State
) -> None:
    store = store_of(domain(state=before))
    store.set_pending(KEY, pending(action))
    assert store.rows[KEY].pending is not None
    store.apply(batch(domain(state=before, autostart=True)))
    assert store.rows[KEY].pending is not None, "another change is not the effect"
    store.apply(Batch(stats={KEY: sample()}))
    assert store.rows[KEY].pending is not None
    store.apply(batch(domain(state=after)))
    assert store.rows[KEY].pending is None
    assert not store.tick(1000.0).entries


def test_an_event_faster_than_its_call_leaves_no_marker() -> None:
    store = store_of(domain())
    store.set_pending(KEY, pending("domain.start"))
    assert store.rows[KEY].pending is None
    store.set_pending(key_of("unheard-of"), pending("domain.start"))


def test_markers_can_be_set_for_many_and_dropped_for_one() -> None:
    store = store_of(domain("a"), domain("b"))
    heard: list[Changes] = []
    store.subscribe(heard.append)
    store.set_pendings([key_of("a"), key_of("b")], pending())
    assert len(heard) == 1
    store.clear_pending(key_of("a"))
    store.clear_pending(key_of("a"))
    store.clear_pending(key_of("unheard-of"))
    assert len(heard) == 2
    assert store.rows[key_of("a")].pending is None
    assert store.rows[key_of("b")].pending is not None


def test_an_action_without_effect_is_told() -> None:
    store = store_of(domain())
    store.set_pending(KEY, pending("domain.destroy", until=60.0))
    assert not store.tick(59.9).entries
    changes = store.tick(60.0)
    (entry,) = changes.entries
    assert entry is store.log[-1]
    assert entry.text.startswith("web-01 is still there 1m00s after it was forced off")
    assert entry.severity is Severity.WARNING
    assert (entry.at, entry.host, entry.uuid, entry.name) == (NOW, *KEY, "web-01")
    assert changes.keys == {KEY}
    assert store.rows[KEY].pending is None


def test_a_host_lost_meanwhile_is_what_is_said() -> None:
    store = store_of(domain())
    store.set_pending(KEY, pending())
    store.apply(batch(hosts=[host_status(state=HostState.LOST)]))
    (entry,) = store.tick(61.0).entries
    assert "kv1 was lost before the effect on web-01 was seen" in entry.text


def test_what_cannot_be_seen_is_not_complained_about() -> None:
    store = store_of(domain())
    store.set_pending(KEY, pending("domain.reboot"))
    changes = store.tick(61.0)
    assert changes.keys == {KEY}
    assert not changes.entries
    store.set_pending(KEY, pending("no.such.action"))
    assert not store.tick(61.0).entries


def test_a_domain_that_vanishes_takes_its_marker_along() -> None:
    store = store_of(domain())
    store.set_pending(KEY, pending())
    store.apply(Batch(domains={KEY: None}))
    assert not store.tick(100.0)


def test_a_name_with_braces_is_named_as_it_is() -> None:
    store = store_of(domain("{time}{x}"))
    store.set_pending(key_of("{time}{x}"), pending("domain.destroy"))
    (entry,) = store.tick(61.0).entries
    assert entry.text.startswith("{time}{x} is still there")


def test_every_marker_with_an_end_has_words_for_its_failure() -> None:
    row = store_of(domain()).rows[KEY]
    for action in ACTIONS.values():
        if action.wants is not None:
            assert action.pending, action.id
            text = action.late_text(row, 61.0)
            assert "web-01" in text, action.id
            assert "{" not in text, action.id


def test_uptimes_and_ages_on_screen_move_by_themselves() -> None:
    clock = [NOW]
    store = Store(clock=lambda: clock[0])
    store.apply(
        batch(
            domain("up", started_at=NOW - 30),
            domain("off", State.OFF),
            domain("unknown"),
            domain("lost", host="kv2"),
            hosts=[host_status(), host_status("kv2", HostState.LOST, seen_at=NOW - 30)],
        )
    )
    assert store.tick(0.0).keys == {key_of("up"), key_of("lost", "kv2")}
    clock[0] += 5
    assert not store.tick(5.0), "a second more or less is not worth painting"
    assert not store.tick(9.9)
    clock[0] += 60
    assert store.tick(70.0).keys == {key_of("up"), key_of("lost", "kv2")}
    assert not store.tick(85.0)
    store.apply(Batch(domains={key_of("up"): None}))
    assert store._ages.keys() == {key_of("lost", "kv2")}


def test_ten_thousand_domains_are_taken_in_at_once() -> None:
    domains: list[Domain] = [domain(f"vm-{number}") for number in range(10_000)]
    news = batch(*domains, hosts=[host_status()])
    numbers = Batch(stats={record.key: sample(1.0, cpu=1.0) for record in domains})
    store = store_of()
    assert times_plain(lambda: Store().apply(news)) < 25
    store.apply(news)
    assert times_plain(lambda: store.apply(numbers)) < 25


def test_attempts_to_connect_replace_no_row() -> None:
    store = store_of(domain())
    lost = host_status(state=HostState.LOST, seen_at=NOW)
    assert store.apply(batch(hosts=[lost])).keys == {KEY}
    changes = store.apply(batch(hosts=[host_status(state=HostState.CONNECTING, seen_at=NOW)]))
    assert changes.hosts == {"kv1"}
    assert not changes.keys
    assert store.rows[KEY].host.state is HostState.CONNECTING
    assert store.apply(batch(hosts=[host_status()])).keys == {KEY}


def test_the_ages_of_a_large_fleet_move_a_part_at_a_time() -> None:
    names = [f"vm-{number}" for number in range(2 * SWEEP_ROWS + 5)]
    store = store_of(*(domain(name, started_at=NOW - 100) for name in names))
    told = [store.tick(float(second)).keys for second in range(4)]
    assert [len(keys) for keys in told] == [SWEEP_ROWS, SWEEP_ROWS, 5, 0]
    assert len(frozenset().union(*told)) == len(names)


# -- hosts that go ---------------------------------------------------------------------------


def question(number: int, host: str) -> Question:
    return Question(number, host, QuestionKind.PASSWORD, "password:")


def test_of_a_host_that_is_forgotten_nothing_is_left() -> None:
    store = store_of(domain("web"), domain("db", host="kv2"))
    key, kept = key_of("web"), key_of("db", "kv2")
    store.apply(
        batch(
            jobs={one: DomainJob(one, "Save memory", 0.0, 0.0) for one in (key, kept)},
            questions={1: question(1, "kv1"), 2: question(2, "kv2")},
        )
    )
    store.set_pending(key, pending())
    changes = store.apply(Batch(dropped={"kv1"}))
    assert changes.membership
    assert changes.keys == {key}
    assert changes.hosts == {"kv1"}
    assert changes.questions == {1}
    assert changes.dropped == {"kv1"}
    assert [*store.hosts] == ["kv2"]
    assert [*store.rows] == [*store.jobs] == [kept]
    assert [*store.questions] == [2]
    assert not store.tick(1e9).entries, "nobody waits for it any more"


def test_a_host_that_comes_again_in_the_same_batch_begins_afresh() -> None:
    store = store_of(domain("web"), domain("db", host="kv2"))
    again = host_status(state=HostState.DISABLED)
    store.apply(Batch(hosts={"kv1": again}, dropped={"kv1"}, order=("kv1", "kv2")))
    assert next(iter(store.hosts.items())) == ("kv1", again)
    assert [row.domain.name for row in store.rows.values()] == ["db"]


def test_a_host_has_its_place_in_the_order_however_late_it_comes() -> None:
    store = store_of(hosts=[host_status("kv1"), host_status("kv3")])
    store.apply(Batch(order=("kv2", "kv1", "kv3")))
    store.apply(batch(hosts=[host_status("kv2")]))
    assert [*store.hosts] == ["kv2", "kv1", "kv3"]


def test_a_colour_repaints_the_rows_of_its_host() -> None:
    store = store_of(domain("web"))
    before = store.rows[key_of("web")]
    changes = store.apply(batch(hosts=[host_status(colour="red")]))
    assert changes.keys == {before.key}
    assert store.rows[before.key].version > before.version
