from __future__ import annotations

from tuivm.core.find import MOST_MATCHES, Find, Match

LINES = ["<disk type='file'>", "<target dev='vda'/>", "Disk of DISKS", "tail"]


def test_small_letters_find_capitals_and_a_capital_only_itself() -> None:
    assert [match.line for match in Find(LINES, "disk").matches] == [0, 2, 2]
    assert Find(LINES, "Disk").matches == (Match(2, 0, 4),)


def test_what_is_typed_is_no_pattern() -> None:
    assert Find(["a.c abc"], "a.c").matches == (Match(0, 0, 3),)
    assert Find(["["], "[").matches == (Match(0, 0, 1),)


def test_the_search_begins_where_the_reader_is_and_goes_round() -> None:
    find = Find(LINES, "disk")
    assert find.begin(1) == Match(2, 0, 4)
    assert find.count == "2/3"
    assert find.step(1) == Match(2, 8, 12)
    assert find.step(1) == Match(0, 1, 5)
    assert find.step(-1) == Match(2, 8, 12)


def test_a_search_without_a_match_says_so() -> None:
    find = Find(LINES, "nothing")
    assert find.count == "no match"
    assert find.begin(0) is None
    assert find.step(1) is None


def test_the_place_is_kept_when_the_text_is_read_again() -> None:
    before = Find(LINES, "disk")
    before.begin(2)
    after = Find([*LINES, "disk"], "disk")
    after.resume(before)
    assert after.count == "2/4"


def test_matches_are_bounded() -> None:
    find = Find(["a" * 100] * 1000, "a")
    assert len(find.matches) == MOST_MATCHES
    assert find.count == f"{MOST_MATCHES}+"
