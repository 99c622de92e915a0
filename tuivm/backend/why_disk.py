"""Why a domain's disks keep it from starting: missing, closed, locked, or without their base."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import PurePosixPath

import libvirt
from lxml import etree

from tuivm.backend.case import Case
from tuivm.backend.connection import Target, split_uri
from tuivm.backend.cure_xml import diff
from tuivm.backend.images import folder_pools, same_name_elsewhere
from tuivm.backend.lists import list_domains
from tuivm.backend.optional import each, or_none
from tuivm.backend.processes import holder_of
from tuivm.backend.reach import Who, barriers, can_change, commands, for_all, missing_part
from tuivm.backend.xml_parse import parse
from tuivm.core.causes import Cause, Cure, Surety
from tuivm.core.text import bytes_text, sanitise

_STORAGE = re.compile(
    r"Cannot access (?:backing file '(?P<base>[^']+)' of )?storage file '(?P<path>[^']+)'"
    r"(?: \(as uid:(?P<uid>\d+), gid:(?P<gid>\d+)\))?: (?P<reason>[^\n]+)"
)
"""libvirt's own look at the chain of a disk, before QEMU runs."""
_QEMU = re.compile(r"Could not open '(?P<path>[^']+)': (?P<reason>[^\n]+)")
_OPEN = re.compile(r"(?:Unable|Failed) to open file:? '?(?P<path>/[^':]+)'?: (?P<reason>[^\n]+)")
_LOCK = re.compile(r"Failed to get (?:shared )?\"[^\"]+\" lock")
_LOCKED = re.compile(r"process using the image \[(?P<path>[^\]]+)\]")
_POOL = re.compile(r"storage pool '(?P<pool>[^']+)' containing volume '(?P<volume>[^']+)'")
_NO_POOL = re.compile(r"no storage pool with matching name '(?P<pool>[^']+)'")
_NO_VOLUME = re.compile(r"no storage vol with matching (?:name|path) '(?P<volume>[^']+)'")


def causes(case: Case, text: str) -> Iterator[Cause]:
    """Tell what libvirt's or QEMU's text on a failed start says about disks."""
    if match := _STORAGE.search(text):
        yield from _unreachable(
            case, match["path"], match["reason"], base=match["base"] or "", ids=match
        )
    elif _LOCK.search(text):
        yield from _locked(case, text)
    elif match := _QEMU.search(text):
        yield from _unreachable(case, match["path"], match["reason"])
    elif match := _POOL.search(text):
        yield _pool_inactive(match["pool"], match["volume"])
    elif match := _NO_POOL.search(text):
        yield _plain(
            "pool-missing", f"There is no storage pool {sanitise(match['pool'], 80)}", text
        )
    elif match := _NO_VOLUME.search(text):
        volume = sanitise(match["volume"], 200)
        yield _plain("volume-missing", f"The volume {volume} is not in its pool", text)
    elif (match := _OPEN.search(text)) and _disk_with(case, match["path"]) is not None:
        yield from _unreachable(case, match["path"], match["reason"])


def _plain(name: str, title: str, text: str) -> Cause:
    cure = Cure("Make it, or change the disk's <source> in the XML (e)")
    return Cause(name, title, Surety.CERTAIN, sanitise(text, 400), (cure,))


def _root(case: Case) -> etree._Element:
    return case.live if case.inactive is None else case.inactive


def _disk_with(case: Case, path: str) -> etree._Element | None:
    for disk in _root(case).iterfind("devices/disk"):
        source = disk.find("source")
        if source is not None and path in source.attrib.values():
            return disk
    return None


def _target(disk: etree._Element | None) -> str:
    place = disk.find("target") if disk is not None else None
    return "" if place is None else str(place.get("dev", ""))


def _unreachable(
    case: Case, path: str, reason: str, *, base: str = "", ids: re.Match[str] | None = None
) -> Iterator[Cause]:
    disk = _disk_with(case, path)
    if "No such" in reason or "Not a directory" in reason:
        if base:
            yield _no_base(case, path, base)
        elif disk is not None and disk.get("device") in ("cdrom", "floppy"):
            yield _no_medium(case, disk, path)
        else:
            yield _missing(case, disk, path)
    elif "Permission denied" in reason:
        yield _denied(case, disk, base or path, _who(case, ids))


# -- missing ------------------------------------------------------------------------------


