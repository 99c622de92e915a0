"""Fixtures of the end-to-end tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import clean_environment
from tests.e2e.terminal import Terminal, program

Launch = Callable[..., Terminal]


@pytest.fixture
def launch(tmp_path: Path) -> Iterator[Launch]:
    """Start tuivm in a pty: ``launch("--demo", size=(80, 24))``; ended with the test."""
    running: list[Terminal] = []

    def start(*arguments: str, argv: list[str] | None = None, **options: Any) -> Terminal:
        options.setdefault("env", clean_environment(tmp_path))
        terminal = Terminal(argv or program(*arguments), **options)
        running.append(terminal)
        return terminal

    yield start
    for terminal in running:
        terminal.close()
