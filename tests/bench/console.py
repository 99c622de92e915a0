"""The console's rows: floods through the whole widget, idling, memory, and typing on a guest."""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench.measure import memory_mib, opened, percentile
from tests.bench.rows import Result, Rows, Skipped
from tests.e2e.terminal import Terminal, program
from tests.guest.lab import Lab, LabUnavailable, close_lab, open_lab
from tests.lab.guests import Guest
from tests.lab.needs import find

FLOODS = (("klog", "kernel log", 40), ("full", "full screen", 15), ("short", "3-byte lines", 1.5))
MB = 1e6
KEY = "x"
SLOWER = 10
"""Milliseconds that an echo may take longer than virsh's."""
OWNER = f"bench-{os.getpid()}"


def floods(quick: bool) -> Rows:
    """A made-up guest prints as fast as it is read, then as a serial port, then nothing."""
    seconds = 4 if quick else 10
    for kind, name, budget in FLOODS:
        found = flooded(kind, seconds)
        what = f"console, {name}"
        yield Result(what, found["bytes"] / MB, "MB/s", budget, at_least=True)
        yield Result(f"{what}: frames", found["frames"], "1/s", 25, at_least=True)
        yield Result(f"{what}: event loop late, p95", found["lag"], "ms", 10)
    found = flooded("trickle", seconds)
    yield Result("console, 0.25 MB/s in 16-byte writes: CPU", found["cpu"] * 100, "%", 35)
    found = flooded("idle", 2 * seconds)
    yield Result("console, idle: CPU", found["cpu"] * 100, "%", 1)
    yield Result("console, 10,000 lines of 120: memory", scrollback_mib(), "MiB", 15)


@contextmanager
def console_app(kind: str, seconds: float) -> Iterator[tuple[Terminal, Path]]:
    """The console of the made-up guest on screen, and where its report will be."""
    with tempfile.TemporaryDirectory(prefix="tuivm-bench.") as folder:
        report = Path(folder) / "report.json"
        argv = [sys.executable, "-m", "tests.bench.consoleapp", kind, str(seconds), str(report)]
        with opened(argv) as terminal:
            terminal.wait_for("vm-00000", 60)
            terminal.press("c")
            terminal.wait_for("ready", 60)
            terminal.wait_quiet(0.5, 30)
            yield terminal, report


def flooded(kind: str, seconds: float) -> dict[str, float]:
    """What the program measured in itself."""
    with console_app(kind, seconds) as (terminal, report):
        terminal.press(KEY)
        terminal.wait(report.exists, "report", seconds + 60)
        return {name: float(value) for name, value in json.loads(report.read_text()).items()}


def scrollback_mib() -> float:
    """What a console's full scrollback adds to the program."""
    with console_app("lines", 1) as (terminal, report):
        before = memory_mib(terminal.pid)
        terminal.press(KEY)
        terminal.wait(report.exists, "report", 60)
        terminal.wait_quiet(0.5, 30)
        return memory_mib(terminal.pid) - before


def on_a_guest(quick: bool) -> Rows:
    """Typing and printing on a real guest's serial port, beside ``virsh console``."""
    try:
        lab = open_lab(OWNER)
    except LabUnavailable as error:
        for name in ("key to echo", "guest prints flat out"):
            yield Skipped(f"console: {name}", str(error))
        return
    try:
        guest = lab.define(Guest("bench", start="running", network=False, agent=False))
        lab.await_boot(guest)
        yield from beside_virsh(lab, guest, quick)
    finally:
        lab.clean()
        close_lab(OWNER)


