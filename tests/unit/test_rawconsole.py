"""The raw console's two eyes: for the leave key in what is typed, for modes in what is shown."""

from __future__ import annotations

import pytest

from tuivm.core.rawconsole import LEAVE_BYTE, LeaveScanner, ModeTracker, leave_key


def typed(*pieces: bytes) -> tuple[bytes, bool]:
    scanner = LeaveScanner()
    sent = b""
    for piece in pieces:
        part, leave = scanner.feed(piece)
        sent += part
        if leave:
            return sent, True
    return sent, False


@pytest.mark.parametrize(
    ("data", "sent", "leaves"),
    [
        (b"abc", b"abc", False),
        (b"\x1d", b"", True),
        (b"abc\x1ddef", b"abc", True),
        (b"\x03\x1d", b"\x03", True),
        (b"\x1b\x1d", b"\x1b", True),
        (b"\x1b[200~a\x1db\x1b[201~c", b"\x1b[200~a\x1db\x1b[201~c", False),
        (b"\x1b[200~a\x1b[201~\x1d", b"\x1b[200~a\x1b[201~", True),
        (b"\xff\x00\x80", b"\xff\x00\x80", False),
    ],
)
def test_the_leave_key_is_found_wherever_it_stands(data: bytes, sent: bytes, leaves: bool) -> None:
    assert typed(data) == (sent, leaves)
    for cut in range(1, len(data)):
        assert typed(data[:cut], data[cut:]) == (sent, leaves), cut
    assert typed(*(data[i : i + 1] for i in range(len(data)))) == (sent, leaves)


@pytest.mark.parametrize(
    ("keys", "byte", "label"),
    [
        (("ctrl+right_square_bracket", "ctrl+5"), b"\x1d", "ctrl+]"),
        (("ctrl+a",), b"\x01", "ctrl+a"),
        (("ctrl+circumflex_accent",), b"\x1e", "ctrl+^"),
        (("f10", "ctrl+backslash"), b"\x1c", "ctrl+\\"),
        (("f10",), LEAVE_BYTE, "ctrl+]"),
        (("ctrl+shift+a",), LEAVE_BYTE, "ctrl+]"),
        ((), LEAVE_BYTE, "ctrl+]"),
    ],
)
def test_a_configured_key_leaves_where_it_is_one_byte(
    keys: tuple[str, ...], byte: bytes, label: str
) -> None:
    assert leave_key(keys) == (byte, label)


def undone(*pieces: bytes) -> bytes:
    tracker = ModeTracker()
    for piece in pieces:
        tracker.feed(piece)
    return tracker.undo()


@pytest.mark.parametrize(
    ("shown", "undo"),
    [
        (b"text", b""),
        (b"\x1b[?1049h\x1b[?2004h", b"\x1b[?1049l\x1b[?2004l"),
        (b"\x1b[?1049h\x1b[?1049l", b""),
        (b"\x1b[?25l", b"\x1b[?25h"),
        (b"\x1b[?25l\x1b[?25h", b""),
        (b"\x1b[?1000;1006h", b"\x1b[?1000l\x1b[?1006l"),
        (b"\x1b[2;20r", b"\x1b7\x1b[r\x1b8"),
        (b"\x1b[?3h\x1b[?40h", b""),
    ],
)
def test_what_the_guest_switched_on_is_switched_off(shown: bytes, undo: bytes) -> None:
    always = b"\x1b[0m\x1b(B\x0f\x1b[4l\x1b>"
    assert undone(shown) == undo + always
    for cut in range(1, len(shown)):
        assert undone(shown[:cut], shown[cut:]) == undo + always, cut


def test_a_guest_cannot_make_the_tracker_grow() -> None:
    assert len(undone(*(b"\x1b[?%dh" % n for n in range(100, 5000)))) < 1000
    assert len(undone(b"\x1b[?" + b"1;" * 100_000)) < 100
