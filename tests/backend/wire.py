"""A socket in front of a daemon's: it is far away, hangs, breaks or refuses as a test wants.

It also counts the requests that a client makes, each of which costs a round trip.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import shutil
import socket
import struct
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

_READ = 1 << 18
_FRAME = struct.Struct(">IIIiI")
"""libvirt's header of a message: length, program, version, procedure, type (and more)."""
_REMOTE = 0x20008086
"""The program whose calls are requests; keepalive is another one."""
_CALLS = (0, 4)
"""Types of a message that is a call: without and with file descriptors."""


class Wire:
    """Stands between clients and one daemon. A context manager: leaving it ends it.

    All methods may be called on any thread and have worked when they return.
    """

    def __init__(self, target: Path, *, round_trip: float = 0.0) -> None:
        """Lead to the daemon at ``target``; ``round_trip`` is in seconds."""
        self._target = target
        self._delay = round_trip / 2
        self._folder = Path(tempfile.mkdtemp(prefix="tuivm-w-", dir="/tmp"))
        self.socket = self._folder / "sock"
        self.calls: list[int] = []
        """The procedure numbers of all requests so far, in order."""
        self.accepted = 0
        """Connections that were made so far."""
        self._hung = False
        self._ways: dict[socket.socket, _Way] = {}
        self._selector = selectors.DefaultSelector()
        self._listener: socket.socket | None = None
        self._bell = os.pipe()
        self._wishes: deque[tuple[Callable[[], None], threading.Event]] = deque()
        self._selector.register(self._bell[0], selectors.EVENT_READ)
        self._ends = False
        self._listen()
        self._thread = threading.Thread(target=self._run, name="test-wire", daemon=True)
        self._thread.start()

    def __enter__(self) -> Wire:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._do(self._end)
        self._thread.join(5)
        self._selector.close()
        for end in self._bell:
            os.close(end)
        shutil.rmtree(self._folder, ignore_errors=True)

    def uri(self, uri: str = "test:///default") -> str:
        """The URI by which ``uri`` is reached through this."""
        scheme, _, rest = uri.partition(":")
        return f"{scheme}+unix:{rest}?socket={self.socket}"

    @property
    def connections(self) -> int:
        """Connections that are open now."""
        return len(self._ways) // 2

    # -- what can go wrong -------------------------------------------------------------------

    def hang(self) -> None:
        """Accept, and let nothing pass any more: as a daemon that is stopped does."""
        self._do(lambda: setattr(self, "_hung", True))

    def go_on(self) -> None:
        """Let pass what was held back, and all that follows."""
        self._do(lambda: setattr(self, "_hung", False))

    def cut(self) -> None:
        """Break every connection: as a daemon that is restarted does."""
        self._do(self._cut)

    def refuse(self) -> None:
        """Break every connection, and take no new ones: as a daemon that died does."""
        self._do(self._refuse)

    def accept(self) -> None:
        """Take connections again."""
        self._do(self._listen)

    # -- its thread --------------------------------------------------------------------------

    def _do(self, wish: Callable[[], None]) -> None:
        done = threading.Event()
        self._wishes.append((wish, done))
        os.write(self._bell[1], b"x")
        assert done.wait(60), "the wire is stuck"

    def _run(self) -> None:
        while not self._ends:
            for key, events in self._selector.select(self._timeout()):
                if key.fileobj is self._listener:
                    self._take()
                elif key.fd == self._bell[0]:
                    os.read(self._bell[0], 64)
                elif isinstance(key.fileobj, socket.socket) and events & selectors.EVENT_READ:
                    self._read(key.fileobj)
            while self._wishes:
                wish, done = self._wishes.popleft()
                wish()
                done.set()
            if not self._hung:
                self._deliver()

    def _timeout(self) -> float | None:
        if self._hung:
            return None
        due = min((way.late[0][0] for way in self._ways.values() if way.late), default=None)
        return None if due is None else max(0.0, due - time.monotonic())

    def _listen(self) -> None:
        self.socket.unlink(missing_ok=True)
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self.socket))
        self._listener.listen(256)
        self._selector.register(self._listener, selectors.EVENT_READ)

    def _take(self) -> None:
        assert self._listener is not None
        client, _ = self._listener.accept()
        daemon = socket.socket(socket.AF_UNIX)
        try:
            daemon.connect(str(self._target))
        except OSError:
            client.close()
            daemon.close()
            return
        self.accepted += 1
        for source, sink, counts in ((client, daemon, True), (daemon, client, False)):
            source.setblocking(False)
            self._ways[source] = _Way(sink, counts)
            self._selector.register(source, selectors.EVENT_READ)

    def _read(self, source: socket.socket) -> None:
        way = self._ways.get(source)
        if way is None:
            return
        try:
            data = source.recv(_READ)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if way.counts:
            self.calls += way.requests(data)
        way.late.append((time.monotonic() + self._delay, data))
        if not data:
            self._selector.unregister(source)

    def _deliver(self) -> None:
        now = time.monotonic()
        for source, way in [*self._ways.items()]:
            while way.late and way.late[0][0] <= now and source in self._ways:
                _, data = way.late.popleft()
                if not data:
                    self._drop(source, way.sink)
                    continue
                try:
                    sent = way.sink.send(data)
                except BlockingIOError:
                    sent = 0
                except OSError:
                    self._drop(source, way.sink)
                    continue
                if sent < len(data):
                    # The reader is slow: look again soon, in order.
                    way.late.appendleft((now + 0.001, data[sent:]))
                    break

    def _drop(self, *ends: socket.socket) -> None:
        for end in ends:
            self._ways.pop(end, None)
            with contextlib.suppress(KeyError, ValueError):
                self._selector.unregister(end)
            end.close()

    def _cut(self) -> None:
        self._drop(*self._ways)

    def _refuse(self) -> None:
        if self._listener is not None:
            self._selector.unregister(self._listener)
            self._listener.close()
            self._listener = None
        self._cut()

    def _end(self) -> None:
        self._refuse()
        self._ends = True


class _Way:
    """One direction of one connection."""

    def __init__(self, sink: socket.socket, counts: bool) -> None:
        self.sink = sink
        self.counts = counts
        self.late: deque[tuple[float, bytes]] = deque()
        """What is under way, and when it arrives; empty bytes are the end."""
        self._rest = bytearray()

    def requests(self, data: bytes) -> list[int]:
        """The procedures of the requests that are complete with ``data``."""
        rest = self._rest
        rest += data
        found = []
        while len(rest) >= _FRAME.size:
            length, program, _version, procedure, kind = _FRAME.unpack_from(rest)
            if len(rest) < length:
                break
            if program == _REMOTE and kind in _CALLS:
                found.append(procedure)
            del rest[:length]
        return found
