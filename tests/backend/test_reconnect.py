"""Links that hang, break, are refused or half open, time and again: the host comes back by itself.

One daemon serves all of it, behind a wire on which these things can be done.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from itertools import cycle

import libvirt
import pytest

from tests.backend.daemon import Daemon, private_daemon
from tests.backend.watcher import PATIENCE, QUICK, Watcher, failure, watch
from tests.backend.wire import Wire
from tuivm.backend.dial import MAX_ABANDONED
from tuivm.core.errors import TuivmError
from tuivm.core.model import HostState, State

SWIFT = QUICK._replace(open=0.2, probe=0.1, late=0.1, dead=0.3, backoff=0.01, backoff_max=0.02)
"""Trouble is noticed and left within tenths of a second."""
LIST_DOMAINS, ALL_STATS, CLOSE_CALLBACK = 273, 344, 360
"""Numbers of libvirt's requests (``REMOTE_PROC_CONNECT_...``)."""


@pytest.fixture(scope="module")
def server() -> Iterator[Daemon]:
    """A daemon that is never touched itself."""
    with private_daemon() as one:
        yield one


@pytest.fixture
def wire(server: Daemon) -> Iterator[Wire]:
    with Wire(server.socket) as one:
        yield one


def openers() -> int:
    """Threads that hang in an attempt to connect."""
    return sum(thread.name.endswith("-open") for thread in threading.enumerate())


def use(one: Watcher) -> None:
    """Do something on the host; a busy machine is trouble too, after which it is up again."""
    while True:
        one.wait(lambda: one.state() is HostState.UP)
        error = one.fleet.run(one.running().key, "autostart", {"value": "on"}).exception(PATIENCE)
        if error is None:
            return
        assert isinstance(error, TuivmError)
        assert error.is_connection_loss or "not connected" in str(error), error


def test_a_half_open_host_costs_few_threads_and_is_back_as_soon_as_it_answers(wire: Wire) -> None:
    wire.hang()
    with watch(wire.uri(), SWIFT._replace(backoff_max=60.0)) as one:
        one.wait(lambda: openers() == MAX_ABANDONED and one.state() is HostState.LOST)
        host = next(iter(one.hosts.values()))
        assert host.error is not None
        assert "no answer" in host.error.message
        assert host.retry_at is not None
        assert host.retry_at > time.monotonic() + 60, "attempts that all hang become rare"
        one.quiet(0.5)
        assert openers() == MAX_ABANDONED
        wire.go_on()
        assert one.wait(lambda: one.state() is HostState.UP) < 30
        one.wait(lambda: openers() == 0)
        one.wait(lambda: next(iter(one.fleet.hosts.values())).stuck == 0)


def test_a_human_may_try_although_all_attempts_hang(wire: Wire) -> None:
    wire.hang()
    with watch(wire.uri(), SWIFT._replace(backoff_max=60.0)) as one:
        one.wait(lambda: openers() == MAX_ABANDONED and one.state() is HostState.LOST)
        told = len(one.states)
        one.fleet.retry(next(iter(one.hosts)))
        one.wait(lambda: HostState.CONNECTING in [state for _, state in one.states[told:]])
        one.wait(lambda: one.state() is HostState.LOST)
        wire.go_on()
        one.wait(lambda: one.state() is HostState.UP)


def test_what_happened_while_the_link_was_down_is_seen_after_it(server: Daemon, wire: Wire) -> None:
    other = libvirt.open(server.uri())
    try:
        with watch(wire.uri()) as one:
            key = one.up().running().key
            for state in (State.PAUSED, State.RUNNING):
                wire.refuse()
                one.wait(lambda: one.state() is HostState.LOST)
                assert key in one.domains
                domain = other.lookupByUUIDString(key.uuid)
                (domain.suspend if state is State.PAUSED else domain.resume)()
                refusal = failure(one.fleet.run(key, "suspend", {}))
                assert "not connected" in str(refusal)
                wire.accept()
                one.wait(lambda: one.state() is HostState.UP)
                one.wait(lambda state=state: one.domains[key].state is state)  # type: ignore[misc]
                assert one.domains[key].key == key
    finally:
        other.close()


def test_a_lost_host_was_last_seen_when_it_last_answered(wire: Wire) -> None:
    """Not when something about it changed last: a quiet host would look long dead."""
    with watch(wire.uri(), SWIFT) as one:
        one.up()
        up = time.time()
        one.quiet(2.0)
        wire.refuse()
        one.wait(lambda: one.state() is HostState.LOST)
        seen = next(iter(one.hosts.values())).seen_at
        assert seen is not None
        assert seen > up + 1


def test_fifty_troubles_leave_no_descriptor_and_no_thread_behind(wire: Wire) -> None:
    with watch(wire.uri(), SWIFT) as one:
        one.up()
    files, threads = len(os.listdir("/proc/self/fd")), threading.active_count()
    with watch(wire.uri(), SWIFT) as one:
        one.up()
        for _, trouble in zip(range(50), cycle((wire.cut, wire.refuse, wire.hang)), strict=False):
            met = wire.accepted
            trouble()
            one.wait(lambda: one.state() not in (HostState.UP, HostState.DEGRADED))
            (wire.accept if trouble == wire.refuse else wire.go_on)()
            one.wait(lambda met=met: wire.accepted > met and one.state() is HostState.UP)  # type: ignore[misc]
            use(one)
        one.wait(lambda: wire.connections <= 5)
        one.wait(lambda: threading.active_count() <= threads + 6)
        one.wait(lambda: next(iter(one.fleet.hosts.values())).stuck == 0)
    # The process may have opened a few for itself meanwhile; one lost in ten troubles is more.
    one.wait(lambda: len(os.listdir("/proc/self/fd")) < files + 5)
    one.wait(lambda: threading.active_count() <= threads)


def test_the_rows_take_few_round_trips(wire: Wire) -> None:
    """One more than opening takes, for events; what else is to be heard comes after them."""
    libvirt.open(wire.uri()).close()
    by_hand = len(wire.calls)
    with watch(wire.uri()) as one:
        one.wait(lambda: CLOSE_CALLBACK in wire.calls[by_hand:])
        asked = wire.calls[by_hand:]
        first = next(place for place, call in enumerate(asked) if call == LIST_DOMAINS)
        # The one by hand has a request that closes it instead.
        assert first == by_hand
        assert asked.index(ALL_STATS) < asked.index(CLOSE_CALLBACK)
