"""Large batches go in a portion at a time: nothing is lost, nothing is shown before its time."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from tests.ui.fake import domain, host, stats
from tuivm.core import intake
from tuivm.core.api import Batch
from tuivm.core.intake import PORTION, Intake
from tuivm.core.model import Domain, HostState, LogEntry
from tuivm.core.rows import Changes
from tuivm.core.store import Store
from tuivm.core.view import View

MANY = 3 * PORTION + 7


class Fixture:
    """A store that is filled from a list of batches, and what it was told step by step."""

    def __init__(self, *batches: Batch) -> None:
        self.batches = list(batches)
        self.store = Store()
        self.view = View(self.store)
        self.steps: list[Changes] = []
        self.store.subscribe(self.steps.append)
        self.store.subscribe(self._show)
        self.intake = Intake(self.store, self.drain)

    def _show(self, changes: Changes) -> None:
        self.view.apply(changes)

    def drain(self) -> Batch:
        return self.batches.pop(0) if self.batches else Batch()

    def take_all(self) -> None:
        while self.intake.take() or self.batches:
            pass


def rows(numbers: Iterable[int]) -> dict[object, Domain]:
    return {one.key: one for one in (domain(n, f"vm-{n:05}") for n in numbers)}


def batch(**parts: object) -> Batch:
    return Batch(**parts)  # type: ignore[arg-type]


def test_no_step_is_larger_than_a_portion_and_all_of_it_arrives() -> None:
    domains = rows(range(MANY))
    numbers = {key: stats(cpu=1.0) for key in domains}
    fixture = Fixture(batch(hosts={"kv1": host()}, domains=domains, stats=numbers))
    fixture.take_all()
    assert max(len(step.keys) for step in fixture.steps) == PORTION
    assert len(fixture.store.rows) == MANY
    assert all(row.stats is not None for row in fixture.store.rows.values())


def test_a_turn_ends_after_a_step_when_that_was_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "TURN_SECONDS", 0.0)
    fixture = Fixture(batch(domains=rows(range(MANY))))
    assert fixture.intake.take()
    assert len(fixture.store.rows) == PORTION
    fixture.take_all()
    assert len(fixture.store.rows) == MANY


def test_what_comes_meanwhile_replaces_what_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "TURN_SECONDS", 0.0)
    first, later = rows(range(MANY)), domain(MANY - 1, "renamed")
    gone = domain(MANY - 2, "x").key
    said = [LogEntry(1.0, "one"), LogEntry(2.0, "two")]
    fixture = Fixture(
        batch(domains=first, entries=said[:1]),
        batch(domains={later.key: later, gone: None}, entries=said[1:]),
    )
    fixture.take_all()
    assert fixture.store.rows[later.key].domain.name == "renamed"
    assert gone not in fixture.store.rows
    assert list(fixture.store.log) == said


def test_a_host_is_up_when_its_rows_are_in_and_others_do_not_wait() -> None:
    hosts = {"kv1": host(), "kv2": host("kv2", HostState.LOST)}
    fixture = Fixture(
        batch(hosts={"kv1": host(state=HostState.SYNCING)}),
        # In an order in which the first name comes last.
        batch(hosts=hosts, domains=rows(reversed(range(MANY)))),
    )
    states = []
    fixture.store.subscribe(
        lambda _: states.append(
            (fixture.store.hosts["kv1"].state, "kv2" in fixture.store.hosts, len(fixture.view))
        )
    )
    fixture.take_all()
    assert states[1] == (HostState.SYNCING, True, PORTION)
    assert states[-1] == (HostState.UP, True, MANY)
    assert all(state is HostState.SYNCING for state, _, shown in states if shown < MANY)
    assert fixture.view.cursor_index == 0, "the cursor stays at the top of a list that grows"


def test_rows_are_put_in_order_once_a_report_and_in_a_turn_of_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fixture = Fixture(batch(hosts={"kv1": host()}, domains=rows(range(MANY))))
    fixture.take_all()
    view, keys = fixture.view, list(fixture.view.keys)
    view.set_sort("cpu", descending=True)
    monkeypatch.setattr(intake, "TURN_SECONDS", 60.0)
    fixture.batches = [batch(stats={key: stats(cpu=place) for place, key in enumerate(keys)})]
    assert fixture.intake.take(), "the order is still owed"
    assert view.keys == keys
    assert not fixture.intake.take()
    assert view.keys == keys[::-1]


def test_a_few_new_numbers_are_in_order_at_once() -> None:
    fixture = Fixture(batch(hosts={"kv1": host()}, domains=rows(range(9))))
    fixture.take_all()
    fixture.view.set_sort("cpu", descending=True)
    last = fixture.view.keys[-1]
    fixture.batches = [batch(stats={last: stats(cpu=1.0)})]
    assert not fixture.intake.take()
    assert fixture.view.keys[0] == last


def test_a_report_that_never_ends_is_put_in_order_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(intake, "TURN_SECONDS", 0.0)
    monkeypatch.setattr(intake, "LONGEST_OWED", 0.0)
    fixture = Fixture(batch(hosts={"kv1": host()}, domains=rows(range(MANY))))
    fixture.take_all()
    fixture.view.set_sort("cpu", descending=True)
    first = fixture.view.keys[0]
    for turn in range(6):
        numbers = {key: stats(cpu=float(turn)) for key in fixture.view.keys}
        fixture.batches.append(batch(stats=numbers | {first: stats(cpu=1e3)}))
        fixture.intake.take()
    assert fixture.view.keys[0] == first


def test_rows_that_come_or_go_are_shown_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "TURN_SECONDS", 0.0)
    fixture = Fixture(batch(hosts={"kv1": host()}, domains=rows(range(MANY))))
    fixture.take_all()
    gone = dict.fromkeys(fixture.view.keys)
    fixture.batches = [batch(domains=gone)]
    assert fixture.intake.take()
    assert len(fixture.view) == len(fixture.view.lines) == MANY - PORTION
