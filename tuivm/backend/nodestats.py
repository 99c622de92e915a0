"""How busy a host itself is; asked only while somebody looks at the hosts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import libvirt

from tuivm.backend import errors
from tuivm.backend.link import LaneName
from tuivm.core.batch import Focus
from tuivm.core.errors import TuivmError

PERIOD = 2.0
"""Seconds between two looks."""
_STEP = 64 << 20
"""Bytes by which memory in use has to differ to be told again."""

Raw = tuple[dict[str, int] | None, dict[str, int] | None]
"""CPU times in nanoseconds and memory in KiB by libvirt's names; None where there is none."""


class NodeStats:
    """Tells ``cpu_used`` and ``memory_used`` of ``HostStatus``. Keeper thread only."""

    call = "virNodeGetCPUStats"
    lane: LaneName = "side"
    deadline = 5.0

    def __init__(self, period: float, tell: Callable[[dict[str, Any]], None]) -> None:
        self._period = period
        self._tell = tell
        self._wanted = False
        self._next_at = 0.0
        self._before: dict[str, int] | None = None

    def focus(self, focus: Focus) -> None:
        """Begin when the hosts come into sight; what was read goes with them."""
        wanted = focus.hosts and not focus.hidden
        if self._wanted and not wanted:
            self._before = None
            self._tell({"cpu_used": None, "memory_used": None})
        self._wanted = wanted

    def due(self) -> float | None:
        """In its period while it is wanted."""
        return self._next_at if self._wanted else None

    def begin(self, now: float) -> Callable[[libvirt.virConnect], Any]:
        """Two questions that no guest can hold up."""
        self._next_at = now + self._period
        return read_node

    def done(self, result: Raw, now: float) -> None:
        """Tell how much of the time since the last look the CPUs were busy."""
        cpu, memory = result
        if self._wanted:
            self._tell({"cpu_used": busy(self._before, cpu), "memory_used": in_use(memory)})
            self._before = cpu
        if cpu is None and memory is None:
            self._next_at = float("inf")

    def failed(self, error: TuivmError, now: float) -> None:
        """Unknown, until it is read again."""
        self._before = None


def read_node(conn: libvirt.virConnect) -> Raw:
    """Read CPU times and memory of the host, where the driver has them."""
    return _ask(conn.getCPUStats), _ask(conn.getMemoryStats)


def _ask(function: Callable[[int], dict[str, int]]) -> dict[str, int] | None:
    try:
        return function(-1)  # of all CPUs, of all NUMA cells
    except libvirt.libvirtError as error:
        if errors.is_unsupported(error):
            return None
        raise


def busy(before: dict[str, int] | None, now: dict[str, int] | None) -> float | None:
    """The share of the time in which CPUs worked, in whole percent; None when unknown."""
    if now is None:
        return None
    if "utilization" in now:
        return float(now["utilization"])
    if before is None:
        return None
    spent = {name: now[name] - before.get(name, 0) for name in now}
    whole = sum(spent.values())
    if whole <= 0 or "idle" not in spent:
        return None
    idle = spent["idle"] + spent.get("iowait", 0)
    return float(round(min(100.0, max(0.0, 100 * (whole - idle) / whole))))


def in_use(memory: dict[str, int] | None) -> int | None:
    """Bytes in use without what the kernel would give back; None when unknown."""
    if memory is None or "total" not in memory or "free" not in memory:
        return None
    given = memory["free"] + memory.get("buffers", 0) + memory.get("cached", 0)
    used = max(0, memory["total"] - given) << 10
    return round(used / _STEP) * _STEP
