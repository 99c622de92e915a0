"""The overview's disks and network cards: sizes, traffic, errors and addresses."""

from __future__ import annotations

from tuivm.core.addresses import usable
from tuivm.core.model import Address
from tuivm.core.sections import Field, Reading, count, unknown
from tuivm.core.text import bytes_text, rate_text

SOURCES = {"lease": "DHCP lease", "agent": "guest agent", "arp": "ARP table"}
"""Where an address was learnt, in words."""


def disks(reading: Reading) -> list[Field]:
    """Return each disk with its size and traffic; of a domain that is off only what it has."""
    counters, stats = reading.counters, reading.stats
    fields: list[Field] = []
    if stats and (stats.disk_read is not None or stats.disk_write is not None):
        fields.append(
            Field("All disks", _flow("read", stats.disk_read, "written", stats.disk_write))
        )
    prefixes = counters.members("block")
    names = [counters.text(prefix + "name") for prefix in prefixes]
    for prefix, name in zip(prefixes, names, strict=True):
        fields += _disk(reading, prefix, names.count(name) > 1)
    if not prefixes:
        fields += _devices(reading, "disk") or _listed(reading)
    return fields + [Field(name, count(value)) for name, value in counters.rest("block.")]


def _disk(reading: Reading, prefix: str, layered: bool) -> list[Field]:
    counters = reading.counters
    path = counters.text(prefix + "path")
    layer = counters.text(prefix + "backingIndex")
    name = counters.text(prefix + "name") or prefix.split(".")[1]
    if layered and layer not in ("", "0"):
        name = f"{name}[{layer}]"
    fields = [Field(name, path or "no medium", "" if path else "dim", head=True)]
    size = _size(reading, prefix)
    if size:
        fields.append(Field("size", size))
    for side, label in (("rd", "read"), ("wr", "written")):
        total = counters.number(f"{prefix}{side}.bytes")
        if total is not None:
            fields.append(Field(label, _amount(reading.rate(f"{prefix}{side}.bytes"), total)))
    fields += _requests(reading, prefix)
    errors = counters.number(prefix + "errors")
    if errors:
        fields.append(Field("errors", count(errors), "bad"))
    threshold = counters.number(prefix + "threshold")
    if threshold:
        fields.append(Field("warns above", bytes_text(threshold)))
    rest = counters.rest(prefix)
    return fields + [Field(key.removeprefix(prefix), count(value)) for key, value in rest]


def _amount(rate: float | None, total: float) -> str:
    """Tell a flow: how fast now, where that is known, and how much in all."""
    now = "" if rate is None else f"{rate_text(rate)} · "
    return f"{now}{bytes_text(total)} in all"


def _requests(reading: Reading, prefix: str) -> list[Field]:
    """Tell how many requests a disk served and how long one of them took on average."""
    counters = reading.counters
    numbers, times = [], []
    for side, word in (("rd", "read"), ("wr", "write"), ("fl", "flush")):
        served = counters.number(f"{prefix}{side}.reqs")
        took = counters.number(f"{prefix}{side}.times")
        if served is not None:
            numbers.append(f"{count(served)} {word}")
        if took is not None and served:
            times.append(f"{_milliseconds(took / served)} {word}")
    fields = []
    if numbers:
        fields.append(Field("requests", " · ".join(numbers)))
    if times:
        fields.append(Field("each took", " · ".join(times)))
    return fields


def _milliseconds(nanoseconds: float) -> str:
    milliseconds = nanoseconds / 1e6
    return f"{milliseconds:.1f} ms" if milliseconds < 1000 else f"{milliseconds / 1000:.1f} s"


def _size(reading: Reading, prefix: str) -> str:
    counters = reading.counters
    capacity = counters.number(prefix + "capacity")
    allocation = counters.number(prefix + "allocation")
    physical = counters.number(prefix + "physical")
    parts = []
    if capacity is not None:
        parts.append(bytes_text(capacity))
    if allocation is not None:
        parts.append(f"{bytes_text(allocation)} filled")
    host = bytes_text(physical)
    if physical is not None and (allocation is None or host != bytes_text(allocation)):
        parts.append(f"{host} on host")
    return " · ".join(parts)


