"""A domain's consoles as one can choose from them, and the device that adds one."""

from __future__ import annotations

from dataclasses import dataclass

SERIAL_XML = "<serial type='pty'/>"
"""What is added to a domain without a serial console; libvirt fills in port and console."""


@dataclass(frozen=True, slots=True)
class ConsolePort:
    """A character device that could be a console."""

    alias: str
    """``serial0``; empty where the domain does not run and its definition has none."""
    text: str
    """What it is, or where it leads; sanitised."""
    openable: bool
    """True when it can be opened through libvirt."""
    first: bool = False
    """True for the one that is opened when none is named."""


def log_line(path: str) -> str:
    """The line of XML that makes libvirt write down what a console prints."""
    from html import escape

    return f"<log file='{escape(path)}' append='on'/>"


def guest_tty(alias: str) -> str:
    """The guest's name of a console's other end: ``serial1`` is ``ttyS1``, virtio ``hvc0``."""
    number = alias.removeprefix("serial")
    if alias.startswith("serial") and number.isdigit():
        return f"ttyS{number}"
    return "hvc0" if alias.startswith("console") and alias != "console0" else "ttyS0"


def guest_lines(tty: str = "ttyS0") -> tuple[str, ...]:
    """Tell what a guest needs in order to talk on a device of its own."""
    return (
        f"a login:        systemctl enable --now serial-getty@{tty}",
        f'boot messages:  GRUB_CMDLINE_LINUX="console=tty0 console={tty}"',
        "                in /etc/default/grub, then update-grub",
    )


def uses_console(arguments: str, tty: str) -> bool:
    """Tell whether a kernel's command line makes it talk on a device of the guest's."""
    names = [word.partition("=")[2] for word in arguments.split() if word.startswith("console=")]
    return any(name.partition(",")[0] == tty for name in names)
