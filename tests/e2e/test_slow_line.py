"""A terminal behind a line of 10 kB a second: a key is answered soon, and little is written."""

from __future__ import annotations

import sys

from tests.e2e.conftest import Launch
from tests.e2e.terminal import SCALE, Terminal

LINE = 10_000
"""Bytes a second, as a bad mobile connection has them."""
FRAME = b"\x1b[?2026h"
QUESTION = b"\x1b[?2026$p"
CLEARED = b"\x1b[2J"
FRAMES = 12
"""Frames of the unhindered program in which the bytes of both are counted: the same news."""


def changing(*more: str) -> list[str]:
    """1,000 VMs whose numbers all change once a second."""
    return [sys.executable, "-m", "tests.bench.synthetic", "1000", "1000", *more]


def share(tuivm: Terminal, free: Terminal) -> float:
    """What one writes, as a part of what another one writes in the same time.

    Side by side, so that a busy machine slows both; and over so many frames of the other
    one's that a single one more or less does not count.
    """
    begun, others, frames = len(tuivm.raw), len(free.raw), free.raw.count(FRAME)
    free.wait(lambda: free.raw.count(FRAME) >= frames + FRAMES, f"{FRAMES} frames", 120)
    return (len(tuivm.raw) - begun) / (len(free.raw) - others)


def marked(tuivm: Terminal, count: int) -> float:
    """Mark a row; the seconds until the summary says so."""
    tuivm.press("space")
    return tuivm.wait_for(f"{count} marked")


def test_a_slow_line_is_left_free_for_the_keys(launch: Launch) -> None:
    slow = launch(argv=changing(), size=(120, 40), bytes_per_second=LINE)
    slow.wait_for("vm-00010")
    delays = sorted(marked(slow, number) for number in range(1, 7))
    assert delays[len(delays) // 2] < 1.0 * SCALE


def test_a_line_that_is_too_slow_gets_fewer_frames(launch: Launch) -> None:
    fast = launch(argv=changing(), size=(120, 40))
    slow = launch(argv=changing(), size=(120, 40), bytes_per_second=LINE // 4)
    for tuivm in (fast, slow):
        tuivm.wait_for("vm-00010")
    assert share(slow, fast) < 0.7


def test_no_answer_of_the_terminal_is_left_for_the_shell(launch: Launch) -> None:
    script = '"$@"; IFS= read -rs -t 1 -n 99 rest; printf "left<%q>" "$rest"; sleep 30'
    argv = ["bash", "-c", script, "sh", *changing()]
    tuivm = launch(argv=argv, size=(120, 40), bytes_per_second=2 * LINE)
    tuivm.wait_for("vm-00010")
    # The first frames may be small: their answers are there at once.
    begun = tuivm.raw.count(FRAME)
    tuivm.wait(lambda: tuivm.raw.count(FRAME) > begun + 1, "the begin of a frame")
    assert tuivm.raw.rfind(QUESTION) < tuivm.raw.rfind(FRAME), "the question is under way"
    tuivm.press("ctrl+q")
    tuivm.wait_for("left<''>")


def test_low_bandwidth_writes_a_fraction(launch: Launch) -> None:
    usual = launch(argv=changing(), size=(120, 40))
    tuivm = launch(argv=changing("low"), size=(120, 40))
    for one in (usual, tuivm):
        one.wait_for("vm-00010")
    assert "▁" not in tuivm.text
    assert share(tuivm, usual) < 0.7


def test_what_opens_writes_itself_and_no_more(launch: Launch) -> None:
    argv = [sys.executable, "-m", "tests.bench.synthetic", "1000", "0"]
    tuivm = launch(argv=argv, size=(120, 40))
    tuivm.wait_for("vm-00010", 30)
    for key, shown, most in (
        ("/", "state:running", 700),
        (":", "tab completes", 700),
        ("b", "Group by", 2_000),
        (",", "Sort by", 4_000),
    ):
        tuivm.wait_quiet()
        before = len(tuivm.raw)
        tuivm.press(key)
        tuivm.wait_for(shown)
        tuivm.wait_quiet()
        assert len(tuivm.raw) - before < most, key
        tuivm.press("escape")
        tuivm.wait_gone(shown)
        tuivm.wait_quiet()
        assert len(tuivm.raw) - before < 2 * most, f"{key} and back"


def test_the_screen_is_what_a_redraw_makes_it(launch: Launch) -> None:
    argv = [sys.executable, "-m", "tests.bench.synthetic", "100", "0", "grouped"]
    tuivm = launch(argv=argv, size=(100, 30))
    tuivm.wait_for("by tag")
    keys = "j j space z G k ? escape , escape b n | escape V escape 4 6 1 : escape / 0 1"
    for key in keys.split():
        tuivm.press(key)
        tuivm.wait_quiet()
        shown = tuivm.lines
        tuivm.press("ctrl+l")
        tuivm.wait(lambda: -1 < tuivm.raw.rfind(CLEARED) < tuivm.raw.rfind(FRAME), "a redraw")
        tuivm.wait_quiet()
        assert shown == tuivm.lines, key
