"""Live numbers: what is read, how it becomes rates, and what is worth telling.

A nearby daemon answers ``virDomainGetInfo`` twenty times faster than the bulk groups that
tell the same and that wait for each QEMU's monitor; a distant one is asked in bulk. Nobody
is ever waited for: NOWAIT skips a domain whose monitor is taken.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import libvirt

from tuivm.backend import errors, lists
from tuivm.core.model import Stats

NEAR = 0.005
"""Round trip in seconds below which a call a domain beats the bulk groups."""
_NOWAIT: int = libvirt.VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT
_ACTIVE: int = libvirt.VIR_CONNECT_GET_ALL_DOMAINS_STATS_ACTIVE
_NO_MONITOR: int = libvirt.VIR_DOMAIN_STATS_STATE | libvirt.VIR_DOMAIN_STATS_INTERFACE
"""Groups that libvirt answers by itself."""
_CPU: int = libvirt.VIR_DOMAIN_STATS_CPU_TOTAL | libvirt.VIR_DOMAIN_STATS_VCPU
_MONITOR: int = libvirt.VIR_DOMAIN_STATS_BALLOON | libvirt.VIR_DOMAIN_STATS_BLOCK
_KIB = 1024


class Sample(NamedTuple):
    """One domain's raw counters; None for what was not read or is not told."""

    at: float
    """``time.monotonic()``."""
    cpu: int | None = None
    """Nanoseconds."""
    vcpus: int | None = None
    memory_used: int | None = None
    """Bytes, as all that follow."""
    memory_rss: int | None = None
    memory_max: int | None = None
    disk_read: int | None = None
    disk_write: int | None = None
    net_rx: int | None = None
    net_tx: int | None = None


class Sweep(NamedTuple):
    """What one round reads."""

    near: bool
    """One ``virDomainGetInfo`` a domain instead of the CPU groups."""
    full: frozenset[str] | None
    """UUIDs that are asked for everything; None for all of them."""
    careful: bool
    """Nothing that needs a monitor: too many threads hang in one already."""
    only: frozenset[str] | None = None
    """UUIDs that alone are read, in full; for a nearby host, as each is looked up."""


class Swept(NamedTuple):
    """What one round told."""

    samples: dict[str, Sample]
    cost: float
    """Seconds that it took."""


def sweep(conn: libvirt.virConnect, plan: Sweep) -> Swept:
    """Read one sample of every active domain; raises ``libvirt.libvirtError``."""
    began = time.monotonic()
    if plan.only is not None:
        return _sweep_some(conn, plan.only, plan.careful)
    groups = _NO_MONITOR
    if not plan.careful:
        groups |= 0 if plan.near else _CPU | libvirt.VIR_DOMAIN_STATS_BALLOON
        groups |= _MONITOR if plan.full is None else 0
    records = _bulk(conn, groups)
    merged: dict[str, tuple[libvirt.virDomain, dict[str, Any]]] = {
        domain.UUIDString(): (domain, values) for domain, values in records
    }
    if plan.full and not plan.careful:
        shown = [merged[uuid][0] for uuid in plan.full if uuid in merged]
        if shown:
            groups = _MONITOR if plan.near else libvirt.VIR_DOMAIN_STATS_BLOCK
            for domain, values in conn.domainListGetStats(shown, groups, _NOWAIT):
                merged[domain.UUIDString()][1].update(values)
    at = time.monotonic()
    samples: dict[str, Sample] = {}
    for uuid, (domain, values) in merged.items():
        sample = to_sample(values, at)
        if sample.cpu is None and (plan.near or not values):
            sample = _with_info(domain, sample)
        samples[uuid] = sample
    return Swept(samples, time.monotonic() - began)


def _sweep_some(conn: libvirt.virConnect, uuids: frozenset[str], careful: bool) -> Swept:
    began = time.monotonic()
    domains = []
    for uuid in uuids:
        try:
            domains.append(conn.lookupByUUIDString(uuid))
        except libvirt.libvirtError as error:
            if error.get_error_code() != libvirt.VIR_ERR_NO_DOMAIN:
                raise
    records: Iterable[tuple[libvirt.virDomain, dict[str, Any]]] = [(one, {}) for one in domains]
    if domains:
        groups = _NO_MONITOR if careful else _NO_MONITOR | _MONITOR
        try:
            records = conn.domainListGetStats(domains, groups, _NOWAIT)
        except libvirt.libvirtError as error:
            if not errors.is_unsupported(error):
                raise
    at = time.monotonic()
    samples = {
        domain.UUIDString(): _with_info(domain, to_sample(values, at)) for domain, values in records
    }
    return Swept(samples, time.monotonic() - began)


