"""The embedded fleet's machines, networks and pools, as a node file for libvirt's test driver."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal
from xml.sax.saxutils import escape, quoteattr

GIB = 1024**3
_DAY = 86_400.0

Begin = Literal["running", "paused", "io-error", "off", "crashed", "saved", "asleep"]


@dataclass(frozen=True, slots=True)
class Machine:
    """One simulated machine: what its XML says, and how it behaves."""

    number: int
    """Makes its UUID, MAC and address."""
    name: str
    begin: Begin
    title: str = ""
    description: str = ""
    os: Literal["debian", "alpine", "fedora", "windows", "none"] = "debian"
    vcpus: int = 2
    memory: int = 4 * GIB
    disks: tuple[tuple[str, int], ...] = (("root", 20),)
    """Name and size in GiB of each volume in the pool."""
    network: str = "default"
    serial: bool = True
    agent: bool = True
    transient: bool = False
    autostart: bool = False
    snapshots: tuple[tuple[str, str], ...] = ()
    """Name and description, oldest first."""
    uptime: float = 3 * _DAY
    """Seconds that it has been up when the demo begins."""
    load: float = 8.0
    """Mean CPU use in percent."""
    memory_share: float = 0.4
    disk_rate: float = 200_000.0
    """Mean bytes a second, written; reads are about as many."""
    net_rate: float = 50_000.0

    @property
    def uuid(self) -> str:
        """The same in every run, so that what people script against the demo keeps working."""
        return f"de300000-7e57-4d00-8000-{self.number:012x}"

    @property
    def mac(self) -> str:
        """Its card's address, from QEMU's prefix."""
        return f"52:54:00:de:30:{self.number:02x}"

    @property
    def ip(self) -> str:
        """Its address, of the range that is set aside for documentation."""
        return f"{'192.0.2' if self.network == 'default' else '198.51.100'}.{self.number + 10}"

    @property
    def hostname(self) -> str:
        """What the guest calls itself: a plain name even where the machine's is not."""
        kept = re.sub(r"[^A-Za-z0-9]+", "-", self.name).lower()[:32]
        return kept.strip("-") or "guest"


