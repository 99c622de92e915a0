"""What stands in the way of a live migration, before one is tried; nothing of a VM that is off."""

from __future__ import annotations

from collections.abc import Iterator

import libvirt

from tuivm.backend.case import Case
from tuivm.backend.immovable import Disk, Stuck, disks, frozen, is_shared, needed_files
from tuivm.core.causes import Cause, Cure, Surety
from tuivm.core.text import sanitise

DROPS_CACHE = 3_000_000
"""QEMU from which on a disk's cache mode is safe to migrate with."""
OPTIONS = "--live --persistent --copy-storage-all"


def causes(case: Case) -> Iterator[Cause]:
    """Tell what a live migration would be refused for, and what the other host has to have."""
    if not case.state.active or case.live.get("type") not in ("kvm", "qemu"):
        return
    if refused := sorted(_refused(case), key=lambda stuck: not stuck.certain):
        first, *others = refused
        yield Cause(
            "migrate-refused",
            f"A live migration {'would' if first.certain else 'may'} be refused: {first.text}",
            Surety.CERTAIN if first.certain else Surety.LIKELY,
            "; ".join(one.text for one in others) or "as libvirt checks it before it begins",
            (Cure("Take these away first, or move it while it is off"),),
            "migrate",
        )
    found = disks(case.live)
    if local := [disk for disk in found if is_shared(case, disk) is False]:
        yield _local(case, local)
    yield from _caches(case, found)
    yield from _needs(case)


def _refused(case: Case) -> Iterator[Stuck]:
    yield from frozen(case)
    try:
        count = case.domain.snapshotNum()
    except libvirt.libvirtError:
        count = 0
    if count:
        text = f"it has {count} snapshot{'s' if count > 1 else ''}, which cannot move along"
        yield Stuck(text, True)


def _local(case: Case, local: list[Disk]) -> Cause:
    command = f"virsh migrate {OPTIONS} {case.shell_name} qemu+ssh://OTHER-HOST/system"
    paths = ", ".join(f"{disk.target} {disk.path}" for disk in local)
    return Cause(
        "migrate-storage",
        "A live migration has to copy its disks: they are on its host alone",
        Surety.CERTAIN,
        sanitise(paths, 600),
        (
            Cure("Copy them along", lines=(command,)),
            Cure("Or put them on storage that both hosts share: NFS, Ceph, iSCSI"),
        ),
        "migrate",
    )


def _caches(case: Case, found: list[Disk]) -> Iterator[Cause]:
    """Old QEMUs keep a disk's cache when they hand it over."""
    if case.conn.getVersion() >= DROPS_CACHE:
        return
    driver = ((disk, disk.element.find("driver")) for disk in found)
    unsafe = [
        f"{disk.target} (cache='{sanitise(cache, 20)}')"
        for disk, one in driver
        if (cache := "" if one is None else one.get("cache", "")) not in ("none", "directsync")
    ]
    if unsafe:
        yield Cause(
            "migrate-cache",
            "A live migration would be refused as unsafe: its host's cache may hold old data",
            Surety.CERTAIN,
            ", ".join(unsafe),
            (Cure("Give them <driver cache='none'/> in its XML (e), or say --unsafe"),),
            "migrate",
        )


def _needs(case: Case) -> Iterator[Cause]:
    files = list(needed_files(case.live))
    if files:
        yield Cause(
            "migrate-files",
            "The host that it moves to needs the same files in the same places",
            Surety.CERTAIN,
            sanitise("; ".join(files), 600),
            (Cure("Copy them there, or eject the medium first"),),
            "migrate",
        )
    cpu = case.live.find("cpu")
    if cpu is not None and cpu.get("mode") in ("host-passthrough", "maximum"):
        mode = cpu.get("mode", "")
        off = cpu.get("migratable") == "off"
        yield Cause(
            "migrate-cpu",
            "It can only move to a host with the same CPU, microcode included",
            Surety.CERTAIN if off else Surety.LIKELY,
            f"its XML has <cpu mode='{mode}'{' migratable=' + repr('off') if off else ''}>",
            (Cure("Take <cpu mode='host-model'/> or a named model, for the next start (e)"),),
            "migrate",
        )
