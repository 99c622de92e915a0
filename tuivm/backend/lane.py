"""A lane: the threads that call libvirt for one purpose, and their connections.

A call over libvirt cannot be cancelled, only abandoned. So a future ends at its deadline
whatever its thread does, and the thread keeps its place until libvirt lets go of it.

Each thread has a connection to itself. libvirt's client is made for several threads on one
connection, but until early 2025 (its commit 8074d64d) it can crash the process when one of
them interrupts another, and does so when a connection with two calls under way is lost.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import libvirt

from tuivm.backend import errors
from tuivm.core.errors import TuivmError

logger = logging.getLogger(__name__)

IDLE_EXIT = 30.0
"""Seconds after which a thread without work ends, and its connection is closed."""

Connect = Callable[[], libvirt.virConnect]
Close = Callable[[libvirt.virConnect], None]


class Call:
    """One thing to do over a connection, and the promise of its result."""

    __slots__ = ("_lock", "call", "deadline", "fn", "future", "since", "title")

    def __init__(
        self,
        fn: Callable[[libvirt.virConnect], Any],
        *,
        call: str,
        deadline: float,
        title: str = "",
    ) -> None:
        self.fn = fn
        self.call = call
        self.title = title
        self.since = time.monotonic()
        self.deadline = deadline
        """Seconds from ``since`` after which the future fails."""
        self.future: Future[Any] = Future()
        self._lock = threading.Lock()

    @property
    def expires(self) -> float:
        """``time.monotonic()`` of the deadline."""
        return self.since + self.deadline

    def claim(self) -> bool:
        """Mark it as running; False when it was cancelled or failed while it waited."""
        with self._lock:
            return not self.future.done() and self.future.set_running_or_notify_cancel()

    def end(self, result: Any = None, error: TuivmError | None = None) -> bool:
        """Give the future its end, the first time only."""
        with self._lock:
            if self.future.done():
                return False
            if error is None:
                self.future.set_result(result)
            else:
                self.future.set_exception(error)
            return True


class Lane:
    """Runs calls on at most ``limit`` threads; a thread opens a connection when it needs one.

    With ``primary`` all threads use that connection, which lives as long as the lane: with
    one thread, or where the driver runs in this process and there is no client to crash.
    Methods may be called on any thread and do not wait.
    """

    def __init__(
        self,
        name: str,
        connect: Connect,
        close: Close,
        *,
        limit: int,
        on_broken: Callable[[Lane, TuivmError], None],
        on_closed: Callable[[Lane], None] = lambda _lane: None,
        primary: libvirt.virConnect | None = None,
        fresh: bool = False,
    ) -> None:
        self.name = name
        self._connect = connect
        self._close = close
        self._limit = limit
        self._on_broken = on_broken
        self._on_closed = on_closed
        self._primary = primary
        self.fresh = fresh
        """True when every call gets a connection that nothing was done over before."""
        self._lock = threading.Lock()
        self._queue: deque[Call] = deque()
        self._running: set[Call] = set()
        self._idle: list[_Worker] = []
        self._threads = 0
        self._dead: TuivmError | None = None
        self.answered_at = time.monotonic()
        """``time.monotonic()`` of the last call that came back."""

    def submit(self, call: Call) -> None:
        """Queue a call; it fails at once when the lane is dead."""
        with self._lock:
            dead = self._dead
            if dead is None:
                if self._idle:
                    self._running.add(call)
                    # The one that worked last: the others may become old and end.
                    self._idle.pop().give(call)
                elif self._threads < self._limit:
                    self._threads += 1
                    self._running.add(call)
                    _Worker(self).begin(call)
                else:
                    self._queue.append(call)
        if dead is not None:
            call.end(error=errors.not_connected(self.name, dead, title=call.title))

    def expire(self, now: float) -> float | None:
        """Fail the calls that are past their deadline; returns the next deadline."""
        with self._lock:
            calls = [*self._queue, *self._running]
        for call in calls:
            if call.expires <= now:
                call.end(error=errors.late(call.title, call.deadline, call=call.call))
        return min((call.expires for call in calls if not call.future.done()), default=None)

    @property
    def busy(self) -> bool:
        """True while a call waits or runs."""
        return bool(self._queue or self._running)

    @property
    def stuck(self) -> int:
        """Threads whose call was given up on but has not come back."""
        with self._lock:
            return sum(call.future.done() for call in self._running)

    def kill(self, error: TuivmError) -> None:
        """Fail everything and take no more.

        Threads close their connections and end as soon as libvirt lets go of them;
        ``on_closed`` is called when the last one is gone.
        """
        with self._lock:
            if self._dead is not None:
                return
            self._dead = error
            calls = [*self._queue, *self._running]
            self._queue.clear()
            idle, self._idle = self._idle, []
            none_left = not self._threads
        for call in calls:
            call.end(error=errors.not_connected(self.name, error, title=call.title))
        for worker in idle:
            worker.give(None)
        if none_left:
            threading.Thread(
                target=self._close_primary, name=f"tuivm-{self.name}-close", daemon=True
            ).start()

    # For workers --------------------------------------------------------------------------

    def finish(self, worker: _Worker, call: Call) -> Call | None:
        """A worker is done with a call; returns the next one, or None when it has to wait."""
        with self._lock:
            self._running.discard(call)
            if self._dead is not None:
                worker.give(None)
            elif self._queue:
                following = self._queue.popleft()
                self._running.add(following)
                return following
            else:
                self._idle.append(worker)
            return None

    def retire(self, worker: _Worker) -> bool:
        """A worker had nothing to do for long; False when it was given something just now."""
        with self._lock:
            if worker not in self._idle:
                return False
            self._idle.remove(worker)
            return True

    def leave(self) -> None:
        """A worker ends, its own connection is closed."""
        with self._lock:
            self._threads -= 1
            last = self._dead is not None and not self._threads
        if last:
            self._close_primary()

    def open(self) -> libvirt.virConnect:
        """A connection for a worker of its own; raises what libvirt raises."""
        return self._connect()

    def close(self, conn: libvirt.virConnect) -> None:
        """Close a worker's own connection."""
        self._close(conn)

    @property
    def primary(self) -> libvirt.virConnect | None:
        """The connection that all workers share, if they do."""
        return self._primary

    def broken(self, error: BaseException) -> None:
        """A worker found out that its connection is gone."""
        self._on_broken(self, errors.lost(error))

    def _close_primary(self) -> None:
        conn, self._primary = self._primary, None
        if conn is not None:
            self._close(conn)
            del conn
        self._on_closed(self)


