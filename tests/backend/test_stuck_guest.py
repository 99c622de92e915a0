"""Real QEMU processes under a private session daemon: numbers, and a guest that hangs."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.backend.daemon import Daemon, private_daemon
from tests.backend.watcher import PATIENT, Watcher, result, watch
from tuivm.backend.uptime import process_starts
from tuivm.core.api import Focus
from tuivm.core.model import DomainKey, HostState, State

pytestmark = pytest.mark.skipif(
    shutil.which("qemu-system-x86_64") is None, reason="there is no QEMU"
)

_GUEST = """
<domain type='qemu'>
  <name>guest-{number}</name><uuid>{uuid}</uuid>
  <memory unit='MiB'>64</memory><vcpu>2</vcpu>
  <os><type arch='x86_64'>hvm</type></os>
  <devices><serial type='pty'/><memballoon model='none'/></devices>
</domain>"""


@pytest.fixture(scope="module")
def qemu() -> Iterator[Daemon]:
    """One daemon for all of these tests: it takes seconds to get to know its QEMU."""
    with private_daemon() as one:
        yield one


@pytest.fixture
def watcher(qemu: Daemon) -> Iterator[Watcher]:
    """Two running guests with nothing to boot."""
    with watch(qemu.uri("qemu:///session"), PATIENT._replace(sweep=1.0, read=20.0)) as one:
        one.up()
        host = next(iter(one.fleet.hosts.values()))
        for number in range(2):
            xml = _GUEST.format(number=number, uuid=uuid.uuid4())
            result(host.submit(lambda c, xml=xml: c.createXML(xml, 0).ID(), call="x", lane="job"))  # type: ignore[misc]
        one.wait(lambda: sum(d.state is State.RUNNING for d in one.domains.values()) == 2)
        processes = [pid_of(key) for key in one.domains]
        try:
            yield one
        finally:
            for pid in processes:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)
                    os.kill(pid, signal.SIGKILL)
            one.wait(lambda: not one.domains)


def pid_of(key: DomainKey) -> int:
    """The QEMU process of a guest."""
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                words = (folder / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if key.uuid.encode() in words:
                return int(folder.name)
    raise LookupError(key)


def key_of(watcher: Watcher, number: int) -> DomainKey:
    return watcher.domain(f"guest-{number}").key


def test_numbers_of_real_guests(watcher: Watcher) -> None:
    key = key_of(watcher, 0)
    watcher.wait(lambda: (s := watcher.stats.get(key)) and s.cpu is not None)
    sample = watcher.stats[key]
    assert sample.cpu is not None
    assert 0 <= sample.cpu <= 100
    assert sample.memory_max == 64 << 20
    assert sample.memory_rss is not None
    assert sample.memory_used is None, "there is no balloon driver that would tell"
    assert sample.disk_read is not None
    started = watcher.domains[key].started_at
    assert watcher.domains[key].started_exact
    assert started == pytest.approx(time.time(), abs=60)


def test_uptime_comes_from_the_process_when_we_came_later(qemu: Daemon, watcher: Watcher) -> None:
    key = key_of(watcher, 0)
    with watch(qemu.uri("qemu:///session")) as later:
        later.up()
        later.wait(lambda: later.domains[key].started_exact)
        mine, first = later.domains[key].started_at, watcher.domains[key].started_at
        assert mine is not None
        assert mine == pytest.approx(first, abs=3)
    assert process_starts()[key.uuid] == pytest.approx(mine, abs=1)


def test_a_stuck_guest_stops_neither_the_numbers_nor_the_host(watcher: Watcher) -> None:
    stuck, other = key_of(watcher, 0), key_of(watcher, 1)
    watcher.wait(lambda: stuck in watcher.stats and other in watcher.stats)
    watcher.fleet.focus(Focus(visible=(stuck, other), detail=other))
    process = pid_of(stuck)
    os.kill(process, signal.SIGSTOP)
    host = watcher.fleet.hosts[stuck.host]
    watcher.wait(lambda: host.stuck > 0)
    for _ in range(3):
        before = watcher.stats[other].at
        watcher.wait(lambda before=before: watcher.stats[other].at > before + 0.5)  # type: ignore[misc]
    assert watcher.state() is HostState.UP
    assert host.stuck <= 3
    began = time.monotonic()
    result(watcher.fleet.run(other, "suspend", {}))
    watcher.wait(lambda: watcher.domains[other].state is State.PAUSED)
    assert time.monotonic() - began < 5
    os.kill(process, signal.SIGCONT)
    watcher.wait(lambda: host.stuck == 0)


def test_a_killed_guest_is_seen(watcher: Watcher) -> None:
    key = key_of(watcher, 0)
    os.kill(pid_of(key), signal.SIGKILL)
    watcher.wait(lambda: key not in watcher.domains)
    watcher.wait(lambda: key not in watcher.stats)
    assert any("guest-0 stopped" in text for text in watcher.texts())
