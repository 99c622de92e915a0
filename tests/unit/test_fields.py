from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.details_sample import DETAILS, HOST, NOW, RUNNING, STATS
from tuivm.core.overview import Field, Known, Section, overview
from tuivm.core.text import cell_width
from tuivm.widgets.fields import lay_out

SECTIONS = overview(Known(RUNNING, STATS, DETAILS, host=HOST, now=NOW))


def text(sections: tuple[Section, ...], width: int) -> list[str]:
    return ["".join(part for part, _ in line) for line in lay_out(sections, width)[0]]


@pytest.mark.parametrize(("width", "columns"), [(60, 1), (80, 1), (120, 2), (200, 3)])
def test_as_many_columns_as_are_comfortable(width: int, columns: int) -> None:
    _, cuts = lay_out(SECTIONS, width)
    assert len(cuts) == columns


@pytest.mark.parametrize("width", [20, 40, 60, 80, 120, 200])
def test_no_line_is_wider_than_the_screen_and_nothing_is_lost(width: int) -> None:
    lines = text(SECTIONS, width)
    assert max(map(cell_width, lines)) <= width
    together = "".join("".join(lines).split())
    for section in SECTIONS:
        assert section.title.replace(" ", "") in together


def test_values_stand_in_one_column() -> None:
    lines = text((Section("A", (Field("Id", "7"),)), Section("B", (Field("UUID", "8"),))), 50)
    assert lines[1].index("7") == lines[4].index("8")


def test_a_long_value_is_broken_at_a_blank_and_a_longer_one_is_cut() -> None:
    lines = text((Section("A", (Field("Path", "one two three " * 5),)),), 40)
    assert all(line.rstrip().endswith(("one", "two", "three")) for line in lines[1:])
    endless = text((Section("A", (Field("Path", "x" * 4000),)),), 40)
    assert len(endless) == 9
    assert endless[-1].endswith("…")


def test_the_columns_stay_when_they_are_told_to() -> None:
    _, cuts = lay_out(SECTIONS, 120)
    longer = (*SECTIONS[:-1], SECTIONS[-1]._replace(fields=(Field("x", "y " * 200),)))
    assert lay_out(longer, 120, cuts)[1] == cuts


@given(st.text(max_size=300), st.integers(1, 100))
def test_any_value_fits_any_width(value: str, width: int) -> None:
    lines, _ = lay_out((Section("S", (Field("label", value.replace("\n", " ")),)),), width + 4)
    assert lines
