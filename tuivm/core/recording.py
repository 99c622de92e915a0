"""Writes what a console prints as asciicast v2, which ``asciinema play`` shows again.

The format: a JSON object in the first line, then one ``[seconds, code, text]`` a line. Every
line is written whole, so that the file is valid at any moment, even after a crash.
"""

from __future__ import annotations

import codecs
import contextlib
import json
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

from tuivm.core.terminal import Personality

TERMS = {
    Personality.XTERM: "xterm-256color",
    Personality.VT220: "vt220",
    Personality.LINUX: "linux",
}
"""The ``TERM`` that goes with each set of keys; players show it, nothing depends on it."""


class Recording:
    """One recording. Its methods may be called on any thread and never raise.

    The constructor does: ``OSError`` where the file cannot be made, ``FileExistsError``
    among them.
    """

    def __init__(
        self,
        path: Path,
        size: tuple[int, int],
        *,
        title: str = "",
        term: str = TERMS[Personality.XTERM],
        with_input: bool = False,
        failed: Callable[[OSError], None] = lambda error: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.path = path
        """The file."""
        self.with_input = with_input
        """True when what is typed is recorded too, passwords among it."""
        self.stop_taps: Callable[[], None] = lambda: None
        """What takes the recording off its session; called once when it ends."""
        self._failed = failed
        self._clock = clock
        self._start = clock()
        self._lock = threading.Lock()
        self._decoders = {code: codecs.getincrementaldecoder("utf-8")("replace") for code in "oi"}
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        self._file: int | None = os.open(path, flags, 0o600)
        self._size = 0
        header: dict[str, object] = {
            "version": 2,
            "width": size[0],
            "height": size[1],
            "timestamp": int(time.time()),
        }
        if title:
            header["title"] = title
        header["env"] = {"TERM": term}
        try:
            self._write(header)
        except OSError:
            os.close(self._file)
            path.unlink(missing_ok=True)
            raise

    @property
    def running(self) -> bool:
        """False once it was stopped, by ``close`` or by a failure."""
        return self._file is not None

    def output(self, data: bytes) -> None:
        """Take what the guest printed."""
        self._text("o", data)

    def input(self, data: bytes) -> None:
        """Take what was sent to the guest."""
        self._text("i", data)

    def resize(self, size: tuple[int, int]) -> None:
        """Take another size of the terminal, columns and lines."""
        self._event("r", f"{size[0]}x{size[1]}")

    def close(self) -> None:
        """End it; what was half of a character is written as U+FFFD. Idempotent."""
        for code in self._decoders:
            self._text(code, b"", final=True)
        with self._lock:
            file, self._file = self._file, None
            if file is not None:
                with contextlib.suppress(OSError):
                    os.close(file)
        self._end()

    def _text(self, code: str, data: bytes, *, final: bool = False) -> None:
        text = self._decoders[code].decode(data, final)
        if text:
            self._event(code, text)

    def _event(self, code: str, text: str) -> None:
        error: OSError | None = None
        with self._lock:
            if self._file is None:
                return
            try:
                self._write([round(self._clock() - self._start, 6), code, text])
            except OSError as caught:
                error = caught
                self._give_up()
        if error is not None:
            self._end()
            self._failed(error)

    def _write(self, line: object) -> None:
        """Write a line whole. The lock is held; raises ``OSError``."""
        file = self._file
        assert file is not None
        data = (json.dumps(line) + "\n").encode()
        view = memoryview(data)
        while view:
            view = view[os.write(file, view) :]
        self._size += len(data)

    def _give_up(self) -> None:
        """Keep the whole lines there are. The lock is held."""
        file, self._file = self._file, None
        if file is not None:
            with contextlib.suppress(OSError):
                os.ftruncate(file, self._size)
            with contextlib.suppress(OSError):
                os.close(file)

    def _end(self) -> None:
        stop, self.stop_taps = self.stop_taps, lambda: None
        stop()
