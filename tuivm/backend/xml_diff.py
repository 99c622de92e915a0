"""What the next boot of a running domain will change, without what libvirt itself added."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy

from lxml import etree

from tuivm.backend.xml_match import child_pairs, device_pairs
from tuivm.backend.xml_noise import is_noise, settle, settle_device
from tuivm.backend.xml_parse import elements, local_name, parse, without_secrets
from tuivm.core.model import XmlChange
from tuivm.core.text import sanitise

PRESENT = "present"
"""The value of an element that says something by being there."""

_MOST = 500
"""Differences that are listed; two XMLs that differ more have nothing in common."""


def changes(live: str, inactive: str | None) -> tuple[XmlChange, ...]:
    """Compare a domain's two forms semantically; empty for a transient domain.

    Values are sanitised, secrets hidden. Raises ``TuivmError`` when one is not well formed.
    """
    if inactive is None or live == inactive:
        return ()
    now, wanted = without_secrets(parse(live)), without_secrets(parse(inactive))
    settle(now, wanted)
    found: list[XmlChange] = []
    for change in _children(now, wanted, "", ""):
        found.append(change)
        if len(found) == _MOST:
            break
    return tuple(found)


def device_changes(live: etree._Element, inactive: etree._Element) -> tuple[XmlChange, ...]:
    """Compare two forms of one device; ``where`` is relative to the device."""
    now, wanted = deepcopy(live), deepcopy(inactive)
    settle_device(now, wanted)
    return tuple(_element(now, wanted, "", f"devices/{local_name(live)}"))


def device_elements(root: etree._Element) -> list[etree._Element]:
    """A domain's devices, without the console that is the first serial port's second name."""
    devices = root.find("devices")
    if devices is None:
        return []
    found = list(elements(devices))
    serial = any(element.tag == "serial" for element in found)
    return [element for element in found if not (serial and _is_twin(element))]


def _is_twin(element: etree._Element) -> bool:
    target = element.find("target")
    return element.tag == "console" and target is not None and target.get("type") == "serial"


def _element(
    live: etree._Element, inactive: etree._Element, where: str, path: str
) -> Iterator[XmlChange]:
    yield from _attributes(live, inactive, where, path)
    now, wanted = _text(live), _text(inactive)
    if now != wanted and not is_noise(path, now, wanted):
        yield XmlChange(where or "text", now, wanted)
    yield from _children(live, inactive, where, path)


def _attributes(
    live: etree._Element, inactive: etree._Element, where: str, path: str
) -> Iterator[XmlChange]:
    names = dict.fromkeys([*map(str, live.attrib), *map(str, inactive.attrib)])
    for name in names:
        now, wanted = live.get(name), inactive.get(name)
        if now == wanted:
            continue
        short = sanitise(etree.QName(name).localname, 80)
        if not is_noise(_join(path, f"@{short}"), now, wanted):
            yield XmlChange(_join(where, f"@{short}"), sanitise(now or ""), sanitise(wanted or ""))


def _children(
    live: etree._Element, inactive: etree._Element, where: str, path: str
) -> Iterator[XmlChange]:
    for label, now, wanted in child_pairs(live, inactive):
        tag = local_name(now if now is not None else _sure(wanted))
        inner = _join(path, tag)
        place = _join(where, label)
        if inner == "devices":
            yield from _devices(now, wanted)
        elif now is not None and wanted is not None:
            if not _same(now, wanted):
                yield from _element(now, wanted, place, inner)
        else:
            yield from _one_sided(now, wanted, place, inner)


def _devices(live: etree._Element | None, inactive: etree._Element | None) -> Iterator[XmlChange]:
    left = device_elements(_sure(live.getparent())) if live is not None else []
    right = device_elements(_sure(inactive.getparent())) if inactive is not None else []
    for label, now, wanted in device_pairs(left, right):
        place = f"devices/{label}"
        if now is not None and wanted is not None:
            settle_device(now, wanted)
            yield from _element(now, wanted, place, f"devices/{local_name(now)}")
        else:
            yield from _one_sided(now, wanted, place, f"devices/{label.partition('[')[0]}")


def _one_sided(
    live: etree._Element | None, inactive: etree._Element | None, where: str, path: str
) -> Iterator[XmlChange]:
    """An element that only one form has: one change, however much is in it."""
    now = brief(live) if live is not None else None
    wanted = brief(inactive) if inactive is not None else None
    if not is_noise(path, now, wanted):
        yield XmlChange(where, now or "", wanted or "")


def brief(element: etree._Element) -> str:
    """An element in a few words: the values that it holds, without addresses and aliases."""
    parts: list[str] = []
    for inner in element.iter(etree.Element):
        if inner.tag in ("alias", "address", "seclabel", "backingStore"):
            continue
        parts += [sanitise(str(value), 120) for value in inner.attrib.values()]
        if text := _text(inner):
            parts.append(sanitise(text, 120))
        if len(parts) > 8:
            return " ".join(parts[:8]) + " …"
    return " ".join(parts) or PRESENT


def _same(live: etree._Element, inactive: etree._Element) -> bool:
    # Most elements are: comparing their bytes is cheaper than looking at each attribute.
    return etree.tostring(live, with_tail=False) == etree.tostring(inactive, with_tail=False)


def _text(element: etree._Element) -> str:
    return sanitise(" ".join((element.text or "").split())) if not len(element) else ""


def _join(path: str, step: str) -> str:
    return f"{path}/{step}" if path else step


def _sure(element: etree._Element | None) -> etree._Element:
    assert element is not None
    return element
