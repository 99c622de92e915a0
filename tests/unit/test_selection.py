"""What is selected in a terminal is what one sees, by cells, words and lines."""

from __future__ import annotations

from tuivm.core.selection import Place, Selection, Unit, cells, column_of, cut, word_at

ROWS = ["first line", "the second", "", "wide 中文 x"]


def text(selection: Selection, rows: list[str] = ROWS, joined: str = "", width: int = 20) -> str:
    first, last = selection.first.row, selection.last.row
    part = rows[first : last + 1]
    return selection.text(part, joined or "\n".join(part), width)


def test_by_cells_in_both_directions() -> None:
    there, back = Place(0, 6), Place(1, 2)
    assert text(Selection(there, back)) == text(Selection(back, there)) == "line\nthe"
    assert text(Selection(Place(0, 0), Place(0, 0))) == "f"
    assert text(Selection(Place(0, 8), Place(3, 3))) == "ne\nthe second\n\nwide"
    assert text(Selection(Place(2, 5), Place(2, 9))) == ""


def test_by_words_and_lines() -> None:
    assert text(Selection(Place(0, 7), Place(0, 7), Unit.WORD)) == "line"
    assert text(Selection(Place(0, 7), Place(1, 1), Unit.WORD)) == "line\nthe"
    assert text(Selection(Place(1, 3), Place(0, 3), Unit.LINE)) == "first line\nthe second"
    assert word_at("see https://a.b/c?d=1, then", 8) == (4, 21)
    assert word_at("a  b", 1) == (1, 3)
    assert word_at("ab", 9) == (9, 10)


def test_wide_characters_take_two_columns() -> None:
    assert cells("a中b") == ["a", "中", "", "b"]
    assert cells("e\u0301x") == ["e\u0301", "x"]
    assert cut(ROWS[3], 5, 9) == "中文"
    assert column_of(ROWS[3], 7) == 9
    assert word_at(ROWS[3], 6) == (5, 9)
    assert text(Selection(Place(3, 5), Place(3, 8))) == "中文"


def test_a_wrapped_line_is_copied_as_one() -> None:
    rows = ["0123456789", "abcdefghij", "end"]
    whole = Selection(Place(0, 2), Place(2, 1))
    assert text(whole, rows, "0123456789abcdefghij\nend", 10) == "23456789abcdefghij\nen"
    assert text(whole, rows, "what is this", 10) == "23456789\nabcdefghij\nen"
    blanks = ["ab", "cd"]
    got = text(Selection(Place(0, 0), Place(1, 1)), blanks, "ab        cd", 10)
    assert got == "abcd"


def test_columns_of_rows_outside_are_none() -> None:
    one = Selection(Place(3, 1), Place(5, 2))
    assert one.columns(2, "", 80) is None
    assert one.columns(4, "", 80) == (0, 80)
    assert one.columns(5, "", 80) == (0, 3)
