"""Groups: where a row stands, in what order, with what counts; the cursor keeps its place."""

from __future__ import annotations

from tests.unit.samples import batch, domain, facts, host_status, key_of, sample, store_of
from tuivm.core.api import Batch
from tuivm.core.grouping import OUT_OF_REACH, UNTAGGED, Grouping, GroupKey
from tuivm.core.model import DomainKey, HostState, State
from tuivm.core.store import Store
from tuivm.core.view import View

KV1, KV2 = GroupKey("kv1"), GroupKey("kv2")


def fleet() -> tuple[Store, View]:
    store = store_of(
        domain("web", facts=facts(tags=("prod", "web"))),
        domain("db", State.PAUSED, reason="I/O error", facts=facts(tags=("Prod",))),
        domain("build", State.OFF, "kv2", facts=facts()),
        domain("app", State.RUNNING, "kv2", facts=facts(tags=("dev",))),
        hosts=[host_status("kv2"), host_status("kv1"), host_status("kv3")],
    )
    return store, View(store)


def lines(view: View) -> list[str]:
    rows = view._store.rows
    return [
        rows[line].domain.name if isinstance(line, DomainKey) else f"[{view.group_title(line)}]"
        for line in view.lines
    ]


def at(view: View) -> str:
    return lines(view)[view.cursor_index or 0]


def grouped(grouping: Grouping) -> tuple[Store, View]:
    store, view = fleet()
    view.set_grouping(grouping)
    return store, view


def test_hosts_stand_as_they_were_named_those_without_vms_too() -> None:
    _, view = grouped(Grouping.HOST)
    assert lines(view) == ["[kv2]", "app", "build", "[kv1]", "db", "web", "[kv3]"]
    tally = view.tally(KV1)
    assert (tally.total, tally.running, tally.faults) == (2, 1, 1)
    assert view.tally(GroupKey("kv3")).total == 0


def test_states_stand_by_urgency() -> None:
    store, view = grouped(Grouping.STATE)
    assert lines(view) == ["[paused]", "db", "[running]", "app", "web", "[off]", "build"]
    view.apply(store.apply(batch(domain("web", State.CRASHED))))
    assert lines(view)[:4] == ["[crashed]", "web", "[paused]", "db"]


def test_rows_of_a_lost_host_stand_in_no_state() -> None:
    store, view = grouped(Grouping.STATE)
    view.apply(store.apply(batch(hosts=[host_status("kv1", HostState.LOST)])))
    assert lines(view) == ["[running]", "app", "[off]", "build", "[out of reach]", "db", "web"]
    assert view.tally(OUT_OF_REACH).stale == 2


def test_a_vm_stands_in_the_group_of_its_first_tag_whatever_its_case() -> None:
    _, view = grouped(Grouping.TAG)
    assert lines(view)[:2] == ["[dev]", "app"]
    assert [line.casefold() for line in lines(view)[2:5]] == ["[prod]", "db", "web"]
    assert lines(view)[5:] == ["[no tag]", "build"]
    assert view.members(UNTAGGED) == [key_of("build", "kv2")]


def test_rows_are_sorted_within_their_group() -> None:
    _, view = grouped(Grouping.HOST)
    view.set_sort("name", descending=True)
    assert lines(view) == ["[kv2]", "build", "app", "[kv1]", "web", "db", "[kv3]"]
    assert [view.row(index).domain.name for index in range(len(view))] == [
        "build",
        "app",
        "web",
        "db",
    ]


def test_a_filter_shows_only_groups_with_matches() -> None:
    _, view = grouped(Grouping.HOST)
    view.set_filter("web")
    assert lines(view) == ["[kv1]", "web"]
    assert view.tally(KV1).total == 1
    view.set_filter("")
    view.set_faults_only(True)
    assert lines(view) == ["[kv1]", "db"]


def test_what_is_looked_for_starts_open_and_folds_come_back() -> None:
    _, view = grouped(Grouping.HOST)
    view.fold(KV1, True)
    view.set_filter("web")
    assert lines(view) == ["[kv1]", "web"]
    view.fold(KV1, True)
    assert lines(view) == ["[kv1]"]
    view.set_filter("")
    assert lines(view) == ["[kv2]", "app", "build", "[kv1]", "[kv3]"]


def test_the_cursor_goes_with_its_vm_into_another_group() -> None:
    store, view = grouped(Grouping.STATE)
    view.move_to(lines(view).index("app"))
    view.apply(store.apply(batch(domain("app", State.OFF, "kv2"))))
    assert at(view) == "app"
    assert view.group == GroupKey("off")


def test_the_cursor_goes_to_the_header_when_its_group_is_folded() -> None:
    store, view = grouped(Grouping.STATE)
    view.move_to(lines(view).index("app"))
    view.fold(GroupKey("running"), True)
    assert view.header == GroupKey("running")
    assert view.cursor is None
    assert view.targets() == ()
    view.fold(GroupKey("running"), False)
    view.fold(GroupKey("off"), True)
    view.move_to(lines(view).index("web"))
    view.apply(store.apply(batch(domain("web", State.OFF))))
    assert view.header == GroupKey("off"), "also when its VM goes into a folded one"


def test_folds_outlive_the_vms_and_hosts_that_they_hide() -> None:
    store, view = grouped(Grouping.HOST)
    view.fold(KV2, True)
    listed = {key: row.domain for key, row in store.rows.items() if key.host == "kv2"}
    view.apply(store.apply(Batch(domains=dict.fromkeys(listed))))
    assert view.tally(KV2).total == 0
    view.apply(store.apply(Batch(domains=dict(listed))))
    assert "app" not in lines(view)
    view.set_grouping(Grouping.NONE)
    view.set_grouping(Grouping.HOST)
    assert "app" not in lines(view)


def test_a_group_is_marked_and_unmarked_whole_without_what_the_filter_hides() -> None:
    _, view = grouped(Grouping.HOST)
    view.set_filter("web|app")
    view.toggle_group(KV1)
    assert view.marks == {key_of("web")}
    assert view.marked_in(KV1) == 1
    view.toggle_group(KV1)
    assert not view.marks


def test_marking_all_shown_leaves_folded_groups_alone() -> None:
    _, view = grouped(Grouping.HOST)
    view.fold(KV2, True)
    view.mark_all_shown()
    assert view.marks == {key_of("web"), key_of("db")}


def test_all_are_folded_and_opened() -> None:
    _, view = grouped(Grouping.HOST)
    view.fold_all(True)
    assert lines(view) == ["[kv2]", "[kv1]", "[kv3]"]
    view.fold_all(False)
    assert len(view.lines) == 7


def test_a_host_that_is_named_late_gets_its_header() -> None:
    store, view = grouped(Grouping.HOST)
    change = view.apply(store.apply(batch(hosts=[host_status("kv4", HostState.CONNECTING)])))
    assert change.order_changed
    assert lines(view)[-1] == "[kv4]"


def test_the_first_listing_leaves_the_cursor_on_a_vm() -> None:
    store = Store()
    view = View(store)
    view.set_grouping(Grouping.HOST)
    status = host_status(state=HostState.SYNCING)
    for name in ("web", "db"):
        view.apply(store.apply(batch(domain(name), hosts=[status])))
    assert at(view) == "db"


def test_numbers_move_no_header_and_count_nothing_afresh() -> None:
    store, view = grouped(Grouping.HOST)
    before = view.lines
    view.apply(store.apply(Batch(stats={key_of("web"): sample(cpu=9.0)})))
    assert view.lines is before
