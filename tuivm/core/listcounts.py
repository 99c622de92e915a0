"""The numbers of the list's summary line."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import NamedTuple

from tuivm.core.model import DomainKey, State
from tuivm.core.rows import FRESH_STATES, Row
from tuivm.core.store import Store


class Counts(NamedTuple):
    """The numbers of the summary line."""

    total: int = 0
    shown: int = 0
    running: int = 0
    paused: int = 0
    off: int = 0
    faults: int = 0
    stale: int = 0
    """Rows of hosts that are out of reach."""
    marked: int = 0
    hidden_marks: int = 0
    """Marked rows that the filter hides; verbs work on them all the same."""


def count(
    store: Store, shown: int, marks: AbstractSet[DomainKey], wanted: AbstractSet[DomainKey]
) -> Counts:
    """Count all rows of a store, of which ``shown`` are shown and ``wanted`` match the filter."""
    # Once a batch, over ten thousand rows: no work a row that a list method can do.
    rows = store.rows.values()
    out = {host.id for host in store.hosts.values() if host.state not in FRESH_STATES}
    fresh = [row for row in rows if row.key.host not in out] if out else rows
    states = [row.domain.state for row in fresh]
    faulty = (State.CRASHED, State.PAUSED)
    return Counts(
        len(rows),
        shown,
        states.count(State.RUNNING),
        states.count(State.PAUSED),
        states.count(State.OFF),
        sum(needs_look(row) for row in rows if row.domain.state in faulty),
        len(rows) - len(fresh),
        len(marks),
        len(marks - wanted),
    )


def needs_look(row: Row) -> bool:
    """True when somebody should look at it, as far as is known."""
    return row.domain.faulty