def _edit(case: Case, title: str, verb: str, key: str, args: dict[str, str]) -> Cure | None:
    """An edit of the definition as a cure, with its diff; None where it changes nothing."""
    lines = diff(_root(case), verb, args)
    if not lines or case.inactive is None:
        return None
    return Cure(title, key, verb, {**args, "then": "start"}, level=1, lines=lines)


def _missing(case: Case, disk: etree._Element | None, path: str) -> Cause:
    shown, target = sanitise(path, 300), _target(disk)
    evidence = f"disk {target}: {shown}" if target else shown
    cures = []
    if Target(case.uri).local and (gone := missing_part(path)) and gone != path:
        evidence += f"; {sanitise(gone, 300)} does not exist: is something not mounted?"
    folder = str(PurePosixPath(path).parent)
    for name, place, active in folder_pools(case.conn):
        if not active and (folder == place or folder.startswith(f"{place}/")):
            shown_name = sanitise(name, 80)
            evidence += f"; the pool {shown_name}, which is there, is not active"
            title = f"Start the pool {shown_name}, now and with its host, then start this VM"
            cures.append(Cure(title, "p", "pool-start", {"pool": name, "then": "start"}))
    found = same_name_elsewhere(case.conn, path)
    if found and target:
        args = {"target": target, "path": found}
        title = f"Use {sanitise(found, 300)} instead, and start"
        cures += [cure for cure in [_edit(case, title, "use-source", "u", args)] if cure]
    cures.append(Cure(f"Put the file back at {shown}, or change the disk's <source> (e)"))
    return Cause(
        "image-missing",
        f"The image of its disk {target or '?'} is not there",
        Surety.CERTAIN,
        evidence,
        tuple(cures),
    )


def _no_medium(case: Case, disk: etree._Element, path: str) -> Cause:
    target, shown = _target(disk), sanitise(path, 300)
    kind = "CD" if disk.get("device") == "cdrom" else "floppy"
    title = f"Take the {kind} out of {target}, and start"
    cure = _edit(case, title, "eject", "t", {"target": target})
    again = Cure(f"Or put the file back at {shown}")
    return Cause(
        "medium-missing",
        f"The {kind} in its drive {target} is not there any more",
        Surety.CERTAIN,
        shown,
        (again,) if cure is None else (cure, again),
    )


def _no_base(case: Case, path: str, base: str) -> Cause:
    shown = sanitise(base, 300)
    cures = []
    found = same_name_elsewhere(case.conn, base)
    if found and Target(case.uri).local and os.access(path, os.W_OK):
        form = "raw" if found.endswith((".img", ".raw")) else "qcow2"
        args = {"path": path, "backing": found, "format": form, "then": "start"}
        command = f"qemu-img rebase -u -F {form} -b {found} {path}"
        title = f"Take {sanitise(found, 300)} as its backing file, and start"
        cures.append(
            Cure(title, "b", "rebase-image", args, level=2, lines=(sanitise(command, 600),))
        )
    cures.append(
        Cure(
            f"Put it back at {shown}",
            lines=(sanitise(f"qemu-img rebase -u -F FORMAT -b NEW-PLACE {path}", 400),),
        )
    )
    return Cause(
        "backing-missing",
        "A disk is built on another image (its backing file), and that is not there",
        Surety.CERTAIN,
        f"{sanitise(path, 300)} needs {shown}",
        tuple(cures),
    )


# -- closed -------------------------------------------------------------------------------


def _who(case: Case, ids: re.Match[str] | None) -> Who:
    """The user that QEMU runs as: as the failure says, else as the driver does."""
    if ids is not None and ids["uid"]:
        return Who.of(int(ids["uid"]), int(ids["gid"]))
    told = or_none(case.conn.getCapabilities)
    label = told and parse(told).xpath(
        "host/secmodel[model='dac']/baselabel[@type='kvm' or @type='qemu']/text()"
    )
    match = (
        re.match(r"\+(\d+):\+(\d+)", str(label[0])) if isinstance(label, list) and label else None
    )
    if match and split_uri(case.uri).path != "/session":
        return Who.of(int(match[1]), int(match[2]))
    return Who.of(os.geteuid(), os.getegid())


