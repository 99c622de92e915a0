"""One generation of a host's connections, by what they are for."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from typing import Literal

import libvirt

from tuivm.backend.connection import Target, close_connection, open_connection
from tuivm.backend.desk import Talk
from tuivm.backend.errors import AUTH_CODES, closed
from tuivm.backend.lane import Lane
from tuivm.core.errors import TuivmError

LaneName = Literal["main", "side", "job", "agent", "console"]

SIDE_THREADS = 3
"""One that reads numbers, and up to two that hang in the monitor of a stuck QEMU."""
JOB_THREADS = 4
AGENT_THREADS = 4
"""Agents that hang may hold all of them for a minute; then others are asked another way."""
CONSOLE_THREADS = 2
_IN_PROCESS_THREADS = 4


class Link:
    """The connections of a host between coming up and going down.

    ``main`` is open from the start: events, the inventory, and whatever never waits for a
    guest. ``side`` reads numbers and addresses, which may. ``job`` does what the user asks.
    ``agent`` asks guest agents, which may hang: a call that hangs stalls its connection.
    ``console`` opens a connection for every call, which lives on in the stream that the
    call opened. Where the state is the connection's own, all are one.

    All come in through ``talk``: what was answered for ``main`` is not asked again.
    """

    def __init__(
        self,
        generation: int,
        host: str,
        target: Target,
        conn: libvirt.virConnect,
        callbacks: list[int],
        talk: Talk | None = None,
        *,
        on_lost: Callable[[int, TuivmError], None],
    ) -> None:
        self.generation = generation
        self.callbacks = callbacks
        """Ids of the domain events registered on ``main``; whoever registers appends at once."""
        self.closed = threading.Event()
        """Set when all of its connections are closed after ``close``."""
        self._on_lost = on_lost
        self._target = target
        self._talk = talk
        self._host = host
        shared = target.in_process or target.private
        self.main = Lane(
            f"{host}-main",
            self._open,
            self._close_main,
            limit=_IN_PROCESS_THREADS if target.in_process else 1,
            on_broken=lambda _lane, error: on_lost(generation, error),
            on_closed=self._lane_closed,
            primary=conn,
        )
        self.side = self.main if shared else self._lane("side", SIDE_THREADS)
        self.job = self.main if shared else self._lane("job", JOB_THREADS)
        self.agent = self.main if shared else self._lane("agent", AGENT_THREADS)
        self.console = self.main if shared else self._lane("console", CONSOLE_THREADS)
        self.lanes: tuple[Lane, ...] = (
            (self.main,) if shared else (self.main, self.side, self.job, self.agent, self.console)
        )
        """Its lanes, each once."""
        self._left = set(self.lanes)

    def lane(self, name: LaneName) -> Lane:
        """The lane of that name."""
        lane: Lane = getattr(self, name)
        return lane

    def on_close(self, reason: int) -> None:
        """Take libvirt's reason why ``main`` was closed, unless we did it. Any thread."""
        if reason != libvirt.VIR_CONNECT_CLOSE_REASON_CLIENT:
            self._on_lost(self.generation, closed(reason))

    def close(self, error: TuivmError) -> None:
        """Fail all calls now; threads close the connections as soon as they can."""
        for lane in self.lanes:
            lane.kill(error)

    def _lane(self, name: str, limit: int) -> Lane:
        return Lane(
            f"{self._host}-{name}",
            self._open,
            _leave_to_stream if name == "console" else partial(close_connection, callbacks=()),
            limit=limit,
            on_broken=lambda _lane, _error: None,
            on_closed=self._lane_closed,
            fresh=name == "console",
        )

    def _open(self) -> libvirt.virConnect:
        # Its loss shows in its next call; the main connection tells for the host.
        try:
            return open_connection(self._target, talk=self._talk)
        except libvirt.libvirtError as error:
            from tuivm.backend.refusals import connection_error

            failure = connection_error(error, self._target.uri)
            if self._talk is not None and failure.code in AUTH_CODES:
                self._talk.forget()
            raise

    def _close_main(self, conn: libvirt.virConnect) -> None:
        close_connection(conn, callbacks=self.callbacks)

    def _lane_closed(self, lane: Lane) -> None:
        self._left.discard(lane)
        if not self._left:
            self.closed.set()


def _leave_to_stream(_conn: libvirt.virConnect) -> None:
    """Only drop it: the stream that was opened over it keeps it, and closes it in the end."""
