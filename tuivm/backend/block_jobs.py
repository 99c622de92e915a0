"""Jobs of single disks: copies, pulls and commits, as ``virDomainGetBlockJobInfo`` tells them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import libvirt

from tuivm.backend import errors
from tuivm.core.jobs import DomainJob
from tuivm.core.model import DomainKey
from tuivm.core.text import sanitise

WHAT = {
    libvirt.VIR_DOMAIN_BLOCK_JOB_TYPE_PULL: "Pull disk",
    libvirt.VIR_DOMAIN_BLOCK_JOB_TYPE_COPY: "Copy disk",
    libvirt.VIR_DOMAIN_BLOCK_JOB_TYPE_COMMIT: "Commit disk",
    libvirt.VIR_DOMAIN_BLOCK_JOB_TYPE_ACTIVE_COMMIT: "Commit disk",
}
"""``virDomainBlockJobType``; a backup shows as its domain's own job already."""
_LASTING = frozenset(
    {libvirt.VIR_DOMAIN_BLOCK_JOB_TYPE_COPY, libvirt.VIR_DOMAIN_BLOCK_JOB_TYPE_ACTIVE_COMMIT}
)
"""Those that, once all is copied, go on until somebody switches over."""
MOST = 16
"""Disks of a domain that are asked about."""

Blocks = dict[str, dict[str, Any]]
"""What is told of a domain's disks with a job, by their targets."""


def read_blocks(domain: libvirt.virDomain, disks: Iterable[str]) -> Blocks:
    """Ask for the jobs of these disks; blocks. Raises when the connection broke."""
    found: Blocks = {}
    for disk in [*disks][:MOST]:
        try:
            told = domain.blockJobInfo(disk, libvirt.VIR_DOMAIN_BLOCK_JOB_INFO_BANDWIDTH_BYTES)
        except libvirt.libvirtError as error:
            if errors.broken(error):
                raise
            if errors.is_unsupported(error):
                return found
            continue  # the disk went meanwhile
        if told and told.get("type") in WHAT:
            found[disk] = told
    return found


def to_block_job(
    key: DomainKey, disk: str, told: dict[str, Any], before: DomainJob | None, now: float
) -> DomainJob:
    """Put libvirt's figures of a disk's job into our terms; its rate is from the look before."""
    total, done = int(told.get("end") or 0), int(told.get("cur") or 0)
    rate = before.rate if before is not None else None
    if before is not None and before.done is not None and now > before.at and done >= before.done:
        rate = (done - before.done) / (now - before.at)
    left = max(0, total - done)
    return DomainJob(
        key,
        f"{WHAT[told['type']]} {sanitise(disk, 16)}",
        now if before is None else before.began,
        now,
        total or None,
        done,
        left if total else None,
        rate or None,
        left / rate if rate and left else None,
        disk=disk,
        ready=bool(total) and not left and told["type"] in _LASTING,
    )
