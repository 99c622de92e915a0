"""Takes out of XML and logs what must not be given away: stricter than what the screen hides.

The screen's user may see a guest's firmware strings and its metadata; whoever reads a bug
report need not. Pure functions; no libvirt.
"""

from __future__ import annotations

import re
from copy import deepcopy

from lxml import etree

from tuivm.backend.xml_parse import mask, parse, pretty, without_secrets
from tuivm.core.tags import NAMESPACE
from tuivm.core.text import sanitise_block
from tuivm.core.xmltext import HIDDEN

_LIMIT = 2 << 20
_KNOWN_METADATA = (NAMESPACE, "http://libosinfo.org/xmlns/libvirt/domain/1.0")
"""Namespaces of which it is known what they hold."""
_WORD = r"(?:pass(?:wd|word|phrase)|secret|token|api[_-]?key|cookie|authorization)"
# No part without a limit: hostile lines would take minutes.
_QUOTED = re.compile(
    rf"""(?i)({_WORD}[\w.-]{{0,64}}["']?\s{{0,8}}[=:]\s{{0,8}})("[^"\n]{{1,4096}}"|'[^'\n]{{1,4096}}')"""
)
_ELEMENT = re.compile(rf"(?i)(<{_WORD}[^<>\n]{{0,200}}>)[^<>\n]{{1,4096}}(?=</)")
_HEADER = re.compile(r"(?i)((?:authorization|cookie):\s{0,8})[^\s'\"][^\n'\"]{0,4096}")
_DATA = re.compile(
    r"""(?i)(["']?\bdata["']?\s{0,8}[=:]\s{0,8})("[^"\n]{1,8192}"|[^\s,;"'}]{1,8192})"""
)
_FIRMWARE = re.compile(r"(?i)(\b(?:string|value)=)[^'\n]{1,65536}(?='|$)", re.MULTILINE)
_CREDENTIAL = re.compile(r"(io\.systemd\.credential(?:\.binary)?:[^=\s]{1,200}=)[^\s'\"]{1,65536}")
_USER = re.compile(r"(://[^/\s:@]{0,200}:)[^@\s/]{1,200}(?=@)")
_KEY = re.compile(r"(-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----)(?:[^-]|-(?!----)){1,20000}")


def scrub_text(text: str) -> str:
    """Take secrets out of a log; the result is sanitised."""
    text = sanitise_block(text, _LIMIT)
    text = _KEY.sub(rf"\g<1>{HIDDEN}", text)
    text = "\n".join(map(_line, text.split("\n")))
    return mask(text)


def _line(line: str) -> str:
    folded = line.casefold()
    if "secret" in folded:
        line = _DATA.sub(rf'\g<1>"{HIDDEN}"', line)
    if "fw_cfg" in folded or "smbios" in folded:
        line = _FIRMWARE.sub(rf"\g<1>{HIDDEN}", line)
    line = _CREDENTIAL.sub(rf"\g<1>{HIDDEN}", line)
    line = _QUOTED.sub(rf"\g<1>'{HIDDEN}'", line)
    line = _ELEMENT.sub(rf"\g<1>{HIDDEN}", line)
    line = _HEADER.sub(rf"\g<1>{HIDDEN}", line)
    return _USER.sub(r"\g<1>***", line)


def scrub_xml(xml: str) -> str:
    """Take secrets and data of strangers out of a domain's XML, which comes back in order.

    Raises ``TuivmError`` when it is not well formed.
    """
    root = without_secrets(deepcopy(parse(xml)))
    for entry in root.iterfind("sysinfo//entry"):
        info = next(entry.iterancestors("sysinfo"))
        parent = entry.getparent()
        inner = parent is not None and parent.tag == "oemStrings"
        if entry.text and (info.get("type") == "fwcfg" or inner):
            entry.text = HIDDEN
    for metadata in root.iterfind("metadata"):
        for child in metadata:
            if isinstance(child.tag, str) and etree.QName(child).namespace not in _KNOWN_METADATA:
                _empty(child)
    for source in root.iter("source"):
        if source.get("query"):
            source.set("query", HIDDEN)
    for element in root.iter(etree.Element):
        if etree.QName(element).localname == "arg" and element.get("value"):
            _argument(element)
    return sanitise_block(pretty(root), _LIMIT)


def _empty(element: etree._Element) -> None:
    """Leave no more than its name."""
    for child in list(element):
        element.remove(child)
    element.attrib.clear()
    element.text = HIDDEN


def _argument(element: etree._Element) -> None:
    """QEMU's own arguments hand whole files and strings to the guest's firmware."""
    value = str(element.get("value"))
    before = element.getprevious()
    option = "" if before is None else before.get("value", "")
    if option.lstrip("-") in ("fw_cfg", "smbios"):
        value = _FIRMWARE.sub(rf"\g<1>{HIDDEN}", value)
    element.set("value", scrub_text(value))
