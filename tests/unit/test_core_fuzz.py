"""Both cores, with all that stands before and behind them, on nonsense from a fixed seed."""

from __future__ import annotations

import random
import time

import pytest

from tests.unit.hostile import HOSTILE
from tests.unit.terminals import CORES, check, clean, look, make
from tests.unit.test_core_hostile import ANSWERS, memory
from tuivm.core.find import Find

SEEDS = (
    b"\x1b[31m", b"\x1b[1;38;5;200m", b"\x1b[48;2;1;2;3m", b"\x1b[0m", b"\x1b[?1049h",
    b"\x1b[?1049l", b"\x1b[?47h", b"\x1b[?1047l", b"\x1b[!p", b"\x1bc", b"\x1b[?3h", b"\x1b[?40h",
    b"\x1b[6n", b"\x1b[?6n", b"\x1b[c", b"\x1b[?2004$p", b"\x1b]52;c;", b"\x1b]0;", b"\x1b]2;x\x07",
    b"\x07", b"\x1b\\", b"\x1bP", b"\x1bP$qm", b"\x1b_G", b"\x1b[1;1;1;1", b"\x9b", b"\xc2\x9b",
    b"\xe2\x80\xae", b"\xcc\x81" * 9, b"\xe4\xb8\xad", b"\xe4\xb8\xad\xe5\x9c\x8b\x08", b"\xf0\x9f",
    b"\x1b[999999999D", b"\x1b[2147483647b", b"\x1b[65535S", b"\x1b[T", b"\x1b[?69h\x1b[5;10s",
    b"\x1b[10L", b"\x1b[10M", b"\x1b[3P", b"\x1b[3@", b"\x1b[X", b"\x1b#8", b"\x1b[?2026h",
    b"\r\n", b"\r\n" * 30, b"\x00", b"\x1b[?7l", b"\x1b[?7h", b"\x1b[4h", b"\x1b[4l", b"\x1b[20h",
    b"\x1b[2;3r", b"\x1b[r", b"\x1b[?6h", b"\x1b[?6l", b"\x1bM", b"\x1bD", b"\x1bE", b"\x1bH",
    b"\x1b[3g", b"\t", b"\x0e\x1b)0", b"\x0f", b"\x1b(0", b"\x1b(B", b"\x1b[?1000h", b"\x1b[?1h",
    b"\x7f", b"\x18", b"\x1b7", b"\x1b8", b"\x1b[s", b"\x1b[u", b"\x1b[2J", b"\x1b[3J", b"\x1b[K",
    b"\x1b[1K", b"\x1b[H", b"\x1b[5;39H", b"\x1b[999;999H", b"plain text ", b"x" * 90, b"\x08",
    b"\x1b]8;;f\x07x", b"\x1b]8;id=1;http://x\x1b\\link", b"\x9d8;;g\x07", b"\x1b]", b"8",
    "👩\u200d👩".encode(), "e\u0301\u0308\u0323".encode(), b"\x1b[?2027h",
    b"\x1b[1$}", b"\x1b[0$}", b"\x1b[8;99;99t", b"\\u{1b}", b'"', b"\xe2\x8f\x8e",
)  # fmt: skip
"""What the nonsense is made of, but for one third of random bytes."""
ROUNDS = 2000


def nonsense(dice: random.Random) -> bytes:
    """Some pieces, cut and twisted here and there."""
    pieces = [
        dice.choice(SEEDS) if dice.random() < 0.66 else dice.randbytes(dice.randrange(1, 24))
        for _ in range(dice.randrange(1, 16))
    ]
    data = bytearray(b"".join(pieces))
    if data and dice.random() < 0.3:
        data[dice.randrange(len(data))] = dice.randrange(256)
    if dice.random() < 0.1:
        del data[dice.randrange(len(data) + 1) :]
    if dice.random() < 0.02:
        whole = dice.choice(list(HOSTILE.values()))
        start = dice.randrange(len(whole))
        data += whole[start : start + 4000]
    return bytes(data)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("name", CORES)
def test_nothing_breaks_and_nothing_dirty_comes_out(name: str, seed: int) -> None:
    dice = random.Random(seed)
    core = make(name, 40, 10, 200)
    before = memory()
    for _ in range(ROUNDS):
        data = nonsense(dice)
        cut = dice.randrange(len(data) + 1)
        began = time.thread_time()
        core.feed(data[:cut])
        core.feed(data[cut:])
        assert time.thread_time() - began < 1.0, data[:200]
        roll = dice.random()
        if roll < 0.05:
            core.resize(dice.randrange(0, 140), dice.randrange(0, 60))
        elif roll < 0.1:
            core.scroll(dice.randrange(-300, 300))
        elif roll < 0.12:
            Find(core.row_texts(), "x")
            assert clean(core.text().replace("\n", ""))
        if roll < 0.3:
            core.capture()
            check(core.frame(full=roll < 0.05))
            assert ANSWERS.fullmatch(core.take_replies())
            assert core.title.isprintable()
            assert core.take_bells() >= 0
            core.key("up", None)
            core.wheel(True, 3, 3)
    assert memory() - before < 64
    core.resize(40, 10)
    core.feed(b"\x18\x1b\\\x1bcalive")
    core.scroll_to_bottom()
    assert "".join(run.text for run in look(core).rows[0]).startswith("alive")
    core.close()
