"""Logs in at a guest's serial port whatever the guest is busy with."""

from __future__ import annotations

import time
from collections.abc import Callable

from tests.e2e.terminal import SEQUENCE
from tests.guest.lab import until

ANSWERS = {b"login:": b"root\r", b"assword:": b"lab\r"}
PROMPT = b"~#"
REST = 0.3
"""Seconds of silence after which it waits for us. It turns its echo off after it asked for the
password, and drops what was typed before."""
DROPPED = 5.0
"""Seconds of silence after which what was typed was dropped, or is covered by kernel messages."""


def log_in(seen: Callable[[], bytes], write: Callable[[bytes], object]) -> None:
    """Answer what is asked until there is a shell.

    ``seen`` gives what the guest printed since its last boot, ``write`` types.
    """
    text, since, answered = b"", time.monotonic(), False

    def there() -> bool:
        nonlocal text, since, answered
        now, before = time.monotonic(), text
        text = SEQUENCE.sub(b"", seen()[-1000:]).rstrip()
        if text != before:
            since, answered = now, False
        answer = next((ANSWERS[asked] for asked in ANSWERS if text.endswith(asked)), None)
        if now - since > DROPPED:
            write(b"\r")
            since, answered = now, False
        elif answer is not None and not answered and now - since > REST:
            write(answer)
            answered = True
        return text.endswith(PROMPT)

    until(there, "a shell", 120)
