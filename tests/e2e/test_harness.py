"""The harness itself: what it says of a program is true."""

from __future__ import annotations

import sys

from tests.e2e.conftest import Launch
from tests.e2e.terminal import forbidden


def test_it_sees_text_modes_and_exit_codes(launch: Launch) -> None:
    script = "printf '\\033[?1049h\\033[?25l\\033[2;3Hhello'; read line; exit 7"
    terminal = launch(argv=["/bin/sh", "-c", script])
    terminal.wait_for("hello")
    assert terminal.lines[1] == "  hello"
    assert terminal.modes() == ["alternate screen"]
    assert not terminal.cursor_shown
    terminal.press("enter")
    assert terminal.wait_exit() == 7


def test_a_frame_is_seen_whole_or_not_at_all(launch: Launch) -> None:
    script = (
        "printf 'old\\033[?20'; read line; printf '26h\\r'; read line;"
        "printf 'new half'; read line; printf '\\033[?2026l'; read line; printf '\\033[?2026hend'"
    )
    terminal = launch(argv=["/bin/sh", "-c", f"stty -echo; {script}"])
    terminal.wait_for("old")
    terminal.press("enter", "enter")
    terminal.wait(lambda: b"new half" in terminal.raw, "half a frame")
    assert terminal.lines[0] == "old"
    terminal.press("enter")
    terminal.wait_for("new half")
    terminal.press("enter")
    terminal.wait_exit()
    assert "end" in terminal.text


def test_a_slow_line_slows_the_program(launch: Launch) -> None:
    script = "import sys; sys.stdout.write('x' * 3000); sys.stdout.flush()"
    terminal = launch(argv=[sys.executable, "-c", script], bytes_per_second=2000)
    assert terminal.wait(lambda: len(terminal.raw) >= 3000, "all bytes", 20) > 1


def test_hanging_up_ends_the_program(launch: Launch) -> None:
    terminal = launch(argv=["/bin/sh", "-c", "echo on; read line"])
    terminal.wait_for("on")
    terminal.hang_up()
    assert terminal.wait_exit() != 0


def test_forbidden_finds_what_must_not_reach_a_terminal() -> None:
    assert not forbidden(b"\x1b[31mred\x1b[0m \x1b]0;title\x07 \x1bP+q\x1b\\ caf\xc3\xa9\r\n\t")
    assert forbidden(b"\x1b]52;c;aGk=\x07") == ["OSC 52"]
    for bad in ("\x07", "\x7f", "\x9b", "\u202e", "\u200b", "\u2028"):
        assert len(forbidden(f"a{bad}b".encode())) == 1
    assert forbidden(b"a\x9bb")[0].startswith("not UTF-8")
