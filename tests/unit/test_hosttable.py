"""What VMs take of a host is summed up, and what is not known is not guessed."""

from __future__ import annotations

import pytest

from tests.unit.samples import facts, host_status, row
from tuivm.core.cells import Cell
from tuivm.core.glyphs import ASCII, UNICODE
from tuivm.core.hoststate import state_word
from tuivm.core.hosttable import (
    BY_ID,
    GAP,
    Load,
    columns_for,
    latency_text,
    loads,
    overcommit,
    taken_text,
)
from tuivm.core.model import HostState, HostStatus, State
from tuivm.core.question import QuestionKind

GIB = 1 << 30
HOST = host_status(cpus=4, memory=16 * GIB)


def load_of(*states: State, unread: int = 0) -> Load:
    big = facts(vcpus=3, memory_max=8 * GIB)
    rows = [row(f"vm-{n}", state, facts=big) for n, state in enumerate(states)]
    rows += [row(f"new-{n}") for n in range(unread)]
    return loads(rows)["kv1"]


def drawn(column: str, status: HostStatus, load: Load) -> str:
    return BY_ID[column].draw(status, load, UNICODE).text


def test_only_what_runs_counts() -> None:
    load = load_of(State.RUNNING, State.PAUSED, State.OFF, State.CRASHED)
    assert (load.running, load.total, load.vcpus, load.memory) == (2, 4, 6, 16 * GIB)
    assert drawn("vms", HOST, load) == "2/4"
    assert drawn("vcpu", HOST, load) == "1.5x"
    assert drawn("mem", HOST, load) == "1.0x"
    assert BY_ID["mem"].draw(HOST, load, UNICODE).role == ""
    more = load_of(State.RUNNING, State.RUNNING, State.RUNNING)
    assert BY_ID["mem"].draw(HOST, more, UNICODE).role == "warn"


@pytest.mark.parametrize(
    ("load", "cpus", "text"),
    [
        (load_of(State.RUNNING, unread=1), 4, "≥0.8x"),
        (load_of(unread=2), 4, "–"),  # noqa: RUF001
        (load_of(State.RUNNING), None, "–"),  # noqa: RUF001
        (load_of(State.OFF), 4, "0.0x"),
        (Load(1, 1, 800), 4, "200x"),
    ],
)
def test_overcommit(load: Load, cpus: int | None, text: str) -> None:
    assert overcommit(load.vcpus, cpus, load, UNICODE) == text
    assert len(overcommit(load.vcpus, cpus, load, ASCII)) == len(text)


def test_a_host_without_vms_is_not_one_that_was_not_listed() -> None:
    assert drawn("vms", HOST, Load()) == "0/0"
    connecting = host_status(state=HostState.CONNECTING, cpus=4)
    for column in ("vms", "vcpu", "mem", "cpu", "used", "rtt", "versions"):
        assert drawn(column, connecting, Load()) == "–"  # noqa: RUF001


def test_use_and_round_trip() -> None:
    status = host_status(cpu_used=91.4, memory=4 * GIB, memory_used=GIB, latency=0.0032)
    assert BY_ID["cpu"].draw(status, Load(), UNICODE) == Cell("91", "bad")
    assert drawn("used", status, Load()) == "25"
    assert drawn("rtt", status, Load()) == "3.2 ms"
    assert [latency_text(value) for value in (0.00999, 0.052, 0.9999, 12.0)] == [
        "10 ms", "52 ms", "1.0 s", "12.0 s",
    ]  # fmt: skip


@pytest.mark.parametrize("room", range(0, 120, 7))
def test_columns_fit_and_the_important_ones_stay_longest(room: int) -> None:
    columns = columns_for(room)
    assert sum(column.width + GAP for column in columns) <= room
    kept = [column.priority for column in columns]
    assert kept == [*range(len(kept))]


def test_it_is_said_in_full() -> None:
    assert taken_text(load_of(State.RUNNING), HOST, UNICODE) == (
        "1 running of 1 · 3 vCPUs on 4 CPUs (0.8x) · 8.0 GiB of 16 GiB memory (0.5x)"
    )
    assert "≥ 3 vCPUs" in taken_text(load_of(State.RUNNING, unread=1), HOST, UNICODE)
    assert taken_text(Load(), HOST, UNICODE) == "none"


def test_what_a_host_waits_for_is_named() -> None:
    words = {
        state_word(host_status(state=HostState.NEEDS_AUTH, wants=kind)) for kind in QuestionKind
    }
    assert len(words) == len(QuestionKind)
    assert "needs you: host key" in words
    assert "password" not in state_word(host_status(state=HostState.NEEDS_AUTH))
    assert state_word(host_status(wants=QuestionKind.PASSWORD)) == "up"
