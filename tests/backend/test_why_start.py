"""A failed start is explained though single facts of the host cannot be had meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import libvirt
import pytest

from tuivm.backend.connection_facts import inside, outside
from tuivm.backend.explain import Question, explain
from tuivm.core.causes import Cause
from tuivm.core.errors import TuivmError

DOMAIN = """<domain type='test'><name>off</name><memory>65536</memory>
<os><type arch='i686'>hvm</type></os><devices>
<disk type='file' device='disk'><source file='/images/a.qcow2'/><target dev='vda'/></disk>
<interface type='network'><source network='default'/></interface>
</devices></domain>"""
POOL = "<pool type='dir'><name>{name}</name><target><path>/{name}</path></target></pool>"
NETWORK = "<network><name>{name}</name><bridge name='{name}'/></network>"
NO_IMAGE = "Cannot access storage file '/images/a.qcow2': No such file or directory"
DENIED = "Could not open '/images/a.qcow2': Permission denied"
NO_NETWORK = "Network not found: no network with matching name 'default'"
NO_BRIDGE = "Cannot get interface MTU on 'images': No such device"
NO_EMULATOR = "Cannot check QEMU binary /usr/bin/qemu-old: No such file or directory"
NO_MEMORY = "cannot set up guest memory 'pc.ram': Cannot allocate memory"


@pytest.fixture
def conn(tmp_path: Path) -> Iterator[libvirt.virConnect]:
    """A private host with an inactive domain, and some pools and networks."""
    file = tmp_path / "host.xml"
    file.write_text("<node/>")
    conn = libvirt.open(f"test://{file}")
    conn.defineXML(DOMAIN)
    for name in ("images", "gone"):
        conn.storagePoolDefineXML(POOL.format(name=name))
        conn.networkDefineXML(NETWORK.format(name=name))
        conn.networkLookupByName(name).create()
    yield conn
    conn.close()


class Meddled:
    """A connection where a call fails, or what a list gives is gone right after it."""

    def __init__(self, conn: libvirt.virConnect, call: str, meddle: Callable[..., Any]) -> None:
        self._conn, self._call, self._meddle = conn, call, meddle

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._conn, name)
        if name != self._call:
            return real
        return lambda *args: self._meddle(real, *args)


def refuse(real: Callable[..., Any], *args: object) -> Any:
    raise libvirt.libvirtError("this function is not supported by the connection driver")


def lose(real: Callable[..., list[Any]], *args: object) -> list[Any]:
    found = real(*args)
    for one in found:
        if one.name() == "gone":
            one.undefine()
    return found


def why(conn: Any, text: str) -> Cause:
    """The first cause of a start that failed with ``text``."""
    uuid = conn.lookupByName("off").UUIDString()
    error = TuivmError("Cannot start off", text, raw=text, call="virDomainCreate")
    return explain(conn, Question(uuid, "qemu+ssh://far/system", error))[0]


@pytest.mark.parametrize(
    ("text", "cause", "cure", "call", "meddle"),
    [
        (NO_IMAGE, "image-missing", "pool-start", "listAllStoragePools", lose),
        (NO_IMAGE, "image-missing", "", "listAllStoragePools", refuse),
        (DENIED, "image-denied", "", "listAllStoragePools", refuse),
        (DENIED, "image-denied", "", "getCapabilities", refuse),
        (NO_NETWORK, "network-missing", "net-start", "listAllNetworks", refuse),
        (NO_BRIDGE, "bridge-missing", "", "listAllNetworks", refuse),
        (NO_EMULATOR, "emulator-missing", "", "getCapabilities", refuse),
        (NO_MEMORY, "memory-short", "", "getMemoryStats", refuse),
    ],
)
def test_the_cause_is_found_though_a_fact_is_not(
    conn: libvirt.virConnect, text: str, cause: str, cure: str, call: str, meddle: Any
) -> None:
    found = why(Meddled(conn, call, meddle), text)
    assert found.id == cause
    assert found.cures
    assert not cure or cure in [one.verb for one in found.cures]


def test_memory_that_the_host_does_not_tell_is_not_none(conn: libvirt.virConnect) -> None:
    found = why(Meddled(conn, "getMemoryStats", refuse), NO_MEMORY)
    assert "0 B" not in found.evidence
    assert "unknown" in found.evidence


def test_a_host_is_checked_though_a_pool_goes_away(conn: libvirt.virConnect) -> None:
    facts = outside("test:///default")
    losing = Meddled(conn, "listAllStoragePools", lose)
    told = inside(losing, facts, None)
    assert told.unread == ()
    assert {pool.name for pool in told.pools or ()} == {"images"}
