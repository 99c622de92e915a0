"""A row says what is known of one domain, and keeps what it worked out."""

from __future__ import annotations

import pytest

from tests.unit.samples import domain, facts, host_status, row, sample
from tuivm.core.model import Address, HostState
from tuivm.core.rows import Changes, HostCell, Row


def test_a_row_finds_words_in_name_title_and_addresses() -> None:
    found = row(
        "Web-01",
        facts=facts(title="Größe"),
        addresses=(Address("10.0.0.1", "aa", "lease"), Address("fe80::1", "aa", "agent")),
    )
    assert found.search == "web-01\ngrösse\n10.0.0.1\nfe80::1"
    assert row("x").search == "x\n"


def test_derived_texts_are_kept_as_long_as_the_domain_is_the_same() -> None:
    record = domain()
    cell = HostCell(host_status())
    first = Row(record, cell)
    assert (first.search, first.sort_name, first.sizes) == (first.search, first.sort_name, None)
    first.sizes = (1, 2)
    same = Row(record, cell, 2, sample(), like=first)
    assert same._search is first.search
    assert same._sort_name is first.sort_name
    assert same.sizes == (1, 2)
    other = Row(domain("b"), cell, 3, like=first)
    assert other.search == "b\n"
    assert other.sizes is None


def test_same_names_on_two_hosts_sort_by_host() -> None:
    first = row("web", host=host_status("kv1"))
    second = row("web", host=host_status("kv2"))
    assert first.sort_name < second.sort_name


@pytest.mark.parametrize(
    ("state", "stale"),
    [
        (HostState.UP, False),
        (HostState.DEGRADED, False),
        (HostState.SYNCING, False),
        (HostState.LOST, True),
        (HostState.CONNECTING, True),
        (HostState.NEEDS_AUTH, True),
        (HostState.DISABLED, True),
        (HostState.IDLE, True),
    ],
)
def test_rows_of_hosts_out_of_reach_are_stale(state: HostState, stale: bool) -> None:
    found = row(host=host_status(state=state), stats=sample(cpu=1.0))
    assert found.stale is stale
    assert (found.live_stats is None) is stale


def test_the_host_is_always_the_newest() -> None:
    cell = HostCell(host_status(latency=0.1))
    found = Row(domain(), cell)
    cell.status = host_status(latency=0.2)
    assert found.host.latency == 0.2


def test_changes_are_true_when_there_are_any() -> None:
    assert not Changes()
    assert Changes(hosts=frozenset({"kv1"}))


def test_a_row_introduces_itself() -> None:
    assert repr(row("web")) == "Row('web', 'running', host='kv1')"
