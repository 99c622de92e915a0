"""Guest agents that do not answer, and who waits for them: named, and cured."""

from __future__ import annotations

from collections.abc import Iterator

import libvirt
import pytest

from tests.backend.watcher import Watcher, failure, result, watch
from tests.guest.conftest import MakeGuest
from tests.guest.lab import Lab, until
from tests.guest.test_obstacles import Trouble, conn, under_way
from tests.guest.test_stop import Open, in_guest, open_list
from tests.lab.guests import Guest
from tuivm.core.api import Login
from tuivm.core.causes import Cause, Surety
from tuivm.core.errors import TuivmError
from tuivm.core.model import DomainKey, State

__all__ = ["conn", "open_list"]

QUIESCED = libvirt.VIR_DOMAIN_SNAPSHOT_CREATE_DISK_ONLY | libvirt.VIR_DOMAIN_SNAPSHOT_CREATE_QUIESCE


@pytest.fixture
def watcher(lab: Lab) -> Iterator[Watcher]:
    with watch(lab.uri) as one:
        one.up()
        yield one


@pytest.fixture
def hooked(lab: Lab, make_guest: MakeGuest, conn: libvirt.virConnect) -> Trouble:
    """A guest that hangs as soon as somebody asks it to freeze its file systems."""
    guest = make_guest("hooked", start="running")
    lab.await_boot(guest)
    in_guest(lab, guest, "mkfifo /never; echo hooked > /dev/ttyS0")
    until(lambda: b"hooked" in lab.said(guest), "a hook that never ends")
    return Trouble(lab, guest, conn)


def key_of(watcher: Watcher, guest: Guest) -> DomainKey:
    watcher.wait(lambda: any(key.uuid == guest.uuid for key in watcher.domains))
    return next(key for key in watcher.domains if key.uuid == guest.uuid)


def why(watcher: Watcher, key: DomainKey, error: TuivmError | None) -> tuple[Cause, ...]:
    return result(watcher.fleet.explain(key, error))


def take(watcher: Watcher, key: DomainKey, cause: Cause, action_id: str) -> str:
    """Take a cause's cure, which is an action of the registry."""
    from tuivm.core.actions import ACTIONS

    cure = next(cure for cure in cause.cures if cure.action_id == action_id)
    assert cure.key
    return result(watcher.fleet.run(key, ACTIONS[action_id].verb, cure.args))


def test_an_agent_that_hangs_is_named_and_the_power_button_does_it(
    lab: Lab, make_guest: MakeGuest, open_list: Open
) -> None:
    guest = make_guest("mute", start="running")
    lab.await_boot(guest)
    in_guest(lab, guest, "sleep 1; killall -STOP qemu-ga; echo stopped > /dev/ttyS0")
    until(lambda: b"stopped" in lab.said(guest), "an agent that hangs")
    tuivm = open_list(guest, filter_text="mute", size=(120, 40))
    tuivm.press("P")
    tuivm.wait_for("by the guest agent")
    tuivm.press("2")
    tuivm.wait_for("y yes")
    tuivm.press("y")
    tuivm.wait_for("Its guest agent is connected, but does not answer", 30)
    tuivm.press("W")
    tuivm.wait_for("likely    Its guest agent is connected, but does not answer")
    for text in ("the agent was asked: nothing yet, for", "a   Ask by the ACPI power button"):
        assert text in tuivm.text, text
    tuivm.press("a")
    tuivm.wait_for("y yes")
    tuivm.press("y")
    tuivm.wait_for(f"{guest.name} is off", 30)
    assert lab.state(guest) == "shut off"


def test_a_question_that_is_open_keeps_the_agent_from_hearing_the_next(
    hooked: Trouble, watcher: Watcher
) -> None:
    key = key_of(watcher, hooked.guest)
    assert why(watcher, key, None) == ()
    with under_way(hooked, lambda domain: domain.fsFreeze()):
        until(lambda: b"freezing" in hooked.lab.said(hooked.guest), "a freeze")
        asked = [watcher.fleet.run(key, verb, {"mode": "agent"}) for verb in ("reboot", "shutdown")]
        errors = [failure(one) for one in asked]
        for error in errors:
            assert "held by agent=remoteDispatchDomainFSFreeze" in error.raw
        (cause, *_), (other, *_) = (why(watcher, key, error) for error in reversed(errors))
        assert (cause.id, cause.surety) == ("busy-agent", Surety.CERTAIN)
        assert "asked to freeze its file systems and does not answer" in cause.title
        assert "for 30 s or more" in cause.evidence
        assert "FSFreeze" in cause.evidence
        assert other.cures[0].action_id == "domain.reboot"
        # Nothing is wrong with it beside that, and the button does not need the agent.
        assert why(watcher, key, None) == ()
        assert take(watcher, key, cause, "domain.shutdown") == "asked by the power button"
        watcher.wait(lambda: watcher.domains[key].state is State.OFF)


def test_a_snapshot_that_waits_for_the_agent_holds_everything_up(
    hooked: Trouble, watcher: Watcher
) -> None:
    key = key_of(watcher, hooked.guest)
    xml = "<domainsnapshot><disks><disk name='vda' snapshot='external'/></disks></domainsnapshot>"
    with under_way(hooked, lambda domain: domain.snapshotCreateXML(xml, QUIESCED)):
        until(lambda: b"freezing" in hooked.lab.said(hooked.guest), "a freeze")
        error = failure(watcher.fleet.run(key, "suspend", {}))
        assert "held by monitor=remoteDispatchDomainSnapshotCreateXML" in error.raw
        cause = why(watcher, key, error)[0]
        assert (cause.id, cause.surety) == ("busy", Surety.LIKELY)
        assert "a snapshot waits, perhaps for its guest agent" in cause.title
        assert "for 30 s or more the lock was held by libvirt's call Snapshot" in cause.evidence
        assert any("qemu-guest-agent" in line for cure in cause.cures for line in cure.lines)
        # As the screen says: on its console, what hangs is ended.
        login = Login("root", "lab", "killall -9 qemu-ga")
        said = result(watcher.fleet.log_in_and_run(key, login, lambda _step: None).result)
        assert said.code == 0, said
    assert result(watcher.fleet.run(key, "suspend", {})) == ""
    watcher.wait(lambda: watcher.domains[key].state is State.PAUSED)
