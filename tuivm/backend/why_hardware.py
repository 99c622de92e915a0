"""Why a host cannot give a domain the machine that it wants: KVM, CPU, type, memory, firmware."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import libvirt
from lxml import etree

from tuivm.backend.acpi_xml import line_of
from tuivm.backend.case import Case
from tuivm.backend.connection import Target, split_uri
from tuivm.backend.cure_xml import diff
from tuivm.backend.machine_facts import read_machine
from tuivm.backend.optional import or_none
from tuivm.backend.xml_parse import parse, size_bytes
from tuivm.core.causes import Cause, Cure, Surety
from tuivm.core.check import Verdict
from tuivm.core.check_machine import check_machine
from tuivm.core.packages import install
from tuivm.core.text import bytes_text, sanitise

_NO_KVM = re.compile(
    r"does not support virt type 'kvm'|domaintype=kvm|Could not access KVM|"
    r"failed to initialize kvm|KVM is not available|type=kvm\b",
    re.IGNORECASE,
)
_CPU = re.compile(
    r"Unknown CPU model (?P<model>\S+)|CPU mode '(?P<mode>[\w-]+)' for .* is not supported|"
    r"guest CPU doesn't match specification|unable to find library name|"
    r"(?:does not provide required|missing) features|CPU model .* not supported|"
    r"Host CPU does not provide"
)
_MACHINE = re.compile(r"does not support machine type '(?P<name>[^']+)'")
_EMULATOR = re.compile(r"Cannot check QEMU binary (?P<path>\S+): No such file")
_MEMORY = re.compile(r"cannot set up guest memory|Cannot allocate memory")
_FIRMWARE = re.compile(
    r"master var store for loader: (?P<loader>\S+)|could not load PC BIOS '(?P<bios>[^']+)'|"
    r"(?P<auto>Unable to find any firmware)|(?:Failed|Unable) to open file:? '(?P<file>[^']+)'"
)
_NO_ACPI = re.compile(r"UEFI requires ACPI on this architecture")
_SECURE = re.compile(r"secboot|secure|\.ms\.", re.IGNORECASE)
"""Firmware files that boot only what is signed, and need a machine with SMM."""
RESERVE = 256
"""MiB that are left to the host when a smaller size is offered."""
LEAST = 64
"""MiB below which no size is offered."""


def causes(case: Case, text: str) -> Iterator[Cause]:
    """Tell what libvirt's or QEMU's text on a failed start says about the machine."""
    for pattern, tell in _TELLERS:
        if match := pattern.search(text):
            cause = tell(case, match, sanitise(text, 400))
            if cause is not None:
                yield cause
                return


def _root(case: Case) -> etree._Element:
    return case.live if case.inactive is None else case.inactive


def _edit(case: Case, title: str, verb: str, key: str, args: dict[str, str]) -> tuple[Cure, ...]:
    lines = diff(_root(case), verb, args)
    if not lines or case.inactive is None:
        return ()
    return (Cure(title, key, verb, {**args, "then": "start"}, level=1, lines=lines),)


def _no_kvm(case: Case, match: re.Match[str], text: str) -> Cause | None:
    if _root(case).get("type") != "kvm":
        return None
    slow = _edit(case, "Run it by emulation (TCG): slow, but it runs", "use-emulation", "t", {})
    if not Target(case.uri).local:
        cure = Cure("See what is missing, on that host", lines=("tuivm check",))
        title = "Its host has no KVM, and this VM wants it (type='kvm')"
        return Cause("kvm-unavailable", title, Surety.CERTAIN, text, (*slow, cure))
    machine = read_machine()
    session = split_uri(case.uri).path == "/session"
    wrong = [
        finding
        for finding in check_machine(machine, session=session)
        if finding.id in ("cpu", "kvm-module", "kvm-device") and finding.verdict is not Verdict.OK
    ]
    reason = "; ".join(f"{finding.title}: {finding.text}" for finding in wrong) or text
    fixes = tuple(line for finding in wrong for line in finding.fix)
    mend = (Cure("Give this host KVM, then start again", lines=fixes),) if fixes else ()
    if not wrong:
        # It works for us: the daemon looked when it did not.
        mend = (Cure("Restart the libvirt daemon: it looked before KVM was there"),)
    title = "This host has no KVM for it, and it wants KVM (type='kvm')"
    return Cause("kvm-unavailable", title, Surety.CERTAIN, reason, (*slow, *mend))


def _cpu(case: Case, match: re.Match[str], text: str) -> Cause:
    root = _root(case)
    kvm = root.get("type") == "kvm"
    mode = "host-model" if kvm and match["mode"] != "host-model" else ""
    name = "the host's own CPU (host-model)" if mode else "the hypervisor's default CPU"
    cures = _edit(case, f"Give it {name}, and start", "use-cpu", "m", {"mode": mode})
    wanted = match["model"] or match["mode"]
    if wanted:
        title = f"This host cannot give it the CPU {sanitise(wanted, 80)}"
    else:
        title = "This host's CPU lacks what the VM's CPU needs"
    which = Cure(
        "See which models there are", lines=("virsh cpu-models x86_64", "virsh domcapabilities")
    )
    return Cause("cpu-unknown", title, Surety.CERTAIN, text, (*cures, which))


def _machine(case: Case, match: re.Match[str], text: str) -> Cause:
    wanted = match["name"]
    family = "q35" if "q35" in wanted else "pc" if re.match(r"pc\b|pc-", wanted) else "virt"
    known = _machines(case)
    cures: tuple[Cure, ...] = ()
    if family in known:
        title = f"Take this host's newest machine type {family}, and start"
        cures = _edit(case, title, "use-machine", "m", {"machine": family})
    return Cause(
        "machine-unknown",
        f"This host's QEMU has no machine type {sanitise(wanted, 80)}: it is older or newer",
        Surety.CERTAIN,
        text,
        (*cures, Cure("See which there are", lines=("qemu-system-x86_64 -machine help",))),
    )


def _guest_arch(case: Case) -> etree._Element | None:
    """What the host's capabilities say of the domain's architecture."""
    kind = _root(case).find("os/type")
    arch = "" if kind is None else kind.get("arch", "")
    told = or_none(case.conn.getCapabilities)
    for found in parse(told).iterfind("guest/arch") if told else ():
        if found.get("name") == arch:
            return found
    return None


def _machines(case: Case) -> set[str]:
    arch = _guest_arch(case)
    return set() if arch is None else {(m.text or "").strip() for m in arch.iter("machine")}


def _emulator(case: Case, match: re.Match[str], text: str) -> Cause:
    arch = _guest_arch(case)
    other = "" if arch is None else (arch.findtext("emulator") or "").strip()
    cures: tuple[Cure, ...] = ()
    if other:
        title = f"Take this host's {sanitise(other, 200)}, and start"
        cures = _edit(case, title, "use-emulator", "m", {"path": other})
    return Cause(
        "emulator-missing",
        f"Its emulator {sanitise(match['path'], 200)} is not installed on this host",
        Surety.CERTAIN,
        text,
        (*cures, Cure("Install it", lines=install(read_machine_packages(case), "qemu"))),
    )


def read_machine_packages(case: Case) -> str:
    """The package manager of the case's host, where that is this machine."""
    return read_machine().packages if Target(case.uri).local else ""


