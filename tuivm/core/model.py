"""The frozen values that cross threads: what is known of hosts and domains.

Everything here is immutable and sanitised. ``None`` means unknown and is shown as
unknown; it never stands for zero or for "no".
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from tuivm.core.errors import TuivmError
from tuivm.core.question import QuestionKind


class DomainKey(NamedTuple):
    """A domain's identity: names and ids change, this does not."""

    host: str
    """The host's id in this run (``HostStatus.id``)."""
    uuid: str
    """The domain's UUID in its canonical text form."""


class State(StrEnum):
    """A domain's state (``virDomainState``); ``blocked`` counts as running."""

    RUNNING = "running"
    PAUSED = "paused"
    STOPPING = "stopping"
    """The guest was asked to shut down and is doing so (``VIR_DOMAIN_SHUTDOWN``)."""
    OFF = "off"
    CRASHED = "crashed"
    SUSPENDED = "suspended"
    """The guest suspended itself (``VIR_DOMAIN_PMSUSPENDED``)."""
    UNKNOWN = "unknown"

    @property
    def active(self) -> bool:
        """True while the hypervisor has a process for the domain."""
        return self in ACTIVE_STATES


ACTIVE_STATES = frozenset({State.RUNNING, State.PAUSED, State.STOPPING, State.SUSPENDED})


class Address(NamedTuple):
    """One address of a guest, with where it was learnt."""

    ip: str
    mac: str
    source: str
    """``lease`` (the network's DHCP server), ``agent`` (the guest says so) or ``arp``."""


class Facts(NamedTuple):
    """What the list wants to know from a domain's XML; read a few domains at a time."""

    title: str = ""
    description: str = ""
    vcpus: int | None = None
    memory_max: int | None = None
    """Bytes."""
    macs: tuple[str, ...] = ()
    consoles: tuple[str, ...] = ()
    """Aliases of serial and console devices: ``serial0``, ``console1``."""
    has_agent: bool | None = None
    """True when the XML has a guest agent channel; it need not be connected."""
    os_type: str = ""
    """The ``<os><type>`` text: hvm, linux, exe."""
    arch: str = ""
    machine: str = ""
    virt_type: str = ""
    """The domain's type: kvm, qemu, test."""
    kernel_args: str = ""
    """The direct kernel boot's command line, or empty."""
    acpi: bool | None = None
    """True when ``<features>`` has ``<acpi/>``."""
    disks: tuple[str, ...] = ()
    """Source paths of the disks."""
    targets: tuple[str, ...] = ()
    """What its hypervisor calls the disks that are no CDs: ``vda``."""
    tags: tuple[str, ...] = ()
    """As tuivm keeps them in the ``<metadata>`` (``core.tags``), in natural order."""
    console_log: str = ""
    """The file in which libvirt writes down what a console prints; sanitised, or empty."""


class Domain(NamedTuple):
    """One domain as last read from its host."""

    key: DomainKey
    name: str
    state: State
    reason: str = ""
    """Why it is in that state, where that is remarkable: ``I/O error``, ``by user``."""
    id: int | None = None
    """The hypervisor's id while active."""
    persistent: bool | None = None
    autostart: bool | None = None
    managed_save: bool | None = None
    has_snapshots: bool | None = None
    has_checkpoints: bool | None = None
    facts: Facts | None = None
    """None until the XML was read."""
    addresses: tuple[Address, ...] = ()
    started_at: float | None = None
    """Wall-clock time (``time.time()``) at which it was started."""
    started_exact: bool = True
    """False when ``started_at`` only says since when we have seen it running."""
    pending_config: bool | None = None
    """True when the next power cycle would change something."""

    @property
    def saved(self) -> bool:
        """True when it is off with its memory saved (``virsh managedsave``)."""
        return self.managed_save is True and not self.state.active

    @property
    def faulty(self) -> bool:
        """True when somebody should look: crashed, or paused by an error."""
        return self.state is State.CRASHED or (
            self.state is State.PAUSED and self.reason in FAULT_REASONS
        )


FAULT_REASONS = frozenset({"I/O error", "watchdog", "crashed", "post-copy failed", "API error"})
"""Pause reasons that nobody asked for."""


class Stats(NamedTuple):
    """One sample of a running domain; rates are over the time since the sample before."""

    at: float
    """``time.monotonic()`` of the sample."""
    cpu: float | None = None
    """Percent: 100 means that all of the guest's virtual CPUs are busy."""
    memory_used: int | None = None
    """Bytes the guest uses where its balloon driver tells, else None."""
    memory_rss: int | None = None
    """Bytes the host holds for it."""
    memory_max: int | None = None
    """Bytes it was given (the balloon's current size)."""
    disk_read: float | None = None
    """Bytes a second, all disks; so for the next three."""
    disk_write: float | None = None
    net_rx: float | None = None
    net_tx: float | None = None


class HostState(StrEnum):
    """Where a host's connection stands (design, section 3)."""

    IDLE = "idle"
    CONNECTING = "connecting"
    SYNCING = "syncing"
    UP = "up"
    DEGRADED = "degraded"
    """Connected, but it answers late: what is shown may be old."""
    LOST = "lost"
    """The link broke or never came up; ``retry_at`` says when the next attempt is."""
    NEEDS_AUTH = "needs a password"
    """Somebody has to answer something; ``HostStatus.wants`` says what."""
    DISABLED = "disabled"
    """Disconnected because somebody wants it so: nothing is tried."""

    @property
    def connected(self) -> bool:
        """True when verbs can be sent."""
        return self in (HostState.UP, HostState.DEGRADED)


