"""Asks a connection what its host can run: emulators, networks, pools, memory.

On a host's own threads: every call may wait for the daemon.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

import libvirt

from tuivm.backend import errors
from tuivm.backend.connection import Target, split_uri
from tuivm.backend.optional import each, or_none
from tuivm.backend.probe import read_host
from tuivm.backend.service_facts import sockets
from tuivm.backend.xml_parse import parse
from tuivm.core.errors import TuivmError
from tuivm.core.hostfacts import ConnectionFacts, EmulatorFact, NetworkFact, PoolFact
from tuivm.core.text import sanitise

T = TypeVar("T")
LATE = "emulators: the daemon still examines QEMU; see /dev/kvm where it does that for minutes"


def outside(uri: str, error: TuivmError | None = None) -> ConnectionFacts:
    """What is seen of a connection without opening it; touches no libvirt."""
    target = Target(uri)
    session = split_uri(uri).path == "/session"
    return ConnectionFacts(sanitise(uri, 200), target.local, session, sockets(uri), error)


def inside(
    conn: libvirt.virConnect,
    facts: ConnectionFacts,
    seconds: float | None,
    early: Callable[[ConnectionFacts], None] = lambda facts: None,
) -> ConnectionFacts:
    """Add what the host tells; what it does not tell stays unknown, with the reason.

    ``early`` gets all but emulators and versions: for those the daemon examines QEMU, which
    takes it minutes where QEMU may not use ``/dev/kvm``.
    """
    unread: list[str] = []
    read = _Reader(unread)
    memory = read("free memory", lambda: _memory(conn))
    networks = None if facts.session else read("networks", lambda: _networks(conn))
    facts = replace(
        facts,
        driver=str(conn.getType() or ""),
        seconds=seconds,
        free_memory=memory,
        networks=networks,
        pools=read("storage pools", lambda: _pools(conn)),
    )
    early(replace(facts, unread=(*unread, LATE)))
    arch, emulators, iommu = read("emulators", lambda: _capabilities(conn)) or ("", None, None)
    host = read_host(conn)
    return replace(
        facts,
        hypervisor=host["hypervisor"],
        libvirt=host["libvirt"],
        arch=arch,
        emulators=emulators,
        iommu=iommu,
        unread=tuple(unread),
    )


class _Reader:
    """Asks questions; a driver without an answer is no failure, another reason is noted."""

    def __init__(self, unread: list[str]) -> None:
        self._unread = unread

    def __call__(self, what: str, question: Callable[[], T]) -> T | None:
        try:
            return question()
        except libvirt.libvirtError as error:
            if errors.broken(error):
                raise
            if not errors.is_unsupported(error):
                self._unread.append(f"{what}: {errors.plain(str(error))}")
        except TuivmError as error:
            self._unread.append(f"{what}: {error.message}")
        return None


def _capabilities(
    conn: libvirt.virConnect,
) -> tuple[str, tuple[EmulatorFact, ...], bool | None]:
    root = parse(conn.getCapabilities())
    emulators = []
    for arch in root.iterfind("guest/arch"):
        types = tuple(
            sanitise(str(domain.get("type", "")), 20) for domain in arch.iterfind("domain")
        )
        name = sanitise(str(arch.get("name", "")), 20)
        path = sanitise((arch.findtext("emulator") or "").strip(), 200)
        emulators.append(EmulatorFact(name, path, types))
    own = sanitise((root.findtext("host/cpu/arch") or "").strip(), 20)
    iommu = root.find("host/iommu")
    # The host's own architecture first: it is the one that can be fast.
    emulators.sort(key=lambda one: one.arch != own)
    return own, tuple(emulators), None if iommu is None else iommu.get("support") == "yes"


def _memory(conn: libvirt.virConnect) -> int:
    """Bytes that VMs can have: what is free, and what the kernel keeps as a cache."""
    told = conn.getMemoryStats(libvirt.VIR_NODE_MEMORY_STATS_ALL_CELLS)
    return sum(int(told.get(name, 0)) for name in ("free", "buffers", "cached")) << 10


def _networks(conn: libvirt.virConnect) -> tuple[NetworkFact, ...]:
    return tuple(each(conn.listAllNetworks(0), _network))


def _network(net: libvirt.virNetwork) -> NetworkFact:
    bridge = sanitise(or_none(net.bridgeName) or "", 40)
    return NetworkFact(
        sanitise(net.name(), 80), bool(net.isActive()), bool(net.autostart()), bridge
    )


def _pools(conn: libvirt.virConnect) -> tuple[PoolFact, ...]:
    return tuple(each(conn.listAllStoragePools(0), _pool))


def _pool(pool: libvirt.virStoragePool) -> PoolFact:
    active = bool(pool.isActive())
    capacity, free = _room(pool) if active else (None, None)
    return PoolFact(sanitise(pool.name(), 80), active, bool(pool.autostart()), capacity, free)


def _room(pool: libvirt.virStoragePool) -> tuple[int, int]:
    """A pool's capacity and what is free of it, in bytes."""
    _state, capacity, _allocation, available = pool.info()
    # Unsigned in libvirt: it wraps where the volumes take more than the pool has.
    return capacity, available if available <= capacity else 0
