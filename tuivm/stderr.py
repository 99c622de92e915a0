"""Keep everybody but the screen away from the terminal while the program is open.

libvirt, ssh and other children write to file descriptor 2 when they please. Textual draws
there too, through ``sys.__stderr__``. While the guard is on, descriptor 2 is the log file
and only ``sys.__stderr__`` reaches the terminal.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

LOG_LIMIT = 4 << 20
"""Bytes beyond which the log of earlier runs is set aside as ``NAME.1``."""

_terminal: int | None = None


def terminal_fd() -> int:
    """Return a descriptor of the terminal: 2, or its copy while the guard is on."""
    return 2 if _terminal is None else _terminal


@contextlib.contextmanager
def guarded(log_file: Path) -> Iterator[None]:
    """Send descriptor 2 and ``sys.stderr`` to the log; ``sys.__stderr__`` stays the terminal.

    A log that cannot be written is replaced by /dev/null: the program opens all the same.
    """
    global _terminal
    stderr, original = sys.stderr, sys.__stderr__
    for stream in (stderr, original):
        with contextlib.suppress(OSError, ValueError):
            if stream is not None:
                stream.flush()
    terminal = os.dup(2)
    log = open_log(log_file)
    os.dup2(log, 2)
    os.close(log)
    _terminal = terminal
    screen = os.fdopen(os.dup(terminal), "w", buffering=1, encoding="utf-8", errors="replace")
    stray = os.fdopen(os.dup(2), "w", buffering=1, encoding="utf-8", errors="replace")
    sys.__stderr__ = screen  # type: ignore[misc]
    sys.stderr = stray
    try:
        yield
    finally:
        sys.stderr, sys.__stderr__ = stderr, original  # type: ignore[misc]
        for stream in (screen, stray):
            with contextlib.suppress(OSError, ValueError):
                stream.close()
        os.dup2(terminal, 2)
        _terminal = None
        os.close(terminal)


def open_log(path: Path) -> int:
    """Open the log for appending, readable by its owner alone; /dev/null where that fails."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_file() and path.stat().st_size > LOG_LIMIT:
            path.replace(path.with_name(f"{path.name}.1"))
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    except OSError:
        return os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
