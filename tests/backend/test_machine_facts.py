"""What is read of a machine: from made-up trees, and once from this very machine."""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from pathlib import Path
from typing import Any

import libvirt
import pytest

from tests.backend.daemon import Daemon
from tuivm import cli
from tuivm.backend import host_check
from tuivm.backend.host_check import check_uris
from tuivm.backend.machine_facts import read_device, read_machine, validate_lines
from tuivm.backend.service_facts import daemons, listeners, look, sockets, units
from tuivm.core.check import LOCAL, Verdict

CPUINFO = "processor : 0\nvendor_id : GenuineIntel\nflags : fpu vmx lm\n"
TCP = """\
  sl  local_address rem_address   st tx_queue
   0: 0100007F:407D 00000000:0000 0A 00000000:00000000
   1: 00000000:4082 00000000:0000 0A 00000000:00000000
   2: 00000000:0016 00000000:0000 0A 00000000:00000000
   3: 0100007F:407D 0100007F:9999 01 00000000:00000000
"""


def put(root: Path, path: str, text: str = "") -> None:
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    put(tmp_path, "proc/cpuinfo", CPUINFO)
    put(tmp_path, "proc/net/tcp", TCP)
    put(tmp_path, "sys/module/kvm/x")
    put(tmp_path, "sys/module/kvm_intel/parameters/nested", "Y\n")
    put(tmp_path, "sys/module/kvmalloc/x")
    put(tmp_path, "sys/fs/cgroup/cgroup.controllers", "cpu memory io\n")
    put(tmp_path, "sys/class/net/virbr0/operstate", "down\n")
    (tmp_path / "sys/class/net/virbr0/bridge").mkdir()
    put(tmp_path, "sys/class/net/eth0/operstate", "up\n")
    put(tmp_path, "etc/libvirt/network.conf", '#x\nfirewall_backend = "nftables"\n')
    put(tmp_path, "usr/sbin/virtqemud")
    return tmp_path


def test_a_whole_tree(tree: Path) -> None:
    facts = read_machine(tree)
    assert facts.cpu_flags == frozenset({"fpu", "vmx", "lm"})
    assert facts.modules == frozenset({"kvm", "kvm_intel"})
    assert facts.nested is True
    assert (facts.cgroups, facts.controllers) == (2, frozenset({"cpu", "memory", "io"}))
    assert [(b.name, b.up) for b in facts.bridges or ()] == [("virbr0", False)]
    assert facts.firewall == "nftables"
    assert facts.kvm is not None
    assert not facts.kvm.exists
    assert facts.iommu_groups is None
    assert facts.qemu_kvm is None, "there is no device"
    assert facts.systemd is False
    assert [(d.name, d.running, d.at_boot) for d in facts.daemons or ()] == [
        ("virtqemud", False, None)
    ]


def test_an_empty_tree_is_unknown(tmp_path: Path) -> None:
    facts = read_machine(tmp_path)
    assert facts.cpu_flags is None
    assert facts.modules is None
    assert facts.bridges is None
    assert facts.ports is None
    assert facts.daemons is None


def test_listeners_by_address(tree: Path) -> None:
    assert listeners(tree) == frozenset({("127.0.0.1", 16509), ("*", 16514)})


def test_processes_of_root_count_but_not_those_of_containers(tree: Path) -> None:
    for number, (name, depth) in enumerate((("libvirtd", "7"), ("virtlogd", "7 1")), 7):
        put(tree, f"proc/{number}/comm", name + "\n")
        put(tree, f"proc/{number}/status", f"Name: x\nNSpid:\t{depth}\n")
        os.chown(tree / f"proc/{number}", 0, 0) if os.geteuid() == 0 else None
    facts, running = daemons(tree, systemd=False)
    if os.geteuid() != 0:
        assert running == frozenset(), "another user's daemon is not the system's"
    else:
        assert running == frozenset({"libvirtd"})
        assert [fact.name for fact in facts or ()] == ["libvirtd", "virtqemud"]


def test_what_systemd_says() -> None:
    text = "Id=libvirtd.service\nLoadState=loaded\nUnitFileState=enabled\n\nId=x.socket\nA=b=c\n"
    told = units(text)
    assert told["libvirtd.service"]["UnitFileState"] == "enabled"
    assert told["x.socket"]["A"] == "b=c"
    assert units("") == {}


def test_what_virt_host_validate_prints() -> None:
    lines = validate_lines(
        "  QEMU: Checking for hardware virtualization      : \x1b[31mFAIL\x1b[0m (Only: slow)\n"
        "  QEMU: Checking if device /dev/kvm exists        : PASS\n"
        "rubbish\n"
    )
    assert [tuple(line) for line in lines] == [
        ("hardware virtualization", "FAIL", "Only: slow"),
        ("device /dev/kvm exists", "PASS", ""),
    ]


