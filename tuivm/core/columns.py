"""The list's columns, and how they share the width of the screen."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import NamedTuple

from tuivm.core import cells
from tuivm.core.addresses import usable
from tuivm.core.arrangement import Arrangement
from tuivm.core.cells import Cell, Paint
from tuivm.core.glyphs import glyphs
from tuivm.core.rows import Row
from tuivm.core.text import Align, cell_width, clip, fit, fit_ends

__all__ = ["BY_ID", "COLUMNS", "GAP", "Cell", "Column", "Paint", "glyphs", "layout", "spans"]

GAP = 2
"""Blank cells between two columns."""


class Column(NamedTuple):
    """One column of the list."""

    id: str
    """The name for sorting, filters and ``list --json``."""
    header: str
    min: int
    """Cells without which it is not shown."""
    max: int
    """Cells beyond which it gains nothing."""
    priority: int
    """Low numbers stay longest when the screen is narrow."""
    align: Align
    sort_key: Callable[[Row], object]
    """A value that compares with other rows' values, or None where it is unknown."""
    cell: Callable[[Row, Paint, int], Cell]
    """Draws a row's cell for a width; the text may still be too long or too short."""
    wanted: Callable[[Row], int] | None = None
    """Cells that a row's text takes, for columns that grow with their contents."""
    ideal: int = 0
    """Cells that it grows to before columns of lower priority are shown; 0 is ``max``."""
    descending: bool = False
    """True when a first sort shows the highest values first."""
    optional: bool = False
    """True when it has no place while no row has anything to say in it."""
    help: str = ""


def _state_width(row: Row) -> int:
    return 2 + cell_width(cells.state_text(row))


def _ip_width(row: Row) -> int:
    addresses = usable(row.domain.addresses)
    if not addresses:
        return 0
    more = len(f" +{len(addresses) - 1}") if len(addresses) > 1 else 0
    return len(addresses[0].ip) + more


ESSENTIAL = 5
"""Columns up to this priority grow to their ideal before others are shown at all."""

COLUMNS: tuple[Column, ...] = (
    Column(
        "state", "STATE", 12, 28, 1, "left", cells.state_key, cells.state_cell, _state_width,
        ideal=19, help="what it does, and why where that matters",
    ),
    Column(
        "name", "NAME", 10, 48, 0, "left", lambda row: row.sort_name, cells.name_cell,
        lambda row: cell_width(row.domain.name),
        ideal=24, help="its name",
    ),
    Column(
        "host", "HOST", 6, 20, 4, "left", cells.host_key, cells.host_cell,
        lambda row: cell_width(row.key.host),
        ideal=10, help="where it runs; shown with more than one host",
    ),
    Column(
        "cpu", "CPU%", 11, 26, 2, "left", cells.cpu_key, cells.cpu_cell, descending=True,
        help="100 = all its virtual CPUs busy; the line: last samples",
    ),
    Column(
        "mem", "MEM", 11, 12, 3, "right", cells.memory_key, cells.memory_cell, descending=True,
        help="used / given; dimmed when only the host's share is known",
    ),
    Column(
        "disk", "DISK", 6, 7, 7, "right", cells.disk_key, cells.disk_cell, descending=True,
        help="bytes a second read and written",
    ),
    Column(
        "net", "NET", 6, 7, 8, "right", cells.net_key, cells.net_cell, descending=True,
        help="bytes a second received and sent",
    ),
    Column(
        "ip", "IP", 15, 42, 5, "left", cells.ip_key, cells.ip_cell, _ip_width,
        ideal=18, help="its best address, and how many more",
    ),
    Column(
        "vcpu", "VCPU", 4, 4, 10, "right", cells.vcpu_key, cells.vcpu_cell, descending=True,
        help="virtual CPUs",
    ),
    Column(
        "autostart", "AUTO", 4, 4, 11, "left", cells.autostart_key, cells.autostart_cell,
        help="starts with its host",
    ),
    Column(
        "uptime", "UP", 6, 7, 6, "right", cells.uptime_key, cells.uptime_cell, descending=True,
        help="time since its start; with a sign before it: at least",
    ),
    Column(
        "tags", "TAGS", 6, 40, 9, "left", cells.tags_key, cells.tags_cell,
        lambda row: cell_width(cells.tags_text(row)),
        ideal=16, optional=True, help="the tags that were given to it; shown when there are any",
    ),
    Column(
        "title", "TITLE", 10, 80, 12, "left", cells.title_key, cells.title_cell,
        lambda row: cell_width(cells.title(row)),
        ideal=24, help="the title from its XML",
    ),
)  # fmt: skip
"""All columns from left to right (design, section 7)."""
BY_ID = {column.id: column for column in COLUMNS}
NAMING = "name"
"""The column that is always shown: without it nobody knows what a line is about."""
DECLARED = Arrangement()
"""The columns as they are declared."""
Layout = tuple[tuple[Column, int], ...]
"""Columns shown, from left to right, each with its width in cells."""


