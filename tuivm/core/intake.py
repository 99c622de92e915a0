"""Takes what the backend reports into the store a portion at a time, so that keys get between.

For the UI thread only.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import islice
from typing import TypeVar

from tuivm.core.batch import Batch
from tuivm.core.model import HostState, HostStatus
from tuivm.core.store import Store

PORTION = 500
"""Rows of one step; ten thousand at once would hold a key up for a third of a second."""
TURN_SECONDS = 0.012
"""After so long no further step is begun: whoever waits has a turn."""
FEW = 100
"""Rows up to which a report is taken in and put in order in one turn."""
LONGEST_OWED = 0.5
"""Seconds after which rows are put in order although more is still to come."""

K = TypeVar("K")
V = TypeVar("V")


class Intake:
    """Holds what was reported and is not in the store yet."""

    def __init__(self, store: Store, drain: Callable[[], Batch]) -> None:
        """``drain`` gives what was reported since it was called last."""
        self._store = store
        self._drain = drain
        self._rest = Batch()
        self._split = self._rest_waits = False
        self._owed_since: float | None = None
        """When something was taken in first after which rows were not put in order yet."""

    def take(self) -> bool:
        """Take in what there is, for a short while; True when another turn is needed.

        Putting thousands of rows in order takes as long as all of a turn: a large report
        has a last one for that.
        """
        now = time.monotonic()
        until = now + TURN_SECONDS
        self._add(self._drain())
        since = self._owed_since
        if since is not None and (not self._rest_waits or now - since > LONGEST_OWED):
            self._settle()
            return bool(self._rest)
        while True:
            portion = self._portion()
            more = bool(self._rest) or self._owed_since is not None or _rows(portion) > FEW
            self._store.apply(portion, more=more)
            if more and self._owed_since is None:
                self._owed_since = now
            if not self._rest or time.monotonic() >= until:
                self._rest_waits = bool(self._rest)
                return more

    def _settle(self) -> None:
        self._owed_since = None
        self._store.apply(Batch())

    def _add(self, batch: Batch) -> None:
        if not self._rest:
            self._rest = batch
            return
        rest = self._rest
        for host in batch.dropped:
            rest.drop(host)
        rest.order = batch.order or rest.order
        rest.hosts |= batch.hosts
        rest.domains |= batch.domains
        rest.stats |= batch.stats
        rest.jobs |= batch.jobs
        rest.entries += batch.entries
        rest.questions |= batch.questions

    def _portion(self) -> Batch:
        rest = self._rest
        if not self._split and _rows(rest) <= PORTION:
            self._rest = Batch()
            return rest
        # A host is up once its rows are in: until then the cursor stays at the top of a list
        # that grows. And numbers of a row come after the row.
        late = {key.host for key in rest.domains}
        hosts = {name: one for name, one in rest.hosts.items() if not _waits(one, late)}
        domains = _first(rest.domains, PORTION)
        stats = _first(rest.stats, PORTION - len(domains))
        jobs = {} if rest.domains else rest.jobs
        portion = Batch(
            hosts, domains, stats, jobs, rest.entries, rest.questions, rest.dropped, rest.order
        )
        rest.hosts = {name: one for name, one in rest.hosts.items() if name not in hosts}
        rest.jobs = {} if jobs else rest.jobs
        rest.entries, rest.questions = [], {}
        rest.dropped, rest.order = set(), ()
        self._split = bool(rest)
        return portion


def _rows(batch: Batch) -> int:
    return len(batch.domains) + len(batch.stats)


def _waits(status: HostStatus, late: set[str]) -> bool:
    return status.state is HostState.UP and status.id in late


def _first(values: dict[K, V], count: int) -> dict[K, V]:
    """Take the oldest entries out of a dictionary."""
    taken = dict(islice(values.items(), count))
    for key in taken:
        del values[key]
    return taken
