"""Changes to a domain's definition that let it start: pure edits of its XML, with their diff."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from difflib import ndiff

from lxml import etree

from tuivm.backend.xml_parse import parse, pretty
from tuivm.core.consoleports import uses_console
from tuivm.core.errors import TuivmError

Edit = Callable[[etree._Element, Mapping[str, str]], bool]
"""Changes the tree; False when there was nothing to change."""


def disk_of(root: etree._Element, target: str) -> etree._Element | None:
    """The disk with this target: ``vda``."""
    for disk in root.iterfind("devices/disk"):
        place = disk.find("target")
        if place is not None and place.get("dev") == target:
            return disk
    return None


def use_emulation(root: etree._Element, args: Mapping[str, str]) -> bool:
    """Run it by emulation (TCG) instead of KVM; what only KVM can do goes with it."""
    if root.get("type") != "kvm":
        return False
    root.set("type", "qemu")
    cpu = root.find("cpu")
    if cpu is not None and cpu.get("mode") in ("host-passthrough", "maximum"):
        root.remove(cpu)
    for name in ("features/kvm", "features/hyperv"):
        found = root.find(name)
        parent = found.getparent() if found is not None else None
        if found is not None and parent is not None:
            parent.remove(found)
    return True


def use_kvm(root: etree._Element, args: Mapping[str, str]) -> bool:
    """Run it by KVM instead of emulation."""
    if root.get("type") != "qemu":
        return False
    root.set("type", "kvm")
    return True


def use_machine(root: etree._Element, args: Mapping[str, str]) -> bool:
    """Take another machine type."""
    kind = root.find("os/type")
    if kind is None or kind.get("machine") == args["machine"]:
        return False
    kind.set("machine", args["machine"])
    return True


def use_cpu(root: etree._Element, args: Mapping[str, str]) -> bool:
    """Take the host's CPU as far as it can be named, or the hypervisor's default (empty)."""
    cpu = root.find("cpu")
    topology = cpu.find("topology") if cpu is not None else None
    if cpu is not None:
        root.remove(cpu)
    mode = args.get("mode", "")
    if mode or topology is not None:
        fresh = etree.SubElement(root, "cpu")
        if mode:
            fresh.set("mode", mode)
        if topology is not None:
            fresh.append(topology)
    return cpu is not None or bool(mode)


def use_emulator(root: etree._Element, args: Mapping[str, str]) -> bool:
    """Take another emulator."""
    emulator = root.find("devices/emulator")
    if emulator is None or emulator.text == args["path"]:
        return False
    emulator.text = args["path"]
    return True


def use_network(root: etree._Element, args: Mapping[str, str]) -> bool:
    """Put the cards on what does not exist onto a virtual network."""
    changed = False
    for card in root.iterfind("devices/interface"):
        source = card.find("source")
        if source is None or args["instead-of"] not in (
            source.get("network"),
            source.get("bridge"),
            source.get("dev"),
        ):
            continue
        card.set("type", "network")
        for child in card.findall("virtualport"):
            card.remove(child)
        source.attrib.clear()
        source.set("network", args["network"])
        changed = True
    return changed


def use_source(root: etree._Element, args: Mapping[str, str]) -> bool:
    """Take another file for a disk."""
    disk = disk_of(root, args["target"])
    source = disk.find("source") if disk is not None else None
    if source is None or source.get("file") == args["path"]:
        return False
    source.set("file", args["path"])
    return True


def eject(root: etree._Element, args: Mapping[str, str]) -> bool:
    """Take the medium out of a drive."""
    disk = disk_of(root, args["target"])
    source = disk.find("source") if disk is not None else None
    if disk is None or source is None or disk.get("device") not in ("cdrom", "floppy"):
        return False
    disk.remove(source)
    return True


def use_loader(root: etree._Element, args: Mapping[str, str]) -> bool:
    """Take another UEFI firmware."""
    loader = root.find("os/loader")
    if loader is None or loader.text == args["path"]:
        return False
    loader.text = args["path"]
    loader.set("readonly", "yes")
    loader.set("type", "pflash")
    if "secure" in loader.attrib:
        del loader.attrib["secure"]
    nvram = root.find("os/nvram")
    if nvram is not None and "template" in nvram.attrib:
        del nvram.attrib["template"]
    return True


def drop_firmware(root: etree._Element, args: Mapping[str, str]) -> bool:
    """Boot by the hypervisor's own BIOS, whatever firmware was asked for."""
    system = root.find("os")
    if system is None:
        return False
    changed = "firmware" in system.attrib
    if changed:
        del system.attrib["firmware"]
    for child in [*system.findall("loader"), *system.findall("nvram"), *system.findall("firmware")]:
        system.remove(child)
        changed = True
    return changed


def add_acpi(root: etree._Element, args: Mapping[str, str]) -> bool:
    """Give it ACPI, which UEFI needs."""
    features = root.find("features")
    if features is None:
        features = etree.SubElement(root, "features")
    if features.find("acpi") is not None:
        return False
    features.insert(0, etree.Element("acpi"))
    return True


def kernel_console(root: etree._Element, args: Mapping[str, str]) -> bool:
    """Let a kernel that is booted directly talk on a device of the guest's: ``ttyS0``."""
    system, tty = root.find("os"), args["tty"]
    if system is None or system.find("kernel") is None:
        return False
    line = system.find("cmdline")
    if line is None:
        line = etree.SubElement(system, "cmdline")
    if uses_console(line.text or "", tty):
        return False
    # Last: /dev/console is the last one that is named.
    line.text = f"{line.text or ''} console={tty}".strip()
    return True


def set_memory(root: etree._Element, args: Mapping[str, str]) -> bool:
    """Give it another amount of memory, in MiB."""
    memory = root.find("memory")
    if memory is None or not args["mib"].isdigit() or root.find("cpu/numa/cell") is not None:
        return False  # the cells' sum decides
    for name in ("memory", "currentMemory"):
        element = root.find(name)
        if element is not None:
            element.set("unit", "MiB")
            element.text = args["mib"]
    return True


EDITS: dict[str, Edit] = {
    "use-emulation": use_emulation,
    "use-kvm": use_kvm,
    "use-machine": use_machine,
    "use-cpu": use_cpu,
    "use-emulator": use_emulator,
    "use-network": use_network,
    "use-source": use_source,
    "eject": eject,
    "use-loader": use_loader,
    "add-acpi": add_acpi,
    "kernel-console": kernel_console,
    "drop-firmware": drop_firmware,
    "set-memory": set_memory,
}
"""By the verb of ``Backend.run`` that makes the change."""


def diff(root: etree._Element, verb: str, args: Mapping[str, str]) -> tuple[str, ...]:
    """The lines that an edit takes away (``-``) and adds (``+``); empty for none."""
    before = pretty(root).splitlines()
    changed = parse(etree.tostring(root, encoding="unicode"))
    try:
        if not EDITS[verb](changed, args):
            return ()
    except (KeyError, TuivmError):
        return ()
    lines = ndiff(before, pretty(changed).splitlines())
    return tuple(f"{line[0]} {line[2:].strip()}" for line in lines if line[0] in "+-")
