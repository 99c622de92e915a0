"""How often numbers are read, and of whom."""

from __future__ import annotations

import time
from functools import partial
from typing import cast

from tests.backend.nodes import uuid_of
from tuivm.backend.inventory import Inventory, Seen
from tuivm.backend.rows import Rows
from tuivm.backend.sampler import Sampler
from tuivm.backend.stats import Sample, Sweep, Swept
from tuivm.backend.task import Timing
from tuivm.core.api import Focus
from tuivm.core.model import DomainKey, State, Stats

SHOWN, OTHER = uuid_of(1), uuid_of(2)


class Read:
    """A sampler of two running domains, one of them on screen, and what it told."""

    def __init__(self, latency: float) -> None:
        rows = Rows("kv", lambda changed: None)
        seen = [Seen(uuid, uuid, 1, State.RUNNING, "") for uuid in (SHOWN, OTHER)]
        rows.replace_all(Inventory(seen, {}))
        self.told: dict[DomainKey, Stats | None] = {}
        self.sampler = Sampler(
            "kv", rows, Timing(), self.told.update, stuck=lambda: 0, latency=lambda: latency
        )
        self.sampler.focus(Focus(visible=(DomainKey("kv", SHOWN),)))

    def sweep(self, cost: float) -> Sweep:
        """Let one be read that takes so long; returns what was to be read."""
        now = max(time.monotonic(), self.sampler.due() or 0.0)
        call = cast("partial[Swept]", self.sampler.begin(now))
        plan = cast(Sweep, call.keywords["plan"])
        uuids = plan.only or {SHOWN, OTHER}
        self.sampler.done(Swept({u: Sample(now, cpu=1, vcpus=1) for u in uuids}, cost), now)
        return plan

    @property
    def wait(self) -> float:
        """Seconds until the next one."""
        due = self.sampler.due()
        assert due is not None
        return due - time.monotonic()


def test_rows_on_screen_are_read_between_two_sweeps_that_take_long() -> None:
    read = Read(latency=0.0001)
    # The first two follow each other soon, for the first rates.
    assert read.sweep(cost=3.0).only is None
    assert read.sweep(cost=3.0).only is None
    assert read.wait <= 1.0
    assert read.sweep(cost=0.01).only == frozenset({SHOWN})
    assert read.wait <= 1.0
    assert all(read.told.values()), "the others keep their numbers"


def test_a_sweep_that_costs_little_serves_all() -> None:
    read = Read(latency=0.0001)
    for _ in range(3):
        assert read.sweep(cost=0.01).only is None
    assert read.wait <= 1.0


def test_a_host_that_is_far_is_asked_in_bulk_alone() -> None:
    read = Read(latency=0.05)
    for _ in range(3):
        assert read.sweep(cost=3.0).only is None
