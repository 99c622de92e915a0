from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tuivm.widgets.textview import pieces


def test_a_line_without_roles_is_one_piece() -> None:
    assert pieces("abc", []) == [("abc", "")]
    assert pieces("", []) == []


def test_a_later_role_wins_where_roles_overlap() -> None:
    assert pieces("abcdef", [(0, 6, "xml.tag"), (2, 4, "find")]) == [
        ("ab", "xml.tag"),
        ("cd", "find"),
        ("ef", "xml.tag"),
    ]


def test_roles_beyond_the_line_are_cut() -> None:
    assert pieces("ab", [(1, 99, "dim")]) == [("a", ""), ("b", "dim")]


SPANS = st.lists(st.tuples(st.integers(-5, 30), st.integers(-5, 30), st.sampled_from("abc")))


@given(st.text(max_size=25), SPANS)
def test_no_character_is_lost_or_doubled(line: str, spans: list[tuple[int, int, str]]) -> None:
    assert "".join(text for text, _ in pieces(line, spans)) == line
