"""What the benchmarks measure with: medians, percentiles, CPU time, memory, launches."""

from __future__ import annotations

import os
import random
import re
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.conftest import clean_environment
from tests.e2e.terminal import Terminal

TICKS = os.sysconf("SC_CLK_TCK")
WIDE = (120, 40)


def percentile(values: Sequence[float], percent: float) -> float:
    """The value below which ``percent`` of the values lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def best_of(runs: int, measure: Callable[[], float]) -> float:
    """The median of some runs: the machine is shared, the fastest one flatters."""
    return statistics.median(measure() for _ in range(runs))


def cpu_seconds(pid: int) -> float:
    """CPU time that a process has used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def memory_mib(pid: int) -> float:
    """Resident memory, shared pages by their share (PSS)."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    raise OSError("no Pss in smaps_rollup")


@contextmanager
def opened(
    argv: Sequence[str],
    size: tuple[int, int] = WIDE,
    *,
    bytes_per_second: float | None = None,
) -> Iterator[Terminal]:
    """A program in a pty, in an environment of its own; a slow line where it is asked for."""
    with (
        tempfile.TemporaryDirectory(prefix="tuivm-bench.") as home,
        Terminal(
            argv, size=size, env=clean_environment(Path(home)), bytes_per_second=bytes_per_second
        ) as terminal,
    ):
        yield terminal


def launch_seconds(argv: Sequence[str], shown: str | Callable[[str], bool]) -> float:
    """From the start of a program until its screen has what it should."""
    start = time.monotonic()
    with opened(argv) as terminal:
        if isinstance(shown, str):
            terminal.wait_for(shown, 60)
        else:
            terminal.wait(lambda: shown(terminal.text), "the full screen", 60)
        return time.monotonic() - start


def command_seconds(argv: Sequence[str]) -> float:
    """The time that a command takes from start to end."""
    start = time.monotonic()
    subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True)
    return time.monotonic() - start


def over(terminal: Terminal, seconds: float) -> tuple[float, int]:
    """CPU seconds used and bytes written by a program within a time."""
    cpu, written = cpu_seconds(terminal.pid), len(terminal.raw)
    time.sleep(seconds)
    return cpu_seconds(terminal.pid) - cpu, len(terminal.raw) - written


MARKED = re.compile(rb"\d+ marked")


def mark_latency(terminal: Terminal, times: int) -> list[float]:
    """Milliseconds from marking a row until the summary counts it, at any moment of a tick.

    For lists that never rest: the count tells the answer from all else that changes.
    """
    moments = random.Random(1)
    delays = []
    for _ in range(times):
        time.sleep(moments.uniform(0.05, 0.3))
        before = len(terminal.raw)
        start = time.perf_counter()
        terminal.press("space")
        terminal.wait(lambda: MARKED.search(terminal.raw, before), "count of marks", 5)  # noqa: B023
        delays.append((time.perf_counter() - start) * 1000)
    return delays


def key_latency(terminal: Terminal, key: str, times: int) -> tuple[list[float], list[int]]:
    """Milliseconds from each press until the first byte of its answer, and the bytes of it.

    The screen's own second-by-second changes are a different stream: only an answer that
    begins within half a second counts, and a press waits for silence.
    """
    delays, sizes = [], []
    for _ in range(times):
        terminal.wait_quiet(0.03, 30)
        before = len(terminal.raw)
        start = time.perf_counter()
        terminal.press(key)
        terminal.wait(lambda: len(terminal.raw) > before, "answer to a key", 5)  # noqa: B023
        delays.append((time.perf_counter() - start) * 1000)
        terminal.wait_quiet(0.02, 5)
        sizes.append(len(terminal.raw) - before)
    return delays, sizes
