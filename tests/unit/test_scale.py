from __future__ import annotations

import pytest

from tuivm.core.scale import ago, amounts, percent
from tuivm.core.text import rate_text


@pytest.mark.parametrize(("most", "top"), [(0, 1024), (1024, 1024), (1025, 2048), (3e6, 4 << 20)])
def test_an_amount_axis_ends_at_a_round_amount(most: float, top: float) -> None:
    axis = amounts(most, rate_text)
    assert axis.top == top
    assert axis.labels[0] == "0"
    assert len(axis.labels) == len(axis.ticks)


def test_a_percent_axis_is_the_same_for_every_load_below_a_hundred() -> None:
    assert percent(3) == percent(99) == percent(101)
    assert percent(140).top == 200


@pytest.mark.parametrize(
    ("oldest", "labels"),
    [
        (0, ("1m", "30s", "now")),
        (100, ("2m", "1m", "now")),
        (180, ("3m", "2m", "1m", "now")),
        (500, ("10m", "5m", "now")),
        (3000, ("1h", "40m", "20m", "now")),
    ],
)
def test_a_time_axis_has_round_labels(oldest: float, labels: tuple[str, ...]) -> None:
    assert ago(oldest).labels == labels
