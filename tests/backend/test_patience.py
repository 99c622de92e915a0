"""A call that may never come back: its answer, its failure, or that there was none in time."""

from __future__ import annotations

import threading

import pytest

from tuivm.backend.patience import ask_within
from tuivm.core.errors import TuivmError


def test_an_answer_comes_back() -> None:
    assert ask_within(30, "uuid", "answer", lambda: 7) == 7


def test_any_failure_is_passed_on_at_once_and_the_question_may_be_asked_again() -> None:
    def fail() -> int:
        raise UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte")

    for _ in range(2):
        with pytest.raises(UnicodeDecodeError):
            ask_within(30, "uuid", "failure", fail)


def test_a_thread_that_cannot_be_started_owes_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        with pytest.raises(RuntimeError):
            ask_within(30, "uuid", "threads", lambda: 7)
    assert ask_within(30, "uuid", "threads", lambda: 7) == 7


def test_who_owes_an_answer_is_not_asked_again_until_it_came() -> None:
    come, came = threading.Event(), threading.Event()

    def ask() -> None:
        come.wait(30)
        came.set()

    with pytest.raises(TuivmError, match="No answer"):
        ask_within(0.01, "uuid", "silence", ask)
    with pytest.raises(TuivmError, match="No answer"):
        ask_within(30, "uuid", "silence", lambda: pytest.fail("asked again"))
    come.set()
    assert came.wait(30)
