"""The list keeps the user's place: order, filter, marks and cursor are by identity."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from tests.unit.pace import times_plain
from tests.unit.samples import batch, domain, facts, host_status, key_of, sample, store_of
from tuivm.core.api import Batch
from tuivm.core.columns import BY_ID
from tuivm.core.model import Domain, HostState, State
from tuivm.core.query import QueryError
from tuivm.core.store import Store
from tuivm.core.view import Counts, View


def names(view: View) -> list[str]:
    return [view.row(index).domain.name for index in range(len(view))]


def cursor_name(view: View) -> str | None:
    index = view.cursor_index
    return None if index is None else view.row(index).domain.name


def fleet(listed: Iterable[str] = ("web-10", "web-2", "db", "Web-1")) -> tuple[Store, View]:
    store = store_of(*(domain(name) for name in listed))
    return store, View(store)


def test_names_are_in_natural_order() -> None:
    _, view = fleet()
    assert names(view) == ["db", "Web-1", "web-2", "web-10"]
    assert cursor_name(view) == "db"


def test_new_domains_find_their_place_and_the_cursor_stays_on_its_row() -> None:
    store, view = fleet()
    view.move_to(2)
    change = view.apply(store.apply(batch(domain("app"), domain("web-1"))))
    assert change.order_changed
    assert names(view) == ["app", "db", "Web-1", "web-1", "web-2", "web-10"]
    assert cursor_name(view) == "web-2"
    assert view.cursor_index == 4


def test_a_change_of_a_row_keeps_the_order_and_names_the_row() -> None:
    store, view = fleet()
    change = view.apply(store.apply(Batch(stats={key_of("db"): sample(cpu=1.0)})))
    assert not change.order_changed
    assert change.changed_keys == {key_of("db")}


def test_a_renamed_domain_moves() -> None:
    store, view = fleet()
    renamed = Domain(key_of("db"), "zeta", State.OFF)
    assert view.apply(store.apply(batch(renamed))).order_changed
    assert names(view)[-1] == "zeta"
    assert cursor_name(view) == "zeta"


@pytest.mark.parametrize(
    ("place", "expected"), [(0, "web-2"), (1, "web-2"), (2, "web-10"), (3, "web-2")]
)
def test_the_cursor_of_a_removed_row_goes_to_the_nearest(place: int, expected: str) -> None:
    store, view = fleet()
    view.move_to(place)
    gone = {"db", "Web-1"} if place < 2 else {names(view)[place]}
    view.apply(store.apply(Batch(domains={key_of(name): None for name in gone})))
    assert cursor_name(view) == expected


def test_the_last_row_takes_the_cursor_along_and_the_next_first_one_gets_it() -> None:
    store, view = fleet(["only"])
    view.apply(store.apply(Batch(domains={key_of("only"): None})))
    assert view.cursor is None
    assert view.cursor_index is None
    assert view.targets() == ()
    view.apply(store.apply(batch(domain("next"))))
    assert cursor_name(view) == "next"


def test_the_cursor_moves_within_the_list() -> None:
    _, view = fleet()
    view.move(2)
    assert view.cursor_index == 2
    view.move(100)
    assert view.cursor_index == 3
    view.move(-100)
    assert view.cursor_index == 0
    view.move_to(-1)
    assert view.cursor_index == 0


def test_moving_in_an_empty_list_does_nothing() -> None:
    view = View(Store())
    view.move(1)
    view.move_to(3)
    view.toggle_mark()
    assert view.cursor is None
    assert not view.marks
    assert view.index_of(None) is None


def test_the_cursor_stays_on_top_while_the_first_list_trickles_in() -> None:
    store = store_of(domain("m"), hosts=[host_status(state=HostState.SYNCING)])
    view = View(store)
    view.apply(store.apply(batch(domain("a"))))
    assert cursor_name(view) == "a"
    view.move(1)
    view.apply(store.apply(batch(domain("0"))))
    assert cursor_name(view) == "m", "who has moved keeps the row"


def test_once_listed_a_newcomer_never_slips_under_the_cursor() -> None:
    store, view = fleet()
    view.apply(store.apply(batch(domain("a"))))
    assert cursor_name(view) == "db"


# -- filter -----------------------------------------------------------------------------------


def test_a_filter_shows_what_matches_and_follows_changes() -> None:
    store, view = fleet()
    view.set_filter("web state:running")
    assert names(view) == ["Web-1", "web-2", "web-10"]
    change = view.apply(store.apply(batch(domain("web-2", State.OFF))))
    assert change.order_changed
    assert change.changed_keys == frozenset()
    assert names(view) == ["Web-1", "web-10"]
    view.apply(store.apply(batch(domain("web-2"))))
    assert names(view) == ["Web-1", "web-2", "web-10"]


def test_a_wrong_filter_leaves_the_last_good_one() -> None:
    _, view = fleet()
    view.set_filter("web")
    with pytest.raises(QueryError):
        view.set_filter("cpu>x")
    assert view.filter_text == "web"
    assert len(view) == 3


def test_the_cursor_survives_a_filter_that_shows_nothing() -> None:
    _, view = fleet()
    view.move_to(2)
    view.set_filter("web")
    assert cursor_name(view) == "web-2"
    view.set_filter("nothing")
    assert view.cursor is None
    view.set_filter("")
    assert cursor_name(view) == "web-2"


def test_a_filter_that_hides_the_cursors_row_puts_it_on_the_nearest() -> None:
    _, view = fleet()
    view.set_filter("web")
    assert cursor_name(view) == "Web-1"
    view.set_filter("")
    assert cursor_name(view) == "Web-1", "what was found stays found"


def test_the_way_back_from_nothing_skips_what_is_gone() -> None:
    store, view = fleet()
    view.move_to(2)
    view.set_filter("nothing")
    view.apply(store.apply(Batch(domains={key_of("web-2"): None})))
    view.set_filter("")
    assert cursor_name(view) == "db"


def test_faults_only_goes_on_top_of_the_filter() -> None:
    store = store_of(
        domain("web-1"),
        domain("web-2", State.PAUSED, reason="I/O error"),
        domain("db-1", State.CRASHED, id=None),
        domain("db-2", State.PAUSED, reason="by user"),
    )
    view = View(store)
    view.set_faults_only(True)
    assert names(view) == ["db-1", "web-2"]
    view.set_filter("web")
    assert names(view) == ["web-2"]
    view.apply(store.apply(batch(domain("web-2"))))
    assert names(view) == []
    view.set_faults_only(False)
    assert names(view) == ["web-1", "web-2"]


# -- sort -------------------------------------------------------------------------------------


def test_unknown_values_come_last_in_either_direction() -> None:
    store, view = fleet(["a", "b", "c", "d"])
    store.apply(Batch(stats={key_of("b"): sample(cpu=5.0), key_of("d"): sample(cpu=50.0)}))
    view.set_sort("cpu", True)
    assert names(view) == ["d", "b", "a", "c"]
    assert (view.sort_column, view.descending) == ("cpu", True)
    view.set_sort("cpu", False)
    assert names(view) == ["b", "d", "a", "c"]


def test_equals_are_in_order_of_names_in_either_direction() -> None:
    store, view = fleet(["b", "a", "c"])
    store.apply(Batch(stats={key_of(name): sample(cpu=5.0) for name in "abc"}))
    for descending in (True, False):
        view.set_sort("cpu", descending)
        assert names(view) == ["a", "b", "c"]


def test_a_sorted_list_follows_the_numbers_and_so_does_the_cursor() -> None:
    store, view = fleet(["a", "b"])
    view.set_sort("cpu", True)
    view.move_to(0)
    news = Batch(stats={key_of("b"): sample(cpu=5.0), key_of("a"): sample(cpu=1.0)})
    assert view.apply(store.apply(news)).order_changed
    assert names(view) == ["b", "a"]
    assert cursor_name(view) == "a"
    news = Batch(stats={key_of("b"): sample(cpu=6.0)})
    assert not view.apply(store.apply(news)).order_changed


def test_names_backwards() -> None:
    _, view = fleet()
    view.set_sort("name", True)
    assert names(view) == ["web-10", "web-2", "Web-1", "db"]


@pytest.mark.parametrize("column", BY_ID)
def test_every_column_sorts(column: str) -> None:
    store = store_of(
        domain("a", facts=facts(title="x", vcpus=2, memory_max=5), started_at=5.0, autostart=True),
        domain("b", State.OFF, autostart=False),
        domain("c", host="kv2"),
    )
    view = View(store)
    for descending in (False, True):
        view.set_sort(column, descending)
        assert sorted(names(view)) == ["a", "b", "c"]


def test_there_is_no_such_column() -> None:
    _, view = fleet()
    with pytest.raises(KeyError):
        view.set_sort("colour")
    assert view.sort_column == "name"


def test_removing_a_row_in_a_sorted_list() -> None:
    store, view = fleet(["a", "b"])
    view.set_sort("cpu", True)
    view.apply(store.apply(Batch(domains={key_of("a"): None})))
    assert names(view) == ["b"]


# -- marks ------------------------------------------------------------------------------------


def test_marks_beat_the_cursor_and_survive_filter_and_sort() -> None:
    _, view = fleet()
    assert view.targets() == (key_of("db"),)
    view.toggle_mark(key_of("web-10"))
    view.move_to(1)
    view.toggle_mark()
    assert view.targets() == (key_of("Web-1"), key_of("web-10"))
    view.set_sort("name", True)
    assert view.targets() == (key_of("web-10"), key_of("Web-1"))
    view.set_filter("web-10")
    assert view.targets() == (key_of("web-10"), key_of("Web-1")), "hidden marks come last"
    assert view.counts().hidden_marks == 1
    view.toggle_mark()
    assert view.marks == {key_of("Web-1")}
    view.clear_marks()
    assert view.targets() == (key_of("web-10"),)


def test_marking_by_name_marks_what_exists() -> None:
    _, view = fleet()
    view.mark([key_of("web-2"), key_of("unheard-of")])
    assert view.marks == {key_of("web-2")}


def test_marking_all_marks_what_is_shown() -> None:
    _, view = fleet()
    view.set_filter("web")
    view.mark_all_shown()
    assert len(view.marks) == 3
    assert view.counts().marked == 3


def test_a_removed_domain_loses_its_mark() -> None:
    store, view = fleet()
    view.mark_all_shown()
    view.apply(store.apply(Batch(domains={key_of("db"): None})))
    assert key_of("db") not in view.marks


def test_marks_outlive_the_loss_of_their_host() -> None:
    store, view = fleet()
    view.mark_all_shown()
    view.apply(store.apply(batch(hosts=[host_status(state=HostState.LOST)])))
    assert len(view.targets()) == 4
    assert view.counts().stale == 4


def test_the_summary_counts_all_domains() -> None:
    store = store_of(
        domain("a"),
        domain("b"),
        domain("c", State.PAUSED, reason="I/O error"),
        domain("d", State.OFF),
        domain("e", State.CRASHED, id=None),
        domain("f", host="kv2"),
        hosts=[host_status(), host_status("kv2", HostState.LOST)],
    )
    view = View(store)
    assert view.counts() == Counts(6, 6, 2, 1, 1, 2, 1, 0, 0)
    assert view.counts() is view.counts()
    view.set_filter("state:off")
    view.apply(store.apply(batch(domain("a", State.OFF))))
    assert view.counts() == Counts(6, 2, 1, 1, 2, 2, 1, 0, 0)


# -- scale ------------------------------------------------------------------------------------


def test_ten_thousand_rows_answer_at_once() -> None:
    domains = [domain(f"web-{number * 7919 % 10_000}") for number in range(10_000)]
    store = store_of()
    changes = store.apply(batch(*domains))
    assert times_plain(lambda: View(store).apply(changes)) < 30
    view = View(store)
    view.apply(changes)
    for text in ("w", "we", "web", "web-", "web-1", "web-12", "cpu>5", "state:off"):

        def keystroke(text: str = text) -> None:
            view.set_filter(text)
            view.counts()

        assert times_plain(keystroke, 1) < 20, text
    view.set_filter("")
    view.set_sort("cpu", True)
    numbers = {record.key: sample(cpu=float(at * 31 % 100)) for at, record in enumerate(domains)}
    changes = store.apply(Batch(stats=dict(numbers)))
    assert times_plain(lambda: view.apply(changes)) < 30


def test_what_is_put_off_until_a_report_is_complete_is_never_lost() -> None:
    store, view = fleet()
    settled: list[bool] = []
    store.subscribe(lambda changes: settled.append(view.apply(changes).settled))
    view.set_sort("cpu", descending=True)
    key, first = key_of("web-10"), view.keys[0]
    assert key != first
    store.apply(Batch(stats={key: sample(cpu=99.0)}), more=True)
    assert view.keys[0] == first
    store.apply(Batch())
    assert settled == [False, True]
    assert view.keys[0] == key
    store.apply(Batch(stats={first: sample(cpu=100.0)}), more=True)
    view.set_filter("")
    assert view.keys[0] == first, "nobody is shown an order that is put off"
    assert view.cursor_index == view.index_of(view.cursor)
