"""What a domain lacks, or would refuse, although nothing is wrong with it.

Read like causes, from the XML and the host, before anybody tries; shown apart from faults.
All run on a host's own thread and change nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable

import libvirt

from tuivm.backend import why_address, why_agent, why_console, why_migrate, why_slow, why_snapshot
from tuivm.backend.case import Case
from tuivm.backend.explain import Question, to_case
from tuivm.core.causes import Cause
from tuivm.core.errors import TuivmError

logger = logging.getLogger(__name__)

NOTERS: tuple[tuple[str, Callable[[Case], Iterable[Cause]]], ...] = (
    ("agent", why_agent.causes),
    ("address", why_address.causes),
    ("console", why_console.causes),
    ("speed", why_slow.causes),
    ("snapshot", why_snapshot.causes),
    ("migrate", why_migrate.causes),
)
"""Each says by itself whether there is something to say; by topic, in the order of the screen."""


def notes(
    conn: libvirt.virConnect, question: Question, topics: Iterable[str] = ()
) -> tuple[Cause, ...]:
    """Tell what a domain lacks or would refuse, by topic; all topics unless some are named.

    Blocks for up to some seconds. Raises ``libvirt.libvirtError`` when the domain cannot be
    read; a part that fails is left out and logged.
    """
    case, wanted = to_case(conn, question), frozenset(topics)
    found: dict[str, Cause] = {}
    for topic, noter in NOTERS:
        if wanted and topic not in wanted:
            continue
        try:
            for cause in noter(case):
                found.setdefault(cause.id, cause)
        except (libvirt.libvirtError, TuivmError) as error:
            logger.warning("nothing to tell of %s: %s", topic, error)
    return tuple(found.values())
