"""A far-away terminal: a program in a pty whose bytes both ways arrive later.

``python -m tests.e2e.relay MILLISECONDS COMMAND...`` is what an ssh over a long line does:
every byte takes so long in each direction, and none of them is lost or held up by another.
"""

from __future__ import annotations

import fcntl
import os
import pty
import select
import sys
import termios
import time
import tty
from collections import deque

READ = 65536
Late = deque[tuple[float, bytes]]


def main(delay: float, command: list[str]) -> int:
    """Run the command; its exit code."""
    size = fcntl.ioctl(0, termios.TIOCGWINSZ, bytes(8))
    pid, far = pty.fork()
    if pid == 0:
        fcntl.ioctl(0, termios.TIOCSWINSZ, size)
        os.execvp(command[0], command)
    saved = termios.tcgetattr(0)
    tty.setraw(0)
    try:
        _carry(far, delay)
    finally:
        termios.tcsetattr(0, termios.TCSANOW, saved)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def _carry(far: int, delay: float) -> None:
    """Until the program has closed its side and all of it was shown."""
    ways: dict[int, tuple[int, Late]] = {0: (far, deque()), far: (1, deque())}
    sources = set(ways)
    while far in sources or ways[far][1]:
        due = min((late[0][0] for _, late in ways.values() if late), default=None)
        wait = None if due is None else max(0.0, due - time.monotonic())
        for source in select.select(list(sources), [], [], wait)[0]:
            try:
                data = os.read(source, READ)
            except OSError:  # EIO: the program is gone
                data = b""
            if data:
                ways[source][1].append((time.monotonic() + delay, data))
            else:
                sources.discard(source)
        for target, late in ways.values():
            while late and late[0][0] <= time.monotonic():
                _write(target, late.popleft()[1])


def _write(target: int, data: bytes) -> None:
    try:
        while data:
            data = data[os.write(target, data) :]
    except OSError:  # nobody is there any more
        return


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]) / 1000, sys.argv[2:]))
