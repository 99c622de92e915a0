"""Finds the jobs of a host's domains, ours and others', and reads how far they are.

libvirt tells of a job's end, but not of its begin: whoever is likely to have one is asked
often, all others in turn. Only QEMU's jobs can be told; a driver without is asked once.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import libvirt

from tuivm.backend import errors
from tuivm.backend.block_jobs import Blocks, read_blocks, to_block_job
from tuivm.backend.link import LaneName
from tuivm.backend.rows import Rows
from tuivm.core.batch import Focus
from tuivm.core.errors import TuivmError
from tuivm.core.jobs import DomainJob
from tuivm.core.model import Domain, DomainKey

PERIOD = 0.5
"""Seconds between two looks at jobs that are known."""
ROUND = 2.0
"""Seconds between two looks for others'."""
SLICE = 40
"""Domains that are looked at in one round on top of those that are likely."""
SHARE = 0.1
"""The largest part of the time that is spent on it."""
EXPECTED = 10.0
"""Seconds for which a domain on which something long was begun is looked at."""
SHUNNED = 60.0
"""Seconds for which a domain that gave no answer is not asked again."""
_REASONS = frozenset({"saving", "dumping", "migrating", "taking a snapshot", "post-copy migration"})
WHAT = {
    libvirt.VIR_DOMAIN_JOB_OPERATION_START: "Start",
    libvirt.VIR_DOMAIN_JOB_OPERATION_SAVE: "Save memory",
    libvirt.VIR_DOMAIN_JOB_OPERATION_RESTORE: "Restore",
    libvirt.VIR_DOMAIN_JOB_OPERATION_MIGRATION_IN: "Migrate here",
    libvirt.VIR_DOMAIN_JOB_OPERATION_MIGRATION_OUT: "Migrate away",
    libvirt.VIR_DOMAIN_JOB_OPERATION_SNAPSHOT: "Snapshot",
    libvirt.VIR_DOMAIN_JOB_OPERATION_SNAPSHOT_REVERT: "Revert snapshot",
    libvirt.VIR_DOMAIN_JOB_OPERATION_DUMP: "Dump memory",
    getattr(libvirt, "VIR_DOMAIN_JOB_OPERATION_BACKUP", 9): "Back up",
    getattr(libvirt, "VIR_DOMAIN_JOB_OPERATION_SNAPSHOT_DELETE", 10): "Delete snapshot",
}
"""``virDomainJobOperation``, as the list of jobs calls it."""


class Told(NamedTuple):
    """What libvirt tells of one domain's jobs."""

    values: dict[str, Any]
    """The typed parameters of its own job; empty for none."""
    blocks: Blocks
    """The jobs of its disks."""


Found = dict[str, Told]
"""By UUID."""
Publish = Callable[[dict[DomainKey, DomainJob | None]], None]


class JobWatch:
    """Looks for jobs on one host. Keeper thread only."""

    call = "virDomainGetJobStats"
    lane: LaneName = "side"
    deadline = 5.0

    def __init__(self, host: str, rows: Rows, publish: Publish) -> None:
        self._host = host
        self._rows = rows
        self._publish = publish
        self._known: dict[str, DomainJob] = {}
        self._expected: dict[str, float] = {}
        self._shunned: dict[str, float] = {}
        self._shown: tuple[str, ...] = ()
        self._next_at = 0.0
        self._place = 0
        self._asking: list[str] = []
        self._unsupported = False

    def expect(self, uuid: str) -> None:
        """Something that may take long was begun on a domain."""
        self._expected[uuid] = time.monotonic() + EXPECTED
        self._next_at = 0.0

    def end(self) -> None:
        """The link is gone: how far the jobs are is not known any more."""
        if self._known:
            self._publish({job.key: None for job in self._known.values()})

    def focus(self, focus: Focus) -> None:
        """Take what is on screen: it is looked at first."""
        self._shown = tuple(key.uuid for key in focus.visible if key.host == self._host)

    def due(self) -> float | None:
        """Never while nothing runs, or where the driver knows no jobs."""
        if self._unsupported or not (self._rows.active or self._known or self._expected):
            return None
        return self._next_at

    def begin(self, now: float) -> Callable[[libvirt.virConnect], Any]:
        """Ask the likely ones, and a part of the others."""
        likely = [*self._likely(now)]
        others = [*self._others(now, set(likely))]
        self._asking = []
        disks = {uuid: self._disks(uuid) for uuid in (*likely, *others)}
        return partial(_read, likely=likely, others=others, asking=self._asking, disks=disks)

    def _disks(self, uuid: str) -> tuple[str, ...]:
        domain = self._rows.domains.get(uuid)
        return () if domain is None or domain.facts is None else domain.facts.targets

    def _likely(self, now: float) -> Iterator[str]:
        self._expected = {uuid: end for uuid, end in self._expected.items() if end > now}
        busy = (uuid for uuid, domain in self._rows.domains.items() if _busy(domain))
        for uuid in dict.fromkeys((*self._known, *self._expected, *busy)):
            if self._shunned.get(uuid, 0.0) <= now:
                yield uuid

    def _others(self, now: float, likely: set[str]) -> Iterator[str]:
        active = sorted(self._rows.active)
        if len(active) > SLICE:
            start, self._place = self._place % len(active), self._place + SLICE
            active = [*active[start : start + SLICE], *self._shown]
        for uuid in dict.fromkeys(active):
            if uuid not in likely and self._shunned.get(uuid, 0.0) <= now:
                yield uuid

    def done(self, result: Found | None, now: float) -> None:
        """Tell the jobs that came, went on or ended."""
        if result is None:
            self._unsupported = True
            return
        took = time.monotonic() - now if self._asking else 0.0
        jobs = {uuid: self._job(uuid, told, now) for uuid, told in result.items()}
        changed: dict[DomainKey, DomainJob | None] = {job.key: job for job in jobs.values()}
        over = [uuid for uuid in self._known if uuid not in jobs]
        changed |= {DomainKey(self._host, uuid): None for uuid in over}
        for uuid in over:
            self._expected.pop(uuid, None)
        self._known = jobs
        waits = PERIOD if jobs or self._expected else ROUND
        self._next_at = time.monotonic() + max(waits, took / SHARE)
        if changed:
            self._publish(changed)

    def _job(self, uuid: str, told: Told, now: float) -> DomainJob:
        """The domain's own job first, then its disks'; all in the first one."""
        key, known = DomainKey(self._host, uuid), self._known.get(uuid)
        before = {job.disk: job for job in (known, *known.more)} if known is not None else {}
        jobs = []
        if told.values:
            elapsed = told.values.get(libvirt.VIR_DOMAIN_JOB_TIME_ELAPSED, 0) / 1000
            began = before[""].began if "" in before else now - elapsed
            jobs.append(to_job(key, told.values, began, now))
        for disk, info in told.blocks.items():
            jobs.append(to_block_job(key, disk, info, before.get(disk), now))
        return replace(jobs[0], more=tuple(jobs[1:]))

    def failed(self, error: TuivmError, now: float) -> None:
        """Leave the domain alone that did not answer."""
        if self._asking:
            self._shunned[self._asking[-1]] = now + SHUNNED
        self._next_at = now + ROUND


