"""Why a domain is paused although nobody wanted it: no room on the host, watchdog, crash."""

from __future__ import annotations

import os
from collections.abc import Iterator

import libvirt
from lxml import etree

from tuivm.backend.case import Case
from tuivm.backend.connection import Target
from tuivm.backend.processes import qemu_of
from tuivm.backend.xml_parse import source_path
from tuivm.core.causes import Cause, Cure, Surety
from tuivm.core.model import FAULT_REASONS, State
from tuivm.core.text import bytes_text, sanitise

FORCE_OFF = Cure("Force off: pull the plug", "D", "destroy", level=2)
RESUME = Cure("Go on", "r", "resume")
_WHY = {
    "watchdog": (
        "Its watchdog expired: the guest hung, and it is kept as it was",
        (RESUME, Cure("Press its reset button", "R", "reset", level=2), FORCE_OFF),
    ),
    "crashed": (
        "Its guest's kernel panicked, and it is kept for inspection",
        (Cure("Press its reset button", "R", "reset", level=2), FORCE_OFF),
    ),
    "post-copy failed": (
        "Its migration failed when a part of its memory had moved already",
        (Cure("Let the other host go on with the migration, if it can"), FORCE_OFF),
    ),
    "API error": ("A command to its hypervisor failed while it was stopped", (RESUME, FORCE_OFF)),
}


def causes(case: Case) -> Iterator[Cause]:
    """Tell why it is paused; nothing for one that somebody paused, or that runs."""
    if case.state is State.CRASHED and case.domain.isActive():
        yield _preserved(case)
        return
    if case.state is not State.PAUSED or case.reason not in FAULT_REASONS:
        return
    if case.reason == "I/O error":
        yield from _disks(case)
    elif case.reason in _WHY:
        title, cures = _WHY[case.reason]
        evidence = f"libvirt says: paused, {case.reason}"
        yield Cause(
            f"paused-{case.reason.replace(' ', '-')}", title, Surety.CERTAIN, evidence, cures
        )


def _preserved(case: Case) -> Cause:
    """on_crash is preserve; its reset button alone does not let it run again."""
    line = f"virsh dump {case.shell_name} /var/tmp/{case.shell_name}.core --memory-only"
    return Cause(
        "crashed",
        "Its guest's kernel panicked, and it is kept for inspection (on_crash: preserve)",
        Surety.CERTAIN,
        f"libvirt says: crashed, {case.reason or 'no reason'}; its console has the panic's text",
        (FORCE_OFF, Cure("Save its memory for inspection before that", lines=(line,))),
    )


def _disks(case: Case) -> Iterator[Cause]:
    try:
        errors = case.domain.diskErrors()
    except libvirt.libvirtError:
        errors = {}
    for target, number in sorted(errors.items()):
        disk = _disk(case.live, target)
        path = source_path(disk.find("source")) if disk is not None else ""
        if number == libvirt.VIR_DOMAIN_DISK_ERROR_NO_SPACE:
            block = disk is not None and disk.get("type") == "block"
            yield _volume_full(target, path) if block else _no_space(case, target, path)
        else:
            yield Cause(
                "disk-error",
                f"The host cannot read or write its disk {sanitise(target, 40)}",
                Surety.CERTAIN,
                f"{path or 'no path is known'}; the host's kernel log has the error",
                (
                    Cure("See what the host's kernel says", lines=("dmesg | tail -50",)),
                    Cure("Try again: go on once the disk answers", "r", "resume"),
                    FORCE_OFF,
                ),
            )
    if not errors:
        yield Cause(
            "io-error",
            "A disk failed, but its hypervisor does not say which any more",
            Surety.LIKELY,
            "libvirt says: paused, I/O error",
            (Cure("Try again: go on", "r", "resume"), FORCE_OFF),
        )


def _disk(root: etree._Element, target: str) -> etree._Element | None:
    for disk in root.iterfind("devices/disk"):
        place = disk.find("target")
        if place is not None and place.get("dev") == target:
            return disk
    return None


def _volume_full(target: str, path: str) -> Cause:
    """Nothing tells how much room there is behind a device that is smaller than it says."""
    return Cause(
        "no-space",
        f"The volume behind its disk {sanitise(target, 40)} is full: it waits, nothing is lost",
        Surety.CERTAIN,
        f"{path}: it is thin, and what it is made of has no room left",
        (
            Cure("Go on, once there is room", "r", "resume"),
            Cure(
                "Make room on the host first", lines=("lvs -a    # Data%: lvextend", "losetup -l")
            ),
            FORCE_OFF,
        ),
    )


def _no_space(case: Case, target: str, path: str) -> Cause:
    shown = path or "its image"
    room = _room(case, path)
    free = "" if room is None else f": {bytes_text(room)} free on its file system"
    folder = os.path.dirname(path) or "there"
    go_on = "Go on: there is room again" if room else "Go on, once there is room"
    return Cause(
        "no-space",
        f"The host has no room left for its disk {sanitise(target, 40)}: it waits, nothing is lost",
        Surety.CERTAIN,
        f"{shown}{free}",
        (
            Cure(go_on, "r", "resume"),
            Cure(
                "Make room on the host first",
                lines=(f"df -h {folder}", f"du -xh {folder} | sort -h | tail"),
            ),
            FORCE_OFF,
        ),
    )


def _room(case: Case, path: str) -> int | None:
    """Bytes free where a file is: here, or as its storage pool tells."""
    if Target(case.uri).local:
        process = qemu_of(case.domain.UUIDString())
        # Its own view of the file systems first: a daemon in a container has others than we.
        roots = (*([f"/proc/{process.pid}/root"] if process else []), "")
        for root in roots:
            try:
                room = os.statvfs(f"{root}{os.path.dirname(path)}")
            except OSError:
                continue
            return room.f_bavail * room.f_frsize
        return None
    try:
        pool = case.conn.storageVolLookupByPath(path).storagePoolLookupByVolume()
        pool.refresh(0)
        return int(pool.info()[3])
    except libvirt.libvirtError:
        return None
