"""The one registry of what can be done: keys, ``:``, palette, help and menus all read it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from tuivm.core.action import Action
from tuivm.core.addresses import preferred
from tuivm.core.applies import knows_mode
from tuivm.core.hostactions import HOSTS
from tuivm.core.lifecycle import LIFECYCLE
from tuivm.core.navigation import NAVIGATION
from tuivm.core.rows import Row
from tuivm.core.virsh import virsh

__all__ = ["ACTIONS", "COPIES", "POWER_MENU", "Action", "MenuItem", "copy_text"]

ACTIONS: dict[str, Action] = {action.id: action for action in (*LIFECYCLE, *NAVIGATION, *HOSTS)}
"""Every action by its id, in the order of menus and help."""


class MenuItem(NamedTuple):
    """One line of a menu: an action with its arguments, and the key that picks it."""

    key: str
    action_id: str
    title: str
    args: Mapping[str, str] = MappingProxyType({})

    @property
    def action(self) -> Action:
        """The action that the line stands for."""
        return ACTIONS[self.action_id]

    def applies(self, row: Row) -> str | None:
        """Return why the line cannot be used on a row, or None."""
        return self.action.applies(row) or knows_mode(row, self.args.get("mode", ""))


def _mode(key: str, mode: str, text: str) -> MenuItem:
    return MenuItem(key, "domain.shutdown", f"Shut down {text}", {"mode": mode})


POWER_MENU: tuple[MenuItem, ...] = (
    MenuItem("s", "domain.start", "Start"),
    MenuItem("t", "domain.start_paused", "Start paused"),
    MenuItem("B", "view.console_boot", "Boot with console"),
    MenuItem("l", "view.run", "Log in on the console and run a command"),
    MenuItem("f", "domain.boot_fresh", "Boot afresh, dropping the saved state"),
    MenuItem("S", "domain.shutdown", "Shut down"),
    _mode("1", "acpi", "by the ACPI power button"),
    _mode("2", "agent", "by the guest agent"),
    _mode("3", "initctl", "by initctl (containers)"),
    _mode("4", "signal", "by a signal to init (containers)"),
    _mode("5", "paravirt", "by the paravirtual channel (Xen)"),
    MenuItem("C", "domain.cycle", "Shut down and start again"),
    MenuItem("R", "domain.reboot", "Reboot"),
    MenuItem("a", "domain.reboot", "Reboot by the guest agent", {"mode": "agent"}),
    MenuItem("p", "domain.pause_toggle", "Pause / resume"),
    MenuItem("m", "domain.managedsave", "Save memory and power off"),
    MenuItem("d", "domain.managedsave_remove", "Drop the saved state"),
    MenuItem(
        "k",
        "domain.send_key",
        "Send Ctrl-Alt-Del",
        {"keys": "KEY_LEFTCTRL KEY_LEFTALT KEY_DELETE"},
    ),
    MenuItem(
        "K",
        "domain.send_key",
        "Send SysRq S: write disks",
        {"keys": "KEY_LEFTALT KEY_SYSRQ KEY_S"},
    ),
    MenuItem("n", "domain.inject_nmi", "Send an NMI"),
    MenuItem("N", "view.rename", "Rename"),
    MenuItem("b", "view.bundle", "Bundle for a bug report"),
    MenuItem("r", "domain.reset", "Reset"),
    MenuItem("D", "domain.destroy", "Force off"),
)
"""The power menu, gentle verbs first."""

COPIES: tuple[tuple[str, str, str], ...] = (
    ("n", "name", "Name"),
    ("u", "uuid", "UUID"),
    ("i", "ip", "IP address"),
    ("m", "mac", "MAC address"),
    ("x", "xml", "XML"),
    ("v", "virsh", "virsh command"),
)
"""What can be copied of a VM: key, id, title. The XML has to be read first."""


def copy_text(what: str, row: Row) -> str | None:
    """Return what ``COPIES`` names of a row; None when it is not known or is the XML."""
    domain = row.domain
    match what:
        case "name":
            return domain.name
        case "uuid":
            return row.key.uuid
        case "ip":
            best = preferred(domain.addresses)
            return None if best is None else best.ip
        case "mac":
            if domain.facts is not None and domain.facts.macs:
                return domain.facts.macs[0]
            return next((address.mac for address in domain.addresses if address.mac), None)
        case "virsh":
            return virsh(row, "dominfo")
    return None
