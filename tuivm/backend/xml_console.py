"""Which serial console a domain's XML offers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from lxml import etree

from tuivm.backend.xml_parse import parse
from tuivm.core.consoleports import ConsolePort
from tuivm.core.text import sanitise

_CHARACTER = ("console", "serial", "parallel", "channel")
_VIRTIO = "target[@type='virtio']"
OPENABLE = frozenset({"pty", "nmdm"})
"""Character device types that ``virDomainOpenConsole`` can connect to."""


class Port(NamedTuple):
    """A character device that could be a console."""

    alias: str
    """``serial0``; empty where the XML does not tell, which means the default."""
    kind: str
    """``pty``, ``file``, ``tcp``, ..."""
    where: str
    """For people: ``serial0 writes to the file /var/log/web.log``; sanitised."""
    tty: str = ""
    """What Linux in the guest calls its other end; empty where that is not sure."""

    @property
    def pty(self) -> bool:
        """True when it can be opened through libvirt."""
        return self.kind in OPENABLE


def ports(xml: str) -> tuple[ConsolePort, ...]:
    """The devices that could be consoles, each once, the one opened by default marked.

    Channels and parallel ports are among them where libvirt can open them.
    """
    devices = parse(xml).find("devices")
    if devices is None:
        return ()
    first = find_port(xml)
    found: dict[str, ConsolePort] = {}
    for element in (child for tag in _CHARACTER for child in devices.findall(tag)):
        port = _port(element)
        if port.alias in found or (element.tag in ("parallel", "channel") and not port.pty):
            continue
        is_first = first is not None and port.alias == first.alias
        found[port.alias] = ConsolePort(
            sanitise(port.alias, 64), _kind(element, port), port.pty, is_first
        )
    return tuple(found.values())


def _kind(element: etree._Element, port: Port) -> str:
    if not port.pty:
        return port.where
    target = element.find("target")
    kind = "" if target is None else target.get("type", "")
    name = "" if target is None else sanitise(target.get("name", ""), 60)
    if element.tag == "console":
        return "virtio console" if kind == "virtio" else "serial port"
    return {"serial": "serial port", "parallel": "parallel port"}.get(
        str(element.tag), f"channel {name}".strip()
    )


def find_port(xml: str, alias: str = "") -> Port | None:
    """The named console, or the first that can be opened, or else the first there is.

    Consoles come before serial devices, as libvirt itself chooses.
    """
    # A file or socket behind a console is its first serial device's: tell of it once.
    found = ports_of(parse(xml), _CHARACTER if alias else _CHARACTER[:2])
    if alias:
        return next((port for port in found if port.alias == alias), None)
    return next((port for port in found if port.pty), found[0] if found else None)


def ports_of(root: etree._Element, tags: Sequence[str] = _CHARACTER[:2]) -> list[Port]:
    """All of a domain's character devices of some kinds: consoles, then serial ports."""
    return [_port(one) for tag in tags for one in root.iterfind(f"devices/{tag}")]


def _port(element: etree._Element) -> Port:
    name = element.find("alias")
    alias = name.get("name", "") if name is not None else ""
    kind = element.get("type", "pty")
    where = sanitise(f"{alias or element.tag} {_where(element, kind)}")
    return Port(alias, kind, where, _tty(element))


def _tty(element: etree._Element) -> str:
    """A PC's serial port by its number; a virtio console by its place among its like."""
    target = element.find("target")
    kind, port = ("", "") if target is None else (target.get("type", ""), target.get("port", ""))
    if kind == "virtio":
        before = element.itersiblings("console", preceding=True)
        return f"hvc{len([one for one in before if one.find(_VIRTIO) is not None])}"
    return f"ttyS{port}" if kind in ("serial", "isa-serial") and port.isdigit() else ""


def _where(element: etree._Element, kind: str) -> str:
    source = element.find("source")
    at: dict[str, str] = {} if source is None else {str(k): str(v) for k, v in source.items()}
    address = ":".join(filter(None, (at.get("host", ""), at.get("service", ""))))
    match kind:
        case "file":
            return f"writes to the file {at.get('path', '?')}"
        case "tcp":
            how = "listens on" if at.get("mode") == "bind" else "connects to"
            return f"{how} TCP {address}"
        case "udp":
            return f"talks UDP with {address}"
        case "unix":
            how = "listens on" if at.get("mode") == "bind" else "connects to"
            return f"{how} the socket {at.get('path', '?')}"
        case "dev":
            return f"is the host's device {at.get('path', '?')}"
        case "pipe":
            return f"is the pipe {at.get('path', '?')}"
        case "pty" | "nmdm":
            return "is a pseudo terminal"
        case "null":
            return "is connected to nothing (null)"
        case _:
            return f"is of the type {kind}"
