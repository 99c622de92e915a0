"""Why a running domain may be slow: emulation, waiting for CPUs, memory taken away, slow disks.

Two samples a second apart; only what its numbers show is told.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import libvirt

from tuivm.backend import why_slow_disk
from tuivm.backend.case import Case
from tuivm.backend.connection import Target
from tuivm.backend.cure_xml import diff
from tuivm.backend.patience import ask_within
from tuivm.backend.processes import qemu_of
from tuivm.backend.xml_parse import parse, size_bytes, value_at
from tuivm.core.causes import Cause, Cure, Surety
from tuivm.core.counters import rates
from tuivm.core.errors import TuivmError
from tuivm.core.model import State
from tuivm.core.text import bytes_text, sanitise

LISTEN = 1.0
"""Seconds between the two samples."""
LISTEN_MOST = 6.0
"""Seconds between them at most, where a guest tells of its memory seldom."""
PATIENCE = 4.0
"""Seconds that a sample may take."""
STOLEN = 0.2
"""Part of the time that a virtual CPU waits for a real one, from which on that is told."""
SWAPPED = 0.1
"""Part of its memory in the host's swap, from which on that is told."""

Counters = Mapping[str, Any]


class _Pair(NamedTuple):
    """Two samples of a domain's counters and of its host's CPUs."""

    last: Counters
    per_second: Mapping[str, float]
    host_busy: float | None
    """Part of the host's CPU time that was used."""


def causes(case: Case) -> Iterator[Cause]:
    """Tell what slows this running domain down, as far as numbers show it; sleeps a second."""
    if case.state is not State.RUNNING or case.live.get("type") not in ("kvm", "qemu"):
        return
    yield from _emulated(case)
    yield from _in_swap(case)
    pair = _sample(case)
    if pair is not None:
        yield from _stolen(case, pair)
        yield from _squeezed(case, pair)
        yield from why_slow_disk.causes(case, pair.last, pair.per_second)


def _emulated(case: Case) -> Iterator[Cause]:
    if case.live.get("type") != "qemu":
        return
    arch = value_at(case.live, "os/type/@arch")
    caps = parse(case.conn.getCapabilities())
    host = value_at(caps, "host/cpu/arch")
    kvm = any(
        one.get("name") == arch and one.find("domain[@type='kvm']") is not None
        for one in caps.iterfind("guest/arch")
    )
    cures: list[Cure] = []
    if kvm and case.inactive is not None and (lines := diff(case.inactive, "use-kvm", {})):
        title = "Let it use KVM, from the next start on"
        cures.append(Cure(title, "k", "use-kvm", level=1, lines=lines))
    elif host == arch:
        cures.append(Cure("Give its host KVM: see what is missing there", lines=("tuivm check",)))
    else:
        cures.append(Cure(f"Run it on a host of its own kind: {sanitise(arch, 40)}"))
    yield Cause(
        "slow-emulation",
        "It runs by emulation (TCG): each instruction is translated, 10 times slower or more",
        Surety.CERTAIN,
        "its XML has <domain type='qemu'>, not 'kvm'",
        tuple(cures),
        "speed",
    )


def _sample(case: Case) -> _Pair | None:
    try:
        first, cpus, began = _counters(case), _host_cpu(case), time.monotonic()
        time.sleep(LISTEN)
        last = _counters(case)
        until = began + min(_period(case), LISTEN_MOST)
        while _waits_for_news(first, last) and time.monotonic() < until:
            time.sleep(LISTEN / 2)
            last = _counters(case)
        later, seconds = _host_cpu(case), time.monotonic() - began
    except (libvirt.libvirtError, TuivmError):
        return None
    busy = None
    if cpus and later:
        spent = {name: later[name] - cpus[name] for name in later if name in cpus}
        total = sum(spent.values())
        busy = 1 - spent.get("idle", 0) / total if total > 0 else None
    return _Pair(last, rates(dict(first), dict(last), seconds), busy)


def _waits_for_news(first: Counters, last: Counters) -> bool:
    """True while the guest, which has swapped, has not told of its memory again."""
    swapped = last.get("balloon.swap_out") or last.get("balloon.swap_in")
    return bool(swapped) and first.get("balloon.last-update") == last.get("balloon.last-update")


def _period(case: Case) -> float:
    """Seconds after which the guest has told of its memory for sure; 0 where it never does."""
    text = value_at(case.live, "devices/memballoon/stats/@period")
    return float(text) + LISTEN if text.isdigit() and int(text) else 0.0


def _counters(case: Case) -> Counters:
    flags = libvirt.VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT
    domain = case.domain
    records = ask_within(
        PATIENCE,
        domain.UUIDString(),
        "statistics",
        lambda: case.conn.domainListGetStats([domain], 0, flags),
    )
    return records[0][1] if records else {}