MACHINES: tuple[Machine, ...] = (
    Machine(
        1,
        "web-01",
        "running",
        "Shop front end",
        "nginx and the shop's node processes.\nBehind the load balancer; reboot one at a time.",
        vcpus=4,
        autostart=True,
        uptime=3.2 * _DAY,
        load=42.0,
        net_rate=812_000.0,
    ),
    Machine(
        2,
        "web-02",
        "running",
        "Shop front end",
        vcpus=4,
        autostart=True,
        uptime=3.1 * _DAY,
        load=37.0,
        net_rate=690_000.0,
    ),
    Machine(
        3,
        "db-01",
        "running",
        "PostgreSQL, primary",
        "Nightly dump at 02:15. Ask before reverting a snapshot.",
        vcpus=8,
        memory=16 * GIB,
        disks=(("root", 20), ("data", 400), ("wal", 40)),
        network="storage",
        autostart=True,
        snapshots=(
            ("before-16.4", "before the minor upgrade"),
            ("tuned", "shared_buffers and autovacuum set, all tests passed"),
        ),
        uptime=41.5 * _DAY,
        load=23.0,
        memory_share=0.72,
        disk_rate=3_100_000.0,
        net_rate=240_000.0,
    ),
    Machine(
        4,
        "db-02",
        "io-error",
        "PostgreSQL, replica",
        "Its pool ran out of space: enlarge it, then resume.",
        vcpus=8,
        memory=16 * GIB,
        disks=(("root", 20), ("data", 400)),
        network="storage",
        uptime=12.0 * _DAY,
        memory_share=0.7,
    ),
    Machine(
        5,
        "cache-01",
        "running",
        "Redis",
        os="alpine",
        vcpus=2,
        memory=2 * GIB,
        transient=True,
        uptime=5.0 * 3600,
        load=4.0,
        memory_share=0.86,
        net_rate=430_000.0,
    ),
    Machine(
        6,
        "mail",
        "running",
        "Mail: postfix, dovecot, rspamd, and the archive nobody dares to delete since 2009",
        memory=8 * GIB,
        disks=(("root", 20), ("spool", 200)),
        autostart=True,
        uptime=187.0 * _DAY,
        load=6.0,
        memory_share=0.55,
    ),
    Machine(
        7, "build-7", "off", "CI worker, started on demand", os="fedora", vcpus=16, memory=32 * GIB
    ),
    Machine(
        8,
        "ci-runner-3",
        "paused",
        "CI worker",
        os="fedora",
        vcpus=8,
        memory=16 * GIB,
        uptime=2.0 * 3600,
    ),
    Machine(
        9,
        "win11-desk",
        "running",
        "Windows 11, accounting",
        "No serial console: its screen is the only way in.",
        os="windows",
        vcpus=4,
        memory=8 * GIB,
        disks=(("c", 120),),
        serial=False,
        agent=False,
        uptime=9.0 * 3600,
        load=15.0,
    ),
    Machine(
        10, "legacy-erp", "crashed", "The old ERP; kernel panic now and then", memory=GIB, vcpus=1
    ),
    Machine(
        11,
        "lab-router",
        "saved",
        "OpenWrt, memory saved to disk",
        os="alpine",
        vcpus=1,
        memory=GIB // 2,
        network="storage",
    ),
    Machine(
        12,
        "thin-client",
        "asleep",
        "Suspended itself to RAM",
        vcpus=2,
        memory=2 * GIB,
        uptime=6.0 * 3600,
    ),
    Machine(
        13,
        "größter-日本語サーバー-с-длинным-именем-und-einem-ziemlich-langen-Rest-0001",  # noqa: RUF001
        "running",
        "Ünïcödé, wide 漢字 and a very long name",
        memory=GIB,
        vcpus=1,
        uptime=70.0,
        load=2.0,
    ),
    Machine(
        14,
        "[red]not markup",
        "off",
        "a[/b] title that reads \u202edrawkcab\u202c, with $(rm -rf ~) and %s in it",
        "Names are data: none of this is ever interpreted.",
        os="none",
        vcpus=1,
        memory=GIB // 4,
    ),
)
"""The demo's machines in the order of their numbers."""

BY_UUID: dict[str, Machine] = {machine.uuid: machine for machine in MACHINES}
"""The demo's machines by UUID."""

# virDomainState; the states that the test driver can begin with and that no call reaches.
_RUN_STATES = {"running": 1, "paused": 1, "io-error": 3, "off": 5, "crashed": 6, "asleep": 7}


def node_xml() -> str:
    """Write the node file that ``test:///path`` opens."""
    domains = "\n".join(domain_xml(machine) for machine in MACHINES)
    volumes = "\n".join(
        f"<volume type='file'><name>{_volume(machine, disk)}</name>"
        f"<capacity unit='GiB'>{size}</capacity><allocation unit='GiB'>{size // 3}</allocation>"
        f"<target><path>/var/lib/libvirt/images/{_volume(machine, disk)}</path>"
        "<format type='qcow2'/></target></volume>"
        for machine in MACHINES
        for disk, size in machine.disks
    )
    return f"""<node>
<cpu><model>EPYC</model><mhz>2600</mhz><active>32</active>
<nodes>1</nodes><sockets>1</sockets><cores>16</cores><threads>2</threads></cpu>
<memory>134217728</memory>
{domains}
<network><name>default</name><uuid>de300000-7e57-4d00-9000-000000000001</uuid>
<forward mode='nat'/><bridge name='virbr0'/><ip address='192.0.2.1' netmask='255.255.255.0'>
<dhcp><range start='192.0.2.10' end='192.0.2.250'/></dhcp></ip></network>
<network><name>storage</name><uuid>de300000-7e57-4d00-9000-000000000002</uuid>
<bridge name='virbr1'/><ip address='198.51.100.1' netmask='255.255.255.0'/></network>
<pool type='dir'><name>images</name><uuid>de300000-7e57-4d00-a000-000000000001</uuid>
<target><path>/var/lib/libvirt/images</path></target>
{volumes}
</pool>
<pool type='dir'><name>iso</name><uuid>de300000-7e57-4d00-a000-000000000002</uuid>
<target><path>/var/lib/libvirt/iso</path></target></pool>
</node>
"""


