"""The measurements, one function a row or two of the table."""

from __future__ import annotations

import re
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import libvirt

from tests.bench.fleets import daemon_fleet, test_file
from tests.bench.measure import (
    best_of,
    command_seconds,
    key_latency,
    launch_seconds,
    mark_latency,
    memory_mib,
    opened,
    over,
    percentile,
)
from tests.e2e.terminal import Terminal, program
from tests.lab.needs import find, obstacle
from tuivm.backend.fleet import Fleet

BARE = [sys.executable, "-m", "tests.bench.bare"]
MIB = "MiB"


@dataclass(frozen=True, slots=True)
class Result:
    """One line of the table."""

    what: str
    value: float
    unit: str
    budget: float
    """In the value's unit, or with ``reference`` the allowed ratio to it."""
    reference: float | None = None
    reference_name: str = ""
    at_least: bool = False
    """The budget is a lower bound."""

    @property
    def measured(self) -> float:
        """What is held against the budget."""
        return self.value if self.reference is None else self.value / self.reference

    @property
    def met(self) -> bool:
        """True when it is within its budget."""
        if self.at_least:
            return self.measured >= self.budget
        return self.measured <= self.budget


@dataclass(frozen=True, slots=True)
class Skipped:
    """A row that cannot be measured here."""

    what: str
    reason: str


Rows = Iterator[Result | Skipped]


def synthetic(rows: int, changing: int, *more: str) -> list[str]:
    """The program on made-up numbers; ``low``, ``sorted`` and ``grouped`` are its words."""
    return [sys.executable, "-m", "tests.bench.synthetic", str(rows), str(changing), *more]


SLOW = 10_000
"""Bytes a second of a slow line."""


def launch(quick: bool) -> Rows:
    """Launch to the list with one VM, beside a Textual app that shows one word."""
    runs = 3 if quick else 9
    bare, ours = [], []
    for _ in range(runs):
        bare.append(launch_seconds(BARE, "ready"))
        ours.append(launch_seconds(program("-c", "test:///default"), "● running"))
    reference = percentile(bare, 50)
    yield Result(
        "launch to list, 1 VM", percentile(ours, 50), "s", 1.3, reference, "bare Textual app"
    )


def thousand(quick: bool) -> Rows:
    """1,000 VMs on the in-process test driver: launch, memory, lines, keys."""
    with tempfile.TemporaryDirectory() as folder:
        uri = test_file(Path(folder), 1000, running=True)
        virsh = [find("virsh") or "virsh", "-c", uri, "list", "--all"]
        runs = 3 if quick else 7
        argv = program("-c", uri)
        reference, ours = [], []
        for _ in range(runs):
            reference.append(command_seconds(virsh))
            ours.append(launch_seconds(argv, full_rows))
        yield Result(
            "launch to full rows, 1,000 VMs",
            percentile(ours, 50),
            "s",
            1.6,
            percentile(reference, 50),
            "virsh list --all",
        )
        with opened(argv) as terminal:
            terminal.wait(lambda: full_rows(terminal.text), "rows", 60)
            time.sleep(3 if quick else 10)
            yield Result("memory with 1,000 VMs", memory_mib(terminal.pid), MIB, 80)
        with opened(argv, (80, 24)) as terminal:
            terminal.wait(lambda: "vm-00010" in terminal.text, "rows", 60)
            terminal.wait_quiet()
            shown = sum("vm-0" in line for line in terminal.lines)
            yield Result("80x24: VM rows", shown, "rows", 18, at_least=True)


def full_rows(text: str) -> bool:
    """True when the count is there and every row on screen has its memory."""
    rows = [line for line in text.split("\n") if "vm-0" in line]
    return (
        "1,000 VMs" in text.replace("1000", "1,000")
        and bool(rows)
        and all(re.search(r"4\.0 GiB", line) for line in rows)
    )


