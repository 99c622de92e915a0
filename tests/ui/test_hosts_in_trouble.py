"""The program over hosts that hang, refuse or flood it: keys are answered, nothing is lost."""

from __future__ import annotations

import asyncio
import statistics
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

import libvirt
import pytest

from tests.backend.daemon import Daemon, private_daemon
from tests.backend.test_reconnect import SWIFT
from tests.backend.wire import Wire
from tests.bench.fleets import domain_xml
from tests.ui.screens import Ui, make
from tuivm.backend.fleet import Fleet
from tuivm.core.hostconfig import HostConfig
from tuivm.core.model import DomainKey, HostState, State
from tuivm.screens.vms import VmsScreen

VMS = 30
STALL = 1.0
"""Seconds: far more than a turn takes on a busy machine, far less than a host is waited for."""


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[Daemon, libvirt.virConnect]]:
    """A daemon with some running VMs, and a connection of somebody else's."""
    with private_daemon() as one:
        other = libvirt.open(one.uri())
        for number in range(VMS):
            other.defineXML(domain_xml(number)).create()
        yield one, other
        other.close()


@contextmanager
def wires(daemon: Daemon, count: int) -> Iterator[list[Wire]]:
    """So many ways to one daemon."""
    with Wire(daemon.socket) as first:
        if count == 1:
            yield [first]
            return
        with wires(daemon, count - 1) as others:
            yield [first, *others]


@asynccontextmanager
async def opened(hosts: dict[str, Wire]) -> AsyncIterator[Ui]:
    """The app over hosts by name."""
    known = [HostConfig(wire.uri(), name) for name, wire in hosts.items()]
    fleet = Fleet([host.uri for host in known], timing=SWIFT, known=known)
    app = make(fleet)  # type: ignore[arg-type]
    try:
        async with app.run_test(size=(120, 40), notifications=True) as pilot:
            yield Ui(app, fleet, pilot)  # type: ignore[arg-type]
    finally:
        fleet.stop(5.0)


def kept_waiting() -> float:
    """Seconds for which this process's threads wanted a processor that others had."""
    total = 0
    for file in Path("/proc/self/task").glob("*/schedstat"):
        with suppress(OSError):
            total += int(file.read_text().split()[1])
    return total / 1e9


@asynccontextmanager
async def no_stall() -> AsyncIterator[None]:
    """Look all the while that the program comes to what it has to do.

    What other processes took of the machine meanwhile is none of the program's.
    """
    late: list[float] = []
    loop = asyncio.get_running_loop()
    over = False
    noted, before = loop.time(), kept_waiting()

    def look(due: float) -> None:
        nonlocal noted, before
        now = loop.time()
        took = now - due
        if now - noted > 0.25:
            noted, earlier, before = now, before, kept_waiting()
            if took > 0.25:
                took -= before - earlier
        late.append(took)
        if not over:
            again = loop.time() + 0.005
            loop.call_at(again, look, again)

    look(loop.time())
    try:
        yield
    finally:
        over = True
    assert statistics.median(late) < 0.1
    assert max(late) < STALL


def states(ui: Ui) -> dict[str, HostState]:
    return {host.id: host.state for host in ui.app.context.store.hosts.values()}


def state_of(ui: Ui, key: DomainKey) -> State:
    return ui.app.context.store.rows[key].domain.state


async def all_up(ui: Ui, rows: int) -> None:
    await ui.until(
        lambda: (
            all(state is HostState.UP for state in states(ui).values())
            and len(ui.app.context.store.rows) == rows
        ),
        20,
    )


@pytest.mark.parametrize("trouble", ["hang", "refuse"])
async def test_a_host_in_trouble_changes_nothing_that_the_user_set(
    server: tuple[Daemon, libvirt.virConnect], trouble: str
) -> None:
    daemon, other = server
    with wires(daemon, 2) as (bad, good):
        async with opened({"bad": bad, "good": good}) as ui:
            await all_up(ui, 2 * VMS + 2)
            view = ui.app.context.view
            screen = ui.app.screen
            assert isinstance(screen, VmsScreen)
            screen.apply_filter("host:bad vm-0000")
            await ui.press("j", "space", "space", "j")
            marks, cursor = frozenset(view.marks), view.cursor
            assert len(marks) == 2
            assert cursor is not None
            async with no_stall():
                (bad.hang if trouble == "hang" else bad.refuse)()
                await ui.until(lambda: states(ui)["bad"] is HostState.LOST, 20)
                await ui.sees("s ago")
                assert states(ui)["good"] is HostState.UP
                other.lookupByUUIDString(cursor.uuid).suspend()
                await ui.press("j", "k", "s")
                await ui.sees("out of reach")
                same = DomainKey("good", cursor.uuid)
                await ui.until(lambda: state_of(ui, same) is State.PAUSED, 20)
                assert state_of(ui, cursor) is State.RUNNING, "what is not known is not guessed"
                (bad.go_on if trouble == "hang" else bad.accept)()
                await all_up(ui, 2 * VMS + 2)
                await ui.until(lambda: state_of(ui, cursor) is State.PAUSED, 20)
            assert view.marks == marks
            assert view.cursor == cursor
            assert view.filter_text == "host:bad vm-0000"
            assert "ago" not in ui.lines()[3]
            other.lookupByUUIDString(cursor.uuid).resume()


async def test_a_host_that_accepts_and_says_nothing_holds_nobody_up(
    server: tuple[Daemon, libvirt.virConnect],
) -> None:
    daemon, _ = server
    with wires(daemon, 2) as (mute, good):
        mute.hang()
        async with opened({"mute": mute, "good": good}) as ui, no_stall():
            await ui.sees("vm-00000")
            await ui.until(lambda: states(ui)["mute"] is HostState.LOST, 20)
            await ui.press("j", "k", "4")
            await ui.sees("no answer")
            await ui.press("1")
            mute.go_on()
            await all_up(ui, 2 * VMS + 2)


async def test_ten_thousand_events_hold_no_key_up_and_end_in_the_truth(
    server: tuple[Daemon, libvirt.virConnect],
) -> None:
    daemon, other = server
    domains = [other.lookupByName(f"vm-{number:05}") for number in range(10)]

    def flood() -> None:
        for turn in range(500):
            for domain in domains:
                domain.suspend()
            for number, domain in enumerate(domains):
                if turn < 499 or number % 2:
                    domain.resume()

    with wires(daemon, 1) as (wire,):
        async with opened({"kv1": wire}) as ui:
            await all_up(ui, VMS + 1)
            keys = [DomainKey("kv1", domain.UUIDString()) for domain in domains]
            flooding = threading.Thread(target=flood)
            async with no_stall():
                flooding.start()
                while flooding.is_alive():
                    await ui.press("j", "k")
                truth = [State.RUNNING if number % 2 else State.PAUSED for number in range(10)]
                await ui.until(lambda: [state_of(ui, key) for key in keys] == truth, 20)
            await ui.pilot.pause(0.3)
            assert [state_of(ui, key) for key in keys] == truth
            for domain in domains[::2]:
                domain.resume()
