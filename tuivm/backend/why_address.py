"""Why no address of a guest is known, by what its network cards hang on, and whom to ask next."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import libvirt
from lxml import etree

from tuivm.backend.addresses import read_addresses
from tuivm.backend.case import Case
from tuivm.backend.patience import ask_within
from tuivm.backend.xml_parse import AGENT_CHANNEL, parse, value_at
from tuivm.core.causes import Cause, Cure, Surety
from tuivm.core.errors import TuivmError
from tuivm.core.model import State
from tuivm.core.text import sanitise

PATIENCE = 4.0
"""Seconds that the search for an address may take."""
BOOT_SECONDS = 60.0
"""A guest that runs for less may not have come to its network yet."""
USER_ADDRESS = "10.0.2.15"
"""What QEMU's user-mode network gives to every guest by DHCP."""
_KINDS = {
    "bridge": "the bridge {source}: who hands out addresses there does not tell libvirt",
    "direct": "{source} by macvtap: guest and host do not even see each other's packets",
    "user": "QEMU's user-mode network: it is behind a NAT of its own, usually as " + USER_ADDRESS,
    "hostdev": "a device of the host's that is passed through: its packets pass the host by",
    "vhostuser": "a vhost-user switch: libvirt sees nothing of its packets",
    "ethernet": "a plain tap device: who hands out addresses there does not tell libvirt",
}
"""Cards whose address libvirt cannot know from a lease, and why."""


def causes(case: Case) -> Iterator[Cause]:
    """Tell why this running guest's address is not known; nothing where one is."""
    if case.state is not State.RUNNING or case.live.get("type") not in ("kvm", "qemu"):
        return
    cards = case.live.findall("devices/interface")
    if not cards:
        title = "It has no address: it has no network card"
        evidence = "no <interface> in its XML"
        cure = Cure(
            "Give it a card",
            lines=(f"virsh attach-interface {case.shell_name} network default --config",),
        )
        yield Cause("no-card", title, Surety.CERTAIN, evidence, (cure,), "address")
        return
    if _known(case):
        return
    for card in cards:
        yield _card(case, card)


def _known(case: Case) -> bool:
    names = ["lease", "arp", *(["agent"] if agent_connected(case.live) else [])]
    uuid = case.domain.UUIDString()
    try:
        found, _ = ask_within(
            PATIENCE, uuid, "addresses", lambda: read_addresses(case.conn, uuid, names)
        )
    except TuivmError:
        return False
    return bool(found)


def agent_connected(live: etree._Element) -> bool:
    """True while a guest agent has opened its channel."""
    target = live.find(f"devices/channel/target[@name='{AGENT_CHANNEL}']")
    return target is not None and target.get("state") == "connected"


def _card(case: Case, card: etree._Element) -> Cause:
    mac = value_at(card, "mac/@address")
    if value_at(card, "link/@state") == "down":
        lines = (f"virsh domif-setlink {case.shell_name} {mac} up",)
        cure = Cure("Plug it in again", "u", "link-up", {"mac": mac}, level=1, lines=lines)
        title = "No address is known: its network cable is unplugged"
        return Cause(
            f"link-down-{mac}",
            title,
            Surety.CERTAIN,
            f"the card {mac} has <link state='down'/> in its XML",
            (cure,),
            "address",
        )
    surety, why = _why(case, card)
    agent = () if agent_connected(case.live) else (Cure("Install the guest agent: it tells"),)
    return Cause(
        f"no-address-{mac}",
        f"No address is known: its card is on {why}",
        surety,
        f"card {mac}; neither a DHCP lease, nor the guest agent, nor the host's ARP table tells",
        (*agent, *_next(card, mac)),
        "address",
    )


