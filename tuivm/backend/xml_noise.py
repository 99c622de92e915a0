"""What libvirt itself writes into the XML of a running domain: no change that anybody made.

Found by starting guests and comparing, and in libvirt's documentation of its domain format.
Paths have no keys: ``devices/disk/source/@index``. A ``*`` stands for one step.
"""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from functools import lru_cache

from lxml import etree

from tuivm.backend.xml_parse import size_bytes, value_at
from tuivm.core.text import bytes_text

MIB = 1 << 20

_LIVE_ONLY = (
    "@id",
    "resource",
    "vcpus",
    "iothreadids",
    "genid",
    "os/loader*",
    "os/nvram*",
    "os/firmware*",
    "features/gic*",
    "features/smm",
    "launchSecurity/*",
    "clock/@adjustment",
    "clock/@basis",
    "devices/emulator",
    "devices/*/alias",
    "devices/*/address",
    "devices/*/acpi",
    "devices/controller/driver",
    "devices/controller/@ports",
    "devices/disk/backingStore",
    "devices/disk/mirror",
    "devices/disk/source/@index",
    "devices/disk/target/@tray",
    "devices/filesystem/source/@socket",
    "devices/graphics/@listen",
    "devices/graphics/@port",
    "devices/graphics/@socket",
    "devices/graphics/@tlsPort",
    "devices/graphics/@websocket",
    "devices/graphics/listen",
    "devices/graphics/listen/@address",
    "devices/graphics/listen/@socket",
    "devices/hostdev/driver",
    "devices/hostdev/source/address",
    "devices/interface/backend*",
    "devices/interface/source/@bridge",
    "devices/interface/source/@portid",
    "devices/interface/target",
    "devices/interface/target/@dev",
    "devices/interface/target/@managed",
    "devices/memory/target/address",
    "devices/memory/target/current",
    "devices/shmem/server/@path",
    "devices/tpm/backend/active_pcr_banks",
    "devices/vsock/cid/@address",
    *(
        f"devices/{kind}/{path}"
        for kind in ("serial", "console", "parallel", "channel", "smartcard", "redirdev")
        for path in ("source", "source/@path", "source/@mode", "@tty", "target/@state")
    ),
)
"""Of no meaning where the inactive form does not have it."""

_EITHER = (
    # Set by whoever watches the guest's memory, tuivm among others.
    "devices/memballoon/stats*",
    "devices/memory/target/current",
)
"""Of no meaning at all."""

_INACTIVE_ONLY = ("devices/*/address",)

_GENERATED = re.compile(r"/(?:domain|channel/target)[-/](?:domain-)?\d+-|^/dev/pts/\d+$")
"""Paths that libvirt makes for one run of a domain."""


@lru_cache(maxsize=2048)
def _matches(path: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(path, pattern) for pattern in patterns)


def is_noise(path: str, live: str | None, inactive: str | None) -> bool:
    """True when a difference at ``path`` is libvirt's doing; None: absent on that side."""
    if _matches(path, _EITHER):
        return True
    if inactive is None:
        last = path.rpartition("/")[2]
        return last in ("seclabel", "privateData") or _matches(path, _LIVE_ONLY)
    if live is None:
        return _matches(path, _INACTIVE_ONLY)
    if path == "os/type/@machine":
        # ``pc`` and ``q35`` are names for the newest of their kind: pc-q35-7.2.
        return live.startswith(f"{inactive}-") or live.startswith(f"pc-{inactive}-")
    return bool(_GENERATED.search(live)) and bool(_GENERATED.search(inactive))


def settle(live: etree._Element, inactive: etree._Element) -> None:
    """Take out of two parsed forms what only makes sense to compare as a whole.

    Changes the trees.
    """
    _settle_labels(live)
    _settle_labels(inactive)
    _settle_cpu(live, inactive)
    _settle_memory(live, inactive)
    system, wanted = live.find("os"), inactive.find("os")
    if system is not None and wanted is not None and wanted.get("firmware"):
        # The choice is made at start; the running form tells only what was chosen.
        for side in (system, wanted):
            _unset(side, "firmware")
            _drop(side, "firmware")
    hyperv = inactive.find("features/hyperv[@mode='passthrough']")
    if hyperv is not None:
        _drop(live, "features/hyperv")
        _drop(inactive, "features/hyperv")