def _host_cpu(case: Case) -> Mapping[str, int]:
    try:
        return dict(case.conn.getCPUStats(libvirt.VIR_NODE_CPU_STATS_ALL_CPUS, 0))
    except libvirt.libvirtError:
        return {}


def _stolen(case: Case, pair: _Pair) -> Iterator[Cause]:
    waits = {
        name.split(".")[1]: rate / 1e9
        for name, rate in pair.per_second.items()
        if name.startswith("vcpu.") and name.endswith(".delay")
    }
    worst = max(waits.values(), default=0.0)
    if worst < STOLEN:
        return
    told = ", ".join(
        f"vCPU {number} {part:.0%}" for number, part in waits.items() if part >= STOLEN
    )
    evidence = f"waiting for a CPU over the last second: {told}"
    if pair.host_busy is not None:
        evidence += f"; its host's CPUs were {pair.host_busy:.0%} busy"
    name = case.shell_name
    cures = [
        Cure("See who else computes there: sort the list by CPU"),
        Cure(
            "Give it a larger share, or fewer CPUs than its host has",
            lines=(f"virsh schedinfo {name} --live cpu_shares=2048", f"virsh vcpupin {name}"),
        ),
    ]
    title = "Its virtual CPUs have to wait for its host's: more wants to run than there are CPUs"
    yield Cause("slow-cpu", title, Surety.LIKELY, evidence, tuple(cures), "speed")


def _squeezed(case: Case, pair: _Pair) -> Iterator[Cause]:
    given, most = pair.last.get("balloon.current"), pair.last.get("balloon.maximum")
    swaps = sum(pair.per_second.get(f"balloon.swap_{way}", 0.0) for way in ("in", "out"))
    ever = pair.last.get("balloon.swap_out", 0)
    if not given or not most or not (swaps or ever):
        return
    if given < most:
        name = case.shell_name
        line = f"virsh setmem {name} {most}KiB --live"
        cure = Cure("Give it all of its memory back", "m", "give-memory", level=1, lines=(line,))
        title = "Its guest swaps, and a part of its memory was taken away (balloon)"
    elif swaps:
        cure = _more(case, most)
        title = "Its guest swaps: it has less memory than it needs"
    else:
        return
    evidence = f"it has {bytes_text(given << 10)} of {bytes_text(most << 10)}"
    evidence += f"; swapped out since its start: {bytes_text(ever << 10)}"
    surety = Surety.LIKELY if swaps else Surety.POSSIBLE
    yield Cause("slow-memory", title, surety, evidence, (cure,), "speed")


def _more(case: Case, most: int) -> Cure:
    """Twice as much, where its host has that; ``most`` is KiB."""
    told = case.conn.getMemoryStats(libvirt.VIR_NODE_MEMORY_STATS_ALL_CELLS)
    free = sum(int(told.get(name, 0)) for name in ("free", "buffers", "cached"))
    args = {"mib": str(most * 2 >> 10)}
    lines = () if case.inactive is None else diff(case.inactive, "set-memory", args)
    if free > most and lines:
        title = f"Give it {bytes_text(most << 11)}, from the next start on"
        return Cure(title, "m", "set-memory", args, level=1, lines=lines)
    return Cure("Give it more memory, for the next start (e)")


def _in_swap(case: Case) -> Iterator[Cause]:
    """The host has moved a part of it to its own swap."""
    process = qemu_of(case.domain.UUIDString()) if Target(case.uri).local else None
    element = case.live.find("currentMemory")
    memory = size_bytes(element) if element is not None else None
    if process is None or not memory:
        return
    try:
        text = (Path("/proc") / str(process.pid) / "status").read_text()
    except OSError:
        return
    words = next((line.split() for line in text.splitlines() if line.startswith("VmSwap:")), [])
    swapped = int(words[1]) << 10 if len(words) > 1 and words[1].isdigit() else 0
    if swapped < SWAPPED * memory:
        return
    yield Cause(
        "slow-host-memory",
        "Its host is short of memory: a part of this VM is in the host's swap",
        Surety.CERTAIN,
        f"QEMU, process {process.pid}: {bytes_text(swapped)} of {bytes_text(memory)} swapped out",
        (Cure("Shut other VMs down, or move them, until its host has memory again"),),
        "speed",
    )


def give_memory(domain: libvirt.virDomain, args: Mapping[str, str]) -> str:
    """Give a running domain all of its memory back; raises ``libvirt.libvirtError``."""
    most = domain.info()[1]
    domain.setMemoryFlags(most, libvirt.VIR_DOMAIN_AFFECT_LIVE)
    return f"it may have {bytes_text(most << 10)} again"
