"""The log file of a serial console: found in the XML, read where it is here, added on request."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import libvirt
from lxml import etree

from tuivm.backend.log import LIMIT, log_folder, tail
from tuivm.backend.xml_console import OPENABLE
from tuivm.backend.xml_parse import parse
from tuivm.core.consoleports import log_line
from tuivm.core.errors import TuivmError
from tuivm.core.model import ConsolePast
from tuivm.core.text import sanitise


def read_past(conn: libvirt.virConnect, uuid: str, uri: str, alias: str = "") -> ConsolePast:
    """Read the end of the log file of a console; the first one where no alias is given.

    ``uri`` says whose daemon it is: files of other machines are not looked for. Blocks;
    raises ``libvirt.libvirtError``. Other failures are in the value's ``error``.
    """
    domain = conn.lookupByUUIDString(uuid)
    xml = domain.XMLDesc(0)
    path = log_path(xml, alias)
    try:
        folder = log_folder(uri)
    except TuivmError as error:
        return ConsolePast(sanitise(path), error=error)
    if not path:
        return ConsolePast(offer=offer(folder, domain.name(), xml))
    try:
        data, until = _read(Path(path))
    except TuivmError as error:
        return ConsolePast(sanitise(path), error=error)
    except OSError as error:
        return ConsolePast(sanitise(path), error=_explain(error, path))
    return ConsolePast(sanitise(path), data, until)


def log_path(xml: str, alias: str = "") -> str:
    """The log file of the console with this alias, or of the first one; empty without one."""
    elements = list(_consoles(xml))
    if alias:
        elements = [one for one in elements if _alias(one) == alias]
    for element in elements:
        log = element.find("log")
        if log is not None and (path := log.get("file", "")).startswith("/"):
            return path
        if element.tag == "serial":
            break
    return ""


def offer(folder: Path, name: str, xml: str) -> str:
    """The file that could be added, or empty: for that it takes a console and a plain name."""
    if not any(True for _ in _consoles(xml)) or "/" in name or name in ("", ".", ".."):
        return ""
    return str(folder / f"{name}-serial0.log")


def add_console_log(domain: libvirt.virDomain, args: Mapping[str, str]) -> str:
    """Add a log file (``file``) to the first console in what the next start uses.

    Raises ``libvirt.libvirtError`` as libvirt does, and ``TuivmError`` where there is
    nothing that it could be added to.
    """
    name, path = sanitise(domain.name(), 80), args.get("file", "")
    title = f"Cannot add a log file to {name}"
    if not path.startswith("/"):
        raise TuivmError(title, "the path has to begin with /")
    if not domain.isPersistent():
        raise TuivmError(title, "it is transient: it has no definition that a next start would use")
    flags = libvirt.VIR_DOMAIN_XML_INACTIVE | libvirt.VIR_DOMAIN_XML_SECURE
    changed = with_log(domain.XMLDesc(flags), path)
    if changed is None:
        raise TuivmError(title, "its definition has no serial console that can be opened")
    if not changed:
        return "its definition has one already: power it off and on"
    domain.connect().defineXMLFlags(changed, 0)
    return "added: it is written after the next power off and on"


def with_log(xml: str, path: str) -> str | None:
    """The XML with a log file at its first console.

    Empty when there is one already, None without a console.
    """
    root = parse(xml)
    first = next(_in(root), None)
    if first is None:
        return None
    if first.find("log") is not None:
        return ""
    first.append(etree.fromstring(log_line(path)))
    return etree.tostring(root, encoding="unicode")


def _consoles(xml: str) -> Iterator[etree._Element]:
    return _in(parse(xml))


def _in(root: etree._Element) -> Iterator[etree._Element]:
    """Serial ports, then other consoles; a console that is a port's second name comes never."""
    devices = root.find("devices")
    if devices is None:
        return
    serial = devices.findall("serial")
    for element in serial:
        if element.get("type", "pty") in OPENABLE:
            yield element
    for element in devices.findall("console"):
        target = element.find("target")
        twin = target is None or target.get("type", "serial") == "serial"
        if element.get("type", "pty") in OPENABLE and not (twin and serial):
            yield element


def _alias(element: etree._Element) -> str:
    alias = element.find("alias")
    return "" if alias is None else alias.get("name", "")


def _read(path: Path) -> tuple[bytes, float]:
    """The end of the file, with the end of the one before it where it was begun only lately."""
    data, cut, until = tail(path)
    if not cut and len(data) < LIMIT:
        older = path.with_name(f"{path.name}.0")
        try:
            before, cut, _ = tail(older, LIMIT - len(data))
            data = before + data
        except (OSError, TuivmError):
            # virtlogd keeps none until the file has grown large; what there is is enough.
            pass
    if cut:
        # The first line is most likely only a part of one.
        data = data.partition(b"\n")[2]
    return data, until


def _explain(error: OSError, path: str) -> TuivmError:
    title, shown = "Cannot read the console's log file", sanitise(path, 200)
    if isinstance(error, FileNotFoundError):
        return TuivmError(title, f"there is no {shown}", hint="it comes with the next start")
    if isinstance(error, PermissionError):
        return TuivmError(
            title, f"only root may read {shown}", hint="run tuivm as root to have it shown"
        )
    return TuivmError(title, sanitise(f"{error.strerror or error}: {path}"))
