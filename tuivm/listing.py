"""``tuivm list``: all VMs on standard output, without the terminal program."""

from __future__ import annotations

import re
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tuivm.core.api import Backend, Focus
from tuivm.core.arrangement import Arrangement
from tuivm.core.columns import (
    BY_ID,
    COLUMNS,
    DECLARED,
    GAP,
    NAMING,
    Column,
    Paint,
    arranged,
)
from tuivm.core.export import as_csv, as_json
from tuivm.core.glyphs import Glyphs, glyphs
from tuivm.core.grouping import Grouping, Groups, vms_text
from tuivm.core.hoststate import state_word
from tuivm.core.model import DomainKey, HostState, HostStatus
from tuivm.core.query import parse
from tuivm.core.rows import Row
from tuivm.core.savedview import SavedView
from tuivm.core.store import Store
from tuivm.core.text import cell_width, fit
from tuivm.core.view import View

CONNECT_SECONDS = 30.0
"""How long a host may take until it has been listed; its own deadlines are shorter."""
FACTS_SECONDS = 1.0
"""How long facts are waited for after the names are there."""
ADDRESS_SECONDS = 0.5
"""How long addresses and uptimes are waited for after that: a guest may have none."""
RATES_SECONDS = 6.0
"""How long rates are waited for, when the query asks for them: two samples are needed."""
FACTS_ROWS = 500
"""Rows for which facts are waited for; more would take longer than they are worth."""
NAMED_MOST = 5
"""Hosts that were not asked and are named one by one."""
_RATE_COLUMNS = ("cpu", "disk", "net")
_RATES = re.compile(r"(?:^|[\s!|])(?:cpu|disk|net|mem)[:<>=!]")


@dataclass(frozen=True, slots=True)
class ListOptions:
    """What the command line asked for."""

    query: str = ""
    as_json: bool = False
    as_csv: bool = False
    columns: tuple[str, ...] = ()
    """Ids of the columns to print, in this order; empty takes the usual ones."""
    sort: tuple[str, bool] | None = None
    """The id of the column to sort by, and whether it descends; None sorts by name."""
    ascii: bool = False
    width: int | None = None
    """Cells to fit the lines into; None for as wide as they are (a pipe)."""
    view: SavedView | None = None
    """A saved view with its columns; what the other options say comes before what it says."""

    @property
    def arrangement(self) -> Arrangement:
        """The saved view's columns."""
        return (self.view.columns if self.view is not None else None) or DECLARED

    @property
    def grouping(self) -> Grouping:
        """What the saved view groups by."""
        return Grouping.NONE if self.view is None else self.view.group

    @property
    def order(self) -> tuple[str, bool]:
        """The column to sort by, and whether it descends."""
        if self.sort is not None:
            return self.sort
        return (NAMING, False) if self.view is None else (self.view.sort, self.view.descending)

    @property
    def wants_rates(self) -> bool:
        """True when numbers are asked for that only two samples give."""
        filters = self.query if self.view is None else f"{self.query} {self.view.filter}"
        ids = {self.order[0], *self.columns}
        if self.arrangement and not self.columns:
            ids.update(self.arrangement.visible(BY_ID))
        return bool(_RATES.search(filters)) or not ids.isdisjoint(_RATE_COLUMNS)


