"""A backend that answers at once with what the test gave it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any

from tuivm.core.api import (
    Batch,
    ChildChannel,
    ConsoleChannel,
    ConsoleLine,
    ConsoleSink,
    Focus,
    Login,
    LoginRun,
    PacedSink,
)
from tuivm.core.causes import Cause
from tuivm.core.check import Part
from tuivm.core.consoleports import ConsolePort
from tuivm.core.daemonlog import AdminDoor, DaemonLogs, Setting
from tuivm.core.errors import TuivmError
from tuivm.core.hostapi import Elsewhere
from tuivm.core.hostconfig import HostConfig
from tuivm.core.model import (
    Address,
    ConsolePast,
    Description,
    Domain,
    DomainDetails,
    DomainKey,
    DomainXml,
    Facts,
    HostState,
    HostStatus,
    LogEntry,
    QemuLog,
    State,
    Stats,
)
from tuivm.core.runs import RunStep
from tuivm.core.support import Bundle, BundleOrder

GIB = 1 << 30


def uuid(number: int) -> str:
    """A stable UUID for a number."""
    return f"00000000-0000-4000-8000-{number:012x}"


def host(name: str = "kv1", state: HostState = HostState.UP, **fields: object) -> HostStatus:
    """A host, up unless said otherwise."""
    return HostStatus(name, f"qemu+ssh://{name}/system", state, **fields)  # type: ignore[arg-type]


def domain(
    number: int,
    name: str,
    state: State = State.RUNNING,
    *,
    on: str = "kv1",
    reason: str = "",
    title: str = "",
    ip: str = "",
    **fields: object,
) -> Domain:
    """A domain with plausible facts."""
    given: dict[str, object] = {
        "id": number if state.active else None,
        "persistent": True,
        "autostart": number % 2 == 0,
        "managed_save": False,
        "started_at": 1_700_000_000.0 if state.active else None,
        **fields,
    }
    return Domain(
        DomainKey(on, uuid(number)),
        name,
        state,
        reason=reason,
        facts=Facts(title=title, vcpus=2, memory_max=4 * GIB, consoles=("serial0",)),
        addresses=(Address(ip, "52:54:00:00:00:01", "lease"),) if ip else (),
        **given,  # type: ignore[arg-type]
    )


def stats(cpu: float = 12.5, at: float = 1.0) -> Stats:
    """A sample."""
    return Stats(at, cpu, int(1.2 * GIB), 2 * GIB, 4 * GIB, 3.1e6, 0.0, 812e3, 0.0)


def fleet() -> Batch:
    """One host with a VM in every state that matters."""
    domains = [
        domain(1, "web-01", ip="192.168.122.35", title="Shop front end"),
        domain(2, "web-02", ip="192.168.122.36"),
        domain(3, "db-01", State.PAUSED, reason="I/O error"),
        domain(4, "db-02", State.PAUSED, reason="by user"),
        domain(5, "build-7", State.OFF),
        domain(6, "old", State.CRASHED),
        domain(7, "saved", State.OFF, managed_save=True),
    ]
    batch = Batch(hosts={"kv1": host()}, domains={one.key: one for one in domains})
    for one in domains:
        if one.state is State.RUNNING:
            batch.stats[one.key] = stats()
    return batch


class FakeRoster:
    """Implements ``core.hostapi.HostBook`` over a fake backend's batches."""

    def __init__(self, backend: FakeBackend) -> None:
        self._backend = backend
        self.calls: list[tuple[str, object]] = []
        self.refusal: TuivmError | None = None
        self.other: Elsewhere | None = None
        """What another connection has."""
        self.trials: list[Future[HostStatus]] = []

    def add(self, host: HostConfig) -> str:
        self._note("add", host)
        name = host.name or "new"
        self._backend.send(Batch(hosts={name: self._status(name, host)}))
        return name

    def change(self, host: str, to: HostConfig) -> str:
        self._note("change", (host, to))
        name = to.name or host
        batch = Batch(hosts={name: self._status(name, to)})
        if name != host:
            batch.dropped.add(host)
        self._backend.send(batch)
        return name

    def disconnect(self, host: str) -> None:
        self._note("disconnect", host)
        old = self._backend.hosts[host]
        self._backend.send(
            Batch(hosts={host: old._replace(state=HostState.DISABLED)}, dropped={host})
        )

    def forget(self, host: str) -> None:
        self._note("forget", host)
        self._backend.send(Batch(dropped={host}))

    def try_out(self, host: HostConfig) -> Future[HostStatus]:
        self._note("try", host)
        self.trials.append(Future())
        return self.trials[-1]

    def elsewhere(self, host: str) -> Future[Elsewhere | None]:
        """Say what the test said."""
        found: Future[Elsewhere | None] = Future()
        found.set_result(self.other)
        return found

    def _note(self, call: str, what: object) -> None:
        if self.refusal is not None:
            raise self.refusal
        self.calls.append((call, what))

    def _status(self, name: str, of: HostConfig) -> HostStatus:
        state = HostState.UP if of.autoconnect else HostState.DISABLED
        return HostStatus(name, of.uri, state, colour=of.colour, tags=of.tags)


