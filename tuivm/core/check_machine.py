"""Verdicts on the machine itself: processor, KVM, QEMU, control groups, disk, clock."""

from __future__ import annotations

import re
from collections.abc import Callable

from tuivm.core.check import Finding, Verdict
from tuivm.core.hostfacts import DeviceFact, MachineFacts
from tuivm.core.packages import install
from tuivm.core.text import bytes_text

OK, WARNING, PROBLEM, UNKNOWN = Verdict.OK, Verdict.WARNING, Verdict.PROBLEM, Verdict.UNKNOWN

X86 = frozenset({"x86_64", "i686", "i386"})
LOW_SPACE = 2 << 30
"""Bytes free below which a folder of images is nearly full."""
LOW_SHARE = 0.05
_JUDGED = re.compile(r"hardware virtualization|/dev/kvm|IOMMU|cgroup")
"""Checks of ``virt-host-validate`` that have a finding of their own here."""
_NEEDED_CONTROLLERS = ("cpu", "memory")


def check_machine(
    facts: MachineFacts, *, session: bool, offered: bool = False
) -> tuple[Finding, ...]:
    """Judge the hardware and the system; ``session`` when the user's own daemon is meant.

    ``offered`` is True when a daemon of this machine was seen to offer KVM to its VMs.
    """
    return (
        _processor(facts),
        _modules(facts),
        _device(facts, session, offered),
        *(finding for check in _CHECKS if (finding := check(facts)) is not None),
    )


def _in_a_guest(facts: MachineFacts) -> bool:
    return facts.cpu_flags is not None and "hypervisor" in facts.cpu_flags


def _works(facts: MachineFacts) -> bool:
    """True when KVM was seen to open: whatever else is missing does no harm."""
    return facts.kvm is not None and facts.kvm.usable


def _processor(facts: MachineFacts) -> Finding:
    def finding(verdict: Verdict, text: str, *fix: str) -> Finding:
        return Finding("cpu", "CPU", verdict, text, fix)

    if facts.arch not in X86:
        return finding(
            OK if _works(facts) else UNKNOWN,
            f"{facts.arch or 'this architecture'} has no flag for it; /dev/kvm tells",
        )
    if facts.cpu_flags is None:
        return finding(UNKNOWN, "/proc/cpuinfo cannot be read")
    for flag, name in (("vmx", "Intel VT-x (vmx)"), ("svm", "AMD-V (svm)")):
        if flag in facts.cpu_flags:
            return finding(OK, f"the processor has {name}")
    if _works(facts):
        return finding(OK, "neither vmx nor svm is shown, but /dev/kvm opens")
    if facts.kvm is not None and facts.kvm.exists:
        return finding(UNKNOWN, "neither vmx nor svm is shown; there is a /dev/kvm, not for you")
    if _in_a_guest(facts):
        return finding(
            WARNING,
            "this machine is a VM itself, and its host gives it no virtualization of its own: "
            "VMs run, but by slow emulation (TCG)",
            "on its host, as root: modprobe -r kvm_intel; modprobe kvm_intel nested=1 "
            "(kvm_amd for AMD), and give this VM the CPU mode host-passthrough",
        )
    return finding(
        WARNING,
        "no vmx or svm: VMs run, but by slow emulation (TCG)",
        "turn on VT-x, AMD-V or SVM in the firmware's setup, where the processor has it",
    )


def _module(facts: MachineFacts) -> str:
    flags = facts.cpu_flags or frozenset()
    return "kvm_amd" if "svm" in flags else "kvm_intel" if "vmx" in flags else "kvm"


def _capable(facts: MachineFacts) -> bool:
    flags = facts.cpu_flags or frozenset()
    return bool(flags & {"vmx", "svm"})


