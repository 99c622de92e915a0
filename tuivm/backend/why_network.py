"""Why a domain's network cards keep it from starting: no such network, bridge or device."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

import libvirt

from tuivm.backend.case import Case
from tuivm.backend.cure_xml import diff
from tuivm.backend.optional import each, or_none
from tuivm.core.causes import Cause, Cure, Surety
from tuivm.core.text import sanitise

_INACTIVE = re.compile(r"network '(?P<name>.+?)' is not active")
_MISSING = re.compile(r"no network with matching name '(?P<name>.+?)'")
_BRIDGE = re.compile(
    r"Cannot get interface MTU on '(?P<name>[^']+)': No such device|"
    r"Unable to get index for interface (?P<device>\S+): No such device|"
    r"Unable to add (?:port|bridge) \S+ (?:port|to) '?(?P<port>[\w.-]+)'?: No such device"
)
OFFERED = 2
"""Networks that are offered instead of one that is not there."""


def causes(case: Case, text: str) -> Iterator[Cause]:
    """Tell what libvirt's text on a failed start says about networks."""
    if match := _INACTIVE.search(text):
        yield _inactive(match["name"])
    elif match := _MISSING.search(text):
        yield _missing(case, match["name"])
    elif match := _BRIDGE.search(text):
        yield _bridge(case, match["name"] or match["device"] or match["port"])


def _start(name: str, title: str) -> Cure:
    return Cure(title, "n", "net-start", {"network": name, "then": "start"})


def _inactive(name: str) -> Cause:
    shown = sanitise(name, 80)
    return Cause(
        "network-inactive",
        f"The network {shown} is not active",
        Surety.CERTAIN,
        f"its XML has a card on the network {shown}",
        (_start(name, f"Start the network {shown}, now and with its host, then start this VM"),),
    )


def _missing(case: Case, name: str) -> Cause:
    shown = sanitise(name, 80)
    cures = []
    if name == "default":
        title = "Make the usual network default (NAT, 192.168.122.0/24), start it, then this VM"
        cures.append(_start(name, title))
    cures += _others(case, name)
    cures.append(Cure(f"Define the network {shown}", lines=("virsh net-define FILE.xml",)))
    return Cause(
        "network-missing",
        f"There is no network {shown} on this host",
        Surety.CERTAIN,
        f"its XML has a card on the network {shown}",
        tuple(cures),
    )


def _others(case: Case, name: str) -> list[Cure]:
    """Active networks that could be used instead."""
    if case.inactive is None:
        return []
    cures: list[Cure] = []
    active = libvirt.VIR_CONNECT_LIST_NETWORKS_ACTIVE
    found = or_none(lambda: case.conn.listAllNetworks(active))
    names = each(found, lambda net: net.name())
    for other in islice(names, OFFERED):
        args = {"instead-of": name, "network": other}
        lines = diff(case.inactive, "use-network", args)
        if lines and other != name:
            title = f"Put its card on the network {sanitise(other, 80)}, and start"
            key = "uv"[len(cures)]
            cures.append(
                Cure(title, key, "use-network", {**args, "then": "start"}, level=1, lines=lines)
            )
    return cures


def _bridge(case: Case, name: str) -> Cause:
    shown = sanitise(name, 40)
    cures: list[Cure] = []
    inactive = libvirt.VIR_CONNECT_LIST_NETWORKS_INACTIVE
    found = or_none(lambda: case.conn.listAllNetworks(inactive))
    for network, bridge in each(found, lambda net: (net.name(), net.bridgeName())):
        if bridge == name:
            title = f"Start the network {sanitise(network, 80)}, which makes {shown}, then this VM"
            cures.append(_start(network, title))
    cures += _others(case, name)
    cures.append(
        Cure(
            f"Make the bridge {shown} on the host, for good in its network settings",
            lines=(f"ip link add {shown} type bridge", f"ip link set {shown} up"),
        )
    )
    return Cause(
        "bridge-missing",
        f"The bridge or device {shown} does not exist on this host",
        Surety.CERTAIN,
        f"its XML has a card on {shown}",
        tuple(cures),
    )
