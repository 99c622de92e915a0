"""The list's facts, and XML that hides its secrets."""

from __future__ import annotations

from pathlib import Path

import libvirt
import pytest

from tests.unit.pace import times_plain
from tuivm.backend.xml import facts, hide_secrets, read_xml
from tuivm.backend.xml_parse import mask, parse, pretty
from tuivm.core.errors import TuivmError

DATA = Path(__file__).parent / "data"


def test_facts_of_a_running_guest() -> None:
    found = facts((DATA / "plain.live.xml").read_text())
    assert found.title == "Guest one"
    assert (found.vcpus, found.memory_max) == (1, 128 << 20)
    assert found.macs == ("52:54:00:2c:67:64", "52:54:00:40:e3:7b")
    assert found.consoles == ("serial0",)
    assert found.has_agent is True
    assert found.acpi is True
    assert (found.os_type, found.arch, found.machine) == ("hvm", "x86_64", "pc-i440fx-7.2")
    assert found.virt_type == "qemu"
    assert found.disks == ("/var/lib/libvirt/images/g1.qcow2",)


def test_facts_of_an_inactive_guest_name_the_same_consoles() -> None:
    assert facts((DATA / "plain.inactive.xml").read_text()).consoles == ("serial0",)
    assert facts((DATA / "rich.inactive.xml").read_text()).consoles == (
        "serial0",
        "serial1",
        "console1",
    )
    live = facts((DATA / "rich.live.xml").read_text())
    assert live.consoles == ("serial0", "serial1", "console1")


def test_facts_of_almost_nothing() -> None:
    found = facts("<domain type='lxc'><memory unit='MiB'>5</memory></domain>")
    assert found.memory_max == 5 << 20
    assert (found.title, found.vcpus, found.has_agent, found.acpi) == ("", None, None, False)


@pytest.mark.parametrize(
    ("element", "expected"),
    [
        ("<memory>1</memory>", 1024),
        ("<memory unit='b'>7</memory>", 7),
        ("<memory unit='GB'>1</memory>", 1000**3),
        ("<memory unit='furlong'>1</memory>", None),
        ("<memory>-1</memory>", None),
        ("<memory>many</memory>", None),
        (f"<memory>{'9' * 5000}</memory>", None),
    ],
)
def test_memory_units(element: str, expected: int | None) -> None:
    assert facts(f"<domain>{element}</domain>").memory_max == expected


def test_hostile_texts_are_cleaned() -> None:
    title = "a[/b] \u202eevil\u202c \u200b" + "x" * 4000
    found = facts(
        f"<domain><title>{title}</title><description>one\n\ttwo\x85</description></domain>"
    )
    assert found.title.isprintable()
    assert len(found.title) <= 512
    assert found.description.isprintable()


def test_entities_are_not_expanded(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("top")
    xml = (
        f"<!DOCTYPE domain [<!ENTITY a 'ha'><!ENTITY file SYSTEM 'file://{secret}'>]>"
        "<domain><title>{}</title></domain>"
    )
    for reference in ("&a;", "&file;"):
        assert facts(xml.replace("{}", reference)).title == ""
        assert "top" not in hide_secrets(xml.replace("{}", reference))


def test_an_entity_bomb_is_refused() -> None:
    bomb = "".join(f"<!ENTITY a{n} '{f'&a{n - 1};' * 10}'>" for n in range(1, 12))
    xml = f"<!DOCTYPE d [<!ENTITY a0 'ha'>{bomb}]><d><title>&a11;</title></d>"
    with pytest.raises(TuivmError, match="Cannot read the XML"):
        facts(xml)


@pytest.mark.parametrize("xml", ["", "<domain>", "<a></b>", "\x00", "\ud800<domain/>"])
def test_what_is_no_xml_is_said_so(xml: str) -> None:
    with pytest.raises(TuivmError, match="Cannot read the XML") as caught:
        facts(xml)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    "part",
    [
        "<graphics type='vnc' passwd='SECRET'/>",
        "<disk><source><cookies><cookie name='c'>SECRET</cookie></cookies></source></disk>",
        "<metadata><x:app xmlns:x='u'><x:password>SECRET</x:password></x:app></metadata>",
        "<metadata><x:app xmlns:x='u' x:token='SECRET'/></metadata>",
        "<os><cmdline>root=/dev/vda db_password=SECRET quiet</cmdline></os>",
        "<sysinfo><oemStrings><entry>io.systemd.credential:passwd=SECRET</entry></oemStrings></sysinfo>",
        "<sysinfo type='fwcfg'><entry name='opt/x/password'>SECRET</entry></sysinfo>",
        "<launchSecurity type='sev'><session>SECRET</session></launchSecurity>",
        "<q:commandline xmlns:q='u'><q:arg value='secret,id=s,data=SECRET'/></q:commandline>",
        "<q:commandline xmlns:q='u'><q:env name='API_TOKEN' value='SECRET'/></q:commandline>",
        "<q:commandline xmlns:q='u'><q:arg value='vnc,password=SECRET'/></q:commandline>",
    ],
)
def test_secrets_are_hidden(part: str) -> None:
    shown = hide_secrets(f"<domain>{part}</domain>")
    assert "SECRET" not in shown
    assert "*** hidden ***" in shown
    parse(shown)