def _free(case: Case) -> int | None:
    """Bytes that the host can give to a domain."""
    flags = libvirt.VIR_NODE_MEMORY_STATS_ALL_CELLS
    told = or_none(lambda: case.conn.getMemoryStats(flags))
    if told is None:
        return None
    return sum(int(told.get(name, 0)) for name in ("free", "buffers", "cached")) << 10


def _memory(case: Case, match: re.Match[str], text: str) -> Cause:
    root = _root(case)
    element = root.find("memory")
    wanted = None if element is None else size_bytes(element)
    free = _free(case)
    cures: tuple[Cure, ...] = ()
    mib = (free >> 20) * 3 // 4 // 64 * 64 if free is not None and free >> 20 > RESERVE else 0
    if mib >= LEAST and (wanted is None or mib << 20 < wanted):
        title = f"Give it {bytes_text(mib << 20)}, and start"
        cures = _edit(case, title, "set-memory", "m", {"mib": str(mib)})
    short = wanted is not None and free is not None and wanted > free
    return Cause(
        "memory-short",
        "The host has not enough memory for it",
        Surety.CERTAIN if short else Surety.LIKELY,
        f"it wants {bytes_text(wanted, 'an unknown amount')}, "
        f"the host has {bytes_text(free, 'an unknown amount')} free",
        (*cures, Cure("Shut other VMs down, then start it again")),
    )


