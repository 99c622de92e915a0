"""Node files for libvirt's test driver."""

from __future__ import annotations

_DOMAIN = """
<domain type='test' xmlns:test='http://libvirt.org/schemas/domain/test/1.0'>
  <name>{name}</name><uuid>{uuid}</uuid><title>title of {name}</title>
  <memory unit='KiB'>1048576</memory><vcpu>2</vcpu><os><type>hvm</type></os>
  <devices>
    <interface type='network'><mac address='52:54:00:{mac}'/><source network='default'/></interface>
    <serial type='pty'/>
  </devices>
  <test:runstate>{state}</test:runstate>
</domain>"""
_NETWORK = """
<network>
  <name>default</name>
  <ip address='192.168.122.1' netmask='255.255.255.0'>
    <dhcp><range start='192.168.122.2' end='192.168.122.254'/></dhcp>
  </ip>
</network>"""
_RUNNING, _OFF = 1, 5


def uuid_of(number: int) -> str:
    """The UUID of the domain with that number."""
    return f"{number:08x}-7e57-4000-8000-{number:012x}"


def node_file(count: int, *, running: int | None = None) -> str:
    """A host with ``count`` domains ``vm-0000`` and on; the first ``running`` of them run."""
    most = count if running is None else running
    domains = (
        _DOMAIN.format(
            name=f"vm-{number:04d}",
            uuid=uuid_of(number),
            mac=f"{number >> 16 & 255:02x}:{number >> 8 & 255:02x}:{number & 255:02x}",
            state=_RUNNING if number < most else _OFF,
        )
        for number in range(count)
    )
    return f"<node>{_NETWORK}{''.join(domains)}</node>"
