from __future__ import annotations

import pytest

from tuivm.core.counters import Counters, rates


def test_what_was_not_asked_for_is_left() -> None:
    counters = Counters(
        [("cpu.time", 5), ("perf.cmt", 7), ("block.count", 1), ("block.0.name", "vda")]
    )
    assert counters.number("cpu.time") == 5
    assert counters.members("block") == ("block.0.",)
    assert counters.text("block.0.name") == "vda"
    assert counters.rest() == (("perf.cmt", 7),)
    assert counters.rest() == ()


def test_members_may_have_holes_and_come_in_order() -> None:
    counters = Counters([("vcpu.10.state", 1), ("vcpu.2.state", 1), ("vcpu.current", 2)])
    assert counters.members("vcpu") == ("vcpu.2.", "vcpu.10.")


def test_an_absent_counter_is_unknown_and_not_zero() -> None:
    assert Counters([]).number("cpu.time") is None


def test_rates_are_per_second() -> None:
    assert rates({"a": 10}, {"a": 30}, 2.0) == {"a": 10.0}


@pytest.mark.parametrize(
    ("before", "after", "elapsed"),
    [
        ({"a": 30}, {"a": 10}, 2.0),
        ({}, {"a": 10}, 2.0),
        ({"a": 1}, {"a": 2}, 0.0),
        ({"a": "x"}, {"a": "y"}, 1.0),
    ],
    ids=["reset", "new", "no time", "text"],
)
def test_what_has_no_rate_gets_none(
    before: dict[str, int | float | str], after: dict[str, int | float | str], elapsed: float
) -> None:
    assert rates(before, after, elapsed) == {}
