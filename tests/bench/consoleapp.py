"""tuivm's own console on a guest that is made up: what the whole widget costs.

``python -m tests.bench.consoleapp KIND SECONDS REPORT``: floods the console of one VM with
one kind of output for so long, once something is typed into it, and writes what it
measured to REPORT as JSON. KIND is one of ``KINDS``, ``trickle``, ``idle`` or ``lines``.
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any
from unittest import mock

from tests.bench.measure import percentile
from tests.bench.synthetic import SyntheticBackend
from tuivm.core.api import ConsoleState, PacedSink
from tuivm.core.launch import Launch
from tuivm.core.model import ConsolePast, DomainKey
from tuivm.widgets.terminal import TerminalView

PIECE = 32 * 1024
MOST_WAITING = 512 * 1024
"""Bytes that the source lets wait: a flood measures the console, not the queue before it."""
TICK = 0.005
"""Seconds between two looks at the event loop."""
TRICKLE = 250_000
"""Bytes a second, in pieces of ``FIFO`` bytes, as they come from a serial port."""
FIFO = 16
DRAIN = 0.008
"""Seconds after which the stream is read again, as ``backend.console_stream`` does."""
LINES = 10_000
WIDTH = 120


def kernel_log() -> bytes:
    """Coloured lines of a boot."""
    return b"".join(
        b"\x1b[32m[%12.6f]\x1b[0m \x1b[33mvirtio_net virtio%d\x1b[0m: eth%d: link becomes ready\r\n"
        % (number / 977, number % 7, number % 3)
        for number in range(2000)
    )


def full_screen() -> bytes:
    """Redraws of 40 rows, each with its place and colours."""
    return b"".join(
        b"\x1b[%d;1H\x1b[%d;1m%-58d\x1b[0;44m%60s\x1b[0m"
        % (row + 1, 31 + (row + turn) % 7, turn, b"cpu %d" % row)
        for turn in range(40)
        for row in range(40)
    )


KINDS: dict[str, Callable[[], bytes]] = {
    "klog": kernel_log,
    "full": full_screen,
    "short": lambda: b"y\r\n" * 20_000,
}


def pieces(data: bytes, size: int) -> Iterator[bytes]:
    """The data for ever, in pieces."""
    ring = data + data[:size]
    position = 0
    while True:
        yield ring[position : position + size]
        position = (position + size) % len(data)


class Source:
    """The guest's side of the console."""

    def __init__(self, sink: PacedSink, kind: str, seconds: float, report: Path) -> None:
        self.state = ConsoleState.ATTACHED
        self._sink = sink
        self._kind = kind
        self._seconds = seconds
        self._report = report
        self._started = False
        sink.console_state(ConsoleState.ATTACHED, "")
        sink.console_bytes(b"ready\r\n")

    def write(self, data: bytes) -> None:
        if not self._started:
            self._started = True
            threading.Thread(target=self._run, daemon=True).start()

    def attach(self, *, force: bool = False) -> None:
        return

    def close(self) -> None:
        return

    def _run(self) -> None:
        METER.restart()
        cpu, start = time.process_time(), time.monotonic()
        sent = self._send(start + self._seconds)
        taken = time.monotonic() - start
        found = {
            "bytes": (sent - self._sink.waiting) / taken,
            "cpu": (time.process_time() - cpu) / taken,
            "frames": METER.frames / taken,
            "lag": percentile(METER.lags, 95) * 1000 if METER.lags else 0.0,
        }
        scratch = self._report.with_suffix(".new")
        scratch.write_text(json.dumps(found))
        scratch.rename(self._report)

    def _send(self, end: float) -> int:
        sent = 0
        match self._kind:
            case "idle":
                time.sleep(max(0.0, end - time.monotonic()))
            case "lines":
                line = b"%0*d\r\n" % (WIDTH - 1, 7)
                self._sink.console_bytes(line * LINES)
                while self._sink.waiting:
                    time.sleep(0.05)
                sent = len(line) * LINES
            case "trickle":
                sent = self._trickle(end)
            case _:
                for piece in pieces(KINDS[self._kind](), PIECE):
                    while self._sink.waiting > MOST_WAITING:
                        time.sleep(0.001)
                    self._sink.console_bytes(piece)
                    sent += len(piece)
                    if time.monotonic() > end:
                        break
        return sent

    def _trickle(self, end: float) -> int:
        source = pieces(kernel_log(), FIFO)
        sent, start = 0, time.monotonic()
        while (now := time.monotonic()) < end:
            while sent < (now - start) * TRICKLE:
                self._sink.console_bytes(next(source))
                sent += FIFO
            time.sleep(DRAIN)
        return sent


class Meter:
    """Frames shown and how late the event loop is; runs on that loop."""

    def __init__(self) -> None:
        self.frames = 0
        self.lags: list[float] = []
        self.looking = True
        self._due = 0.0

    def restart(self) -> None:
        """Forget what was measured."""
        self.frames = 0
        self.lags = []

    def watch(self, loop: asyncio.AbstractEventLoop) -> None:
        """Look at the loop from now on."""
        self._due = loop.time() + TICK
        loop.call_at(self._due, self._look, loop)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        self.lags.append(loop.time() - self._due)
        self.watch(loop)


METER = Meter()


class ConsoleBackend(SyntheticBackend):
    """One VM with a console that prints what is asked for."""

    def __init__(self, kind: str, seconds: float, report: Path) -> None:
        super().__init__(1, 0)
        self._wanted = (kind, seconds, report)

    def console(self, key: DomainKey, sink: PacedSink, **_: Any) -> Source:  # type: ignore[override]
        return Source(sink, *self._wanted)

    def console_past(self, key: DomainKey, device: str = "") -> Future[ConsolePast]:
        future: Future[ConsolePast] = Future()
        future.set_result(ConsolePast())
        return future


def main(kind: str, seconds: float, report: str) -> int:
    """Open the program; returns the exit code."""
    # As the command line does it.
    gc.disable()
    from tuivm import opening

    shown: Any = TerminalView._show
    mounted: Any = TerminalView.on_mount

    def show(view: TerminalView, frame: Any) -> None:
        METER.frames += 1
        shown(view, frame)

    def mount(view: TerminalView) -> None:
        mounted(view)
        if kind != "idle":
            # A look at the loop is a timer, and an idle console has none.
            METER.watch(asyncio.get_running_loop())

    backend = ConsoleBackend(kind, seconds, Path(report))
    log = Path(tempfile.gettempdir()) / "tuivm-bench.log"
    with (
        mock.patch("tuivm.opening.Fleet", return_value=backend),
        mock.patch.object(TerminalView, "_show", show),
        mock.patch.object(TerminalView, "on_mount", mount),
    ):
        return opening.run(Launch(uris=("test:///bench",), log_file=log))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], float(sys.argv[2]), sys.argv[3]))