def _bulk(
    conn: libvirt.virConnect, groups: int
) -> Iterable[tuple[libvirt.virDomain, dict[str, Any]]]:
    try:
        return lists.all_stats(conn, groups, _ACTIVE | _NOWAIT)
    except libvirt.libvirtError as error:
        if not errors.is_unsupported(error):
            raise
    # Drivers without bulk statistics.
    running = lists.list_domains(conn, libvirt.VIR_CONNECT_LIST_DOMAINS_ACTIVE)
    return [(domain, {}) for domain in running]


def _with_info(domain: libvirt.virDomain, sample: Sample) -> Sample:
    try:
        _state, _max_kib, memory_kib, vcpus, cpu = domain.info()
    except libvirt.libvirtError as error:
        if errors.broken(error):
            raise
        return sample
    # These calls come one after the other: each has a time of its own.
    return sample._replace(
        at=time.monotonic(),
        cpu=cpu,
        vcpus=vcpus or None,
        memory_max=sample.memory_max or memory_kib * _KIB or None,
    )


def to_sample(values: Mapping[str, Any], at: float) -> Sample:
    """Turn libvirt's typed parameters of one domain into counters."""
    available, unused = values.get("balloon.available"), values.get("balloon.unused")
    used = available - unused if available is not None and unused is not None else None
    usable = values.get("balloon.usable")
    if available is not None and usable is not None:
        # What the guest could still hand out, its caches counted in, is not used.
        used = available - usable
    disks, nets = values.get("block.count"), values.get("net.count")
    return Sample(
        at,
        values.get("cpu.time"),
        values.get("vcpu.current"),
        _bytes(used),
        _bytes(values.get("balloon.rss")),
        _bytes(values.get("balloon.current")),
        _sum(values, "block", disks, "rd.bytes"),
        _sum(values, "block", disks, "wr.bytes"),
        _sum(values, "net", nets, "rx.bytes"),
        _sum(values, "net", nets, "tx.bytes"),
    )


def _bytes(kib: int | None) -> int | None:
    return None if kib is None or kib < 0 else kib * _KIB


def _sum(values: Mapping[str, Any], group: str, count: int | None, name: str) -> int | None:
    """The counter over all devices; None when no device tells it."""
    if count is None:
        return None
    if count == 0:
        return 0
    told = [values.get(f"{group}.{index}.{name}") for index in range(count)]
    known = [value for value in told if value is not None]
    return sum(known) if known else None


def rates(before: Sample | None, now: Sample, vcpus: int | None = None) -> Stats:
    """What two samples mean; ``vcpus`` where the sample does not tell their number."""
    cpus = now.vcpus or vcpus
    if before is None or now.at <= before.at:
        return Stats(
            now.at,
            memory_used=now.memory_used,
            memory_rss=now.memory_rss,
            memory_max=now.memory_max,
        )
    seconds = now.at - before.at
    used = _rate(before.cpu, now.cpu, seconds)
    cpu = None if used is None or not cpus else min(100.0, used / 1e9 / cpus * 100)
    return Stats(
        now.at,
        None if cpu is None else round(cpu, 1),
        now.memory_used,
        now.memory_rss,
        now.memory_max,
        _rate(before.disk_read, now.disk_read, seconds),
        _rate(before.disk_write, now.disk_write, seconds),
        _rate(before.net_rx, now.net_rx, seconds),
        _rate(before.net_tx, now.net_tx, seconds),
    )


def _rate(before: int | None, now: int | None, seconds: float) -> float | None:
    """Growth a second; None when a counter is unknown or began anew."""
    if before is None or now is None or now < before:
        return None
    return float(round((now - before) / seconds))


def same(one: Stats | None, other: Stats) -> bool:
    """True when two samples look alike on screen."""
    return one is not None and _shown(one) == _shown(other)


def _shown(stats: Stats) -> tuple[object, ...]:
    return (
        stats.cpu,
        stats.memory_used,
        stats.memory_rss,
        stats.memory_max,
        stats.disk_read,
        stats.disk_write,
        stats.net_rx,
        stats.net_tx,
    )