class FakeSupport:
    """Implements ``core.support.Support``."""

    def __init__(self) -> None:
        self.logs: DaemonLogs | TuivmError = TuivmError("Cannot ask libvirt's daemon", "no daemon")
        self.doors: tuple[AdminDoor, ...] = (AdminDoor("libvirtd"),)
        self.settings: list[tuple[str, str, Setting, str]] = []
        self.orders: list[tuple[BundleOrder, Path, bool]] = []
        self.bundled: tuple[str, ...] | TuivmError = ()

    def daemons(self, host: str) -> Future[tuple[AdminDoor, ...]]:
        future: Future[tuple[AdminDoor, ...]] = Future()
        if isinstance(self.logs, TuivmError):
            future.set_exception(self.logs)
        else:
            future.set_result(self.doors)
        return future

    def daemon_logs(self, host: str, daemon: str) -> Future[DaemonLogs]:
        future: Future[DaemonLogs] = Future()
        if isinstance(self.logs, TuivmError):
            future.set_exception(self.logs)
        else:
            future.set_result(replace(self.logs, daemon=daemon))
        return future

    def read_file(self, path: str) -> Future[str]:
        future: Future[str] = Future()
        future.set_result(f"the first line of {path}\nthe last line\n")
        return future

    def bundle(
        self,
        order: BundleOrder,
        path: Path,
        report: Callable[[str], None],
        *,
        replace: bool = False,
    ) -> Future[Bundle]:
        self.orders.append((order, path, replace))
        report("versions")
        future: Future[Bundle] = Future()
        if isinstance(self.bundled, TuivmError):
            future.set_exception(self.bundled)
        else:
            future.set_result(Bundle(path, 4096, ("README.txt", "a.txt"), self.bundled))
        return future

    def set_daemon_log(self, host: str, daemon: str, what: Setting, value: str) -> Future[None]:
        self.settings.append((host, daemon, what, value))
        if isinstance(self.logs, DaemonLogs):
            self.logs = replace(self.logs, **{what: value})  # type: ignore[arg-type]
        future: Future[None] = Future()
        future.set_result(None)
        return future


