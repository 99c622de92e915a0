"""Why a running domain's disks keep it waiting: the storage of its host, or a limit of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import libvirt
from lxml import etree

from tuivm.backend.case import Case
from tuivm.backend.xml_parse import parse, value_at
from tuivm.core.causes import Cause, Cure, Surety
from tuivm.core.errors import TuivmError
from tuivm.core.text import sanitise

SLOW_REQUEST = 0.05
"""Seconds that a request to a disk takes on average, from which on that is told."""
WAITED = 0.25
"""Seconds that all requests of a second have to take together: a single slow one is told only
if it is that slow."""
USED = 0.5
"""Part of a limit that is used, from which on it is what holds a disk back."""
_SIDES = (("rd", "read"), ("wr", "write"), ("fl", "flush"))
_MOST = 64
"""Disks that are looked at."""


class Disk(NamedTuple):
    """One disk and what it did over the last second."""

    target: str
    rates: Mapping[str, float]
    """Its counters by their last part (``rd.reqs``), each for one second."""
    limits: Mapping[str, int]
    """``<iotune>``'s: ``total_iops_sec``, ``read_bytes_sec``."""

    @property
    def waits(self) -> list[str]:
        """Say how long its requests took, where that is too long."""
        found = []
        for side, word in _SIDES:
            served = self.rates.get(f"{side}.reqs", 0.0)
            took = self.rates.get(f"{side}.times", 0.0) / 1e9
            if served and took >= WAITED and took / served >= SLOW_REQUEST:
                found.append(f"{self.target}: {took / served * 1e3:.0f} ms a {word}")
        return found

    @property
    def reached(self) -> list[str]:
        """The limits that it works at."""
        read, write = ("rd",), ("wr",)
        sides = {"total": read + write, "read": read, "write": write}
        found = []
        for name, limit in self.limits.items():
            which, what, _ = name.split("_")
            counter = "reqs" if what == "iops" else "bytes"
            used = sum(self.rates.get(f"{side}.{counter}", 0.0) for side in sides.get(which, ()))
            if used >= USED * limit:
                found.append(f"{name}={limit}")
        return found


def causes(case: Case, last: Mapping[str, Any], per_second: Mapping[str, float]) -> Iterator[Cause]:
    """Tell which disks are slow; ``last`` and ``per_second`` as ``domstats`` has them."""
    slow: list[str] = []
    for disk in _disks(case, last, per_second):
        if disk.waits and (reached := disk.reached):
            yield _limited(case, disk, reached)
        else:
            slow += disk.waits
    if slow:
        yield Cause(
            "slow-disk",
            "Its disks are slow to answer",
            Surety.LIKELY,
            f"over the last second, on average: {', '.join(slow)}",
            (Cure("See what the storage of its host does", lines=("iostat -x 1", "iotop -o")),),
            "speed",
        )


def _disks(case: Case, last: Mapping[str, Any], per_second: Mapping[str, float]) -> Iterator[Disk]:
    for number in range(min(int(last.get("block.count", 0)), _MOST)):
        prefix = f"block.{number}."
        mine = {
            name.removeprefix(prefix): rate
            for name, rate in per_second.items()
            if name.startswith(prefix)
        }
        target = str(last.get(f"{prefix}name", "?"))
        yield Disk(sanitise(target, 40), mine, _limits(_element(case.live, target)))


def _element(root: etree._Element, target: str) -> etree._Element | None:
    for disk in root.iterfind("devices/disk"):
        if value_at(disk, "target/@dev") == target:
            return disk
    return None


def _limits(disk: etree._Element | None) -> dict[str, int]:
    """The sustained limits of a disk: no bursts."""
    tune = None if disk is None else disk.find("iotune")
    if tune is None:
        return {}
    found = {str(one.tag): (one.text or "").strip() for one in tune}
    return {
        name: int(text)
        for name, text in found.items()
        if name.endswith("s_sec") and name.count("_") == 2 and text.isdigit() and int(text)
    }


def _limited(case: Case, disk: Disk, reached: list[str]) -> Cause:
    words = " ".join(f"--{name.replace('_', '-')} 0" for name in disk.limits)
    line = f"virsh blkdeviotune {case.shell_name} {disk.target} --live {words}"
    return Cause(
        f"slow-limit-{disk.target}",
        f"Its disk {disk.target} is held back by a limit that it was given (<iotune>)",
        Surety.CERTAIN,
        f"{', '.join(reached)} in its XML; over the last second: {', '.join(disk.waits)}",
        (
            Cure(
                "Lift the limit until it is powered off and on (for good: e)",
                "i",
                "lift-limits",
                {"target": disk.target},
                level=1,
                lines=(line,),
            ),
        ),
        "speed",
    )


def lift_limits(domain: libvirt.virDomain, args: Mapping[str, str]) -> str:
    """Take all limits off a running domain's disk; raises ``libvirt.libvirtError``."""
    target = args.get("target", "")
    disk = _element(parse(domain.XMLDesc(0)), target)
    tune = None if disk is None else disk.find("iotune")
    names = [] if tune is None else [str(one.tag) for one in tune if one.tag != "group_name"]
    if not names:
        raise TuivmError(f"Nothing to lift on {sanitise(target, 40)}", "it has no limits")
    domain.setBlockIoTune(target, dict.fromkeys(names, 0), libvirt.VIR_DOMAIN_AFFECT_LIVE)
    return f"{sanitise(target, 40)} has no limits until the VM is powered off and on"
