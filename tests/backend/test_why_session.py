"""Why VMs of another machine do not start here: defined before the daemon ran, as after a move."""

from __future__ import annotations

import json
import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

import libvirt
import pytest

from tests.backend.daemon import NOBODY, Daemon
from tuivm.backend import errors
from tuivm.backend.explain import Question, explain
from tuivm.backend.power import run_verb
from tuivm.core.causes import Cause, Surety
from tuivm.core.errors import TuivmError

pytestmark = pytest.mark.skipif(
    shutil.which("qemu-system-x86_64") is None, reason="there is no QEMU"
)

QEMU = "/usr/bin/qemu-system-x86_64"
GUEST = """
<domain type='{type}'>
  <name>{name}</name><uuid>{uuid}</uuid>
  <memory unit='MiB'>32</memory><vcpu>1</vcpu>
  <os><type arch='x86_64' machine='{machine}'>hvm</type>{firmware}</os>
  {cpu}{features}
  <devices><emulator>{emulator}</emulator><memballoon model='none'/></devices>
</domain>"""
MOVED = {
    "fast": {"type": "kvm", "cpu": "<cpu mode='host-passthrough'/>"},
    "newer": {"machine": "pc-q35-99.0"},
    "elsewhere": {"emulator": "/usr/libexec/qemu-gone"},
    "uefi": {
        "firmware": "<loader readonly='yes' type='pflash'>/usr/share/gone/CODE.fd</loader>"
        "<nvram template='/usr/share/gone/VARS.fd'/>",
    },
}
MOVED["no-acpi"] = {
    "firmware": "<loader readonly='yes' type='pflash'>{folder}/data/CODE.fd</loader>"
    "<nvram template='{folder}/data/VARS.fd'>{folder}/data/no-acpi.fd</nvram>",
    "features": "<features><apic/></features>",
}
UUIDS = {name: str(uuid.uuid4()) for name in MOVED}


def definition(name: str, **changes: str) -> str:
    usual = {"type": "qemu", "machine": "pc", "cpu": "", "firmware": "", "emulator": QEMU}
    usual["features"] = "<features><acpi/></features>"
    return GUEST.format(name=name, uuid=UUIDS[name], **{**usual, **changes})


def install_firmware(folder: Path) -> None:
    """Give this user's QEMU a firmware in flash, as its description says."""
    place = folder / "config/qemu/firmware"
    place.mkdir(parents=True)
    for name in ("CODE.fd", "VARS.fd"):
        (folder / "data" / name).write_bytes(bytes(65536))
    flash = {
        "device": "flash",
        "executable": {"filename": str(folder / "data/CODE.fd"), "format": "raw"},
        "nvram-template": {"filename": str(folder / "data/VARS.fd"), "format": "raw"},
    }
    told = {
        "description": "firmware of a test",
        "interface-types": ["uefi"],
        "mapping": flash,
        "targets": [{"architecture": "x86_64", "machines": ["pc-*"]}],
        "features": [],
        "tags": [],
    }
    (place / "50-test.json").write_text(json.dumps(told))


@pytest.fixture(scope="module")
def moved() -> Iterator[Daemon]:
    """A session daemon that finds definitions which no daemon here would have taken."""
    if not Daemon.available() or not os.path.exists(QEMU):
        pytest.skip("there is no libvirtd, or QEMU is elsewhere")
    one = Daemon()
    try:
        place = one.folder / "config/libvirt/qemu"
        place.mkdir(parents=True)
        for name, changes in MOVED.items():
            (place / f"{name}.xml").write_text(
                definition(name, **changes).replace("{folder}", str(one.folder))
            )
        install_firmware(one.folder)
        if os.geteuid() == 0:
            for path in (one.folder / "config").rglob("*"):
                os.chown(path, NOBODY, NOBODY)
        one.start()
        yield one
    finally:
        one.close()


@pytest.fixture
def conn(moved: Daemon) -> Iterator[libvirt.virConnect]:
    conn = libvirt.open(moved.uri("qemu:///session"))
    yield conn
    conn.close()


def failed_start(conn: libvirt.virConnect, daemon: Daemon, name: str) -> tuple[Cause, ...]:
    error = None
    try:
        run_verb(conn, UUIDS[name], "start", {})
    except (libvirt.libvirtError, TuivmError) as failure:
        error = errors.convert(failure, title="Cannot start it")
    assert error is not None, "it started"
    return explain(conn, Question(UUIDS[name], daemon.uri("qemu:///session"), error))


def cure(conn: libvirt.virConnect, name: str, cause: Cause, verb: str) -> None:
    """Take the way out; the VM runs then."""
    way = next(way for way in cause.cures if way.verb == verb)
    assert way.level == 1
    assert any(line.startswith("+") for line in way.lines), "the change is shown before"
    run_verb(conn, UUIDS[name], way.verb, way.args)
    domain = conn.lookupByUUIDString(UUIDS[name])
    try:
        assert domain.isActive()
    finally:
        domain.destroy()


def test_a_vm_that_wants_kvm_runs_by_emulation(conn: libvirt.virConnect, moved: Daemon) -> None:
    if os.access("/dev/kvm", os.R_OK | os.W_OK) and os.geteuid() != 0:
        pytest.skip("this user has KVM")
    if os.geteuid() == 0 and os.path.exists("/dev/kvm") and os.stat("/dev/kvm").st_mode & 0o006:
        pytest.skip("everybody has KVM")
    cause = failed_start(conn, moved, "fast")[0]
    assert (cause.id, cause.surety) == ("kvm-unavailable", Surety.CERTAIN)
    cure(conn, "fast", cause, "use-emulation")


def test_a_machine_type_of_a_newer_qemu(conn: libvirt.virConnect, moved: Daemon) -> None:
    cause = failed_start(conn, moved, "newer")[0]
    assert (cause.id, cause.surety) == ("machine-unknown", Surety.CERTAIN)
    assert "pc-q35-99.0" in cause.title
    cure(conn, "newer", cause, "use-machine")


def test_an_emulator_of_another_distribution(conn: libvirt.virConnect, moved: Daemon) -> None:
    cause = failed_start(conn, moved, "elsewhere")[0]
    assert (cause.id, cause.surety) == ("emulator-missing", Surety.CERTAIN)
    assert "/usr/libexec/qemu-gone" in cause.title
    cure(conn, "elsewhere", cause, "use-emulator")


def test_uefi_firmware_of_another_distribution(conn: libvirt.virConnect, moved: Daemon) -> None:
    cause = failed_start(conn, moved, "uefi")[0]
    assert (cause.id, cause.surety) == ("firmware-missing", Surety.CERTAIN)
    assert [way.verb for way in cause.cures] == ["use-loader", "", "drop-firmware"]
    assert str(moved.folder) in cause.cures[0].title
    cure(conn, "uefi", cause, "use-loader")


def test_uefi_firmware_without_acpi(conn: libvirt.virConnect, moved: Daemon) -> None:
    """What older libvirts took, and what a newer one neither defines nor starts."""
    cause, *others = failed_start(conn, moved, "no-acpi")
    assert (cause.id, cause.surety, others) == ("uefi-acpi", Surety.CERTAIN, [])
    assert " of its XML: <features>" in cause.evidence
    assert cause.cures[0].lines == ("+ <acpi/>",)
    cure(conn, "no-acpi", cause, "add-acpi")
    question = Question(UUIDS["no-acpi"], moved.uri("qemu:///session"))
    assert explain(conn, question) == ()
