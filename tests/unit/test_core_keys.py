"""What is typed, pasted and scrolled, which every terminal core sends alike."""

from __future__ import annotations

import pytest

from tuivm.core.terminal import Keyboard, Personality, TerminalCore


def test_pastes_follow_the_guest(core: TerminalCore) -> None:
    evil = "one\r\ntwo\x1b[201~\x03\x9b31m\tthree\x7f\n"
    assert core.paste(evil) == b"one\rtwo[201~31m\tthree\r"
    core.feed(b"\x1b[?2004h")
    assert core.paste(evil) == b"\x1b[200~one\rtwo[201~31m\tthree\r\x1b[201~"
    assert core.paste("\x1b\x00") == b""
    core.feed(b"\x1b[?2004l")
    assert core.paste("x") == b"x"


def test_the_wheel_goes_to_those_who_asked(core: TerminalCore) -> None:
    assert core.wheel(True, 3, 4) == b""
    core.feed(b"\x1b[?1000h")
    assert core.wheel(True, 3, 4) == b"\x1b[M`$%"
    assert core.wheel(True, 300, 4) == b""
    core.feed(b"\x1b[?1015h")
    assert core.wheel(False, 3, 4) == b"\x1b[97;4;5M"
    core.feed(b"\x1b[?1015l\x1b[?1005h")
    assert core.wheel(True, 3, 150) == b"\x1b[M`$\xc2\xb7"
    core.feed(b"\x1b[?1005l\x1b[?1003;1006h")
    assert core.wheel(True, 300, 4) == b"\x1b[<64;301;5M"
    core.feed(b"\x1b[?1003l\x1b[?1000l\x1b[?1049h")
    assert core.wheel(False, 3, 4) == b"\x1b[B" * 3
    core.feed(b"\x1b[?1h")
    assert core.wheel(True, 3, 4) == b"\x1bOA" * 3


KEYS = [
    ("a", "a", b"a"),
    ("A", "A", b"A"),
    ("upper_a", "A", b"A"),
    ("plus", "+", b"+"),
    ("+", "+", b"+"),
    ("eacute", "é", "é".encode()),
    ("space", " ", b" "),
    ("shift+space", None, b" "),
    ("ctrl+c", "\x03", b"\x03"),
    ("ctrl+p", "\x10", b"\x10"),
    ("ctrl+at", "\x00", b"\x00"),
    ("ctrl+space", None, b"\x00"),
    ("ctrl+left_square_bracket", None, b"\x1b"),
    ("ctrl+backslash", "\x1c", b"\x1c"),
    ("ctrl+right_square_bracket", "\x1d", b"\x1d"),
    ("ctrl+5", None, b"\x1d"),
    ("ctrl+circumflex_accent", "\x1e", b"\x1e"),
    ("ctrl+underscore", "\x1f", b"\x1f"),
    ("tab", "\t", b"\t"),
    ("shift+tab", None, b"\x1b[Z"),
    ("ctrl+tab", None, b"\t"),
    ("escape", "\x1b", b"\x1b"),
    ("alt+escape", None, b"\x1b\x1b"),
    ("enter", "\r", b"\r"),
    ("ctrl+j", "\n", b"\n"),
    ("shift+enter", None, b"\r"),
    ("alt+enter", None, b"\x1b\r"),
    ("backspace", "\x7f", b"\x7f"),
    ("backspace", "\x08", b"\x08"),
    ("backspace", None, b"\x7f"),
    ("ctrl+backspace", None, b"\x08"),
    ("alt+backspace", None, b"\x1b\x7f"),
    ("alt+x", "x", b"\x1bx"),
    ("alt+x", None, b"\x1bx"),
    ("ctrl+alt+a", None, b"\x1b\x01"),
    ("up", None, b"\x1b[A"),
    ("down", None, b"\x1b[B"),
    ("right", None, b"\x1b[C"),
    ("left", None, b"\x1b[D"),
    ("ctrl+left", None, b"\x1b[1;5D"),
    ("shift+up", None, b"\x1b[1;2A"),
    ("alt+down", None, b"\x1b[1;3B"),
    ("ctrl+shift+right", None, b"\x1b[1;6C"),
    ("home", None, b"\x1b[H"),
    ("end", None, b"\x1b[F"),
    ("ctrl+home", None, b"\x1b[1;5H"),
    ("insert", None, b"\x1b[2~"),
    ("delete", None, b"\x1b[3~"),
    ("ctrl+delete", None, b"\x1b[3;5~"),
    ("pageup", None, b"\x1b[5~"),
    ("pagedown", None, b"\x1b[6~"),
    ("f1", None, b"\x1bOP"),
    ("f4", None, b"\x1bOS"),
    ("shift+f1", None, b"\x1b[1;2P"),
    ("f5", None, b"\x1b[15~"),
    ("f6", None, b"\x1b[17~"),
    ("f10", None, b"\x1b[21~"),
    ("f11", None, b"\x1b[23~"),
    ("shift+f5", None, b"\x1b[15;2~"),
    ("alt+f4", None, b"\x1b[1;3S"),
    ("f12", None, b"\x1b[24~"),
    ("nonsense", None, b""),
]


@pytest.mark.parametrize(("key", "character", "sent"), KEYS)
def test_keys(core: TerminalCore, key: str, character: str | None, sent: bytes) -> None:
    assert core.key(key, character) == sent


def test_cursor_keys_follow_the_guest(core: TerminalCore) -> None:
    core.feed(b"\x1b[?1h")
    assert core.key("up", None) == b"\x1bOA"
    assert core.key("end", None) == b"\x1bOF"
    assert core.key("ctrl+up", None) == b"\x1b[1;5A"
    core.keyboard = Keyboard(Personality.VT220)
    assert core.key("up", None) == b"\x1bOA"
    core.feed(b"\x1b[?1l")
    assert core.key("up", None) == b"\x1b[A"


@pytest.mark.parametrize(
    ("personality", "key", "sent"),
    [
        (Personality.VT220, "home", b"\x1b[1~"),
        (Personality.VT220, "end", b"\x1b[4~"),
        (Personality.VT220, "up", b"\x1b[A"),
        (Personality.VT220, "delete", b"\x1b[3~"),
        (Personality.VT220, "f1", b"\x1bOP"),
        (Personality.VT220, "f6", b"\x1b[17~"),
        (Personality.VT220, "f20", b"\x1b[34~"),
        (Personality.LINUX, "home", b"\x1b[1~"),
        (Personality.LINUX, "f1", b"\x1b[[A"),
        (Personality.LINUX, "f5", b"\x1b[[E"),
        (Personality.LINUX, "f6", b"\x1b[17~"),
        (Personality.LINUX, "shift+f1", b"\x1b[1;2P"),
        (Personality.LINUX, "enter", b"\r"),
        (Personality.LINUX, "ctrl+c", b"\x03"),
    ],
)
def test_personalities(core: TerminalCore, personality: Personality, key: str, sent: bytes) -> None:
    core.keyboard = Keyboard(personality)
    assert core.key(key, None) == sent


def test_backspace_may_be_fixed(core: TerminalCore) -> None:
    core.keyboard = Keyboard(erase=b"\x08")
    assert core.key("backspace", "\x7f") == b"\x08"
    core.keyboard = Keyboard(erase=b"\x7f")
    assert core.key("backspace", "\x08") == b"\x7f"