class _Worker:
    """One daemon thread of a lane, and the connection that is its own."""

    def __init__(self, lane: Lane) -> None:
        self._lane = lane
        self._inbox: queue.SimpleQueue[Call | None] = queue.SimpleQueue()
        self._conn: libvirt.virConnect | None = None

    def begin(self, call: Call) -> None:
        """Start the thread."""
        self._inbox.put(call)
        threading.Thread(target=self._run, name=f"tuivm-{self._lane.name}", daemon=True).start()

    def give(self, call: Call | None) -> None:
        """Hand it a call, or None to end it."""
        self._inbox.put(call)

    def _run(self) -> None:
        while (call := self._wait()) is not None:
            following: Call | None = call
            while following is not None:
                call = following
                self._do(call)
                if self._lane.fresh:
                    self._drop()
                following = self._lane.finish(self, call)
            # The last reference to what a call holds must go here, not on another thread.
            call = None
        self._drop()
        self._lane.leave()

    def _wait(self) -> Call | None:
        while True:
            try:
                return self._inbox.get(timeout=IDLE_EXIT)
            except queue.Empty:
                if self._lane.retire(self):
                    return None

    def _do(self, call: Call) -> None:
        if not call.claim():
            return
        try:
            conn = self._lane.primary or self._own()
        except Exception as error:
            call.end(error=errors.convert(error, title=call.title, call="virConnectOpen"))
            error.__traceback__ = None
            return
        try:
            result = call.fn(conn)
        except Exception as error:
            failure = errors.convert(error, title=call.title, call=call.call)
            if errors.broken(error) or (isinstance(error, libvirt.libvirtError) and _gone(conn)):
                self._drop()
                self._lane.broken(error)
            # A traceback holds frames, and they hold libvirt's handles.
            error.__traceback__ = None
            call.end(error=failure)
        else:
            self._lane.answered_at = time.monotonic()
            call.end(result)

    def _own(self) -> libvirt.virConnect:
        if self._conn is not None and _gone(self._conn):
            self._drop()
        if self._conn is None:
            self._conn = self._lane.open()
        return self._conn

    def _drop(self) -> None:
        conn, self._conn = self._conn, None
        if conn is not None:
            self._lane.close(conn)


def _gone(conn: libvirt.virConnect) -> bool:
    try:
        return bool(conn.isAlive() == 0)
    except libvirt.libvirtError:
        return True