def _modules(facts: MachineFacts) -> Finding:
    title, kernel = "Kernel", f"Linux {facts.kernel}" if facts.kernel else "the kernel"
    if facts.modules is None:
        return Finding("kvm-module", title, UNKNOWN, f"{kernel}; its modules cannot be read")
    loaded = sorted(facts.modules)
    if facts.modules - {"kvm"} or (loaded and facts.arch not in X86):
        return Finding("kvm-module", title, OK, f"{kernel} with {', '.join(loaded)}")
    if _works(facts):
        return Finding("kvm-module", title, OK, f"{kernel}; KVM works")
    if not _capable(facts):
        known = facts.kvm is not None and facts.kvm.exists
        text = "/dev/kvm tells whether KVM works" if known else "KVM has no use here"
        return Finding("kvm-module", title, OK, f"{kernel}; {text}")
    module = _module(facts)
    return Finding(
        "kvm-module",
        title,
        PROBLEM,
        f"{kernel} has not loaded {module}, although the processor could do it",
        (
            f"sudo modprobe {module}",
            "dmesg | grep -i kvm says why, if that fails: often 'disabled by BIOS'",
        ),
    )


def _device(facts: MachineFacts, session: bool, offered: bool) -> Finding:
    def finding(verdict: Verdict, text: str, *fix: str) -> Finding:
        return Finding("kvm-device", "/dev/kvm", verdict, text, fix)

    device = facts.kvm
    if device is None:
        return finding(UNKNOWN, "it cannot be looked at")
    if not device.exists:
        if _capable(facts):
            return finding(PROBLEM, "it is missing", f"sudo modprobe {_module(facts)}")
        return finding(WARNING, "it is missing: VMs run by slow emulation (TCG)")
    owner = f"group {device.group or '?'}, mode {device.mode:04o}"
    if device.error and "denied" not in device.error:
        return finding(WARNING, f"it is there but does not work: {device.error}", *_CAUSES)
    refused = facts.qemu_kvm is False or (not facts.qemu_user and _roots_alone(device))
    if refused and not session and not offered:
        who = f"runs as {facts.qemu_user}, who" if facts.qemu_user else "is not root, and"
        text = f"QEMU of qemu:///system {who} may not use it ({owner}): VMs run by slow emulation"
        return finding(WARNING, f"{text}, and libvirt's answers are late", *_open_to_qemu(facts))
    if device.usable:
        return finding(OK, f"it opens for {facts.user or 'you'} ({owner})")
    if device.group and device.group != "root" and device.mode & 0o060 == 0o060:
        late = device.group in facts.listed_groups
        fix = (
            f"{facts.user} is in the group {device.group} since this login: log in again"
            if late
            else f"sudo usermod -aG {device.group} {facts.user or '$USER'}, then log in again"
        )
    else:
        fix = f"{_OPEN}; sudo usermod -aG kvm {facts.user or '$USER'}, then log in again"
    text = f"{facts.user or 'you'} may not use it ({owner})"
    if session:
        return finding(WARNING, f"{text}: VMs of qemu:///session run by slow emulation", fix)
    return finding(OK, f"{text}; the system's daemon uses it for qemu:///system")


_OPEN = "sudo chown root:kvm /dev/kvm; sudo chmod 660 /dev/kvm"
_CAUSES = (
    "dmesg | grep -i kvm says why: another hypervisor (VirtualBox) may hold the processor, or "
    "the firmware may have it off",
)


def _roots_alone(device: DeviceFact) -> bool:
    """True when nobody but root may open it; the default of no distribution's QEMU is root."""
    return not device.mode & 0o006 and (device.group == "root" or not device.mode & 0o060)


def _open_to_qemu(facts: MachineFacts) -> tuple[str, ...]:
    device = facts.kvm
    if device is not None and not _roots_alone(device) and facts.qemu_user:
        first = f"sudo usermod -aG {device.group} {facts.qemu_user}"
    else:
        first = f"{_OPEN} (a udev rule keeps it so)"
    return first, "then restart the libvirt daemon, which remembers"


def _nested(facts: MachineFacts) -> Finding | None:
    if facts.nested is None:
        return None
    if facts.nested:
        return Finding("nested", "Nesting", OK, "VMs can run VMs of their own")
    module = _module(facts)
    return Finding(
        "nested",
        "Nesting",
        OK,
        f"off: VMs cannot run VMs with KVM; 'options {module} nested=1' in /etc/modprobe.d "
        "turns it on",
    )


def _iommu(facts: MachineFacts) -> Finding | None:
    if facts.iommu_groups is None:
        return None
    if facts.iommu_groups:
        text = f"on, {facts.iommu_groups} groups: PCI devices can be given to VMs"
    else:
        text = f"off: PCI devices cannot be given to VMs; if you need that: {_iommu_on(facts)}"
    return Finding("iommu", "IOMMU", OK, text)


