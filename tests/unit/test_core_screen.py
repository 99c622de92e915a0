"""The screen, which every terminal core draws alike, so that one can replace the other."""

from __future__ import annotations

import pytest

from tests.unit.terminals import at, changed, check, look, numbered, screen, style
from tuivm.core.terminal import RGB, CellStyle, TerminalCore


def test_text_and_cursor(core: TerminalCore) -> None:
    core.feed(b"one\r\n\ttwo\x08\x08X\r\n")
    frame = look(core)
    check(frame)
    assert screen(core)[:3] == ["one", "        tXo", ""]
    assert at(frame) == (0, 2)
    core.feed(b"\x1b[3;5Habc\x1b[A\x1b[2D\x1b[?25l")
    frame = look(core)
    assert at(frame) == (5, 1)
    assert frame.cursor is not None
    assert not frame.cursor.visible


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        ("1", CellStyle(bold=True)),
        ("2", CellStyle(faint=True)),
        ("3", CellStyle(italic=True)),
        ("4", CellStyle(underline=True)),
        ("5", CellStyle(blink=True)),
        ("7", CellStyle(inverse=True)),
        ("9", CellStyle(strike=True)),
        ("31", CellStyle(fg=1)),
        ("97", CellStyle(fg=15)),
        ("44", CellStyle(bg=4)),
        ("103", CellStyle(bg=11)),
        ("38;5;200", CellStyle(fg=200)),
        ("48;5;17", CellStyle(bg=17)),
        ("38;2;1;2;3", CellStyle(fg=RGB | 0x010203)),
        ("48;2;255;0;9", CellStyle(bg=RGB | 0xFF0009)),
        ("1;3;4;33;45", CellStyle(fg=3, bg=5, bold=True, italic=True, underline=True)),
        ("1;31;22;39", CellStyle()),
        ("31;0", CellStyle()),
    ],
)
def test_styles(core: TerminalCore, codes: str, expected: CellStyle) -> None:
    core.feed(f"a\x1b[{codes}mb\x1b[0mc".encode())
    frame = look(core)
    check(frame)
    assert [style(frame, x, 0) for x in range(3)] == [CellStyle(), expected, CellStyle()]


def test_cells_that_are_erased_have_the_background_of_the_moment(core: TerminalCore) -> None:
    core.feed(b"\x1b[44m\x1b[K\x1b[0m\r\n\x1b[48;2;9;8;7m\x1b[K")
    frame = look(core)
    assert [run.style.bg for run in frame.rows[0]] == [4]
    assert [run.style.bg for run in frame.rows[1]] == [RGB | 0x090807]


def test_only_what_changed_comes_with_a_frame(core: TerminalCore) -> None:
    core.feed(b"one\r\ntwo\r\n")
    assert len(changed(core).rows) == 6
    assert changed(core).rows == {}
    core.feed(b"three")
    assert list(changed(core).rows) == [2]
    assert len(look(core).rows) == 6
    assert changed(core).rows == {}


def test_a_frame_shows_what_was_captured(core: TerminalCore) -> None:
    core.feed(b"before")
    core.capture()
    core.feed(b"\rAFTER!")
    assert "".join(run.text for run in core.frame(full=True).rows[0]).startswith("before")
    assert screen(core)[0] == "AFTER!"


def test_wide_characters_keep_the_columns(core: TerminalCore) -> None:
    core.feed("日本|\r\n".encode() + b"x" * 39 + "語\r\n".encode())
    frame = look(core)
    check(frame)
    assert screen(core)[:3] == ["日本|", "x" * 39, "語"]
    core.feed(b"\x1b[1;2H\x1b[1mz")
    check(look(core))
    assert screen(core)[0].endswith("z本|")
    core.feed("\x1b[1;1H日本\x1b[1;4H".encode())
    assert at(look(core))[0] in (2, 3)


@pytest.mark.parametrize(
    "text",
    ["e\u0301x", "a\u0308o\u0308|", "e\u0323\u0301|", "👩\u200d👩 ok", "n\u200bx", "\ufeffx"],
)
def test_what_has_no_width_takes_no_column(core: TerminalCore, text: str) -> None:
    core.feed(text.encode() + b"\x1b[6n")
    check(look(core))
    width = int(core.take_replies().split(b";")[1][:-1]) - 1
    assert width == len([c for c in text if c.isprintable() and not 0x300 <= ord(c) < 0x370]) + (
        text.count("👩")
    )


def test_utf_8_may_be_split_anywhere_and_be_broken(core: TerminalCore) -> None:
    for byte in "日é€👍".encode():
        core.feed(bytes((byte,)))
    core.feed(b"\r\n\xff\xc3(\xe4\xb8 \xed\xa0\x80ok")
    check(look(core))
    assert screen(core)[0] == "日é€👍"
    assert screen(core)[1].endswith("ok")


def test_line_drawing(core: TerminalCore) -> None:
    core.feed(b"\x1b(0lqk\x1b(Blqk\x1b)0\x0ex\x0fx")
    assert screen(core)[0] == "┌─┐lqk│x"


