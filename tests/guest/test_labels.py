"""Tags, title and description on a real QEMU, as virsh sees them too."""

from __future__ import annotations

from collections.abc import Iterator

import libvirt
import pytest

from tests.guest.conftest import MakeGuest
from tests.guest.lab import Lab
from tuivm.backend.metadata import read_description
from tuivm.backend.power import run_verb
from tuivm.backend.xml import facts
from tuivm.core.tags import NAMESPACE


@pytest.fixture
def conn(lab: Lab) -> Iterator[libvirt.virConnect]:
    connection = libvirt.open(lab.uri)
    yield connection
    connection.close()


@pytest.mark.parametrize("start", ["paused", ""], ids=["running", "off"])
def test_labels_of_a_guest(
    lab: Lab, conn: libvirt.virConnect, make_guest: MakeGuest, start: str
) -> None:
    guest = make_guest("label", **({"start": start} if start else {}))
    text = "Front end\n\n  ask <ops> & Ann"
    run_verb(conn, guest.uuid, "title", {"text": "Shop"})
    run_verb(conn, guest.uuid, "desc", {"text": text})
    assert run_verb(conn, guest.uuid, "tag", {"change": "+web +prod"}) == "tags: prod, web"
    assert run_verb(conn, guest.uuid, "tag", {"change": "-web +db"}) == "tags: db, prod"

    assert read_description(conn, guest.uuid) == ("Shop", text)
    assert lab.virsh("desc", guest.uuid, "--title", "--config").strip() == "Shop"
    assert lab.virsh("desc", guest.uuid, "--config").strip() == text
    assert "<tag>db</tag>" in lab.virsh("metadata", guest.uuid, "--uri", NAMESPACE, "--config")
    domain = conn.lookupByUUIDString(guest.uuid)
    for flags in (0, libvirt.VIR_DOMAIN_XML_INACTIVE):
        found = facts(domain.XMLDesc(flags))
        assert (found.title, found.tags) == ("Shop", ("db", "prod"))

    # virsh does to them what our own line says that it does.
    lab.virsh("metadata", guest.uuid, "--uri", NAMESPACE, "--remove", "--config")
    assert facts(domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)).tags == ()
