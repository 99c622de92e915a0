"""Protocols through which screens ask the backend.

Every method may be called on the UI thread: none of them waits for libvirt. Answers
come as ``concurrent.futures.Future``; the UI awaits them with ``asyncio.wrap_future``.
A future fails with ``TuivmError``, never with libvirt's own exception, and always ends:
a host that does not answer fails it at the call's deadline.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from tuivm.core.batch import Batch, Focus

if TYPE_CHECKING:
    # Only named here: what the first screen does not use is not loaded for it.
    from tuivm.core.causes import Cause
    from tuivm.core.check import Part
    from tuivm.core.consoleports import ConsolePort
    from tuivm.core.errors import TuivmError
    from tuivm.core.hostapi import HostBook
    from tuivm.core.model import (
        ChildExit,
        ConsolePast,
        Description,
        DomainDetails,
        DomainKey,
        DomainXml,
        QemuLog,
    )
    from tuivm.core.runs import RunResult, RunStep
    from tuivm.core.support import Support


__all__ = [
    "Backend",
    "Batch",
    "ChildChannel",
    "ConsoleChannel",
    "ConsoleLine",
    "ConsoleSink",
    "ConsoleState",
    "Focus",
    "Login",
    "LoginRun",
    "PacedSink",
]


class ConsoleState(StrEnum):
    """What a console's transport is doing."""

    ATTACHING = "attaching"
    ATTACHED = "attached"
    BUSY = "busy"
    """Somebody else has it; it can be taken over."""
    STOLEN = "stolen"
    """Somebody else took it over."""
    ENDED = "ended"
    """The domain stopped; it is attached again when the domain starts."""
    NO_DEVICE = "no device"
    NOT_A_PTY = "not a pty"
    FAILED = "failed"
    CLOSED = "closed"
    """We left."""


class ConsoleSink(Protocol):
    """Who receives a console's output. Called on the backend's event thread: append and return."""

    def console_bytes(self, data: bytes) -> None:
        """Take what the guest printed."""

    def console_state(self, state: ConsoleState, detail: str) -> None:
        """Take a change of state and its explanation."""


class PacedSink(ConsoleSink, Protocol):
    """A sink that says how far behind it is, so that who can wait for it waits."""

    @property
    def waiting(self) -> int:
        """Bytes that it took and has not worked off; any thread."""


class ConsoleChannel(Protocol):
    """An open (or waiting) console."""

    @property
    def state(self) -> ConsoleState:
        """The last state told to the sink."""

    def write(self, data: bytes) -> None:
        """Queue input for the guest; never blocks; may be called on any thread."""

    def attach(self, *, force: bool = False) -> None:
        """Try again; ``force`` takes a busy console over."""

    def close(self) -> None:
        """Leave, so that others can attach; idempotent; never blocks."""


class ChildChannel(ConsoleChannel, Protocol):
    """A program of this machine in a terminal: ``ATTACHED`` while it runs, then ``ENDED``."""

    @property
    def exit(self) -> ChildExit | None:
        """How it ended; None while it runs or when it never did."""

    def resize(self, columns: int, lines: int) -> None:
        """Tell it the size of its terminal; never blocks."""


class ConsoleLine(Protocol):
    """A console that this program has open already (``core.session.ConsoleSession``)."""

    @property
    def channel(self) -> ConsoleChannel | None:
        """What it is attached through; None while it is not open."""

    def add_tap(self, tap: Callable[[bytes], None]) -> Callable[[], None]:
        """Let ``tap`` have every byte that the guest prints; returns what removes it."""


@dataclass(frozen=True, slots=True)
class Login:
    """What to do on consoles: log in, and run a command."""

    user: str
    password: str = field(repr=False)
    """Lives here and in the dialog only; never logged, shown or stored."""
    command: str
    """One line, as one would give it to ``ssh host COMMAND``."""
    force: bool = False
    """Take a console over from whoever has it."""
    seconds: float = 60.0
    """How long the command may take."""


class LoginRun(Protocol):
    """A command under way on one console."""

    @property
    def result(self) -> Future[RunResult]:
        """What came of it; failures are results too. It always ends."""

    def cancel(self) -> None:
        """Break it off and leave the line clean; any thread, never blocks."""


