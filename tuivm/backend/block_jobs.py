"""Jobs of single disks: copies, pulls and commits, as ``virDomainGetBlockJobInfo`` tells them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import libvirt

from tuivm.backend import errors
from tuivm.core.errors import TuivmError
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
    if any(_is_ready(told) for told in found.values()):
        for disk, copy in read_copies(domain).items():
            if disk in found:
                found[disk] |= {"copy": copy}
    return found


class Copy(NamedTuple):
    """A disk's copy under way, as the running domain's XML tells of it."""

    source: str
    path: str
    """Both sanitised; empty where they are no path."""
    ready: bool
    """All is copied."""
    merges: bool
    """It is a commit: the copy is the image below the disk's."""


def read_copies(domain: libvirt.virDomain) -> dict[str, Copy]:
    """The copies of a domain's disks, by their targets; blocks, raises ``libvirt.libvirtError``."""
    from tuivm.backend.xml_parse import parse, source_path, value_at

    found = {}
    for disk in parse(domain.XMLDesc(0)).iterfind("devices/disk"):
        mirror = disk.find("mirror")
        if mirror is not None:
            found[value_at(disk, "target/@dev")] = Copy(
                sanitise(source_path(disk.find("source")), 300),
                sanitise(source_path(mirror.find("source")), 300),
                mirror.get("ready") == "yes",
                mirror.get("job") == "active-commit",
            )
    return found


def _is_ready(told: Mapping[str, Any]) -> bool:
    end = int(told.get("end") or 0)
    return bool(end) and int(told.get("cur") or 0) >= end and told["type"] in _LASTING


def abort(domain: libvirt.virDomain, disk: str) -> str:
    """Break off a disk's job: the VM keeps its disk. Raises ``libvirt.libvirtError``."""
    copy = read_copies(domain).get(disk)
    domain.blockJobAbort(disk, 0)
    if copy is None or not copy.ready:
        return ""
    kept = "the copy is as the disk is now" if not copy.merges else "all merged stays merged"
    return f"{disk} stays on {copy.source or 'its image'}; {kept}"


def pivot(domain: libvirt.virDomain, args: Mapping[str, str]) -> str:
    """Let a disk go on in its copy, all of which is there.

    Raises:
        TuivmError: no disk has such a copy, or several have and none was named.
        libvirt.libvirtError: libvirt does not let it.
    """
    copies, disk = read_copies(domain), args.get("disk", "")
    ready = [one for one, copy in copies.items() if copy.ready]
    title = f"Cannot switch {sanitise(domain.name(), 80)} over"
    if not disk and len(ready) > 1:
        raise TuivmError(title, f"{' and '.join(ready)} have a finished copy", hint="name one")
    disk = disk or next(iter(ready or copies), "")
    if disk not in copies:
        which = f"of {sanitise(disk, 40)} " if disk else ""
        raise TuivmError(
            title, f"no copy {which}is being made", hint="Jobs (5) lists those that are"
        )
    if disk not in ready:
        raise TuivmError(
            title,
            f"not all of {sanitise(disk, 40)} is copied yet",
            hint="Jobs (5) shows how far it is; wait until it is ready to switch over",
        )
    domain.blockJobAbort(disk, libvirt.VIR_DOMAIN_BLOCK_JOB_ABORT_PIVOT)
    copy = copies[disk]
    return f"{disk} is on {copy.path or 'its copy'} from here on"


def to_block_job(
    key: DomainKey, disk: str, told: dict[str, Any], before: DomainJob | None, now: float
) -> DomainJob:
    """Put libvirt's figures of a disk's job into our terms; its rate is from the look before."""
    total, done = int(told.get("end") or 0), int(told.get("cur") or 0)
    rate = before.rate if before is not None else None
    if before is not None and before.done is not None and now > before.at and done >= before.done:
        rate = (done - before.done) / (now - before.at)
    left, copy = max(0, total - done), told.get("copy")
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
        lasting=told["type"] in _LASTING,
        ready=_is_ready(told),
        copy=copy.path if copy is not None else "",
        source=copy.source if copy is not None else "",
    )
