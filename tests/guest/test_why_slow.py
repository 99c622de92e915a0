"""Guests that are slow, and by how much: disks that wait, and memory that does not suffice."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import libvirt
import pytest

from tests.guest.conftest import MakeGuest, unique
from tests.guest.lab import Lab, until
from tests.guest.test_notes import take
from tests.guest.test_obstacles import Trouble, conn
from tests.guest.test_stop import in_guest
from tests.lab.needs import find
from tuivm.core.causes import Cause, Surety

__all__ = ["conn"]

IOPS = 4
"""Requests that a slow disk serves in a second."""
SIZE = 64 << 20
LATE = f"latency-ns={10**9 // IOPS}"
"""Makes QEMU's storage daemon as slow."""
EXPORT = """<disk type='network' device='disk'><driver name='qemu' type='raw'/>
  <source protocol='nbd' name='slow'><host transport='unix' socket='{socket}'/></source>
  <target dev='vdb' bus='virtio'/></disk>"""
READING = """(while :; do dd if=/dev/{disk} of=/dev/null bs=64k count=100;
  echo 3 > /proc/sys/vm/drop_caches; done) > /dev/null 2>&1 &"""
FILLED = "rm -f /m/f; dd if=/dev/zero of=/m/f bs=1M count={mib} && cat /m/f > /dev/null"
FILLING = "(while :; do cat /m/f > /dev/null; done) & echo filled {mib} > /dev/ttyS0"


@pytest.fixture
def slow_storage(lab: Lab) -> Iterator[Path]:
    """The socket of a disk of the network that is slow by itself."""
    program = find("qemu-storage-daemon")
    if program is None:
        pytest.skip("there is no qemu-storage-daemon")
    socket = lab.paths.disks / f"{unique('slow')}.sock"
    command = [
        *(program, "--blockdev", f"driver=null-co,node-name=slow,size={SIZE},{LATE}"),
        *("--nbd-server", f"addr.type=unix,addr.path={socket}"),
        *("--export", "nbd,id=slow,node-name=slow,name=slow,writable=on"),
    ]
    process = subprocess.Popen(command)
    try:
        until(socket.exists, "storage", 20)
        yield socket
    finally:
        process.kill()
        process.wait()
        socket.unlink(missing_ok=True)


def speed(trouble: Trouble) -> dict[str, Cause]:
    return {note.id: note for note in trouble.notes("speed")}


def test_a_slow_disk_is_told_from_one_that_is_held_back(
    lab: Lab, make_guest: MakeGuest, conn: libvirt.virConnect, slow_storage: Path
) -> None:
    guest = make_guest("slow-disk", start="running", extra=EXPORT.format(socket=slow_storage))
    trouble = Trouble(lab, guest, conn)
    lab.await_boot(guest, 120)
    lab.virsh("blkdeviotune", guest.uuid, "vda", "--live", "--total-iops-sec", str(IOPS))
    assert not {"slow-disk", "slow-limit-vda"} & speed(trouble).keys(), "nobody reads"
    for disk in ("vda", "vdb"):
        in_guest(lab, guest, READING.format(disk=disk))
    until(lambda: {"slow-disk", "slow-limit-vda"} <= speed(trouble).keys(), "slow disks")
    found = speed(trouble)
    slow, limited = found["slow-disk"], found["slow-limit-vda"]
    assert (slow.surety, limited.surety) == (Surety.LIKELY, Surety.CERTAIN)
    assert f"total_iops_sec={IOPS} in its XML" in limited.evidence
    assert "vda" not in slow.evidence
    for disk, cause in (("vda", limited), ("vdb", slow)):
        match = re.search(rf"{disk}: (\d+) ms a read", cause.evidence)
        assert match is not None, cause.evidence
        # A request of its own takes a quarter of a second; several at a time wait for each other.
        assert int(match[1]) >= 1000 / IOPS * 0.5
    assert "no limits" in take(trouble, limited, "lift-limits")
    until(lambda: speed(trouble).keys() & {"slow-disk", "slow-limit-vda"} == {"slow-disk"}, "ease")
    assert "<iotune>" not in trouble.domain.XMLDesc(0)


def test_a_guest_that_swaps_gets_memory(
    lab: Lab, make_guest: MakeGuest, conn: libvirt.virConnect
) -> None:
    guest = make_guest("swaps", start="running")
    trouble = Trouble(lab, guest, conn)
    lab.await_boot(guest)
    assert "slow-memory" not in speed(trouble)
    in_guest(
        lab,
        guest,
        "mkswap /dev/vda && swapon /dev/vda && mkdir /m && mount -t tmpfs -o size=180m tmpfs /m; "
        f"{FILLED.format(mib=80)}; {FILLING.format(mib=80)}",
    )
    until(lambda: b"filled 80" in lab.said(guest), "memory in use")
    assert "slow-memory" not in speed(trouble), "it has enough"
    lab.virsh("setmem", guest.uuid, "110M", "--live")
    until(lambda: "slow-memory" in speed(trouble), "swapping")
    cause = speed(trouble)["slow-memory"]
    assert "a part of its memory was taken away (balloon)" in cause.title
    assert "of 192 MiB; swapped out since its start: " in cause.evidence
    assert "192" in take(trouble, cause, "give-memory")
    until(lambda: trouble.domain.info()[2] == 192 << 10, "the memory")
    until(lambda: "slow-memory" not in speed(trouble), "ease")
    in_guest(lab, guest, f"{FILLED.format(mib=150)}; {FILLING.format(mib=150)}")
    until(lambda: b"filled 150" in lab.said(guest), "more memory in use")
    until(lambda: "slow-memory" in speed(trouble), "swapping")
    cause = speed(trouble)["slow-memory"]
    assert (cause.surety, "less memory than it needs" in cause.title) == (Surety.LIKELY, True)
    assert take(trouble, cause, "set-memory") == "definition changed"
    assert trouble.definition.findtext("memory") == str(384 << 10)