def domain_xml(machine: Machine) -> str:
    """Write one machine's definition as people's real ones look, for the test driver."""
    namespace = "xmlns:test='http://libvirt.org/schemas/domain/test/1.0'"
    state = _RUN_STATES.get(machine.begin, 5)
    firmware = (
        "<loader readonly='yes' secure='yes' type='pflash'>/usr/share/OVMF/OVMF_CODE.secboot.fd"
        f"</loader><nvram>/var/lib/libvirt/qemu/nvram/{machine.name}_VARS.fd</nvram>"
        if machine.os == "windows"
        else ""
    )
    return f"""<domain type='test' {namespace}>
<name>{escape(machine.name)}</name><uuid>{machine.uuid}</uuid>
{f"<title>{escape(machine.title)}</title>" if machine.title else ""}
{f"<description>{escape(machine.description)}</description>" if machine.description else ""}
<memory unit='b'>{machine.memory}</memory><vcpu>{machine.vcpus}</vcpu>
<os><type arch='x86_64' machine='pc-q35-9.0'>hvm</type>{firmware}<boot dev='hd'/></os>
<features><acpi/><apic/></features>
<cpu mode='host-passthrough' check='none'/>
<clock offset='{"localtime" if machine.os == "windows" else "utc"}'/>
<on_poweroff>destroy</on_poweroff><on_reboot>restart</on_reboot><on_crash>destroy</on_crash>
<devices><emulator>/usr/bin/qemu-system-x86_64</emulator>
{_disks(machine)}
<controller type='usb' index='0' model='qemu-xhci'/>
<interface type='network'><mac address='{machine.mac}'/>
<source network='{machine.network}'/><model type='virtio'/></interface>
{_characters(machine)}
<input type='tablet' bus='usb'/>
<graphics type='{"spice" if machine.os == "windows" else "vnc"}' autoport='yes'/>
<video><model type='virtio'/></video>
{"<sound model='ich9'/>" if machine.os == "windows" else "<watchdog model='i6300esb'/>"}
{"<tpm model='tpm-crb'><backend type='emulator' version='2.0'/></tpm>" * (machine.os == "windows")}
<memballoon model='virtio'/>
<rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>
</devices>
<test:runstate>{state}</test:runstate>{"<test:transient>1</test:transient>" * machine.transient}
</domain>"""


def _disks(machine: Machine) -> str:
    text = ""
    for letter, (disk, _size) in zip("abcdef", machine.disks, strict=False):
        path = quoteattr(f"/var/lib/libvirt/images/{_volume(machine, disk)}")
        text += (
            "<disk type='file' device='disk'><driver name='qemu' type='qcow2' discard='unmap'/>"
            f"<source file={path}/><target dev='vd{letter}' bus='virtio'/></disk>\n"
        )
    return text + (
        "<disk type='file' device='cdrom'><target dev='sda' bus='sata'/><readonly/></disk>"
    )


def _characters(machine: Machine) -> str:
    text = ""
    if machine.serial:
        text += "<serial type='pty'><target port='0'/></serial>"
        text += "<console type='pty'><target type='serial' port='0'/></console>"
    if machine.agent:
        text += (
            "<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>"
        )
    return text


def _volume(machine: Machine, disk: str) -> str:
    return f"{machine.hostname}-{disk}.qcow2"
