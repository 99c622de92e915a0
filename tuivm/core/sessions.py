"""The console sessions of a run, one a domain's console."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import partial

from tuivm.core.cores import AUTO, new_core
from tuivm.core.model import DomainKey
from tuivm.core.session import ConsoleSession
from tuivm.core.terminal import TerminalCore

Place = tuple[DomainKey, str]
"""A domain and the alias of one of its consoles, empty for the first."""


class Sessions:
    """The run's console sessions and their scrollback, one a console. UI thread only.

    ``terminal`` is the configured terminal core, one of ``core.config.TERMINALS``.
    """

    def __init__(
        self, terminal: str = AUTO, make: Callable[[int, str], TerminalCore] = new_core
    ) -> None:
        self._terminal = terminal
        self._make_core = make
        self._sessions: dict[Place, ConsoleSession] = {}
        self._kept: dict[Place, None] = {}

    def get(self, key: DomainKey, scrollback: int = 10_000, *, device: str = "") -> ConsoleSession:
        """The console's session, made on first use to keep that many lines.

        ``device`` is an alias, empty for the domain's first console.
        """
        session = self._sessions.get((key, device))
        if session is None:
            session = self._sessions[key, device] = ConsoleSession(
                key, partial(self._make_core, scrollback, self._terminal)
            )
        return session

    def new(self, key: DomainKey, scrollback: int = 10_000) -> ConsoleSession:
        """A session for something else than a console; whoever asked for it closes it."""
        return ConsoleSession(key, partial(self._make_core, scrollback, self._terminal))

    def attached(self, key: DomainKey) -> ConsoleSession | None:
        """The session that is attached to the domain's first console, if there is one."""
        places = ((key, alias) for alias in ("", "serial0", "console0"))
        found = (self._sessions[place] for place in places if place in self._sessions)
        return next((session for session in found if session.attached), None)

    def keep(self, key: DomainKey, device: str, on: bool) -> None:
        """Let a console stay attached when its screen closes, or no longer."""
        if on:
            self._kept[key, device] = None
        else:
            self._kept.pop((key, device), None)

    def keeps(self, key: DomainKey, device: str) -> bool:
        """Whether a console stays attached when its screen closes."""
        return (key, device) in self._kept

    @property
    def kept(self) -> tuple[Place, ...]:
        """The consoles that stay attached, in the order in which that was asked for."""
        return tuple(self._kept)

    @property
    def kept_domains(self) -> frozenset[DomainKey]:
        """The domains of those consoles, for the list."""
        return frozenset(key for key, _ in self._kept)

    def drop_hosts(self, hosts: Collection[str]) -> None:
        """Leave and free those of these hosts."""
        for place in [place for place in self._kept if place[0].host in hosts]:
            del self._kept[place]
        for place in [place for place in self._sessions if place[0].host in hosts]:
            self._sessions.pop(place).close()

    def close(self) -> None:
        """Leave and free them all."""
        self._kept.clear()
        while self._sessions:
            self._sessions.popitem()[1].close()
