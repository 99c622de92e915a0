"""When numbers are read: as often as they cost little, and only while somebody looks."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import libvirt

from tuivm.backend import stats
from tuivm.backend.extras import Extras
from tuivm.backend.link import LaneName
from tuivm.backend.rows import Rows
from tuivm.backend.stats import Sample, Sweep, Swept
from tuivm.backend.task import Timing
from tuivm.core.batch import Focus
from tuivm.core.errors import TuivmError
from tuivm.core.model import Domain, DomainKey, Stats

_FULL_COST = 0.004
"""Seconds that all groups of one running domain cost its daemon."""
_BLURRED = 3.0
"""Samples are so much rarer while the user works in another window."""
_SMALL = 0.2
"""Seconds of such cost up to which every domain is read in full."""
_PATIENCE = 4.0
"""A sweep may take this many times the last one's time before it is given up."""
_OFTEN = 2.0
"""Up to so many times the shortest period, one sweep serves the rows on screen as well."""
_STUCK_LIMIT = 2
"""Threads stuck in a monitor before nothing that needs one is asked any more."""


class Sampler:
    """Reads samples of all active domains of a host. Keeper thread only."""

    call = "virConnectGetAllDomainStats"
    lane: LaneName = "side"

    def __init__(
        self,
        host: str,
        rows: Rows,
        timing: Timing,
        publish: Callable[[dict[DomainKey, Stats | None]], None],
        *,
        stuck: Callable[[], int],
        latency: Callable[[], float | None],
        extras: Extras | None = None,
    ) -> None:
        self._host = host
        self._rows = rows
        self._timing = timing
        self._publish = publish
        self._stuck = stuck
        self._latency = latency
        self._extras = extras
        self._focus = Focus()
        self._before: dict[str, Sample] = {}
        self._told: dict[str, Stats] = {}
        self._partial = False
        """The sweep under way is of the rows on screen alone."""
        self._whole_at = 0.0
        # The second sample comes early, for the first rates, and at a time of its own, so
        # that a hundred hosts do not all report at once.
        self._next_at = 0.0
        self._first_wait = timing.stats * random.uniform(0.4, 1.0)
        self.deadline = timing.sweep

    def focus(self, focus: Focus) -> None:
        """Take what is on screen."""
        if focus.hidden and not self._focus.hidden:
            # Rates over the time nobody looked would be averages of no meaning.
            self._before.clear()
        if self._focus.blurred and not focus.blurred:
            self._next_at = self._whole_at = 0.0
        self._focus = focus

    def settle(self) -> None:
        """The rows changed: numbers of domains that stopped are gone."""
        over = [uuid for uuid in self._told if uuid not in self._rows.active]
        for uuid in over:
            del self._told[uuid]
            self._before.pop(uuid, None)
        if over:
            self._publish({DomainKey(self._host, uuid): None for uuid in over})

    def due(self) -> float | None:
        """Never while nothing runs or nobody looks."""
        if self._focus.hidden or not self._rows.active:
            return None
        return self._next_at

    def begin(self, now: float) -> Callable[[libvirt.virConnect], Any]:
        """Sweep as wide and deep as the host can bear."""
        if self._extras is not None:
            domains = [self._rows.domains[uuid] for uuid in self._rows.active]
            return partial(_simulate, extras=self._extras, domains=domains)
        latency = self._latency()
        near = latency is None or latency < stats.NEAR
        small = len(self._rows.active) * _FULL_COST <= _SMALL
        keys = [*self._focus.visible, self._focus.detail]
        shown = frozenset(key.uuid for key in keys if key and key.host == self._host)
        careful = self._stuck() >= _STUCK_LIMIT
        only = shown & self._rows.active if near and now < self._whole_at else None
        self._partial = bool(only)
        plan = Sweep(near, None if small else shown, careful, only or None)
        return partial(stats.sweep, plan=plan)

    def done(self, result: Swept | dict[str, Stats], now: float) -> None:
        """Turn counters into rates and tell those that changed."""
        if isinstance(result, Swept):
            if not self._partial:
                self.deadline = max(self._timing.sweep, _PATIENCE * result.cost)
            fresh = {
                uuid: stats.rates(self._before.get(uuid), sample, self._vcpus(uuid))
                for uuid, sample in result.samples.items()
                if uuid in self._rows.active
            }
            if self._partial:
                self._before |= result.samples
            else:
                self._before = result.samples
        else:
            fresh = result
        detail = self._focus.detail
        watched = detail.uuid if detail is not None and detail.host == self._host else ""
        changed: dict[DomainKey, Stats | None] = {
            DomainKey(self._host, uuid): sample
            for uuid, sample in fresh.items()
            # The open details draw a line over time: they want every sample.
            if uuid == watched or not stats.same(self._told.get(uuid), sample)
        }
        if self._partial:
            self._told |= fresh
        else:
            # The daemon may know of a stop before its event has told us.
            changed.update((DomainKey(self._host, u), None) for u in self._told if u not in fresh)
            self._told = fresh
        self._plan_next(result.cost if isinstance(result, Swept) else 0.0)
        if changed:
            self._publish(changed)

    def _plan_next(self, cost: float) -> None:
        """All rows as often as they cost little; those on screen in between, too."""
        now, rarer = time.monotonic(), _BLURRED if self._focus.blurred else 1.0
        shortest = self._timing.stats
        if not self._partial:
            period = max(shortest, cost / self._timing.duty) * rarer
            self._whole_at = now + (self._first_wait or period)
            self._first_wait = 0.0
            # Where that is often enough, what is on screen needs nothing of its own.
            between = self._whole_at - now > _OFTEN * shortest * rarer
            self._next_at = now + shortest * rarer if between else self._whole_at
        else:
            soon = now + max(shortest, cost / self._timing.duty) * rarer
            self._next_at = min(soon, max(now, self._whole_at))

    def failed(self, error: TuivmError, now: float) -> None:
        """Go on with a thread of its own; NOWAIT skips the domain that holds the last one."""
        self._next_at = now + self._timing.stats

    def _vcpus(self, uuid: str) -> int | None:
        domain = self._rows.domains.get(uuid)
        return domain.facts.vcpus if domain is not None and domain.facts is not None else None


def _simulate(_conn: libvirt.virConnect, extras: Extras, domains: list[Domain]) -> dict[str, Stats]:
    at = time.monotonic()
    samples: dict[str, Stats] = {}
    for domain in domains:
        facts = domain.facts
        sample = extras.stats(
            domain.key.uuid,
            domain.state,
            at=at,
            vcpus=facts.vcpus if facts else None,
            memory_max=facts.memory_max if facts else None,
        )
        if sample is not None:
            samples[domain.key.uuid] = sample
    return samples
