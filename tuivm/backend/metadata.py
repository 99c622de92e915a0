"""A domain's title, description and tags: read and written in its metadata.

All run on a host's own thread; libvirt's failures pass through as ``libvirt.libvirtError``.
"""

from __future__ import annotations

from collections.abc import Mapping

import libvirt
from lxml import etree

from tuivm.backend.xml_parse import parse
from tuivm.core.errors import TuivmError
from tuivm.core.model import Description
from tuivm.core.tags import NAMESPACE, PREFIX, TAG, parse_change, tags_of, tags_xml
from tuivm.core.text import sanitise, sanitise_block

TITLE = libvirt.VIR_DOMAIN_METADATA_TITLE
DESCRIPTION = libvirt.VIR_DOMAIN_METADATA_DESCRIPTION
ELEMENT = libvirt.VIR_DOMAIN_METADATA_ELEMENT
LIVE, CONFIG = libvirt.VIR_DOMAIN_AFFECT_LIVE, libvirt.VIR_DOMAIN_AFFECT_CONFIG
CURRENT = libvirt.VIR_DOMAIN_AFFECT_CURRENT


def read_description(conn: libvirt.virConnect, uuid: str) -> Description:
    """Read title and description, whole, as of now; blocks."""
    domain = conn.lookupByUUIDString(uuid)
    title, text = _read(domain, TITLE, CURRENT), _read(domain, DESCRIPTION, CURRENT)
    return Description(sanitise(title, 4096), sanitise_block(text))


def set_title(domain: libvirt.virDomain, args: Mapping[str, str]) -> str:
    """Give a domain a title (``text``), or take it away; returns what changed."""
    text = _text(domain, args, "title").strip()
    if "\n" in text:
        raise TuivmError(_cannot(domain, "title"), "a title is one line", hint="write it in one")
    return _write(domain, TITLE, text, args, "title")


def set_description(domain: libvirt.virDomain, args: Mapping[str, str]) -> str:
    """Give a domain a description (``text``), or take it away; returns what changed."""
    return _write(domain, DESCRIPTION, _text(domain, args, "description"), args, "description")


def change_tags(domain: libvirt.virDomain, args: Mapping[str, str]) -> str:
    """Give and take tags (``change``: ``+web -old``); returns which there are now."""
    change = parse_change(args.get("change", ""))
    tags: tuple[str, ...] = ()
    changed = False
    for scope in _scopes(domain, args):
        before = _tags(domain, scope)
        tags = change.apply(before)
        if tags != before:
            xml = tags_xml(tags) if tags else None
            domain.setMetadata(ELEMENT, xml, PREFIX, NAMESPACE, scope)
            changed = True
    told = ", ".join(tags) or "none left"
    return f"tags: {told}" if changed else f"tags as before: {', '.join(tags) or 'none'}"


def _cannot(domain: libvirt.virDomain, what: str) -> str:
    return f"Cannot change the {what} of {sanitise(domain.name(), 80)}"


def _scopes(domain: libvirt.virDomain, args: Mapping[str, str]) -> tuple[int, ...]:
    """Where to write: what virsh's options say, else wherever the domain has something."""
    if args.get("current") == "on":
        return (CURRENT,)
    named = tuple(flag for name, flag in (("live", LIVE), ("config", CONFIG)) if name in args)
    if named:
        return named
    if not domain.isActive():
        return (CONFIG,)
    return (LIVE, CONFIG) if domain.isPersistent() else (LIVE,)


def _text(domain: libvirt.virDomain, args: Mapping[str, str], what: str) -> str:
    text = args.get("text", "").replace("\r\n", "\n")
    wrong = next((char for char in text if not _is_xml(char)), None)
    if wrong is not None:
        raise TuivmError(
            _cannot(domain, what),
            f"XML has no place for the character U+{ord(wrong):04X}",
            hint="take it out",
        )
    return text


def _is_xml(char: str) -> bool:
    """The ``Char`` production of XML 1.0."""
    plain = " " <= char <= "\ud7ff" or "\ue000" <= char <= "\ufffd"
    return plain or char in "\t\n" or char > "\uffff"


def _write(
    domain: libvirt.virDomain, kind: int, text: str, args: Mapping[str, str], what: str
) -> str:
    changed = False
    for scope in _scopes(domain, args):
        if _read(domain, kind, scope) != text:
            domain.setMetadata(kind, text or None, None, None, scope)
            changed = True
    if not changed:
        return f"{what} as before"
    return f"{what} changed" if text else f"{what} taken away"


def _read(domain: libvirt.virDomain, kind: int, scope: int, uri: str | None = None) -> str:
    """Read one kind of metadata; empty where there is none."""
    try:
        return str(domain.metadata(kind, uri, scope))
    except libvirt.libvirtError as error:
        if error.get_error_code() == libvirt.VIR_ERR_NO_DOMAIN_METADATA:
            return ""
        raise


def _tags(domain: libvirt.virDomain, scope: int) -> tuple[str, ...]:
    xml = _read(domain, ELEMENT, scope, NAMESPACE)
    if not xml:
        return ()
    # The driver leaves the namespace out of what it tells.
    return tags_of(child.text or "" for child in parse(xml) if etree.QName(child).localname == TAG)
