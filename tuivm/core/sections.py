"""What an overview is made of: titled groups of labelled values, and what they are read from."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from tuivm.core.counters import Counters
from tuivm.core.errors import TuivmError
from tuivm.core.model import Domain, DomainDetails, HostStatus, Stats


class Field(NamedTuple):
    """One line: what it is and its value."""

    label: str
    value: str
    role: str = ""
    """How the value is drawn: ``dim`` where it is unknown, ``warn``, ``bad``, ``good``."""
    head: bool = False
    """True where it opens a group of its own, such as one disk of several."""


class Section(NamedTuple):
    """A titled group of fields."""

    title: str
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class Known:
    """All that is known of one domain at one moment."""

    domain: Domain
    stats: Stats | None = None
    details: DomainDetails | None = None
    """None until they were read."""
    error: TuivmError | None = None
    """Why they could not be read."""
    host: HostStatus | None = None
    rates: Mapping[str, float] = field(default_factory=dict)
    """Growth of the counters in ``details.stats``, per second; empty after the first reading."""
    now: float = field(default_factory=time.time)

    @property
    def waiting(self) -> str:
        """Why the details are not there, or empty when they are."""
        if self.details is not None:
            return ""
        return f"not read: {self.error}" if self.error else "reading…"


class Info:
    """``virsh dominfo``'s labels and values, with a note of which were shown."""

    def __init__(self, pairs: tuple[tuple[str, str], ...]) -> None:
        self._pairs = {
            label.rstrip(":").strip().casefold(): (label, value) for label, value in pairs
        }

    def take(self, label: str) -> str:
        """Return a value and count it as shown; empty when it is not there."""
        pair = self._pairs.pop(label.casefold(), None)
        return pair[1] if pair else ""

    def rest(self) -> tuple[tuple[str, str], ...]:
        """Return what nobody asked for."""
        return tuple(self._pairs.values())


class Reading:
    """One pass over what is known; each part takes its share and leaves the rest."""

    def __init__(self, known: Known) -> None:
        self.known = known
        self.domain = known.domain
        self.stats = known.stats
        self.details = known.details
        self.counters = Counters(known.details.stats if known.details else ())
        self.info = Info(known.details.info if known.details else ())

    def rate(self, name: str) -> float | None:
        """Return how fast a counter grows, per second; None when that is not known."""
        return self.known.rates.get(name)


def unknown(label: str, reason: str) -> Field:
    """A field whose value is not known, with the reason in its place."""
    return Field(label, f"unknown: {reason}", "dim")


def yes_no(label: str, value: bool | None, *, yes: str = "yes", no: str = "no") -> Field:
    """A field that is yes, no, or unknown."""
    if value is None:
        return unknown(label, "not told by this host")
    return Field(label, yes if value else no)


def count(value: float | str) -> str:
    """Write a whole number with its thousands apart; text as it is."""
    return value if isinstance(value, str) else f"{value:,.0f}"
