"""A domain's devices in people's terms, with what waits for the next power cycle."""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from tuivm.backend.xml_diff import device_changes, device_elements
from tuivm.backend.xml_kinds import KINDS, LAST, ORDER, Kind, address_text
from tuivm.backend.xml_match import device_pairs
from tuivm.backend.xml_parse import local_name, parse, pretty, value_at, without_secrets
from tuivm.core.model import Device, XmlChange
from tuivm.core.text import sanitise, sanitise_block

ONLY_NOW = "only until power off"
ONLY_NEXT = "after the next power cycle"

_PLUMBING = ("source/@index", "backingStore", "@listen", "listen/@type", "source/@portid")
"""libvirt's own bookkeeping, of no use to people; the XML beside still has it."""

_MAX_FIELDS = 80
_RANK = {kind: rank for rank, kind in enumerate(ORDER)}


def devices(live: str, inactive: str | None) -> tuple[Device, ...]:
    """List every device of a domain, unknown kinds too, sanitised, secrets hidden.

    ``inactive`` is the definition of the next boot: what differs there is marked as pending.
    None, or the same as ``live``, marks nothing. Raises ``TuivmError`` when an XML is not
    well formed.
    """
    root = without_secrets(parse(live))
    found = device_elements(root)
    if inactive is None or inactive == live:
        return tuple(_device(element, "") for element in sorted(found, key=_rank))
    # The second tree must live as long as its elements are looked at.
    other = without_secrets(parse(inactive))
    pairs = device_pairs(found, device_elements(other))
    told: list[tuple[etree._Element, str]] = []
    for _label, now, wanted in pairs:
        if now is None and wanted is not None:
            told.append((wanted, ONLY_NEXT))
        elif now is not None and wanted is None:
            told.append((now, ONLY_NOW))
        elif now is not None and wanted is not None:
            told.append((now, _pending(device_changes(now, wanted))))
    told.sort(key=lambda pair: _rank(pair[0]))
    return tuple(_device(element, pending) for element, pending in told)


def _rank(element: etree._Element) -> int:
    kind = local_name(element)
    if kind in LAST:
        return len(ORDER) + 1 + LAST.index(kind)
    return _RANK.get(kind, len(ORDER))


def _pending(changes: tuple[XmlChange, ...]) -> str:
    if not changes:
        return ""
    told = [
        f"{_words(change.where)} {change.live or 'unset'} to {change.inactive or 'unset'}"
        for change in changes[:3]
    ]
    more = f" and {len(changes) - 3} more" if len(changes) > 3 else ""
    return sanitise(f"changes at the next power cycle: {', '.join(told)}{more}")


def _device(element: etree._Element, pending: str) -> Device:
    name = sanitise(local_name(element), 80)
    kind = KINDS.get(name)
    values = list(_flatten(element, ""))
    if kind is None:
        title = f"Device {name}"
        summary = ", ".join(value for path, value in values if path.startswith("@"))
    else:
        title, summary = kind.title(element), kind.summary(element)
    return Device(
        kind=name,
        title=sanitise(title, 120),
        summary=sanitise(summary, 1024),
        fields=tuple(_fields(element, kind, values))[:_MAX_FIELDS],
        xml=sanitise_block(pretty(element), 65536),
        pending=pending,
    )


def _fields(
    element: etree._Element, kind: Kind | None, values: list[tuple[str, str]]
) -> Iterator[tuple[str, str]]:
    """The parts that have a name, then the others under their own, then the address."""
    there = dict(values)
    for label, path in kind.labels if kind else ():
        if path in there:
            yield label, there.pop(path)
    alias = there.pop("alias/@name", "")
    for path in _PLUMBING:
        there.pop(path, None)
    for path, value in there.items():
        if not path.startswith("address/") and path != "address":
            yield _label(path), value
    if alias:
        yield "Alias", alias
    address = element.find("address")
    if address is not None:
        yield "Address", address_text(address)


def _flatten(element: etree._Element, path: str) -> Iterator[tuple[str, str]]:
    """Every value of an element by its path; elements without any count as ``yes``."""
    prefix = f"{path}/" if path else ""
    for name in element.attrib:
        short = sanitise(etree.QName(str(name)).localname, 80)
        yield f"{prefix}@{short}", value_at(element, f"@{name!s}") or "(empty)"
    text = sanitise(" ".join((element.text or "").split())) if not len(element) else ""
    if text or not (len(element) or element.attrib):
        yield path or "text", text or "yes"
    seen: dict[str, int] = {}
    for child in element.iterchildren(etree.Element):
        name = sanitise(local_name(child), 80)
        seen[name] = seen.get(name, 0) + 1
        step = name if seen[name] == 1 else f"{name} {seen[name]}"
        yield from _flatten(child, f"{prefix}{step}")


def _label(path: str) -> str:
    words = _words(path)
    return words[:1].upper() + words[1:]


def _words(path: str) -> str:
    return path.replace("/@", " ").replace("@", "").replace("/", " ")