def test_references_to_secrets_are_no_secrets() -> None:
    xml = "<domain><disk><auth username='u'><secret type='ceph' uuid='1-2'/></auth></disk></domain>"
    assert hide_secrets(xml) == xml


def test_xml_without_secrets_keeps_libvirts_own_spelling() -> None:
    xml = (DATA / "rich.live.xml").read_text()
    assert hide_secrets(xml) == xml


def test_pretty_writes_as_libvirt_does() -> None:
    for path in DATA.glob("*.xml"):
        xml = path.read_text().rstrip("\n") + "\n"
        assert pretty(parse(xml)) == xml


def test_pretty_keeps_namespaces_comments_and_escapes() -> None:
    xml = (
        "<domain xmlns:q='http://q' type='qemu'>\n  <!-- why -->\n"
        "  <name>a &amp; &lt;b&gt;</name>\n  <q:commandline>\n"
        "    <q:arg value='it&apos;s &amp; \"so\"'/>\n  </q:commandline>\n</domain>\n"
    )
    assert pretty(parse(xml)) == xml


def test_escape_sequences_do_not_reach_the_text() -> None:
    shown = hide_secrets("<domain><title>\u202e\u200b\x85</title></domain>")
    assert not set(shown) & {"\u202e", "\u200b", "\x85"}


@pytest.fixture
def conn(tmp_path: Path) -> libvirt.virConnect:
    common = "<memory>1024</memory><os><type>hvm</type></os>"
    ns = "xmlns:test='http://libvirt.org/schemas/domain/test/1.0'"
    (tmp_path / "node.xml").write_text(
        f"<node><domain type='test'><name>kept</name><uuid>{KEPT}</uuid>{common}</domain>"
        f"<domain type='test' {ns}><name>gone</name><uuid>{GONE}</uuid>{common}"
        "<test:transient>1</test:transient></domain></node>"
    )
    return libvirt.open(f"test://{tmp_path}/node.xml")


KEPT = "6f1b2c1e-0000-4000-8000-000000000001"
GONE = "6f1b2c1e-0000-4000-8000-000000000002"


def test_both_forms_of_a_running_domain(conn: libvirt.virConnect) -> None:
    read = read_xml(conn, KEPT)
    assert "id='" in read.live
    assert read.inactive is not None
    assert "id='" not in read.inactive
    assert read.changes == ()
    conn.lookupByUUIDString(KEPT).setMetadata(
        libvirt.VIR_DOMAIN_METADATA_TITLE, "next", None, None, libvirt.VIR_DOMAIN_AFFECT_CONFIG
    )
    (change,) = read_xml(conn, KEPT).changes
    assert (change.where, change.live, change.inactive) == ("title", "", "next")


def test_a_transient_domain_has_no_next_boot(conn: libvirt.virConnect) -> None:
    read = read_xml(conn, GONE)
    assert read.inactive is None
    assert read.changes == ()


def test_a_domain_that_is_off_has_one_form(conn: libvirt.virConnect) -> None:
    conn.lookupByUUIDString(KEPT).destroy()
    read = read_xml(conn, KEPT)
    assert read.live == read.inactive


@pytest.mark.parametrize("text", ["a", "passwd", "passwd ", "passwd.x="])
def test_hiding_secrets_in_a_long_line_is_quick(text: str) -> None:
    line = text * (100_000 // len(text))
    assert times_plain(lambda: mask(line), runs=1) < 20
    assert mask("my.passwd_x = abc,y") == "my.passwd_x = *** hidden ***,y"
