"""Protocol through which the screens manage hosts; see ``core.api`` for its manners."""

from __future__ import annotations

from concurrent.futures import Future
from typing import NamedTuple, Protocol

from tuivm.core.hostconfig import HostConfig
from tuivm.core.model import HostStatus


class Elsewhere(NamedTuple):
    """A connection of this machine that has the VMs which another one lacks."""

    uri: str
    vms: int
    """How many VMs it has."""


class HostBook(Protocol):
    """The hosts of a run. UI thread; nothing waits for libvirt."""

    def add(self, host: HostConfig) -> str:
        """Take a host in at the end; returns its id. It is connected if it wants to be.

        The user may be asked for passwords and the like. Raises ``TuivmError`` when the URI
        or the name is there already.
        """

    def change(self, host: str, to: HostConfig) -> str:
        """Change what a host is; returns its id, which follows its name.

        With another URI, name or access it is another connection: its rows come afresh.
        Raises ``TuivmError`` as ``add`` does, and when there is no such host.
        """

    def disconnect(self, host: str) -> None:
        """Close a host's connection and try no other until ``Backend.retry``; its rows go."""

    def forget(self, host: str) -> None:
        """Close a host's connection and take the host out, with all that is known of it."""

    def try_out(self, host: HostConfig) -> Future[HostStatus]:
        """Open a connection, look what is there, and close it; nothing is kept.

        The user may be asked for passwords and the like. The future fails with
        ``TuivmError``; once it is cancelled nothing more is asked.
        """

    def elsewhere(self, host: str) -> Future[Elsewhere | None]:
        """Look whether this machine's other connection has VMs, for a host that has none.

        Nobody is asked anything. None where there is no other one, where it is open already,
        where it has no VMs, or where it does not say.
        """