class Listing:
    """Fills a store from a backend until there is enough to print."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.store = Store()
        self._woken = threading.Event()

    def collect(self, wait_rates: bool) -> None:
        """Connect, list, and wait a moment for what comes after the names."""
        self.backend.start(self._woken.set)
        self._until(self._settled, CONNECT_SECONDS)
        rows = self.store.rows
        if not rows or len(rows) > FACTS_ROWS:
            return
        self.backend.focus(Focus(visible=tuple(rows)))
        self._until(self._described, FACTS_SECONDS)
        self._until(self._addressed, ADDRESS_SECONDS)
        if wait_rates:
            self._until(self._measured, RATES_SECONDS)

    def _until(self, done: Any, seconds: float) -> None:
        until = time.monotonic() + seconds
        while True:
            self._woken.clear()
            self.store.apply(self.backend.drain())
            left = until - time.monotonic()
            if done() or left <= 0:
                return
            self._woken.wait(min(left, 0.5))

    def _settled(self) -> bool:
        hosts = self.store.hosts.values()
        return bool(hosts) and all(
            status.state in (HostState.UP, HostState.DEGRADED, HostState.DISABLED)
            or failure(status) is not None
            for status in hosts
        )

    def _described(self) -> bool:
        return all(row.stale or row.domain.facts is not None for row in self.store.rows.values())

    def _addressed(self) -> bool:
        return all(
            row.stale
            or not row.domain.state.active
            or (row.domain.started_at is not None and _reachable(row))
            for row in self.store.rows.values()
        )

    def _measured(self) -> bool:
        return all(
            row.stale
            or not row.domain.state.active
            or (row.stats is not None and row.stats.cpu is not None)
            for row in self.store.rows.values()
        )


def _reachable(row: Row) -> bool:
    """True when an address is known, or there is no card to have one."""
    facts = row.domain.facts
    return bool(row.domain.addresses) or facts is None or not facts.macs


def failure(status: HostStatus) -> str | None:
    """Say why a host could not be listed, with the next step; None while that is open."""
    if status.state in (HostState.LOST, HostState.NEEDS_AUTH):
        error = status.error
        if error is None:
            return state_word(status)
        # The line begins with the URI: a title that only says it again is left out.
        said = error.message if error.message and status.uri in error.title else ""
        return f"{said} ({error.hint})" if said and error.hint else said or str(error)
    return None


def run_list(backend: Backend, options: ListOptions) -> int:
    """Print the VMs; returns the exit code: 1 when a host could not be listed.

    Raises ``QueryError`` for a query that cannot be understood.
    """
    listing = Listing(backend)
    rates = options.wants_rates
    try:
        listing.collect(rates)
        store = listing.store
        view = View(store)
        if options.view is not None:
            view.set_filter(options.view.filter)
            view.set_faults_only(options.view.faults_only)
        view.set_sort(*options.order)
        matches = parse(options.query).matches
        rows = [row for key in view.keys if matches(row := store.rows[key])]
        _write(rows, store, options, rates)
        return complain(store)
    finally:
        backend.stop(1.0)


def _write(rows: Sequence[Row], store: Store, options: ListOptions, rates: bool) -> None:
    if options.as_csv:
        text = as_csv(rows, options.columns or options.arrangement.visible(BY_ID))
        # Lines end as RFC 4180 has it, whatever a text stream would make of them.
        sys.stdout.flush()
        sys.stdout.buffer.write(text.encode("utf-8", "replace"))
        sys.stdout.buffer.flush()
        return
    text = as_json(rows) if options.as_json else as_text(rows, store, options, rates)
    if text:
        print(text, flush=True)


def complain(store: Store) -> int:
    """Name the hosts that failed or were not asked on standard error; 1 when one failed.

    It is 1 as well when none was asked: then it is not known that there is no VM.
    """
    hosts = store.hosts.values()
    silent = [status.id for status in hosts if status.state is HostState.DISABLED]
    failed = [
        status
        for status in hosts
        if not status.state.connected and status.state is not HostState.DISABLED
    ]
    for status in failed:
        reason = failure(status) or f"no answer within {CONNECT_SECONDS:.0f} s"
        print(f"tuivm: {status.id} ({status.uri}): {reason}", file=sys.stderr)
    if silent:
        rest = len(silent) - NAMED_MOST
        named = ", ".join(silent[:NAMED_MOST]) + (f" and {rest} more" if rest > 0 else "")
        print(
            f"tuivm: not asked, as autoconnect is false: {named} (--all-hosts asks them too)",
            file=sys.stderr,
        )
    return 1 if failed or len(silent) == len(hosts) else 0


_ALWAYS = ("state", "name", "mem", "vcpu", "ip", "uptime", "autostart", "tags", "title")
_TITLE_MIN = 10


def as_text(rows: Sequence[Row], store: Store, options: ListOptions, rates: bool) -> str:
    """Write one line a VM under a header, groups under theirs; empty when there is no VM."""
    if not rows:
        return ""
    paint = Paint(glyphs(options.ascii))
    rows, headings = _grouped(rows, store, options.grouping, paint.glyphs)
    columns = _columns(store, options, rates)
    texts = {column.id: [_text(column, row, paint) for row in rows] for column in columns}
    columns = [
        column
        for column in columns
        if options.columns or not column.optional or any(texts[column.id])
    ]
    table = {column.id: [column.header, *texts[column.id]] for column in columns}
    widths = {name: max(map(cell_width, texts)) for name, texts in table.items()}
    if options.width is not None and not options.columns:
        widths |= options.arrangement.widths
        columns = _fitting(columns, widths, options.width, by_place=bool(options.arrangement.order))
    lines: list[str] = []
    for place in range(len(rows) + 1):
        lines += headings.get(place - 1, ())
        cells = (
            fit(table[column.id][place], widths[column.id], column.align) for column in columns
        )
        lines.append((" " * GAP).join(cells).rstrip())
    if options.width is None:
        return "\n".join(lines)
    return "\n".join(
        fit(line, options.width, ellipsis=paint.glyphs.ellipsis).rstrip() for line in lines
    )


def _grouped(
    rows: Sequence[Row], store: Store, grouping: Grouping, signs: Glyphs
) -> tuple[Sequence[Row], dict[int, list[str]]]:
    """Put rows into the order of groups; with the lines that stand above the first of each."""
    if grouping is Grouping.NONE:
        return rows, {}
    by_key, groups = {row.key: row for row in rows}, Groups(grouping)
    groups.fill(rows)
    keys, lines = groups.arrange(by_key, (), store.hosts, empty=False)
    headings: dict[int, list[str]] = {}
    place = 0
    for line in lines:
        if isinstance(line, DomainKey):
            place += 1
            continue
        tally = groups.tallies[line]
        notes = [vms_text(tally.total), *(text for text, _ in tally.notes(grouping, line))]
        text = f"{groups.title(line)}: {f' {signs.dot} '.join(notes)}"
        headings[place] = ["", text] if place else [text]
    return [by_key[key] for key in keys], headings


def _columns(store: Store, options: ListOptions, rates: bool) -> list[Column]:
    """What was asked for, else what is worth a place without two samples of every VM."""
    if options.columns:
        return [BY_ID[column] for column in options.columns]
    if options.arrangement:
        many = len(store.hosts) > 1
        return [column for column in arranged(options.arrangement) if many or column.id != "host"]
    ids = {*_ALWAYS, *(_RATE_COLUMNS if rates else ())}
    ids |= {"host"} if len(store.hosts) > 1 else set()
    return [column for column in COLUMNS if column.id in ids]


def _fitting(
    columns: list[Column], widths: Mapping[str, int], width: int, *, by_place: bool = False
) -> list[Column]:
    """Leave out columns, the least important first, until a line fits; the title may be cut.

    ``by_place`` leaves out the ones at the right first; the name stays in any case.
    """
    kept = list(columns)
    order = columns[::-1] if by_place else sorted(columns, key=lambda column: -column.priority)
    for column in order:
        needed = sum(
            (min(widths[c.id], _TITLE_MIN) if c.id == "title" else widths[c.id]) + GAP for c in kept
        )
        if needed - GAP <= width:
            break
        if column.id != NAMING:
            kept.remove(column)
    return kept


def _text(column: Column, row: Row, paint: Paint) -> str:
    cell = column.cell(row, paint, 0 if column.id == "cpu" else column.max)
    return f"{cell.text}{cell.tail}".strip()
