"""The filter finds what is meant, claims nothing unknown, and explains what it cannot read."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.samples import domain, facts, host_status, key_of, row, sample
from tuivm.core.fields import FIELDS
from tuivm.core.model import Address, HostState, State
from tuivm.core.query import QueryError, has_field, parse, with_field
from tuivm.core.rows import HostCell, Pending, Row
from tuivm.core.rowtests import STATES

GIB = 1 << 30
WEB = row(
    "web-01",
    facts=facts(
        title="Shop front end",
        description="The shop",
        vcpus=4,
        memory_max=4 * GIB,
        macs=("52:54:00:aa:bb:cc",),
        consoles=("serial0",),
        has_agent=True,
        os_type="hvm",
        arch="x86_64",
        machine="pc-q35-7.2",
        virt_type="kvm",
        disks=("/var/lib/libvirt/images/web.qcow2",),
    ),
    addresses=(Address("10.0.0.5", "52:54:00:aa:bb:cc", "lease"), Address("fe80::1", "", "agent")),
    autostart=True,
    persistent=True,
    managed_save=False,
    has_snapshots=True,
    has_checkpoints=False,
    pending_config=True,
    started_at=time.time() - 2 * 86400,
    stats=sample(cpu=55.04, memory_used=GIB, memory_max=4 * GIB, disk_read=2e6, net_rx=500.0),
)
BARE = row("bare metal", State.OFF)


def matches(text: str, found: Row = WEB) -> bool:
    return bool(parse(text).matches(found))


@pytest.mark.parametrize(
    "text",
    [
        "", "  ", "web", "WEB", "front", "shop web", "10.0.0", "fe80::1", "!db", "!!web",
        "running",
        '"Shop front"', "'shop front'", "state:running", "state:run", "state:off,running",
        "state=running", "state!=off", "!state:off", "state:active", "host:kv1", "host:k",
        "host=kv1",
        "ip:10.", "ip:10.0.0.0/8", "ip:fe80", "ip:*.5", "mac:aa:bb", "mac:AA",
        "uuid:" + key_of("web-01").uuid[:8],
        "name:web", "name=web-01", "name:w*1", "name:web-0?", "name!=db", "title:front",
        'title:"shop front"', "title:'front end'", "description:shop", "os:x86", "os:q35",
        "type:kvm", "path:web.qcow2",
        "cpu>50", "cpu>=55", "cpu:55", "cpu=55.0", "cpu<60%", "cpu!=54", "mem<2G", "mem>=1GiB",
        "mem>1000M", "mem>0", "maxmem:4g", "vcpu>=4", "vcpu:4", "disk>1M", "disk>1M/s",
        "disk>1000",
        "net<1k", "uptime>1d", "uptime<1w", "uptime>47h", "id:7", "autostart:yes", "autostart:on",
        "autostart:true", "autostart:1", "persistent:y", "saved:no", "snapshots:yes",
        "checkpoints:off",
        "agent:yes", "console:yes", "changed:yes", "fault:no", "stale:no", "cpu>", "state:",
        "name:",
        "web | nothing", "nothing|web", "web|", "|", "nothing | web cpu>50", '"web',
        "name:'web-01",
        key_of("web-01").uuid[:6],
    ],
)  # fmt: skip
def test_what_is_found(text: str) -> None:
    assert matches(text)


@pytest.mark.parametrize(
    "text",
    [
        "db", "!web", "web db", "paused", "state:off", "host:kv2", "ip:0.5", "ip:192.168.0.0/16",
        "name=web", "name:w?1", "!name:web", "title=shop", "cpu>55.1", "cpu:54", "mem>1G", "mem<1G",
        "maxmem<4G", "vcpu<4", "uptime<1d", "id:8", "autostart:no", "saved:yes", "reason:user",
        '"web shop"', "nothing|never", "web cpu>90 | db", "uuid:zz", "state:pending", "stale:yes",
        '"state:running"', "mac:zz", "path:db", '"!web"',
    ],
)  # fmt: skip
def test_what_is_not_found(text: str) -> None:
    assert not matches(text)


@pytest.mark.parametrize(
    "text",
    [
        "cpu>0", "cpu<1", "mem<1G", "maxmem>0", "vcpu<9", "disk<1", "net<1", "uptime>0", "id>0",
        "autostart:yes", "autostart:no", "persistent:yes", "saved:no", "snapshots:no", "agent:no",
        "console:no", "changed:no", "title:x", "os:x", "type:x", "path:x", "ip:1", "ip:10.0.0.0/8",
        "mac:x", "checkpoints:no", "description:x",
    ],
)  # fmt: skip
def test_what_is_unknown_matches_neither_a_test_nor_its_opposite(text: str) -> None:
    assert not matches(text, BARE)
    assert not matches(f"!{text}", BARE)


def test_states() -> None:
    assert matches("!running", BARE)
    assert matches("off", BARE)
    assert matches("state:shutoff", BARE)
    paused = row(state=State.PAUSED, reason="I/O error")
    assert matches("paused", paused)
    assert matches("state:fault", paused)
    assert matches("fault:yes", paused)
    assert matches("reason:i/o", paused)
    stale = row(host=host_status(state=HostState.LOST))
    assert matches("state:stale", stale)
    busy = Row(domain(), HostCell(host_status()), pending=Pending("…", "x", 0, 1))
    assert matches("state:pending", busy)
    saved = row(state=State.OFF, managed_save=True)
    assert matches("state:saved saved:yes", saved)
    crashed = row(state=State.CRASHED, id=None)
    assert matches("state:crashed state:inactive", crashed)
    assert matches("state:stopping", row(state=State.STOPPING))
    assert matches("state:suspended", row(state=State.SUSPENDED))
    assert matches("state:unknown", row(state=State.UNKNOWN))


def test_names_with_blanks_quotes_and_dashes() -> None:
    assert matches('"bare metal"', BARE)
    assert matches("name='bare metal'", BARE)
    assert matches('"-x"', row("-x"))
    assert matches("-x", row("-x"))
    assert matches("""'"'""", row('say "hi"'))
    assert matches('name:"a,b"', row("x a,b x"))
    assert matches("name:q,b", row("x a,b x"))
    assert matches("größ", row("GRÖSSER"))


def test_an_address_that_is_not_one_matches_no_network() -> None:
    assert not matches("ip:10.0.0.0/8", row(addresses=(Address("odd", "", "arp"),)))


def test_a_mac_that_only_a_lease_tells() -> None:
    assert matches("mac:aa", row(addresses=(Address("10.0.0.1", "aa:bb", "lease"),)))


@pytest.mark.parametrize(
    ("text", "title", "part", "position"),
    [
        ("stat:x", "Unknown field", "did you mean state?", 0),
        ("web colour:red", "Unknown field", "fields: name, state", 4),
        ("web state:foo", "Wrong value for state", "known: running", 10),
        ("state:runnning", "Wrong value for state", "did you mean running?", 6),
        ("autostart:maybe", "Wrong value for autostart", "known: yes, no", 10),
        ("mem<2", "Wrong value for mem", "write 2G or 512M", 4),
        ("mem<2X", "Wrong value for mem", "there is no unit x", 4),
        ("cpu>fast", "Wrong value for cpu", "is not a number", 4),
        ("!cpu>fast", "Wrong value for cpu", "is not a number", 5),
        ("uptime>1", "Wrong value for uptime", "1d", 7),
        ("name>a", "Wrong value for name", "compares numbers only", 5),
        ("state>off", "Wrong value for state", "compares numbers only", 6),
        ("autostart<on", "Wrong value for autostart", "compares numbers only", 10),
        ("ip>1", "Wrong value for ip", "compares numbers only", 3),
        ("ip>10.0.0.0/8", "Wrong value for ip", "compares numbers only", 3),
        ("ip:10.0.0.0/99", "Wrong value for ip", "is not a network", 3),
        ("x | tags:db", "Unknown field", "did you mean tag?", 4),
        ("foo:", "Unknown field", "in quotes it is a plain word", 0),
    ],
)
def test_what_cannot_be_read_is_explained(text: str, title: str, part: str, position: int) -> None:
    with pytest.raises(QueryError) as caught:
        parse(text)
    assert caught.value.title == title
    assert part in str(caught.value)
    assert caught.value.hint
    assert caught.value.position == position


@given(st.text(st.sampled_from("web:<>=!|\"' cpu5M,*?[\x1b/")) | st.text())
def test_any_text_is_a_filter_or_an_explained_error(text: str) -> None:
    problem: QueryError | None = None
    try:
        query = parse(text)
    except QueryError as error:
        problem = error
    else:
        assert query.text == text
        assert bool(query) == bool(text.strip())
        for found in (WEB, BARE):
            query.matches(found)
    if problem is not None:
        assert 0 <= problem.position <= len(text)
        assert str(problem).isprintable()


@given(st.sampled_from(sorted(FIELDS)), st.integers(0, 12))
def test_typing_a_field_is_no_error_up_to_its_sign(name: str, end: int) -> None:
    assert parse(f"{name}:"[:end]) is not None


def test_every_field_and_state_has_help() -> None:
    assert all(field.help for field in FIELDS.values())
    assert set(FIELDS["state"].values) == set(STATES)


@pytest.mark.parametrize(
    ("text", "value", "sign", "wanted"),
    [
        ("", "kv1", ":", "host:kv1"),
        ("web", "kv1", "=", "web host=kv1"),
        ("host:kv2 web", "kv1", ":", "web host:kv1"),
        ("web | db", "kv1", ":", "web host:kv1 | db host:kv1"),
        ("!host:kv2 web", "kv1", ":", "!host:kv2 web host:kv1"),
        ('"host:kv2"', "", ":", '"host:kv2"'),
        ("web host:kv1", "", ":", "web"),
        ("host:kv1 | host=kv2", "", ":", ""),
        ("", "a b,c", ":", 'host:"a b,c"'),
    ],
)
def test_a_field_is_put_into_a_filter_and_taken_out(
    text: str, value: str, sign: str, wanted: str
) -> None:
    after = with_field(text, "host", value, sign)
    assert after == wanted
    parse(after)
    assert has_field(after, "host") == bool(value)
