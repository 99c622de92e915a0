"""Asking what may never be answered: a wait with an end, and no second question meanwhile."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from typing import TypeVar, cast

from tuivm.core.errors import TuivmError

T = TypeVar("T")

_waiting: dict[tuple[str, str], float] = {}
"""Who owes an answer to what, since when."""
_lock = threading.Lock()


def ask_within(seconds: float, who: str, what: str, call: Callable[[], T]) -> T:
    """Make a libvirt call that is given up after ``seconds``.

    libvirt's calls cannot be cancelled, so it runs on a daemon thread that is left behind;
    until it comes back the same question to the same ``who`` fails at once, so that at most
    one thread, and one of the few slots of the connection, waits for each. Raises
    ``TuivmError`` when there is no answer in time, and what the call raises.
    """
    key = (who, what)
    with _lock:
        since = _waiting.get(key)
        if since is not None:
            raise _silent(what, time.monotonic() - since)
        _waiting[key] = time.monotonic()
    answers: queue.SimpleQueue[tuple[bool, object]] = queue.SimpleQueue()

    def ask() -> None:
        try:
            answer = call()
        except Exception as error:
            _forget(key)  # first: whoever has the answer may ask again
            answers.put((False, error))
        else:
            _forget(key)
            answers.put((True, answer))

    try:
        threading.Thread(target=ask, name=f"tuivm-ask-{who[:8]}", daemon=True).start()
    except RuntimeError:
        _forget(key)
        raise
    try:
        answered, answer = answers.get(timeout=seconds)
    except queue.Empty:
        raise _silent(what, seconds) from None
    try:
        if not answered:
            raise cast("Exception", answer)
        return cast("T", answer)
    finally:
        # A failure that holds itself would keep libvirt's handles until some collection.
        del answer


def _forget(key: tuple[str, str]) -> None:
    with _lock:
        _waiting.pop(key, None)


def unanswered(who: str) -> list[tuple[str, float]]:
    """What ``who`` owes an answer to, each with the seconds since it was asked. Any thread."""
    now = time.monotonic()
    with _lock:
        return [(what, now - since) for (one, what), since in _waiting.items() if one == who]


def _silent(what: str, seconds: float) -> TuivmError:
    return TuivmError(f"No answer: {what}", f"no answer for {seconds:.0f} s")
