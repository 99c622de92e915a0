"""A backend with one VM whose details, log and history a test decides."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import AsyncIterator
from concurrent.futures import Future
from contextlib import asynccontextmanager

from tests.details_sample import DETAILS, HOST, KEY, RUNNING, STATS
from tests.ui.fake import FakeBackend
from tests.ui.screens import Ui, running
from tuivm.core.api import Batch
from tuivm.core.errors import TuivmError
from tuivm.core.model import Domain, DomainDetails, DomainKey, HostStatus, QemuLog, Stats
from tuivm.screens.details import DetailsScreen
from tuivm.screens.details_view import DetailsView

LOG = "\n".join(f"2026-11-23 08:{n // 60:02d}:{n % 60:02d}.000+0000: line {n}" for n in range(300))


class DetailsBackend(FakeBackend):
    """Answers with ``reading``; holds the answers back while ``held`` is a queue."""

    def __init__(self, domain: Domain = RUNNING, host: HostStatus = HOST) -> None:
        super().__init__(Batch(hosts={host.id: host}, domains={domain.key: domain}))
        if domain.state.active:
            self.batch.stats[domain.key] = STATS
        self.reading: DomainDetails | TuivmError = DETAILS
        self.log_reading: QemuLog | TuivmError = QemuLog("/var/log/libvirt/qemu/web-01.log", LOG)
        self.asked: list[DomainKey] = []
        self.held: deque[tuple[DomainKey, Future[DomainDetails]]] | None = None

    def details(self, key: DomainKey) -> Future[DomainDetails]:
        self.asked.append(key)
        future: Future[DomainDetails] = Future()
        if self.held is not None:
            self.held.append((key, future))
        elif isinstance(self.reading, TuivmError):
            future.set_exception(self.reading)
        else:
            future.set_result(self.reading._replace(key=key))
        return future

    def log(self, key: DomainKey) -> Future[QemuLog]:
        future: Future[QemuLog] = Future()
        if isinstance(self.log_reading, TuivmError):
            future.set_exception(self.log_reading)
        else:
            future.set_result(self.log_reading)
        return future


def wave(step: int, base: float) -> Stats:
    """A sample of a guest whose load goes up and down."""
    turn = math.sin(step / 9)
    return Stats(
        at=base + step,
        cpu=50 + 40 * turn,
        memory_used=int((2 + 0.5 * turn) * (1 << 30)),
        memory_max=4 << 30,
        disk_read=3e6 * (1 + turn),
        disk_write=1e6 * (1 - turn),
        net_rx=8e5 * (1 + turn),
        net_tx=2e5,
    )


@asynccontextmanager
async def opened(
    backend: DetailsBackend,
    size: tuple[int, int] = (80, 24),
    tab: str = "overview",
    **options: object,
) -> AsyncIterator[Ui]:
    """Run the app with the details of the one VM on top."""
    async with running(backend, size, **options) as ui:
        context = ui.app.context
        await ui.app.push_screen(DetailsScreen(context, KEY, tab=tab))
        await ui.until(lambda: isinstance(ui.app.screen, DetailsScreen))
        await ui.until(
            lambda: (
                ui.app.screen.query_one(DetailsView).state.read_at is not None
                or backend.held is not None
                or isinstance(backend.reading, TuivmError)
            )
        )
        await ui.pilot.pause()
        yield ui
