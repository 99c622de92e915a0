# ruff: noqa: RUF001 - the dash is what is shown
"""What the list says of a row, and that it fits any screen."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.samples import NOW, domain, facts, host_status, row, sample, store_of
from tuivm.core.cells import STALE_WIDTH, Cell, Paint, load_role, spark_text, state_role
from tuivm.core.columns import (
    BY_ID,
    COLUMNS,
    GAP,
    cell_spans,
    column_at,
    header_spans,
    layout,
    spans,
)
from tuivm.core.glyphs import ASCII, UNICODE, glyphs
from tuivm.core.history import History
from tuivm.core.model import Address, HostState, State
from tuivm.core.rows import HostCell, Pending, Row
from tuivm.core.text import cell_width

PAINT = Paint(UNICODE, NOW)
PLAIN = Paint(ASCII, NOW)
GIB = 1 << 30


def text(column: str, found: Row, paint: Paint = PAINT, width: int = 30) -> str:
    cell = BY_ID[column].cell(found, paint, width)
    return cell.text + cell.tail


def role(column: str, found: Row) -> str:
    return BY_ID[column].cell(found, PAINT, 30).role


def with_stats(state: State = State.RUNNING, host: HostState = HostState.UP, **stats: float) -> Row:
    return row(state=state, host=host_status(state=host), stats=sample(**stats))


@pytest.mark.parametrize(
    ("found", "shown", "plain", "named"),
    [
        (row(), "● running", "* running", "state.running"),
        (row(state=State.OFF), "○ off", "o off", "state.off"),
        (
            row(state=State.PAUSED, reason="by user"),
            "‖ paused: by user", "= paused: by user", "state.paused",
        ),
        (
            row(state=State.PAUSED, reason="I/O error"),
            "‖ paused: I/O error", "= paused: I/O error", "state.fault",
        ),
        (row(state=State.CRASHED, id=None), "✗ crashed", "x crashed", "state.fault"),
        (row(state=State.STOPPING), "◐ stopping", "/ stopping", "state.stopping"),
        (row(state=State.SUSPENDED), "◑ suspended", "z suspended", "state.suspended"),
        (row(state=State.UNKNOWN), "? unknown", "? unknown", "state.unknown"),
        (row(state=State.OFF, managed_save=True), "◌ off: saved", "s off: saved", "state.off"),
        (row(managed_save=True), "● running", "* running", "state.running"),
        (
            row(host=host_status(state=HostState.LOST, seen_at=NOW - 125)),
            "? running 2m ago", "? running 2m ago", "stale",
        ),
        (row(host=host_status(state=HostState.LOST)), "? running", "? running", "stale"),
    ],
)  # fmt: skip
def test_states_are_told_by_sign_word_and_reason(
    found: Row, shown: str, plain: str, named: str
) -> None:
    assert text("state", found) == shown
    assert text("state", found, PLAIN) == plain
    assert role("state", found) == named
    assert state_role(found) == named


def test_a_narrow_column_shows_the_reason_before_the_state() -> None:
    found = row(state=State.PAUSED, reason="I/O error")
    assert text("state", found, width=12) == "‖ I/O error"
    assert text("state", row(), width=5) == "● running"


def test_what_is_under_way_stands_before_the_state() -> None:
    found = Row(domain(), HostCell(host_status()), pending=Pending("stopping…", "x", 0, 1))
    assert text("state", found) == "● stopping…"
    assert text("state", found, PLAIN) == "* stopping..."
    assert role("state", found) == "pending"


def test_faults_sort_before_everything() -> None:
    rows = [
        row("off", State.OFF),
        row("running"),
        row("paused", State.PAUSED, reason="by user"),
        row("io", State.PAUSED, reason="I/O error"),
        row("crashed", State.CRASHED, id=None),
    ]
    rows.sort(key=BY_ID["state"].sort_key)  # type: ignore[arg-type]
    assert [found.domain.name for found in rows] == ["io", "crashed", "running", "paused", "off"]


@pytest.mark.parametrize(
    ("percent", "shown", "named"),
    [(0.0, "  0.0", ""), (42.06, " 42.1", ""), (70.0, " 70.0", "warn"), (99.96, "  100", "bad"),
     (812.0, "  812", "bad")],
)  # fmt: skip
def test_cpu_numbers_line_up(percent: float, shown: str, named: str) -> None:
    found = with_stats(cpu=percent)
    assert text("cpu", found, width=5) == shown
    assert role("cpu", found) == named
    assert load_role(percent) == named


def test_the_sparkline_takes_what_room_there_is() -> None:
    history = History()
    for percent in (0, 30, 60, 99, 100, 300):
        history.add(sample(cpu=percent))
    found = Row(domain(), HostCell(host_status()), 1, sample(cpu=99.0), history=history)
    assert text("cpu", found, width=10) == " 99.0"
    assert text("cpu", found, width=11) == " 99.0 ▃▅███"
    assert text("cpu", found, width=14) == " 99.0   ▁▃▅███"
    assert text("cpu", found, PLAIN, 11) == " 99.0 :=###"
    assert spark_text((None, -5.0, 50.0), UNICODE.spark) == " ▁▅"


@pytest.mark.parametrize("column", ["cpu", "disk", "net"])
def test_unknown_is_never_zero(column: str) -> None:
    assert text(column, with_stats()).strip() == "–"
    assert text(column, with_stats(), PLAIN).strip() == "-"
    assert text(column, row()).strip() == "–"
    assert text(column, row(state=State.OFF)) == ""
    assert BY_ID[column].sort_key(with_stats()) is None
    assert BY_ID[column].sort_key(row()) is None


@pytest.mark.parametrize(
    ("column", "stats"),
    [("cpu", {"cpu": 5.0}), ("net", {"net_rx": 5.0}), ("mem", {"memory_rss": 5})],
)
def test_numbers_of_a_lost_host_are_not_shown_as_if_they_were_live(
    column: str, stats: dict[str, Any]
) -> None:
    found = with_stats(host=HostState.LOST, **stats)
    assert text(column, found).strip() == "–"
    assert BY_ID[column].sort_key(found) is None


def test_memory() -> None:
    found = with_stats(memory_used=1.2 * GIB, memory_max=4 * GIB)
    assert text("mem", found) == "1.2/4.0 GiB"
    assert role("mem", found) == ""
    assert role("mem", with_stats(memory_used=3.9 * GIB, memory_max=4 * GIB)) == "bad"
    host_word = with_stats(memory_rss=3.9 * GIB, memory_max=4 * GIB)
    assert text("mem", host_word) == "3.9/4.0 GiB"
    assert role("mem", host_word) == "dim"
    assert text("mem", with_stats()) == "–"
    assert text("mem", row(facts=facts(memory_max=4 * GIB))) == "–/4.0 GiB"
    assert text("mem", row(state=State.OFF, facts=facts(memory_max=4 * GIB))) == "4.0 GiB"
    assert text("mem", row(state=State.OFF)) == ""
    assert BY_ID["mem"].sort_key(host_word) == 3.9 * GIB


def test_rates_add_both_directions() -> None:
    assert text("disk", with_stats(disk_read=1024.0 * 812, disk_write=0.0)) == "812k/s"
    assert text("disk", with_stats(disk_write=2048.0)) == "2.0k/s"
    assert text("net", with_stats(net_rx=1024.0**2, net_tx=1024.0**2)) == "2.0M/s"
    assert text("net", with_stats(net_rx=0.0, net_tx=0.0)) == "0"
    assert role("net", with_stats(net_rx=0.0, net_tx=0.0)) == "dim"
    assert BY_ID["disk"].sort_key(with_stats(disk_read=1.0, disk_write=2.0)) == 3.0


def test_addresses() -> None:
    addresses = (
        Address("fe80::1", "aa", "agent"),
        Address("10.0.0.9", "aa", "arp"),
        Address("10.0.0.5", "aa", "lease"),
        Address("10.0.0.5", "aa", "agent"),
    )
    found = row(addresses=addresses)
    assert text("ip", found) == "10.0.0.5 +2"
    assert text("ip", row()) == "–"
    assert text("ip", row(state=State.OFF)) == ""
    assert BY_ID["ip"].sort_key(row()) is None
    two, ten = (
        row(addresses=(Address("10.0.0.2", "", "arp"),)),
        row(addresses=(Address("10.0.0.10", "", "arp"),)),
    )
    assert BY_ID["ip"].sort_key(two) < BY_ID["ip"].sort_key(ten)  # type: ignore[operator]


def test_uptime_says_when_it_is_a_guess() -> None:
    assert text("uptime", row(started_at=NOW - 273600)) == "3d04h"
    guess = row(started_at=NOW - 273600, started_exact=False)
    assert text("uptime", guess) == "≥3d04h"
    assert text("uptime", guess, PLAIN) == ">3d04h"
    assert text("uptime", row()) == "–"
    assert text("uptime", row(started_at=NOW + 5)) == "0s", "clocks differ"
    assert text("uptime", row(state=State.OFF, started_at=NOW)) == ""
    old, young = row(started_at=NOW - 100), row(started_at=NOW - 10)
    assert BY_ID["uptime"].sort_key(young) < BY_ID["uptime"].sort_key(old)  # type: ignore[operator]
    assert BY_ID["uptime"].sort_key(row()) is None


def test_the_rest() -> None:
    found = row(facts=facts(vcpus=4, title="Shop"), autostart=True)
    assert text("vcpu", found) == "4"
    assert text("vcpu", row()) == "–"
    assert text("autostart", found) == "on"
    assert text("autostart", row(autostart=False)) == ""
    assert text("autostart", row()) == "–"
    assert text("title", found) == "Shop"
    assert text("title", row()) == ""
    assert BY_ID["title"].sort_key(row(facts=facts())) is None
    assert BY_ID["autostart"].sort_key(row()) is None
    assert text("host", found) == "kv1"
    assert text("name", found) == "web-01"
    assert BY_ID["host"].sort_key(row(host=host_status("kv2"))) < BY_ID["host"].sort_key(  # type: ignore[operator]
        row(host=host_status("kv10"))
    )


# -- the layout -------------------------------------------------------------------------------

WIDTHS = st.integers(1, 260)
NAMES = st.lists(st.text("abc日", min_size=1, max_size=60), max_size=5)


def ids(width: int, *rows: Row, hosts: int = 1) -> list[str]:
    return [column.id for column, _ in layout(width, hosts, rows)]


def test_eighty_columns_show_what_matters() -> None:
    shown = ids(78, row(addresses=(Address("192.168.122.35", "", "lease"),)))
    assert {"state", "name", "cpu", "mem", "ip"} <= set(shown)


def test_with_two_hosts_eighty_columns_show_which() -> None:
    assert {"state", "name", "host", "cpu", "mem"} <= set(ids(78, row(), hosts=2))


def test_a_wide_screen_shows_all() -> None:
    assert ids(198, row(facts=facts(tags=("db",))), hosts=2) == [column.id for column in COLUMNS]
    assert "host" not in ids(198, row())


@given(WIDTHS, NAMES, st.integers(1, 3))
def test_a_line_takes_exactly_the_width_of_its_columns(
    width: int, names: list[str], hosts: int
) -> None:
    rows = [row(name, addresses=(Address("10.0.0.1", "", "arp"),) * 2) for name in names]
    columns = layout(width, hosts, rows)
    total = sum(size for _, size in columns) + GAP * (len(columns) - 1)
    assert columns
    assert total <= width
    for paint in (PAINT, PLAIN):
        for found in [*rows, row(state=State.OFF), with_stats(cpu=5.0, memory_used=5 * GIB)]:
            assert sum(cell_width(piece.text) for piece in spans(found, columns, paint)) == total
        header = header_spans(columns, "cpu", True, paint)
        assert sum(cell_width(piece.text) for piece in header) == total


@pytest.mark.parametrize(
    ("width", "shown"),
    [(19, "? running 3h20m ago"), (16, "? running 3h20m"), (12, "? 3h20m ago")],
)
def test_an_age_is_never_cut_off(width: int, shown: str) -> None:
    lost = host_status(state=HostState.LOST, seen_at=NOW - 12_000)
    assert text("state", row(host=lost), width=width) == shown


def test_the_state_gets_room_for_its_age_when_a_host_is_lost() -> None:
    grown: dict[str, int] = {}
    fresh = row()
    before = {column.id: width for column, width in layout(120, 1, [fresh], grown)}
    fresh._cell.status = host_status(state=HostState.LOST, seen_at=NOW)
    after = {column.id: width for column, width in layout(120, 1, [fresh], grown)}
    assert before["state"] < STALE_WIDTH <= after["state"]


def test_names_grow_as_wide_as_they_are_before_extras_come() -> None:
    found = {column.id: size for column, size in layout(78, 1, [row("n" * 24)])}
    assert found["name"] >= 19
    assert "uptime" not in found


def test_one_long_name_does_not_cost_the_others_their_place() -> None:
    rows = [row("n" * 46), row("web", facts=facts(title="t" * 60))]
    shown = ids(158, *rows)
    assert shown == [column.id for column in COLUMNS if column.id not in ("host", "tags")]
    found = {column.id: size for column, size in layout(198, 1, rows)}
    assert found["name"] == 46
    assert found["title"] > 24


def test_columns_never_shrink_while_the_screen_stays() -> None:
    grown: dict[str, int] = {}
    wide = layout(120, 1, [row("n" * 30)], grown)
    assert layout(120, 1, [row("n")], grown) == wide
    assert layout(120, 1, [], grown) == wide


def test_the_number_of_hosts_may_be_given_as_such() -> None:
    assert layout(120, ["kv1", "kv2"], []) == layout(120, 2, [])


def test_sizes_are_measured_once_a_domain() -> None:
    store = store_of(domain("web"))
    (found,) = store.rows.values()
    layout(120, 1, [found])
    assert found.sizes is not None
    sizes = found.sizes
    layout(120, 1, [found])
    assert found.sizes is sizes


def test_the_header_marks_the_sort_column() -> None:
    columns = layout(78, 1, [])
    header = header_spans(columns, "cpu", True, PAINT)
    marked = [piece for piece in header if piece.role == "header.sort"]
    assert [piece.text.strip() for piece in marked] == ["CPU%▼"]
    header = header_spans(columns, "mem", False, PLAIN)
    assert [piece.text.strip() for piece in header if piece.role == "header.sort"] == ["MEM^"]


def test_a_click_finds_its_column() -> None:
    columns = layout(78, 1, [])
    (first, size), (second, _) = columns[:2]
    assert column_at(columns, 0) is first
    assert column_at(columns, size - 1) is first
    assert column_at(columns, size) is None
    assert column_at(columns, size + GAP) is second
    assert column_at(columns, 1000) is None
    assert column_at(columns, -1) is None


def test_a_tail_gives_way_to_its_text() -> None:
    cell = Cell("10.0.0.1", "", " +12", "dim")
    assert [piece.text for piece in cell_spans(cell, 14, "left", PAINT)] == ["10.0.0.1", " +12  "]
    assert [piece.text for piece in cell_spans(cell, 14, "right", PAINT)] == ["  10.0.0.1", " +12"]
    assert [piece.text for piece in cell_spans(cell, 10, "left", PAINT)] == ["10.0.0.1", " +"]
    assert [piece.text for piece in cell_spans(cell, 6, "left", PAINT)] == ["10.0.…"]


def test_every_sign_is_one_cell_and_ascii_is_ascii() -> None:
    for signs in (glyphs(False), glyphs(True)):
        for name in signs._fields:
            assert all(cell_width(char) == 1 for char in getattr(signs, name)), name
    assert all(getattr(ASCII, name).isascii() for name in ASCII._fields)
    assert len(UNICODE.spark) == len(ASCII.spark) == 8
    assert len({ASCII.state(state) for state in State}) == len(State)
    assert len({UNICODE.state(state) for state in State}) == len(State)
