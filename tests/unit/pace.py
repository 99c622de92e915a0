"""How long something takes beside a piece of plain Python on the same machine."""

from __future__ import annotations

import time
from collections.abc import Callable


def _plain() -> None:
    for _ in range(2):
        {name: name for name in sorted(f"vm-{number * 7919 % 10_000}" for number in range(10_000))}


def cpu_seconds(work: Callable[[], object]) -> float:
    """Processor time of one run, of this whole process."""
    started = time.process_time()
    work()
    return time.process_time() - started


def times_plain(work: Callable[[], object], runs: int = 3) -> float:
    """The best of some runs, as a multiple of sorting 10,000 names twice into a dict."""
    plain = min(cpu_seconds(_plain) for _ in range(5))
    return min(cpu_seconds(work) for _ in range(runs)) / plain
