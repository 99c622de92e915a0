"""Long operations: what libvirt tells of one, and the list of all that are under way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from tuivm.core.actions import ACTIONS
from tuivm.core.model import DomainKey
from tuivm.core.rows import Row
from tuivm.core.stops import Stop, Stops

LONG = frozenset({"domain.managedsave", "domain.start", "domain.start_paused", "domain.boot_fresh"})
"""Actions that may take long, and what they are called meanwhile."""
SLOW_SECONDS = 3.0
"""A start that takes less is no job: most restore nothing."""


@dataclass(frozen=True, slots=True)
class DomainJob:
    """What libvirt tells of a domain's job (``virDomainGetJobStats``), or of a disk's."""

    key: DomainKey
    what: str
    """``Save memory``, ``Migrate away``, ``Back up``."""
    began: float
    """``time.monotonic()`` of its begin."""
    at: float
    """``time.monotonic()`` of these figures."""
    total: int | None = None
    """Bytes, as the next two."""
    done: int | None = None
    left: int | None = None
    rate: float | None = None
    """Bytes a second."""
    eta: float | None = None
    """Seconds from ``at`` that it is expected to take still."""
    disk: str = ""
    """The disk (``vda``) whose own job it is; empty for the domain's."""
    lasting: bool = False
    """It makes a copy that the disk can go on in, and does not end by itself."""
    ready: bool = False
    """All is copied: it goes on until somebody switches over to the copy, or breaks it off."""
    copy: str = ""
    """Where the copy is, once it is ready; sanitised, empty where that is not known."""
    source: str = ""
    """What it is a copy of, told with ``copy``."""
    more: tuple[DomainJob, ...] = ()
    """Further jobs of the same domain: those of its disks."""

    @property
    def part(self) -> float | None:
        """How much is done, 0 to 1; None where that is not known."""
        if not self.total or self.left is None:
            return None
        return min(1.0, max(0.0, 1.0 - self.left / self.total))


class JobLine(NamedTuple):
    """One operation under way."""

    key: DomainKey
    name: str
    what: str
    ours: bool
    """Begun by this program in this run."""
    since: float
    """``time.monotonic()``."""
    job: DomainJob | None = None
    """Its figures, where libvirt has them."""
    stop: Stop | None = None
    """What is followed, where it is a shutdown."""

    @property
    def cannot_pivot(self) -> str:
        """Why its disk cannot go on in a copy now, or empty."""
        if self.job is None or not self.job.disk:
            return "this is no copy of a disk"
        if self.job.ready:
            return ""
        return (
            f"{self.job.what.lower()}: not all is copied yet"
            if self.job.lasting
            else (f"{self.job.what.lower()} ends by itself, in the disk that is used")
        )


def under_way(
    rows: Mapping[DomainKey, Row], jobs: Mapping[DomainKey, DomainJob], stops: Stops, now: float
) -> list[JobLine]:
    """List what is under way: what does not go on first, then ours, then others', oldest first."""
    lines = [*_lines(rows, jobs, stops, now)]
    lines.sort(key=lambda line: (not (line.stop and line.stop.late), not line.ours, line.since))
    return lines


def _lines(
    rows: Mapping[DomainKey, Row], jobs: Mapping[DomainKey, DomainJob], stops: Stops, now: float
) -> Iterator[JobLine]:
    for key, stop in stops.by_key.items():
        what = ACTIONS[stop.action_id].follow
        yield JobLine(key, stop.name, what, True, stop.asked, stop=stop)
    for key, row in rows.items():
        pending = row.pending
        if pending is None or pending.action_id not in LONG:
            continue
        job = jobs.get(key)
        job = None if job is not None and job.disk else job
        saving = pending.action_id == "domain.managedsave"
        if job is None and not saving and now - pending.since < SLOW_SECONDS:
            continue
        what = "Save memory" if saving else "Restore" if row.domain.saved else "Start"
        yield JobLine(key, row.domain.name, job.what if job else what, True, pending.since, job=job)
    for key, first in jobs.items():
        mine = rows[key].pending if key in rows else None
        name = rows[key].domain.name if key in rows else key.uuid
        for job in (first, *first.more):
            if job.disk or mine is None or mine.action_id not in LONG:
                yield JobLine(key, name, job.what, False, job.began, job=job)
