"""What stands in the way of a snapshot, before one is tried: from the XML and libvirt's version.

Each fact was seen in libvirt's refusal (``virsh snapshot-create-as``); what is not sure is
left out.
"""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterator

from tuivm.backend.case import Case
from tuivm.backend.immovable import Disk, Stuck, disks, frozen, stem
from tuivm.core.causes import Cause, Cure, Surety

FLASH_SNAPSHOTS = 10_010_000
"""libvirt from which on snapshots of domains with firmware in flash work inside qcow2."""


def causes(case: Case) -> Iterator[Cause]:
    """Tell what would stop an internal or an external snapshot of this domain."""
    if case.live.get("type") not in ("kvm", "qemu"):
        return
    found = disks(case.live)
    if not found:
        title = "It cannot have snapshots: it has no disk that is written to"
        evidence = "no <disk> in its XML but read-only ones"
        cure = Cure("Give it a disk in a qcow2 image")
        yield Cause("snapshot-none", title, Surety.CERTAIN, evidence, (cure,), "snapshot")
        return
    if case.state.active and (stuck := list(frozen(case))):
        yield _memory(case, stuck)
    inside, outside = list(_internal(case, found)), list(_external(found))
    if inside:
        yield _refused(case, inside, outside, found)
    if outside:
        yield _named(case, outside, found)


def _memory(case: Case, stuck: list[Stuck]) -> Cause:
    certain = any(one.certain for one in stuck)
    cure = Cure(
        "Take it while the VM is off, or of its disks alone",
        lines=(_command(case, []),),
    )
    return Cause(
        "snapshot-memory",
        f"A snapshot with its memory {'would' if certain else 'may'} be refused while it runs",
        Surety.CERTAIN if certain else Surety.LIKELY,
        "; ".join(one.text for one in stuck),
        (cure,),
        "snapshot",
    )


def _internal(case: Case, found: list[Disk]) -> Iterator[str]:
    """What keeps a snapshot out of the images themselves."""
    for disk in found:
        if disk.format != "qcow2":
            yield f"its disk {disk.target} is {disk.format}, which has no room for snapshots"
        elif disk.kind == "network":
            yield f"its disk {disk.target} is on the network"
        if disk.element.get("snapshot") == "no":
            yield f"its disk {disk.target} says snapshot='no', and all have to take part"
    loader = case.live.find("os/loader")
    if loader is not None and loader.get("type") == "pflash":
        nvram = case.live.find("os/nvram")
        version = case.conn.getLibVersion()
        if version < FLASH_SNAPSHOTS:
            yield "its firmware is in flash (UEFI), for which libvirt before 10.10 takes none"
        elif nvram is not None and nvram.get("format", "raw") != "qcow2":
            yield "its firmware's variables (<nvram>) are in a raw file"


def _external(found: list[Disk]) -> Iterator[Disk]:
    """Disks for which libvirt cannot make up the name of a new file beside them."""
    stems = Counter(stem(disk.path) for disk in found if disk.kind == "file")
    for disk in found:
        if disk.kind != "file" or stems[stem(disk.path)] > 1:
            yield disk


def _refused(case: Case, why: list[str], unnamed: list[Disk], found: list[Disk]) -> Cause:
    lines = (_command(case, unnamed),)
    raw = [disk for disk in found if disk.format == "raw" and disk.kind == "file"]
    cures = [Cure("Take an external one: it lives in new files beside the disks", lines=lines)]
    if raw:
        change = "then, in its XML: <driver type='qcow2'/> and the new <source file>"
        convert = [f"qemu-img convert -O qcow2 {disk.path} {stem(disk.path)}.qcow2" for disk in raw]
        cures.append(Cure("Or make it qcow2, while it is off", lines=(*convert, change)))
    if case.live.find("os/loader[@type='pflash']") is not None and len(why) == 1:
        cures.append(Cure("Or update its host's libvirt to 10.10 or newer"))
    return Cause(
        "snapshot-internal",
        f"A snapshot inside its images (internal) would be refused: {why[0]}",
        Surety.CERTAIN,
        "; ".join(why[1:]) or "its XML says so",
        tuple(cures),
        "snapshot",
    )


def _command(case: Case, unnamed: list[Disk]) -> str:
    words = ["virsh", "snapshot-create-as", case.shell_name, "SNAPSHOT", "--disk-only", "--atomic"]
    for disk in unnamed:
        place = f"{disk.path}.SNAPSHOT" if disk.kind == "file" else "/PATH/OF/A/NEW.qcow2"
        words += ["--diskspec", f"{disk.target},file={place}"]
    return shlex.join(words)


def _named(case: Case, unnamed: list[Disk], found: list[Disk]) -> Cause:
    names = ", ".join(disk.target for disk in unnamed)
    same = any(disk.kind == "file" for disk in unnamed)
    why = "their files differ in their suffix alone" if same else "it is no file"
    return Cause(
        "snapshot-external",
        f"An external snapshot needs to be told where to: libvirt finds no file name for {names}",
        Surety.CERTAIN,
        f"{', '.join(disk.path or disk.kind for disk in unnamed)}: {why}",
        (Cure("Name the files", lines=(_command(case, unnamed),)),),
        "snapshot",
    )
