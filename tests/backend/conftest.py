"""Hosts for the backend's tests: the in-process driver, node files, and private daemons."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.backend.daemon import Daemon, private_daemon
from tests.backend.nodes import node_file

NodeFile = Callable[..., str]


@pytest.fixture
def node(tmp_path: Path) -> NodeFile:
    """Writes a node file with some domains and returns its URI."""

    def write(count: int, **options: object) -> str:
        path = tmp_path / f"node-{count}.xml"
        path.write_text(node_file(count, **options), encoding="utf-8")  # type: ignore[arg-type]
        return f"test://{path}"

    return write


@pytest.fixture
def daemon() -> Iterator[Daemon]:
    """A running daemon that nobody else uses."""
    with private_daemon() as one:
        yield one
