"""What the demo's guests print while they boot and while they go down."""

from __future__ import annotations

from collections.abc import Iterator

from tuivm.backend.demo_fleet import Machine

GREEN = "\x1b[0;32m"
BOLD = "\x1b[1m"
RESET = "\x1b[0m"

_NAMES = {
    "debian": ("Debian GNU/Linux", "13 (trixie)", "6.12.48-amd64"),
    "alpine": ("Alpine Linux", "3.22", "6.12.51-0-virt"),
    "fedora": ("Fedora Linux", "43 (Server Edition)", "6.17.4-300.fc43.x86_64"),
    "windows": ("Windows 11", "24H2", "10.0.26100"),
    "none": ("nothing", "", ""),
}

_UNITS = (
    "Journal Service",
    "Load Kernel Modules",
    "Remount Root and Kernel File Systems",
    "Create Static Device Nodes in /dev",
    "Rule-based Manager for Device Events and Files",
    "Apply Kernel Variables",
    "Network Time Synchronization",
    "QEMU Guest Agent",
    "D-Bus System Message Bus",
    "User Login Management",
    "Network Configuration",
    "OpenBSD Secure Shell server",
)

Script = Iterator[tuple[float, str]]
"""Seconds to wait, then text to print."""


def os_name(name: str) -> tuple[str, str]:
    """The operating system's name and version."""
    return _NAMES[name][:2]


def kernel(name: str) -> str:
    """The kernel's release."""
    return _NAMES[name][2]


def boot(machine: Machine) -> Script:
    """Firmware, kernel and services, up to before the login prompt; about four seconds."""
    yield 0.0, "\x1bc\x1b[?7l\x1b[2J\x1b[0mSeaBIOS (version 1.16.3-debian)\r\n"
    yield 0.1, f"Machine UUID {machine.uuid}\r\n\r\n"
    yield 0.2, "Booting from Hard Disk...\r\n"
    if machine.os == "none":
        yield 0.8, "Boot failed: not a bootable disk\r\n\r\nNo bootable device.\r\n"
        return
    yield 0.3, "\x1b[?7h\r\n"
    yield from _kernel_lines(machine)
    yield from _services(machine)
    yield 0.3, "\r\n"


def _kernel_lines(machine: Machine) -> Script:
    mib = machine.memory >> 20
    lines = (
        f"Linux version {kernel(machine.os)} (builder@demo) (gcc 14.2.0) #1 SMP PREEMPT_DYNAMIC",
        f"Command line: BOOT_IMAGE=/vmlinuz-{kernel(machine.os)} root=/dev/vda1 ro "
        "console=tty0 console=ttyS0,115200",
        "BIOS-provided physical RAM map:",
        "DMI: QEMU Standard PC (Q35 + ICH9, 2009), BIOS 1.16.3-debian 04/01/2014",
        "Hypervisor detected: KVM",
        "tsc: Detected 2595.124 MHz processor",
        f"Memory: {mib * 1004}K/{mib * 1024}K available (18432K kernel code)",
        f"smp: Brought up 1 node, {machine.vcpus} CPUs",
        "clocksource: Switched to clocksource kvm-clock",
        "NET: Registered PF_INET6 protocol family",
        "Serial: 8250/16550 driver, 4 ports, IRQ sharing enabled",
        "00:00: ttyS0 at I/O 0x3f8 (irq = 4, base_baud = 115200) is a 16550A",
        *(
            f"virtio_blk virtio{index}: [vd{'abcdef'[index]}] {size << 21} 512-byte logical blocks "
            f"({size} GiB)"
            for index, (_disk, size) in enumerate(machine.disks)
        ),
        "virtio_net virtio4 enp1s0: renamed from eth0",
        "EXT4-fs (vda1): mounted filesystem with ordered data mode.",
        "Run /sbin/init as init process",
    )
    for index, line in enumerate(lines):
        clock = 0.0 if index < 3 else 0.02 + index * 0.11
        yield (0.03 if index < 4 else 0.09), f"[{clock:12.6f}] {line}\r\n"


def _services(machine: Machine) -> Script:
    if machine.os == "alpine":
        yield 0.2, "\r\n   OpenRC 0.62 is starting up Linux (x86_64)\r\n\r\n"
        for name in ("sysfs", "fsck", "root", "hostname", "networking", "sshd", "qemu-guest-agent"):
            yield 0.12, f" {GREEN}*{RESET} Starting {name} ... [ {GREEN}ok{RESET} ]\r\n"
        return
    name, version = os_name(machine.os)
    yield 0.2, f"\r\nWelcome to {BOLD}{name} {version}{RESET}!\r\n\r\n"
    for unit in _UNITS:
        yield 0.11, f"[{GREEN}  OK  {RESET}] Started {BOLD}{unit}{RESET}.\r\n"


def shutdown(machine: Machine, *, restart: bool) -> Script:
    """What a guest prints when it goes down in an orderly way."""
    if machine.os == "none":
        return
    yield 0.0, "\r\n"
    for unit in reversed(_UNITS[-5:]):
        yield 0.05, f"[{GREEN}  OK  {RESET}] Stopped {BOLD}{unit}{RESET}.\r\n"
    verb = "Restarting system" if restart else "Power down"
    yield 0.1, f"[{4127.301964:12.6f}] reboot: {verb}\r\n"


def issue(machine: Machine) -> str:
    """The lines above the login prompt, and the prompt."""
    name, version = os_name(machine.os)
    return f"\r\n{name} {version} {machine.hostname} ttyS0\r\n\r\n{machine.hostname} login: "
