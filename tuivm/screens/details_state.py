"""What the details of one VM stand on: the newest row, the newest reading, and their age."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from tuivm.core import cells
from tuivm.core.addresses import preferred
from tuivm.core.cells import Paint
from tuivm.core.counters import rates
from tuivm.core.errors import TuivmError
from tuivm.core.glyphs import Glyphs, glyphs
from tuivm.core.model import DomainDetails, DomainKey, HostState, XmlChange
from tuivm.core.overview import Known
from tuivm.core.rows import Row
from tuivm.core.store import Store
from tuivm.core.text import cell_width, fit
from tuivm.widgets.bars import Part


@dataclass(slots=True)
class DetailsState:
    """Belongs to one ``DetailsView``; the last known values outlive their domain and host."""

    key: DomainKey
    ascii: bool = False
    row: Row | None = None
    """The newest row; kept when the domain is gone."""
    gone: bool = False
    """The host says that there is no such domain any more."""
    parted: bool = False
    """It left the list because its host was disconnected or forgotten."""
    details: DomainDetails | None = None
    error: TuivmError | None = None
    """Why the newest reading failed; None when it did not."""
    read_at: float | None = None
    """``time.time()`` of the newest reading that succeeded."""
    rates: dict[str, float] = field(default_factory=dict)
    """Growth of the counters, a second, between the last two readings."""
    _read_mono: float = 0.0

    def look(self, store: Store) -> None:
        """Take the row as the store has it; a domain that left leaves its last row here."""
        row = store.rows.get(self.key)
        self.gone = row is None and self.row is not None
        host = store.hosts.get(self.key.host)
        self.parted = self.gone and (host is None or host.state is HostState.DISABLED)
        if row is not None:
            self.row = row

    def take(self, details: DomainDetails) -> None:
        """Take a reading."""
        now = time.monotonic()
        before = self.details
        if before is not None and self.row is not None and self.row.domain.state.active:
            self.rates = rates(dict(before.stats), dict(details.stats), now - self._read_mono)
        else:
            self.rates = {}
        self.details, self.error = details, None
        self._read_mono, self.read_at = now, time.time()

    @property
    def name(self) -> str:
        """The domain's name, or its UUID while nothing is known."""
        return self.key.uuid if self.row is None else self.row.domain.name

    @property
    def active(self) -> bool:
        """True while it runs, as far as is known."""
        return self.row is not None and not self.gone and self.row.domain.state.active

    @property
    def old(self) -> bool:
        """True when what is shown is not of now."""
        return self.gone or (self.row is not None and self.row.stale)

    @property
    def glyphs(self) -> Glyphs:
        """The signs to draw with."""
        return glyphs(self.ascii)

    def known(self) -> Known | None:
        """Everything that the overview tells; None while the domain is not known at all."""
        row = self.row
        if row is None:
            return None
        # Numbers that are not of now keep the age that they had.
        seen = row.host.seen_at if row.stale else self.read_at if self.gone else None
        return Known(
            row.domain,
            row.stats,
            self.details,
            error=self.error,
            host=row.host,
            rates={} if self.old else self.rates,
            now=time.time() if seen is None else seen,
        )


def headline(state: DetailsState, width: int) -> list[Part]:
    """Name, state, uptime, host, vCPUs, memory and address: as many as fit, in that order.

    What matters most stays longest; the name and the state are always there.
    """
    row = state.row
    if row is None:
        return [Part(" "), Part(state.name, "strong"), Part("  waiting for its host", "dim")]
    paint = Paint(state.glyphs)
    name, room = row.domain.name, max(20, width // 3)
    shown = [
        Part(" "),
        Part(
            fit(name, room, ellipsis=paint.glyphs.ellipsis) if cell_width(name) > room else name,
            "strong",
        ),
    ]
    if state.gone:
        status = Part("gone", "state.fault")
    else:
        cell = cells.state_cell(row, paint, width)
        status = Part(cell.text, cell.role)
    shown += [Part("  "), status]
    facts = [(rank, part) for rank, part in _facts(state, row, paint) if part.text]
    room = width - 1 - sum(cell_width(part.text) for part in shown)
    while facts and sum(cell_width(part.text) + 2 for _, part in facts) > room:
        facts.remove(max(facts, key=lambda ranked: ranked[0]))
    for _, part in facts:
        shown += [Part("  "), part]
    return shown


def _facts(state: DetailsState, row: Row, paint: Paint) -> list[tuple[int, Part]]:
    """The headline's parts in order, each with the rank at which it gives way: high ones first."""
    domain, role = row.domain, "stale" if state.old else ""
    up = cells.uptime_cell(row, paint, 7)
    cpus = cells.vcpu_key(row)
    memory = cells.memory_cell(row, paint, 12)
    address = preferred(domain.addresses)
    ip = ""
    if domain.state.active:
        ip = "no IP known" if address is None else f"{address.ip} ({address.source})"
    has_uptime = domain.started_at is not None and up.text and not state.old
    return [
        (1, Part(f"up {up.text}" if has_uptime else "", role)),
        (4, Part(f"on {row.host.id}", role)),
        (3, Part("" if cpus is None else f"{cpus} vCPU", role)),
        (2, Part(memory.text.removeprefix(f"{paint.glyphs.unknown}/"), role or memory.role)),
        (0, Part(ip, role or ("dim" if address is None else ""))),
    ]


def note(state: DetailsState) -> tuple[Part, ...]:
    """The one thing to know before reading on: gone, out of reach, failed, or pending."""
    row = state.row
    if state.gone:
        why = "undefined, or transient and stopped"
        if state.parted:
            why = f"{state.key.host} was disconnected"
        return (
            Part(" "),
            Part(f"{state.name} is gone: {why}.", "bad"),
            Part("  Below: its last values.", "dim"),
        )
    if row is None:
        return ()
    if row.stale:
        seen = row.host.seen_at
        age = "" if seen is None else f" from {time.strftime('%H:%M:%S', time.localtime(seen))}"
        why = row.host.error.title if row.host.error else f"it is {row.host.state.value}"
        return (
            Part(" "),
            Part(f"{row.host.id} is out of reach", "bad"),
            Part(f" ({why}).  Values{age} below; ctrl+r tries again.", "dim"),
        )
    if state.error is not None:
        return (Part(" "), Part(str(state.error), "warn"))
    return _pending(state)


def _pending(state: DetailsState) -> tuple[Part, ...]:
    details = state.details
    changes = details.xml.changes if details is not None else ()
    if not changes or not state.active:
        return ()
    first = change_text(changes[0], state.glyphs)
    more = f" and {len(changes) - 1} more" if len(changes) > 1 else ""
    return (
        Part(" "),
        Part("pending until the next power cycle", "pending"),
        Part(f"  {first}{more}"),
    )


def change_text(change: XmlChange, signs: Glyphs) -> str:
    """One difference on one line: ``memory: 2 GiB to 4 GiB``."""
    where = change.where.removeprefix("devices/")
    if not change.live:
        return f"{where}: added"
    if not change.inactive:
        return f"{where}: removed"
    arrow = "->" if signs.ellipsis == "~" else "→"
    return f"{where}: {change.live} {arrow} {change.inactive}"