def test_autowrap_and_its_end(core: TerminalCore) -> None:
    core.feed(b"x" * 42)
    assert screen(core)[:2] == ["x" * 40, "xx"]
    core.feed(b"\x1b[2J\x1b[H\x1b[?7l" + b"y" * 42 + b"z")
    assert screen(core)[:2] == ["y" * 39 + "z", ""]


def test_insert_delete_erase_repeat(core: TerminalCore) -> None:
    core.feed(b"abcdef\x1b[1;3H\x1b[2@\x1b[1;1H\x1b[P\r\nq\x1b[4b\r\nabcdef\x1b[3D\x1b[X\x1b[1K")
    assert screen(core)[:3] == ["b  cdef", "qqqqq", "    ef"]


def test_tabulators(core: TerminalCore) -> None:
    core.feed(b"\t\x1b[g\r\tx\x1b[3g\x1b[5G\x1bH\r\ty\tz")
    assert screen(core)[0] == " " * 4 + "y" + " " * 11 + "x" + " " * 22 + "z"


def test_the_alignment_pattern(core: TerminalCore) -> None:
    core.feed(b"\x1b[2;3r\x1b[3;3H\x1b#8")
    frame = look(core)
    assert screen(core) == ["E" * 40] * 6
    assert at(frame) == (0, 0)
    core.feed(b"\x1b[6;1H\n")
    assert screen(core)[0] == "E" * 40
    assert screen(core)[5] == ""


def test_the_scroll_region(core: TerminalCore) -> None:
    core.feed(b"top\x1b[6;1Hend\x1b[2;4r\x1b[2;1Ha\r\nb\r\nc\r\nd\r\ne\x1b[2;1H\x1bMnew")
    assert screen(core) == ["top", "new", "c", "d", "", "end"]
    core.feed(b"\x1b[r\x1b[3;1H\x1b[L\x1b[1;1H\x1b[M")
    assert screen(core) == ["new", "", "c", "d", "", ""]


def test_lines_outside_the_margins_cannot_be_inserted(core: TerminalCore) -> None:
    core.feed(b"one\r\ntwo\r\nthree\r\nfour\x1b[2;3r\x1b[1;1H\x1b[L\x1b[5;1H\x1b[M")
    assert screen(core)[:4] == ["one", "two", "three", "four"]


def test_the_alternate_screen_hides_and_gives_back(core: TerminalCore) -> None:
    core.feed(numbered(20) + b"shell\x1b[?1049h")
    assert core.alternate
    assert look(core).behind == 0
    core.feed(b"\x1b[2J\x1b[Hfull screen")
    assert screen(core) == ["full screen", "", "", "", "", ""]
    core.scroll(-5)
    assert screen(core)[0] == "full screen"
    core.feed(b"\x1b[?1049l")
    assert not core.alternate
    assert screen(core)[4:] == ["line 19", "shell"]
    core.scroll(-10)
    assert screen(core)[0] == "line 5"


@pytest.mark.parametrize("mode", [47, 1047, 1049])
def test_all_ways_to_the_alternate_screen(core: TerminalCore, mode: int) -> None:
    core.feed(b"shell\x1b[?%dh" % mode)
    assert core.alternate
    core.feed(b"\x1b[2J\x1b[Hfull\x1b[?%dl" % mode)
    assert not core.alternate
    assert screen(core)[0] == "shell"


def test_a_reset_keeps_the_past(core: TerminalCore) -> None:
    """Firmware resets the terminal at each boot: what was printed before must survive."""
    core.feed(numbered(8) + b"last words\x1b[?1049h\x1b[31m\x1b[?1;2004;1000h\x1b[2;3r\x1bcnew")
    frame = look(core)
    assert not core.alternate
    assert screen(core) == ["new", "", "", "", "", ""]
    assert style(frame, 0, 0) == CellStyle()
    assert core.key("up", None) == b"\x1b[A"
    assert core.paste("x") == b"x"
    assert core.wheel(True, 0, 0) == b""
    text = core.text().split("\n")
    assert text[:8] == [f"line {n}" for n in range(8)]
    assert text[8] == "last words"
    assert text[-1] == "new"


def test_soft_reset_keeps_the_screen(core: TerminalCore) -> None:
    core.feed(b"abc\x1b[?25l\x1b[?1h\x1b[31m\x1b[2;4r\x1b[3;3H\x1b[!pX")
    frame = look(core)
    assert frame.cursor is not None
    assert (frame.cursor.x, frame.cursor.y, frame.cursor.visible) == (3, 2, True)
    assert screen(core)[0] == "abc"
    assert style(frame, 2, 2) == CellStyle()
    assert core.key("up", None) == b"\x1b[A"


@pytest.mark.parametrize("reset", [b"\x1b[!p", b"\x1bc"])
def test_a_reset_brings_the_guest_back_from_the_status_line(
    core: TerminalCore, reset: bytes
) -> None:
    """Regression: what a guest printed after its reboot was never seen."""
    core.feed(b"\x1b[1$}" + reset + b"boot")
    assert screen(core)[0] == "boot"


def test_the_guest_cannot_change_the_grid(core: TerminalCore) -> None:
    core.feed(b"\x1b[?40h\x1b[?3h\x1b[8;50;132t\x1b[?4\n0h\x1b[?\n3h\x1b[4;999;999t")
    frame = look(core)
    assert (frame.columns, frame.lines) == (40, 6)
