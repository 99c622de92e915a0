"""One domain by what a person calls it, over connections that are made for that alone."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from difflib import get_close_matches
from functools import partial
from typing import NamedTuple, TypeVar

import libvirt

from tuivm.backend import refusals
from tuivm.backend.connection import Target, close_connection, open_connection
from tuivm.backend.lane import Call, Lane
from tuivm.backend.link import LaneName
from tuivm.backend.lists import list_domains
from tuivm.core.errors import TuivmError
from tuivm.core.model import Domain
from tuivm.core.text import sanitise

ANSWER = 20.0
"""Seconds after which a host that does not answer is given up."""
CLOSING = 2.0
"""Seconds that closing may take."""
_UUID = re.compile(r"[0-9a-f]{8}(?:-?[0-9a-f]{4}){3}-?[0-9a-f]{12}", re.IGNORECASE)

T = TypeVar("T")


class Found(NamedTuple):
    """A domain's identity, and its name as it may be shown."""

    uuid: str
    name: str


class Direct:
    """A connection for one purpose, with no inventory; a ``ConsoleHost`` for the console."""

    def __init__(self, uri: str) -> None:
        self.uri = uri
        self._released = threading.Event()
        self._lane = Lane(
            "console",
            self._open,
            partial(close_connection, callbacks=()),
            limit=1,
            on_broken=lambda _lane, _error: None,
            on_closed=lambda _lane: self._released.set(),
        )

    def _open(self) -> libvirt.virConnect:
        try:
            return open_connection(Target(self.uri))
        except libvirt.libvirtError as error:
            raise refusals.connection_error(error, self.uri) from None

    def submit(
        self,
        fn: Callable[[libvirt.virConnect], T],
        *,
        call: str,
        title: str = "",
        lane: LaneName = "main",
        deadline: float | None = None,
    ) -> Future[T]:
        """Run ``fn`` on a thread of its own; the caller watches the clock."""
        job = Call(fn, call=call, title=title, deadline=deadline or ANSWER)
        self._lane.submit(job)
        return job.future

    def watch(self, uuid: str, callback: Callable[[Domain | None], None]) -> Callable[[], None]:
        """Nothing is watched: the console ends with its machine."""
        return lambda: None

    def find(self, text: str) -> Future[Found | list[str]]:
        """The domain of that UUID, name or id, in this order, or all names there are."""
        return self.submit(lambda conn: _find(conn, text), call="virDomainLookupByName")

    def close(self) -> None:
        """Close the connection; waits for it, but not for a host that hangs."""
        self._lane.kill(TuivmError("closed"))
        self._released.wait(CLOSING)


def _find(conn: libvirt.virConnect, text: str) -> Found | list[str]:
    lookups: list[Callable[[], libvirt.virDomain]] = []
    if _UUID.fullmatch(text):
        lookups.append(lambda: conn.lookupByUUIDString(text))
    lookups.append(lambda: conn.lookupByName(text))
    if text.isascii() and text.isdigit() and int(text) < 1 << 31:
        lookups.append(lambda: conn.lookupByID(int(text)))
    for lookup in lookups:
        try:
            domain = lookup()
        except libvirt.libvirtError as error:
            if error.get_error_code() != libvirt.VIR_ERR_NO_DOMAIN:
                raise
        else:
            return Found(domain.UUIDString(), sanitise(domain.name()))
    return [domain.name() for domain in list_domains(conn)]


def locate(uris: Sequence[str], text: str) -> tuple[Direct, Found]:
    """The one domain of that name on these connections. Raises ``TuivmError``."""
    links = [Direct(uri) for uri in uris]
    asked = [(link, link.find(text)) for link in links]
    found: list[tuple[Direct, Found]] = []
    names: list[str] = []
    failures: list[TuivmError] = []
    for link, future in asked:
        try:
            answer = future.result(ANSWER)
        except FutureTimeout:
            failures.append(refusals.no_answer(link.uri, ANSWER))
        except TuivmError as error:
            failures.append(error)
        else:
            if isinstance(answer, Found):
                found.append((link, answer))
            else:
                names += answer
    if len(found) == 1:
        return found[0]
    shown = sanitise(text, 80)
    if found:
        where = ", ".join(sanitise(link.uri) for link, _ in found)
        raise TuivmError(
            f"Cannot tell which {shown} is meant",
            f"there is one on each of {where}",
            hint="name the connection with -c URI",
        )
    if failures:
        raise failures[0]
    raise unknown(text, names, uris)


def unknown(text: str, names: Sequence[str], uris: Sequence[str]) -> TuivmError:
    """The failure to find a domain, with the name that was probably meant."""
    close = get_close_matches(text, names, 1)
    if close:
        hint = f"did you mean {sanitise(close[0], 80)}?"
    elif names:
        hint = "`tuivm list` or `virsh list --all` names them"
    else:
        hint = "there are no VMs at all: another connection? name it with -c URI"
    where = ", ".join(sanitise(uri) for uri in uris)
    return TuivmError(f"There is no VM {sanitise(text, 80)}", f"not on {where}", hint=hint)
