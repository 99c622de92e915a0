"""Attempts to connect, each on a thread of its own that can be left behind."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import NamedTuple

import libvirt

from tuivm.backend import events
from tuivm.backend.connection import Target, close_connection, open_connection
from tuivm.backend.desk import Desk, Talk
from tuivm.backend.extras import Extras
from tuivm.backend.unanswered import wrong_answers
from tuivm.core.errors import TuivmError
from tuivm.core.question import QuestionKind

MAX_ABANDONED = 3
"""Attempts that may hang in libvirt at once; with so many the next one is long in coming."""
_AT_ONCE = threading.BoundedSemaphore(8)
"""Connections that are opened at the same time: more of them make the UI stutter."""
_QUEUE_PATIENCE = 0.5
"""Seconds to wait for a place among them; those ahead may hang."""


class Opened(NamedTuple):
    """What an attempt came to."""

    conn: libvirt.virConnect
    callback: int | None
    """The id of the LIFECYCLE event; None where the driver tells none."""
    latency: float
    """Seconds of one round trip."""
    talk: Talk
    """Through whose answers more connections come in."""


Tell = Callable[[Opened], None]
Failed = Callable[[TuivmError], None]


class Dialler:
    """Opens connections to one target and starts to listen to their domains.

    ``dial`` belongs to one thread; results come on the attempts' own threads.
    """

    def __init__(
        self,
        name: str,
        target: Target,
        hear: events.Sink,
        let_go: Callable[[], None],
        extras: Extras | None = None,
        desk: Desk | None = None,
    ) -> None:
        """``let_go`` is called when an attempt that was given up has ended after all."""
        self._name = name
        self._target = target
        self._hear = hear
        self._let_go = let_go
        self._extras = extras
        self._desk = desk
        self._lock = threading.Lock()
        self._pending = 0
        self._wrong = 0
        self._talk = Talk(name, None)

    @property
    def pending(self) -> int:
        """Attempts that have not ended yet, those given up included."""
        return self._pending

    @property
    def wants(self) -> QuestionKind | None:
        """What the last attempt was asked and did not get answered, or not rightly."""
        talk = self._talk
        secrets = (kind for kind in reversed(talk.answered) if kind.secret)
        return talk.declined or talk.refused or next(secrets, None)

    def may_ask(self) -> None:
        """Let the attempt under way ask the user: somebody waits for it now."""
        self._talk.allowed = True

    def waited(self, now: float) -> float:
        """Seconds that the last attempt spent waiting for the user."""
        return self._talk.seconds(now)

    def dial(self, opened: Tell, failed: Failed, *, ask: bool = False) -> Callable[[], None]:
        """Begin an attempt; returns what gives it up: then neither result comes.

        With ``ask`` the user may be asked for passwords and the like.
        """
        self._talk = Talk(self._name, self._desk, self._wrong + 1, ask)
        attempt = _Attempt(opened, failed, self._talk)
        with self._lock:
            self._pending += 1
        threading.Thread(
            target=self._work, args=(attempt,), name=f"tuivm-{self._name}-open", daemon=True
        ).start()
        return attempt.give_up

    def _work(self, attempt: _Attempt) -> None:
        has_place = _AT_ONCE.acquire(timeout=_QUEUE_PATIENCE)
        try:
            opened = self._open(attempt)
        except Exception as error:
            from tuivm.backend.refusals import connection_error

            failure = connection_error(error, self._target.uri, attempt.talk)
            error.__traceback__ = None
            self._wrong += bool(wrong_answers(failure.code, failure.raw, attempt.talk))
            attempt.talk.end()
            attempt.end(lambda: attempt.failed(failure))
        else:
            self._wrong = 0
            attempt.talk.end(connected=True)
            if not attempt.end(lambda: attempt.opened(opened)):
                attempt.talk.forget()
                close_opened(opened)
        finally:
            if has_place:
                _AT_ONCE.release()
            with self._lock:
                self._pending -= 1
            if attempt.given_up:
                self._let_go()

    def _open(self, attempt: _Attempt) -> Opened:
        conn = open_connection(self._target, attempt.talk)
        try:
            if self._extras is not None:
                self._extras.prepare(conn)
            # Before the first list: what changes meanwhile is heard, not missed.
            began = time.monotonic()
            callback = events.register(conn, events.LIFECYCLE, self._hear)
            return Opened(conn, callback, time.monotonic() - began, attempt.talk)
        except Exception:
            close_connection(conn, ())
            raise


class _Attempt:
    """One attempt: it ends once, with a result or by being given up."""

    def __init__(self, opened: Tell, failed: Failed, talk: Talk) -> None:
        self.opened = opened
        self.failed = failed
        self.talk = talk
        self._lock = threading.Lock()
        self._over = False
        self.given_up = False
        """True when it ended for its host before it did for libvirt."""

    def give_up(self) -> None:
        """Let nobody hear of it, and ask nothing more."""
        self.talk.end()
        with self._lock:
            self.given_up = not self._over
            self._over = True

    def end(self, tell: Callable[[], None]) -> bool:
        """Tell the result, unless it was given up."""
        with self._lock:
            if self._over:
                return False
            self._over = True
            tell()
            return True


def close_opened(opened: Opened) -> None:
    """Close what nobody wants any more; may wait for the daemon."""
    close_connection(opened.conn, [] if opened.callback is None else [opened.callback])
