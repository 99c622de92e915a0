"""The hosts' table: what their VMs take of them, and the columns that fit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from tuivm.core.cells import Cell, load_role
from tuivm.core.glyphs import Glyphs
from tuivm.core.model import HostStatus
from tuivm.core.rows import Row
from tuivm.core.text import UNKNOWN, Align, bytes_text, cell_width

GAP = 2
"""Blank cells between two columns."""
NAME_WIDTH = (8, 24)
"""Cells of the name: at least, at most."""


@dataclass(slots=True)
class Load:
    """What the VMs of one host take of it."""

    total: int = 0
    """VMs."""
    running: int = 0
    """Those that the hypervisor has a process for; so for the next two."""
    vcpus: int = 0
    memory: int = 0
    """Bytes that they may have at most."""
    unread: int = 0
    """Of how many running ones the two are not known yet."""

    def add(self, row: Row) -> None:
        """Count a VM."""
        self.total += 1
        if not row.domain.state.active:
            return
        self.running += 1
        facts = row.domain.facts
        if facts is None or facts.vcpus is None or facts.memory_max is None:
            self.unread += 1
        else:
            self.vcpus += facts.vcpus
            self.memory += facts.memory_max

    @property
    def known(self) -> bool:
        """False while nothing is known of any of those that run."""
        return self.unread < self.running or not self.running


def loads(rows: Iterable[Row]) -> dict[str, Load]:
    """Sum up the VMs by host."""
    found: dict[str, Load] = {}
    for row in rows:
        load = found.get(row.key.host)
        if load is None:
            load = found[row.key.host] = Load()
        load.add(row)
    return found


def overcommit(taken: int, there: int | None, load: Load, signs: Glyphs) -> str:
    """Say how many times over something is given away: ``1.5x``; at least, while VMs are unread."""
    if not there or not load.known:
        return signs.unknown
    times = taken / there
    text = f"{times:.1f}x" if times < 99.95 else f"{times:.0f}x"
    return f"{signs.at_least}{text}" if load.unread else text


def latency_text(seconds: float | None, unknown: str = UNKNOWN) -> str:
    """Say a round trip: ``0.4 ms``, ``52 ms``, ``1.2 s``."""
    if seconds is None:
        return unknown
    if seconds >= 0.9995:
        return f"{seconds:.1f} s"
    return f"{seconds * 1000:.1f} ms" if seconds < 0.00995 else f"{seconds * 1000:.0f} ms"


def versions_text(status: HostStatus) -> str:
    """The hypervisor's version and libvirt's: ``QEMU 7.2.0, libvirt 9.0.0``."""
    library = f"libvirt {status.libvirt}" if status.libvirt else ""
    return ", ".join(part for part in (status.hypervisor, library) if part)


Draw = Callable[[HostStatus, Load, Glyphs], Cell]


@dataclass(frozen=True, slots=True)
class HostColumn:
    """One column of the hosts' table, beside state and name."""

    id: str
    header: str
    width: int
    priority: int
    """Low numbers stay longest when the screen is narrow."""
    align: Align
    draw: Draw
    help: str


def _vms(status: HostStatus, load: Load, signs: Glyphs) -> Cell:
    return Cell(f"{load.running}/{load.total}" if _listed(status, load) else signs.unknown)


def _listed(status: HostStatus, load: Load) -> bool:
    """Tell whether its VMs are known: none is not the same as none yet."""
    return load.total > 0 or status.state.connected


def _vcpu(status: HostStatus, load: Load, signs: Glyphs) -> Cell:
    if not _listed(status, load):
        return Cell(signs.unknown)
    return Cell(overcommit(load.vcpus, status.cpus, load, signs))


def _memory(status: HostStatus, load: Load, signs: Glyphs) -> Cell:
    # More than there is swaps, sooner or later; CPUs are shared without harm.
    if not _listed(status, load):
        return Cell(signs.unknown)
    over = status.memory is not None and load.memory > status.memory
    return Cell(overcommit(load.memory, status.memory, load, signs), "warn" if over else "")


def _percent(value: float | None, signs: Glyphs) -> Cell:
    return Cell(signs.unknown) if value is None else Cell(f"{value:.0f}", load_role(value))


def _cpu_used(status: HostStatus, load: Load, signs: Glyphs) -> Cell:
    return _percent(status.cpu_used, signs)


def _memory_used(status: HostStatus, load: Load, signs: Glyphs) -> Cell:
    used, there = status.memory_used, status.memory
    return _percent(None if used is None or not there else 100 * used / there, signs)


def _latency(status: HostStatus, load: Load, signs: Glyphs) -> Cell:
    return Cell(latency_text(status.latency, signs.unknown))


def _versions(status: HostStatus, load: Load, signs: Glyphs) -> Cell:
    return Cell(versions_text(status) or signs.unknown, "dim")


HOST_COLUMNS: tuple[HostColumn, ...] = (
    HostColumn("vms", "VMS", 7, 0, "right", _vms, "VMs that run, of all"),
    HostColumn(
        "vcpu", "VCPU", 6, 1, "right", _vcpu, "virtual CPUs of what runs, over the host's CPUs"
    ),
    HostColumn("mem", "MEM", 5, 2, "right", _memory, "memory of what runs, over the host's memory"),
    HostColumn("cpu", "CPU%", 4, 3, "right", _cpu_used, "how busy the host's CPUs are"),
    HostColumn("used", "MEM%", 4, 4, "right", _memory_used, "how much of its memory is in use"),
    HostColumn("rtt", "RTT", 7, 5, "right", _latency, "round trip of a question to its daemon"),
    HostColumn("versions", "VERSIONS", 26, 6, "left", _versions, "of the hypervisor and libvirt"),
)
"""From left to right; state and name stand before them."""
BY_ID: Mapping[str, HostColumn] = {column.id: column for column in HOST_COLUMNS}


def columns_for(room: int) -> tuple[HostColumn, ...]:
    """Choose the columns that fit into so many cells, gaps before them included."""
    kept: set[str] = set()
    for column in sorted(HOST_COLUMNS, key=lambda column: column.priority):
        if column.width + GAP > room:
            break
        room -= column.width + GAP
        kept.add(column.id)
    return tuple(column for column in HOST_COLUMNS if column.id in kept)


def name_width(names: Sequence[str]) -> int:
    """Cells that the column of names takes."""
    least, most = NAME_WIDTH
    return min(most, max(least, *(cell_width(name) for name in names), 0))


def taken_text(load: Load, status: HostStatus, signs: Glyphs) -> str:
    """Say in full what the VMs of a host take of it."""
    if not load.total:
        return "none"
    text = f"{load.running} running of {load.total}"
    if not load.running or not load.known:
        return text
    sign = f"{signs.at_least} " if load.unread else ""
    parts = [
        f"{sign}{load.vcpus} vCPUs on {status.cpus} CPUs ({_over(load.vcpus, status.cpus)})"
        if status.cpus
        else f"{sign}{load.vcpus} vCPUs",
        f"{sign}{bytes_text(load.memory)} of {bytes_text(status.memory)} memory "
        f"({_over(load.memory, status.memory)})"
        if status.memory
        else f"{sign}{bytes_text(load.memory)} memory",
    ]
    return f" {signs.dot} ".join([text, *parts])


def _over(taken: int, there: int) -> str:
    return f"{taken / there:.1f}x"
