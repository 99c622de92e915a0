"""What a simulated host adds to libvirt's test driver; ``demo.Demo`` is the one there is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, Protocol

import libvirt

if TYPE_CHECKING:
    from tuivm.core.api import ConsoleChannel, ConsoleSink
    from tuivm.core.model import Address, Domain, DomainDetails, DomainKey, QemuLog, State, Stats


class Owner(Protocol):
    """What a simulated console needs of its host; ``host.Host`` has it."""

    def submit(self, fn: Callable[[libvirt.virConnect], Any], *, call: str) -> Future[Any]:
        """Run ``fn`` on the host's own thread; the future fails with ``TuivmError``."""

    def watch(self, uuid: str, callback: Callable[[Domain | None], None]) -> Callable[[], None]:
        """Hear of every change of one domain's row; returns the way out."""


class Extras(Protocol):
    """Answers in place of a driver that lacks them. Any thread; never waits."""

    @property
    def uri(self) -> str:
        """What the host connects to."""

    def close(self) -> None:
        """Leave nothing behind; idempotent."""

    def prepare(self, conn: libvirt.virConnect) -> None:
        """Bring a fresh connection into the state with which it begins."""

    def starts(self) -> dict[str, float]:
        """When domains that run at the beginning were started (``time.time()``)."""

    def reason(self, uuid: str, state: State, reason: str) -> str:
        """Why a domain is in its state."""

    def addresses(self, uuid: str, state: State) -> tuple[Address, ...]:
        """A domain's addresses."""

    def stats(
        self, uuid: str, state: State, *, at: float, vcpus: int | None, memory_max: int | None
    ) -> Stats | None:
        """A domain's sample at ``at`` (``time.monotonic()``)."""

    def before(self, uuid: str, verb: str, args: Mapping[str, str]) -> None:
        """Hear that a verb is about to be done."""

    def enrich(self, details: DomainDetails, state: State) -> DomainDetails:
        """Add to details what the driver does not tell."""

    def log(self, uuid: str, name: str) -> QemuLog:
        """The hypervisor's log."""

    def console(
        self,
        key: DomainKey,
        sink: ConsoleSink,
        owner: Owner,
        *,
        device: str = "",
        force: bool = False,
        boot: bool = False,
    ) -> ConsoleChannel:
        """A console; returns at once."""
