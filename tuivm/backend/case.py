"""What is known of a domain whose trouble is to be explained."""

from __future__ import annotations

import re
from dataclasses import dataclass

import libvirt
from lxml import etree

from tuivm.core.errors import TuivmError
from tuivm.core.model import State


@dataclass(frozen=True, slots=True)
class Doing:
    """What it has been doing; None is unknown."""

    uptime: float | None = None
    """Seconds since its start."""
    asked: float | None = None
    """Seconds since this program asked this run of it to shut down; None: it did not."""
    agent: str = ""
    """What libvirt said when that request went to the guest agent, and failed."""
    button: bool = True
    """False when only its agent was asked: no power button was pressed."""


@dataclass(frozen=True, slots=True)
class Case:
    """One domain in trouble. Holds libvirt's handles: never leaves the host's thread."""

    conn: libvirt.virConnect
    """For facts of the host, such as its networks."""
    domain: libvirt.virDomain
    """For further questions; a call may block, and must have an end (``patience``)."""
    uri: str
    name: str
    """Sanitised."""
    state: State
    reason: str
    """As ``Domain.reason``: ``I/O error``, ``by user``."""
    live: etree._Element
    """The XML of what runs, secrets hidden; of the next start while it is off."""
    inactive: etree._Element | None
    """The XML of the next start; None for a transient domain."""
    doing: Doing
    error: TuivmError | None
    """What failed, where a failure is to be explained."""

    @property
    def shell_name(self) -> str:
        """What a shell command calls it: its name, or its UUID where that could be misread."""
        plain = re.fullmatch(r"[A-Za-z][\w.+-]*", self.name, re.ASCII)
        return self.name if plain else self.domain.UUIDString()