def _iommu_on(facts: MachineFacts) -> str:
    if _in_a_guest(facts):
        return "this VM's host gives it one (<iommu/> in its XML)"
    if "vmx" in (facts.cpu_flags or ()):
        return "intel_iommu=on on the kernel's command line, VT-d in the firmware's setup"
    return "IOMMU in the firmware's setup"


def _cgroups(facts: MachineFacts) -> Finding:
    if facts.cgroups is None:
        return Finding("cgroups", "Control groups", UNKNOWN, "/sys/fs/cgroup cannot be read")
    missing = [name for name in _NEEDED_CONTROLLERS if name not in facts.controllers]
    if not facts.cgroups or missing:
        what = f"without {' and '.join(missing)}" if facts.cgroups else "not mounted"
        return Finding(
            "cgroups",
            "Control groups",
            WARNING,
            f"{what}: limits on VMs' CPU and memory have no effect",
            ("boot a kernel with these controllers, or mount cgroup2 at /sys/fs/cgroup",),
        )
    return Finding("cgroups", "Control groups", OK, f"version {facts.cgroups}")


def _qemu(facts: MachineFacts) -> Finding:
    found = sorted(name for name in facts.programs if name.startswith("qemu-"))
    emulators = [name for name in found if name != "qemu-img"]
    if not emulators:
        return Finding(
            "qemu", "QEMU", PROBLEM, "no QEMU is installed", install(facts.packages, "qemu")
        )
    if "qemu-img" not in found:
        return Finding(
            "qemu",
            "QEMU",
            WARNING,
            f"{', '.join(emulators)}, but no qemu-img: disks cannot be made or examined",
            install(facts.packages, "qemu-img"),
        )
    return Finding("qemu", "QEMU", OK, ", ".join(emulators))


def _images(facts: MachineFacts) -> Finding | None:
    if facts.images is None:
        return None
    path, free, size = facts.images
    return space("images", "Disk space", path, free, size)


def space(name: str, title: str, where: str, free: int, size: int) -> Finding:
    """Judge the room that is left somewhere."""
    text = f"{bytes_text(free)} free of {bytes_text(size)} in {where}"
    if free < LOW_SPACE or free < size * LOW_SHARE:
        return Finding(
            name,
            title,
            WARNING,
            f"{text}: a VM whose disk cannot grow is paused",
            (f"make room in {where}, or move disks elsewhere",),
        )
    return Finding(name, title, OK, text)


def _clock(facts: MachineFacts) -> Finding:
    if facts.clock_synced is None:
        return Finding("clock", "Clock", UNKNOWN, "the kernel does not say who keeps it")
    if facts.clock_synced:
        return Finding("clock", "Clock", OK, "synchronised")
    return Finding(
        "clock",
        "Clock",
        WARNING,
        "nothing keeps it in time: certificates, migration and logs suffer",
        (
            *(("sudo timedatectl set-ntp true",) if facts.systemd else ()),
            *install(facts.packages, "chrony"),
        ),
    )


def _validate(facts: MachineFacts) -> Finding | None:
    if facts.validate is None:
        return None
    by_level = {
        level: [line for line in facts.validate if line.level == level]
        for level in ("PASS", "WARN", "FAIL")
    }
    parts = [f"{len(by_level['PASS'])} passed"]
    for level, word in (("FAIL", "failed"), ("WARN", "warned of")):
        if by_level[level]:
            parts.append(f"{word}: {', '.join(line.what for line in by_level[level])}")
    # What is judged above already, with more to go by, is shown but not judged twice.
    failed = [line for line in by_level["FAIL"] if not _JUDGED.search(line.what)]
    hints = tuple(f"{line.what}: {line.text}" for line in failed if line.text)
    verdict = WARNING if failed else OK
    return Finding("validate", "virt-host-validate", verdict, "; ".join(parts), hints)


_CHECKS: tuple[Callable[[MachineFacts], Finding | None], ...] = (
    _nested,
    _iommu,
    _qemu,
    _cgroups,
    _images,
    _clock,
    _validate,
)
