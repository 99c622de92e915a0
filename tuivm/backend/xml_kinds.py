"""How each kind of device is told to people: its title, its line, and the names of its parts."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from lxml import etree

from tuivm.backend.xml_parse import source_path, value_at

Describe = Callable[[etree._Element], str]


class Kind(NamedTuple):
    """One kind of device; every path is as ``xml_parse.value_at`` takes it."""

    title: Describe
    summary: Describe
    labels: tuple[tuple[str, str], ...] = ()
    """Label and path of the parts that have a name; the others are shown under their own."""


def _named(word: str, *paths: str) -> Describe:
    """A title: a word, and what tells this device from others of its kind."""

    def title(element: etree._Element) -> str:
        return " ".join(filter(None, (word, *(value_at(element, path) for path in paths))))

    return title


def _line(*paths: str) -> Describe:
    """A summary: the values at the paths that there are."""

    def summary(element: etree._Element) -> str:
        return ", ".join(filter(None, (value_at(element, path) for path in paths)))

    return summary


def _disk_title(element: etree._Element) -> str:
    words = {"cdrom": "CD-ROM", "floppy": "Floppy", "lun": "LUN"}
    word = words.get(element.get("device", "disk"), "Disk")
    return f"{word} {value_at(element, 'target/@dev')}".strip()


def _disk_line(element: etree._Element) -> str:
    path = source_path(element.find("source"))
    parts = [path or "empty", value_at(element, "driver/@type"), value_at(element, "target/@bus")]
    if element.find("readonly") is not None:
        parts.append("read-only")
    if element.find("shareable") is not None:
        parts.append("shared")
    return ", ".join(filter(None, parts))


def _interface_line(element: etree._Element) -> str:
    kind = element.get("type", "")
    source = next(
        filter(
            None,
            (value_at(element, f"source/@{name}") for name in ("network", "bridge", "dev", "path")),
        ),
        "",
    )
    words = {"direct": "macvtap", "user": "user mode", "vhostuser": "vhost-user"}
    parts = [f"{words.get(kind, kind)} {source}".strip(), value_at(element, "model/@type")]
    if value_at(element, "link/@state") == "down":
        parts.append("link down")
    return ", ".join(filter(None, parts))


def _character_line(element: etree._Element) -> str:
    """Where a serial port, console or channel leads."""
    kind = element.get("type", "")
    where = "" if element.tag == "channel" else value_at(element, "source/@path")
    if host := value_at(element, "source/@host"):
        where = f"{host}:{value_at(element, 'source/@service')}"
    state = value_at(element, "target/@state")
    return ", ".join(filter(None, (kind, where, state)))


def _graphics_line(element: etree._Element) -> str:
    port = element.get("port", "")
    listen = value_at(element, "listen/@address") or value_at(element, "@listen")
    if port in ("", "-1"):
        place = "port chosen at start" if element.get("autoport") == "yes" else ""
    else:
        place = f"{listen or 'port'}:{value_at(element, '@port')}"
    return ", ".join(filter(None, (place, value_at(element, "listen/@socket"))))


def _hostdev_line(element: etree._Element) -> str:
    address = element.find("source/address")
    vendor, product = (
        value_at(element, "source/vendor/@id"),
        value_at(element, "source/product/@id"),
    )
    parts = [f"{vendor}:{product}" if vendor else ""]
    if address is not None:
        parts.append(address_text(address, element.get("type", "")))
    parts += [value_at(element, "source/adapter/@name"), value_at(element, "driver/@name")]
    return ", ".join(filter(None, parts))


def _controller_title(element: etree._Element) -> str:
    kind = value_at(element, "@type")
    word = kind.upper() if kind in ("usb", "pci", "ide", "sata", "scsi", "fdc") else kind
    return f"{word} controller {value_at(element, '@index')}".strip()


def _memory_line(element: etree._Element) -> str:
    size = value_at(element, "target/size")
    unit = value_at(element, "target/size/@unit") or "KiB"
    return f"{size} {unit}" if size else ""


def address_text(address: etree._Element, kind: str = "") -> str:
    """A device's place, as people write it: ``PCI 0000:00:02.0``; hexadecimal for PCI."""
    kind = address.get("type", "") or kind

    def at(name: str) -> str:
        return value_at(address, f"@{name}").removeprefix("0x")

    if kind == "pci":
        place = f"{at('domain') or '0000'}:{at('bus')}:{at('slot')}.{at('function')}"
        return f"PCI {place}"
    if kind == "usb":
        if at("device"):
            return f"USB bus {at('bus')} device {at('device')}"
        return f"USB bus {at('bus')} port {at('port')}"
    if kind == "ccw":
        return f"CCW {at('cssid')}.{at('ssid')}.{at('devno')}"
    names = (str(name) for name in address.attrib if name != "type")
    places = " ".join(f"{name} {value_at(address, f'@{name}')}" for name in names)
    return f"{kind} {places}".strip()