def _why(case: Case, card: etree._Element) -> tuple[Surety, str]:
    kind, name = card.get("type", ""), _source(card)
    if kind != "network":
        text = _KINDS.get(kind, "{kind}: libvirt knows no addresses there")
        return Surety.CERTAIN, text.format(source=name, kind=sanitise(kind, 40))
    shown = f"the network {name}"
    try:
        network = parse(case.conn.networkLookupByName(_raw_source(card)).XMLDesc(0))
    except libvirt.libvirtError:
        return Surety.POSSIBLE, f"{shown}, which cannot be read"
    mode = value_at(network, "forward/@mode")
    if mode in ("bridge", "private", "vepa", "passthrough", "hostdev"):
        return Surety.CERTAIN, f"{shown} (mode {mode}), where libvirt hands out no addresses"
    if network.find("ip/dhcp") is None:
        return Surety.CERTAIN, f"{shown}, which has no <dhcp>: libvirt hands out no addresses"
    uptime = case.doing.uptime
    young = uptime is not None and uptime < BOOT_SECONDS
    return Surety.POSSIBLE if young else Surety.LIKELY, (
        f"{shown}, and it has asked for no DHCP lease: it still boots, "
        "has a fixed address, or no DHCP client"
    )


def _raw_source(card: etree._Element) -> str:
    source = card.find("source")
    return "" if source is None else source.get("network", "")


def _source(card: etree._Element) -> str:
    names = ("network", "bridge", "dev", "path")
    return next(filter(None, (value_at(card, f"source/@{name}") for name in names)), "?")


def _next(card: etree._Element, mac: str) -> Iterator[Cure]:
    """The next best source of an address."""
    look = Cure("Look in the guest", "c", action_id="view.console", lines=("ip address",))
    if card.get("type") == "user":
        yield Cure(
            "Nobody reaches it from outside: put its card on a network of libvirt's instead (e)"
        )
    elif card.get("type") != "network":
        lines = (f"ip neigh | grep -i {mac}",)
        if card.get("type") != "direct":
            yield Cure("Ask the host's neighbours, once it has talked to the host", lines=lines)
        yield Cure(f"Ask the DHCP server of that network for {mac}")
    yield look


def note(live: etree._Element) -> str:
    """Why no address may be known of a running guest, in a few words; from its XML alone."""
    cards = live.findall("devices/interface")
    if not cards:
        return "it has no network card"
    card = cards[0]
    kind, name = card.get("type", ""), _source(card)
    if value_at(card, "link/@state") == "down":
        return "its card's link is down (W why)"
    if agent_connected(live):
        agent = "the guest agent tells none"
    elif live.find(f"devices/channel/target[@name='{AGENT_CHANNEL}']") is None:
        agent = "it has no guest agent to tell"
    else:
        agent = "its guest agent does not run"
    where = {
        "network": f"no DHCP lease on {name}",
        "bridge": f"on the bridge {name} libvirt has no leases",
        "direct": f"macvtap on {name} has no leases",
        "user": f"behind QEMU's own NAT, usually {USER_ADDRESS}",
    }.get(kind, "libvirt has no leases there")
    return f"{where}; {agent}"


def link_up(domain: libvirt.virDomain, args: Mapping[str, str]) -> str:
    """Plug a card's cable in: in what runs, and in the definition.

    Raises ``libvirt.libvirtError`` as libvirt does, ``TuivmError`` when there is no such card.
    """
    mac, done = args.get("mac", ""), False
    for active, xml_flag, flag in (
        (domain.isActive(), 0, libvirt.VIR_DOMAIN_AFFECT_LIVE),
        (
            domain.isPersistent(),
            libvirt.VIR_DOMAIN_XML_INACTIVE,
            libvirt.VIR_DOMAIN_AFFECT_CONFIG,
        ),
    ):
        card = _card_with(parse(domain.XMLDesc(xml_flag)), mac) if active else None
        link = card.find("link") if card is not None else None
        if card is not None and link is not None and link.get("state") == "down":
            link.set("state", "up")
            domain.updateDeviceFlags(etree.tostring(card, encoding="unicode"), flag)
            done = True
    if not done:
        raise TuivmError("Nothing to plug in", f"no card {sanitise(mac, 40)} has its link down")
    return f"the link of {sanitise(mac, 40)} is up"


def _card_with(root: etree._Element, mac: str) -> etree._Element | None:
    for card in root.iterfind("devices/interface"):
        if value_at(card, "mac/@address") == mac:
            return card
    return None
