"""What each verb does, on libvirt's own test driver."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import libvirt
import pytest

from tuivm.backend.power import VERBS, run_verb
from tuivm.core.errors import TuivmError

UUID = "6f1b2c1e-0000-4000-8000-000000000001"
OTHER = "6f1b2c1e-0000-4000-8000-000000000002"

DOMAIN = """<domain type='test' xmlns:test='http://libvirt.org/schemas/domain/test/1.0'>
  <name>{name}</name><uuid>{uuid}</uuid><memory unit='MiB'>64</memory><vcpu>1</vcpu>
  <os><type>hvm</type></os>
  <devices><disk type='file'><source file='/x'/><target dev='vda'/></disk></devices>
  {extra}
</domain>"""


@pytest.fixture
def conn(tmp_path: Path) -> Iterator[libvirt.virConnect]:
    # A file of its own: test:///default is shared by the whole process.
    node = tmp_path / "node.xml"
    off = DOMAIN.format(name="plain", uuid=UUID, extra="<test:runstate>5</test:runstate>")
    gone = DOMAIN.format(
        name="guest",
        uuid=OTHER,
        extra="<test:transient>1</test:transient><test:runstate>1</test:runstate>",
    )
    node.write_text(f"<node>{off}{gone}</node>")
    connection = libvirt.open(f"test://{node}")
    yield connection
    connection.close()


def run(conn: libvirt.virConnect, verb: str, uuid: str = UUID, **args: str) -> str:
    return run_verb(conn, uuid, verb, {key.replace("_", "-"): v for key, v in args.items()})


def state(conn: libvirt.virConnect, uuid: str = UUID) -> int:
    return int(conn.lookupByUUIDString(uuid).state()[0])


def test_start_and_destroy(conn: libvirt.virConnect) -> None:
    assert run(conn, "start") == ""
    assert state(conn) == libvirt.VIR_DOMAIN_RUNNING
    run(conn, "destroy")
    assert state(conn) == libvirt.VIR_DOMAIN_SHUTOFF


def test_start_paused_then_start_lets_it_run(conn: libvirt.virConnect) -> None:
    run(conn, "start-paused")
    assert state(conn) == libvirt.VIR_DOMAIN_PAUSED
    assert "resumed" in run(conn, "start")
    assert state(conn) == libvirt.VIR_DOMAIN_RUNNING


def test_start_of_a_running_domain_is_libvirts_error(conn: libvirt.virConnect) -> None:
    run(conn, "start")
    with pytest.raises(libvirt.libvirtError):
        run(conn, "start")


def test_shutdown_reboot_reset(conn: libvirt.virConnect) -> None:
    run(conn, "start")
    run(conn, "reset")
    assert state(conn) == libvirt.VIR_DOMAIN_RUNNING
    run(conn, "shutdown")
    assert state(conn) == libvirt.VIR_DOMAIN_SHUTOFF


def test_shutdown_in_a_mode_that_nobody_knows(conn: libvirt.virConnect) -> None:
    run(conn, "start")
    with pytest.raises(TuivmError) as caught:
        run(conn, "shutdown", mode="magic")
    assert "magic" in caught.value.message
    assert "acpi" in caught.value.hint
    assert state(conn) == libvirt.VIR_DOMAIN_RUNNING


def test_pause_and_resume(conn: libvirt.virConnect) -> None:
    run(conn, "start")
    run(conn, "suspend")
    assert state(conn) == libvirt.VIR_DOMAIN_PAUSED
    run(conn, "resume")
    assert state(conn) == libvirt.VIR_DOMAIN_RUNNING


def test_destroy_of_a_transient_domain_says_that_it_is_gone(conn: libvirt.virConnect) -> None:
    assert "gone" in run(conn, "destroy", OTHER)
    with pytest.raises(libvirt.libvirtError) as caught:
        state(conn, OTHER)
    assert caught.value.get_error_code() == libvirt.VIR_ERR_NO_DOMAIN


def test_managed_save_is_restored_by_start(conn: libvirt.virConnect) -> None:
    run(conn, "start")
    run(conn, "managedsave")
    domain = conn.lookupByUUIDString(UUID)
    assert domain.hasManagedSaveImage()
    assert "restored" in run(conn, "start")
    assert not domain.hasManagedSaveImage()


def test_managed_save_can_be_dropped(conn: libvirt.virConnect) -> None:
    run(conn, "start")
    run(conn, "managedsave")
    run(conn, "managedsave-remove")
    assert not conn.lookupByUUIDString(UUID).hasManagedSaveImage()
    assert "no saved state" in run(conn, "managedsave-remove")


@pytest.mark.parametrize("word", ["on", "yes", "ON"])
def test_autostart_on(conn: libvirt.virConnect, word: str) -> None:
    run(conn, "autostart", value=word)
    assert conn.lookupByUUIDString(UUID).autostart() == 1
    assert "already" in run(conn, "autostart", value=word)
    run(conn, "autostart", value="off")
    assert conn.lookupByUUIDString(UUID).autostart() == 0


def test_autostart_refuses_nonsense_and_transient_domains(conn: libvirt.virConnect) -> None:
    with pytest.raises(TuivmError, match="Wrong value"):
        run(conn, "autostart", value="maybe")
    with pytest.raises(TuivmError) as caught:
        run(conn, "autostart", OTHER, value="on")
    assert "transient" in caught.value.message


def test_undefine_takes_saved_state_and_snapshots_along(conn: libvirt.virConnect) -> None:
    domain = conn.lookupByUUIDString(UUID)
    domain.snapshotCreateXML("<domainsnapshot><name>one</name></domainsnapshot>", 0)
    run(conn, "start")
    run(conn, "managedsave")
    note = run(conn, "undefine")
    assert "saved state removed" in note
    assert "1 snapshot forgotten" in note
    assert "disks kept" in note
    with pytest.raises(libvirt.libvirtError):
        state(conn)


def test_undefine_of_a_running_domain_needs_to_be_told(conn: libvirt.virConnect) -> None:
    run(conn, "start")
    with pytest.raises(TuivmError) as caught:
        run(conn, "undefine")
    assert "running" in caught.value.message
    assert conn.lookupByUUIDString(UUID).isPersistent()
    assert "transient" in run(conn, "undefine", keep_running="yes")
    assert not conn.lookupByUUIDString(UUID).isPersistent()


def test_undefine_of_a_transient_domain_is_refused(conn: libvirt.virConnect) -> None:
    with pytest.raises(TuivmError) as caught:
        run(conn, "undefine", OTHER)
    assert "transient" in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize("keys", ["ctrl-alt-del", "KEY_LEFTCTRL KEY_LEFTALT KEY_DELETE", "sysrq-s"])
def test_send_key(conn: libvirt.virConnect, keys: str) -> None:
    run(conn, "start")
    assert run(conn, "send-key", keys=keys) == ""


def test_inject_nmi(conn: libvirt.virConnect) -> None:
    run(conn, "start")
    run(conn, "inject-nmi")


def test_a_domain_that_is_gone_is_libvirts_error(conn: libvirt.virConnect) -> None:
    missing = "00000000-1111-4222-8333-444444444444"
    for verb in VERBS:
        with pytest.raises(libvirt.libvirtError) as caught:
            run_verb(conn, missing, verb, {"keys": "ctrl-alt-del"})
        assert caught.value.get_error_code() == libvirt.VIR_ERR_NO_DOMAIN


def test_an_unknown_verb_is_refused(conn: libvirt.virConnect) -> None:
    with pytest.raises(TuivmError, match="Unknown verb"):
        run(conn, "explode")
