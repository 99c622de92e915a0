from __future__ import annotations

import time

import pytest

from tests.details_sample import CHANGES, DETAILS, HOST, KEY, NOW, OFF, RUNNING, STATS
from tuivm.core.api import Batch
from tuivm.core.errors import TuivmError
from tuivm.core.glyphs import ASCII, UNICODE
from tuivm.core.model import Domain, HostState
from tuivm.core.store import Store
from tuivm.core.text import cell_width
from tuivm.screens.details_state import DetailsState, change_text, headline, note


def state(domain: Domain = RUNNING, **host: object) -> tuple[DetailsState, Store]:
    store = Store()
    status = HOST._replace(**host)  # type: ignore[arg-type]
    store.apply(Batch({"kv1": status}, {domain.key: domain}, {domain.key: STATS}))
    one = DetailsState(KEY)
    one.look(store)
    return one, store


def said(one: DetailsState, width: int = 200) -> str:
    return "".join(part.text for part in headline(one, width))


def test_the_headline_tells_state_uptime_host_size_and_address() -> None:
    one, _ = state(RUNNING._replace(started_at=time.time() - 7 * 3600))
    assert said(one) == (
        " web-01  ● running  up 7h00m  on kv1  2 vCPU  1.2/4.0 GiB  192.168.122.35 (lease)"
    )


@pytest.mark.parametrize("width", range(10, 200, 7))
def test_the_headline_fits_any_width_and_keeps_name_and_state(width: int) -> None:
    one, _ = state()
    text = said(one, width)
    assert text.startswith(" web-01  ● running")
    assert cell_width(text) <= max(width, 18)


def test_the_address_outlives_the_host_where_it_is_narrow() -> None:
    one, _ = state()
    assert "192.168.122.35" in said(one, 60)
    assert "on kv1" not in said(one, 60)


def test_the_reason_of_a_state_is_in_the_headline() -> None:
    one, _ = state(OFF._replace(reason="crashed"))
    assert "○ off: crashed" in said(one)


def test_a_domain_nobody_knows_yet_waits_for_its_host() -> None:
    one = DetailsState(KEY)
    one.look(Store())
    assert "waiting for its host" in said(one)
    assert one.known() is None
    assert note(one) == ()


def test_notes_by_importance() -> None:
    one, store = state()
    one.take(DETAILS)
    assert note(one)[1].role == "pending"
    one.error = TuivmError("Cannot read")
    assert note(one)[1].text == "Cannot read"
    store.apply(Batch({"kv1": HOST._replace(state=HostState.LOST)}))
    one.look(store)
    assert "kv1 is out of reach" in note(one)[1].text
    store.apply(Batch(domains={KEY: None}))
    one.look(store)
    assert "web-01 is gone: undefined, or transient and stopped" in note(one)[1].text
    assert one.row is not None
    store.apply(Batch(dropped={"kv1"}))
    one.look(store)
    assert "web-01 is gone: kv1 was disconnected" in note(one)[1].text


def test_rates_come_with_the_second_reading_and_not_from_old_ones() -> None:
    one, store = state()
    one.take(DETAILS)
    assert one.rates == {}
    later = tuple(
        (name, value + 1000 if isinstance(value, int) else value) for name, value in DETAILS.stats
    )
    one.take(DETAILS._replace(stats=later))
    assert one.rates["block.0.rd.bytes"] > 0
    store.apply(Batch({"kv1": HOST._replace(state=HostState.LOST, seen_at=NOW)}))
    one.look(store)
    known = one.known()
    assert known is not None
    assert known.rates == {}
    assert known.now == NOW


def test_changes_on_one_line() -> None:
    assert change_text(CHANGES[1], UNICODE) == "disk[vda]/driver/@cache: none → writeback"
    assert change_text(CHANGES[1], ASCII) == "disk[vda]/driver/@cache: none -> writeback"
    assert change_text(CHANGES[2], UNICODE) == "interface[52:54:00:aa:bb:cc]: added"
