"""Why a domain's guest agent is not there: no channel in its XML, or nobody at its end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import libvirt

from tuivm.backend.case import Case
from tuivm.backend.xml_parse import AGENT_CHANNEL
from tuivm.core.causes import Cause, Cure, Surety
from tuivm.core.model import State
from tuivm.core.text import duration_text, sanitise

_TARGET = f"devices/channel/target[@name='{AGENT_CHANNEL}']"
CHANNEL = (
    "<channel type='unix'>",
    f"  <target type='virtio' name='{AGENT_CHANNEL}'/>",
    "</channel>",
)
"""What the XML needs."""
INSTALL = (
    "apt install qemu-guest-agent       # Debian, Ubuntu",
    "dnf install qemu-guest-agent       # Fedora, RHEL and its kin",
    "zypper install qemu-guest-agent    # openSUSE, SLES",
    "pacman -S qemu-guest-agent         # Arch",
    "apk add qemu-guest-agent && rc-update add qemu-guest-agent    # Alpine",
    "systemctl enable --now qemu-guest-agent    # then, where systemd runs",
    "virtio-win-guest-tools.exe, from the virtio-win CD    # Windows",
)
"""What the guest needs, by distribution."""
BOOT_SECONDS = 60.0
"""A guest that runs for less may not have come to its agent yet."""


def causes(case: Case) -> Iterator[Cause]:
    """Tell what keeps libvirt from an agent in this guest; nothing where one is connected."""
    if case.live.get("type") not in ("kvm", "qemu"):
        return
    target = case.live.find(_TARGET)
    if target is None:
        yield _no_channel(case)
    elif case.state is State.RUNNING and target.get("state", "disconnected") == "disconnected":
        yield _nobody(case)


def _no_channel(case: Case) -> Cause:
    inactive = case.inactive
    cures = [Cure("Then install the agent in the guest", lines=INSTALL)]
    if inactive is not None and inactive.find(_TARGET) is not None:
        cures.insert(0, Cure("Power it off and on: the next start has the channel"))
    elif inactive is not None:
        # libvirt plugs channels into what runs, but not the controller that they need.
        ready = case.live.find("devices/controller[@type='virtio-serial']") is not None
        at_once = "now and from" if ready and case.state.active else "from"
        title = f"Give it the channel, {at_once} the next start on"
        shown = tuple(f"+ {line}" for line in CHANNEL)
        cures.insert(0, Cure(title, "n", "add-agent", level=1, lines=shown))
    return Cause(
        "agent-channel",
        "It has no channel to a guest agent: no addresses, file systems or clean freezes from it",
        Surety.CERTAIN,
        f"no <channel> with the target {AGENT_CHANNEL} in its XML",
        tuple(cures),
        "agent",
    )


def _nobody(case: Case) -> Cause:
    uptime = case.doing.uptime
    young = uptime is not None and uptime < BOOT_SECONDS
    evidence = f"the channel {AGENT_CHANNEL} in its XML says state='disconnected'"
    if uptime is not None:
        evidence += f", {duration_text(uptime)} after its start"
    return Cause(
        "agent-silent",
        "No agent in the guest has opened its channel: it is not installed or does not run"
        + (", or the guest still boots" if young else ""),
        Surety.POSSIBLE if young else Surety.LIKELY,
        evidence,
        (Cure("Install it in the guest", lines=INSTALL),),
        "agent",
    )


def add_agent(domain: libvirt.virDomain, args: Mapping[str, str]) -> str:
    """Give a domain the agent's channel: for the next start, and to what runs where that can be.

    Raises ``libvirt.libvirtError`` when the definition cannot be changed.
    """
    xml = "\n".join(CHANNEL)
    if domain.isPersistent():
        flags = libvirt.VIR_DOMAIN_XML_INACTIVE
        if AGENT_CHANNEL not in domain.XMLDesc(flags):
            domain.attachDeviceFlags(xml, libvirt.VIR_DOMAIN_AFFECT_CONFIG)
    if not domain.isActive():
        return "added: the next start has it"
    if AGENT_CHANNEL in domain.XMLDesc(0):
        return "it has the channel already"
    try:
        domain.attachDeviceFlags(xml, libvirt.VIR_DOMAIN_AFFECT_LIVE)
    except libvirt.libvirtError as error:
        if not domain.isPersistent():
            raise
        said = sanitise(error.get_error_message() or str(error), 200)
        return f"added for the next start; what runs cannot take it: {said}"
    return "added, at once and for the next start"