def _firmware(case: Case, match: re.Match[str], text: str) -> Cause | None:
    root = _root(case)
    loader, nvram = root.find("os/loader"), root.find("os/nvram")
    template = "" if nvram is None else nvram.get("template", "")
    path = match["loader"] or match["bios"] or match["file"] or ""
    wanted = "" if loader is None else (loader.text or "").strip()
    if not match["auto"] and path not in (wanted, template):
        return None
    found = _loaders(case)
    cures: tuple[Cure, ...] = ()
    for other in found:
        if other != wanted and loader is not None:
            title = f"Take this host's {sanitise(other, 200)}, and start"
            cures = _edit(case, title, "use-loader", "m", {"path": other})
            break
    title = "Boot it by BIOS instead, and start: a system installed under UEFI will not boot so"
    bios = _edit(case, title, "drop-firmware", "b", {}) if _has_bios(root) else ()
    fix = Cure("Install UEFI firmware", lines=install(read_machine_packages(case), "ovmf"))
    what = sanitise(path, 200) or "that it asks for (firmware='efi')"
    return Cause(
        "firmware-missing",
        f"The UEFI firmware {what} is not on this host",
        Surety.CERTAIN,
        text,
        (*cures, fix, *bios),
    )


def _no_acpi(case: Case, match: re.Match[str], text: str) -> Cause | None:
    """Tell of what libvirt checks at define: what an older one had defined fails at its start."""
    root = _root(case)
    if root.find("features/acpi") is not None:
        return None
    return Cause(
        "uefi-acpi",
        "It boots by UEFI, which needs ACPI, and its XML has no <acpi/>",
        Surety.CERTAIN,
        line_of(root, "features") or "its XML has no <features>",
        _edit(case, "Add <acpi/> to its XML, and start", "add-acpi", "a", {}),
    )


def _has_bios(root: etree._Element) -> bool:
    """Only PCs boot without firmware of the definition's own."""
    kind = root.find("os/type")
    return kind is not None and kind.get("arch") in ("x86_64", "i686")


def _loaders(case: Case) -> list[str]:
    """Firmware files that the host has (``virsh domcapabilities``)."""
    root = _root(case)
    kind = root.find("os/type")
    arch, machine = ("", "") if kind is None else (kind.get("arch", ""), kind.get("machine", ""))
    virt = root.get("type")
    xml = or_none(lambda: case.conn.getDomainCapabilities(None, arch, machine, virt, 0))
    if xml is None:
        return []
    return [
        value.text.strip()
        for value in parse(xml).iterfind("os/loader/value")
        if value.text and not _SECURE.search(value.text)
    ]


_TELLERS: tuple[tuple[re.Pattern[str], Callable[[Case, re.Match[str], str], Cause | None]], ...] = (
    (_NO_KVM, _no_kvm),
    (_MACHINE, _machine),
    (_EMULATOR, _emulator),
    (_CPU, _cpu),
    (_MEMORY, _memory),
    (_FIRMWARE, _firmware),
    (_NO_ACPI, _no_acpi),
)
