"""Title, description and tags, on libvirt's own test driver."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import libvirt
import pytest

from tests.backend.test_power import DOMAIN, OTHER, UUID, run
from tests.backend.watcher import result, watch
from tuivm.backend.metadata import read_description
from tuivm.backend.xml import facts
from tuivm.core.errors import TuivmError
from tuivm.core.tags import NAMESPACE

OFF = "<test:runstate>5</test:runstate>"
TRANSIENT = "<test:transient>1</test:transient><test:runstate>1</test:runstate>"
RUNNING = "6f1b2c1e-0000-4000-8000-000000000003"


@pytest.fixture
def uri(tmp_path: Path) -> str:
    node = tmp_path / "node.xml"
    domains = (("off", UUID, OFF), ("transient", OTHER, TRANSIENT), ("running", RUNNING, ""))
    node.write_text(
        "<node>"
        + "".join(DOMAIN.format(name=name, uuid=uuid, extra=extra) for name, uuid, extra in domains)
        + "</node>"
    )
    return f"test://{node}"


@pytest.fixture
def conn(uri: str) -> Iterator[libvirt.virConnect]:
    connection = libvirt.open(uri)
    yield connection
    connection.close()


def tags(conn: libvirt.virConnect, uuid: str, *, inactive: bool = False) -> tuple[str, ...]:
    domain = conn.lookupByUUIDString(uuid)
    return facts(domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE if inactive else 0)).tags


@pytest.mark.parametrize("uuid", [UUID, OTHER, RUNNING], ids=["off", "transient", "running"])
def test_tags_are_given_and_taken_wherever_the_domain_has_something(
    conn: libvirt.virConnect, uuid: str
) -> None:
    assert run(conn, "tag", uuid, change="+web +Db") == "tags: Db, web"
    assert run(conn, "tag", uuid, change="-db +prod") == "tags: prod, web"
    assert run(conn, "tag", uuid, change="+prod") == "tags as before: prod, web"
    assert tags(conn, uuid) == tags(conn, uuid, inactive=True) == ("prod", "web")
    assert run(conn, "tag", uuid, change="-prod -web -never") == "tags: none left"
    assert NAMESPACE not in conn.lookupByUUIDString(uuid).XMLDesc(0)


def test_what_others_keep_in_the_metadata_stays(conn: libvirt.virConnect) -> None:
    domain = conn.lookupByUUIDString(RUNNING)
    domain.setMetadata(libvirt.VIR_DOMAIN_METADATA_ELEMENT, "<a>b</a>", "nova", "urn:nova", 0)
    run(conn, "tag", RUNNING, change="+web")
    run(conn, "tag", RUNNING, change="-web")
    assert "<nova:a" in domain.XMLDesc(0)


def test_live_and_definition_may_differ(conn: libvirt.virConnect) -> None:
    run(conn, "tag", RUNNING, change="+now", live="on")
    run(conn, "tag", RUNNING, change="+next", config="on")
    assert tags(conn, RUNNING) == ("now",)
    assert tags(conn, RUNNING, inactive=True) == ("next",)
    run(conn, "tag", RUNNING, change="+both")
    assert tags(conn, RUNNING) == ("both", "now")
    assert tags(conn, RUNNING, inactive=True) == ("both", "next")


@pytest.mark.parametrize("uuid", [UUID, OTHER, RUNNING], ids=["off", "transient", "running"])
def test_title_and_description_come_back_as_they_were_written(
    conn: libvirt.virConnect, uuid: str
) -> None:
    text = "First line, <b>&amp;</b> 'quoted'\n\n  indented\nüñí €"
    assert run(conn, "title", uuid, text="Shop & front [/b]") == "title changed"
    assert run(conn, "desc", uuid, text=text) == "description changed"
    assert run(conn, "desc", uuid, text=text) == "description as before"
    known = read_description(conn, uuid)
    assert known.title == "Shop & front [/b]"
    assert known.text == text
    assert run(conn, "title", uuid) == "title taken away"
    assert run(conn, "desc", uuid, text="") == "description taken away"
    assert read_description(conn, uuid) == ("", "")


def test_what_cannot_be_written_is_refused_with_the_reason(conn: libvirt.virConnect) -> None:
    for verb, args, why in (
        ("title", {"text": "two\nlines"}, "one line"),
        ("desc", {"text": "bell \x07"}, r"U\+0007"),
        ("tag", {"change": "+with;semicolon"}, "cannot be a tag"),
        ("tag", {"change": " ".join(f"+t{number}" for number in range(40))}, "at most"),
        ("tag", {}, "nothing"),
    ):
        with pytest.raises(TuivmError, match=why):
            run(conn, verb, **args)
    assert tags(conn, UUID) == ()


def test_a_change_shows_up_by_itself(uri: str) -> None:
    with watch(uri) as watcher:
        watcher.up()

        def shown() -> tuple[str, ...] | None:
            found = watcher.domain("running").facts
            return None if found is None else found.tags

        watcher.wait(lambda: shown() == ())
        assert watcher.run("running", "tag", {"change": "+web"}) == "tags: web"
        watcher.wait(lambda: shown() == ("web",))
        # And when somebody else changes them.
        by_others = watcher.fleet.hosts[watcher.domain("running").key.host].submit(
            lambda conn: run(conn, "tag", RUNNING, change="-web +db"), call="virDomainSetMetadata"
        )
        assert result(by_others) == "tags: db"
        watcher.wait(lambda: shown() == ("db",))
        assert result(watcher.fleet.description(watcher.domain("running").key)) == ("", "")