def _busy(domain: Domain) -> bool:
    return domain.reason in _REASONS


def to_job(key: DomainKey, values: dict[str, Any], began: float, now: float) -> DomainJob:
    """Put libvirt's typed parameters of a job into our terms."""
    total = values.get(libvirt.VIR_DOMAIN_JOB_DATA_TOTAL) or None
    left = values.get(libvirt.VIR_DOMAIN_JOB_DATA_REMAINING)
    done = values.get(libvirt.VIR_DOMAIN_JOB_DATA_PROCESSED)
    rate = sum(
        values.get(name) or 0
        for name in (libvirt.VIR_DOMAIN_JOB_MEMORY_BPS, libvirt.VIR_DOMAIN_JOB_DISK_BPS)
    )
    if not rate and done and now > began:
        rate = done / (now - began)
    told = values.get(libvirt.VIR_DOMAIN_JOB_TIME_REMAINING)
    eta = told / 1000 if told else left / rate if left and rate else None
    operation = values.get(libvirt.VIR_DOMAIN_JOB_OPERATION, 0)
    what = WHAT.get(operation, "A job")
    if not total and libvirt.VIR_DOMAIN_JOB_DISK_TEMP_TOTAL in values:
        # In pull mode: it lasts until whoever began it has fetched what it wants.
        what = "Serve a backup"
    return DomainJob(key, what, began, now, total, done, left, float(rate) or None, eta)


def _read(
    conn: libvirt.virConnect,
    likely: Iterable[str],
    others: Iterable[str],
    asking: list[str],
    disks: Mapping[str, Iterable[str]],
) -> Found | None:
    """The jobs of these domains; None where the driver knows none at all.

    ``asking`` grows by each domain that is asked: its last one is who does not answer.
    """
    found: Found = {}
    for uuid, sure in (*((uuid, True) for uuid in likely), *((uuid, False) for uuid in others)):
        asking.append(uuid)
        try:
            domain = conn.lookupByUUIDString(uuid)
            if not sure and domain.controlInfo(0)[0] != libvirt.VIR_DOMAIN_CONTROL_OK:
                continue  # somebody has it: a question would have to wait
            values = domain.jobStats(0)
            blocks = read_blocks(domain, disks.get(uuid, ()))
        except libvirt.libvirtError as error:
            if errors.broken(error):
                raise
            if errors.is_unsupported(error):
                return None
            continue
        if is_job(values) or blocks:
            found[uuid] = Told(values if is_job(values) else {}, blocks)
    return found


def is_job(values: dict[str, Any]) -> bool:
    """Tell whether ``virDomainGetJobStats`` speaks of a job that is under way."""
    running = (libvirt.VIR_DOMAIN_JOB_BOUNDED, libvirt.VIR_DOMAIN_JOB_UNBOUNDED)
    return values.get("type", libvirt.VIR_DOMAIN_JOB_NONE) in running
