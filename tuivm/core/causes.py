"""Why something does not go as it was asked for: causes with their evidence, and ways out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Surety(StrEnum):
    """How sure a cause is; the surest is told first."""

    CERTAIN = "certain"
    """This very VM or host shows it, and it is enough to explain what happened."""
    LIKELY = "likely"
    """Shown, but something else could explain it too."""
    POSSIBLE = "possible"
    """Not ruled out."""


@dataclass(frozen=True, slots=True)
class Cure:
    """One way out of a trouble."""

    title: str
    """What it does: ``Force off``, ``Start the network default, now and with its host``."""
    key: str = ""
    """The key that takes it where causes are shown; empty where only a person can do it."""
    verb: str = ""
    """``Backend.run``'s verb that does it, or empty."""
    args: Mapping[str, str] = field(default_factory=dict)
    """That verb's arguments."""
    action_id: str = ""
    """The action of the registry that does it, where it is no verb: ``view.console``."""
    level: int = 0
    """How it is confirmed (design, section 5)."""
    lines: tuple[str, ...] = ()
    """What a person has to type or change, line by line: in the guest, the host or the XML."""


@dataclass(frozen=True, slots=True)
class Cause:
    """One thing that stands in the way."""

    id: str
    """Stable: ``acpi-off``, ``network-inactive``."""
    title: str
    """The cause in one plain sentence."""
    surety: Surety
    evidence: str
    """What shows it, and where that stands: a line of the XML, a path, a message."""
    cures: tuple[Cure, ...] = ()
    """The best first."""
    topic: str = ""
    """What it is about where it is no fault: ``agent``, ``snapshot``; empty for a fault."""


def surest_first(causes: Iterable[Cause]) -> tuple[Cause, ...]:
    """Order causes by how sure they are, each once; among equals the first stays first.

    What is merely possible is left out where something is certain.
    """
    order = list(Surety)
    once: dict[str, Cause] = {}
    for cause in causes:
        once.setdefault(cause.id, cause)
    found = sorted(once.values(), key=lambda cause: order.index(cause.surety))
    if found and found[0].surety is Surety.CERTAIN:
        found = [cause for cause in found if cause.surety is not Surety.POSSIBLE]
    return tuple(found)
