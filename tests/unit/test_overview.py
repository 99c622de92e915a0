from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from tests.details_sample import (
    DETAILS,
    DETAILS_OFF,
    FACTS,
    HOST,
    INFO,
    NOW,
    OFF,
    RUNNING,
    STATS,
)
from tuivm.core.errors import TuivmError
from tuivm.core.model import Address, State
from tuivm.core.overview import Known, overview

FULL = Known(RUNNING, STATS, DETAILS, host=HOST, now=NOW)


def told(known: Known) -> dict[tuple[str, str], str]:
    return {
        (section.title, field.label): field.value
        for section in overview(known)
        for field in section.fields
    }


def test_identity_and_state_are_told() -> None:
    fields = told(FULL)
    assert fields["Identity", "Name"] == "web-01"
    assert fields["Identity", "UUID"] == RUNNING.key.uuid
    assert fields["Identity", "Title"] == "Shop, front end"
    assert fields["Identity", "Type"] == "kvm · hvm · x86_64 · pc-q35-7.2"
    assert fields["State", "State"] == "running"
    assert fields["State", "Up"] == "3d04h"
    assert fields["State", "Autostart"] == "yes, with its host"


def test_counters_are_told_in_human_units() -> None:
    fields = told(FULL)
    assert fields["CPU", "vCPUs"] == "2 of at most 4"
    assert fields["CPU", "CPU time"] == "1h30m (51m40s user, 15m00s system)"
    assert fields["Memory", "Given now"] == "4.0 GiB"
    assert fields["Memory", "At most"] == "8.0 GiB"
    assert fields["Disks", "vda"] == "/var/lib/libvirt/images/web-01.qcow2"
    assert fields["Network", "Address"] == "192.168.122.35  DHCP lease"


def test_a_second_reading_gives_rates() -> None:
    rates = {"block.0.rd.bytes": 3_145_728.0, "vcpu.0.time": 4.5e8, "net.0.rx.bytes": 1024.0}
    fields = told(replace(FULL, rates=rates))
    assert fields["Disks", "read"] != ""
    assert "3.0M/s" in str([f for s in overview(replace(FULL, rates=rates)) for f in s.fields])
    assert fields["CPU", "vCPU 0"].startswith("running · 45.0 % busy")


def test_a_disk_without_a_medium_says_so() -> None:
    assert told(FULL)["Disks", "sda"] == "no medium"


def test_a_state_is_shown_with_its_reason() -> None:
    broken = RUNNING._replace(state=State.PAUSED, reason="I/O error")
    (field,) = [
        field
        for section in overview(replace(FULL, domain=broken))
        for field in section.fields
        if field.label == "State"
    ]
    assert field.value == "paused: I/O error"
    assert field.role == "state.fault"


def test_what_is_pending_is_counted() -> None:
    assert told(FULL)["State", "Next boot"] == "3 changes wait for a power cycle"
    transient = DETAILS._replace(xml=DETAILS.xml._replace(inactive=None, changes=()))
    assert "transient" in told(replace(FULL, details=transient))["State", "Next boot"]


def test_a_domain_that_is_off_has_no_live_numbers() -> None:
    fields = told(Known(OFF, None, DETAILS_OFF, host=HOST, now=NOW))
    assert ("CPU", "Usage") not in fields
    assert fields["State", "Next boot"] == "nothing pending: it is off"
    assert fields["Disks", "Disk vda"].startswith("/var/lib/libvirt")
    assert fields["Guest agent", "Agent"] == "it is off: nobody to ask"


def test_before_the_details_are_read_the_store_already_tells_most() -> None:
    fields = told(Known(RUNNING, STATS, host=HOST, now=NOW))
    assert fields["CPU", "Usage"] == "42.1 % of its vCPUs"
    assert fields["Network", "Card"] == "52:54:00:11:22:33"
    assert fields["Guest agent", "Agent"] == "reading…"


