"""The ways out: whatever happens, the terminal comes back and the process ends in time."""

from __future__ import annotations

import contextlib
import os
import select
import sys
import threading
import time
from pathlib import Path
from typing import Any

from tuivm.core.errors import TuivmError
from tuivm.core.text import sanitise
from tuivm.stderr import open_log, terminal_fd

FAILURE, USAGE = 1, 2
LAST_RESORT = 1.8
"""Seconds after the wish to leave at which the process ends, whatever is stuck."""
RESTORE = (
    b"\x1b[?1000l\x1b[?1003l\x1b[?1015l\x1b[?1006l\x1b[?1004l\x1b[?2004l"
    b"\x1b[<u\x1b[?1049l\x1b[?25h\x1b[?7h"
)
"""Mouse, focus and paste reports off, keyboard protocol and screen back, cursor and wrap on."""

_settings: list[Any] = []


def start_last_resort(code: int) -> None:
    """End the process soon, even if a thread or a terminal that does not read is stuck."""

    def end() -> None:
        time.sleep(LAST_RESORT)
        restore_terminal()
        os._exit(code)

    threading.Thread(target=end, name="last-resort", daemon=True).start()


def remember_terminal() -> None:
    """Keep the terminal's settings, for a way out on which Textual cannot restore them."""
    with contextlib.suppress(Exception):
        import termios

        _settings[:] = termios.tcgetattr(0)


def restore_terminal() -> None:
    """Put the terminal back as well as one can without waiting for it."""
    with contextlib.suppress(Exception):
        import termios

        if _settings:
            termios.tcsetattr(0, termios.TCSANOW, _settings)
    with contextlib.suppress(OSError):
        fd = terminal_fd()
        os.set_blocking(fd, False)
        os.write(fd, RESTORE)


def terminal_lost() -> bool:
    """Tell whether the terminal hung up, which without SIGHUP only a look at it shows."""
    poll = select.poll()
    try:
        poll.register(0, 0)
        return any(
            mask & (select.POLLHUP | select.POLLERR | select.POLLNVAL) for _, mask in poll.poll(0)
        )
    except OSError:
        return True


def report(error: TuivmError) -> int:
    """Say on stderr what went wrong; returns the exit code: 2 for what the user wrote, else 1."""
    from tuivm.core.config import ConfigError
    from tuivm.core.query import QueryError
    from tuivm.core.views import ViewError

    print(f"tuivm: {error}", file=sys.stderr)
    return USAGE if isinstance(error, ConfigError | QueryError | ViewError) else FAILURE


def report_crash(error: BaseException, path: Path) -> None:
    """Write a defect's traceback to the log, and say on stderr where it is."""
    import traceback

    text = "".join(traceback.format_exception(error))
    stamp = time.strftime("%Y-%m-%d %H:%M:%S tuivm ended by a defect\n")
    with os.fdopen(open_log(path), "w", encoding="utf-8", errors="replace") as log:
        log.write(stamp + text)
    cause = error.__cause__ or error
    text = sanitise(f"tuivm: a defect: {type(cause).__name__}: {cause}", 300)
    print(f"{text}; the details are in {path}", file=sys.stderr)
