"""How busy a host is: read while somebody looks, and never guessed."""

from __future__ import annotations

from typing import Any

import pytest

from tuivm.backend.nodestats import NodeStats, busy, in_use
from tuivm.core.api import Focus

BEFORE = {"user": 100, "kernel": 100, "idle": 700, "iowait": 100}


@pytest.mark.parametrize(
    ("before", "now", "percent"),
    [
        (BEFORE, {"user": 150, "kernel": 125, "idle": 800, "iowait": 125}, 38.0),
        (BEFORE, BEFORE, None),
        (None, BEFORE, None),
        (BEFORE, None, None),
        (None, {"utilization": 42}, 42.0),
        (BEFORE, {"user": 150, "kernel": 125}, None),
    ],
)
def test_busy(before: Any, now: Any, percent: float | None) -> None:
    assert busy(before, now) == percent


def test_caches_are_not_in_use() -> None:
    gib = 1 << 20  # in KiB
    assert in_use({"total": 16 * gib, "free": gib, "buffers": gib, "cached": 2 * gib}) == 12 << 30
    assert in_use({"total": 16 * gib}) is None
    assert in_use(None) is None


def test_it_is_asked_only_while_somebody_looks() -> None:
    told: list[dict[str, Any]] = []
    task = NodeStats(2.0, told.append)
    assert task.due() is None
    task.focus(Focus(hosts=True))
    for now, cpu in ((10.0, BEFORE), (12.0, {**BEFORE, "user": 200})):
        assert (task.due() or 0.0) <= now
        task.begin(now)
        task.done((cpu, None), now)
    assert task.due() == 14.0
    task.focus(Focus())
    assert task.due() is None
    unknown = {"cpu_used": None, "memory_used": None}
    assert told == [unknown, {"cpu_used": 100.0, "memory_used": None}, unknown]
    task.focus(Focus(hosts=True))
    task.done((None, None), 20.0)
    assert task.due() == float("inf"), "a driver without is asked once"
