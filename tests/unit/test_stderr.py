"""Nobody but the screen reaches the terminal while it is open."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tuivm.stderr import LOG_LIMIT, guarded, open_log, terminal_fd

PROGRAM = """
import os, subprocess, sys
from pathlib import Path
from tuivm.stderr import guarded, terminal_fd
assert terminal_fd() == 2
try:
    with guarded(Path(sys.argv[1])):
        os.write(2, b"from a library\\n")
        subprocess.run(["sh", "-c", "echo from a child >&2"])
        print("from python", file=sys.stderr)
        print("the screen", file=sys.__stderr__)
        os.write(terminal_fd(), b"the last resort\\n")
        assert terminal_fd() != 2
        if len(sys.argv) > 2:
            raise ValueError("a defect")
except ValueError:
    pass
assert terminal_fd() == 2
os.write(2, b"afterwards\\n")
print("and python", file=sys.stderr)
print("as ever", file=sys.__stderr__)
"""


@pytest.mark.parametrize("defect", [[], ["defect"]])
def test_only_the_screen_reaches_the_terminal(tmp_path: Path, defect: list[str]) -> None:
    log = tmp_path / "state" / "tuivm.log"
    result = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(log), *defect],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert result.stderr.splitlines() == [
        "the screen", "the last resort", "afterwards", "and python", "as ever",
    ]  # fmt: skip
    assert log.read_text().splitlines() == ["from a library", "from a child", "from python"]
    assert log.stat().st_mode & 0o777 == 0o600


def test_a_log_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    wall = tmp_path / "file"
    wall.write_text("")
    fd = open_log(wall / "tuivm.log")
    try:
        assert os.fstat(fd).st_rdev == os.stat(os.devnull).st_rdev
    finally:
        os.close(fd)


def test_a_long_log_is_set_aside(tmp_path: Path) -> None:
    log = tmp_path / "tuivm.log"
    log.write_bytes(b"x" * (LOG_LIMIT + 1))
    os.close(open_log(log))
    assert log.stat().st_size == 0
    assert (tmp_path / "tuivm.log.1").stat().st_size == LOG_LIMIT + 1


def test_the_guard_in_this_process(tmp_path: Path) -> None:
    before = (sys.stderr, sys.__stderr__, os.fstat(2).st_ino)
    with guarded(tmp_path / "log"):
        assert sys.stderr is not before[0]
        assert os.fstat(terminal_fd()).st_ino == before[2]
        os.write(2, b"stray")
    assert (sys.stderr, sys.__stderr__, os.fstat(2).st_ino) == before
    assert (tmp_path / "log").read_text() == "stray"
