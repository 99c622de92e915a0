"""Opens a connection only to see what answers, and how quickly."""

from __future__ import annotations

import contextlib
import threading
import time
from concurrent.futures import Future, InvalidStateError

from tuivm.backend import refusals
from tuivm.backend.connection import Target, close_connection, open_connection
from tuivm.backend.desk import Talk
from tuivm.backend.probe import read_host
from tuivm.backend.unanswered import AGAIN
from tuivm.core.errors import TuivmError
from tuivm.core.model import HostState, HostStatus

_LOOK = 0.2
"""Seconds between two looks whether it takes too long."""


class Trial:
    """One attempt on threads of its own, which can be left behind."""

    def __init__(self, target: Target, talk: Talk, seconds: float) -> None:
        """``seconds`` is what it may take, the user's own time left out."""
        self.result: Future[HostStatus] = Future()
        """What was found; fails with ``TuivmError``. Cancelled, it asks nothing more."""
        self._target = target
        self._talk = talk
        self._seconds = seconds
        self._over = threading.Event()
        self.result.add_done_callback(lambda _: talk.end())

    def start(self) -> Trial:
        """Begin."""
        for name, work in (("try", self._work), ("try-clock", self._watch)):
            threading.Thread(target=work, name=f"tuivm-{name}", daemon=True).start()
        return self

    @property
    def pending(self) -> bool:
        """True while libvirt has not let go of it."""
        return not self._over.is_set()

    def _work(self) -> None:
        try:
            found = self._look()
        except Exception as error:
            failure = refusals.connection_error(error, self._target.uri, self._talk)
            error.__traceback__ = None
            hint = failure.hint.replace(AGAIN, "another try asks").partition("; it is never")[0]
            self._fail(_with_hint(failure, hint))
        else:
            with contextlib.suppress(InvalidStateError):  # cancelled, or given up
                self.result.set_result(found)
        finally:
            self._over.set()

    def _look(self) -> HostStatus:
        conn = open_connection(self._target, talk=self._talk)
        try:
            began = time.monotonic()
            conn.getLibVersion()
            latency = time.monotonic() - began
            facts = read_host(conn)
        finally:
            close_connection(conn, ())
        host = self._talk.host
        return HostStatus(host, self._target.uri, HostState.UP, latency=latency, **facts)

    def _watch(self) -> None:
        """Give up what takes too long."""
        began = time.monotonic()
        while not self._over.wait(_LOOK):
            now = time.monotonic()
            if now - began - self._talk.seconds(now) >= self._seconds:
                late = refusals.no_answer(self._target.uri, self._seconds)
                self._fail(_with_hint(late, late.hint.partition(" It is tried")[0]))
                return

    def _fail(self, error: TuivmError) -> None:
        with contextlib.suppress(InvalidStateError):
            self.result.set_exception(error)


def _with_hint(error: TuivmError, hint: str) -> TuivmError:
    """The same failure with a next step that fits: nothing of it is tried by itself."""
    return TuivmError(
        error.title,
        error.message,
        hint=hint,
        code=error.code,
        domain=error.domain,
        call=error.call,
        raw=error.raw,
    )
