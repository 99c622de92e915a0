"""Why a domain does not do as it was told: collects what is known of it and asks who knows.

Each trouble has a module of its own (``why_shutdown`` and its like) with one function from
a ``Case`` to causes. They never change anything; all run on a host's own thread.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import libvirt
from lxml import etree

from tuivm.backend import why_busy, why_paused, why_shutdown, why_silent, why_start
from tuivm.backend.case import Case, Doing
from tuivm.backend.inventory import decode
from tuivm.backend.shutdown import NO_AGENT, Asked
from tuivm.backend.xml_parse import parse, without_secrets
from tuivm.core.causes import Cause, surest_first
from tuivm.core.errors import TuivmError
from tuivm.core.shutdown import BY_AGENT
from tuivm.core.text import sanitise

logger = logging.getLogger(__name__)

EXPLAINERS: tuple[Callable[[Case], Iterable[Cause]], ...] = (
    why_start.causes,
    why_paused.causes,
    why_busy.causes,
    why_silent.causes,
    why_shutdown.causes,
)
"""Each says by itself whether the case is one of its own."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked about, and what the program knows besides what the host tells."""

    uuid: str
    uri: str
    error: TuivmError | None = None
    """What failed, for a domain that did not start."""
    asked: float | None = None
    """``time.monotonic()`` at which this program asked the guest to shut down."""
    agent: str = ""
    """What libvirt said when that went to the guest agent, and failed."""
    button: bool = True
    """False when it went to the guest agent alone."""
    started_at: float | None = None
    """``time.time()`` of its start, as far as known."""


def answered(request: Asked | None) -> tuple[float | None, str, bool]:
    """When a request to shut down was made, how its agent failed, and if the button was pressed."""
    if request is None:
        return None, "", True
    by_agent = request.mode == "agent"
    if not request.answer.done():
        waited = time.monotonic() - request.at
        return request.at, f"nothing yet, for {waited:.0f} s" if by_agent else "", not by_agent
    if request.answer.exception() is not None:
        return None, "", True  # the guest never heard of it
    note = request.answer.result()
    return request.at, note.partition(NO_AGENT)[2], note != BY_AGENT


def explain(conn: libvirt.virConnect, question: Question) -> tuple[Cause, ...]:
    """Find what stands in the way, the surest first; empty where nothing is found.

    Blocks for up to some seconds. Raises ``libvirt.libvirtError`` when the domain cannot be
    read; a part that fails is left out and logged.
    """
    case = to_case(conn, question)
    found: list[Cause] = []
    for explainer in EXPLAINERS:
        try:
            found += explainer(case)
        except (libvirt.libvirtError, TuivmError, OSError) as error:
            logger.warning("%s cannot explain: %s", explainer.__module__, error)
    return surest_first(found)


def to_case(conn: libvirt.virConnect, question: Question) -> Case:
    """Read what is known of a domain; blocks. Raises ``libvirt.libvirtError``."""
    domain = conn.lookupByUUIDString(question.uuid)
    live = without_secrets(parse(domain.XMLDesc(0)))
    inactive = _inactive(domain)
    # State last: what was read before belongs to it, or the domain is gone from it.
    state, reason = decode(*domain.state()[:2])
    asked = None if question.asked is None else time.monotonic() - question.asked
    started = question.started_at
    uptime = None if started is None or not state.active else max(0.0, time.time() - started)
    if asked is not None and (not state.active or (uptime is not None and uptime < asked)):
        asked = None  # that was another run of it
    return Case(
        conn=conn,
        domain=domain,
        uri=question.uri,
        name=sanitise(domain.name(), 80),
        state=state,
        reason=reason,
        live=live,
        inactive=inactive,
        doing=Doing(uptime, asked, "" if asked is None else question.agent, question.button),
        error=question.error,
    )


def _inactive(domain: libvirt.virDomain) -> etree._Element | None:
    """What the next start uses; None for a transient domain."""
    try:
        if not domain.isPersistent():
            return None
        return without_secrets(parse(domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)))
    except libvirt.libvirtError:
        return None
