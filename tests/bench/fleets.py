"""The fleets that are measured: files for the test driver, and daemons with thousands of VMs."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import libvirt

from tests.lab import daemon
from tests.lab.paths import Paths


def domain_xml(number: int, extra: str = "") -> str:
    """A domain with a disk, a network card and a serial port."""
    return f"""<domain type='test'>
  <name>vm-{number:05d}</name>
  <uuid>{uuid.UUID(int=number + 1)}</uuid>
  <memory unit='MiB'>4096</memory><vcpu>2</vcpu>
  <os><type arch='x86_64'>hvm</type></os>
  <devices>
    <disk type='file' device='disk'>
      <source file='/images/{number}.qcow2'/><target dev='vda' bus='virtio'/>
    </disk>
    <interface type='network'>
      <mac address='52:54:00:{number >> 16 & 255:02x}:{number >> 8 & 255:02x}:{number & 255:02x}'/>
      <source network='default'/>
    </interface>
    <serial type='pty'><target port='0'/></serial>
  </devices>
  {extra}
</domain>"""


def test_file(folder: Path, count: int, *, running: bool) -> str:
    """Write a fleet for libvirt's in-process test driver; gives its URI."""
    state = 1 if running else 5
    extra = (
        "<test:runstate xmlns:test='http://libvirt.org/schemas/domain/test/1.0'>"
        f"{state}</test:runstate>"
    )
    path = folder / f"fleet-{count}-{state}.xml"
    domains = "".join(domain_xml(number, extra) for number in range(count))
    path.write_text(f"<node><cpu><nodes>1</nodes></cpu>{domains}</node>")
    return f"test://{path}"


def small_xml(number: int) -> str:
    """The least that QEMU's driver takes for a domain."""
    return f"""<domain type='qemu'>
  <name>vm-{number:05d}</name>
  <uuid>{uuid.UUID(int=number + 1)}</uuid>
  <memory unit='MiB'>64</memory>
  <os><type arch='x86_64' machine='pc'>hvm</type></os>
</domain>"""


@contextmanager
def daemon_fleet(count: int) -> Iterator[tuple[str, libvirt.virConnect]]:
    """A daemon with ``count`` domains on its test driver, shared by all who connect.

    Gives its URI and a connection, which must live on: the driver's state ends with the
    last one.
    """
    with _served("test+unix:///default?socket={}", count, domain_xml) as served:
        yield served


@contextmanager
def qemu_fleet(count: int) -> Iterator[tuple[str, libvirt.virConnect]]:
    """A daemon with ``count`` defined domains of QEMU's driver: its URI and a connection."""
    with _served("qemu+unix:///system?socket={}", count, small_xml) as served:
        yield served


@contextmanager
def _served(
    uri: str, count: int, xml: Callable[[int], str]
) -> Iterator[tuple[str, libvirt.virConnect]]:
    paths = Paths("bench")
    with paths.lock():
        daemon.stop(paths)
        running = daemon.start(paths, "bench")
    try:
        uri = uri.format(running.socket)
        connection = libvirt.open(uri)
        for number in range(count):
            connection.defineXML(xml(number))
        yield uri, connection
    finally:
        daemon.stop(paths)
