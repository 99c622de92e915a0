"""What every screen is given: the backend, the store, and how the program was started."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from tuivm.core.bulk import Bulks
from tuivm.core.clientlog import ClientLog
from tuivm.core.config import Config
from tuivm.core.keymap import Keymap
from tuivm.core.launch import Origin
from tuivm.core.model import DomainKey
from tuivm.core.pace import Pacer
from tuivm.core.remember import Remembered
from tuivm.core.rows import Changes
from tuivm.core.stops import Stops
from tuivm.core.store import Store
from tuivm.core.view import View
from tuivm.core.views import Views

if TYPE_CHECKING:
    from tuivm.core.api import Backend
    from tuivm.core.hostapi import Elsewhere
    from tuivm.core.session import ConsoleSession
    from tuivm.core.sessions import Sessions


class Options(NamedTuple):
    """The command line's choices that the screens care about."""

    ascii: bool = False
    """Draw with ASCII alone, for terminals without Unicode."""
    readonly: bool = False
    """Refuse every verb that needs a confirmation."""
    origin: Origin = Origin.CONFIG
    """Who decided which hosts were opened."""
    demo: bool = False
    """The embedded fleet is shown; say so on screen."""
    low_bandwidth: bool = False
    """Write as little to the terminal as one can."""
    banner: str = ""
    """One line to explain how we got here (``no libvirt daemon answers: ...``), or empty."""
    client_log: ClientLog = ClientLog()
    """How libvirt's client logs."""


Dispatch = Callable[
    [Any, str, Mapping[str, str], Sequence[DomainKey] | None],
    bool,
]
"""Takes the asking screen, an action id, its arguments, and its targets or None."""


@dataclass(slots=True, eq=False, repr=False)
class Context:
    """One per run, shared by all screens; touched on the UI thread only."""

    backend: Backend
    store: Store
    view: View
    config: Config
    keymap: Keymap
    options: Options = field(default_factory=Options)
    dispatch: Dispatch = lambda screen, action_id, args, targets: False
    """Carries out what no screen does itself (``screens.dispatch``); the app puts it here,
    so that the screens need not know each other."""
    history: list[str] = field(default_factory=list)
    """Lines entered at the ``:`` prompt, oldest first."""
    remembered: Remembered = field(default_factory=Remembered)
    """User names to offer again."""
    views: Views = field(default_factory=Views)
    """The list's columns, and its saved views."""
    pacer: Pacer = field(default_factory=Pacer)
    """Says when the terminal is ready for more."""
    bulks: Bulks = field(default_factory=Bulks)
    """Verbs on many VMs, under way and done."""
    stops: Stops = field(default_factory=Stops)
    """Shutdowns under way (``screens.following`` drives them)."""
    elsewhere: Elsewhere | None = None
    """Where there are VMs while no open connection has any, as far as was found out."""
    _consoles: Sessions | None = None

    @property
    def read_only(self) -> str:
        """What keeps the whole run from changing anything, or empty."""
        if not self.options.readonly:
            return ""
        if self.config.readonly:
            return "the configuration says readonly = true"
        return "tuivm was started with --readonly"

    @property
    def consoles(self) -> Sessions:
        """The console sessions, with their scrollback; imported with the first one."""
        if self._consoles is None:
            from tuivm.core.sessions import Sessions

            self._consoles = Sessions(self.config.terminal)
        return self._consoles

    def attached(self, key: DomainKey) -> ConsoleSession | None:
        """The session that is attached to a domain's console; asking imports nothing."""
        return None if self._consoles is None else self._consoles.attached(key)

    def let_go(self, changes: Changes) -> None:
        """Leave what is open on hosts that went, and follow it no longer."""
        if changes.dropped:
            self.stops.drop_hosts(changes.dropped)
            if self._consoles is not None:
                self._consoles.drop_hosts(changes.dropped)

    @property
    def kept_consoles(self) -> frozenset[DomainKey]:
        """The domains whose console stays attached; asking imports nothing."""
        return frozenset() if self._consoles is None else self._consoles.kept_domains
