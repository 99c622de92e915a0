"""The filter in front of the emulator, at every way to split its input."""

from __future__ import annotations

import pytest

from tuivm.core.shim import MAX_HELD, Reset, Shim, hard_reset, soft_reset


def run(*pieces: bytes) -> list[bytes | Reset]:
    shim = Shim()
    out: list[bytes | Reset] = []
    for piece in pieces:
        out += shim.pieces(piece)
    return out


def joined(*pieces: bytes) -> bytes:
    return b"".join(
        f"<{piece.name}>".encode() if isinstance(piece, Reset) else piece for piece in run(*pieces)
    )


@pytest.mark.parametrize(
    ("given", "fed"),
    [
        (b"plain text\r\n", b"plain text\r\n"),
        (b"a\x1b[31mred", b"a\x1b[31mred"),
        (b"a\x1b[!pb", b"a<SOFT>b"),
        (b"a\x1bcb", b"a<HARD>b"),
        (b"a\x7fb\x1b[\x7f31m", b"ab\x1b[31m"),
        (b"\x1b[gx\x1b[3g", b"\x1b[0gx\x1b[3g"),
        (b"\x1b[?3hx", b"x"),
        (b"a\x1b]8;;http://x\x07b\x1b]8;;\x1b\\c", b"a\x1b]8x;;http://x\x07b\x1b]8x;;\x1b\\c"),
        (b"\x1b\x00]\r8;;x\x07", b"\x1b]8x;;x\x07"),
        (b"\x1b]0;8;\x07\x1b]18;8;x\x07", b"\x1b]0;8;\x07\x1b]18;8;x\x07"),
        (b"\x1bP\x9d8;;x\x07", b"\x1bP\x9d\x188;;x\x07"),
        ("\u041de, \u041d8 ❝8❞".encode(), "\u041de, \u041d\x188 ❝\x188❞".encode()),
        (b"x\x1b[99999999999b\x1b[100b", b"x\x1b[4096b\x1b[100b"),
        (b"x\x1b[00000003b\x1b[1234;5b", b"x\x1b[3b\x1b[1234b"),
        (b"\x1b[?40l\x1b[?003hx", b"x"),
        (b"\x1b[?3;25hx", b"\x1b[?25hx"),
        (b"\x1b[?25;40;1049lx", b"\x1b[?25;1049lx"),
        (b"\x1b[?33hx\x1b[3h", b"\x1b[?33hx\x1b[3h"),
        (b"\x1b[?2004h\x1b[?1l", b"\x1b[?2004h\x1b[?1l"),
    ],
)
def test_only_what_does_harm_is_touched(given: bytes, fed: bytes) -> None:
    assert joined(given) == fed
    for cut in range(1, len(given)):
        assert joined(given[:cut], given[cut:]) == fed, cut
    assert joined(*(given[i : i + 1] for i in range(len(given)))) == fed


def test_an_endless_sequence_is_not_held_back_for_ever() -> None:
    shim = Shim()
    held = 0
    for _ in range(50):
        fed = b"".join(
            piece for piece in shim.pieces(b"\x1b[?" + b"1;" * 400) if isinstance(piece, bytes)
        )
        held = max(held, 803 - len(fed))
    assert held <= MAX_HELD


def test_the_soft_reset_leaves_the_cursor_where_it_was() -> None:
    assert soft_reset(4, 2).endswith(b"\x1b[3;5H")


def test_the_hard_reset_leaves_a_full_screen_program_first() -> None:
    assert hard_reset(True).startswith(b"\x1b[?1049l\x1b[22J")
    assert hard_reset(False).startswith(b"\x1b[22J")


def test_a_repeat_with_controls_in_it_is_bounded_too() -> None:
    assert joined(b"x\x1b[9\n99999b") == b"x\x1b[4096b"


def test_an_eight_bit_link_is_cancelled_wherever_its_input_is_split() -> None:
    given = b"\x1b[\x9d\x00\x008;;x\x07"
    for cut in range(1, len(given)):
        fed = joined(given[:cut], given[cut:])
        assert fed.replace(b"\x18", b"") == given
        assert b"\x18" in fed[fed.index(b"\x9d") : fed.index(b"8")], cut
