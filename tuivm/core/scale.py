"""Axes that people can read: round limits and labels for charts over time."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from tuivm.core.text import duration_text

_SPANS = (60, 120, 180, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 86400)
"""Seconds that a time axis may cover."""


class Axis(NamedTuple):
    """An axis' upper end and its ticks."""

    top: float
    ticks: tuple[float, ...]
    labels: tuple[str, ...]


def amounts(most: float, write: Callable[[float], str], *, least: float = 1024) -> Axis:
    """An axis from 0 to a round binary amount that is not below ``most``: 1, 2, 4, 8 KiB...

    ``least`` keeps the noise of an idle guest from filling the chart.
    """
    top = least
    while top < most:
        top *= 2
    ticks = (0.0, top / 2, top)
    return Axis(top, ticks, ("0", *(write(tick) for tick in ticks[1:])))


def limited(top: float, write: Callable[[float], str]) -> Axis:
    """An axis from 0 to a known end, such as all of a guest's memory."""
    ticks = (0.0, top / 2, top)
    return Axis(top, ticks, ("0", *(write(tick) for tick in ticks[1:])))


def percent(most: float = 100.0) -> Axis:
    """An axis from 0 to 100 %, or further in hundreds."""
    top = 100.0
    while top < most - 5:
        top += 100
    ticks = (0.0, top / 2, top)
    return Axis(top, ticks, tuple(f"{tick:.0f} %" for tick in ticks))


def ago(oldest: float) -> Axis:
    """A time axis that ends now: its ticks are seconds below zero, ``oldest`` seconds at least."""
    span = next((one for one in _SPANS if one * 1.05 >= oldest), oldest)
    thirds = 3 if span % 180 == 0 else 2
    ticks = tuple(-span * (thirds - step) / thirds for step in range(thirds + 1))
    labels = tuple("now" if not tick else _age(-tick) for tick in ticks)
    return Axis(span, ticks, labels)


def _age(seconds: float) -> str:
    text = duration_text(seconds)
    for tail in ("m00s", "h00m", "d00h"):
        if text.endswith(tail):
            return text[: -len(tail) + 1]
    return text