class HostStatus(NamedTuple):
    """One host as the list's header shows it."""

    id: str
    """Stable within a run; also its short name on screen."""
    uri: str
    state: HostState
    error: TuivmError | None = None
    """Why it is lost, degraded or needs a password."""
    retry_at: float | None = None
    """``time.monotonic()`` of the next attempt."""
    readonly: bool = False
    own_readonly: bool = False
    """True when its own entry says so, whatever goes for the others."""
    demo: bool = False
    tags: tuple[str, ...] = ()
    """The host's own tags, from the configuration; its VMs are found by them too."""
    colour: str = ""
    """One of ``core.hostconfig.COLOURS`` for its name, or empty."""
    wants: QuestionKind | None = None
    """What has to be answered before it lets us in, where that is known."""
    hostname: str = ""
    hypervisor: str = ""
    """``QEMU 7.2.0``, or the driver's name."""
    libvirt: str = ""
    """The daemon's libvirt version: ``9.0.0``."""
    cpus: int | None = None
    memory: int | None = None
    """Bytes."""
    cpu_used: float | None = None
    """Percent: 100 means that all of its CPUs are busy; read while somebody looks at hosts."""
    memory_used: int | None = None
    """Bytes in use, caches left out; read as ``cpu_used``."""
    latency: float | None = None
    """Seconds of the last probe's round trip."""
    seen_at: float | None = None
    """``time.time()`` of the last answer; the age of what is shown when lost."""


class Severity(StrEnum):
    """How an event log line is coloured and filtered."""

    INFO = "info"
    GOOD = "good"
    WARNING = "warning"
    ERROR = "error"


class LogEntry(NamedTuple):
    """One line of the event log: something that happened, or was done."""

    at: float
    """``time.time()``."""
    text: str
    severity: Severity = Severity.INFO
    host: str = ""
    uuid: str = ""
    """The domain it is about, or empty."""
    name: str = ""
    """That domain's name at the time."""
    virsh: str = ""
    """The virsh command that does the same, for actions."""
    error: TuivmError | None = None
    seconds: float | None = None
    """How long what it tells of took; None where nothing was timed."""
    bulk: int = 0
    """The number (``core.bulk``) of the verb on many VMs that it belongs to: with a ``uuid``
    its part on one VM, else what is said of all of it."""


class Device(NamedTuple):
    """One device of a domain, in people's terms; unknown kinds are kept too."""

    kind: str
    """The XML element: disk, interface, serial, hostdev, ..."""
    title: str
    """``Disk vda`` or ``Network card 52:54:00:..``."""
    summary: str
    """One line: ``/var/lib/.../web.qcow2, qcow2, virtio``."""
    fields: tuple[tuple[str, str], ...]
    """Label and value, in the order in which they are shown."""
    xml: str
    """The element's own XML, secrets hidden."""
    pending: str = ""
    """``only until power off``, ``after the next power cycle``, ``changes at ...`` or empty."""


class XmlChange(NamedTuple):
    """One semantic difference between the running domain and its next boot."""

    where: str
    """``devices/disk[vdb]/@cache`` or the like."""
    live: str
    """Its value now, or empty where it is absent."""
    inactive: str
    """Its value at the next boot, or empty where it is absent."""


class DomainXml(NamedTuple):
    """A domain's XML in both forms, secrets hidden."""

    live: str
    """What runs now; for a domain that is off the same as ``inactive``."""
    inactive: str | None
    """What the next boot uses; None for a transient domain."""
    changes: tuple[XmlChange, ...]
    """What differs between the two, without what libvirt itself adds to live XML."""


class Description(NamedTuple):
    """What people wrote about a domain, whole."""

    title: str
    """One line, sanitised; so is the text, whose lines are kept."""
    text: str


class DomainDetails(NamedTuple):
    """All that the overview shows, read in one go."""

    key: DomainKey
    info: tuple[tuple[str, str], ...]
    """``virsh dominfo``'s facts: label and value."""
    stats: tuple[tuple[str, int | float | str], ...]
    """``virsh domstats``'s typed parameters by their own names, e.g. ``cpu.time``."""
    devices: tuple[Device, ...]
    xml: DomainXml
    guest: tuple[tuple[str, str], ...] = ()
    """What the guest agent tells: hostname, OS, users, file systems; label and value."""
    messages: tuple[str, ...] = ()
    """``virsh domain-messages``: tainting and deprecation notices."""
    unread: tuple[str, ...] = ()
    """What could not be read, each with its reason."""
    no_address: str = ""
    """Why no address of it may be known, while it runs."""


class ConsolePast(NamedTuple):
    """What a console printed before anybody listened: the end of its log file."""

    path: str = ""
    """The file, sanitised; empty where the console has none."""
    data: bytes = b""
    """Its end, as the guest printed it; for a terminal's core and nothing else."""
    until: float | None = None
    """When it was last written (``time.time()``)."""
    error: TuivmError | None = None
    """Why it could not be read."""
    offer: str = ""
    """The file that could be added where there is none."""


class QemuLog(NamedTuple):
    """The tail of the hypervisor's own log of a domain."""

    path: str
    text: str
    """The last part of the file, sanitised, at most 256 KiB."""
    error: TuivmError | None = None
    """Why it could not be read: remote host, permission, no such driver."""


class ChildExit(NamedTuple):
    """How a program in a terminal pane ended."""

    code: int | None
    """Its exit code, or None when a signal ended it."""
    signal: str = ""
    """The signal's name: ``SIGKILL``."""

    @property
    def text(self) -> str:
        """``exit code 0``, or the signal."""
        if self.code is not None:
            return f"exit code {self.code}"
        return f"ended by {self.signal}" if self.signal else "ended"
