"""The hosts of a run: which there are, and how they come and go."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Future
from typing import TYPE_CHECKING
from weakref import WeakSet

from tuivm.backend import later
from tuivm.backend.connection import Target, short_name
from tuivm.backend.crowd import Crowd
from tuivm.backend.desk import Desk, Talk
from tuivm.backend.extras import Extras
from tuivm.backend.host import Host
from tuivm.backend.news import News
from tuivm.backend.outlet import Outlet
from tuivm.backend.task import Timing
from tuivm.core.batch import Focus
from tuivm.core.errors import TuivmError
from tuivm.core.hostconfig import HostConfig, same_uri
from tuivm.core.model import HostState, HostStatus
from tuivm.core.text import sanitise

if TYPE_CHECKING:
    from tuivm.backend.trial import Trial
    from tuivm.core.hostapi import Elsewhere

DEMO = "demo"
"""The embedded fleet's host."""


class Roster:
    """Implements ``core.hostapi.HostBook``.

    A host that is disconnected is one that was not started: it has no thread, no rows, and
    nothing that could grow. Connecting starts it; disconnecting puts a fresh one in place.
    """

    def __init__(
        self,
        news: News,
        desk: Desk,
        *,
        readonly: bool = False,
        timing: Timing | None = None,
        screen: bool = False,
        gone: Callable[[str], None] = lambda host: None,
    ) -> None:
        """With ``readonly`` nothing can be changed on any host; ``gone`` hears of those that go.

        With ``screen`` the first ``focus`` tells that it is up.
        """
        self.hosts: dict[str, Host] = {}
        """By id, in order. Replaced as a whole: any thread may read it."""
        self._news = news
        self._desk = desk
        self._readonly = readonly
        self._timing = timing
        self._gone = gone
        self._outlets: dict[Host, Outlet] = {}
        self._leaving: WeakSet[Host] = WeakSet()
        """Hosts on their way out; what hangs in libvirt keeps them alive."""
        self._trials: WeakSet[Trial] = WeakSet()
        self._focus: Focus | None = None
        self._crowd = Crowd(screen=screen)
        """Those that are connected at the start."""

    # before the start --------------------------------------------------------------------

    def enter_demo(self, extras: Extras) -> None:
        """Take the embedded fleet in."""
        self._put(self._make(DEMO, HostConfig(extras.uri), extras=extras))

    def enter(self, uris: Sequence[str], known: Sequence[HostConfig] = ()) -> None:
        """Take hosts in; ``known`` is what the configuration says of them."""
        for uri in uris:
            found = next((host for host in known if same_uri(host.uri, uri)), HostConfig(uri))
            free = found._replace(uri=uri, name="" if found.name in self.hosts else found.name)
            name = self._name(free, self.hosts)
            self._put(self._make(name, free, idle=not free.autoconnect, crowd=self._crowd))
            if free.autoconnect:
                self._crowd.join(name)

    def start(self, asking: Collection[str] = ()) -> None:
        """Connect all that want to be; ``asking`` are URIs that may ask the user."""
        # In their order, before any of them moves.
        for host in self.hosts.values():
            self._news.host(host.status)
        for host in self.hosts.values():
            if host.status.state is not HostState.DISABLED:
                host.start(ask=host.uri in asking)

    # core.hostapi.HostBook ---------------------------------------------------------------

    def add(self, host: HostConfig) -> str:
        """Take a host in at the end; returns its id."""
        self._check(host, "")
        name = self._name(host, self.hosts)
        made = self._make(name, host, idle=not host.autoconnect)
        self._put(made)
        self._news.host(made.status)
        if host.autoconnect:
            self._start(made, ask=True)
        return name

    def change(self, host: str, to: HostConfig) -> str:
        """Change what a host is; returns its id."""
        old = self.hosts.get(host)
        if old is None or old.extras is not None:
            raise TuivmError(f"Cannot change {sanitise(host, 80)}", "there is no such host")
        self._check(to, host)
        others = [name for name in self.hosts if name != host]
        name = self._name(to, others) if to.name or not same_uri(to.uri, old.uri) else host
        denied = to.readonly or self._readonly
        if name == host and to.uri == old.uri and denied == old.status.readonly:
            old.describe(colour=to.colour, tags=to.tags)
            return host
        idle = not old.started
        made = self._make(name, to, idle=idle)
        self._replace(host, made)
        if not idle:
            self._start(made, ask=True)
        return name

    def disconnect(self, host: str) -> None:
        """Close a host's connection and try no other; its rows go."""
        old = self.hosts.get(host)
        if old is None or not old.started or old.extras is not None:
            return
        known = old.status._replace(
            state=HostState.DISABLED,
            error=None,
            retry_at=None,
            latency=None,
            cpu_used=None,
            memory_used=None,
            wants=None,
            seen_at=time.time() if old.status.state.connected else old.status.seen_at,
        )
        self._replace(host, self._host(known, denied=known.readonly))

    def forget(self, host: str) -> None:
        """Close a host's connection and take the host out."""
        if host in self.hosts:
            self._remove(host)
            self.hosts = {name: one for name, one in self.hosts.items() if name != host}
            self._news.order(self.hosts)

    def try_out(self, host: HostConfig) -> Future[HostStatus]:
        """Open a connection, look what is there, and close it."""
        from tuivm.backend.trial import Trial

        name = host.name or short_name(host.uri, ())
        timing = self._timing or Timing()
        keepalive = (timing.keepalive, timing.keepalive_count)
        target = Target(host.uri, host.readonly or self._readonly, keepalive)
        trial = Trial(target, Talk(name, self._desk, allowed=True), timing.open)
        self._trials.add(trial)
        return trial.start().result

    def elsewhere(self, host: str) -> Future[Elsewhere | None]:
        """Look whether this machine's other connection has VMs, for a host that has none."""
        from tuivm.backend import elsewhere

        uri = self.hosts[host].uri if host in self.hosts else ""
        other = elsewhere.other_of(uri)
        if not other or any(same_uri(one.uri, other) for one in self.hosts.values()):
            nothing: Future[Elsewhere | None] = Future()
            nothing.set_result(None)
            return nothing
        return elsewhere.look(uri)

    # for the fleet -----------------------------------------------------------------------

    def nobody(self, host: str) -> Host:
        """Stand in for a host that was forgotten: nothing can be done there. Any thread."""
        return Host(host, "", News(), timing=self._timing)

    def retry(self, host: str) -> None:
        """Connect a lost or disconnected host now, or list a connected one afresh."""
        found = self.hosts.get(host)
        if found is not None and not found.started:
            self._start(found, ask=True)
        elif found is not None:
            found.retry()

    def focus(self, focus: Focus) -> None:
        """Say what is on screen."""
        if self._focus is None:
            later.load()
        self._focus = focus
        self._crowd.screen_is_up()
        for host in self.hosts.values():
            if host.started:
                host.focus(focus)

    def stop(self, until: float) -> bool:
        """Close all at once; False when something is stuck at ``until`` (monotonic)."""
        for host in self.hosts.values():
            host.stop()
        clean = True
        for host in (*self.hosts.values(), *self._leaving):
            clean &= host.wait_closed(max(0.0, until - time.monotonic()))
        for trial in tuple(self._trials):
            trial.result.cancel()
            clean &= not trial.pending
        return clean

    # private -----------------------------------------------------------------------------

    def _check(self, host: HostConfig, but: str) -> None:
        """Refuse what is there already, in another host than ``but``."""
        title = f"Cannot {'change' if but else 'add'} {sanitise(host.name or host.uri, 80)}"
        for name, other in self.hosts.items():
            if name == but:
                continue
            if same_uri(other.uri, host.uri):
                raise TuivmError(
                    title, f"{name} has this URI already", hint="one host, one URI: change that one"
                )
            if name == host.name:
                raise TuivmError(
                    title, f"another host is called {name} already", hint="take another name"
                )

    @staticmethod
    def _name(host: HostConfig, taken: Collection[str]) -> str:
        return sanitise(host.name, 40) or short_name(host.uri, taken)

    def _make(
        self,
        name: str,
        host: HostConfig,
        *,
        idle: bool = False,
        extras: Extras | None = None,
        crowd: Crowd | None = None,
    ) -> Host:
        state = HostState.DISABLED if idle else HostState.IDLE
        known = HostStatus(
            name,
            host.uri,
            state,
            own_readonly=host.readonly,
            colour=host.colour,
            tags=host.tags,
        )
        denied = host.readonly or self._readonly
        return self._host(known, denied=denied, extras=extras, crowd=crowd)

    def _host(
        self,
        known: HostStatus,
        *,
        denied: bool,
        extras: Extras | None = None,
        crowd: Crowd | None = None,
    ) -> Host:
        outlet = Outlet(self._news)
        host = Host(
            known.id,
            known.uri,
            outlet,
            readonly=denied,
            timing=self._timing,
            extras=extras,
            desk=None if extras is not None else self._desk,
            known=known,
            crowd=crowd,
        )
        self._outlets[host] = outlet
        return host

    def _start(self, host: Host, *, ask: bool) -> None:
        host.start(ask=ask)
        if self._focus is not None:
            host.focus(self._focus)

    def _put(self, host: Host) -> None:
        self.hosts = {**self.hosts, host.id: host}

    def _replace(self, old: str, new: Host) -> None:
        """Put a host in another one's place."""
        self._remove(old)
        pairs = ((name, new if name == old else one) for name, one in self.hosts.items())
        self.hosts = {one.id: one for _, one in pairs}
        self._news.order(self.hosts)
        self._news.host(new.status)

    def _remove(self, name: str) -> None:
        """Let go of a host: nothing that it still tells gets through."""
        host = self.hosts[name]
        self._outlets.pop(host).close(name)
        host.crowd.leave(name)
        host.stop()
        self._leaving.add(host)
        self._gone(name)