def settle_device(live: etree._Element, inactive: etree._Element) -> None:
    """The same for one device."""
    kind = live.tag
    if kind == "graphics":
        _settle_ports(live, inactive)
    elif kind == "interface" and inactive.get("type") == "network":
        # A network over a bridge or a card is shown as what it turned into.
        live.set("type", "network")
        source, wanted = live.find("source"), inactive.find("source")
        if source is not None and wanted is not None:
            for name in set(source.attrib) - set(wanted.attrib):
                del source.attrib[name]
    elif kind == "disk" and live.find("source") is None and inactive.find("source") is None:
        # An empty drive has no format.
        for side in (live, inactive):
            driver = side.find("driver")
            if driver is not None:
                _unset(driver, "type")
    elif kind == "vsock" and value_at(inactive, "cid/@auto") == "yes":
        for side in (live, inactive):
            cid = side.find("cid")
            if cid is not None:
                _unset(cid, "address")


def _settle_ports(live: etree._Element, inactive: etree._Element) -> None:
    automatic = inactive.get("autoport") == "yes"
    for name in ("port", "tlsPort", "websocket"):
        if (name == "port" and automatic) or inactive.get(name) in (None, "-1"):
            _unset(live, name)
            _unset(inactive, name)


def _settle_labels(root: etree._Element) -> None:
    for label in root.findall("seclabel"):
        if label.get("type") == "dynamic":
            root.remove(label)
        else:
            _drop(label, "imagelabel")


def _settle_cpu(live: etree._Element, inactive: etree._Element) -> None:
    """A running CPU model is written out in full; compare what the definition asks for."""
    now, wanted = live.find("cpu"), inactive.find("cpu")
    if now is None or wanted is None:
        if wanted is None and now is not None:
            live.remove(now)
        return
    if wanted.get("mode") == "host-model":
        for side in (now, wanted):
            side.attrib.clear()
            for child in list(side):
                if child.tag not in ("topology", "numa", "maxphysaddr"):
                    side.remove(child)
        return
    for side in (now, wanted):
        for name in ("check", "match", "migratable"):
            _unset(side, name)
        model = side.find("model")
        if model is not None:
            _unset(model, "fallback")
    for tag in ("vendor", "model", "maxphysaddr"):
        if wanted.find(tag) is None:
            _drop(now, tag)
    _settle_features(now, wanted)


def _settle_features(now: etree._Element, wanted: etree._Element) -> None:
    asked = {feature.get("name"): feature for feature in wanted.findall("feature")}
    for feature in now.findall("feature"):
        twin = asked.get(feature.get("name"))
        if twin is None:
            now.remove(feature)
        elif twin.get("policy", "require") in ("optional", "force"):
            # It became one of require and disable when the domain started.
            feature.set("policy", twin.get("policy", "require"))
    present = {feature.get("name") for feature in now.findall("feature")}
    for feature in asked.values():
        if feature.get("name") not in present and feature.get("policy") == "optional":
            wanted.remove(feature)


def _settle_memory(live: etree._Element, inactive: etree._Element) -> None:
    most = live.find("memory")
    whole = size_bytes(most) if most is not None else None
    for tag in ("memory", "currentMemory"):
        now, wanted = live.find(tag), inactive.find(tag)
        if now is None or wanted is None:
            continue
        left, right = size_bytes(now), size_bytes(wanted)
        if left is None or right is None:
            continue
        # Memory is rounded up to whole mebibytes when the domain starts. A balloon that the
        # guest has not (yet) filled leaves it with all its memory: so will the next boot.
        full = tag == "currentMemory" and left == whole and right < left
        if 0 <= left - right < MIB or full:
            now.text = wanted.text = None
            now.attrib.clear()
            wanted.attrib.clear()
        else:
            now.text, wanted.text = bytes_text(left), bytes_text(right)


def _unset(element: etree._Element, name: str) -> None:
    if name in element.attrib:
        del element.attrib[name]


def _drop(parent: etree._Element, path: str) -> None:
    for element in parent.findall(path):
        holder = element.getparent()
        if holder is not None:
            holder.remove(element)
