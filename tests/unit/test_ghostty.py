"""What is libghostty-vt's alone; what all cores do is in ``test_core_contract``."""

from __future__ import annotations

import re
from typing import Any

import pyghostty
import pytest

from tests.unit.terminals import at, check, look
from tuivm.core import ghostty_cells
from tuivm.core.ghostty import GhosttyCore
from tuivm.core.terminal import Keyboard, Personality, TerminalUnavailable


def test_the_kitty_protocol_is_spoken_when_the_guest_asks() -> None:
    core = GhosttyCore(40, 6)
    core.feed(b"\x1b[>1u")
    assert core.key("ctrl+c", "\x03") == b"\x1b[99;5u"
    assert core.key("shift+enter", None) == b"\x1b[13;2u"
    core.keyboard = Keyboard(Personality.LINUX)
    assert core.key("ctrl+c", "\x03") == b"\x1b[99;5u"
    core.feed(b"\x1bc")
    assert core.key("ctrl+c", "\x03") == b"\x03"
    core.close()


def test_a_hard_reset_puts_back_every_mode() -> None:
    """Whatever a guest set before it was reset, Backspace and Alt type as ever after it."""
    core = GhosttyCore(40, 6)
    requests = b"".join(
        b"\x1b[%s%d$p" % (private, number)
        for private in (b"?", b"")
        for number in (*range(1, 100), *range(1000, 1070), *range(2000, 2100))
    )
    core.feed(requests)
    new = core.take_replies()
    for private, number, value in re.findall(rb"\x1b\[(\??)(\d+);([12])\$y", new):
        core.feed(b"\x1b[%s%s%s" % (private, number, b"l" if value == b"1" else b"h"))
        core.take_replies()
        core.feed(b"\x1bc")
        core.take_replies()
        core.feed(requests)
        assert core.take_replies() == new, number
    core.close()


def test_overline_and_hidden_text_are_kept() -> None:
    core = GhosttyCore(40, 6)
    core.feed(b"\x1b[53mo\x1b[0;8mhidden")
    runs = look(core).rows[0]
    assert runs[0].style.overline
    assert runs[1].style.invisible
    core.close()


def test_the_cursor_stands_on_the_first_half_of_a_wide_character() -> None:
    core = GhosttyCore(40, 6)
    core.feed("日本\x1b[1;4H".encode())
    frame = look(core)
    check(frame)
    assert at(frame) == (2, 0)
    core.close()


def test_an_unknown_layout_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pyghostty, "__version__", "0.2.0")
    with pytest.raises(TerminalUnavailable, match="Cannot show") as caught:
        GhosttyCore()
    assert "0.1.3" in caught.value.message
    monkeypatch.undo()
    bits: dict[str, Any] = {**ghostty_cells.CELL_BITS, "style_id": (27, 16)}
    monkeypatch.setattr(ghostty_cells, "CELL_BITS", bits)
    with pytest.raises(TerminalUnavailable):
        GhosttyCore()


def test_links_cannot_crash_a_resize() -> None:
    """Regression: the library crashed when rows with many links were wrapped anew."""
    core = GhosttyCore(40, 10, scrollback=200)
    core.feed(b"g\x1b[9999b")
    core.resize(90, 55)
    for start in (b"\x1b]", b"\x1b\x00]\x00", b"\x1b[\x9d", b"\x1bP\x9d\x00"):
        core.feed((start + b"8;;f\x07x") * 500 + b"\x1b[?6h\x88")
        core.resize(121, 27)
        core.resize(90, 55)
    check(look(core))
    core.close()
