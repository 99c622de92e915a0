"""What a guest asks and tells, which every terminal core answers alike."""

from __future__ import annotations

import pytest

from tests.unit.terminals import screen
from tuivm.core.terminal import TerminalCore


@pytest.mark.parametrize(
    ("query", "answer"),
    [
        (b"ab\x1b[6n", b"\x1b[1;3R"),
        (b"\x1b[3;40Hx\x1b[6n", b"\x1b[3;40R"),
        (b"\x1b[2;5r\x1b[?6h\x1b[2;2H\x1b[6n", b"\x1b[2;2R"),
        (b"\x1b[5n", b"\x1b[0n"),
        (b"\x1b[c", b"\x1b[?62;22c"),
        (b"\x1b[0c", b"\x1b[?62;22c"),
        (b"\x1b[>c", b"\x1b[>1;0;0c"),
        (b"\x1b[=c", b"\x1bP!|00000000\x1b\\"),
        (b"\x1b[?2004$p", b"\x1b[?2004;2$y"),
        (b"\x1b[?2004h\x1b[?2004$p", b"\x1b[?2004;1$y"),
        (b"\x1b[?7$p", b"\x1b[?7;1$y"),
        (b"\x1b[?1049h\x1b[?1049$p", b"\x1b[?1049;1$y"),
        (b"\x1b[4h\x1b[4$p", b"\x1b[4;1$y"),
        (b"\x1b[?9999$p", b"\x1b[?9999;0$y"),
        (b"\x1b[1$p\x1b[", b"\x1b[1;0$y"),
    ],
)
def test_queries_are_answered(core: TerminalCore, query: bytes, answer: bytes) -> None:
    core.feed(query)
    assert core.take_replies() == answer
    assert core.take_replies() == b""


def test_queries_may_be_split_anywhere(core: TerminalCore) -> None:
    query = b"abc\x1b[6n\x1b[?2004$p\x1b[>0c"
    core.feed(query)
    expected = core.take_replies()
    for cut in range(1, len(query)):
        core.feed(b"\r")
        core.feed(query[:cut])
        core.feed(query[cut:])
        assert core.take_replies() == expected, cut
    core.feed(b"\r")
    for byte in query:
        core.feed(bytes((byte,)))
    assert core.take_replies() == expected


def test_nothing_that_the_guest_chose_is_read_back(core: TerminalCore) -> None:
    core.feed(b"\x1b]0;rm -rf /\x07\x1b[21t\x1b[20t\x1b]52;c;?\x07\x1b]52;c;ZXZpbA==\x07")
    core.feed(b"\x05\x1b[18t\x1b[14t\x1b[x\x1bP+q544e\x1b\\\x1b]11;?\x07")
    assert b"rm" not in core.take_replies()


def test_replies_are_bounded(core: TerminalCore) -> None:
    for _ in range(20):
        core.feed(b"\x1b[6n" * 10_000)
    assert len(core.take_replies()) <= 1 << 17
    core.feed(b"\x1b[5n")
    assert core.take_replies() == b"\x1b[0n"


def test_bells_are_counted_but_not_those_that_end_a_title(core: TerminalCore) -> None:
    core.feed(b"\x07a\x07\x1b]0;title\x07\x1b]52;c;" + b"x" * 3)
    core.feed(b"x" * 10_000)
    core.feed(b"\x07b")
    assert core.take_bells() == 2
    assert core.take_bells() == 0
    core.feed(b"\x07")
    assert core.take_bells() == 1


@pytest.mark.parametrize(
    ("printed", "title"),
    [
        (b"\x1b]0;web\x07", "web"),
        (b"\x1b]2;web-01: /root\x1b\\", "web-01: /root"),
        ("\x1b]2;Größe 日本\x07".encode(), "Größe 日本"),
        (b"\x1b]2;one\x07\x1b]2;\x07", ""),
        (b"\x1b]1;icon\x07", ""),
        (b"\x1b]2;cut\x18 off", ""),
    ],
)
def test_titles(core: TerminalCore, printed: bytes, title: str) -> None:
    core.feed(printed)
    assert core.title == title


def test_a_title_may_be_split_anywhere(core: TerminalCore) -> None:
    for end in (b"\x07", b"\x1b\\"):
        whole = b"\x1b]2;some title" + end
        for cut in range(1, len(whole)):
            core.feed(b"\x1b]2;\x07")
            core.feed(whole[:cut])
            core.feed(whole[cut:])
            assert core.title == "some title", (end, cut)
    assert screen(core)[0] == ""


def test_a_title_is_one_clean_short_line(core: TerminalCore) -> None:
    core.feed("\x1b]2;web\u202e\u200b-01\t".encode() + b"x" * 300 + b"\x07")
    assert core.title.isprintable()
    assert len(core.title) <= 128
    assert core.title.startswith("web")