class Backend(Protocol):
    """All hosts together, as the screens see them."""

    def start(self, wake: Callable[[], None]) -> None:
        """Begin to connect. ``wake`` is called from backend threads, once until the next drain."""

    def drain(self) -> Batch:
        """Take what changed; never blocks."""

    def focus(self, focus: Focus) -> None:
        """Say what is on screen."""

    def stop(self, grace: float) -> bool:
        """Close what can be closed within ``grace`` seconds; True when nothing was stuck."""

    @property
    def roster(self) -> HostBook:
        """The hosts, and how they come and go."""

    def retry(self, host: str) -> None:
        """Connect a lost or disconnected host now, or list a connected one afresh.

        It may ask for passwords and the like (``Batch.questions``); what connects by itself
        never does.
        """

    def answer(self, question: int, text: str | None) -> None:
        """Answer a host's question; None is "not now". Too late it changes nothing."""

    def run(self, key: DomainKey, verb: str, args: Mapping[str, str]) -> Future[str]:
        """Do a lifecycle verb (``core.actions`` names them) on one domain.

        The result is a short note for the event log, often empty. The call returning is
        not the outcome: a shutdown's domain stops later, or never.
        """

    def check(self, host: str) -> Future[tuple[Part, ...]]:
        """Look whether a host can run VMs and what is missing; changes nothing."""

    @property
    def support(self) -> Support:
        """What helps to find a fault: daemons' logs."""

    def details(self, key: DomainKey) -> Future[DomainDetails]:
        """Read all that the details screen shows."""

    def xml(self, key: DomainKey) -> Future[DomainXml]:
        """Read the XML, live and inactive, secrets hidden."""

    def description(self, key: DomainKey) -> Future[Description]:
        """Read title and description, whole, to be edited."""

    def explain(self, key: DomainKey, error: TuivmError | None = None) -> Future[tuple[Cause, ...]]:
        """Find what stands in the way of a domain, the surest first; nothing where all is well.

        Of its shutdown while it runs, of its start after ``error``, of going on while it is
        paused. May take some seconds; changes nothing.
        """

    def notes(self, key: DomainKey, topics: Sequence[str] = ()) -> Future[tuple[Cause, ...]]:
        """Find what a domain lacks, or would refuse, though nothing is wrong with it.

        Each has a topic: ``agent``, ``address``, ``console``, ``speed``, ``snapshot``,
        ``migrate``; all of them unless some are named. May take some seconds; changes nothing.
        """

    def log(self, key: DomainKey) -> Future[QemuLog]:
        """Read the tail of the hypervisor's log of the domain."""

    def consoles(self, key: DomainKey) -> Future[tuple[ConsolePort, ...]]:
        """Read which consoles a domain has, the one first that is opened by default."""

    def console_past(self, key: DomainKey, device: str = "") -> Future[ConsolePast]:
        """Read what a console printed before, where its log file is on this machine."""

    def console(
        self,
        key: DomainKey,
        sink: ConsoleSink,
        *,
        device: str = "",
        force: bool = False,
        boot: bool = False,
    ) -> ConsoleChannel:
        """Attach to a serial console; returns at once, the sink hears the rest.

        ``device`` is an alias (``serial0``), empty for the first console. ``boot`` starts
        the domain paused, attaches, and lets it run: no boot byte is lost.
        """

    def child(
        self, argv: Sequence[str], sink: PacedSink, *, columns: int, lines: int
    ) -> ChildChannel:
        """Run a program of this machine in a terminal of its own; returns at once.

        ``argv`` is never seen by a shell. What cannot be run is told as ``FAILED``.
        """

    def log_in_and_run(
        self,
        key: DomainKey,
        login: Login,
        report: Callable[[RunStep], None],
        *,
        line: ConsoleLine | None = None,
    ) -> LoginRun:
        """Log in on a domain's serial console, run a command, log out; returns at once.

        ``report`` hears of every step, on a backend thread. ``line`` is the console where
        this program has it open already: a console has one reader.
        """
