"""ACPI in a domain's XML: what takes the power button away, and its definition without that."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import ndiff

import libvirt
from lxml import etree

from tuivm.backend.xml_parse import parse, pretty
from tuivm.core.errors import TuivmError
from tuivm.core.text import sanitise

DEAF_WORDS = frozenset({"acpi=off", "noacpi", "acpi=ht"})
"""Linux's kernel parameters that take the power button away (kernel-parameters.txt)."""
X86 = frozenset({"x86_64", "i686", "i386"})
"""Where a guest is asked to power off by ACPI alone."""


def deaf_words(root: etree._Element) -> tuple[str, ...]:
    """The words of the kernel's command line that switch ACPI off."""
    words = (root.findtext("os/cmdline") or "").split()
    return tuple(word for word in words if word in DEAF_WORDS)


def lacks_acpi(root: etree._Element) -> bool:
    """True for an x86 virtual machine without ``<acpi/>``."""
    kind = root.find("os/type")
    return (
        root.get("type") in ("kvm", "qemu")
        and kind is not None
        and kind.get("arch", "") in X86
        and root.find("features/acpi") is None
    )


def with_acpi(root: etree._Element) -> bool:
    """Give the tree ACPI again: the words go, ``<acpi/>`` comes; False when nothing differs."""
    changed = False
    cmdline = root.find("os/cmdline")
    if cmdline is not None and deaf_words(root):
        kept = [word for word in (cmdline.text or "").split() if word not in DEAF_WORDS]
        cmdline.text = " ".join(kept)
        changed = True
    if lacks_acpi(root):
        features = root.find("features")
        if features is None:
            features = etree.SubElement(root, "features")
        etree.SubElement(features, "acpi")
        changed = True
    return changed


def acpi_diff(root: etree._Element) -> tuple[str, ...]:
    """The lines that ``enable_acpi`` takes away (``-``) and adds (``+``); empty for none."""
    before = pretty(root).splitlines()
    changed = parse(etree.tostring(root, encoding="unicode"))
    if not with_acpi(changed):
        return ()
    lines = ndiff(before, pretty(changed).splitlines())
    return tuple(f"{line[0]} {line[2:].strip()}" for line in lines if line[0] in "+-")


def line_of(root: etree._Element, path: str) -> str:
    """Where an element stands in the XML as it is shown, and how it reads there."""
    element = root.find(path)
    if element is None:
        return ""
    text = pretty(element).strip().splitlines()[0]
    for number, line in enumerate(pretty(root).splitlines(), 1):
        if line.strip() == text:
            return f"line {number} of its XML: {sanitise(text, 2000)}"
    return f"its XML: {sanitise(text, 2000)}"


def enable_acpi(domain: libvirt.virDomain, args: Mapping[str, str]) -> str:
    """Give the next start ACPI again; what runs stays as it is.

    Raises ``libvirt.libvirtError`` as libvirt does, ``TuivmError`` for a transient domain.
    """
    name = sanitise(domain.name(), 80)
    if not domain.isPersistent():
        raise TuivmError(
            f"Cannot change the XML of {name}",
            "it is transient: it has no definition that a next start would use",
        )
    flags = libvirt.VIR_DOMAIN_XML_INACTIVE | libvirt.VIR_DOMAIN_XML_SECURE
    root = parse(domain.XMLDesc(flags))
    if not with_acpi(root):
        return "its definition has ACPI already: power it off and on"
    domain.connect().defineXMLFlags(etree.tostring(root, encoding="unicode"), 0)
    return "changed: it hears the power button from the next power off and on"