def beside_virsh(lab: Lab, guest: Guest, quick: bool) -> Rows:
    """The same keys and the same output through virsh, the bare terminal, and the screen."""
    keys, size = (40, 100_000) if quick else (150, 1_000_000)
    virsh = [find("virsh") or "virsh", "-c", lab.uri, "console", guest.name]
    ways = (
        ("virsh console", virsh, "Escape character"),
        ("tuivm console", program("console", "-c", lab.uri, guest.name), "attached to"),
        ("console on screen", program("-c", lab.uri, "--filter", guest.name), "running"),
    )
    delays, rates = {}, {}
    for number, (name, argv, sign) in enumerate(ways):
        with opened(argv) as terminal:
            terminal.wait_for(sign, 60)
            if name == "console on screen":
                terminal.press("c")
                terminal.wait_for("attached", 30)
            log_in(terminal)
            delays[name] = echo_delays(terminal, keys)
            rates[name] = printed_rate(terminal, size, number)
            leave(terminal)
    reference = percentile(delays["virsh console"], 50)
    yield Result("virsh console: key to echo, median", reference, "ms", 1000)
    for name in ("tuivm console", "console on screen"):
        for what, percent, budget in (("median", 50, reference + SLOWER), ("p90", 90, 60)):
            delay = percentile(delays[name], percent)
            yield Result(f"{name}: key to echo, {what}", delay, "ms", round(budget, 1))
    for name in ("tuivm console", "console on screen"):
        yield Result(
            f"{name}: guest prints flat out",
            rates[name],
            "MB/s",
            0.9,
            rates["virsh console"],
            "virsh console",
            at_least=True,
        )


def log_in(terminal: Terminal) -> None:
    """To a shell prompt, wherever the guest's login stands; a program before it left it there."""
    end = time.monotonic() + 30
    while not ("login:" in terminal.text or prompted(terminal)):
        if time.monotonic() > end:
            raise TimeoutError(f"nobody answers on the console:\n{terminal.text}")
        # virsh throws away what is typed before it is ready, which it does not tell.
        terminal.press("enter")
        terminal.wait_quiet(1, 30)
    if not prompted(terminal):
        terminal.write(b"root\r")
        terminal.wait_for("assword:", 30)
        terminal.write(b"lab\r")
        terminal.wait(lambda: prompted(terminal), "prompt", 30)
    terminal.wait_quiet(0.3, 30)


def prompted(terminal: Terminal) -> bool:
    """True when the shell waits."""
    return any(line.endswith(":~#") for line in terminal.lines)


def echo_delays(terminal: Terminal, count: int) -> list[float]:
    """Milliseconds from a key until the guest's echo of it is on the outer terminal."""
    terminal.write(b"cat >/dev/null\r")
    terminal.wait_quiet(0.5, 30)
    delays = []
    for number in range(count):
        if number % 40 == 39:
            terminal.press("enter")
            terminal.wait_quiet(0.1, 10)
        shown = terminal.text.count(KEY)
        start = time.perf_counter()
        terminal.press(KEY)
        terminal.wait(lambda: terminal.text.count(KEY) > shown, "echo", 10)  # noqa: B023
        delays.append((time.perf_counter() - start) * 1000)
        # Not in step with anybody's clock.
        time.sleep(0.05 + number % 7 / 300)
    terminal.press("ctrl+c")
    terminal.wait_quiet(0.3, 10)
    return delays


def printed_rate(terminal: Terminal, size: int, number: int) -> float:
    """MB/s of what the guest prints as fast as its port is read.

    The number keeps it apart from earlier output, which tuivm shows above its own.
    """
    lines = size // 64
    body = "0123456789" * 6
    line = f"yes {body}-''{number} | head -n {lines}; echo en''d-{number}\r"
    terminal.write(b"clear; " + line.encode())
    terminal.wait_for(f"{body}-{number}", 30)
    start = time.perf_counter()
    terminal.wait_for(f"end-{number}", 120)
    return size / (time.perf_counter() - start) / MB


def leave(terminal: Terminal) -> None:
    """Let the console go, so that the next one can have it."""
    terminal.press("ctrl+]")
    terminal.wait(lambda: terminal.ended is not None or "attached" not in terminal.text, "end", 10)


GROUPS = {"console": floods, "guest-console": on_a_guest}
"""By the name under which ``scripts/bench`` takes them."""