class FakeBackend:
    """Implements ``core.api.Backend``; nothing waits, everything is written down."""

    def __init__(self, batch: Batch | None = None) -> None:
        self.batch = batch or Batch()
        self.calls: list[tuple[DomainKey, str, dict[str, str]]] = []
        self.focused: list[Focus] = []
        self.retried: list[str] = []
        self.answers: list[tuple[int, str | None]] = []
        self.failures: dict[str, TuivmError] = {}
        self.past = ConsolePast()
        self.described = Description("", "")
        self.causes: tuple[Cause, ...] = ()
        self.noted: tuple[Cause, ...] = ()
        self.explained: list[tuple[DomainKey, TuivmError | None]] = []
        self.hold: list[Future[str]] | None = None
        self.domains: dict[DomainKey, Domain] = {}
        self.hosts: dict[str, HostStatus] = {}
        self.roster = FakeRoster(self)
        self.ports: tuple[ConsolePort, ...] = ()
        self.checked: list[str] = []
        self.report: tuple[Part, ...] | TuivmError = ()
        self.aid = FakeSupport()
        self._wake: Callable[[], None] = lambda: None

    def start(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        wake()

    def send(self, batch: Batch) -> None:
        """Report something, as a backend thread would."""
        for name in batch.dropped:
            self.batch.drop(name)
        self.batch.order = batch.order or self.batch.order
        self.batch.hosts |= batch.hosts
        self.batch.domains |= batch.domains
        self.batch.stats |= batch.stats
        self.batch.jobs |= batch.jobs
        self.batch.entries += batch.entries
        self.batch.questions |= batch.questions
        self._wake()

    def become(self, key: DomainKey, state: State) -> None:
        """Report that a domain reached a state."""
        one = self.domains[key]._replace(state=state, id=1 if state.active else None)
        self.domains[key] = one
        self.send(Batch(domains={key: one}))

    def drain(self) -> Batch:
        batch, self.batch = self.batch, Batch()
        self.hosts |= batch.hosts
        self.domains |= {key: one for key, one in batch.domains.items() if one is not None}
        return batch

    def focus(self, focus: Focus) -> None:
        self.focused.append(focus)

    def stop(self, grace: float) -> bool:
        return True

    def retry(self, host: str) -> None:
        self.retried.append(host)

    def answer(self, question: int, text: str | None) -> None:
        self.answers.append((question, text))

    def run(self, key: DomainKey, verb: str, args: Mapping[str, str]) -> Future[str]:
        self.calls.append((key, verb, dict(args)))
        future: Future[str] = Future()
        if verb in self.failures:
            future.set_exception(self.failures[verb])
        elif self.hold is not None:
            self.hold.append(future)
        else:
            future.set_result("")
        return future

    def console_past(self, key: DomainKey, device: str = "") -> Future[ConsolePast]:
        future: Future[ConsolePast] = Future()
        future.set_result(self.past)
        return future

    def check(self, host: str) -> Future[tuple[Part, ...]]:
        self.checked.append(host)
        future: Future[tuple[Part, ...]] = Future()
        if isinstance(self.report, TuivmError):
            future.set_exception(self.report)
        else:
            future.set_result(self.report)
        return future

    @property
    def support(self) -> FakeSupport:
        return self.aid

    def description(self, key: DomainKey) -> Future[Description]:
        future: Future[Description] = Future()
        future.set_result(self.described)
        return future

    def details(self, key: DomainKey) -> Future[DomainDetails]:
        return _failed("no details in this test")

    def xml(self, key: DomainKey) -> Future[DomainXml]:
        future: Future[DomainXml] = Future()
        future.set_result(DomainXml("<domain/>", "<domain/>", ()))
        return future

    def explain(self, key: DomainKey, error: TuivmError | None = None) -> Future[tuple[Cause, ...]]:
        self.explained.append((key, error))
        future: Future[tuple[Cause, ...]] = Future()
        future.set_result(self.causes)
        return future

    def notes(self, key: DomainKey, topics: Sequence[str] = ()) -> Future[tuple[Cause, ...]]:
        future: Future[tuple[Cause, ...]] = Future()
        future.set_result(tuple(one for one in self.noted if not topics or one.topic in topics))
        return future

    def log(self, key: DomainKey) -> Future[QemuLog]:
        return _failed("no log in this test")

    def consoles(self, key: DomainKey) -> Future[tuple[ConsolePort, ...]]:
        future: Future[tuple[ConsolePort, ...]] = Future()
        future.set_result(self.ports)
        return future

    def console(
        self,
        key: DomainKey,
        sink: ConsoleSink,
        *,
        device: str = "",
        force: bool = False,
        boot: bool = False,
    ) -> ConsoleChannel:
        raise NotImplementedError

    def child(
        self, argv: Sequence[str], sink: PacedSink, *, columns: int, lines: int
    ) -> ChildChannel:
        raise NotImplementedError

    def log_in_and_run(
        self,
        key: DomainKey,
        login: Login,
        report: Callable[[RunStep], None],
        *,
        line: ConsoleLine | None = None,
    ) -> LoginRun:
        raise NotImplementedError


def _failed(title: str) -> Future[Any]:
    future: Future[Any] = Future()
    future.set_exception(TuivmError(title))
    return future


def entry(text: str, **fields: object) -> LogEntry:
    """A log line at a fixed time."""
    return LogEntry(1_700_000_000.0, text, **fields)  # type: ignore[arg-type]
