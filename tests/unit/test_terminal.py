"""What a cell may show: nothing that could reach the user's terminal as a command."""

from __future__ import annotations

import sys
from unicodedata import category

import pytest
from rich.cells import cell_len

from tuivm.core.terminal import UNPRINTABLE, Frame, clean_glyph, fit_run


@pytest.mark.parametrize(
    ("given", "width", "shown"),
    [
        ("a", 1, "a"),
        ("é", 1, "é"),
        ("e\u0301", 1, "e\u0301"),
        ("中", 2, "中"),
        ("\u3000", 2, "  "),
        ("\xa0", 1, " "),
        ("\xad", 1, "-"),
        ("\x7f", 1, "\ufffd"),
        ("\x1b", 1, "\ufffd"),
        ("\x9b", 1, "\ufffd"),
        ("\u202e", 1, "\ufffd"),
        ("\u2028", 1, "\ufffd"),
        ("a\u202e", 1, "a"),
        ("\u0301", 1, "\ufffd"),
        ("a", 2, "\ufffd "),
        ("\ue0b0", 1, "\ue0b0"),
    ],
)
def test_a_glyph_is_clean_and_as_wide_as_its_cell(given: str, width: int, shown: str) -> None:
    assert clean_glyph(given, width) == shown


def test_no_code_point_gets_through_that_could_steer_the_terminal() -> None:
    every = (*range(0x3000), *range(0x3000, sys.maxunicode, 61), *range(0xE0000, 0xE0200))
    for code in every:
        for width in (1, 2):
            text = clean_glyph(chr(code), width)
            assert cell_len(text) == width, hex(code)
            assert not any(category(char) in UNPRINTABLE for char in text), hex(code)


def test_a_run_is_made_to_fit() -> None:
    assert fit_run("abc", 3) == "abc"
    assert fit_run("中", 3) == "中 "
    assert cell_len(fit_run("中中", 3)) == 3


def test_a_frame_knows_how_far_it_is_scrolled_back() -> None:
    assert Frame(80, 24, total=124, offset=100).behind == 0
    assert Frame(80, 24, total=124, offset=60).behind == 40
    assert Frame(80, 24, total=10, offset=0).behind == 0