def keys(quick: bool) -> Rows:
    """A cursor key with 1,000 and 10,000 VMs: until the screen answers, and its bytes."""
    times = 60 if quick else 300
    for rows, budget, more in ((1000, 30, ()), (10_000, 50, ()), (10_000, 50, ("grouped",))):
        with opened(synthetic(rows, 0, *more)) as terminal:
            terminal.wait_for("running", 60)
            terminal.wait_quiet(1, 30)
            delays, sizes = key_latency(terminal, "j", times)
            opening = opening_bytes(terminal) if rows == 1000 else {}
        name = ", ".join((f"key to screen, {rows:,} VMs", *more))
        yield Result(f"{name}: p99", percentile(delays, 99), "ms", budget)
        if rows == 1000:
            # The first ones move within the window, later ones scroll: all its rows change.
            scrolled = percentile(sizes[40:], 50)
            name = f"cursor key: bytes (scrolling: {scrolled:,.0f})"
            yield Result(name, percentile(sizes[:25], 50), "B", 1000)
        for what, size in opening.items():
            yield Result(f"{what} opens: bytes", size, "B", OPENING[what][1])
    for words in ("sorted", "grouped"):
        with opened(synthetic(10_000, 10_000, words)) as terminal:
            terminal.wait_for("running", 60)
            time.sleep(4)
            delays = mark_latency(terminal, times)
        name = f"key, 10,000 VMs all changing, {words}: p99"
        yield Result(name, percentile(delays, 99), "ms", 50)


OPENING = {"filter": ("/", 1000), "command line": (":", 1000), "menu": ("b", 2000)}
"""What opens: its key, and the bytes that it may take."""


def opening_bytes(terminal: Terminal) -> dict[str, int]:
    """The bytes that opening something takes, once it was opened before."""
    sizes = {}
    for what, (key, _) in OPENING.items():
        for _ in range(2):
            before = len(terminal.raw)
            terminal.press(key)
            terminal.wait_quiet(0.5)
            sizes[what] = len(terminal.raw) - before
            terminal.press("escape")
            terminal.wait_quiet(0.5)
    return sizes


def ticks(quick: bool) -> Rows:
    """1,000 VMs at 1 Hz: all of them, or five, with new numbers."""
    seconds = 6 if quick else 20
    for changing, name, budget in ((1000, "all", 10_000), (5, "5", 2_000)):
        with opened(synthetic(1000, changing)) as terminal:
            terminal.wait_for("vm-00010", 60)
            time.sleep(4)
            cpu, written = over(terminal, seconds)
        if changing == 1000:
            yield Result("1 Hz, 1,000 VMs all changing: CPU", cpu / seconds * 1000, "ms/tick", 60)
        yield Result(f"1 Hz, {name} changing: bytes", written / seconds, "B/tick", budget)
    with opened(synthetic(1000, 1000, "grouped")) as terminal:
        terminal.wait_for("by tag", 60)
        time.sleep(4)
        cpu, written = over(terminal, seconds)
    yield Result("1 Hz, all changing, grouped: CPU", cpu / seconds * 1000, "ms/tick", 60)
    yield Result("1 Hz, all changing, grouped: bytes", written / seconds, "B/tick", 10_000)
    with opened(synthetic(1000, 1000, "low")) as terminal:
        terminal.wait_for("vm-00010", 60)
        time.sleep(4)
        _, written = over(terminal, 2 * seconds)
    yield Result("--low-bandwidth, all changing: bytes", written / (2 * seconds), "B/s", 2_000)
    with opened(synthetic(1000, 1000), bytes_per_second=SLOW) as terminal:
        terminal.wait_for("vm-00010", 60)
        time.sleep(4)
        _, written = over(terminal, 2 * seconds)
    yield Result("10 kB/s line, all changing: bytes", written / (2 * seconds), "B/s", SLOW / 2)


def idle(quick: bool) -> Rows:
    """1,000 VMs of which nothing changes, beside a bare Textual app."""
    seconds = 6 if quick else 20
    with opened(BARE) as terminal:
        terminal.wait_for("ready")
        time.sleep(2)
        bare, _ = over(terminal, seconds)
    with tempfile.TemporaryDirectory() as folder:
        uri = test_file(Path(folder), 1000, running=False)
        with opened(program("-c", uri)) as terminal:
            terminal.wait(lambda: full_rows(terminal.text), "rows", 60)
            time.sleep(5)
            cpu, written = over(terminal, seconds)
    share, bare_share = cpu / seconds * 100, bare / seconds * 100
    yield Result(f"idle, 1,000 VMs: CPU (bare: {bare_share:.1f} %)", share, "%", 3)
    yield Result("idle, 1,000 VMs: bytes", written / seconds, "B/s", 500)


