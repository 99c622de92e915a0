"""All hosts as one backend: merges what they tell and sends questions to the right one."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Future, wait
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakSet

import libvirt

from tuivm.backend import errors
from tuivm.backend.desk import Desk
from tuivm.backend.extras import Extras
from tuivm.backend.host import Host
from tuivm.backend.inventory import decode
from tuivm.backend.news import News
from tuivm.backend.roster import Roster
from tuivm.backend.task import Timing
from tuivm.core.errors import TuivmError
from tuivm.core.hostconfig import HostConfig
from tuivm.core.model import (
    ConsolePast,
    Description,
    Domain,
    DomainDetails,
    DomainKey,
    DomainXml,
    QemuLog,
)
from tuivm.core.runs import RunStep
from tuivm.core.text import sanitise

if TYPE_CHECKING:
    from tuivm.backend.shutdown import Asked
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
    from tuivm.core.support import Support

T = TypeVar("T")

ACTION_DEADLINE = 120.0
"""Seconds after which a verb's future fails; the verb itself may still be done."""
SLOW_VERBS: Mapping[str, float] = {"managedsave": 3600.0, "start": 600.0, "start-paused": 600.0}
"""Verbs that write or read a guest's whole memory."""
EXPLAIN_DEADLINE = 30.0
"""Seconds that the search for causes may take: it may wait for a guest."""
LEAVE_LINES = 3.0
"""Seconds that the program's end waits for consoles to be left clean."""


