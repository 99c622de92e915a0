"""Keeps the rows true: whole inventories now and then, single domains after their events."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, Literal

import libvirt

from tuivm.backend import inventory
from tuivm.backend.inventory import FIRST_FLAGS, OTHER_FLAGS, Inventory
from tuivm.backend.link import LaneName
from tuivm.backend.rows import Rows
from tuivm.backend.task import Timing
from tuivm.core.errors import TuivmError

MANY = 32
"""Above this many changed domains the whole inventory is cheaper than single reads."""
NEAR = 0.025
"""Seconds of a request below which all flags are read at once, rather than in two steps."""
_RETRY = 1.0
_STORM_SHARE = 3.0
"""In a storm of events, whole inventories are this many of their own durations apart."""


class Reader:
    """The one reader of a host's domains, so that an older answer never follows a newer.

    ``on_read`` hears of every finished read: UUIDs that came, UUIDs that went, and whether
    it was the whole inventory.
    """

    call = "virConnectGetAllDomainStats"
    lane: LaneName = "main"

    def __init__(
        self,
        rows: Rows,
        timing: Timing,
        on_read: Callable[[Iterable[str], Iterable[str], bool], None],
        *,
        remote: bool,
    ) -> None:
        self._rows = rows
        self._period = timing.reconcile * (2 if remote else 1)
        self._duty = timing.duty
        self._on_read = on_read
        self.deadline = timing.sync
        self._dirty: set[str] = set()
        self._reading: set[str] = set()
        self._all_at: float | None = 0.0
        self._not_before = 0.0
        self._unsupported: set[str] = set()
        self._kind: Literal["some", "all", "flags"] = "all"
        self._want_flags = False

    @property
    def fresh(self) -> bool:
        """True when nothing waits to be read again."""
        return not self._dirty and not self._reading

    def set_period(self, seconds: float) -> None:
        """Reconcile this often from the next inventory on."""
        self._period = seconds

    def mark(self, uuid: str) -> None:
        """Read one domain again as soon as possible."""
        self._dirty.add(uuid)

    def mark_all(self) -> None:
        """Read everything again as soon as possible."""
        self._all_at = 0.0
        self._not_before = 0.0

    def due(self) -> float | None:
        """At once when something is marked, else at the next reconciliation."""
        if len(self._dirty) > MANY:
            return self._not_before
        return 0.0 if self._dirty or self._want_flags else self._all_at

    def begin(self, now: float) -> Callable[[libvirt.virConnect], Any]:
        """Read everything when it is time or much is marked, else what is marked."""
        self._reading, self._dirty = self._dirty, set()
        if len(self._reading) > MANY or (self._all_at is not None and self._all_at <= now):
            self._kind, self._all_at = "all", None
            return partial(
                _read_all, first=self._supported(FIRST_FLAGS), others=self._supported(OTHER_FLAGS)
            )
        if self._reading:
            self._kind = "some"
            return partial(inventory.read_some, uuids=tuple(self._reading))
        self._kind, self._want_flags = "flags", False
        return partial(inventory.read_flags, names=self._supported(OTHER_FLAGS))

    def done(self, result: Any, now: float) -> None:
        """Merge what was read into the rows."""
        self._reading = set()
        if self._kind == "some":
            self._done_some(result)
        elif self._kind == "flags":
            self._learn(result)
            self._rows.merge_flags(result)
        else:
            found, cost = result
            self._learn(found.flags)
            came, went = self._rows.replace_all(found)
            # Not all hosts in the same instant, and never most of the time.
            period = max(self._period * random.uniform(0.8, 1.2), cost / self._duty)
            self._all_at = time.monotonic() + period
            self._not_before = time.monotonic() + cost * _STORM_SHARE
            self._want_flags = not found.flags.keys() >= set(self._supported(OTHER_FLAGS))
            self._on_read(came, went, True)

    def failed(self, error: TuivmError, now: float) -> None:
        """Try again soon; what was marked stays marked."""
        self._dirty |= self._reading
        self._reading = set()
        if self._kind != "some":
            self._all_at = now + _RETRY
        self._not_before = now + _RETRY

    def _done_some(self, result: dict[str, inventory.Reading | None]) -> None:
        known = set(self._rows.domains)
        self._rows.merge(result)
        came = [uuid for uuid, reading in result.items() if reading and uuid not in known]
        # What one domain's reading leaves out is read for all, and only when one is new.
        self._want_flags |= bool(came)
        self._on_read(came, [uuid for uuid, reading in result.items() if reading is None], False)

    def _learn(self, flags: inventory.Flags) -> None:
        self._unsupported.update(name for name, uuids in flags.items() if uuids is None)

    def _supported(self, names: Iterable[str]) -> tuple[str, ...]:
        return tuple(name for name in names if name not in self._unsupported)


def _read_all(
    conn: libvirt.virConnect, first: tuple[str, ...], others: tuple[str, ...]
) -> tuple[Inventory, float]:
    began = time.monotonic()
    flags = inventory.read_flags(conn, first)
    if time.monotonic() - began < NEAR * len(first):
        # Cheaper than to tell every row a second time.
        flags |= inventory.read_flags(conn, others)
    # The states come last: everything else changes slowly.
    found = Inventory(inventory.read_states(conn), flags)
    return found, time.monotonic() - began