_DRIVER = (
    ("Cache mode", "driver/@cache"),
    ("I/O mode", "driver/@io"),
    ("Discard (TRIM)", "driver/@discard"),
    ("I/O thread", "driver/@iothread"),
    ("Queues", "driver/@queues"),
)
_CHARACTER = (
    ("Kind", "@type"),
    ("Path", "source/@path"),
    ("Mode", "source/@mode"),
    ("Host", "source/@host"),
    ("Service", "source/@service"),
    ("Terminal", "@tty"),
    ("Port", "target/@port"),
    ("Target", "target/@type"),
    ("Name in the guest", "target/@name"),
    ("State", "target/@state"),
    ("Model", "target/model/@name"),
    ("Log file", "log/@file"),
)

KINDS: dict[str, Kind] = {
    "disk": Kind(
        _disk_title,
        _disk_line,
        (
            ("Kind", "@device"),
            ("Device", "target/@dev"),
            ("Bus", "target/@bus"),
            ("File", "source/@file"),
            ("Block device", "source/@dev"),
            ("Folder", "source/@dir"),
            ("Pool", "source/@pool"),
            ("Volume", "source/@volume"),
            ("Protocol", "source/@protocol"),
            ("Image", "source/@name"),
            ("Server", "source/host/@name"),
            ("Format", "driver/@type"),
            *_DRIVER,
            ("Read-only", "readonly"),
            ("Shared", "shareable"),
            ("Boot order", "boot/@order"),
            ("Serial", "serial"),
            ("WWN", "wwn"),
            ("Reads, B/s at most", "iotune/read_bytes_sec"),
            ("Writes, B/s at most", "iotune/write_bytes_sec"),
            ("B/s at most", "iotune/total_bytes_sec"),
            ("IOPS at most", "iotune/total_iops_sec"),
            ("Backing file", "backingStore/source/@file"),
            ("Backing format", "backingStore/format/@type"),
            ("Tray", "target/@tray"),
        ),
    ),
    "interface": Kind(
        _named("Network card", "mac/@address"),
        _interface_line,
        (
            ("Kind", "@type"),
            ("Network", "source/@network"),
            ("Port group", "source/@portgroup"),
            ("Bridge", "source/@bridge"),
            ("Host device", "source/@dev"),
            ("Mode", "source/@mode"),
            ("MAC address", "mac/@address"),
            ("Model", "model/@type"),
            ("Host side", "target/@dev"),
            ("Link", "link/@state"),
            ("MTU", "mtu/@size"),
            ("VLAN", "vlan/tag/@id"),
            ("Filter", "filterref/@filter"),
            ("Boot order", "boot/@order"),
            ("Inbound, KiB/s", "bandwidth/inbound/@average"),
            ("Outbound, KiB/s", "bandwidth/outbound/@average"),
            *_DRIVER,
        ),
    ),
    "filesystem": Kind(
        _named("Shared folder", "target/@dir"),
        _line("source/@dir", "driver/@type"),
        (
            ("Folder on the host", "source/@dir"),
            ("Tag in the guest", "target/@dir"),
            ("Driver", "driver/@type"),
            ("Access", "@accessmode"),
            ("Read-only", "readonly"),
        ),
    ),
    "graphics": Kind(
        lambda element: f"Screen ({value_at(element, '@type').upper()})",
        _graphics_line,
        (
            ("Kind", "@type"),
            ("Port", "@port"),
            ("TLS port", "@tlsPort"),
            ("Listens on", "listen/@address"),
            ("Socket", "listen/@socket"),
            ("Port chosen at start", "@autoport"),
            ("Password valid until", "@passwdValidTo"),
            ("Keyboard", "@keymap"),
        ),
    ),
    "video": Kind(
        _named("Video card", "model/@type"),
        _line("resolution/@x"),
        (
            ("Model", "model/@type"),
            ("Video memory, KiB", "model/@vram"),
            ("Screens", "model/@heads"),
            ("Primary", "model/@primary"),
            ("3D acceleration", "model/acceleration/@accel3d"),
        ),
    ),
    "serial": Kind(_named("Serial port", "target/@port"), _character_line, _CHARACTER),
    "parallel": Kind(_named("Parallel port", "target/@port"), _character_line, _CHARACTER),
    "console": Kind(_named("Console", "target/@type", "target/@port"), _character_line, _CHARACTER),
    "channel": Kind(
        lambda element: (
            "Guest agent channel"
            if value_at(element, "target/@name").startswith("org.qemu.guest_agent")
            else f"Channel {value_at(element, 'target/@name') or value_at(element, '@type')}"
        ),
        _character_line,
        _CHARACTER,
    ),
    "hostdev": Kind(
        lambda element: f"Host device ({value_at(element, '@type') or 'any'})",
        _hostdev_line,
        (
            ("Kind", "@type"),
            ("Managed by libvirt", "@managed"),
            ("Vendor", "source/vendor/@id"),
            ("Product", "source/product/@id"),
            ("Driver", "driver/@name"),
            ("Boot order", "boot/@order"),
        ),
    ),
    "redirdev": Kind(_named("USB redirection", "@bus"), _line("@type", "source/@path")),
    "redirfilter": Kind(_named("USB redirection filter"), _line()),
    "smartcard": Kind(_named("Smart card reader"), _line("@mode", "@type", "database")),
    "input": Kind(
        lambda element: {
            "mouse": "Mouse",
            "keyboard": "Keyboard",
            "tablet": "Tablet (absolute pointer)",
            "passthrough": "Host input device",
            "evdev": "Host input device",
        }.get(element.get("type", ""), f"Input {value_at(element, '@type')}"),
        _line("@bus", "@model", "source/@evdev", "source/@dev"),
        (("Kind", "@type"), ("Bus", "@bus")),
    ),
    "hub": Kind(_named("USB hub"), _line("@type")),
    "sound": Kind(_named("Sound card", "@model"), _line("codec/@type"), (("Model", "@model"),)),
    "audio": Kind(
        _named("Audio output", "@id"),
        _line("@type"),
        (("Number", "@id"), ("Goes to", "@type")),
    ),
    "watchdog": Kind(
        _named("Watchdog", "@model"),
        lambda element: f"then {value_at(element, '@action') or 'reset'}",
        (("Model", "@model"), ("When it fires", "@action")),
    ),
    "memballoon": Kind(
        lambda element: "No memory balloon" if element.get("model") == "none" else "Memory balloon",
        _line("@model"),
        (
            ("Model", "@model"),
            ("Figures every, s", "stats/@period"),
            ("Shrinks before the guest runs out", "@autodeflate"),
            ("Reports free pages", "@freePageReporting"),
        ),
    ),
    "rng": Kind(
        _named("Random numbers"),
        _line("@model", "backend"),
        (
            ("Model", "@model"),
            ("Source", "backend"),
            ("Kind of source", "backend/@model"),
            ("Bytes at most", "rate/@bytes"),
            ("Period, ms", "rate/@period"),
        ),
    ),
    "tpm": Kind(
        _named("TPM", "@model"),
        lambda element: " ".join(
            filter(
                None, (value_at(element, "backend/@type"), value_at(element, "backend/@version"))
            )
        ),
        (
            ("Model", "@model"),
            ("Kind", "backend/@type"),
            ("Version", "backend/@version"),
            ("Host device", "backend/device/@path"),
            ("State kept after undefine", "backend/@persistent_state"),
        ),
    ),
    "nvram": Kind(_named("NVRAM device"), _line()),
    "panic": Kind(_named("Panic notifier"), _line("@model"), (("Model", "@model"),)),
    "shmem": Kind(
        _named("Shared memory", "@name"),
        _line("model/@type", "size"),
        (("Model", "model/@type"), ("Size", "size"), ("Server", "server/@path")),
    ),
    "memory": Kind(
        _named("Memory module", "@model"),
        _memory_line,
        (("Model", "@model"), ("NUMA node", "target/node"), ("Size", "target/size")),
    ),
    "iommu": Kind(_named("IOMMU", "@model"), _line()),
    "vsock": Kind(
        _named("Host socket (vsock)"),
        lambda element: f"CID {value_at(element, 'cid/@address') or 'chosen at start'}",
        (("CID", "cid/@address"), ("CID chosen at start", "cid/@auto"), ("Model", "@model")),
    ),
    "crypto": Kind(_named("Crypto device"), _line("@model", "backend/@model")),
    "pstore": Kind(_named("Crash storage"), _line("path", "size")),
    "lease": Kind(_named("Lock", "key"), _line("lockspace", "target/@path")),
    "controller": Kind(
        _controller_title,
        _line("@model"),
        (("Kind", "@type"), ("Number", "@index"), ("Model", "@model"), ("Ports", "@ports")),
    ),
    "emulator": Kind(
        _named("Emulator"), lambda element: value_at(element, ""), (("Program", "text"),)
    ),
}
"""Every kind that libvirt's domain format knows; others get their element's own words."""

ORDER = (
    "disk",
    "interface",
    "filesystem",
    "graphics",
    "video",
    "serial",
    "console",
    "parallel",
    "channel",
    "hostdev",
    "redirdev",
    "input",
    "sound",
    "audio",
    "tpm",
    "watchdog",
    "rng",
    "memballoon",
    "memory",
)
"""What people look for first; other kinds follow in the order of the XML, plumbing last."""
LAST = ("controller", "emulator")
