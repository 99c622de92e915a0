"""Reading libvirt's XML safely, writing it in libvirt's own style, hiding its secrets."""

from __future__ import annotations

import re
from collections.abc import Iterator
from copy import deepcopy

from lxml import etree

from tuivm.core.errors import TuivmError
from tuivm.core.text import sanitise
from tuivm.core.xmltext import HIDDEN

AGENT_CHANNEL = "org.qemu.guest_agent.0"
"""The channel on which the QEMU guest agent listens."""

_UNITS = {
    "b": 1,
    "bytes": 1,
    "kb": 1000,
    "k": 1024,
    "kib": 1024,
    "mb": 1000**2,
    "m": 1024**2,
    "mib": 1024**2,
    "gb": 1000**3,
    "g": 1024**3,
    "gib": 1024**3,
    "tb": 1000**4,
    "t": 1024**4,
    "tib": 1024**4,
}

_SECRET_NAMES = frozenset({"passwd", "password", "passphrase", "token", "secretkey", "api_key"})
_SECRET_WORD = r"(?:pass(?:wd|word|phrase)|secret|token|api[_-]?key)"
# Nothing without a limit, and nothing before the word: a long line would take minutes.
_ASSIGNED = re.compile(rf"(?i)({_SECRET_WORD}[\w.:-]{{0,64}}\s{{0,8}}=\s{{0,8}})([^\s,;&'\"]+)")
_QEMU_SECRET_DATA = re.compile(r"(?i)((?:^|,)data=)([^,]+)")
_CREDENTIAL = re.compile(r"(?i)^(io\.systemd\.credential(?:\.binary)?:[^=]*=)(.+)$", re.S)
_SUSPECTS = (
    b"passw",
    b"passphrase",
    b"secret",
    b"token",
    b"api_key",
    b"api-key",
    b"apikey",
    b"cookie",
    b"credential",
    b"session>",
)
"""Where none of these occurs nothing has to be hidden, and no element has to be looked at."""
_CREDENTIAL_FILE = re.compile(r"(?i)credential|" + _SECRET_WORD)


