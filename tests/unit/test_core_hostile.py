"""A guest that means harm cannot crash, freeze, bloat or speak through either core."""

from __future__ import annotations

import re
import resource
import time
from collections.abc import Iterator
from typing import Any

import pytest
from avt import Line, Vt

from tests.unit.hostile import HOSTILE
from tests.unit.terminals import CORES, check, clean, look, make, screen
from tuivm.core.avt import AvtCore
from tuivm.core.terminal import TerminalCore

PIECE = 64 * 1024
"""What a session gives a core at once."""
KERNEL_LOG = b"\x1b[32m[   12.345678]\x1b[0m virtio_net virtio0: link becomes ready\r\n" * 1000
ANSWERS = re.compile(
    rb"(?:\x1b\[[?0-9;]*(?:R|n|\$y)|\x1b\[[?>][0-9;]*c|\x1bP!\|0{8}\x1b\\|\x1bP>\|libghostty\x1b\\"
    rb"|\x1bP[01]\$r[0-9;:]*[mr q\"p]*\x1b\\|\x1b\[\?[0-9]+u"
    rb"|\x1b\][0-9;]+;rgb:[0-9a-f/]+(?:\x07|\x1b\\))*"
)
"""All that may ever be answered: numbers and names of ours, never what the guest wrote."""


@pytest.fixture(params=CORES)
def core(request: pytest.FixtureRequest) -> Iterator[TerminalCore]:
    made = make(request.param, 80, 24, 10_000)
    yield made
    made.close()


def seconds(core: TerminalCore, data: bytes) -> float:
    """The longest that a piece of it took, in seconds of this thread."""
    worst = 0.0
    for start in range(0, len(data), PIECE):
        began = time.thread_time()
        core.feed(data[start : start + PIECE])
        worst = max(worst, time.thread_time() - began)
    return worst


def memory() -> int:
    """The most that this process ever used, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile(core: TerminalCore, kind: str) -> None:
    normal = seconds(core, KERNEL_LOG[:PIECE])
    before = memory()
    assert seconds(core, HOSTILE[kind]) < max(1.0, 400 * normal)
    frame = look(core)
    check(frame)
    core.scroll(-500)
    check(look(core))
    core.scroll_to_bottom()
    assert (frame.columns, frame.lines) == (80, 24)
    assert core.title.isprintable()
    assert len(core.title) <= 128
    assert all(clean(text) for text in core.row_texts(0, 200))
    replies = core.take_replies()
    assert len(replies) <= 1 << 17
    assert ANSWERS.fullmatch(replies), replies[:200]
    assert memory() - before < 64
    core.feed(b"\x18\x1b\\\x1bcalive")
    assert screen(core)[0] == "alive"


class Panic(BaseException):
    """Like that of Rust's bindings, not an ``Exception``."""


class Fragile:
    """The library, but that it breaks down when it is told to."""

    made = 0

    def __init__(self, columns: int, lines: int, scrollback: int) -> None:
        self._vt = Vt(columns, lines, scrollback)
        self._broken = False
        type(self).made += 1

    def feed_str(self, text: str) -> tuple[list[int], list[Line]]:
        if "BOOM" in text or self._broken:
            self._broken = "FATAL" in text
            raise Panic
        return self._vt.feed_str(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._vt, name)

    def __getitem__(self, index: int) -> Line:
        return self._vt[index]


def fragile(columns: int = 40, lines: int = 6) -> AvtCore:
    Fragile.made = 0
    return AvtCore(columns, lines, make=Fragile)  # type: ignore[arg-type]


def test_a_panic_costs_no_line_and_is_told() -> None:
    core = fragile()
    core.feed(b"".join(b"line %d\r\n" % n for n in range(20)) + b"on the screen")
    look(core)
    core.feed(b"BOOM")
    assert Fragile.made == 2
    check(look(core))
    core.feed(b"after")
    text = core.text()
    assert "line 0\n" in text
    assert text.index("line 19") < text.index("on the screen") < text.index("built anew")
    assert text.endswith("after")


def test_a_panic_keeps_what_the_guest_has_set_up() -> None:
    core = fragile()
    core.feed(b"shell\x1b[?1;2004;1000;1006h\x1b[?25l\x1b]2;title\x07\x1b[?1049hBOOM")
    core.feed(b"x")
    assert core.alternate
    assert core.title == "title"
    assert core.key("up", None) == b"\x1bOA"
    assert core.paste("x") == b"\x1b[200~x\x1b[201~"
    assert core.wheel(True, 0, 0) == b"\x1b[<64;1;1M"
    cursor = look(core).cursor
    assert cursor is not None
    assert not cursor.visible
    core.feed(b"\x1b[?1049l")
    assert "built anew" in core.text()


def test_panics_without_end_do_not_fill_the_scrollback_with_notes() -> None:
    core = fragile()
    for _ in range(200):
        core.feed(b"BOOM\x1b[6n")
    assert core.text().count("built anew") < 10
    assert core.take_replies()
    core.feed(b"\r\nalive")
    assert "alive" in core.text()


def test_a_panic_while_it_is_built_anew_is_survived() -> None:
    core = fragile()
    core.feed(b"before\r\nBOOM FATAL")
    core.feed(b"between")
    core.feed(b"\r\nalive")
    assert "alive" in core.text()


def test_a_panic_while_rows_are_read_or_the_grid_changes() -> None:
    class Unreadable(Fragile):
        unreadable = False

        def __getitem__(self, index: int) -> Line:
            if self.unreadable:
                raise Panic
            return super().__getitem__(index)

        def resize(self, columns: int, lines: int) -> tuple[list[int], list[Line]]:
            if columns == 66:
                raise Panic
            return self._vt.resize(columns, lines)

    core = AvtCore(40, 6, make=Unreadable)  # type: ignore[arg-type]
    core.feed(b"before")
    Unreadable.unreadable = True
    core.capture()
    Unreadable.unreadable = False
    check(look(core))
    core.feed(b"after")
    assert "after" in core.text()
    core.resize(66, 7)
    check(look(core))
    core.feed(b"again")
    frame = look(core)
    assert (frame.columns, frame.lines) == (66, 7)
    assert "again" in core.text()


def test_a_key_interrupt_is_no_panic() -> None:
    class Interrupted(Fragile):
        def feed_str(self, text: str) -> tuple[list[int], list[Line]]:
            raise KeyboardInterrupt

    core = AvtCore(make=Interrupted)  # type: ignore[arg-type]
    with pytest.raises(KeyboardInterrupt):
        core.feed(b"x")


def test_what_looks_like_the_librarys_own_notation_is_only_text() -> None:
    core = make("avt", 40, 4)
    lines = ['\\u{1b}[31m red?"', "ends with an arrow ⏎", '"', "\\", "⏎"]
    core.feed("\r\n".join(lines[:3]).encode())
    assert screen(core)[:3] == lines[:3]
    core.feed(b"\r\n" + "\r\n".join(lines[3:]).encode() + b"\r\n" * 4)
    assert core.row_texts()[:5] == lines
    assert all(run.style.fg < 0 for runs in look(core).rows.values() for run in runs)
    core.feed(b"\x1bc" + b"x" * 39 + "⏎\r\nnext".encode())
    assert core.text().endswith("x⏎\nnext")
