"""What has to be installed, in the words of each package manager."""

from __future__ import annotations

_COMMANDS = {
    "apt": "sudo apt install",
    "dnf": "sudo dnf install",
    "zypper": "sudo zypper install",
    "pacman": "sudo pacman -S",
    "apk": "sudo apk add",
}

_NAMES: dict[str, dict[str, str]] = {
    "qemu": {
        "apt": "qemu-system-x86",
        "dnf": "qemu-kvm",
        "zypper": "qemu-kvm",
        "pacman": "qemu-base",
        "apk": "qemu-system-x86_64",
    },
    "qemu-img": {
        "apt": "qemu-utils",
        "dnf": "qemu-img",
        "zypper": "qemu-tools",
        "pacman": "qemu-img",
        "apk": "qemu-img",
    },
    "libvirt": {
        "apt": "libvirt-daemon-system",
        "dnf": "libvirt-daemon-kvm",
        "zypper": "libvirt-daemon-qemu",
        "pacman": "libvirt",
        "apk": "libvirt-daemon libvirt-qemu",
    },
    "dnsmasq": {
        "apt": "dnsmasq-base",
        "dnf": "dnsmasq",
        "zypper": "dnsmasq",
        "pacman": "dnsmasq",
        "apk": "dnsmasq",
    },
    "ovmf": {
        "apt": "ovmf",
        "dnf": "edk2-ovmf",
        "zypper": "qemu-ovmf-x86_64",
        "pacman": "edk2-ovmf",
        "apk": "ovmf",
    },
    "chrony": dict.fromkeys(_COMMANDS, "chrony"),
    "iptables": dict.fromkeys(_COMMANDS, "iptables"),
    "nftables": dict.fromkeys(_COMMANDS, "nftables"),
}


def install(manager: str, *things: str) -> tuple[str, ...]:
    """The command that installs things, or a sentence where the manager is not known."""
    if manager not in _COMMANDS:
        return (f"install {' and '.join(things)}",)
    return (f"{_COMMANDS[manager]} {' '.join(_NAMES[thing][manager] for thing in things)}",)