def layout(
    width: int,
    hosts: Collection[str] | int,
    rows: Iterable[Row],
    grown: dict[str, int] | None = None,
    arrangement: Arrangement = DECLARED,
) -> Layout:
    """Share ``width`` cells between the columns.

    ``hosts`` (or their number) decides about the host column. ``grown`` remembers, from
    one call to the next, what the contents once asked for: columns then never shrink, so
    that nothing jumps while rows come and go. In an ``arrangement`` with an order of its
    own a column's place is its priority: those at the right leave first.
    """
    many = (hosts if isinstance(hosts, int) else len(hosts)) > 1
    offered = [column for column in arranged(arrangement) if many or column.id != "host"]
    grown = {} if grown is None else grown
    wanted = _wanted(offered, rows, grown)
    offered = [column for column in offered if not column.optional or column.id in grown]
    widths = Sharing(offered, wanted, arrangement).share(width)
    return tuple((column, widths[column.id]) for column in offered if column.id in widths)


def arranged(arrangement: Arrangement) -> list[Column]:
    """Return the columns that are not hidden, in the chosen order."""
    return [BY_ID[name] for name in arrangement.visible(BY_ID)]


_MEASURED = tuple(column for column in COLUMNS if column.wanted is not None)


def _sizes(row: Row) -> tuple[int, ...]:
    """Measure a row's texts; kept with the row, since samples come far more often."""
    found = row.sizes
    if found is None:
        found = row.sizes = tuple(column.wanted(row) for column in _MEASURED if column.wanted)
    return found


def _wanted(columns: list[Column], rows: Iterable[Row], grown: dict[str, int]) -> dict[str, int]:
    rows = [*rows]
    if any(row.stale for row in rows):
        # Its sizes are kept with a row; that its host is out of reach is not the row's own.
        grown["state"] = max(grown.get("state", 0), cells.STALE_WIDTH)
    # Most rows are alike: few different sizes are left to compare.
    for sizes in {_sizes(row) for row in rows}:
        for column, size in zip(_MEASURED, sizes, strict=True):
            if size > grown.get(column.id, 0):
                grown[column.id] = size
    wanted = {}
    for column in columns:
        size = max(grown.get(column.id, column.min), len(column.header))
        wanted[column.id] = min(max(size, column.min), column.max)
    return wanted


