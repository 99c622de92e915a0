"""Charts and sparklines show the newest samples, in order, with gaps where nothing ran."""

from __future__ import annotations

import pytest

from tests.unit.samples import sample
from tuivm.core.history import CAPACITY, History, memory_value


def test_samples_come_back_in_order() -> None:
    history = History()
    for at in range(10):
        history.add(sample(1000.5 + at, cpu=float(at), disk_read=None, net_tx=at * 10.0))
    assert len(history) == 10
    assert history.times() == [1000.5 + at for at in range(10)]
    assert history.series("cpu") == [float(at) for at in range(10)]
    assert history.series("disk_read") == [None] * 10
    assert history.series("net_tx")[-1] == 90.0
    assert history.spark(3) == (7.0, 8.0, 9.0)
    assert history.spark(50) == tuple(map(float, range(10)))


@pytest.mark.parametrize("extra", [0, 1, 7, CAPACITY, 2 * CAPACITY + 3])
def test_only_the_newest_are_kept(extra: int) -> None:
    history = History()
    total = CAPACITY + extra
    for at in range(total):
        history.add(sample(float(at), cpu=at % 101))
    expected = list(range(total - CAPACITY, total))
    assert len(history) == CAPACITY
    assert history.times() == [float(at) for at in expected]
    assert history.series("cpu") == [float(at % 101) for at in expected]
    assert history.spark(5) == tuple(float(at % 101) for at in expected[-5:])


def test_a_stop_leaves_one_gap() -> None:
    history = History()
    history.gap()
    assert len(history) == 0
    history.add(sample(1.0, cpu=50.0))
    history.gap()
    history.gap()
    history.add(sample(9.0, cpu=60.0))
    assert history.series("cpu") == [50.0, None, 60.0]
    assert history.times() == [1.0, 1.0, 9.0]
    assert history.spark(3) == (50.0, None, 60.0)


def test_a_gap_in_a_full_ring() -> None:
    history = History()
    for at in range(CAPACITY):
        history.add(sample(float(at), cpu=1.0))
    history.gap()
    assert len(history) == CAPACITY
    assert history.series("cpu")[-2:] == [1.0, None]
    assert history.times()[-2:] == [CAPACITY - 1.0, CAPACITY - 1.0]


def test_an_empty_history_has_nothing() -> None:
    history = History()
    assert history.times() == []
    assert history.series("memory") == []
    assert history.spark(5) == ()


def test_memory_is_the_guests_word_before_the_hosts() -> None:
    assert memory_value(sample(memory_used=5, memory_rss=9)) == 5
    assert memory_value(sample(memory_used=0, memory_rss=9)) == 0
    assert memory_value(sample(memory_rss=9)) == 9
    assert memory_value(sample()) is None


def test_ten_thousand_domains_fit_in_memory() -> None:
    history = History()
    for at in range(CAPACITY * 2):
        history.add(sample(float(at), cpu=1.0))
    assert history._data.itemsize * len(history._data) <= 5200
