"""tuivm's own screens on a backend that makes numbers up: what the UI alone costs.

``python -m tests.bench.synthetic ROWS CHANGING [low] [grouped]``: ROWS running VMs, of which
CHANGING get new numbers once a second. ``grouped`` opens the list in ``TAGS`` groups.
"""

from __future__ import annotations

import gc
import random
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any, NoReturn
from unittest import mock

from tuivm.core.api import Batch, Focus
from tuivm.core.grouping import Grouping
from tuivm.core.launch import Launch
from tuivm.core.model import (
    Domain,
    DomainKey,
    Facts,
    HostState,
    HostStatus,
    State,
    Stats,
)
from tuivm.core.store import Store
from tuivm.core.view import View

GIB = 1 << 30
TAGS = 20


class SyntheticBackend:
    """Implements ``core.api.Backend`` as far as a list on screen asks."""

    def __init__(
        self, rows: int, changing: int, period: float = 1.0, *, tagged: bool = False
    ) -> None:
        self._period = period
        self._keys = [DomainKey("kv1", f"00000000-0000-4000-8000-{n:012x}") for n in range(rows)]
        self._changing = changing
        self._lock = threading.Lock()
        self._wake: Callable[[], None] = lambda: None
        self._random = random.Random(1)
        facts = [
            Facts(vcpus=2, memory_max=4 * GIB, consoles=("serial0",), tags=tags)
            for tags in ([(f"tag-{number}",) for number in range(TAGS)] if tagged else [()])
        ]
        self._batch = Batch(
            hosts={"kv1": HostStatus("kv1", "test:///bench", HostState.UP)},
            domains={
                key: Domain(
                    key,
                    f"vm-{number:05d}",
                    State.RUNNING,
                    id=number + 1,
                    persistent=True,
                    facts=facts[number % len(facts)],
                    started_at=time.time() - 7200,
                )
                for number, key in enumerate(self._keys)
            },
            stats={key: self._sample() for key in self._keys},
        )

    def start(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        wake()
        threading.Thread(target=self._tick, daemon=True).start()

    def _tick(self) -> None:
        while self._changing:
            time.sleep(self._period)
            fresh = {key: self._sample() for key in self._keys[: self._changing]}
            with self._lock:
                self._batch.stats.update(fresh)
            self._wake()

    def _sample(self) -> Stats:
        number = self._random.random
        used = int(GIB * (1 + number()))
        return Stats(
            time.monotonic(),
            100 * number(),
            used,
            used,
            4 * GIB,
            1e6 * number(),
            1e6 * number(),
            1e6 * number(),
            1e6 * number(),
        )

    def drain(self) -> Batch:
        with self._lock:
            batch, self._batch = self._batch, Batch()
        return batch

    def focus(self, focus: Focus) -> None:
        return

    def stop(self, grace: float) -> bool:
        return True

    def retry(self, host: str) -> None:
        return

    def run(self, key: DomainKey, verb: str, args: Mapping[str, str]) -> Future[str]:
        return self._never()

    def details(self, key: DomainKey) -> NoReturn:
        self._never()

    xml = log = console = details

    def _never(self, *_: Any) -> NoReturn:
        raise NotImplementedError("the benchmark only looks at the list")


def sorted_view(store: Store) -> View:
    """The list sorted by what always changes."""
    view = View(store)
    view.set_sort("cpu", descending=True)
    return view


def grouped_view(store: Store) -> View:
    """The same, grouped by tag."""
    view = sorted_view(store)
    view.set_grouping(Grouping.TAG)
    return view


VIEWS: Mapping[str, Callable[[Store], View]] = {"sorted": sorted_view, "grouped": grouped_view}


def main(rows: int, changing: int, words: Sequence[str] = ()) -> int:
    """Open the list; returns the exit code. ``words`` are ``low`` or one of ``VIEWS``."""
    # As the command line does it.
    gc.disable()
    from tuivm import opening

    low_bandwidth = "low" in words
    period = opening.SELDOM if low_bandwidth else 1.0
    backend = SyntheticBackend(rows, changing, period, tagged="grouped" in words)
    view = next((VIEWS[word] for word in words if word in VIEWS), View)
    log = Path(tempfile.gettempdir()) / "tuivm-bench.log"
    with (
        mock.patch("tuivm.opening.Fleet", return_value=backend),
        mock.patch("tuivm.outset.View", view),
    ):
        return opening.run(
            Launch(uris=("test:///bench",), log_file=log, low_bandwidth=low_bandwidth)
        )


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]))
