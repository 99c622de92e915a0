"""Since when this machine's QEMU processes run: libvirt does not tell, the kernel does."""

from __future__ import annotations

import logging
import os
import re
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import libvirt

from tuivm.backend.link import LaneName
from tuivm.backend.rows import Rows
from tuivm.backend.task import Timing
from tuivm.core.errors import TuivmError

logger = logging.getLogger(__name__)

_UUID = re.compile(rb"-uuid\0([0-9a-f-]{36})\0")
_MAX_COMMAND = 65536
_PERIOD = 5.0
"""Seconds between two looks through the processes, however many rows ask."""


class Uptimes:
    """Fills ``Domain.started_at`` of rows that were already running when we came."""

    call = "/proc"
    lane: LaneName = "side"

    def __init__(self, rows: Rows, timing: Timing) -> None:
        self._rows = rows
        self.deadline = timing.read
        self._asked: dict[str, float] = {}
        """By UUID the ``started_at`` that could not be improved."""
        self._wanted: dict[str, float] = {}
        self._next_at = 0.0

    def settle(self) -> None:
        """The rows changed: see which of them have no exact start."""
        domains = self._rows.domains
        unsure = {
            uuid: domain.started_at
            for uuid in self._rows.active
            if not (domain := domains[uuid]).started_exact and domain.started_at is not None
        }
        self._wanted = {u: at for u, at in unsure.items() if self._asked.get(u) != at}

    def due(self) -> float | None:
        """When a row wants it."""
        return self._next_at if self._wanted else None

    def begin(self, now: float) -> Callable[[libvirt.virConnect], Any]:
        """Look through the processes once, for all."""
        self._asked.update(self._wanted)
        self._next_at = now + _PERIOD
        return partial(_find, wanted=dict(self._wanted))

    def done(self, result: dict[str, float], now: float) -> None:
        """Take the exact times."""
        self._wanted = {}
        self._rows.set_many(
            (uuid, {"started_at": at, "started_exact": True}) for uuid, at in result.items()
        )

    def failed(self, error: TuivmError, now: float) -> None:
        """Then it stays "at least since"."""
        self._wanted = {}


def _find(_conn: libvirt.virConnect, wanted: dict[str, float]) -> dict[str, float]:
    starts = _SCAN.starts(max(wanted.values()))
    return {uuid: starts[uuid] for uuid in wanted if uuid in starts}


class Scan:
    """One look through the processes for all hosts of this machine. Any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._at = 0.0
        self._starts: dict[str, float] = {}

    def starts(self, seen_at: float) -> dict[str, float]:
        """By UUID when each began; of a look since ``seen_at`` (``time.time()``).

        What was seen to run before a look is found by it. Others wait while one looks.
        """
        with self._lock:
            if self._at <= seen_at:
                began = time.time()
                self._starts = process_starts()
                self._at = began
            return self._starts


_SCAN = Scan()


def process_starts(proc: Path = Path("/proc")) -> dict[str, float]:
    """By UUID, the wall-clock time at which the QEMU process of each domain began."""
    starts: dict[str, float] = {}
    try:
        uptime = float((proc / "uptime").read_text().split()[0])
        pids = [name for name in os.listdir(proc) if name.isdigit()]
    except (OSError, ValueError, IndexError) as error:
        logger.debug("no process times: %s", error)
        return {}
    booted = time.time() - uptime
    ticks = os.sysconf("SC_CLK_TCK")
    for pid in pids:
        try:
            with open(proc / pid / "cmdline", "rb") as file:
                match = _UUID.search(file.read(_MAX_COMMAND))
            if match is not None:
                # Field 22 of proc(5)'s stat; the second field may hold spaces and brackets.
                fields = (proc / pid / "stat").read_text().rpartition(")")[2].split()
                starts[match[1].decode()] = booted + int(fields[19]) / ticks
        except (OSError, ValueError, IndexError):
            # Processes end while we look.
            continue
    return starts
