"""An empty list says where this machine has VMs all the same, and a key opens that."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from tuivm.core.errors import TuivmError
from tuivm.core.hostconfig import HostConfig
from tuivm.core.model import HostState
from tuivm.screens.base import BaseScreen


class OtherVms:
    """Looks once for every host, while nothing else is shown. UI thread."""

    def __init__(self, screen: BaseScreen, refresh: Callable[[], None]) -> None:
        """``refresh`` is called when something was found."""
        self._screen = screen
        self._refresh = refresh
        self._asked: set[str] = set()

    def look(self) -> None:
        """Find out where there are VMs, if all hosts are there and none of them has any."""
        store = self._screen.context.store
        hosts = store.hosts.values()
        if store.rows or not all(status.state is HostState.UP for status in hosts):
            return
        for status in hosts:
            if status.id not in self._asked and not status.demo:
                self._asked.add(status.id)
                self._screen.work(self._ask(status.id))

    async def _ask(self, host: str) -> None:
        context = self._screen.context
        with contextlib.suppress(TuivmError):
            found = await asyncio.wrap_future(context.backend.roster.elsewhere(host))
            store = context.store
            open_already = {status.uri for status in store.hosts.values()}
            if found is not None and found.uri not in open_already and not store.rows:
                context.elsewhere = found
                self._refresh()

    def open(self) -> None:
        """Open what was found, beside what is open."""
        context = self._screen.context
        found, context.elsewhere = context.elsewhere, None
        if found is None:
            self._screen.say("no other connection with VMs was found on this machine", "dim")
            return
        try:
            name = context.backend.roster.add(HostConfig(found.uri))
        except TuivmError as error:
            self._screen.say(str(error), "bad")
            return
        self._screen.say(f"{name}: opening {found.uri}", "dim")
        self._refresh()
