"""Reads domains' XML little by little: what is on screen first, then the rest in peace."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, NamedTuple

import libvirt

from tuivm.backend import errors
from tuivm.backend.link import LaneName
from tuivm.backend.rows import Rows
from tuivm.backend.task import Timing
from tuivm.core.errors import TuivmError
from tuivm.core.model import Domain, Facts

logger = logging.getLogger(__name__)

_PAUSE = 0.5
"""Seconds between two portions in the background: each wakes the UI once."""
_LONG = 0.3
"""Seconds after which a portion ends where it is."""
_AT_ONCE = 64
"""Rows on screen that are read in one call; a large terminal shows no more."""
_IN_PROCESS_FACTOR = 40
"""How much faster a driver inside this process may be asked: nobody else waits for it."""


class Found(NamedTuple):
    """What one domain's XML told."""

    facts: Facts
    pending: bool | None
    """True when its next boot differs from what runs; None when that was not asked."""


class FactsReader:
    """Keeps ``Domain.facts`` and ``Domain.pending_config`` filled. Keeper thread only."""

    call = "virDomainGetXMLDesc"
    lane: LaneName = "side"

    def __init__(self, rows: Rows, timing: Timing, *, in_process: bool) -> None:
        self._rows = rows
        self.deadline = timing.read
        rate = timing.facts_rate * (_IN_PROCESS_FACTOR if in_process else 1)
        self._portion = max(1, int(rate * _PAUSE))
        # Insertion order is the order of reading.
        self._wanted: dict[str, None] = {}
        self._visible: tuple[str, ...] = ()
        self._reading: tuple[str, ...] = ()
        self._next_at = 0.0

    def focus(self, visible: Iterable[str]) -> None:
        """Take the UUIDs on screen."""
        self._visible = tuple(visible)

    def want(self, uuids: Iterable[str]) -> None:
        """Read these, again if need be."""
        self._wanted.update((uuid, None) for uuid in uuids if uuid in self._rows.domains)

    def want_visible(self) -> None:
        """Read what is on screen again."""
        self.want(self._visible)

    def again(self) -> None:
        """Read again what was read before all changes could be heard."""
        self.want(u for u, domain in self._rows.domains.items() if domain.facts is not None)
        self.want(self._reading)

    def forget(self, uuids: Iterable[str]) -> None:
        """They are gone."""
        for uuid in uuids:
            self._wanted.pop(uuid, None)

    def due(self) -> float | None:
        """At once for rows on screen, else at its pace."""
        if not self._wanted:
            return None
        if any(uuid in self._wanted for uuid in self._visible):
            return 0.0
        return self._next_at

    def begin(self, now: float) -> Callable[[libvirt.virConnect], Any]:
        """Read the next portion."""
        seen = [uuid for uuid in self._visible if uuid in self._wanted]
        untitled = [uuid for uuid in seen if self._rows.domains[uuid].facts is None]
        seen = (untitled or seen)[:_AT_ONCE]
        portion = seen or [
            uuid for uuid, _ in zip(self._wanted, range(self._portion), strict=False)
        ]
        if not seen:
            self._next_at = now + _PAUSE
        self._reading = tuple(portion)
        for uuid in portion:
            del self._wanted[uuid]
        on_screen = frozenset(self._visible)
        return partial(read_facts, wants=[(u, u in on_screen and self._known(u)) for u in portion])

    def done(self, result: dict[str, Found | None], now: float) -> None:
        """Put the facts into the rows; what there was no time for is read next."""
        self.want(uuid for uuid in self._reading if uuid not in result)
        self._reading = ()
        self._rows.set_many(
            (uuid, self._fields(uuid, found)) for uuid, found in result.items() if found
        )
        # Whether a power cycle is pending takes a second document: all titles come first.
        self.want(u for u in self._visible if u in result and result[u] and self._unsure(u))

    def failed(self, error: TuivmError, now: float) -> None:
        """Read them later, after everything else."""
        self.want(self._reading)
        self._reading = ()
        self._next_at = now + 10 * _PAUSE

    def _runs(self, uuid: str) -> bool:
        domain: Domain | None = self._rows.domains.get(uuid)
        return domain is not None and domain.state.active and domain.persistent is not False

    def _known(self, uuid: str) -> bool:
        return self._runs(uuid) and self._rows.domains[uuid].facts is not None

    def _unsure(self, uuid: str) -> bool:
        return self._runs(uuid) and self._rows.domains[uuid].pending_config is None

    def _fields(self, uuid: str, found: Found) -> dict[str, Any]:
        fields: dict[str, Any] = {"facts": found.facts}
        if found.pending is not None or not self._runs(uuid):
            fields["pending_config"] = found.pending
        return fields


def read_facts(
    conn: libvirt.virConnect, wants: Iterable[tuple[str, bool]]
) -> dict[str, Found | None]:
    """The facts of some domains, and for those marked whether a power cycle is pending.

    None for one that cannot be read. Stops early when it takes long: rows of a host that
    is far away then fill a few at a time.
    """
    # Parsing is not needed before the list is on screen; importing it takes a while.
    from tuivm.backend import xml

    found: dict[str, Found | None] = {}
    until = time.monotonic() + _LONG
    for uuid, compare in wants:
        if found and time.monotonic() > until:
            break
        found[uuid] = None
        try:
            live, inactive = _read(conn, uuid, compare)
            pending = bool(xml.changes(live, inactive)) if compare else None
            found[uuid] = Found(xml.facts(live), pending)
        except libvirt.libvirtError as error:
            if errors.broken(error):
                raise
            # It vanished, or it cannot be read just now; its row says so by itself.
            logger.debug("no XML of %s: %s", uuid, error)
        except TuivmError as error:
            logger.warning("unreadable XML of %s: %s", uuid, error)
    return found


def _read(conn: libvirt.virConnect, uuid: str, both: bool) -> tuple[str, str]:
    domain = conn.lookupByUUIDString(uuid)
    live = domain.XMLDesc(0)
    return live, domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE) if both else ""
