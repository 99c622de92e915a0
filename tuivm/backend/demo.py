"""The embedded fleet: libvirt's in-process test driver, plus what that driver lacks.

Lifecycle, XML, snapshots, networks and pools are real libvirt. Simulated here, and said so
on screen: moving numbers, guests' addresses and uptimes, why a machine is paused, what its
agent tells, its log, and a console with a small boot and login.
"""

from __future__ import annotations

import atexit
import math
import shutil
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import libvirt

from tuivm.backend.demo_boot import os_name
from tuivm.backend.demo_console import DemoConsole
from tuivm.backend.demo_fleet import BY_UUID, MACHINES, Machine, node_xml
from tuivm.backend.demo_guest import Guest
from tuivm.backend.extras import Owner
from tuivm.core.api import ConsoleChannel, ConsoleSink
from tuivm.core.errors import TuivmError
from tuivm.core.model import (
    Address,
    DomainDetails,
    DomainKey,
    QemuLog,
    State,
    Stats,
)
from tuivm.core.text import duration_text

STEP = 0.5
"""Seconds for which a counter's rate is taken as steady."""
MAX_STEPS = 60
"""Steps into which the time between two readings is cut at most."""


class Demo:
    """One embedded fleet; each has a node file, and with it a world, of its own."""

    def __init__(self, *, speed: float = 1.0) -> None:
        """Write the node file; ``speed`` 0 boots guests without pauses, for tests."""
        self._folder = Path(tempfile.mkdtemp(prefix="tuivm-demo-"))
        atexit.register(self.close)
        node = self._folder / "node.xml"
        node.write_text(node_xml(), encoding="utf-8")
        self.uri = f"test://{node}"
        """What the host connects to; its state is private to the one connection."""
        self._speed = speed
        self._began = time.time()
        self._began_monotonic = time.monotonic()
        self._guests: dict[str, Guest] = {}
        self._channels: dict[str, DemoConsole] = {}
        self._meters: dict[str, tuple[float, dict[str, float]]] = {}

    def close(self) -> None:
        """Delete the node file; idempotent. The connection must be open or gone by then."""
        atexit.unregister(self.close)
        shutil.rmtree(self._folder, ignore_errors=True)

    def prepare(self, conn: libvirt.virConnect) -> None:
        """Bring the machines into states that a node file cannot express; once, after opening."""
        for machine in MACHINES:
            domain = conn.lookupByUUIDString(machine.uuid)
            for name, description in machine.snapshots:
                domain.snapshotCreateXML(
                    f"<domainsnapshot><name>{name}</name>"
                    f"<description>{description}</description></domainsnapshot>",
                    0,
                )
            if machine.autostart:
                domain.setAutostart(1)
            if machine.begin == "paused":
                domain.suspend()
            elif machine.begin == "saved":
                domain.create()
                domain.managedSave(0)

    def starts(self) -> dict[str, float]:
        """When the machines that run at the beginning were started, as ``time.time()``."""
        return {
            machine.uuid: self._began - machine.uptime
            for machine in MACHINES
            if machine.begin not in ("off", "crashed", "saved")
        }

    def reason(self, uuid: str, state: State, reason: str) -> str:
        """Why it is in its state: the test driver knows only reasons that it made itself."""
        machine = BY_UUID.get(uuid)
        if machine is None or reason:
            return reason
        if state is State.PAUSED and machine.begin == "io-error":
            return "I/O error"
        if state is State.CRASHED:
            return "panicked"
        return ""

    def addresses(self, uuid: str, state: State) -> tuple[Address, ...]:
        """The guest's addresses while it runs; empty for machines made by the user."""
        machine = BY_UUID.get(uuid)
        if machine is None or not state.active:
            return ()
        source = "agent" if machine.agent else "lease"
        return (Address(machine.ip, machine.mac, source),)

    def stats(
        self, uuid: str, state: State, *, at: float, vcpus: int | None, memory_max: int | None
    ) -> Stats | None:
        """A sample at ``at`` (``time.monotonic()``): the same time gives the same numbers.

        None when it does not run.
        """
        if not state.active:
            return None
        machine = BY_UUID.get(uuid) or Machine(200, "", "running", memory=memory_max or 1 << 30)
        most = memory_max or machine.memory
        clock = at - self._began_monotonic + 3600
        drift = _noise(uuid, "mem", clock / 45)
        share = machine.memory_share * (0.92 + 0.16 * drift)
        used = int(most * min(share, 0.97))
        paged = {
            "memory_used": used if machine.agent else None,
            "memory_rss": min(most, int(used * 1.08) + (40 << 20)),
            "memory_max": most,
        }
        if state is not State.RUNNING:
            return Stats(at, 0.0, **paged, disk_read=0.0, disk_write=0.0, net_rx=0.0, net_tx=0.0)
        busy = machine.load * (0.55 + 0.9 * _noise(uuid, "cpu", clock / 4))
        if _noise(uuid, "spike", clock / 9) > 0.86:
            busy += 35
        disk, net = machine.disk_rate, machine.net_rate
        return Stats(
            at,
            max(0.2, min(100.0, busy)),
            **paged,
            disk_read=disk * _burst(uuid, "rd", clock / 5),
            disk_write=disk * _burst(uuid, "wr", clock / 3),
            net_rx=net * (0.3 + 1.4 * _noise(uuid, "rx", clock / 3)),
            net_tx=net * (0.2 + 1.1 * _noise(uuid, "tx", clock / 3)),
        )

    def enrich(self, details: DomainDetails, state: State) -> DomainDetails:
        """Add counters and the agent's answers to what the test driver tells."""
        machine = BY_UUID.get(details.key.uuid)
        if machine is None or not state.active:
            return details
        stats = dict(details.stats) | self._counters(machine, state)
        guest: tuple[tuple[str, str], ...] = ()
        if machine.agent and state is State.RUNNING:
            name, version = os_name(machine.os)
            guest = (
                ("Hostname", machine.hostname),
                ("OS", f"{name} {version}"),
                ("Users", "root since 08:14"),
                ("File system /", f"6.1 of {machine.disks[0][1]} GiB used, ext4"),
            )
        unread = tuple(line for line in details.unread if not line.startswith("guest agent"))
        # The test driver's CPU time is the time of day.
        spent = duration_text(float(stats["cpu.time"]) / 1e9)
        info = tuple((n, spent if n == "CPU time" else v) for n, v in details.info)
        return details._replace(info=info, stats=tuple(stats.items()), guest=guest, unread=unread)

    def _counters(self, machine: Machine, state: State) -> dict[str, int | float | str]:
        meter = self._meter(machine, state)
        cpu = int(meter["cpu"])
        kib = machine.memory >> 10
        used = int(kib * machine.memory_share)
        found: dict[str, int | float | str] = {
            "cpu.time": cpu,
            "cpu.user": cpu * 7 // 10,
            "cpu.system": cpu * 3 // 10,
            "balloon.current": kib,
            "balloon.maximum": kib,
            "balloon.rss": used,
            "vcpu.current": machine.vcpus,
            "vcpu.maximum": machine.vcpus,
        }
        if machine.agent:
            found |= {"balloon.available": kib, "balloon.usable": kib - used}
        for index in range(machine.vcpus):
            found[f"vcpu.{index}.state"] = 1
            found[f"vcpu.{index}.time"] = cpu // machine.vcpus
        found["block.count"] = len(machine.disks)
        for index, (disk, size) in enumerate(machine.disks):
            read, written = (int(meter[way]) // len(machine.disks) for way in ("rd", "wr"))
            found |= {
                f"block.{index}.name": f"vd{'abcdef'[index]}",
                f"block.{index}.path": f"/var/lib/libvirt/images/{machine.hostname}-{disk}.qcow2",
                f"block.{index}.rd.reqs": read // 16_384,
                f"block.{index}.rd.bytes": read,
                f"block.{index}.wr.reqs": written // 8_192,
                f"block.{index}.wr.bytes": written,
                f"block.{index}.allocation": size << 28,
                f"block.{index}.capacity": size << 30,
            }
        received, sent = int(meter["rx"]), int(meter["tx"])
        return found | {
            "net.count": 1,
            "net.0.name": f"vnet{machine.number}",
            "net.0.rx.bytes": received,
            "net.0.rx.pkts": received // 900,
            "net.0.tx.bytes": sent,
            "net.0.tx.pkts": sent // 1_100,
        }

    def _meter(self, machine: Machine, state: State) -> dict[str, float]:
        """Counters since the start: the sum of what ``stats`` told since the last reading."""
        now = time.monotonic()
        began, meter = self._meters.get(machine.uuid) or (now, _first_meter(machine))
        step = max(STEP, (now - began) / MAX_STEPS)
        at = began
        while state is State.RUNNING and at < now:
            part = min(step, now - at)
            rates = self.stats(
                machine.uuid,
                state,
                at=at + part / 2,
                vcpus=machine.vcpus,
                memory_max=machine.memory,
            )
            at += part
            if rates is not None:
                meter["cpu"] += (rates.cpu or 0.0) / 100 * machine.vcpus * part * 1e9
                meter["rd"] += (rates.disk_read or 0.0) * part
                meter["wr"] += (rates.disk_write or 0.0) * part
                meter["rx"] += (rates.net_rx or 0.0) * part
                meter["tx"] += (rates.net_tx or 0.0) * part
        self._meters[machine.uuid] = (now, meter)
        return meter

    def before(self, uuid: str, verb: str, args: Mapping[str, str]) -> None:
        """Let an open console show what a verb does to its guest; call it before the verb."""
        guest, channel = self._guests.get(uuid), self._channels.get(uuid)
        if guest is None or channel is None:
            return
        if verb == "shutdown":
            guest.go_down()
        elif verb == "reboot" or (verb == "send-key" and args.get("keys", "").endswith("DELETE")):
            guest.go_down(restart=True)
        elif verb == "reset":
            guest.boot()
        elif verb == "inject-nmi":
            guest.hear("Uhhuh. NMI received for unknown reason 20 on CPU 0.")
        else:
            return
        channel.poke()

    def log(self, uuid: str, name: str) -> QemuLog:
        """A few lines in the manner of QEMU's log."""
        machine = BY_UUID.get(uuid)
        if machine is None:
            error = TuivmError("No log", "the test driver writes none", hint="see the events")
            return QemuLog("", "", error)
        begun = time.gmtime(self._began - machine.uptime)
        stamp = time.strftime("%Y-%m-%d %H:%M:%S", begun)
        lines = [
            f"{stamp}.214+0000: starting up libvirt (simulated), qemu (simulated)",
            f"char device redirected to /dev/pts/{machine.number} (label charserial0)",
        ]
        if machine.begin == "io-error":
            lines.append("block I/O error in device 'virtio-disk1': No space left on device (28)")
        elif machine.begin == "crashed":
            lines += ["guest panicked", f"{stamp}.980+0000: panic action: preserve"]
        return QemuLog(f"(demo) {machine.hostname}.log", "\n".join(lines) + "\n")

    def console(
        self,
        key: DomainKey,
        sink: ConsoleSink,
        owner: Owner,
        *,
        device: str = "",
        force: bool = False,
        boot: bool = False,
    ) -> ConsoleChannel:
        """Attach to a simulated serial console; returns at once, the sink hears the rest."""
        machine = BY_UUID.get(key.uuid) or Machine(200, "guest", "off")
        guest = self._guests.get(key.uuid)
        if guest is None:
            began = self.starts().get(key.uuid)
            guest = self._guests[key.uuid] = Guest(machine, self._speed, began)
        channel = DemoConsole(owner, key.uuid, guest, sink, self._channels, device=device)
        channel.open(force=force, boot=boot)
        return channel


def _hash(*parts: object) -> float:
    """A number from 0 to 1 that depends on the parts alone, in every process."""
    state = 2166136261
    for char in repr(parts).encode():
        state = (state ^ char) * 16777619 & 0xFFFFFFFF
    state ^= state >> 15
    return (state * 2246822519 & 0xFFFFFFFF) / 0x100000000


def _noise(uuid: str, what: str, time_: float) -> float:
    """Smooth noise from 0 to 1: hashed values at whole times, eased between."""
    whole = math.floor(time_)
    part = time_ - whole
    eased = part * part * (3 - 2 * part)
    before, after = _hash(uuid, what, whole), _hash(uuid, what, whole + 1)
    return before + (after - before) * eased


def _burst(uuid: str, what: str, time_: float) -> float:
    """Noise that is mostly low and sometimes high, as disks are."""
    return 4.0 * _noise(uuid, what, time_) ** 3


def _first_meter(machine: Machine) -> dict[str, float]:
    """What the counters stand at when they are first read."""
    up = machine.uptime
    return {
        "cpu": machine.load / 100 * machine.vcpus * up * 1e9,
        "rd": machine.disk_rate * up,
        "wr": machine.disk_rate * up,
        "rx": machine.net_rate * up,
        "tx": machine.net_rate * up * 0.75,
    }