def parse(xml: str) -> etree._Element:
    """Parse a document without entities, DTDs, network or unbounded size.

    Raises ``TuivmError`` when it is not well formed. Never keep the tree: thousands of
    them cost the garbage collector more than parsing them again.
    """
    # A parser of lxml's is not to be shared between threads; making one is cheap.
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False
    )
    try:
        return etree.fromstring(xml.encode("utf-8", "replace"), parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise TuivmError(
            "Cannot read the XML",
            sanitise(str(error)),
            hint="the host sent XML that is not well formed",
        ) from None


def source_path(source: etree._Element | None) -> str:
    """Where a disk's data is: a path, ``pool/volume``, or ``rbd:pool/image``; empty for none."""
    if source is None:
        return ""
    for name in ("file", "dev", "dir"):
        if path := source.get(name):
            return sanitise(path, 4096)
    if volume := source.get("volume"):
        return sanitise(f"{source.get('pool', '')}/{volume}", 4096)
    if image := source.get("name"):
        return sanitise(f"{source.get('protocol', 'network')}:{image}", 4096)
    return sanitise(source.get("path", ""), 4096)


def size_bytes(element: etree._Element) -> int | None:
    """Read an element like ``<memory unit='KiB'>``, whose default unit is KiB."""
    amount = number(element.text)
    factor = _UNITS.get(element.get("unit", "KiB").lower())
    return None if amount is None or factor is None else amount * factor


def number(text: str | None) -> int | None:
    """Read a whole number; None when it is none."""
    text = (text or "").strip()
    # A hostile number of digits would take Python seconds to read.
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else None


def elements(parent: etree._Element) -> Iterator[etree._Element]:
    """Yield the child elements: no comments, processing instructions or entities."""
    for child in parent:
        if isinstance(child.tag, str):
            yield child


def value_at(element: etree._Element, path: str) -> str:
    """Read ``@type``, ``target/@dev`` or ``key`` (text), sanitised; empty where it is absent."""
    steps, _, attribute = path.partition("@")
    found: etree._Element | None = element
    for step in filter(None, steps.split("/")):
        found = next(found.iterchildren(step), None) if found is not None else None
    if found is None:
        return ""
    return sanitise((found.get(attribute, "") if attribute else found.text or "").strip())


def local_name(element: etree._Element) -> str:
    """The element's name without its namespace, with the prefix that it was written with."""
    if element.tag[0] != "{":
        return str(element.tag)
    name = etree.QName(element).localname
    return f"{element.prefix}:{name}" if element.prefix else name


def pretty(element: etree._Element) -> str:
    """Write an element as libvirt does: two spaces a level, single quotes, no declaration."""
    lines: list[str] = []
    _write(element, 0, lines, top=True)
    return "\n".join(lines) + "\n"


def _write(element: etree._Element, level: int, lines: list[str], *, top: bool = False) -> None:
    pad = "  " * level
    if not isinstance(element.tag, str):
        # A comment, a processing instruction or an entity: as it stands.
        text = etree.tostring(element, encoding="unicode", with_tail=False)
        lines.extend(pad + line.strip() for line in text.splitlines())
        return
    name = local_name(element)
    opening = f"{pad}<{name}{_namespaces(element, top)}{_attributes(element)}"
    text = element.text if element.text and element.text.strip() else ""
    if not len(element):
        lines.append(f"{opening}>{_escape(text)}</{name}>" if text else f"{opening}/>")
        return
    lines.append(f"{opening}>{_escape(text.strip())}")
    for child in element:
        _write(child, level + 1, lines)
        if child.tail and child.tail.strip():
            lines.append(f"{pad}  {_escape(child.tail.strip())}")
    lines.append(f"{pad}</{name}>")


def _namespaces(element: etree._Element, top: bool) -> str:
    parent = element.getparent()
    known = dict(parent.nsmap) if parent is not None else {}
    mine = {prefix: uri for prefix, uri in element.nsmap.items() if known.get(prefix) != uri}
    if top and parent is not None:
        # A part of a document: only what the part itself needs.
        used = {child.prefix for child in element.iter() if isinstance(child.tag, str)}
        mine = {prefix: uri for prefix, uri in element.nsmap.items() if prefix in used}
    return "".join(
        f" xmlns{':' + prefix if prefix else ''}='{_escape(uri, quotes=True)}'"
        for prefix, uri in mine.items()
    )


def _attributes(element: etree._Element) -> str:
    prefixes = {uri: prefix for prefix, uri in element.nsmap.items() if prefix}
    text = ""
    for key, value in element.attrib.items():
        qname = etree.QName(str(key))
        prefix = prefixes.get(qname.namespace) if qname.namespace else None
        name = f"{prefix}:{qname.localname}" if prefix else qname.localname
        text += f" {name}='{_escape(str(value), quotes=True)}'"
    return text


def _escape(text: str, *, quotes: bool = False) -> str:
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    if quotes:
        text = text.replace("'", "&apos;").replace("\n", "&#10;").replace("\t", "&#9;")
    return text


def mask(text: str) -> str:
    """Hide what follows ``password=`` and its kin in free text: command lines, arguments."""
    return _ASSIGNED.sub(rf"\g<1>{HIDDEN}", text)


def without_secrets(root: etree._Element) -> etree._Element:
    """Return the tree with every secret replaced, itself when it holds none."""
    text = etree.tostring(root).lower()
    if not any(word in text for word in _SUSPECTS):
        return root
    if not any(_secrets(element) for element in root.iter(etree.Element)):
        return root
    copy = deepcopy(root)
    for element in copy.iter(etree.Element):
        for attribute, value in _secrets(element).items():
            if attribute:
                element.set(attribute, value)
            else:
                element.text = value
    return copy


def _secrets(element: etree._Element) -> dict[str, str]:
    """What has to be replaced on one element: attribute name (empty: its text) to new value."""
    found: dict[str, str] = {}
    for key, value in element.attrib.items():
        name = etree.QName(str(key)).localname.lower()
        if name in _SECRET_NAMES and value:
            found[str(key)] = HIDDEN
    text = (element.text or "").strip()
    name = etree.QName(element).localname.lower()
    if text and not len(element):
        hidden = _hidden_text(element, name, text)
        if hidden != text:
            found[""] = hidden
    if name == "arg" and "value" in element.attrib:
        _add_if_changed(found, element, _qemu_argument(str(element.get("value"))))
    elif name == "env" and re.search(_SECRET_WORD, element.get("name", ""), re.I):
        _add_if_changed(found, element, HIDDEN)
    return found


def _add_if_changed(found: dict[str, str], element: etree._Element, value: str) -> None:
    if value != element.get("value"):
        found["value"] = value


def _hidden_text(element: etree._Element, name: str, text: str) -> str:
    parent = element.getparent()
    above = etree.QName(parent).localname.lower() if parent is not None else ""
    # SEV's session blob wraps the guest owner's keys; cookies and secret values are what they say.
    if name in _SECRET_NAMES or name == "cookie" or (above, name) in _SECRET_PLACES:
        return HIDDEN
    if name == "cmdline":
        return mask(text)
    if name == "entry":
        if _CREDENTIAL_FILE.search(element.get("name", "")):
            return HIDDEN
        return mask(_CREDENTIAL.sub(rf"\g<1>{HIDDEN}", text))
    return text


_SECRET_PLACES = frozenset({("secret", "value"), ("launchsecurity", "session")})


def _qemu_argument(value: str) -> str:
    if value.startswith("secret") or '"qom-type":"secret"' in value.replace(" ", ""):
        value = _QEMU_SECRET_DATA.sub(rf"\g<1>{HIDDEN}", value)
        value = re.sub(r'("data"\s*:\s*")[^"]*', rf"\g<1>{HIDDEN}", value)
    return mask(value)