class Sharing:
    """Picks columns by priority and shares the width between them."""

    def __init__(
        self, columns: Sequence[Column], wanted: dict[str, int], arrangement: Arrangement
    ) -> None:
        ranks = {column.id: column.priority for column in columns}
        if arrangement.order:
            ranks = {column.id: place for place, column in enumerate(columns, 1)}
            ranks[NAMING] = 0
        self._columns = sorted(columns, key=lambda column: ranks[column.id])
        self._ranks = ranks
        self._fixed = arrangement.widths
        self._wanted = wanted | {
            column.id: min(max(self._fixed[column.id], column.min), column.max)
            for column in columns
            if column.id in self._fixed
        }
        self._widths: dict[str, int] = {}
        self._room = 0

    def share(self, width: int) -> dict[str, int]:
        """Return the widths of the columns that have a place.

        Essentials come first, at their minimum; they grow to their ideal, so that one long
        name does not cost the others their place; then come the rest, and what is left goes
        to texts that are still cut, and at last to a longer sparkline. A width that was
        chosen is taken where there is room for it, and never passed.
        """
        widths = self._widths = {}
        self._room = width + GAP
        for column in self._columns:
            if self._essential(column) and (self._room >= column.min + GAP or not widths):
                self._take(column, column.min)
        self._grow({column.id: self._ideal(column) for column in self._columns})
        for column in self._columns:
            absent = column.id not in widths and not self._essential(column)
            if absent and self._room >= column.min + GAP:
                self._take(column, self._ideal(column))
        self._grow(self._wanted)
        if self._room > 0 and "cpu" in widths and "cpu" not in self._fixed:
            widths["cpu"] = min(BY_ID["cpu"].max, widths["cpu"] + self._room)
        return widths

    def _essential(self, column: Column) -> bool:
        return self._ranks[column.id] <= ESSENTIAL

    def _ideal(self, column: Column) -> int:
        wanted = self._wanted[column.id]
        return wanted if column.id in self._fixed else min(wanted, column.ideal or column.max)

    def _take(self, column: Column, cells: int) -> None:
        self._widths[column.id] = cells = min(cells, max(self._room - GAP, 1))
        self._room -= cells + GAP

    def _grow(self, goals: dict[str, int]) -> None:
        """Widen columns towards their goals, the most important first."""
        for column in self._columns:
            if column.id in self._widths:
                more = max(0, min(self._room, goals[column.id] - self._widths[column.id]))
                self._widths[column.id] += more
                self._room -= more


class Span(NamedTuple):
    """A piece of a painted line."""

    text: str
    role: str


def spans(row: Row, columns: Layout, paint: Paint) -> list[Span]:
    """Paint a row: pieces that together take exactly the layout's width."""
    pieces: list[Span] = []
    for index, (column, width) in enumerate(columns):
        if index:
            pieces.append(_BLANK)
        pieces += cell_spans(column.cell(row, paint, width), width, column.align, paint)
    return pieces


_BLANK = Span(" " * GAP, "")


def cell_spans(cell: Cell, width: int, align: Align, paint: Paint) -> list[Span]:
    """Paint a cell to exactly ``width`` cells; its tail goes first when it is too long."""
    ellipsis = paint.glyphs.ellipsis
    if cell.keeps_end:
        return [Span(fit_ends(cell.text, width, ellipsis), cell.role)]
    if not cell.tail:
        return [Span(fit(cell.text, width, align, ellipsis), cell.role)]
    head = cell_width(cell.text)
    if head >= width:
        return [Span(fit(cell.text, width, align, ellipsis), cell.role)]
    tail = clip(cell.tail, width - head)
    room = " " * (width - head - cell_width(tail))
    if align == "right":
        return [Span(room + cell.text, cell.role), Span(tail, cell.tail_role)]
    return [Span(cell.text, cell.role), Span(tail + room, cell.tail_role)]


def header_spans(columns: Layout, sort_id: str, descending: bool, paint: Paint) -> list[Span]:
    """Paint the header line; the sort column has an arrow."""
    pieces: list[Span] = []
    arrow = paint.glyphs.sort_down if descending else paint.glyphs.sort_up
    for index, (column, width) in enumerate(columns):
        if index:
            pieces.append(_BLANK)
        if column.id == sort_id:
            text = f"{clip(column.header, width - 1)}{arrow}"
            pieces.append(Span(fit(text, width, column.align), "header.sort"))
        else:
            pieces.append(Span(fit(column.header, width, column.align), "header"))
    return pieces


def column_at(columns: Layout, x: int) -> Column | None:
    """Return the column at a cell of the line, or None in a gap or beyond."""
    for column, width in columns:
        if 0 <= x < width:
            return column
        x -= width + GAP
    return None
