"""Columns as the user wants them: order, what is hidden, widths, and what still fits."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.samples import facts, row
from tuivm.core.arrangement import Arrangement
from tuivm.core.cells import Paint
from tuivm.core.columns import BY_ID, GAP, NAMING, header_spans, layout
from tuivm.core.glyphs import glyphs
from tuivm.core.model import Address
from tuivm.core.savedview import arrangement_record, read_arrangement
from tuivm.core.text import cell_width

IDS = tuple(BY_ID)
ROW = row("web", addresses=(Address("10.0.0.1", "", "arp"),), facts=facts(title="t", tags=("a",)))


def shown(width: int, arrangement: Arrangement, hosts: int = 1) -> list[str]:
    return [column.id for column, _ in layout(width, hosts, [ROW], {}, arrangement)]


def test_the_empty_one_changes_nothing() -> None:
    for width in (40, 78, 118, 198):
        assert layout(width, 2, [ROW], {}) == layout(width, 2, [ROW], {}, Arrangement())
    assert not Arrangement()
    assert Arrangement().visible(IDS) == [*IDS]


def test_a_column_that_is_hidden_makes_room_for_others() -> None:
    assert "disk" not in shown(78, Arrangement())
    without = Arrangement().toggled("ip").toggled("mem")
    assert without
    found = shown(78, without)
    assert "ip" not in found
    assert "disk" in found
    assert without.toggled("mem").toggled("ip") == Arrangement()


def test_columns_move_and_come_back() -> None:
    moved = Arrangement().moved("title", -1, IDS)
    assert moved.sort(IDS)[-2:] == ["title", "tags"]
    assert moved.moved("title", 1, IDS) == Arrangement()
    first = Arrangement().moved("ip", -100, IDS)
    assert first.sort(IDS)[0] == "ip"
    assert shown(198, first)[:3] == ["ip", "state", "name"]
    assert Arrangement().moved("title", 1, IDS) == Arrangement()


def test_columns_that_an_order_does_not_know_come_last() -> None:
    assert Arrangement(("name", "state")).sort(["state", "cpu", "name"]) == ["name", "state", "cpu"]


def test_in_an_order_of_ones_own_the_right_leaves_first_and_the_name_never() -> None:
    moved = Arrangement(("uptime", "vcpu", "cpu", "mem", "disk", "net", "state", "ip", "name"))
    assert shown(78, moved)[:4] == ["uptime", "vcpu", "cpu", "mem"]
    assert "title" not in shown(78, moved)
    for width in (1, 14, 30, 78):
        assert NAMING in shown(width, moved)


def test_a_width_is_kept_where_there_is_room_for_it() -> None:
    wide = Arrangement().resized("name", 40).resized("cpu", 12)
    found = {column.id: cells for column, cells in layout(198, 1, [ROW], {}, wide)}
    assert (found["name"], found["cpu"]) == (40, 12)
    narrow = layout(40, 1, [ROW], {}, wide.resized("state", 28))
    assert [column.id for column, _ in narrow][:2] == ["state", "name"]
    assert sum(cells for _, cells in narrow) + GAP * (len(narrow) - 1) <= 40
    assert wide.resized("name", None).resized("cpu", None) == Arrangement()


@given(
    st.integers(1, 220),
    st.permutations(IDS),
    st.sets(st.sampled_from(IDS)),
    st.dictionaries(st.sampled_from(IDS), st.integers(-5, 100)),
)
def test_whatever_is_chosen_the_line_fits_and_names_its_row(
    width: int, order: list[str], hidden: set[str], widths: dict[str, int]
) -> None:
    raw = {"order": order, "hidden": [*hidden], "widths": widths}
    arrangement = read_arrangement(raw)
    assert read_arrangement(arrangement_record(arrangement)) == arrangement
    columns = layout(width, 2, [ROW], {}, arrangement)
    assert NAMING in [column.id for column, _ in columns]
    total = sum(cells for _, cells in columns) + GAP * (len(columns) - 1)
    assert total <= width
    header = header_spans(columns, "cpu", True, Paint(glyphs(False)))
    assert sum(cell_width(piece.text) for piece in header) == total
