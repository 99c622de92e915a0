"""What is read and drawn every few seconds for people comes several times a second for tests."""

from __future__ import annotations

import pytest

from tuivm.screens import details_charts, details_view

QUICK = 0.2
"""Seconds between two readings of the details, and between two drawings of a chart."""


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read and draw more often than people need it."""
    monkeypatch.setattr(details_view, "PERIOD", QUICK)
    monkeypatch.setattr(details_charts, "REDRAW", QUICK)
