"""Which device of one XML is which of the other: by what identifies it to people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable

from lxml import etree

from tuivm.backend.xml_parse import elements, local_name, value_at
from tuivm.core.text import sanitise

Pair = tuple[str, etree._Element | None, etree._Element | None]
"""A label that is unique among its kin, the live element, the inactive one."""

_USER_ALIAS = "ua-"
"""Aliases given by the user begin so, and are the same in both forms."""

_BY_PATHS: dict[str, tuple[str, ...]] = {
    "disk": ("target/@dev",),
    "interface": ("mac/@address",),
    "controller": ("@type", "@index"),
    "serial": ("target/@port",),
    "parallel": ("target/@port",),
    "console": ("target/@type", "target/@port"),
    "channel": ("target/@name",),
    "graphics": ("@type",),
    "input": ("@type", "@bus"),
    "filesystem": ("target/@dir",),
    "lease": ("key",),
    "audio": ("@id",),
    "tpm": ("@model",),
    "sound": ("@model",),
    "watchdog": ("@model",),
    "shmem": ("@name",),
    "hostdev": (
        "@type",
        "source/vendor/@id",
        "source/product/@id",
        "source/address/@domain",
        "source/address/@bus",
        "source/address/@slot",
        "source/address/@function",
        "source/address/@device",
        "source/address/@uuid",
        "source/adapter/@name",
    ),
}
# What identifies an element among several of one name, outside of devices.
_BY_ATTRIBUTE = ("name", "id", "vcpu", "vcpus", "iothread", "iothreads", "uuid", "cell", "node")
_LISTS: frozenset[object] = frozenset({"feature", "timer", "vcpupin", "iothreadpin", "cell"})
"""Elements that are named even where there happens to be only one."""


def device_pairs(live: Iterable[etree._Element], inactive: Iterable[etree._Element]) -> list[Pair]:
    """Pair the devices of the two forms; the order is the live one's, then what is only next."""
    return _pairs(list(live), list(inactive), _device_label)


def child_pairs(live: etree._Element, inactive: etree._Element) -> list[Pair]:
    """Pair the child elements of two elements of the same kind."""
    left, right = list(elements(live)), list(elements(inactive))
    several = _LISTS | _repeated(left) | _repeated(right)
    return _pairs(left, right, lambda element: _child_label(element, element.tag in several))


def _repeated(found: list[etree._Element]) -> set[object]:
    counts = Counter(element.tag for element in found)
    return {tag for tag, count in counts.items() if count > 1}


def _pairs(
    live: list[etree._Element],
    inactive: list[etree._Element],
    label: Callable[[etree._Element], str],
) -> list[Pair]:
    left, right = _labelled(live, label), _labelled(inactive, label)
    pairs: list[Pair] = [(name, element, right.get(name)) for name, element in left.items()]
    pairs += [(name, None, element) for name, element in right.items() if name not in left]
    return pairs


def _labelled(
    found: list[etree._Element], label: Callable[[etree._Element], str]
) -> dict[str, etree._Element]:
    labelled: dict[str, etree._Element] = {}
    for element in found:
        base = label(element)
        name, count = base, 1
        while name in labelled:
            count += 1
            name = f"{base}#{count}"
        labelled[name] = element
    return labelled


def _device_label(element: etree._Element) -> str:
    kind = local_name(element)
    alias = value_at(element, "alias/@name")
    if alias.startswith(_USER_ALIAS):
        return f"{kind}[{alias}]"
    parts = [value_at(element, path) for path in _BY_PATHS.get(kind, ())]
    identity = " ".join(part for part in parts if part).lower()
    return f"{kind}[{identity}]" if identity else kind


def _child_label(element: etree._Element, several: bool) -> str:
    kind = sanitise(local_name(element), 80)
    for name in _BY_ATTRIBUTE if several else ():
        if value := element.get(name):
            return f"{kind}[{sanitise(value, 80)}]"
    return kind
