"""What scrolled out and what another size does to it, which every terminal core does alike."""

from __future__ import annotations

import pytest

from tests.unit.terminals import at, check, look, make, numbered, screen, style
from tuivm.core.find import Find
from tuivm.core.terminal import MAX_SIDE, MIN_COLUMNS, MIN_LINES, CellStyle, TerminalCore


def test_the_scrollback_holds_what_it_was_given_room_for(name: str) -> None:
    core = make(name, 80, 24, 5_000)
    for start in range(0, 12_000, 100):
        core.feed(numbered(100, start))
    frame = look(core)
    assert 5_000 <= frame.total <= 7_000
    assert frame.behind == 0
    core.scroll(-100)
    frame = look(core)
    check(frame)
    assert frame.behind == 100
    assert frame.cursor is None
    assert screen(core)[0] == f"line {12_000 - 23 - 100}"
    core.feed(b"more\r\n")
    assert look(core).behind == 101
    assert screen(core)[0] == f"line {12_000 - 23 - 100}"
    core.scroll(-1_000_000)
    assert look(core).offset == 0
    core.scroll(1_000_000)
    assert look(core).behind == 0
    core.scroll(-3)
    core.scroll_to_bottom()
    frame = look(core)
    assert frame.behind == 0
    assert at(frame) == (0, 23)
    core.close()


def test_without_a_scrollback_there_is_only_the_screen(name: str) -> None:
    core = make(name, scrollback=0)
    core.feed(numbered(50))
    core.scroll(-5)
    frame = look(core)
    assert (frame.total, frame.behind) == (6, 0)
    assert screen(core)[0] == "line 45"
    core.close()


def test_the_cursor_follows_while_it_is_in_sight(core: TerminalCore) -> None:
    core.feed(numbered(20) + b"\x1b[2;3H")
    core.scroll(-2)
    assert at(look(core)) == (2, 3)
    core.scroll(-3)
    assert look(core).cursor is None


def test_only_the_guest_clears_the_scrollback(core: TerminalCore) -> None:
    core.feed(numbered(20) + b"\x1b[2J\x1b[H")
    assert look(core).total > 6
    core.feed(b"\x1b[3J")
    assert look(core).total == 6


def test_a_region_that_ends_above_the_last_row_still_feeds_the_scrollback(
    core: TerminalCore,
) -> None:
    core.feed(b"\x1b[6;1Hstatus\x1b[1;5r\x1b[1;1H" + numbered(10))
    assert screen(core) == [f"line {n}" for n in range(6, 10)] + ["", "status"]


def test_rows_and_text_of_a_range(core: TerminalCore) -> None:
    core.feed(b"\r\n" + b"ab" * 30 + b"  \r\n" + numbered(10) + "日本 e".encode())
    total = look(core).total
    rows = core.row_texts()
    assert len(rows) == total
    assert rows[:4] == ["", "ab" * 20, "ab" * 10, "line 0"]
    assert rows[-1] == "日本 e"
    assert core.row_texts(1, 2) == ["ab" * 20, "ab" * 10]
    assert core.row_texts(total - 2, total + 50) == ["line 9", "日本 e"]
    assert core.row_texts(total) == []
    assert core.row_texts(5, 4) == []
    assert core.text(1, 3) == "ab" * 30 + "\nline 0"
    assert core.text().startswith("ab" * 30 + "\nline 0\nline 1\n")
    assert core.text().endswith("line 9\n日本 e")


def test_blank_rows_keep_their_place(core: TerminalCore) -> None:
    core.feed(b"\r\n\r\nmiddle\r\n\r\n")
    assert core.row_texts() == ["", "", "middle", "", "", ""]
    assert core.text() == "middle"


def test_search_finds_rows_as_the_view_counts_them(core: TerminalCore) -> None:
    core.feed(numbered(100))
    found = Find(core.row_texts(), "line 42").matches
    assert [(match.start, match.end) for match in found] == [(0, 7)]
    core.scroll(found[0].line - look(core).offset)
    assert screen(core)[0] == "line 42"


def test_resizing_wraps_anew(core: TerminalCore) -> None:
    core.feed(b"0123456789" * 3 + b"\r\n$ ")
    core.resize(10, 6)
    assert screen(core)[:4] == ["0123456789"] * 3 + ["$"]
    core.feed(b"x")
    core.resize(40, 6)
    assert screen(core)[:2] == ["0123456789" * 3, "$ x"]
    assert at(look(core)) == (3, 1)


def test_resizing_wraps_the_scrollback_anew(name: str) -> None:
    core = make(name, 20, 4)
    long = b"".join(b"%06d-" % n for n in range(10))
    styled = b"\x1b[31mred \x1b[44mand blue\x1b[0m and more than twenty"
    core.feed(long + b"\r\n" + styled + "\r\n日本語日本語日本語日本語\r\n".encode() + numbered(9))
    for columns in (33, 11, 80, 20, 100):
        core.resize(columns, 4)
        check(look(core))
        core.scroll(-1000)
        check(look(core))
        core.scroll_to_bottom()
    assert core.row_texts()[:3] == [
        long.decode(), "red and blue and more than twenty", "日本語日本語日本語日本語",
    ]  # fmt: skip
    core.scroll(-1000)
    frame = look(core)
    assert style(frame, 0, 1) == CellStyle(fg=1)
    assert style(frame, 5, 1) == CellStyle(fg=1, bg=4)
    assert style(frame, 13, 1) == CellStyle()
    core.close()


@pytest.mark.parametrize(("columns", "lines"), [(0, 0), (1, 1), (-5, 3), (10**6, 10**6)])
def test_the_grid_stays_within_what_the_emulator_can_take(
    name: str, columns: int, lines: int
) -> None:
    core = make(name, columns, lines)
    core.resize(columns, lines)
    core.feed("日x".encode() * 500 + b"\r\n" * 50)
    frame = look(core)
    check(frame)
    assert MIN_COLUMNS <= frame.columns <= MAX_SIDE
    assert MIN_LINES <= frame.lines <= MAX_SIDE
    core.close()


def test_nothing_is_lost_when_the_screen_shrinks(core: TerminalCore) -> None:
    core.feed(numbered(5) + b"end")
    core.resize(40, 3)
    check(look(core))
    assert core.text() == "line 0\nline 1\nline 2\nline 3\nline 4\nend"
    assert screen(core)[-1] == "end"
    core.resize(40, 8)
    assert core.text() == "line 0\nline 1\nline 2\nline 3\nline 4\nend"
    assert at(look(core))[0] == 3


def test_resizing_in_the_alternate_screen(core: TerminalCore) -> None:
    core.feed(b"0123456789" * 3 + b"\x1b[?1049hfull")
    core.resize(20, 4)
    check(look(core))
    core.feed(b"\x1b[?1049l")
    check(look(core))
    assert core.text() == "0123456789" * 3
