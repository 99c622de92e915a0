"""The bytes of one open console stream, moved on libvirt's event thread."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from enum import Enum
from typing import Any

import libvirt

from tuivm.backend import loop

logger = logging.getLogger(__name__)

REST_MS = 8
"""How long a stream that was just read is left alone: 16-byte writes come in by the hundred."""
RECV_SIZE = 256 * 1024
DRAIN_LIMIT = 4 * 1024 * 1024
"""Bytes taken in one go before the other users of the event thread get their turn."""
PIECE = 64
PIECE_GAP_MS = 5
"""Input goes out as 64 bytes each 5 ms, near a 115,200 baud line: a guest's 16-byte FIFO
and its terminal's buffer survive any paste. A single key never waits."""
NOTHING = -2
"""What ``recv`` and ``send`` return when they would block."""


class End(Enum):
    """How a stream came to its end."""

    EOF = "eof"
    ERROR = "error"
    LOST = "lost"
    """The connection broke: libvirt tells that to the connection, never to its streams."""


class ConsoleStream:
    """Reads and writes an open stream until it ends or is closed.

    ``on_bytes`` and ``on_end`` are called on the event thread. ``write`` may be called on
    any thread. The stream belongs to this object from the start.
    """

    def __init__(
        self,
        conn: libvirt.virConnect,
        stream: libvirt.virStream,
        on_bytes: Callable[[bytes], None],
        on_end: Callable[[ConsoleStream, End], None],
    ) -> None:
        self._conn: Any = conn
        self._stream = stream
        self._on_bytes = on_bytes
        self._on_end = on_end
        self._lock = threading.Lock()
        self._io = threading.Lock()
        self._input = bytearray()
        self._pacing = False
        self._mask = libvirt.VIR_STREAM_EVENT_READABLE
        self._read_timer = -1
        self._write_timer = -1
        self._started = False
        self._ended = False
        self._closed = False

    def start(self) -> None:
        """Begin to read; on the thread that opened the stream."""
        with self._lock:
            if self._closed:
                return
            add = libvirt.virEventAddTimeout
            self._read_timer = add(-1, loop.guarded(self._rested), None)
            self._write_timer = add(-1, loop.guarded(self._write_due), None)
            self._stream.eventAddCallback(self._mask, loop.guarded(self._ready), None)
            self._started = True
            conn, lost = self._conn, loop.guarded(self._lost)
            _quietly(lambda: conn.registerCloseCallback(lost, None))
            if self._input:
                libvirt.virEventUpdateTimeout(self._write_timer, 0)

    def write(self, data: bytes) -> None:
        """Queue input; never blocks."""
        with self._lock:
            if self._closed or self._ended:
                return
            self._input += data
            if not self._pacing and self._started:
                self._pacing = True
                libvirt.virEventUpdateTimeout(self._write_timer, 0)

    @property
    def pending(self) -> int:
        """Bytes of input that have not been sent yet."""
        return len(self._input)

    def close_soon(self) -> threading.Thread:
        """Close on a thread of its own, for callers that must not wait."""
        thread = threading.Thread(target=self.close, name="tuivm-console-close", daemon=True)
        thread.start()
        return thread

    def close(self) -> None:
        """Remove the callback, then abort. May block; never on the event thread."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            started, conn = self._started, self._conn
            timers = (self._read_timer, self._write_timer)
        if started:
            for timer in timers:
                libvirt.virEventRemoveTimeout(timer)
            _quietly(conn.unregisterCloseCallback)
            _quietly(self._stream.eventRemoveCallback)
        _quietly(self._stream.abort)
        with self._io:
            stream, self._stream, self._conn = self._stream, None, None
            self._on_bytes = self._on_end = _ignore
        # Not under the lock, which the event thread takes: this may wait for the daemon.
        _release(stream)

    # -- on the event thread ---------------------------------------------------------------

    def _ready(self, _stream: libvirt.virStream, events: int, _opaque: object) -> None:
        if self._closed or self._ended:
            return
        if events & libvirt.VIR_STREAM_EVENT_WRITABLE:
            self._send()
        if events & ~libvirt.VIR_STREAM_EVENT_WRITABLE and self._drain():
            # The first bytes go on at once, what follows them is gathered.
            self._watch(self._mask & ~libvirt.VIR_STREAM_EVENT_READABLE)
            libvirt.virEventUpdateTimeout(self._read_timer, REST_MS)

    def _lost(self, _conn: libvirt.virConnect, reason: int, _opaque: object) -> None:
        if not self._closed and reason != libvirt.VIR_CONNECT_CLOSE_REASON_CLIENT:
            self._finish(End.LOST)

    def _rested(self, timer: int, _opaque: object) -> None:
        if self._closed or self._ended:
            return
        if self._drain():
            libvirt.virEventUpdateTimeout(timer, REST_MS)
        elif not self._ended:
            libvirt.virEventUpdateTimeout(timer, -1)
            self._watch(self._mask | libvirt.VIR_STREAM_EVENT_READABLE)

    def _drain(self) -> bool:
        """Hand over what has come; True when there was something and the stream goes on."""
        pieces: list[bytes] = []
        size = 0
        end: End | None = None
        while size < DRAIN_LIMIT:
            try:
                data = self._call("recv", RECV_SIZE)
            except libvirt.libvirtError as error:
                logger.debug("console: %s", error)
                end = End.ERROR
                break
            if data == NOTHING:
                break
            if not data:
                end = End.EOF
                break
            pieces.append(data)
            size += len(data)
        if self._closed:
            return False
        if pieces:
            self._on_bytes(b"".join(pieces))
        if end is not None:
            self._finish(end)
        return bool(pieces) and end is None

    def _write_due(self, timer: int, _opaque: object) -> None:
        libvirt.virEventUpdateTimeout(timer, -1)
        self._send()

    def _send(self) -> None:
        """Send one piece; ask to be called again only while more waits."""
        with self._lock:
            piece = bytes(self._input[:PIECE])
        if not piece or self._closed or self._ended:
            self._pacing = False
            return
        try:
            sent = self._call("send", piece)
        except libvirt.libvirtError as error:
            logger.debug("console: %s", error)
            self._finish(End.ERROR)
            return
        writable = libvirt.VIR_STREAM_EVENT_WRITABLE
        if sent == NOTHING:
            self._watch(self._mask | writable)
            return
        with self._lock:
            del self._input[:sent]
            more = self._pacing = bool(self._input)
        self._watch(self._mask & ~writable)
        if more:
            libvirt.virEventUpdateTimeout(self._write_timer, PIECE_GAP_MS)

    def _watch(self, mask: int) -> None:
        if mask != self._mask and not self._closed:
            self._mask = mask
            self._call("eventUpdateCallback", mask)

    def _call(self, method: str, *args: object) -> Any:
        """A call that does not wait, unless the stream was let go of meanwhile."""
        with self._io:
            return NOTHING if self._stream is None else getattr(self._stream, method)(*args)

    def _finish(self, end: End) -> None:
        if self._ended:
            return
        self._ended = True
        libvirt.virEventUpdateTimeout(self._read_timer, -1)
        self._on_end(self, end)


def _ignore(*_: object) -> None:
    """Nobody listens any more."""


def _release(stream: libvirt.virStream) -> None:
    """Free the stream, and close the connection that it keeps; may wait for the daemon.

    libvirt-python never drops what ``eventAddCallback`` was given, the stream included: left
    alone, each console would keep its connection open.
    """
    free = getattr(stream, "__del__", None)
    vars(stream).pop("cb", None)
    if free is not None:
        free()
    stream._conn = None


def _quietly(function: Callable[[], object]) -> None:
    try:
        function()
    except libvirt.libvirtError as error:
        # A stream that somebody took over or that ended fails here too.
        logger.debug("closing a console: %s", error)