def _devices(reading: Reading, kind: str) -> list[Field]:
    if reading.details is None:
        return []
    return [
        Field(device.title, device.summary, head=True)
        for device in reading.details.devices
        if device.kind == kind
    ]


def _summary(reading: Reading, kind: str, name: str) -> str:
    """Return what a device is, found by a name that one of its fields holds."""
    for device in reading.details.devices if reading.details else ():
        if device.kind == kind and any(name in value.split() for _, value in device.fields):
            return device.summary
    return ""


def _listed(reading: Reading) -> list[Field]:
    """Tell what the XML alone says of disks, before or without more."""
    facts = reading.domain.facts
    if facts and facts.disks:
        return [Field("Disk", path) for path in facts.disks]
    if reading.details is not None or facts is not None:
        return [Field("Disks", "none", "dim")]
    return [unknown("Disks", reading.known.waiting)]


def network(reading: Reading) -> list[Field]:
    """Return the addresses with their source, then each card with its traffic."""
    counters, stats = reading.counters, reading.stats
    fields = _addresses(reading)
    if stats and (stats.net_rx is not None or stats.net_tx is not None):
        fields.append(Field("All cards", _flow("in", stats.net_rx, "out", stats.net_tx)))
    prefixes = counters.members("net")
    for prefix in prefixes:
        name = counters.text(prefix + "name") or prefix.split(".")[1]
        fields.append(Field(name, _summary(reading, "interface", name), head=True))
        for side, label in (("rx", "received"), ("tx", "sent")):
            fields += _card(reading, f"{prefix}{side}.", label)
        rest = counters.rest(prefix)
        fields += [Field(key.removeprefix(prefix), count(value)) for key, value in rest]
    if not prefixes:
        fields += _devices(reading, "interface") or _cards(reading)
    return fields + [Field(name, count(value)) for name, value in counters.rest("net.")]


def _addresses(reading: Reading) -> list[Field]:
    domain = reading.domain
    if domain.addresses:
        several = len({address.mac for address in domain.addresses}) > 1
        return [
            Field("Address", f"{address.ip}  {_source(address)}{several * f', {address.mac}'}")
            for address in usable(domain.addresses)
        ]
    if not domain.state.active:
        return []
    told = reading.details.no_address if reading.details else ""
    return [unknown("Address", told or "no DHCP lease, guest agent or ARP entry tells")]


def _source(address: Address) -> str:
    return SOURCES.get(address.source, address.source)


def _card(reading: Reading, prefix: str, label: str) -> list[Field]:
    counters = reading.counters
    total, packets = counters.number(prefix + "bytes"), counters.number(prefix + "pkts")
    errors, drops = counters.number(prefix + "errs"), counters.number(prefix + "drop")
    fields = []
    if total is not None:
        fields.append(Field(label, _amount(reading.rate(prefix + "bytes"), total)))
    if packets is not None:
        fields.append(Field("" if fields else label, f"{count(packets)} packets"))
    if (errors, drops) != (0, 0) and (fields or errors or drops):
        role = "bad" if errors else "warn" if drops else "dim"
        fields.append(Field("", _lost(errors, drops), role))
    return fields


def _lost(errors: float | None, drops: float | None) -> str:
    if errors is None and drops is None:
        return "errors and drops unknown"
    failed = "errors unknown" if errors is None else f"{count(errors)} errors"
    return f"{failed} · {'drops unknown' if drops is None else f'{count(drops)} dropped'}"


def _cards(reading: Reading) -> list[Field]:
    facts = reading.domain.facts
    if facts and facts.macs:
        return [Field("Card", mac) for mac in facts.macs]
    if reading.details is not None or facts is not None:
        return [Field("Cards", "none", "dim")]
    return [unknown("Cards", reading.known.waiting)]


def _flow(one: str, first: float | None, other: str, second: float | None) -> str:
    parts = []
    for word, value in ((one, first), (other, second)):
        parts.append(f"{word} {'unknown' if value is None else rate_text(value)}")
    return " · ".join(parts)
