"""A domain's serial console over libvirt's non-blocking stream.

Three places: the host's lane opens and asks, the one event thread moves bytes, and short
daemon threads close (both removing a callback and aborting can block). The guest writes
a few bytes at a time, so what costs is calls: after a read the stream is left alone for
some milliseconds, then drained in one go.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import NamedTuple, Protocol, TypeVar

import libvirt

from tuivm.backend import loop
from tuivm.backend.console_stream import ConsoleStream, End
from tuivm.backend.link import LaneName
from tuivm.backend.xml_console import Port, find_port
from tuivm.core.api import ConsoleSink, ConsoleState
from tuivm.core.errors import TuivmError
from tuivm.core.model import Domain, DomainKey
from tuivm.core.text import sanitise

logger = logging.getLogger(__name__)

OPEN_DEADLINE = 20.0
"""Seconds after which opening a console is given up; starting the domain is part of it."""
BUSY_CODE = libvirt.VIR_ERR_OPERATION_FAILED
"""What ``virDomainOpenConsole`` fails with while somebody else has the console."""
LOST_TEXT = "the connection to the host broke; it is attached again when the host is back"
GHOST_TEXT = "Perhaps it is our own, from before the connection broke: it is tried again."
RETRY_MS, RETRY_MAX_MS = 1000, 30_000
"""After a lost connection: the first pause before another attempt, doubled each time."""
BUSY_TRIES = 3
BUSY_PAUSE = 0.15
"""Seconds between attempts: a session that is just being left, ours included, takes a moment."""

T = TypeVar("T")


class ConsoleHost(Protocol):
    """What a console needs of its host; ``backend.host.Host`` has it."""

    def submit(
        self,
        fn: Callable[[libvirt.virConnect], T],
        *,
        call: str,
        title: str = "",
        lane: LaneName = "main",
        deadline: float | None = None,
    ) -> Future[T]:
        """Run ``fn`` on the host's own thread; libvirt's errors come as ``TuivmError``."""

    def watch(self, uuid: str, callback: Callable[[Domain | None], None]) -> Callable[[], None]:
        """Hear of every change of a domain, None when it goes; returns what ends it."""


class _Opened(NamedTuple):
    """What came of an attempt: a stream, or a state that explains why there is none."""

    stream: ConsoleStream | None
    domain_id: int
    state: ConsoleState = ConsoleState.ATTACHED
    detail: str = ""


class Console:
    """``core.api.ConsoleChannel`` on a real domain. Every method may be called anywhere."""

    def __init__(
        self,
        host: ConsoleHost,
        key: DomainKey,
        sink: ConsoleSink,
        *,
        device: str = "",
        force: bool = False,
        boot: bool = False,
    ) -> None:
        self._host = host
        self._uuid = key.uuid
        self._sink = sink
        self._device = device
        self._boot = boot
        self._lock = threading.RLock()
        self._state = ConsoleState.CLOSED
        self._stream: ConsoleStream | None = None
        self._domain_id = -1
        self._attempt = 0
        self._starts = 0
        self._closed = False
        self._broke = False
        self._retry_in = RETRY_MS
        self._closer: threading.Thread | None = None
        self._last_id: int | None = None
        self._unlisten = host.watch(key.uuid, self._changed)
        self.attach(force=force)

    @property
    def state(self) -> ConsoleState:
        """The last state told to the sink."""
        return self._state

    def write(self, data: bytes) -> None:
        """Queue input for the guest; never blocks; dropped while not attached."""
        stream = self._stream
        if stream is not None and data:
            stream.write(data)

    @property
    def pending(self) -> int:
        """Bytes of input that have not been sent yet."""
        stream = self._stream
        return 0 if stream is None else stream.pending

    def attach(self, *, force: bool = False) -> None:
        """Try again; ``force`` takes a busy console over."""
        with self._lock:
            if self._closed or self._state in (ConsoleState.ATTACHING, ConsoleState.ATTACHED):
                return
            self._attempt += 1
            attempt, starts = self._attempt, self._starts
            boot, self._boot = self._boot, False
            self._tell(ConsoleState.ATTACHING)
        future = self._host.submit(
            lambda conn: self._open(conn, attempt, force=force, boot=boot),
            call="virDomainOpenConsole",
            title="Cannot open the console",
            lane="console",
            deadline=OPEN_DEADLINE,
        )
        future.add_done_callback(lambda done: self._attempted(done, attempt, starts))

    def close(self) -> None:
        """Leave, so that others can attach; idempotent; never blocks."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._attempt += 1
            stream, self._stream = self._stream, None
            self._tell(ConsoleState.CLOSED)
        self._unlisten()
        if stream is not None:
            self._closer = stream.close_soon()

    def wait_closed(self, seconds: float) -> None:
        """After ``close``: wait until the console is released; for a program's end."""
        if self._closer is not None:
            self._closer.join(seconds)

    # -- on the host's lane ----------------------------------------------------------------

    def _open(self, conn: libvirt.virConnect, attempt: int, *, force: bool, boot: bool) -> _Opened:
        domain = conn.lookupByUUIDString(self._uuid)
        if boot and not domain.isActive():
            domain.createWithFlags(libvirt.VIR_DOMAIN_START_PAUSED)
            try:
                return self._attach(conn, domain, attempt, force=force)
            finally:
                # Whatever became of the console: the user asked for a running machine.
                domain.resume()
        return self._attach(conn, domain, attempt, force=force)

    def _attach(
        self, conn: libvirt.virConnect, domain: libvirt.virDomain, attempt: int, *, force: bool
    ) -> _Opened:
        if not domain.isActive():
            return _Opened(None, -1, ConsoleState.ENDED)
        port = find_port(domain.XMLDesc(0), self._device)
        if port is None or not port.pty:
            return _Opened(None, int(domain.ID()), *_without_pty(port, self._device))
        stream = _open_stream(conn, domain, port.alias, force=force)
        if stream is None:
            return _Opened(None, -1, ConsoleState.BUSY)
        opened = ConsoleStream(conn, stream, self._sink.console_bytes, self._stream_ended)
        with self._lock:
            wanted = not self._closed and attempt == self._attempt
            if wanted:
                # Told before the first byte can arrive: the sink hears things in order.
                self._stream, self._domain_id = opened, domain.ID()
                self._broke, self._retry_in = False, RETRY_MS
                self._tell(ConsoleState.ATTACHED)
        if not wanted:
            opened.close()
            return _Opened(None, -1, ConsoleState.CLOSED)
        opened.start()
        return _Opened(opened, self._domain_id)

    def _attempted(self, done: Future[_Opened], attempt: int, starts: int) -> None:
        error = done.exception()
        with self._lock:
            if self._closed or attempt != self._attempt:
                return
            if error is not None:
                self._fail(error)
                return
            opened = done.result()
            if opened.state is ConsoleState.BUSY and self._broke:
                self._tell(ConsoleState.BUSY, GHOST_TEXT)
                self._retry_later()
            elif opened.stream is None:
                self._domain_id = opened.domain_id
                self._tell(opened.state, opened.detail)
                if opened.state is ConsoleState.ENDED and starts != self._starts:
                    self.attach()

    def _fail(self, error: BaseException) -> None:
        """The lock is held."""
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.close_soon()
        self._broke |= isinstance(error, TuivmError) and error.is_connection_loss
        self._tell(ConsoleState.FAILED, sanitise(str(error)))
        if self._broke:
            self._retry_later()

    def _retry_later(self) -> None:
        """The lock is held."""
        self._retry_in = min(self._retry_in * 2, RETRY_MAX_MS)
        libvirt.virEventAddTimeout(self._retry_in, loop.guarded(self._retry), None)

    def _retry(self, timer: int, _opaque: object) -> None:
        """The host may be back without a word, so it is tried now and then; event thread."""
        libvirt.virEventRemoveTimeout(timer)
        if self._broke and self._state in (ConsoleState.FAILED, ConsoleState.BUSY):
            self.attach()

    # -- when the stream ends --------------------------------------------------------------

    def _stream_ended(self, stream: ConsoleStream, end: End) -> None:
        """Find out why; called on the event thread."""
        with self._lock:
            if self._closed or stream is not self._stream:
                return
            self._stream = None
            self._attempt += 1
            attempt, starts, domain_id = self._attempt, self._starts, self._domain_id
            if end is End.LOST:
                stream.close_soon()
                self._broke = True
                self._tell(ConsoleState.FAILED, LOST_TEXT)
                # At once, and should that fail, when the host says that it is back.
                self.attach()
                return
        future = self._host.submit(
            lambda conn: self._domain_now(conn, stream),
            call="virDomainLookupByUUIDString",
            title="The console broke off",
            lane="job",
            deadline=OPEN_DEADLINE,
        )
        future.add_done_callback(lambda done: self._explain(done, attempt, starts, domain_id, end))

    def _domain_now(self, conn: libvirt.virConnect, ended: ConsoleStream) -> int:
        """Let go of the stream, then the domain's id, -1 when it does not run.

        In this order: the next console may get the same pseudo terminal, which is busy
        until the daemon has forgotten the stream.
        """
        ended.close()
        try:
            domain = conn.lookupByUUIDString(self._uuid)
            return int(domain.ID()) if domain.isActive() else -1
        except libvirt.libvirtError as error:
            if error.get_error_code() == libvirt.VIR_ERR_NO_DOMAIN:
                return -1
            raise

    def _explain(
        self, done: Future[int], attempt: int, starts: int, domain_id: int, end: End
    ) -> None:
        error = done.exception()
        with self._lock:
            if self._closed or attempt != self._attempt:
                return
            if error is not None:
                self._fail(error)
                self._broke = True
                return
            now = done.result()
            if now == domain_id and end is not End.EOF:
                self._tell(ConsoleState.STOLEN)
                return
            self._tell(ConsoleState.ENDED)
            if now not in (-1, domain_id) or starts != self._starts:
                self.attach()

    def _changed(self, domain: Domain | None) -> None:
        """The domain's row changed; on the host's keeper thread."""
        with self._lock:
            if self._closed or domain is None or not domain.state.active:
                return
            anew = domain.id != self._domain_id
            if domain.id != self._last_id:
                self._last_id = domain.id
                self._starts += 1
            if (
                self._state is ConsoleState.ENDED
                or (self._state is ConsoleState.FAILED and self._broke)
                # Another start may bring the device that this one lacks.
                or (anew and self._state in (ConsoleState.NO_DEVICE, ConsoleState.NOT_A_PTY))
            ):
                self.attach()

    def _tell(self, state: ConsoleState, detail: str = "") -> None:
        """The lock is held, so that states reach the sink in order."""
        self._state = state
        try:
            self._sink.console_state(state, detail)
        except Exception:
            logger.exception("console sink failed")


def _open_stream(
    conn: libvirt.virConnect, domain: libvirt.virDomain, alias: str, *, force: bool
) -> libvirt.virStream | None:
    """The open stream; None when somebody else has the console, for longer than a moment."""
    flags = libvirt.VIR_DOMAIN_CONSOLE_FORCE if force else 0
    for left in reversed(range(BUSY_TRIES)):
        stream = conn.newStream(libvirt.VIR_STREAM_NONBLOCK)
        try:
            domain.openConsole(alias or None, stream, flags)
        except libvirt.libvirtError as error:
            if error.get_error_code() != BUSY_CODE or force or not domain.isActive():
                raise
            if left:
                time.sleep(BUSY_PAUSE)
        else:
            return stream
    return None


def _without_pty(port: Port | None, device: str) -> tuple[ConsoleState, str]:
    if port is None:
        return ConsoleState.NO_DEVICE, sanitise(device)
    return ConsoleState.NOT_A_PTY, port.where
