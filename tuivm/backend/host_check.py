"""A host check: local facts, the connection's facts, and the verdicts on both.

``tuivm check`` opens connections of its own; the screen asks over those that it has.
All of it may wait: on threads that can be left behind.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import replace
from typing import Protocol

import libvirt

from tuivm.backend import errors, refusals
from tuivm.backend.connection import Target, close_connection, open_connection, split_uri
from tuivm.backend.connection_facts import inside, outside
from tuivm.backend.link import LaneName
from tuivm.backend.machine_facts import read_machine
from tuivm.core.check import LOCAL, Part
from tuivm.core.check_connection import check_connection, check_polkit
from tuivm.core.check_machine import check_machine
from tuivm.core.check_services import check_services
from tuivm.core.errors import TuivmError
from tuivm.core.hostfacts import ConnectionFacts, MachineFacts
from tuivm.core.text import sanitise

LOCAL_SECONDS = 5.0
"""After which a daemon of this machine that does not answer is given up."""
REMOTE_SECONDS = 15.0


def check_uris(uris: Sequence[str]) -> list[Part]:
    """Check this machine, where a URI is about it, and every connection; all at once."""
    answers = [_Answer() for _ in uris]
    for uri, answer in zip(uris, answers, strict=True):
        threading.Thread(target=_ask, args=(uri, answer), daemon=True).start()
    machine = read_machine()
    until = time.monotonic()
    facts = []
    for uri, answer in zip(uris, answers, strict=True):
        seconds = LOCAL_SECONDS if Target(uri).local else REMOTE_SECONDS
        found = answer.wait(max(0.1, until + seconds - time.monotonic()))
        facts.append(found or outside(uri, refusals.no_answer(uri, seconds)))
    return verdicts(machine, facts)


def verdicts(machine: MachineFacts, connections: Sequence[ConnectionFacts]) -> list[Part]:
    """Judge all facts; this machine comes first, unless only others are meant."""
    parts = []
    if any(_about_here(one) for one in connections):
        session = all(one.session for one in connections if _about_here(one))
        system = any(_is_system(one) for one in connections)
        polkit = next(
            (f for one in connections if (f := check_polkit(machine, one)) is not None),
            None,
        )
        if not system:
            # A daemon on a socket of its own has a configuration of its own.
            machine = replace(machine, qemu_user="", qemu_kvm=None)
        findings = (
            *check_machine(
                machine, session=session, offered=any(_offers_kvm(one) for one in connections)
            ),
            *check_services(machine, system=system, session=session),
            *(() if polkit is None else (polkit,)),
        )
        parts.append(Part(LOCAL, findings))
    parts += [Part(one.uri, check_connection(one, machine)) for one in connections]
    return parts


def _about_here(facts: ConnectionFacts) -> bool:
    return facts.local and not facts.uri.startswith("test:")


def _offers_kvm(facts: ConnectionFacts) -> bool:
    own = (one.types for one in facts.emulators or () if one.arch == facts.arch)
    return _about_here(facts) and any("kvm" in types for types in own)


def _is_system(facts: ConnectionFacts) -> bool:
    """True for the system's daemon on its own socket: it should run on this machine."""
    parts = split_uri(facts.uri)
    return _about_here(facts) and not facts.session and "socket=" not in parts.query


class _Answer:
    """What is known of a connection so far; ``wait`` takes the best there is in time."""

    def __init__(self) -> None:
        self._known: ConnectionFacts | None = None
        self._whole = threading.Event()

    def early(self, facts: ConnectionFacts) -> None:
        """Take what is known while the rest is still asked for."""
        self._known = facts

    def tell(self, facts: ConnectionFacts) -> None:
        """Take all that there is to know."""
        self._known = facts
        self._whole.set()

    def wait(self, seconds: float) -> ConnectionFacts | None:
        """All of it, or after so long what there is; None for nothing."""
        self._whole.wait(seconds)
        return self._known


def _ask(uri: str, answer: _Answer) -> None:
    """Open a connection of our own, read it, and close it."""
    facts = outside(uri)
    try:
        began = time.monotonic()
        conn = open_connection(Target(uri, readonly=False))
        try:
            answer.tell(inside(conn, facts, time.monotonic() - began, answer.early))
        finally:
            close_connection(conn, ())
    except Exception as error:
        answer.tell(outside(uri, refusals.connection_error(error, uri)))


class Asked(Protocol):
    """A host of the program, which has a connection already (``Host``)."""

    uri: str

    def submit(
        self, fn: Callable[[libvirt.virConnect], ConnectionFacts], *, call: str, lane: LaneName
    ) -> Future[ConnectionFacts]:
        """Run ``fn`` on a thread of that host."""


def _outcome(uri: str, done: Future[ConnectionFacts]) -> ConnectionFacts:
    error = done.exception()
    if error is None:
        return done.result()
    return outside(uri, errors.convert(error, title=f"Cannot check {sanitise(uri, 120)}"))


def _silent(uri: str) -> TuivmError:
    return refusals.no_answer(uri, REMOTE_SECONDS)


def check_open(name: str, host: Asked | None) -> Future[tuple[Part, ...]]:
    """Check a host of the program over its own connection; returns at once."""
    result: Future[tuple[Part, ...]] = Future()
    # Whoever waits may stop waiting, not the answer: it goes on without them.
    result.set_running_or_notify_cancel()
    if host is None:
        result.set_exception(errors.not_connected(sanitise(name, 80)))
        return result

    def work() -> None:
        try:
            facts, answer = outside(host.uri), _Answer()
            asked = host.submit(
                lambda conn: inside(conn, facts, None, answer.early),
                call="virConnectGetCapabilities",
                lane="job",
            )
            asked.add_done_callback(lambda done: answer.tell(_outcome(host.uri, done)))
            machine = read_machine()
            found = answer.wait(REMOTE_SECONDS)
            result.set_result(
                tuple(verdicts(machine, [found or outside(host.uri, _silent(host.uri))]))
            )
        except Exception as error:
            result.set_exception(errors.convert(error, title=f"Cannot check {sanitise(name, 80)}"))

    threading.Thread(target=work, name="tuivm-check", daemon=True).start()
    return result