def test_a_device_is_tried_and_not_believed(tmp_path: Path) -> None:
    assert not read_device(tmp_path / "none").exists
    put(tmp_path, "kvm")
    found = read_device(tmp_path / "kvm")
    assert not found.usable, "it opens, but makes no VM"
    assert "it makes no VM" in found.error


@pytest.mark.parametrize(
    ("conf", "user", "may"),
    [
        ('user = "root"\ngroup = "root"\n', "root", True),
        ('user = "+0"\n', "0", True),
        ('#user = "root"\nuser = "nobody"\ngroup = "nogroup"\n', "nobody", False),
        ('user = "nobody"\ngroup = "+12"\n', "nobody", True),
        ('user = "no-such-user"\n', "", None),
    ],
)
def test_as_whom_qemu_runs_and_what_it_may(
    tmp_path: Path, conf: str, user: str, may: bool | None
) -> None:
    put(tmp_path, "etc/libvirt/qemu.conf", conf)
    put(tmp_path, "dev/kvm")
    (tmp_path / "dev/kvm").chmod(0o660)
    if os.geteuid() != 0:
        pytest.skip("gives a file to another group")
    os.chown(tmp_path / "dev/kvm", 0, 12)
    facts = read_machine(tmp_path)
    assert (facts.qemu_user, facts.qemu_kvm) == (user, may)


class Slow:
    """A connection whose daemon examines QEMU for ever."""

    def __init__(self, conn: libvirt.virConnect) -> None:
        self._conn = conn

    def __getattr__(self, name: str) -> Any:
        return getattr(self._conn, name)

    def getCapabilities(self) -> str:
        threading.Event().wait(30)
        return ""


def test_what_a_host_tells_is_shown_though_its_emulators_take_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(host_check, "LOCAL_SECONDS", 0.5)
    monkeypatch.setattr(
        host_check, "open_connection", lambda target: Slow(libvirt.open("test:///default"))
    )
    (part,) = check_uris(["test:///default"])
    found = {finding.id: finding for finding in part.findings}
    assert found["connection"].verdict is Verdict.OK
    assert found["pool-default-pool"].verdict is Verdict.OK
    assert found["unread"].verdict is Verdict.UNKNOWN
    assert "still examines QEMU" in found["unread"].text


def test_sockets_are_tried(tmp_path: Path) -> None:
    path = Path(f"/tmp/tuivm-t-{os.getpid()}-sock")
    try:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(path))
            server.listen()
            assert look(path, "read-write").listening is True
        assert look(path, "read-write").listening is False
    finally:
        path.unlink()
    assert not look(path, "read-write").exists


def test_which_sockets_a_uri_means(tmp_path: Path) -> None:
    put(tmp_path, "run/libvirt/virtqemud-sock")
    put(tmp_path, "run/libvirt/libvirt-sock")
    found = sockets("qemu:///system", tmp_path)
    assert [Path(fact.path).name for fact in found] == ["virtqemud-sock"]
    assert sockets("qemu+ssh://kv1/system", tmp_path) == ()
    assert sockets("test:///default", tmp_path) == ()
    given = sockets("qemu+unix:///system?socket=/nowhere/libvirt-sock", tmp_path)
    assert [(fact.path, fact.exists) for fact in given] == [("/nowhere/libvirt-sock", False)]


def test_a_check_of_this_machine_tells_both_sides_in_time(daemon: Daemon) -> None:
    uri = daemon.uri()
    began = time.monotonic()
    here, other, gone = check_uris(
        [uri, "test:///default", "qemu+unix:///system?socket=/no/libvirt-sock"]
    )[1:]
    assert time.monotonic() - began < 15
    verdicts = {finding.id: finding.verdict for finding in here.findings}
    assert verdicts["connection"] is Verdict.OK
    assert verdicts["socket-rw"] is Verdict.OK
    assert {f.id: f.verdict for f in other.findings}["connection"] is Verdict.OK
    assert {f.id: f.verdict for f in gone.findings}["connection"] is Verdict.PROBLEM


def test_a_test_driver_alone_says_nothing_of_this_machine() -> None:
    assert [part.title for part in check_uris(["test:///default"])] == ["test:///default"]
    parts = check_uris(["qemu+unix:///system?socket=/no/libvirt-sock"])
    assert parts[0].title == LOCAL


def test_the_command_ends_by_what_has_to_be_mended(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["check", "--json", "-c", "test:///default"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["ok"] is True
    (first, *_rest) = told["checks"]
    assert set(first) == {"about", "id", "title", "verdict", "found", "fix"}
    assert first["about"] == "test:///default"

    assert cli.main(["check", "-c", "qemu+unix:///system?socket=/no/libvirt-sock"]) == 1
    said = capsys.readouterr().out
    assert "problem  Socket" in said
    assert "there is none at /no/libvirt-sock" in said
    assert "1 problem" in said.splitlines()[-1] or "problems" in said.splitlines()[-1]
