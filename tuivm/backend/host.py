"""One host: its state machine, and the door through which everything is asked of it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import Any, TypeVar

import libvirt

from tuivm.backend import errors, events
from tuivm.backend.backoff import Backoff
from tuivm.backend.connection import Target
from tuivm.backend.crowd import Crowd
from tuivm.backend.desk import Desk
from tuivm.backend.dial import Dialler, Opened, close_opened
from tuivm.backend.duties import Duties
from tuivm.backend.extras import Extras
from tuivm.backend.keeper import Keeper
from tuivm.backend.lane import Call
from tuivm.backend.link import LaneName, Link
from tuivm.backend.sink import Sink
from tuivm.backend.task import Timing
from tuivm.backend.watchers import Watchers
from tuivm.core.batch import Focus
from tuivm.core.errors import TuivmError
from tuivm.core.model import Domain, DomainKey, HostState, HostStatus, LogEntry, Severity

logger = logging.getLogger(__name__)

T = TypeVar("T")


class Host:
    """Keeps one connection up and its rows true, on daemon threads of its own.

    Public methods may be called on any thread and never wait for libvirt.
    """

    def __init__(
        self,
        host_id: str,
        uri: str,
        sink: Sink,
        *,
        readonly: bool = False,
        timing: Timing | None = None,
        extras: Extras | None = None,
        desk: Desk | None = None,
        known: HostStatus | None = None,
        crowd: Crowd | None = None,
    ) -> None:
        """Prepare it; ``known`` is what is known of it beforehand, its colour and tags."""
        self.id = host_id
        self.uri = uri
        self.extras = extras
        """What the demo adds to the test driver, or None."""
        self.timing = timing or Timing()
        self.crowd = crowd or Crowd()
        keepalive = (self.timing.keepalive, self.timing.keepalive_count)
        # The demo prepares its world first; that it is read-only is checked by the fleet.
        self.target = Target(uri, readonly and extras is None, keepalive)
        self._stopped = threading.Event()
        self._sink = sink
        self._keeper = Keeper(f"tuivm-{host_id}", self._turn)
        self._link: Link | None = None
        self._last: Link | None = None
        self._generation = 0
        let_go = partial(self._keeper.post, self._dial_let_go)
        self._dialler = Dialler(host_id, self.target, self.hear, let_go, extras, desk)
        self._give_up_opening: Callable[[], None] = lambda: None
        self._open_by: float | None = None
        self._backoff = Backoff(self.timing)
        self._stopping = False
        blank = known or HostStatus(host_id, uri, HostState.IDLE)
        self._status = blank._replace(
            id=host_id, uri=uri, readonly=readonly, demo=extras is not None
        )
        self._watchers = Watchers()
        self._duties = Duties(self, sink.stats, sink.jobs, sink.entries)

    # Any thread -----------------------------------------------------------------------

    @property
    def status(self) -> HostStatus:
        """Where the host stands now."""
        return self._status

    @property
    def started(self) -> bool:
        """True once it was told to connect; before that it has no thread."""
        return self._keeper.started

    def start(self, *, ask: bool = False) -> None:
        """Begin to connect; with ``ask`` the user may be asked for passwords and the like."""
        self._keeper.start()
        self._keeper.post(partial(self._connect, ask=ask))

    def stop(self) -> None:
        """Begin to close everything."""
        if self.started:
            self._keeper.post(self._stop)
        else:
            self._stopped.set()

    def describe(self, **fields: Any) -> None:
        """Change fields of its status that are nothing of the connection: colour and tags."""
        if self.started:
            self._keeper.post(partial(self.set_status, **fields))
        else:
            self.set_status(**fields)

    def wait_closed(self, seconds: float) -> bool:
        """After ``stop``: wait; True when all is closed and nothing is stuck in libvirt."""
        until = time.monotonic() + seconds
        if not self._stopped.wait(seconds):
            return False
        link = self._last
        closed = link is None or link.closed.wait(max(0.0, until - time.monotonic()))
        return closed and not self._dialler.pending

    def retry(self) -> None:
        """Connect now, the user may be asked; or list a connected host afresh."""
        self._keeper.post(self._retry)

    def focus(self, focus: Focus) -> None:
        """Say what is on screen; keys of other hosts are ignored."""
        self._keeper.post(partial(self._duties.focus, focus))

    def submit(
        self,
        fn: Callable[[libvirt.virConnect], T],
        *,
        call: str,
        lane: LaneName = "main",
        deadline: float | None = None,
        title: str = "",
    ) -> Future[T]:
        """Run ``fn`` on a thread of this host, with a connection that is that thread's own.

        ``main`` is for what never waits for a guest and is short: all of the host waits for
        it. ``job`` may take its time. A ``console`` call's connection is that of the stream
        that it opens.

        The future fails with ``TuivmError``, at the latest after ``deadline`` seconds (the
        host's for reads by default), and at once while the host is not connected. ``title``
        says what failed (``Cannot start web-01``), ``call`` names libvirt's function.
        """
        job = Call(
            fn,
            call=call,
            deadline=self.timing.read if deadline is None else deadline,
            title=title,
        )
        link = self._link
        if link is None:
            job.end(error=errors.not_connected(self.id, self._status.error, title=title))
        else:
            link.lane(lane).submit(job)
            self._keeper.nudge()
        return job.future

    @staticmethod
    def lookup(conn: libvirt.virConnect, key: DomainKey) -> libvirt.virDomain:
        """The domain of a key; raises ``libvirt.libvirtError`` when it is gone."""
        return conn.lookupByUUIDString(key.uuid)

    def name_of(self, uuid: str) -> str:
        """A domain's name as last read, else its UUID."""
        return self._duties.name_of(uuid)

    def row(self, uuid: str) -> Domain | None:
        """A domain as last read. Any thread."""
        return self._duties.row(uuid)

    @property
    def stuck(self) -> int:
        """Threads that libvirt has not let go of although they were given up."""
        lanes = self._last.lanes if self._last is not None else ()
        return self._dialler.pending + sum(lane.stuck for lane in lanes)

    def reread(self, uuid: str) -> None:
        """Read one domain again, after something was done to it that tells no event."""
        self._keeper.post(partial(self._duties.reread, uuid))

    def expect_job(self, uuid: str) -> None:
        """Look for a job on this domain: something long was begun on it."""
        self._keeper.post(partial(self._duties.expect_job, uuid))

    def watch(self, uuid: str, callback: Callable[[Domain | None], None]) -> Callable[[], None]:
        """Hear of every change of one domain's row, None when it goes; returns the way out.

        The callback runs on the keeper thread and must return at once.
        """
        self._keeper.post(partial(self._watchers.add, uuid, callback))
        return partial(self._keeper.post, partial(self._watchers.remove, uuid, callback))

    def hear(self, event: events.Event) -> None:
        """Take an event; returns at once, as its callers are libvirt's callbacks."""
        self._keeper.post(partial(self._duties.event, event))

    # The keeper thread: also called by Duties -------------------------------------------

    def set_status(self, **changes: Any) -> None:
        """Change the status and tell, if something did change. Keeper thread."""
        if all(getattr(self._status, name) == value for name, value in changes.items()):
            return
        self._status = self._status._replace(seen_at=self._seen_at(), **changes)
        self._sink.host(self._status)

    def publish(self, changed: dict[DomainKey, Domain | None]) -> None:
        """Tell the rows that changed. Keeper thread."""
        self._sink.domains(changed)
        self._watchers.tell(changed)

    def run_task(
        self,
        fn: Callable[[libvirt.virConnect], Any],
        *,
        call: str,
        deadline: float,
        lane: LaneName,
        then: Callable[[Any, TuivmError | None], None],
    ) -> None:
        """Have a duty's call done; ``then`` hears of it on the keeper thread."""
        generation = self._generation

        def ended(future: Future[Any]) -> None:
            error = future.exception()
            assert error is None or isinstance(error, TuivmError)
            result = None if error is not None else future.result()
            self._keeper.post(partial(finish, result, error))

        def finish(result: Any, error: TuivmError | None) -> None:
            if generation == self._generation:
                then(result, error)

        future = self.submit(fn, call=call, deadline=deadline, lane=lane)
        future.add_done_callback(ended)

    def lose(self, error: TuivmError) -> None:
        """Give the connection up and plan the next attempt. Keeper thread."""
        self._drop_link(error)
        now = time.monotonic()
        self._backoff.lost(now)
        known = self._status.error
        if known is None or (known.message, known.code) != (error.message, error.code):
            # Where it is shown its error follows; the URI says no more than the id.
            text = f"{self.id}: {error.title.replace(f' to {self.uri}', '')}"
            self._sink.entries(
                [LogEntry(time.time(), text, Severity.ERROR, host=self.id, error=error)]
            )
        if error.code in errors.AUTH_CODES:
            wants = self._dialler.wants
            self.set_status(state=HostState.NEEDS_AUTH, error=error, retry_at=None, wants=wants)
        elif error.code in errors.PERMANENT_CODES:
            self.set_status(state=HostState.LOST, error=error, retry_at=None)
        else:
            wait = self._backoff.wait(self._dialler.pending)
            self.set_status(state=HostState.LOST, error=error, retry_at=now + wait)

    def came_up(self) -> None:
        """The first inventory is in. Keeper thread."""
        self._backoff.up(time.monotonic())
        if self._status.error is not None:
            self._sink.entries(
                [LogEntry(time.time(), f"{self.id}: connected", Severity.GOOD, host=self.id)]
            )
        self.set_status(state=HostState.UP, error=None, retry_at=None)
        self._watchers.tell_all(self._duties.row)

    @property
    def link(self) -> Link | None:
        """The connections, while there are any."""
        return self._link

    # The keeper thread: private ----------------------------------------------------------

    def _turn(self, now: float) -> float | None:
        if self._stopping:
            return None
        if self._open_by is not None:
            # The user's time is not the host's.
            open_by = self._open_by + self._dialler.waited(now)
            if now < open_by:
                return max(open_by, now + 0.2)
            self._give_up()
            from tuivm.backend.refusals import no_answer

            self.lose(no_answer(self.uri, self.timing.open))
            return self._status.retry_at
        if self._link is None:
            retry_at = self._status.retry_at
            if retry_at is None or now < retry_at:
                return retry_at
            self._connect()
            return self._open_by
        wakes = [self._duties.turn(now)]
        wakes += [lane.expire(now) for lane in self._link.lanes]
        return min((w for w in wakes if w is not None), default=None)

    def _connect(self, *, ask: bool = False) -> None:
        if self._stopping or self._link is not None or self._open_by is not None:
            return
        self._generation += 1
        generation = self._generation
        self._open_by = time.monotonic() + self.timing.open
        self.set_status(state=HostState.CONNECTING, retry_at=None)
        self._give_up_opening = self._dialler.dial(
            lambda opened: self._keeper.post(partial(self._opened, generation, opened)),
            lambda error: self._keeper.post(partial(self._open_failed, generation, error)),
            ask=ask,
        )

    def _give_up(self) -> None:
        """Leave an attempt to connect behind, if there is one."""
        self._generation += 1
        self._open_by = None
        self._give_up_opening()

    def _dial_let_go(self) -> None:
        """What an attempt hung in has moved: now is the time to try, whatever was planned."""
        if self._status.retry_at is not None:
            self._connect()

    def _open_failed(self, generation: int, error: TuivmError) -> None:
        if generation == self._generation:
            self._open_by = None
            self.lose(error)

    def _opened(self, generation: int, opened: Opened) -> None:
        if generation != self._generation:
            close = partial(close_opened, opened)
            threading.Thread(target=close, name=f"tuivm-{self.id}-close", daemon=True).start()
            return
        self._open_by = None
        callbacks = [] if opened.callback is None else [opened.callback]
        conn, talk = opened.conn, opened.talk
        self._link = self._last = Link(
            generation, self.id, self.target, conn, callbacks, talk, on_lost=self._on_lost
        )
        self.set_status(state=HostState.SYNCING, latency=opened.latency)
        self._duties.begin(bool(callbacks))

    def _on_lost(self, generation: int, error: TuivmError) -> None:
        def act() -> None:
            if generation == self._generation and not self._stopping:
                self._open_by = None
                self.lose(error)

        self._keeper.post(act)

    def _drop_link(self, error: TuivmError) -> None:
        seen = self._seen_at()
        link, self._link = self._link, None
        self._generation += 1
        self._duties.end()
        # Told with the state that follows.
        self._status = self._status._replace(seen_at=seen, cpu_used=None, memory_used=None)
        if link is not None:
            link.close(error)

    def _retry(self) -> None:
        self._backoff.afresh()
        self._dialler.may_ask()
        if self._link is None or self._status.state is HostState.DEGRADED:
            if self._link is not None:
                self._drop_link(errors.not_connected(self.id))
            self._connect(ask=True)
        else:
            self._duties.refresh()

    def _stop(self) -> None:
        self._stopping = True
        self._give_up()
        link, self._link = self._link, None
        self._duties.end()
        self._keeper.end()
        if link is not None:
            link.close(errors.not_connected(self.id))
        self._stopped.set()

    def _seen_at(self) -> float | None:
        if self._link is None:
            return self._status.seen_at
        return time.time() - (time.monotonic() - self._link.main.answered_at)
