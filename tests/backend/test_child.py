"""A program in a pane: its terminal, its end, and that nothing of it stays behind."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tuivm.backend import child as child_module
from tuivm.backend.child import Child, environment
from tuivm.core.api import ConsoleState
from tuivm.core.model import ChildExit

SH = "/bin/sh"


class Sink:
    """Keeps what a child says."""

    def __init__(self) -> None:
        self.data = b""
        self.states: list[ConsoleState] = []
        self.detail = ""
        self.waiting = 0

    def console_bytes(self, data: bytes) -> None:
        self.data += data

    def console_state(self, state: ConsoleState, detail: str) -> None:
        self.states.append(state)
        self.detail = detail

    @property
    def lines(self) -> list[str]:
        return self.data.decode().replace("\r", "").splitlines()


Run = Callable[..., tuple[Child, Sink]]


@pytest.fixture
def run() -> Iterator[Run]:
    made: list[Child] = []

    def start(*argv: str, columns: int = 80, lines: int = 24) -> tuple[Child, Sink]:
        sink = Sink()
        made.append(Child(argv, sink, columns=columns, lines=lines))
        return made[-1], sink

    yield start
    for child in made:
        child.close()
    for child in made:
        child.thread.join(60)
        assert not child.thread.is_alive()


def until(condition: Callable[[], object], seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.005)


def finished(child: Child) -> ChildExit:
    until(lambda: child.state in (ConsoleState.ENDED, ConsoleState.FAILED))
    assert child.exit is not None
    return child.exit


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return b"Z" not in Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[0]


def test_it_has_a_terminal_of_its_own_size(run: Run) -> None:
    child, sink = run(SH, "-c", "tty; stty size; echo $TERM; echo $COLORTERM", lines=31, columns=97)
    assert finished(child) == ChildExit(0)
    assert sink.lines[0].startswith("/dev/pts/")
    assert sink.lines[1:] == ["31 97", "xterm-256color", "truecolor"]
    assert sink.states == [ConsoleState.ATTACHED, ConsoleState.ENDED]
    assert sink.detail == "exit code 0"


def test_words_are_never_split_or_expanded(run: Run) -> None:
    words = ["-n", "a b", "$HOME", "`id`", "'\"\\", "*", "", "ü", "--help"]
    code = "import sys; print(sys.argv[1:])"
    child, sink = run(sys.executable, "-c", code, *words)
    finished(child)
    assert sink.lines == [repr(words)]


def test_a_program_without_words_and_with_a_hostile_path(run: Run, tmp_path: Path) -> None:
    program = tmp_path / "a 'b\" \\c"
    program.write_text("#!/bin/sh\necho started\n")
    program.chmod(0o755)
    child, sink = run(str(program))
    assert finished(child).code == 0
    assert sink.lines == ["started"]


def test_what_is_typed_reaches_it_and_a_new_size_is_told(run: Run) -> None:
    child, sink = run(SH, "-c", "trap 'stty size' WINCH; echo go; read x; read x; echo got:$x")
    until(lambda: "go" in sink.lines)
    child.resize(133, 44)
    until(lambda: "44 133" in sink.lines)
    child.write(b"one\rtwo\r")
    assert finished(child).code == 0
    assert sink.lines[-1] in ("got:two", "got:one")


@pytest.mark.parametrize("code", [0, 1, 255])
def test_the_exit_code_is_told(run: Run, code: int) -> None:
    child, sink = run(SH, "-c", f"exit {code}")
    assert finished(child) == ChildExit(code)
    assert sink.detail == f"exit code {code}"


def test_a_signal_is_told_by_its_name(run: Run) -> None:
    child, sink = run(SH, "-c", "kill -KILL $$")
    assert finished(child) == ChildExit(None, "SIGKILL")
    assert sink.detail == "ended by SIGKILL"


def test_all_that_was_printed_before_the_end_is_there(run: Run) -> None:
    child, sink = run(SH, "-c", "i=0; while [ $i -lt 3000 ]; do echo line $i; i=$((i+1)); done")
    finished(child)
    assert sink.lines == [f"line {n}" for n in range(3000)]


def test_what_is_typed_before_it_runs_waits_for_it(run: Run) -> None:
    child, sink = run(SH, "-c", "read word; echo got $word")
    child.write(b"early\n")
    assert finished(child) == ChildExit(0)
    assert "got early" in sink.lines


def test_what_is_not_installed_is_said(run: Run) -> None:
    child, sink = run("no-such-program-anywhere", "-x")
    until(lambda: child.state is ConsoleState.FAILED)
    assert sink.detail == "there is no no-such-program-anywhere on this machine"
    child.write(b"x")
    child.resize(10, 10)


def test_closing_ends_it_and_all_of_its_group(run: Run) -> None:
    child, sink = run(SH, "-c", "sleep 1000 & echo $$ $!; wait")
    until(lambda: sink.data.endswith(b"\n"))
    pids = [int(word) for word in sink.lines[0].split()]
    began = time.monotonic()
    child.close()
    child.close()
    child.thread.join(60)
    assert time.monotonic() - began < 20
    until(lambda: not any(alive(pid) for pid in pids))
    assert sink.states[-1] is ConsoleState.CLOSED


def test_what_ignores_the_hang_up_is_killed(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child_module, "GRACE", 0.1)
    child, sink = run(SH, "-c", "trap '' HUP TERM INT; echo $$; while :; do sleep 0.01; done")
    until(lambda: sink.data.endswith(b"\n"))
    child.close()
    child.thread.join(60)
    assert not alive(int(sink.lines[0]))
    assert child.exit == ChildExit(None, "SIGKILL")


def test_one_in_the_background_keeps_no_pane_open(run: Run) -> None:
    child, sink = run(SH, "-c", "trap '' HUP; (trap '' HUP; sleep 1000) & echo $!")
    finished(child)
    pid = int(sink.lines[0])
    os.kill(pid, signal.SIGKILL)


def test_signals_that_python_ignores_work_in_it(run: Run) -> None:
    child, sink = run(SH, "-c", "yes | head -1; echo done")
    finished(child)
    assert sink.lines == ["y", "done"]


def test_its_keys_work_though_tuivm_was_started_without_signals(run: Run) -> None:
    """As by nohup, or by a script with ``&``; some who start programs block them, too."""
    ours = (signal.SIGINT, signal.SIGQUIT, signal.SIGTSTP, signal.SIGHUP)
    before = {one: signal.signal(one, signal.SIG_IGN) for one in ours}
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, ours)
    try:
        child, sink = run(SH, "-c", "grep -E 'Sig(Ign|Blk)' /proc/self/status; exec cat")
        until(lambda: sink.data.count(b"\n") == 2)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        for one, handler in before.items():
            signal.signal(one, handler)
    assert [int(line.split()[1], 16) for line in sink.lines] == [0, 0]
    child.write(b"\x03")
    assert finished(child) == ChildExit(None, "SIGINT")


def test_a_flood_waits_for_a_slow_sink(run: Run) -> None:
    child, sink = run("yes", "flood")
    until(lambda: len(sink.data) > 1000)
    sink.waiting = child_module.MAX_BEHIND + 1
    time.sleep(0.05)  # what was under way arrives
    before = len(sink.data)
    time.sleep(0.05)
    assert len(sink.data) == before
    sink.waiting = 0
    until(lambda: len(sink.data) > before)
    child.write(b"\x03")
    assert finished(child) == ChildExit(None, "SIGINT")


def test_one_that_reads_nothing_stops_nobody(run: Run) -> None:
    child, _sink = run(SH, "-c", "sleep 1000")
    until(lambda: child.state is ConsoleState.ATTACHED)
    began = time.monotonic()
    for _ in range(50):
        child.write(b"x" * 100_000)
    assert time.monotonic() - began < 20


def test_nothing_is_left_behind_by_many(run: Run) -> None:
    def count() -> int:
        return len(os.listdir("/proc/self/fd"))

    child, _sink = run(SH, "-c", "exit")
    child.thread.join(60)
    before, threads = count(), threading.active_count()
    for _ in range(20):
        child, _sink = run(SH, "-c", "exit")
        child.thread.join(60)
    assert count() == before
    assert threading.active_count() <= threads


def test_a_shell_of_virsh(run: Run) -> None:
    child, sink = run("virsh", "-c", "test:///default")
    until(lambda: b"virsh # " in sink.data)
    child.write(b"list --all\r")
    until(lambda: b"running" in sink.data)
    child.write(b"quit\r")
    assert finished(child).code == 0


def test_the_environment_is_that_of_the_pane() -> None:
    outer = {"PATH": "/bin", "TERM": "screen", "SSH_ASKPASS": "x", "TMUX": "y", "COLUMNS": "9"}
    assert environment(outer) == {
        "PATH": "/bin",
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
    }
