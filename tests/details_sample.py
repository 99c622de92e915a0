"""A running guest as libvirt 9 tells it, for the tests of everything about details."""

from __future__ import annotations

from tuivm.core.model import (
    Address,
    Device,
    Domain,
    DomainDetails,
    DomainKey,
    DomainXml,
    Facts,
    HostState,
    HostStatus,
    State,
    Stats,
    XmlChange,
)

NOW = 1_700_000_000.0
KEY = DomainKey("kv1", "6b0c3f7e-4a1d-4b8e-9f52-1f2a3b4c5d6e")
HOST = HostStatus(
    "kv1",
    "qemu+ssh://kv1/system",
    HostState.UP,
    hostname="kv1.example.net",
    hypervisor="QEMU 7.2.0",
    libvirt="9.0.0",
    seen_at=NOW,
)
FACTS = Facts(
    title="Shop, front end",
    description="Serves the shop.",
    vcpus=2,
    memory_max=4 << 30,
    macs=("52:54:00:11:22:33",),
    consoles=("serial0",),
    has_agent=True,
    os_type="hvm",
    arch="x86_64",
    machine="pc-q35-7.2",
    virt_type="kvm",
    acpi=True,
    disks=("/var/lib/libvirt/images/web-01.qcow2",),
)
RUNNING = Domain(
    KEY,
    "web-01",
    State.RUNNING,
    id=7,
    persistent=True,
    autostart=True,
    managed_save=False,
    has_snapshots=False,
    has_checkpoints=False,
    facts=FACTS,
    addresses=(Address("192.168.122.35", "52:54:00:11:22:33", "lease"),),
    started_at=NOW - 273_600,
    pending_config=True,
)
OFF = RUNNING._replace(state=State.OFF, id=None, addresses=(), started_at=None, pending_config=None)
STATS = Stats(
    at=100.0,
    cpu=42.1,
    memory_used=1288490189,
    memory_rss=2254857830,
    memory_max=4 << 30,
    disk_read=3_250_585.0,
    disk_write=12_288.0,
    net_rx=831_488.0,
    net_tx=52_224.0,
)
DOMSTATS: tuple[tuple[str, int | float | str], ...] = (
    ("state.state", 1),
    ("state.reason", 1),
    ("cpu.time", 5_432_100_000_000),
    ("cpu.user", 3_100_000_000_000),
    ("cpu.system", 900_000_000_000),
    ("cpu.cache.monitor.count", 0),
    ("balloon.current", 4_194_304),
    ("balloon.maximum", 8_388_608),
    ("balloon.swap_in", 0),
    ("balloon.swap_out", 0),
    ("balloon.major_fault", 1_204),
    ("balloon.minor_fault", 22_345_678),
    ("balloon.unused", 2_100_000),
    ("balloon.available", 4_028_000),
    ("balloon.usable", 2_769_000),
    ("balloon.last-update", 1_699_999_998),
    ("balloon.disk_caches", 800_000),
    ("balloon.hugetlb_pgalloc", 0),
    ("balloon.hugetlb_pgfail", 0),
    ("balloon.rss", 2_202_010),
    ("vcpu.current", 2),
    ("vcpu.maximum", 4),
    ("vcpu.0.state", 1),
    ("vcpu.0.time", 2_700_000_000_000),
    ("vcpu.0.wait", 0),
    ("vcpu.0.halted", "no"),
    ("vcpu.0.delay", 12_000_000_000),
    ("vcpu.2.state", 1),
    ("vcpu.2.time", 2_500_000_000_000),
    ("vcpu.2.wait", 0),
    ("vcpu.2.halted", "yes"),
    ("vcpu.2.delay", 11_000_000_000),
    ("vcpu.2.halt_exits.sum", 55_123),
    ("net.count", 1),
    ("net.0.name", "vnet3"),
    ("net.0.rx.bytes", 9_876_543_210),
    ("net.0.rx.pkts", 8_765_432),
    ("net.0.rx.errs", 0),
    ("net.0.rx.drop", 12),
    ("net.0.tx.bytes", 1_234_567_890),
    ("net.0.tx.pkts", 3_456_789),
    ("net.0.tx.errs", 0),
    ("net.0.tx.drop", 0),
    ("block.count", 2),
    ("block.0.name", "vda"),
    ("block.0.path", "/var/lib/libvirt/images/web-01.qcow2"),
    ("block.0.backingIndex", 1),
    ("block.0.rd.reqs", 345_678),
    ("block.0.rd.bytes", 12_345_678_901),
    ("block.0.rd.times", 138_271_200_000),
    ("block.0.wr.reqs", 123_456),
    ("block.0.wr.bytes", 2_345_678_901),
    ("block.0.wr.times", 222_220_800_000),
    ("block.0.fl.reqs", 4_321),
    ("block.0.fl.times", 12_963_000_000),
    ("block.0.allocation", 9_663_676_416),
    ("block.0.capacity", 21_474_836_480),
    ("block.0.physical", 9_664_921_600),
    ("block.0.threshold", 0),
    ("block.1.name", "sda"),
    ("block.1.rd.reqs", 4),
    ("block.1.rd.bytes", 84),
    ("iothread.count", 1),
    ("iothread.1.poll-max-ns", 32768),
    ("perf.cmt", 87_654),
    ("dirtyrate.calc_status", 0),
)
INFO = (
    ("Id", "7"),
    ("Name", "web-01"),
    ("UUID", KEY.uuid),
    ("OS Type", "hvm"),
    ("State", "running"),
    ("CPU(s)", "2"),
    ("CPU time", "5432.1s"),
    ("Max memory", "8388608 KiB"),
    ("Used memory", "4194304 KiB"),
    ("Persistent", "yes"),
    ("Autostart", "enable"),
    ("Managed save", "no"),
    ("Security model", "apparmor"),
    ("Security DOI", "0"),
    ("Security label", "libvirt-6b0c3f7e (enforcing)"),
    ("Newer fact", "of a later libvirt"),
)
LIVE = """\
<domain type='kvm' id='7'>
  <name>web-01</name>
  <uuid>6b0c3f7e-4a1d-4b8e-9f52-1f2a3b4c5d6e</uuid>
  <title>Shop, front end</title>
  <!-- a note -->
  <memory unit='KiB'>8388608</memory>
  <currentMemory unit='KiB'>4194304</currentMemory>
  <vcpu placement='static' current='2'>4</vcpu>
  <devices>
    <disk type='file' device='disk'>
      <driver name='qemu' type='qcow2' cache='none'/>
      <source file='/var/lib/libvirt/images/web-01.qcow2'/>
      <target dev='vda' bus='virtio'/>
    </disk>
    <graphics type='vnc' port='5901' passwd='*** hidden ***'/>
  </devices>
</domain>
"""
INACTIVE = LIVE.replace(" id='7'", "").replace("8388608", "16777216").replace("none", "writeback")
CHANGES = (
    XmlChange("memory", "8388608 KiB", "16777216 KiB"),
    XmlChange("devices/disk[vda]/driver/@cache", "none", "writeback"),
    XmlChange("devices/interface[52:54:00:aa:bb:cc]", "", "network default, virtio"),
)
DEVICES = (
    Device(
        "disk",
        "Disk vda",
        "/var/lib/libvirt/images/web-01.qcow2, qcow2, virtio",
        (
            ("Target", "vda, virtio"),
            ("Source", "/var/lib/libvirt/images/web-01.qcow2"),
            ("Format", "qcow2"),
            ("Cache", "none"),
        ),
        "<disk type='file' device='disk'>\n  <target dev='vda' bus='virtio'/>\n</disk>",
        pending="changes at the next power cycle",
    ),
    Device(
        "interface",
        "Network card 52:54:00:11:22:33",
        "network default, virtio",
        (("MAC", "52:54:00:11:22:33"), ("Source", "network default"), ("Model", "virtio")),
        "<interface type='network'/>",
    ),
    Device(
        "interface",
        "Network card 52:54:00:aa:bb:cc",
        "network default, virtio",
        (("MAC", "52:54:00:aa:bb:cc"),),
        "<interface type='network'/>",
        pending="after the next power cycle",
    ),
    Device("serial", "Serial port serial0", "pty", (("Type", "pty"),), "<serial type='pty'/>"),
    Device("flux", "flux", "unknown to tuivm", (("capacity", "1.21"),), "<flux capacity='1.21'/>"),
)
DETAILS = DomainDetails(
    KEY,
    INFO,
    DOMSTATS,
    DEVICES,
    DomainXml(LIVE, INACTIVE, CHANGES),
    guest=(("Hostname", "web-01"), ("OS", "Debian GNU/Linux 12"), ("Users", "none")),
    messages=("tainted: custom configuration parameters",),
)
DETAILS_OFF = DETAILS._replace(
    stats=(("state.state", 5), ("state.reason", 1)),
    guest=(),
    messages=(),
    xml=DomainXml(INACTIVE, INACTIVE, ()),
)
