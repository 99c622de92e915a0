"""Lanes: calls end in time whatever libvirt does, and each thread has its own connection."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from tests.backend.watcher import PATIENCE, failure
from tuivm.backend.lane import Call, Lane
from tuivm.core.errors import TuivmError


class Fake:
    """Counts the connections that a lane opens and closes."""

    def __init__(self) -> None:
        self.open = 0
        self.most = 0
        self.gate = threading.Event()
        self.closed = threading.Event()
        self.lock = threading.Lock()

    def connect(self) -> object:
        with self.lock:
            self.open += 1
            self.most = max(self.most, self.open)
        return Connection()

    def close(self, _conn: object) -> None:
        with self.lock:
            self.open -= 1

    def lane(self, limit: int = 2) -> Lane:
        return Lane(
            "test",
            self.connect,
            self.close,
            limit=limit,
            on_broken=lambda _lane, _error: None,
            on_closed=lambda _lane: self.closed.set(),
        )


class Connection:
    """Stands in for ``libvirt.virConnect``."""

    def isAlive(self) -> int:
        return 1


@pytest.fixture
def fake() -> Iterator[Fake]:
    one = Fake()
    yield one
    one.gate.set()


def call(fn: object, deadline: float = PATIENCE) -> Call:
    return Call(fn, call="x", deadline=deadline)  # type: ignore[arg-type]


def test_no_more_threads_and_connections_than_allowed(fake: Fake) -> None:
    lane = fake.lane(limit=2)
    calls = [call(lambda _conn: fake.gate.wait(PATIENCE)) for _ in range(10)]
    for one in calls:
        lane.submit(one)
    time.sleep(0.05)
    assert fake.most <= 2
    fake.gate.set()
    assert all(one.future.result(PATIENCE) for one in calls)
    assert fake.most <= 2


def test_no_two_threads_share_a_connection(fake: Fake) -> None:
    lane = fake.lane(limit=3)
    used: dict[int, set[int]] = {}

    def use(conn: object) -> None:
        used.setdefault(id(conn), set()).add(threading.get_ident())

    calls = [call(use) for _ in range(50)]
    for one in calls:
        lane.submit(one)
    for one in calls:
        one.future.result(PATIENCE)
    assert all(len(threads) == 1 for threads in used.values())


def test_a_late_call_fails_and_its_answer_is_dropped(fake: Fake) -> None:
    lane = fake.lane(limit=1)
    late = call(lambda _conn: fake.gate.wait(PATIENCE), deadline=0.05)
    waiting = call(lambda _conn: "answer")
    lane.submit(late)
    lane.submit(waiting)
    assert lane.expire(time.monotonic() + 1) == pytest.approx(waiting.expires)
    assert "no answer" in str(failure(late.future))
    assert lane.stuck == 1
    fake.gate.set()
    assert waiting.future.result(PATIENCE) == "answer"
    assert lane.stuck == 0


def test_a_cancelled_call_is_never_made(fake: Fake) -> None:
    lane = fake.lane(limit=1)
    made: list[object] = []
    lane.submit(call(lambda _conn: fake.gate.wait(PATIENCE)))
    dropped, last = call(made.append), call(lambda _conn: None)
    lane.submit(dropped)
    lane.submit(last)
    assert dropped.future.cancel()
    fake.gate.set()
    last.future.result(PATIENCE)
    assert made == []


def test_killing_a_lane_fails_all_and_closes_all(fake: Fake) -> None:
    lane = fake.lane(limit=2)
    calls = [call(lambda _conn: fake.gate.wait(PATIENCE)) for _ in range(4)]
    for one in calls:
        lane.submit(one)
    lane.kill(TuivmError("gone"))
    for one in calls:
        assert "not connected" in str(failure(one.future))
    after = call(lambda _conn: None)
    lane.submit(after)
    failure(after.future)
    assert not fake.closed.is_set(), "a thread is still in its call"
    fake.gate.set()
    assert fake.closed.wait(PATIENCE)
    assert fake.open == 0


def test_a_connection_that_cannot_be_opened_fails_the_call(fake: Fake) -> None:
    def refuse() -> object:
        raise OSError("no")

    lane = Lane("x", refuse, fake.close, limit=1, on_broken=lambda _lane, _error: None)
    one = call(lambda _conn: None)
    lane.submit(one)
    assert "no" in str(failure(one.future))
