"""The fields of the filter language: what they look at and which values they take."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Generic, NamedTuple

from tuivm.core import cells
from tuivm.core.rows import Row
from tuivm.core.rowtests import (
    PLAIN,
    RATE,
    SIZE,
    SPAN,
    STATES,
    Build,
    T,
    addresses,
    domain_flags,
    fact_flags,
    fact_texts,
    flags,
    numbers,
    states,
    texts,
)


class Field(NamedTuple, Generic[T]):
    """One field of the language."""

    help: str
    """What it looks at and takes, for the help screen."""
    test: Build[T]
    """Makes a test of what is written after it."""
    values: tuple[str, ...] = ()
    """Values to offer while typing."""


def _yes_no(text: str, test: Build[Row]) -> Field[Row]:
    return Field(f"{text}: yes or no", test, ("yes", "no"))


def _macs(row: Row) -> Iterable[str] | None:
    told = [address.mac for address in row.domain.addresses]
    facts = row.domain.facts
    return (told or None) if facts is None else [*facts.macs, *told]


def _uptime(row: Row) -> float | None:
    return cells.uptime(row, time.time())


FIELDS: dict[str, Field[Row]] = {
    "name": Field(
        "a part of the name; = the whole; * and ? as in a shell",
        texts(lambda row: (row.domain.name,)),
    ),
    "state": Field("one or more states, with commas", states, tuple(STATES)),
    "host": Field("the start of the host's name", texts(lambda row: (row.key.host,), start=True)),
    "ip": Field("the start of an address, or a network: 10.0.0.0/8", addresses),
    "mac": Field("a part of a MAC address", texts(_macs)),
    "uuid": Field("the start of the UUID", texts(lambda row: (row.key.uuid,), start=True)),
    "title": Field("a part of the title", fact_texts(lambda facts: (facts.title,))),
    "description": Field(
        "a part of the description", fact_texts(lambda facts: (facts.description,))
    ),
    "tag": Field("a part of a tag of the VM or of its host; = the whole", texts(lambda r: r.tags)),
    "reason": Field("a part of the state's reason", texts(lambda row: (row.domain.reason,))),
    "os": Field(
        "a part of OS type, architecture or machine",
        fact_texts(lambda facts: (facts.os_type, facts.arch, facts.machine)),
    ),
    "type": Field(
        "the hypervisor: kvm, qemu, test, ...", fact_texts(lambda facts: (facts.virt_type,))
    ),
    "path": Field("a part of a disk's path", fact_texts(lambda facts: facts.disks)),
    "cpu": Field("percent of its virtual CPUs: cpu>50", numbers(cells.cpu_key, PLAIN)),
    "mem": Field("memory in use: mem<2G", numbers(cells.memory_used, SIZE)),
    "maxmem": Field("memory given: maxmem>=8G", numbers(cells.memory_max, SIZE)),
    "vcpu": Field("virtual CPUs: vcpu>=4", numbers(cells.vcpu_key, PLAIN)),
    "disk": Field("bytes a second on disks: disk>1M", numbers(cells.disk_key, RATE)),
    "net": Field("bytes a second on the network: net>1M", numbers(cells.net_key, RATE)),
    "uptime": Field("time since it was started: uptime>1d", numbers(_uptime, SPAN)),
    "id": Field("the hypervisor's id", numbers(lambda row: row.domain.id, PLAIN)),
    "autostart": _yes_no("starts with its host", domain_flags(lambda d: d.autostart)),
    "persistent": _yes_no("has a definition", domain_flags(lambda d: d.persistent)),
    "saved": _yes_no("has a saved state", domain_flags(lambda d: d.managed_save)),
    "snapshots": _yes_no("has snapshots", domain_flags(lambda d: d.has_snapshots)),
    "checkpoints": _yes_no("has checkpoints", domain_flags(lambda d: d.has_checkpoints)),
    "agent": _yes_no("has a guest agent channel", fact_flags(lambda facts: facts.has_agent)),
    "console": _yes_no("has a serial console", fact_flags(lambda facts: bool(facts.consoles))),
    "changed": _yes_no(
        "the next power cycle changes something", domain_flags(lambda d: d.pending_config)
    ),
    "fault": _yes_no("needs a look", domain_flags(lambda d: d.faulty)),
    "stale": _yes_no("its host is out of reach", flags(lambda row: row.stale)),
}
"""Every field by its name, in the order of help."""