class Fleet:
    """Implements ``core.api.Backend`` over any number of hosts."""

    def __init__(
        self,
        uris: Sequence[str],
        *,
        readonly: bool = False,
        demo: bool = False,
        timing: Timing | None = None,
        known: Sequence[HostConfig] = (),
        asking_uris: Collection[str] = (),
        screen: bool = False,
    ) -> None:
        """Prepare the hosts; nothing connects before ``start``.

        ``known`` is what the configuration says of them, ``asking_uris`` may ask the user
        when they first connect. With ``screen`` one is coming up, which the first ``focus``
        tells: what follows the rows waits for it.
        """
        self._asking = frozenset(asking_uris)
        self._readonly = readonly
        self._news = News()
        self._desk = Desk(self._news.questions)
        self._runs: WeakSet[LoginRun] = WeakSet()
        self._asked: dict[DomainKey, Asked] = {}
        """When each domain was last asked to shut down."""
        self._support: Support | None = None
        self.roster = Roster(
            self._news,
            self._desk,
            readonly=readonly,
            timing=timing,
            screen=screen,
            gone=self._forget,
        )
        """The hosts, and how they come and go."""
        if demo:
            from tuivm.backend.demo import Demo

            self.roster.enter_demo(Demo())
        self.roster.enter(uris, known)

    @property
    def hosts(self) -> dict[str, Host]:
        """The hosts by id, in order."""
        return self.roster.hosts

    def _forget(self, host: str) -> None:
        for key in [key for key in self._asked if key.host == host]:
            del self._asked[key]

    # core.api.Backend -------------------------------------------------------------------

    def start(self, wake: Callable[[], None]) -> None:
        """Begin to connect; ``wake`` is called once until the next ``drain``."""
        self._news.listen(wake)
        self.roster.start(self._asking)

    def drain(self) -> Batch:
        """Take what changed since the last time."""
        return self._news.drain()

    def focus(self, focus: Focus) -> None:
        """Say what is on screen."""
        self.roster.focus(focus)

    def stop(self, grace: float) -> bool:
        """Close all hosts at once; False when a thread is stuck in libvirt after ``grace``.

        Then only ``os._exit`` is sure to end the process without waiting for libvirt.
        """
        self._leave_lines()
        until = time.monotonic() + grace
        self._news.listen(None)
        return self.roster.stop(until)

    def _leave_lines(self) -> None:
        """Break off what runs on consoles: a guest must not be left with somebody logged in."""
        runs = [run for run in self._runs if not run.result.done()]
        for run in runs:
            run.cancel()
        wait([run.result for run in runs], LEAVE_LINES)

    def retry(self, host: str) -> None:
        """Connect a lost or disconnected host now, or list a connected one afresh."""
        self.roster.retry(host)

    def answer(self, question: int, text: str | None) -> None:
        """Answer a host's question; None is "not now"."""
        self._desk.answer(question, text)

    def run(self, key: DomainKey, verb: str, args: Mapping[str, str]) -> Future[str]:
        """Do a lifecycle verb on one domain, then read its row again."""
        from tuivm.backend.power import verb_call

        uuid, plain_args = key.uuid, dict(args)
        title = f"Cannot {verb.replace('-', ' ')} {self._name(key)}"
        if self._readonly:
            refused: Future[str] = Future()
            refused.set_exception(errors.read_only(title))
            return refused
        host = self.hosts.get(key.host)
        if host is not None and host.extras is not None:
            host.extras.before(uuid, verb, plain_args)
        future = self._submit(
            key,
            verb_call(uuid, verb, plain_args, host.submit if host else None),
            call=f"{verb} ({uuid})",
            # What is to be broken off may hold all of the job's threads.
            lane="side" if verb == "abort-job" else "job",
            deadline=SLOW_VERBS.get(verb, ACTION_DEADLINE),
            title=title,
        )
        if verb == "shutdown":
            from tuivm.backend.shutdown import Asked

            self._asked = {k: v for k, v in self._asked.items() if self._row(k) is not None}
            self._asked[key] = Asked(time.monotonic(), plain_args.get("mode", ""), future)
        if host is not None:
            if verb in SLOW_VERBS:
                host.expect_job(uuid)
            # No event tells of autostart, saved states and the like.
            future.add_done_callback(lambda _future: host.reread(uuid))
        return future

    def check(self, host: str) -> Future[tuple[Part, ...]]:
        """Look whether a host can run VMs and what is missing."""
        from tuivm.backend.host_check import check_open

        return check_open(host, self.hosts.get(host))

    @property
    def support(self) -> Support:
        """What helps to find a fault."""
        if self._support is None:
            from tuivm.backend.support import HostSupport

            self._support = HostSupport(lambda host: self.hosts.get(host), readonly=self._readonly)
        return self._support

    def details(self, key: DomainKey) -> Future[DomainDetails]:
        """Read all that the details screen shows."""
        from tuivm.backend.details import read_details

        extras = self._extras(key)

        def read(conn: libvirt.virConnect) -> DomainDetails:
            details = read_details(conn, key)
            if extras is None:
                return details
            state, _reason = decode(*Host.lookup(conn, key).state()[:2])
            return extras.enrich(details, state)

        return self._submit(
            key,
            read,
            call="virDomainGetXMLDesc",
            # It asks the guest agent too, which may hang and stall its connection.
            lane="agent",
            title=f"Cannot read {self._name(key)}",
        )

    def xml(self, key: DomainKey) -> Future[DomainXml]:
        """Read the XML, live and inactive."""
        from tuivm.backend.xml import read_xml

        return self._submit(
            key,
            lambda conn: read_xml(conn, key.uuid),
            call="virDomainGetXMLDesc",
            title=f"Cannot read the XML of {self._name(key)}",
        )

    def description(self, key: DomainKey) -> Future[Description]:
        """Read title and description, whole, to be edited."""
        from tuivm.backend.metadata import read_description

        return self._submit(
            key,
            lambda conn: read_description(conn, key.uuid),
            call="virDomainGetMetadata",
            title=f"Cannot read the description of {self._name(key)}",
        )

    def explain(self, key: DomainKey, error: TuivmError | None = None) -> Future[tuple[Cause, ...]]:
        """Find what stands in the way of a domain, the surest first."""
        from tuivm.backend.explain import Question, answered, explain

        host, row = self.hosts.get(key.host), self._row(key)
        uri, started = host.uri if host else "", row.started_at if row else None
        question = Question(key.uuid, uri, error, *answered(self._asked.get(key)), started)
        return self._submit(
            key,
            lambda conn: explain(conn, question),
            call="virDomainGetXMLDesc",
            lane="job",
            deadline=EXPLAIN_DEADLINE,
            title=f"Cannot look into {self._name(key)}",
        )

    def notes(self, key: DomainKey, topics: Sequence[str] = ()) -> Future[tuple[Cause, ...]]:
        """Find what a domain lacks or would refuse though nothing is wrong."""
        from tuivm.backend.explain import Question
        from tuivm.backend.notes import notes

        host = self.hosts.get(key.host)
        row = self._row(key)
        uri, started = host.uri if host else "", row.started_at if row else None
        question = Question(key.uuid, uri, started_at=started)
        return self._submit(
            key,
            lambda conn: notes(conn, question, topics),
            call="virDomainGetXMLDesc",
            # It asks the guest agent too, which may hang and stall its connection.
            lane="agent",
            deadline=EXPLAIN_DEADLINE,
            title=f"Cannot look into {self._name(key)}",
        )

    def log(self, key: DomainKey) -> Future[QemuLog]:
        """Read the tail of the hypervisor's log."""
        from tuivm.backend.log import read_log

        host = self.hosts.get(key.host)
        uri = host.uri if host else ""
        extras = self._extras(key)

        def read(conn: libvirt.virConnect) -> QemuLog:
            name = Host.lookup(conn, key).name()
            return read_log(uri, name) if extras is None else extras.log(key.uuid, name)

        return self._submit(
            key,
            read,
            call="virDomainLookupByUUID",
            title=f"Cannot read the log of {self._name(key)}",
        )

    def consoles(self, key: DomainKey) -> Future[tuple[ConsolePort, ...]]:
        """Read which consoles a domain has."""
        from tuivm.backend.xml_console import ports

        return self._submit(
            key,
            lambda conn: ports(Host.lookup(conn, key).XMLDesc(0)),
            call="virDomainGetXMLDesc",
            title=f"Cannot read the consoles of {self._name(key)}",
        )

    def console_past(self, key: DomainKey, device: str = "") -> Future[ConsolePast]:
        """Read what a console printed before, where its log file is on this machine."""
        from tuivm.backend.console_log import read_past

        host, title = self.hosts.get(key.host), f"Cannot read the past of {self._name(key)}"
        uri = host.uri if host else ""
        return self._submit(
            key,
            lambda conn: read_past(conn, key.uuid, uri, device),
            call="virDomainGetXMLDesc",
            lane="job",
            title=title,
        )

    def console(
        self,
        key: DomainKey,
        sink: ConsoleSink,
        *,
        device: str = "",
        force: bool = False,
        boot: bool = False,
    ) -> ConsoleChannel:
        """Attach to a serial console; returns at once."""
        host = self.hosts.get(key.host) or self.roster.nobody(key.host)
        if host.extras is not None:
            channel: ConsoleChannel = host.extras.console(
                key, sink, host, device=device, force=force, boot=boot
            )
            return channel
        from tuivm.backend.console import Console

        return Console(host, key, sink, device=device, force=force, boot=boot)

    def child(
        self, argv: Sequence[str], sink: PacedSink, *, columns: int, lines: int
    ) -> ChildChannel:
        """Run a program of this machine in a terminal of its own; returns at once."""
        from tuivm.backend.child import Child

        return Child(argv, sink, columns=columns, lines=lines)

    def log_in_and_run(
        self,
        key: DomainKey,
        login: Login,
        report: Callable[[RunStep], None],
        *,
        line: ConsoleLine | None = None,
    ) -> LoginRun:
        """Log in on a domain's serial console, run a command, log out; returns at once."""
        from tuivm.backend.login_run import ConsoleRun

        connect = partial(self.console, key, force=login.force)
        run = ConsoleRun(connect, key, login, report, line=line)
        self._runs.add(run)
        return run

    def _submit(
        self, key: DomainKey, fn: Callable[[libvirt.virConnect], T], **how: Any
    ) -> Future[T]:
        host = self.hosts.get(key.host)
        if host is not None:
            return host.submit(fn, **how)
        future: Future[T] = Future()
        title = how.get("title", "")
        future.set_exception(
            TuivmError(title, f"there is no host {sanitise(key.host, 80)}")
            if title
            else errors.not_connected(sanitise(key.host, 80))
        )
        return future

    def _extras(self, key: DomainKey) -> Extras | None:
        host = self.hosts.get(key.host)
        return host.extras if host else None

    def _row(self, key: DomainKey) -> Domain | None:
        host = self.hosts.get(key.host)
        return host.row(key.uuid) if host else None

    def _name(self, key: DomainKey) -> str:
        host = self.hosts.get(key.host)
        return host.name_of(key.uuid) if host else key.uuid
