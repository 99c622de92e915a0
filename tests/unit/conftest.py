"""Terminal cores for tests of what all of them do alike."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.unit.terminals import CORES, make
from tuivm.core.terminal import TerminalCore


@pytest.fixture(params=CORES)
def core(request: pytest.FixtureRequest) -> Iterator[TerminalCore]:
    """Each core in turn, at 40x6 with 1,000 lines of scrollback."""
    made = make(request.param)
    yield made
    made.close()


@pytest.fixture(params=CORES)
def name(request: pytest.FixtureRequest) -> str:
    """Each core's name in turn, for a test that chooses its size."""
    return str(request.param)
