"""Protocol through which screens ask for what helps to find a fault: logs, and a bundle of all."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tuivm.core.daemonlog import AdminDoor, DaemonLogs, Setting
from tuivm.core.model import DomainKey

ENDING = ".tar.gz"


@dataclass(frozen=True, slots=True)
class BundleOrder:
    """What a bundle for a bug report is to be about."""

    host: str
    key: DomainKey | None = None
    """The VM; None for the host alone."""
    name: str = ""
    """The VM's name."""
    events: str = ""
    """The event log of both, as text."""
    client_log: str = ""
    """libvirt's client log: a file of this machine, or empty."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle that was written."""

    path: Path
    size: int
    """Bytes."""
    parts: tuple[str, ...]
    """The files in it."""
    missing: tuple[str, ...]
    """What could not be had, each with its reason."""


class Support(Protocol):
    """Part of ``core.api.Backend``; its rules hold here too."""

    def read_file(self, path: str) -> Future[str]:
        """Read the end of a log file of this machine, sanitised."""

    def daemons(self, host: str) -> Future[tuple[AdminDoor, ...]]:
        """Find the daemons of a host that can be asked, the one behind its URI first.

        Only those of this machine can be; the error says what to do for others.
        """

    def daemon_logs(self, host: str, daemon: str) -> Future[DaemonLogs]:
        """Read how one of a host's ``daemons`` logs, and who is connected to it."""

    def set_daemon_log(self, host: str, daemon: str, what: Setting, value: str) -> Future[None]:
        """Set filters or outputs of a host's daemon until it ends; needs its administrator."""

    def bundle(
        self,
        order: BundleOrder,
        path: Path,
        report: Callable[[str], None],
        *,
        replace: bool = False,
    ) -> Future[Bundle]:
        """Collect what a bug report needs, without secrets, and write it, for the user alone.

        ``report`` hears what is being read, on a backend thread. Fails only where the file
        cannot be written; what cannot be read is named in the bundle.
        """
