"""Collects what a bug report needs, without secrets, into one archive.

Blocks for as long as the host and the host check take: on a thread of its own.
"""

from __future__ import annotations

import io
import logging
import os
import platform
import sys
import tarfile
import textwrap
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import libvirt

from tuivm import __version__
from tuivm.backend import admin, errors
from tuivm.backend.details import read_details
from tuivm.backend.host import Host
from tuivm.backend.host_check import check_open
from tuivm.backend.log import read_log, read_tail
from tuivm.backend.probe import read_host, version_text
from tuivm.backend.scrub import scrub_text, scrub_xml
from tuivm.core import files
from tuivm.core.check import as_text
from tuivm.core.errors import TuivmError
from tuivm.core.support import ENDING, Bundle, BundleOrder
from tuivm.core.text import sanitise

logger = logging.getLogger(__name__)

PATIENCE = 30.0
"""Seconds that one part may take."""
CLIENT_LOG_BYTES = 1 << 20
"""Bytes of the client log's end that go in."""
_LIBRARIES = ("textual", "libvirt-python", "lxml", "rich", "pyghostty", "pyavt", "pexpect")
_VARIABLES = ("TERM", "COLORTERM", "LANG", "LC_ALL", "TMUX", "STY", "XDG_SESSION_TYPE")


@dataclass(frozen=True, slots=True)
class Part:
    """One file of the bundle."""

    name: str
    what: str
    """For the list in it: what the file holds."""
    make: Callable[[], str]
    """Raises ``TuivmError`` with the reason where it cannot be had."""


def write_bundle(
    order: BundleOrder,
    host: Host | None,
    path: Path,
    report: Callable[[str], None],
    *,
    replace: bool = False,
) -> Bundle:
    """Collect and write. Raises ``TuivmError`` where the file cannot be written."""
    made: list[tuple[Part, str]] = []
    missing: list[tuple[Part, str]] = []
    for part in parts(order, host):
        report(part.what)
        try:
            made.append((part, scrub_text(part.make())))
        except Exception as error:
            failure = errors.convert(error, title=f"Cannot read {part.what}")
            missing.append((part, sanitise(f"{failure.message or failure.title}", 400)))
    texts = {part.name: text for part, text in made}
    texts = {"README.txt": readme(order, made, missing), **texts}
    folder = path.name.removesuffix(ENDING) or "tuivm"
    try:
        size = files.save_bytes(path, _archive(folder, texts), replace=replace)
    except FileExistsError:
        raise TuivmError(
            "Cannot write the bundle",
            f"there is a file already: {sanitise(str(path), 300)}",
            hint="choose another name",
        ) from None
    except OSError as error:
        raise TuivmError(
            "Cannot write the bundle",
            sanitise(f"{error.strerror or error}: {path}", 400),
            hint="choose another folder",
        ) from None
    lost = tuple(f"{part.what}: {reason}" for part, reason in missing)
    return Bundle(path, size, tuple(texts), lost)


def parts(order: BundleOrder, host: Host | None) -> Iterator[Part]:
    """What goes in, in the order of the list in it."""
    reader = _Reader(order, host)
    yield Part(
        "versions.txt", "versions of tuivm, libvirt, QEMU, Python, the system", reader.versions
    )
    if order.key is not None:
        yield Part("domain.txt", "the VM's state and counters", reader.domain)
        yield Part("domain-live.xml", "the VM's definition as it runs", reader.live)
        yield Part("domain-next.xml", "the VM's definition of its next start", reader.inactive)
        yield Part("qemu.log", "the end of the hypervisor's log of the VM", reader.log)
    yield Part("check.txt", "what `tuivm check` finds on the host", reader.check)
    yield Part("capabilities.xml", "what the host can do", reader.capabilities)
    yield Part("daemon.txt", "how libvirt's daemon logs", reader.daemon)
    yield Part("events.txt", "tuivm's event log of it", reader.events)
    yield Part("libvirt-client.log", "the end of libvirt's client log", reader.client_log)