def through_a_daemon(quick: bool) -> Rows:
    """10,000 domains through a daemon, events to the screen, and a storm of them."""
    names = ("10,000 domains: connect to full rows", "external event to screen", "event storm")
    if (reason := obstacle()) is not None:
        yield from (Skipped(name, reason) for name in names)
        return
    count = 2000 if quick else 10_000
    with daemon_fleet(count) as (uri, connection):
        total = connection.numOfDomains() + connection.numOfDefinedDomains()
        virsh = [find("virsh") or "virsh", "-c", uri, "list", "--all"]
        reference = best_of(3, lambda: command_seconds(virsh))
        ours = best_of(3, lambda: connect_seconds(uri, total))
        yield Result(
            f"{count:,} domains: connect to full rows", ours, "s", 0.4, reference, virsh_name(virsh)
        )
        yield from events(uri, connection, 20 if quick else 100, 1000 if quick else 10_000)


def virsh_name(argv: list[str]) -> str:
    """How a reference command is called in the table."""
    return " ".join(["virsh", *argv[3:]])


def connect_seconds(uris: str | Sequence[str], total: int) -> float:
    """From the wish to connect until the backend has told every domain."""
    news = threading.Event()
    fleet = Fleet([uris] if isinstance(uris, str) else uris)
    start = time.monotonic()
    known: set[object] = set()
    fleet.start(news.set)
    while len(known) < total:
        if not news.wait(60):
            raise TimeoutError(f"{len(known)} of {total} domains after 60 s")
        news.clear()
        known.update(fleet.drain().domains)
    taken = time.monotonic() - start
    fleet.stop(2)
    return taken


def events(uri: str, connection: libvirt.virConnect, samples: int, storm: int) -> Rows:
    """Changes made by somebody else, until they are on screen."""
    with opened(program("-c", uri, "--filter", "vm-0000")) as terminal:
        terminal.wait_for("vm-00000", 60)
        time.sleep(3)
        domain = connection.lookupByName("vm-00000")
        domain.create()
        delays = []
        for number in range(samples):
            wanted = "paused" if number % 2 == 0 else "running"
            terminal.wait_quiet(0.05, 10)
            start = time.perf_counter()
            (domain.suspend if wanted == "paused" else domain.resume)()
            terminal.wait(lambda: wanted in terminal.row("vm-00000"), wanted, 10)  # noqa: B023
            delays.append((time.perf_counter() - start) * 1000)
            time.sleep(0.2)
        middle = percentile(delays, 50)
        yield Result(
            f"external event to screen: p95 (p50 {middle:.0f})", percentile(delays, 95), "ms", 100
        )
        wrong = after_storm(terminal, connection, storm)
        yield Result(f"{storm:,}-event storm: rows wrong after 2 s", wrong, "rows", 0)


def after_storm(terminal: object, connection: libvirt.virConnect, count: int) -> float:
    """Pause and resume ten domains as fast as libvirt lets; how many rows then lie."""
    assert isinstance(terminal, Terminal)
    domains = [connection.lookupByName(f"vm-0000{number}") for number in range(10)]
    for domain in domains[1:]:
        domain.create()
    if domains[0].info()[0] != libvirt.VIR_DOMAIN_RUNNING:
        domains[0].resume()
    for turn in range(count // 20):
        for domain in domains:
            domain.suspend()
        for number, domain in enumerate(domains):
            # The last turn leaves every second one paused.
            if turn < count // 20 - 1 or number % 2:
                domain.resume()
    time.sleep(2)
    truth = ["paused" if number % 2 == 0 else "running" for number in range(10)]
    return sum(truth[n] not in terminal.row(f"vm-0000{n}") for n in range(10))


GROUPS = {
    "launch": launch,
    "thousand": thousand,
    "keys": keys,
    "ticks": ticks,
    "idle": idle,
    "daemon": through_a_daemon,
}
"""By the name under which ``scripts/bench`` takes them."""