def test_unknown_is_said_with_its_reason_and_never_zero() -> None:
    bare = RUNNING._replace(
        facts=None, addresses=(), autostart=None, started_at=None, pending_config=None
    )
    fields = told(Known(bare, None, DETAILS._replace(info=(), stats=(), guest=()), now=NOW))
    for label in (
        ("State", "Autostart"),
        ("State", "Up"),
        ("CPU", "Usage"),
        ("Memory", "Used by guest"),
        ("Network", "Address"),
    ):
        assert fields[label].startswith("unknown: "), label


def test_a_failed_reading_says_why() -> None:
    error = TuivmError("Details of web-01 could not be read", "the host is busy", hint="wait")
    fields = told(Known(RUNNING, STATS, host=HOST, error=error, now=NOW))
    assert "the host is busy (wait)" in fields["Could not be read", "Details"]


def test_what_libvirt_could_not_tell_is_listed() -> None:
    details = DETAILS._replace(unread=("guest agent: not connected",))
    assert told(replace(FULL, details=details))["Could not be read", ""].startswith("guest agent")


def card(**counters: int | None) -> list[str]:
    """What is told of a card's errors: its counters are the sample's, but for some; None: none."""
    changed = {f"net.0.{name.replace('_', '.')}": value for name, value in counters.items()}
    kept = ((name, changed.get(name, value)) for name, value in DETAILS.stats)
    stats = tuple((name, value) for name, value in kept if value is not None)
    details = DETAILS._replace(stats=stats)
    (network,) = (one for one in overview(replace(FULL, details=details)) if one.title == "Network")
    return [f.value for f in network.fields if "errors" in f.value or "drop" in f.value]


def test_errors_that_a_host_does_not_count_are_unknown_and_not_none() -> None:
    assert card() == ["0 errors · 12 dropped"], "nothing is said of a side without any"
    assert card(rx_errs=None) == ["errors unknown · 12 dropped"]
    assert card(rx_drop=None, rx_errs=3) == ["3 errors · drops unknown"]
    assert card(rx_drop=None) == ["0 errors · drops unknown"]
    assert card(rx_drop=None, rx_errs=None) == ["errors and drops unknown"]
    assert card(rx_drop=0) == []


def test_an_address_with_several_cards_names_its_card() -> None:
    two = (Address("10.0.0.5", "52:54:00:00:00:01", "agent"), *RUNNING.addresses)
    values = [
        field.value
        for section in overview(replace(FULL, domain=RUNNING._replace(addresses=two)))
        for field in section.fields
        if field.label == "Address"
    ]
    assert "192.168.122.35  DHCP lease, 52:54:00:11:22:33" in values


def test_every_fact_of_dominfo_is_told() -> None:
    shown = str(overview(FULL))
    for label, value in INFO:
        if label not in ("CPU time", "Max memory", "Used memory", "Autostart", "Managed save"):
            assert value in shown, label


NUMBERS = st.one_of(st.integers(0, 1 << 63), st.floats(0, 1e18), st.text(max_size=20))


@given(
    st.dictionaries(
        st.from_regex(
            r"(vcpu|net|block|iothread|perf|cpu|new)\.[0-9a-z]{1,3}\.[a-z]{1,9}", fullmatch=True
        ),
        NUMBERS,
        max_size=12,
    )
)
def test_no_counter_is_hidden(stats: dict[str, int | float | str]) -> None:
    """A counter of a later libvirt is told under its own name or as part of one."""
    known = replace(FULL, details=DETAILS._replace(stats=tuple(stats.items())))
    shown = str(overview(known))
    words = ("time", "wait", "delay", "state", "halted", "name", "path", "count")
    for name in stats:
        last = name.rpartition(".")[2]
        if last not in words and name != "cpu.cache.monitor.count":
            assert last in shown


def test_hostile_names_change_nothing_of_the_shape() -> None:
    hostile = RUNNING._replace(name="a[/b]", facts=FACTS._replace(title="x" * 4000))
    fields = told(replace(FULL, domain=hostile))
    assert fields["Identity", "Name"] == "a[/b]"
    assert fields["Identity", "Title"] == "x" * 4000