class _Reader:
    """Reads each part; the host's calls run on its own threads, with their deadlines."""

    def __init__(self, order: BundleOrder, host: Host | None) -> None:
        self._order = order
        self._host = host

    def _ask(self, fn: Callable[[libvirt.virConnect], str], call: str) -> str:
        if self._host is None:
            raise errors.not_connected(sanitise(self._order.host, 80))
        return self._host.submit(fn, call=call, lane="job").result(PATIENCE)

    def _lookup(self, conn: libvirt.virConnect) -> libvirt.virDomain:
        assert self._order.key is not None
        return Host.lookup(conn, self._order.key)

    def versions(self) -> str:
        """Of everything that may matter."""
        lines = [("tuivm", __version__), *self._told()]
        lines.append(("libvirt here", version_text(libvirt.getVersion())))
        lines += [("Python", sys.version.replace("\n", " ")), ("System", _system())]
        lines.append(("Kernel", f"{platform.system()} {platform.release()} {platform.machine()}"))
        lines += [(name, _library(name)) for name in _LIBRARIES]
        lines += [(name, os.environ[name]) for name in _VARIABLES if name in os.environ]
        return _table(lines)

    def _told(self) -> list[tuple[str, str]]:
        """How the host stands, and what it says of itself."""
        host = self._host
        if host is None:
            return [("Host", f"{self._order.host}: there is no such host")]
        status = host.status
        lines = [("Host", status.id), ("URI", host.uri), ("State", status.state.value)]
        if status.error is not None:
            lines += [("Error", str(status.error)), ("libvirt says", status.error.raw)]
        try:
            asked = host.submit(read_host, call="virConnectGetVersion", lane="job")
            told = asked.result(PATIENCE)
        except TuivmError as error:
            return [*lines, ("Not asked", error.message or error.title)]
        return lines + [(f"Host: {name}", str(value)) for name, value in told.items()]

    def domain(self) -> str:
        """What libvirt tells of its state."""
        key = self._order.key
        assert key is not None

        def read(conn: libvirt.virConnect) -> str:
            details = read_details(conn, key)
            # What the guest agent tells of the guest's people is left out.
            lines = [*details.info, *((name, str(value)) for name, value in details.stats)]
            lines += [("Message", text) for text in details.messages]
            lines += [("Not read", text) for text in details.unread]
            return _table(lines)

        if self._host is None:
            raise errors.not_connected(sanitise(self._order.host, 80))
        future = self._host.submit(read, call="virDomainGetInfo", lane="agent", deadline=PATIENCE)
        return future.result(PATIENCE + 1)

    def live(self) -> str:
        """As it runs; never with what ``VIR_DOMAIN_XML_SECURE`` adds."""
        return self._ask(
            lambda conn: scrub_xml(self._lookup(conn).XMLDesc(0)), "virDomainGetXMLDesc"
        )

    def inactive(self) -> str:
        """As it starts next."""

        def read(conn: libvirt.virConnect) -> str:
            domain = self._lookup(conn)
            if not domain.isPersistent():
                raise TuivmError("No definition", "it is transient and has no next start")
            return scrub_xml(domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE))

        return self._ask(read, "virDomainGetXMLDesc")

    def log(self) -> str:
        """What QEMU said."""
        host, key = self._host, self._order.key
        assert key is not None
        if host is not None and host.extras is not None:
            told = host.extras.log(key.uuid, self._order.name)
        else:
            name = self._ask(lambda conn: str(self._lookup(conn).name()), "virDomainLookupByUUID")
            told = read_log(host.uri if host else "", name)
        if told.error is not None:
            raise told.error
        return f"{told.path}\n\n{told.text}"

    def check(self) -> str:
        """The host check."""
        return as_text(check_open(self._order.host, self._host).result(PATIENCE))

    def capabilities(self) -> str:
        """Of the host."""
        return self._ask(lambda conn: str(conn.getCapabilities()), "virConnectGetCapabilities")

    def daemon(self) -> str:
        """Settings only: who is connected is nobody else's business."""
        return "\n".join(map(_logging, admin.doors(self._host.uri if self._host else "")))

    def events(self) -> str:
        """As the program keeps them."""
        if not self._order.events:
            raise TuivmError("No events", "there are none")
        return self._order.events

    def client_log(self) -> str:
        """Its end."""
        if not self._order.client_log:
            raise TuivmError("No log", "it is off; `tuivm --debug` or :debug turns it on")
        return read_tail(Path(self._order.client_log), CLIENT_LOG_BYTES)


def readme(
    order: BundleOrder, made: list[tuple[Part, str]], missing: list[tuple[Part, str]]
) -> str:
    """What is in the bundle, what is not, and why."""
    subject = (
        f"the VM {order.name} on the host {order.host}" if order.key else f"the host {order.host}"
    )
    stamp = time.strftime("%Y-%m-%d %H:%M:%S %z")
    width = max(len(part.name) for part, _ in (*made, *missing)) + 2
    lines = [f"Made by tuivm {__version__} on {stamp}, about {subject}.", "", "In it:"]
    lines += [f"  {part.name:<{width}}{part.what}" for part, _ in made]
    if missing:
        lines += ["", "Not in it:"]
        for part, reason in missing:
            lines += textwrap.wrap(
                f"{part.name:<{width}}{part.what}: {reason}",
                96,
                initial_indent="  ",
                subsequent_indent=" " * (width + 2),
            )
    lines += [
        "",
        "Passwords, secrets' values, cookies, private keys, firmware strings and metadata of",
        "other programs were taken out. Names, addresses and paths are in it: read it before",
        "you give it away.",
    ]
    return "\n".join(lines) + "\n"


def _archive(folder: str, texts: dict[str, str]) -> bytes:
    data, now = io.BytesIO(), int(time.time())
    with tarfile.open(fileobj=data, mode="w:gz") as archive:
        for name, text in texts.items():
            content = text.encode("utf-8", "replace")
            member = tarfile.TarInfo(f"{folder}/{name}")
            member.size, member.mtime, member.mode = len(content), now, 0o600
            archive.addfile(member, io.BytesIO(content))
    return data.getvalue()


def _logging(door: admin.Door) -> str:
    lines = [("Daemon", door.daemon)]
    if door.reason:
        return _table([*lines, ("Not read", door.reason)])
    try:
        logs = admin.read(door, {})
    except TuivmError as error:
        return _table([*lines, ("Not read", str(error))])
    lines += [("Filters", logs.filters or "none"), ("Outputs", logs.outputs)]
    return _table([*lines, ("Clients", str(len(logs.clients)))])


def _table(lines: list[tuple[str, str]]) -> str:
    width = max(len(name) for name, _ in lines)
    return "".join(f"{name:<{width}}  {value}\n" for name, value in lines)


def _library(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _system() -> str:
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME", "unknown")
    except OSError:
        return platform.platform()
