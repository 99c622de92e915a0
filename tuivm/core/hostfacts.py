"""What a host check looks at, as it was found; ``None`` means that it cannot be seen."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from tuivm.core.errors import TuivmError


class SocketFact(NamedTuple):
    """A daemon's UNIX socket, as this user sees it."""

    path: str
    kind: str
    """``read-write``, ``read-only`` or ``admin``."""
    exists: bool
    permitted: bool = False
    """True when this user may connect."""
    listening: bool | None = None
    """None where it was not tried."""
    group: str = ""
    mode: int = 0
    """Permission bits."""


class DaemonFact(NamedTuple):
    """One of libvirt's system daemons."""

    name: str
    running: bool | None
    at_boot: bool | None = None
    """True when it, or its socket, is started at boot; None where nothing tells."""
    by_socket: bool | None = None
    """True when systemd listens for it and starts it on the first connection."""


class BridgeFact(NamedTuple):
    """A bridge of this machine."""

    name: str
    up: bool


class ValidateLine(NamedTuple):
    """One line of ``virt-host-validate``."""

    what: str
    level: str
    """``PASS``, ``WARN`` or ``FAIL``."""
    text: str = ""


@dataclass(frozen=True, slots=True)
class DeviceFact:
    """``/dev/kvm`` as this user sees it."""

    exists: bool
    usable: bool = False
    """It opens for reading and writing."""
    group: str = ""
    mode: int = 0
    error: str = ""
    """Why it does not open, in the system's words."""


@dataclass(frozen=True, slots=True)
class MachineFacts:
    """The machine that tuivm runs on."""

    user: str = ""
    root: bool = False
    groups: frozenset[str] = frozenset()
    """Groups of this login."""
    listed_groups: frozenset[str] = frozenset()
    """Groups that the user is in by now; a login from before does not have new ones."""
    arch: str = ""
    """``uname -m``."""
    kernel: str = ""
    cpu_flags: frozenset[str] | None = None
    modules: frozenset[str] | None = None
    """Loaded or built-in kernel modules of KVM."""
    kvm: DeviceFact | None = None
    qemu_user: str = ""
    """As whom QEMU of the system's daemon runs, where ``qemu.conf`` can be read."""
    qemu_kvm: bool | None = None
    """True when that user may open ``/dev/kvm``."""
    nested: bool | None = None
    iommu_groups: int | None = None
    cgroups: int | None = None
    """The version, 0 for none."""
    controllers: frozenset[str] = frozenset()
    systemd: bool | None = None
    daemons: tuple[DaemonFact, ...] | None = None
    ports: frozenset[tuple[str, int]] | None = None
    """TCP listeners among libvirt's ports: address (``*`` for all) and port."""
    polkit: bool | None = None
    """True when there is a system bus, without which no polkit answers."""
    programs: frozenset[str] = frozenset()
    """Programs that were looked for and found: ``dnsmasq``, ``nft``, ``qemu-system-x86_64``."""
    firewall: str = ""
    """``firewall_backend`` of ``network.conf``, or empty."""
    bridges: tuple[BridgeFact, ...] | None = None
    images: tuple[str, int, int] | None = None
    """Folder of images, bytes free, bytes in all."""
    clock_synced: bool | None = None
    validate: tuple[ValidateLine, ...] | None = None
    """None when ``virt-host-validate`` is not installed or did not end in time."""
    packages: str = ""
    """The package manager: ``apt``, ``dnf``, ``zypper``, ``pacman``, ``apk`` or empty."""


class EmulatorFact(NamedTuple):
    """A guest architecture that the host can run."""

    arch: str
    path: str
    types: tuple[str, ...]
    """Domain types: kvm, qemu."""


class NetworkFact(NamedTuple):
    """A virtual network."""

    name: str
    active: bool
    autostart: bool
    bridge: str = ""


class PoolFact(NamedTuple):
    """A storage pool; sizes in bytes, None while it is inactive."""

    name: str
    active: bool
    autostart: bool
    capacity: int | None = None
    available: int | None = None


@dataclass(frozen=True, slots=True)
class ConnectionFacts:
    """One connection, and what its host tells."""

    uri: str
    local: bool
    session: bool
    sockets: tuple[SocketFact, ...] = ()
    """Sockets on this machine by which it is reached; empty for other transports."""
    error: TuivmError | None = None
    """Why it cannot be opened; then all below is unknown."""
    driver: str = ""
    """libvirt's name for it: ``QEMU``, ``TEST``."""
    hypervisor: str = ""
    libvirt: str = ""
    seconds: float | None = None
    """How long connecting took."""
    arch: str = ""
    emulators: tuple[EmulatorFact, ...] | None = None
    iommu: bool | None = None
    free_memory: int | None = None
    networks: tuple[NetworkFact, ...] | None = None
    pools: tuple[PoolFact, ...] | None = None
    unread: tuple[str, ...] = field(default=())
    """What could not be read, each with its reason."""
