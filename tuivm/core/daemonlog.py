"""A libvirt daemon's logging and its clients, as ``virt-admin`` tells of them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, NamedTuple

from tuivm.core.text import sanitise

Setting = Literal["filters", "outputs"]
"""What can be set of a daemon's logging (https://libvirt.org/logging.html)."""

_LEVEL = re.compile(r"(?:^|\s)([1-4]):")
_STARS = re.compile(r"(?<=\d:)\*+([^*\s]+)\*+(?=\s|$)")
_ALL = re.compile(r"(?<=\d:)\*{2,}(?=\s|$)")
_SERVER = re.compile(r"[\w.-]{1,40}")
_TIME = "%Y-%m-%d %H:%M:%S%z"


class Preset(NamedTuple):
    """A value to choose from a menu."""

    key: str
    title: str
    value: str


_FILTERS = (
    Preset("a", "All but the noise, as libvirt asks for in bug reports",
           "3:remote 4:event 3:util.json 3:util.object 3:util.dbus 3:util.netlink "
           "3:node_device 3:rpc 3:access 1:*"),
    Preset("q", "VMs: QEMU, its monitor, security labels", "1:qemu 1:security 1:conf 1:cpu"),
    Preset("n", "Networks and firewall",
           "1:network 1:nwfilter 1:util.firewall 1:util.netdev 1:util.dnsmasq"),
    Preset("s", "Storage and locks", "1:storage 1:util.storage 1:locking"),
    Preset("c", "Connections and logins", "1:rpc 1:remote 1:access"),
    Preset("0", "Off: no filter", ""),
)  # fmt: skip
"""Filters for the usual questions; the first one that matches a message counts."""
_OWN = {
    "virtlogd": Preset("l", "The log files that it writes", "1:logging"),
    "virtlockd": Preset("l", "The locks that it holds", "1:locking"),
}
"""What only these daemons have."""
_ANSWERS = {"virtlogd": "alc0", "virtlockd": "alc0", "virtnetworkd": "anc0", "virtstoraged": "asc0"}
"""The presets that fit a daemon which does one thing; all fit the others."""


def filter_presets(daemon: str) -> tuple[Preset, ...]:
    """Filters for the usual questions to a daemon."""
    own = [_OWN[daemon]] if daemon in _OWN else []
    wanted = _ANSWERS.get(daemon)
    return tuple(one for one in (*own, *_FILTERS) if wanted is None or one.key in wanted)


class AdminDoor(NamedTuple):
    """A daemon with an admin socket."""

    daemon: str
    """``libvirtd``, ``virtqemud``, ``virtlogd``."""
    reason: str = ""
    """Why this user cannot ask it, or empty."""


@dataclass(frozen=True, slots=True)
class DaemonClient:
    """Somebody who is connected to a daemon; sanitised."""

    server: str
    """The daemon's server: ``libvirtd``, or ``admin`` for virt-admin itself."""
    number: int
    transport: str
    """``unix``, ``tcp``, ``tls``."""
    since: float | None = None
    """``time.time()`` of the connection; None where it cannot be read."""
    fields: Mapping[str, str] = field(default_factory=dict)
    """``virt-admin client-info``'s, by its names; empty where it was not asked."""
    process: str = ""
    """The name of the process at the other end, where that is on this machine."""
    ours: bool = False
    """True for a connection of this program."""

    @property
    def access(self) -> str:
        """``read-write``, ``read-only``, or empty."""
        return {"yes": "read-only", "no": "read-write"}.get(self.fields.get("readonly", ""), "")

    @property
    def who(self) -> str:
        """Who it is, in a few words: ``root, virsh (process 812)``, ``10.0.0.7:40122``."""
        told = self.fields
        user = told.get("sasl_user_name") or told.get("unix_user_name") or told.get("unix_user_id")
        number = told.get("unix_process_id", "")
        # 0 and -1 are processes of which the daemon's machine knows no number.
        known = number.isdecimal() and number != "0"
        process = f"{self.process or 'process'} ({number})" if known else ""
        words = [word for word in (user, process, told.get("sock_addr", "")) if word]
        if self.ours:
            words.append("this program")
        return ", ".join(words) or "not told"


@dataclass(frozen=True, slots=True)
class DaemonLogs:
    """How a daemon logs now, and who is connected to it."""

    daemon: str
    """``libvirtd``, ``virtqemud``."""
    command: str
    """How to reach it by hand: ``virt-admin -c URI``."""
    filters: str
    outputs: str
    found: Mapping[Setting, str]
    """Both as this run of the program found them."""
    clients: tuple[DaemonClient, ...] = ()
    folder: str = "/var/log/libvirt"
    """Where it keeps logs."""

    def now(self, what: Setting) -> str:
        """One of the two settings."""
        return self.filters if what == "filters" else self.outputs

    @property
    def unseen(self) -> bool:
        """True when filters let messages through that no output takes."""
        levels, taken = _levels(self.filters), _levels(self.outputs)
        return bool(levels and taken) and min(levels) < min(taken)


def _levels(text: str) -> list[int]:
    return [int(level) for level in _LEVEL.findall(text)]


def output_presets(logs: DaemonLogs) -> tuple[Preset, ...]:
    """Outputs to choose from: what is there and a file or the journal for everything."""
    base = logs.found["outputs"]
    path = f"{logs.folder}/{logs.daemon}-debug.log"
    return (
        Preset(
            "f", "A file too, for all that the filters let through", f"{base} 1:file:{path}".strip()
        ),
        Preset("j", "The journal, for all that the filters let through", "1:journald"),
        Preset("w", "The journal, for warnings and errors", "3:journald"),
    )


def setting(text: str) -> str:
    """Read what ``daemon-log-filters`` and ``daemon-log-outputs`` print.

    libvirt puts stars around filters, as many as it is given; without them they mean the same.
    """
    value = sanitise(text.partition(":")[2].strip(), 4000)
    return _ALL.sub("*", _STARS.sub(r"\1", value))


def is_same(one: str, other: str) -> bool:
    """True when two settings say the same in the same order."""
    return one.split() == other.split()


def table(text: str) -> list[list[str]]:
    """Read a table: the cells of the lines below its rule."""
    _, _, body = text.partition("---")
    lines = body.splitlines()[1:]
    return [re.split(r"\s{2,}", line.strip()) for line in lines if line.strip()]


def servers(text: str) -> list[str]:
    """Read ``server-list``: the names, those left out that would not be a word."""
    names = [row[1] for row in table(text) if len(row) == 2]
    return [name for name in names if _SERVER.fullmatch(name)]


def clients(server: str, text: str) -> list[DaemonClient]:
    """Read ``client-list``."""
    return [
        DaemonClient(server, int(row[0]), sanitise(row[1], 20), _since(row[2]))
        for row in table(text)
        if len(row) == 3 and row[0].isdecimal() and len(row[0]) < 19
    ]


def info(text: str) -> dict[str, str]:
    """Read ``client-info``: names and values."""
    pairs = (line.partition(":") for line in text.splitlines())
    return {
        sanitise(name.strip(), 40): sanitise(value.strip(), 200)
        for name, colon, value in pairs
        if colon and name.strip()
    }


def _since(text: str) -> float | None:
    try:
        return datetime.strptime(text.strip(), _TIME).timestamp()
    except (ValueError, OverflowError):
        return None