def _denied(case: Case, disk: etree._Element | None, path: str, who: Who) -> Cause:
    shown, target = sanitise(path, 300), _target(disk)
    write = disk is not None and disk.get("device") not in ("cdrom",)
    found = barriers(path, who, write=write) if Target(case.uri).local else []
    evidence = f"{shown}, for the user {who.name} (uid {who.uid})"
    if found:
        evidence += f": {'; '.join(one.text for one in found)}"
    cures = []
    readable = Target(case.uri).local and os.access(path, os.R_OK)
    pool = _open_pool(case, who) if readable and target and case.inactive is not None else ""
    if pool:
        args = {"target": target, "pool": pool, "then": "start"}
        size = bytes_text(os.path.getsize(path))
        title = f"Copy it ({size}) into the pool {sanitise(pool, 80)}, use the copy, and start"
        cures.append(Cure(title, "o", "copy-image", args, level=1))
    if found:
        lines = tuple(sanitise(line, 400) for line in commands(found, who))
        args = {"path": path, "uid": str(who.uid), "write": "on" if write else "off"}
        if can_change(found):
            everybody = for_all(found)
            whom = "everybody (no access lists are kept there)" if everybody else who.name
            title = f"Let {whom} through, and start"
            # What a folder's x gives away are names, a file's r is all that is in it.
            level = 2 if everybody and any(one.need != "x" for one in found) else 1
            args["then"] = "start"
            cure = Cure(title, "a", "allow-path", args, level=level, lines=lines)
        else:
            cure = Cure(f"Let {who.name} through, as root", lines=lines)
        cures.append(cure)
    else:
        cures.append(
            Cure(
                f"Let {who.name} reach it", lines=(f"namei -l {shown}", "getfacl, ls -Z: the rest")
            )
        )
    return Cause(
        "image-denied",
        f"QEMU runs as {who.name}, who may not open the image of {target or 'a disk'}",
        Surety.CERTAIN,
        evidence,
        tuple(cures),
    )


def _open_pool(case: Case, who: Who) -> str:
    """The name of an active pool of files whose folder somebody may enter, or empty."""
    for name, place, active in folder_pools(case.conn):
        if active and not barriers(f"{place}/image", who, write=True):
            return name
    return ""


# -- in use -------------------------------------------------------------------------------


def _locked(case: Case, text: str) -> Iterator[Cause]:
    match = _LOCKED.search(text)
    if match is None:
        return
    path = match["path"]
    shown = sanitise(path, 300)
    other = _running_with(case, path)
    if other is not None:
        uuid, name = other
        yield Cause(
            "image-locked",
            f"{name} is running with the same disk",
            Surety.CERTAIN,
            f"{shown} is a disk of {name} (uuid {uuid}) too; two writers would destroy it",
            (
                Cure(f"Shut {name} down, then start this one"),
                Cure(
                    f"Force off {name}, and start this one",
                    "d",
                    "force-off-holder",
                    {"uuid": uuid, "then": "start"},
                    level=2,
                ),
                Cure("Give this VM a disk of its own: change its <source> (e)"),
            ),
        )
        return
    holder = holder_of(path) if Target(case.uri).local else ""
    yield Cause(
        "image-locked",
        f"Another program has its disk open{f': {sanitise(holder, 80)}' if holder else ''}",
        Surety.CERTAIN if holder else Surety.LIKELY,
        f"{shown} is locked, but by no VM of this host",
        (Cure("Wait for it, or end it; then start", lines=(f"fuser -v {shown}",)),),
    )


def _running_with(case: Case, path: str) -> tuple[str, str] | None:
    """The running domain that has a file among its disks: UUID and name."""
    own = case.domain.UUIDString()
    active = libvirt.VIR_CONNECT_LIST_DOMAINS_ACTIVE
    for uuid, name, xml in each(
        or_none(lambda: list_domains(case.conn, active)),
        lambda domain: (domain.UUIDString(), domain.name(), domain.XMLDesc(0)),
    ):
        if uuid == own:
            continue
        sources = parse(xml).iterfind("devices/disk//source")
        if any(path in source.attrib.values() for source in sources):
            return uuid, sanitise(name, 80)
    return None


def _pool_inactive(pool: str, volume: str) -> Cause:
    shown = sanitise(pool, 80)
    return Cause(
        "pool-inactive",
        f"The storage pool {shown}, where its disk is, is not active",
        Surety.CERTAIN,
        f"volume {sanitise(volume, 200)} of the pool {shown}",
        (
            Cure(
                f"Start the pool {shown}, now and with its host, then start this VM",
                "p",
                "pool-start",
                {"pool": pool, "then": "start"},
            ),
        ),
    )
