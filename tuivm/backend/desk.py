"""Questions to the user: threads that connect ask them, the screen answers when it can.

A question waits for an answer on the thread that asks, never anywhere else.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable

from tuivm.core.question import Question, QuestionKind, clean, fingerprint

ANSWER_SECONDS = 60.0
"""How long a question stays open: sshd ends a login that takes longer than 120 s."""
_LOOK = 0.5
"""Seconds between two looks whether whoever asked is still there."""

_numbers = itertools.count(1)


class _Open:
    """A question on somebody's screen."""

    __slots__ = ("answer", "answered", "question")

    def __init__(self, question: Question) -> None:
        self.question = question
        self.answered = threading.Event()
        self.answer: str | None = None


class Desk:
    """All open questions of a fleet. Any thread."""

    def __init__(
        self,
        tell: Callable[[dict[int, Question | None]], None],
        seconds: float = ANSWER_SECONDS,
    ) -> None:
        """``tell`` hears of questions by their ids; None: it needs no answer any more."""
        self._tell = tell
        self._seconds = seconds
        self._lock = threading.Lock()
        self._ids = itertools.count(1)
        self._open: dict[int, _Open] = {}

    def answer(self, number: int, text: str | None) -> None:
        """Answer a question; None is "not now". Nothing happens when it is over."""
        with self._lock:
            asked = self._open.get(number)
        if asked is not None:
            asked.answer = text
            asked.answered.set()

    def ask(
        self,
        host: str,
        kind: QuestionKind,
        text: str,
        *,
        attempt: int = 1,
        wanted: Callable[[], bool] = lambda: True,
    ) -> str | None:
        """Wait for the answer of the user; None when there is none.

        Ends after a minute, and soon after ``wanted`` says that nobody wants to know.
        """
        number = next(self._ids)
        print_of = fingerprint(text) if kind is QuestionKind.HOST_KEY else ""
        asked = _Open(Question(number, host, kind, clean(text), print_of, attempt))
        with self._lock:
            self._open[number] = asked
        self._tell({number: asked.question})
        until = time.monotonic() + self._seconds
        while (left := until - time.monotonic()) > 0 and wanted():
            if asked.answered.wait(min(left, _LOOK)):
                break
        with self._lock:
            del self._open[number]
        self._tell({number: None})
        return asked.answer


class Talk:
    """What one attempt to connect asks, and how that went. Any thread.

    The connections that follow the first one ask through it too. They get the answers that
    let the first one in, which live here, for as long as the host is connected, and nowhere
    else; what is new is answered with no.
    """

    def __init__(
        self, host: str, desk: Desk | None, attempt: int = 1, allowed: bool = False
    ) -> None:
        """``desk`` is None where nobody can be asked."""
        self.host = host
        self.desk = desk
        self.attempt = attempt
        self.allowed = allowed
        """False: nobody waits for this attempt, so every question is answered with no."""
        self.refused: QuestionKind | None = None
        """What was asked for while that was not allowed."""
        self.declined: QuestionKind | None = None
        """What the user did not answer."""
        self.answered: list[QuestionKind] = []
        """What the user did answer, in order."""
        self.number = next(_numbers)
        """Unique in this process."""
        self._answers: dict[tuple[QuestionKind, str], str] = {}
        self._over = False
        self._spent = 0.0
        self._since: float | None = None

    def ask(
        self, kind: QuestionKind, text: str, wanted: Callable[[], bool] = lambda: True
    ) -> str | None:
        """Ask the user, if that is allowed; waits for the answer, None is "no"."""
        if self._over or self.declined:
            return self._answers.get((kind, text))
        if not self.allowed or self.desk is None:
            self.refused = self.refused or kind
            return None
        self._since = time.monotonic()
        answer = self.desk.ask(
            self.host,
            kind,
            text,
            attempt=self.attempt,
            wanted=lambda: not self._over and wanted(),
        )
        self._spent += time.monotonic() - self._since
        self._since = None
        if answer is None:
            self.declined = kind
        else:
            self.answered.append(kind)
            self._answers[kind, text] = answer
        return answer

    def seconds(self, now: float) -> float:
        """How long it waited for the user so far: no fault of the host's."""
        since = self._since
        return self._spent + (0.0 if since is None else now - since)

    def end(self, *, connected: bool = False) -> None:
        """Ask nothing more, and let an open question go; only the right answers are kept."""
        self._over = True
        if not connected:
            self.forget()

    def forget(self) -> None:
        """Keep no answer: they let nobody in, or no more. Wrong ones would lock accounts."""
        self._answers.clear()
