"""Another name for a VM of a real QEMU driver: what libvirt refuses, and what the list shows."""

from __future__ import annotations

from collections.abc import Iterator

import libvirt
import pytest

from tests.backend.daemon import private_daemon
from tests.backend.watcher import Watcher, failure, result, watch
from tests.guest.conftest import MakeGuest, unique
from tests.guest.lab import Lab
from tests.guest.test_obstacles import Trouble
from tests.lab.guests import Guest
from tuivm.core.causes import Surety
from tuivm.core.errors import TuivmError
from tuivm.core.model import Domain, DomainKey, State

OS = "<os><type arch='x86_64' machine='pc'>hvm</type></os>"


@pytest.fixture
def conn(lab: Lab) -> Iterator[libvirt.virConnect]:
    connection = libvirt.open(lab.uri)
    yield connection
    connection.close()


@pytest.fixture
def watcher(lab: Lab) -> Iterator[Watcher]:
    with watch(lab.uri) as one:
        one.up()
        yield one


def row(watcher: Watcher, guest: Guest) -> Domain:
    """The guest's row, once there is one."""
    watcher.wait(lambda: any(key.uuid == guest.uuid for key in watcher.domains))
    return next(one for key, one in watcher.domains.items() if key.uuid == guest.uuid)


def rename(watcher: Watcher, key: DomainKey, name: str) -> TuivmError | str:
    future = watcher.fleet.run(key, "rename", {"new-name": name})
    return failure(future) if future.exception(60) else result(future)


def test_a_renamed_vm_stays_one_row_whoever_renames_it(
    lab: Lab, watcher: Watcher, make_guest: MakeGuest
) -> None:
    guest = make_guest("before")
    key = row(watcher, guest).key
    seen = len(watcher.history)
    names = [unique("between"), unique("after")]
    assert rename(watcher, key, names[0]) == f"it is {names[0]} from here on"
    watcher.wait(lambda: watcher.domains[key].name == names[0])
    lab.virsh("domrename", guest.uuid, names[1])
    watcher.wait(lambda: watcher.domains[key].name == names[1])
    watcher.wait(lambda: f"{names[1]} renamed" in watcher.texts())
    assert all(watcher.history[seen:]), "it was never away"
    assert sum(one.uuid == guest.uuid for one in watcher.domains) == 1
    said = [text for text in watcher.texts() if any(name in text for name in names)]
    assert said == [f"{name} renamed" for name in names]


def test_a_name_that_another_vm_has_names_that_vm_and_the_next_one_is_taken(
    lab: Lab, conn: libvirt.virConnect, watcher: Watcher, make_guest: MakeGuest
) -> None:
    guest, other = make_guest("rename", agent=False), make_guest("holder", start="paused")
    key = row(watcher, guest).key
    error = rename(watcher, key, other.name)
    assert isinstance(error, TuivmError)
    said = f"Cannot rename {guest.name}: there is another VM called {other.name} (paused"
    assert str(error).startswith(said)
    assert error.hint == "choose another name"
    assert "already exists" in error.raw
    trouble = Trouble(lab, guest, conn)
    trouble.error = error
    cause = trouble.cause()
    assert (cause.id, cause.surety) == ("name-in-use", Surety.CERTAIN)
    assert f"{other.name} (paused" in cause.title
    assert other.uuid in cause.evidence
    assert cause.cures[0].action_id == "view.rename"
    new = unique("free")
    assert isinstance(rename(watcher, key, new), str)
    assert trouble.domain.name() == new
    # It starts under its new name, and nothing is said of it.
    trouble.error = None
    trouble.domain.create()
    assert trouble.causes() == ()


def test_one_that_is_off_has_its_name_too(
    lab: Lab, conn: libvirt.virConnect, watcher: Watcher, make_guest: MakeGuest
) -> None:
    guest, other = make_guest("rename", start="paused"), make_guest("holder", agent=False)
    lab.virsh("destroy", guest.uuid)
    key = row(watcher, guest).key
    watcher.wait(lambda: watcher.domains[key].state is State.OFF)
    error = rename(watcher, key, other.name)
    assert isinstance(error, TuivmError)
    assert f"there is another VM called {other.name} (off" in str(error)
    trouble = Trouble(lab, guest, conn)
    trouble.error = error
    assert f"{other.name} (off" in trouble.cause().title
    # Whoever gives the name up meanwhile, on another connection, is in nobody's way.
    lab.virsh("domrename", other.uuid, unique("moved"))
    assert isinstance(rename(watcher, key, other.name), str)
    assert trouble.domain.name() == other.name


def test_a_name_that_another_connection_has_is_free(
    lab: Lab, conn: libvirt.virConnect, make_guest: MakeGuest
) -> None:
    guest, name = make_guest("rename", agent=False), unique("twice")
    xml = f"<domain type='qemu'><name>{name}</name><memory>1024</memory>{OS}</domain>"
    with private_daemon() as daemon:
        own = daemon.uri("qemu:///session")
        theirs = libvirt.open(own)
        theirs.defineXML(xml)
        with watch([lab.uri, own]) as both:
            both.up()
            key = row(both, guest).key
            assert isinstance(rename(both, key, name), str)
            both.wait(lambda: [one.name for one in both.domains.values()].count(name) == 2)
        theirs.close()
    trouble = Trouble(lab, guest, conn)
    trouble.domain.create()
    assert trouble.causes() == ()


def test_what_libvirt_refuses_is_told_and_harms_nothing(
    lab: Lab, conn: libvirt.virConnect, watcher: Watcher, make_guest: MakeGuest
) -> None:
    guest = make_guest("refused", agent=False)
    key = row(watcher, guest).key
    for name in ("", "..", "a/b", "a\nb", "x" * 300):
        error = rename(watcher, key, name)
        assert isinstance(error, TuivmError)
        assert error.message
        assert error.hint
    domain = conn.lookupByUUIDString(guest.uuid)
    domain.createWithFlags(libvirt.VIR_DOMAIN_START_PAUSED)
    assert "active" in str(rename(watcher, key, unique("x")))
    domain.managedSave(0)
    error = rename(watcher, key, unique("x"))
    assert isinstance(error, TuivmError)
    assert "saved state" in error.message
    # The saved state is in the way of the name, not of a start.
    trouble = Trouble(lab, guest, conn)
    trouble.error = error
    assert trouble.causes() == ()
    watcher.wait(lambda: watcher.domains[key].state is State.OFF)
    assert watcher.domains[key].name == guest.name == domain.name()
