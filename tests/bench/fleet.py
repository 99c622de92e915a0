"""The measurements of hosts that are far, many, or hung."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from statistics import median

import libvirt

from tests.backend.daemon import Daemon
from tests.backend.wire import Wire
from tests.bench.fleets import domain_xml, qemu_fleet
from tests.bench.measure import best_of, command_seconds, key_latency, launch_seconds, opened
from tests.bench.rows import Result, Rows, Skipped, connect_seconds, virsh_name
from tests.e2e.terminal import program
from tests.lab.needs import find, obstacle
from tuivm.backend import loop
from tuivm.backend.fleet import Fleet

ROUND_TRIP = 0.05
FAR = "1,000 VMs at 50 ms RTT: "
HUNG = "one of {} hosts hung: "


@contextmanager
def served(count: int) -> Iterator[Daemon]:
    """A session daemon with ``count`` running VMs on its test driver, beside its own one."""
    daemon = Daemon()
    try:
        daemon.start()
        connection = libvirt.open(daemon.uri())
        for number in range(count):
            connection.defineXML(domain_xml(number)).create()
        yield daemon
        connection.close()
    finally:
        daemon.close()


def by_hand(uri: str) -> float:
    """Open a connection and make the three bulk calls that a full list takes."""
    loop.start()
    start = time.monotonic()
    connection = libvirt.open(uri)
    connection.listAllDomains(libvirt.VIR_CONNECT_LIST_DOMAINS_AUTOSTART)
    connection.listAllDomains(libvirt.VIR_CONNECT_LIST_DOMAINS_MANAGEDSAVE)
    connection.getAllDomainStats(libvirt.VIR_DOMAIN_STATS_STATE, 0)
    taken = time.monotonic() - start
    connection.close()
    return taken


def far(quick: bool) -> Rows:
    """1,000 running VMs on a host that is 50 ms away: the list, and requests afterwards."""
    if not Daemon.available():
        yield Skipped(FAR + "launch to full rows", "there is no libvirtd")
        return
    runs = 3 if quick else 7
    with served(1000) as daemon, Wire(daemon.socket, round_trip=ROUND_TRIP) as wire:
        reference = best_of(runs, lambda: by_hand(wire.uri()))
        rows = best_of(runs, lambda: connect_seconds(wire.uri(), 1001))
        name = "three bulk RPCs by hand"
        yield Result(FAR + "connect to full rows", rows, "s", 1.5, reference, name)
        argv = program("-c", wire.uri())
        launch = best_of(runs, lambda: launch_seconds(argv, "1001 VMs"))
        yield Result(FAR + "launch to full rows", launch, "s", 1.5, reference, name)
        yield from requests(argv, wire, quick)


STATS = 344
"""``REMOTE_PROC_CONNECT_GET_ALL_DOMAIN_STATS``: of all domains, or of those named."""


WINDOW = 4
"""Seconds over which requests are counted at a time."""


def requests(argv: list[str], wire: Wire, quick: bool) -> Rows:
    """What the open list asks of its host, untouched and under a moving cursor."""
    with opened(argv) as terminal:
        terminal.wait_for("1001 VMs", 60)
        # Titles and addresses of the rows on screen come first, and once.
        time.sleep(15)
        idle, moving = [], []
        # By turns, as titles are read all the while, now more and now fewer.
        for _ in range(5 if quick else 9):
            idle.append(over_time(wire, WINDOW, lambda: None))
            moving.append(over_time(wire, WINDOW, lambda: terminal.press("j", "k")))
    numbers = median(calls.count(STATS) for calls in idle) / WINDOW
    rest = median(len(calls) - calls.count(STATS) for calls in idle) / WINDOW
    name = f"RPCs a refresh at 1 Hz (titles in peace: {rest:.1f}/s)"
    yield Result(name, numbers, "RPCs", 3)
    more = median(len(moved) - len(rested) for moved, rested in zip(moving, idle, strict=True))
    yield Result("RPCs a second more while the cursor moves", max(0.0, more / WINDOW), "RPCs", 1)


def over_time(wire: Wire, seconds: float, act: Callable[[], None]) -> list[int]:
    """The requests within a time in which ``act`` is done ten times a second."""
    before = len(wire.calls)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        act()
        time.sleep(0.1)
    return wire.calls[before:]


def hosts(quick: bool) -> Rows:
    """Many daemons in one list; then one of them hangs, then all."""
    count = 10 if quick else 100
    name = f"{count} hosts connected and listed"
    if not Daemon.available():
        yield Skipped(name, "there is no libvirtd")
        return
    with ExitStack() as stack:
        daemons = []
        for _ in range(count):
            daemon = stack.enter_context(_closing(Daemon()))
            daemon.start()
            daemons.append(daemon)
        uris = [daemon.uri() for daemon in daemons]
        yield Result(name, best_of(3, lambda: connect_seconds(uris, count)), "s", 1)
        wire = stack.enter_context(Wire(daemons[0].socket))
        argv = program(*(word for uri in [wire.uri(), *uris[1:]] for word in ("-c", uri)))
        with opened(argv) as terminal:
            terminal.wait(lambda: f"hosts {count} up" in terminal.text, "hosts", 60)
            wire.hang()
            # A key that always changes the screen: the list may be shorter than the presses.
            delays, _ = key_latency(terminal, "F", 60 if quick else 300)
            yield Result(HUNG.format(count) + "longest key", max(delays), "ms", 100)
            start = time.monotonic()
            terminal.press("q")
            terminal.wait_exit(10)
            yield Result(HUNG.format(count) + "quit", time.monotonic() - start, "s", 2)


@contextmanager
def _closing(daemon: Daemon) -> Iterator[Daemon]:
    try:
        yield daemon
    finally:
        daemon.close()


def too_many(quick: bool) -> Rows:
    """More domains than one answer of libvirt's protocol carries."""
    count, limit = 20_000, 16_384
    name = f"{count:,} domains (one answer carries {limit:,})"
    if not Daemon.available():
        yield Skipped(name, "there is no libvirtd")
        return
    with served(count // 2) as daemon:
        connection = libvirt.open(daemon.uri())
        for number in range(count // 2, count):
            connection.defineXML(domain_xml(number))
        taken = connect_seconds(daemon.uri(), count + 1)
        yield Result(f"{name}: listed", taken, "s", 1)
        taken = number_seconds(daemon.uri(), count // 2 + 1)
        yield Result(f"{count:,} domains: CPU of {count // 2:,} running", taken, "s", 12)
        connection.close()


def defined(quick: bool) -> Rows:
    """Domains that are only defined, on QEMU's own driver."""
    count = 500 if quick else 2000
    name = f"{count:,} domains of QEMU's driver: "
    if (reason := obstacle()) is not None:
        yield Skipped(name + "to full rows", reason)
        return
    with qemu_fleet(count) as (uri, _connection):
        virsh = [find("virsh") or "virsh", "-c", uri, "list", "--all"]
        rows, launches, references = [], [], []
        for _ in range(3 if quick else 7):
            references.append(command_seconds(virsh))
            rows.append(connect_seconds(uri, count))
            launches.append(launch_seconds(program("-c", uri), f"{count} VMs"))
        reference, by = median(references), virsh_name(virsh)
        yield Result(name + "connect", median(rows), "s", 0.4, reference, by)
        yield Result(name + "launch", median(launches), "s", 2, reference, by)


def number_seconds(uri: str, total: int) -> float:
    """From the wish to connect until the CPU share of so many domains was told."""
    news = threading.Event()
    fleet = Fleet([uri])
    start = time.monotonic()
    known: set[object] = set()
    fleet.start(news.set)
    while len(known) < total:
        if not news.wait(60):
            raise TimeoutError(f"numbers of {len(known)} of {total} domains after 60 s")
        news.clear()
        stats = fleet.drain().stats
        known.update(key for key, sample in stats.items() if sample and sample.cpu is not None)
    taken = time.monotonic() - start
    fleet.stop(2)
    return taken


GROUPS = {"far": far, "hosts": hosts, "many": too_many, "qemu": defined}
"""By the name under which ``scripts/bench`` takes them."""
