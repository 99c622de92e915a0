"""The list in groups: headers, folds, marks, and one host alone."""

from __future__ import annotations

import time

import pytest

from tests.ui.fake import FakeBackend, domain, fleet, host
from tests.ui.screens import Ui, running
from tests.ui.test_list import cursor, key_of, many
from tuivm.core.api import Batch
from tuivm.core.errors import TuivmError
from tuivm.core.grouping import Grouping, GroupKey
from tuivm.core.model import HostState, State
from tuivm.core.question import QuestionKind
from tuivm.widgets.table import VmTable

SIZES = pytest.mark.parametrize("size", [(80, 24), (120, 40)])


def hosts() -> Batch:
    """kv1 with a VM in every state, one lost, one asking, one with a name that begins alike."""
    batch = fleet()
    error = TuivmError("Cannot connect to kv2", "nobody listens there")
    seen = time.time() - 300
    batch.hosts["kv2"] = host("kv2", HostState.LOST, seen_at=seen, error=error)
    batch.hosts["kv3"] = host("kv3", HostState.NEEDS_AUTH, wants=QuestionKind.PASSWORD)
    batch.hosts["kv10"] = host("kv10")
    for number, name, on in ((50, "far", "kv2"), (51, "app", "kv10")):
        one = domain(number, name, on=on)
        assert one.facts is not None
        one = one._replace(facts=one.facts._replace(tags=("prod",)))
        batch.domains[one.key] = one
    return batch


def header(ui: Ui, name: str) -> str:
    """The line of a group's header, or empty."""
    return next((line for line in ui.lines() if line[:2] in ("▾ ", "▸ ") and name in line), "")


async def grouped(ui: Ui, key: str) -> None:
    """Choose a grouping from the menu."""
    await ui.press("b")
    await ui.sees("Group by")
    await ui.press(key)
    await ui.until(lambda: "▾" in ui.frame())


@SIZES
async def test_headers_tell_of_every_host_and_what_to_press(size: tuple[int, int]) -> None:
    async with running(FakeBackend(hosts()), size) as ui:
        await grouped(ui, "h")
        assert "▾ kv1  7 VMs · 2 running · 2 faults" in ui.frame()
        assert "out of reach for 5m · ctrl+r tries now" in header(ui, "kv2")
        assert "no VMs · needs a password · ctrl+r asks for it" in header(ui, "kv3")
        assert "by host" in ui.lines()[1]
        assert all(len(line) <= size[0] for line in ui.lines())
        assert "z fold" in ui.lines()[-1]
        assert "/ filter" in ui.lines()[-1]
        assert cursor(ui) == "app", "the cursor stays on its VM"
        await ui.press("k")
        assert "enter fold" in ui.lines()[-1]
        assert "space mark group" in ui.lines()[-1]


async def test_the_host_is_said_once_and_one_that_is_off_tells_how_to_connect_it() -> None:
    batch = hosts()
    batch.hosts["kv3"] = host("kv3", HostState.DISABLED)
    async with running(FakeBackend(batch)) as ui:
        assert "HOST" in ui.lines()[2]
        await grouped(ui, "h")
        assert "HOST" not in ui.lines()[2]
        assert "no VMs · disabled · ctrl+r connects it" in header(ui, "kv3")
        await ui.press("b", "s")
        await ui.until(lambda: "HOST" in ui.lines()[2])


async def test_enter_z_and_the_arrows_fold_and_open() -> None:
    async with running(FakeBackend(hosts())) as ui:
        await grouped(ui, "h")
        await ui.press("g", "enter")
        assert "▸ kv1" in ui.frame()
        assert "web-01" not in ui.frame()
        await ui.press("enter")
        assert "web-01" in ui.frame()
        await ui.press("right")
        assert cursor(ui) == "build-7"
        await ui.press("left")
        assert cursor(ui) == ""
        await ui.press("left")
        assert "▸ kv1" in ui.frame()
        await ui.press("right", "j", "z")
        assert "▸ kv1" in ui.frame()
        assert cursor(ui) == "", "the cursor is on the header of what was folded"
        await ui.press("Z")
        assert "▾" not in ui.frame()
        assert "open all" in ui.lines()[-1]
        await ui.press("Z")
        assert "▸" not in ui.frame()


async def test_folds_outlive_a_resync_and_another_grouping() -> None:
    backend = FakeBackend(hosts())
    async with running(backend) as ui:
        await grouped(ui, "h")
        await ui.press("g", "z")
        listed = {key: one for key, one in backend.domains.items() if key.host == "kv1"}
        backend.send(Batch(domains=dict.fromkeys(listed)))
        await ui.until(lambda: "no VMs" in header(ui, "kv1"))
        backend.send(Batch(domains=dict(listed)))
        await ui.until(lambda: "7 VMs" in header(ui, "kv1"))
        assert "web-01" not in ui.frame()
        await grouped(ui, "s")
        assert "web-01" in ui.frame()
        await grouped(ui, "h")
        assert "web-01" not in ui.frame()


async def test_a_verb_on_a_header_does_nothing_but_on_a_marked_group_all() -> None:
    backend = FakeBackend(hosts())
    async with running(backend) as ui:
        await grouped(ui, "h")
        await ui.press("g", "s")
        await ui.sees("Start: this is a group, space marks its VMs")
        assert not backend.calls
        await ui.press("space")
        assert "7 marked" in ui.lines()[1]
        assert "7 marked" in header(ui, "kv1")
        await ui.press("space")
        assert "marked" not in ui.frame()
        await ui.press("space", "s")
        await ui.until(lambda: len(backend.calls) > 1)
        assert {key.host for key, _, _ in backend.calls} == {"kv1"}


async def test_a_vm_moves_to_another_group_and_the_cursor_with_it() -> None:
    backend = FakeBackend(fleet())
    async with running(backend) as ui:
        await grouped(ui, "s")
        assert ui.lines()[3] == "▾ ✗ crashed  1 VM · 1 fault"
        await ui.press("slash")
        await ui.type("web-01")
        assert "1 shown" in ui.frame()
        await ui.press("enter", "G")
        assert cursor(ui) == "web-01"
        await ui.press("escape")
        backend.become(key_of(ui, "web-01"), State.OFF)
        await ui.until(lambda: "3 VMs" in header(ui, "○ off"))
        assert cursor(ui) == "web-01"
        await ui.press("F")
        assert [line[2:6] for line in ui.lines() if line[:1] == "▾"] == ["✗ cr", "‖ pa"]


async def test_one_host_from_a_menu_and_all_again() -> None:
    async with running(FakeBackend(hosts()), (120, 40)) as ui:
        await ui.press("slash")
        await ui.type("!paused")
        await ui.press("enter", "H")
        await ui.sees("Only the VMs of")
        assert "7 VMs · ● up" in ui.frame()
        await ui.press("1")
        await ui.until(lambda: "/!paused host=kv1" in ui.lines()[1])
        assert "app" not in ui.frame(), "kv10 is another host"
        await ui.press("H")
        await ui.until(lambda: ui.lines()[1].rstrip().find("host") < 0)
        assert "/!paused" in ui.lines()[1]


async def test_a_hosts_header_asks_for_that_host_alone() -> None:
    backend = FakeBackend(hosts())
    async with running(backend) as ui:
        await grouped(ui, "h")
        await ui.press("k", "left", "k", "ctrl+r")
        assert backend.retried == ["kv3"]
        await ui.press("k", "4")
        await ui.sees("nobody listens there")
        await ui.press("escape", "j")
        await ui.press("H")
        await ui.sees("Only the VMs of")
        await ui.press("enter")
        await ui.until(lambda: "host:kv3" in ui.lines()[1])


async def test_the_command_line_groups_too_and_tab_completes() -> None:
    async with running(FakeBackend(hosts())) as ui:
        await ui.press("colon")
        await ui.type("group ho")
        await ui.press("tab", "enter")
        await ui.until(lambda: ui.app.context.view.grouping is Grouping.HOST)
        await ui.press("colon")
        await ui.type("group colour")
        await ui.press("enter")
        await ui.sees("nothing is grouped by colour")
        await ui.press("escape")


async def test_headers_in_ascii() -> None:
    async with running(FakeBackend(hosts()), ascii=True) as ui:
        await ui.press("b", "s")
        await ui.until(lambda: "- x crashed" in ui.frame())
        await ui.press("b", "h")
        await ui.until(lambda: "- kv1  7 VMs | 2 running | 2 faults" in ui.frame())
        await ui.press("g", "z")
        assert "+ kv1" in ui.frame()
        await ui.press("H")
        await ui.sees("Only the VMs of")
        assert ui.frame().isascii()


async def test_a_click_stands_on_a_header_and_a_double_click_folds() -> None:
    async with running(FakeBackend(hosts())) as ui:
        await grouped(ui, "h")
        await ui.pilot.click(offset=(10, 3), times=2)
        await ui.until(lambda: "▸ kv1" in ui.frame())


@SIZES
async def test_the_header_of_the_rows_on_top_stays_in_sight(size: tuple[int, int]) -> None:
    async with running(FakeBackend(many(120)), size) as ui:
        await grouped(ui, "h")
        table, view = ui.app.screen.query_one(VmTable), ui.app.context.view
        await ui.press("G")
        assert ui.lines()[3].startswith("▾ kv1  120 VMs")
        assert cursor(ui) == "vm-119"
        for _ in range(size[1]):
            await ui.press("k")
            assert cursor(ui), "the cursor is never behind the header"
            assert ui.lines()[3].startswith("▾ kv1  120 VMs")
        names = [line.split()[2] for line in ui.lines()[4 : 3 + table.page]]
        first = int(names[0][3:])
        assert names == [f"vm-{number:03d}" for number in range(first, first + table.page - 1)]
        ui.backend.send(Batch(domains=dict.fromkeys([key_of(ui, "vm-000")])))
        await ui.until(lambda: ui.lines()[3].startswith("▾ kv1  119 VMs"))
        await ui.press("g")
        assert view.header is not None
        assert ui.lines()[3].startswith("▾ kv1  119 VMs")
        assert ui.lines()[4].split()[2] == "vm-001"


async def test_the_header_that_stays_is_clicked_as_where_it_stands() -> None:
    async with running(FakeBackend(many(120))) as ui:
        await grouped(ui, "h")
        await ui.press("G")
        await ui.pilot.click(offset=(10, 3))
        await ui.until(lambda: ui.app.context.view.header is not None)
        assert ui.lines()[4].split()[2] == "vm-000", "the list went to where the header stands"
        await ui.press("G")
        await ui.pilot.click(offset=(10, 3), times=2)
        await ui.until(lambda: "▸ kv1" in ui.frame())
        assert not cursor(ui)


async def test_the_header_that_stays_is_that_of_its_row() -> None:
    async with running(FakeBackend(hosts()), (80, 12)) as ui:
        await grouped(ui, "h")
        await ui.press("G")
        table, lines = ui.app.screen.query_one(VmTable), ui.app.context.view.lines
        for top in range(len(lines) - table.page + 1):
            table.scroll_rows(top)
            await ui.pilot.pause()
            line = lines[top]
            host = line.name if isinstance(line, GroupKey) else line.host
            assert ui.lines()[3].startswith(f"▾ {host}  "), top
        assert sum(line[:2] == "▾ " for line in ui.lines()) == 4, "none is there twice"


async def test_moving_keys_pass_headers_and_only_rows_are_watched() -> None:
    backend = FakeBackend(many(50))
    async with running(backend) as ui:
        await grouped(ui, "h")
        await ui.press("g")
        await ui.until(lambda: bool(backend.focused) and len(backend.focused[-1].visible) == 18)
        await ui.press("pagedown")
        assert cursor(ui) == "vm-018"
        await ui.press("G")
        assert cursor(ui) == "vm-049"
        ui.app.context.view.move_to(1)
        ui.app.screen.query_one(VmTable).scroll_rows(1)
        await ui.press("j")
        assert cursor(ui) == "vm-001"


async def test_the_pane_keeps_its_place_while_the_cursor_is_on_a_header() -> None:
    async with running(FakeBackend(fleet()), (200, 50)) as ui:
        pane = ui.app.screen.query
        await ui.until(lambda: bool(pane("DetailsView")))
        await grouped(ui, "h")
        await ui.press("g")
        assert ui.app.context.view.header is not None
        await ui.pilot.pause(0.3)
        assert pane("DetailsView")
        await ui.press("slash")
        await ui.type("nothing-like-it")
        await ui.until(lambda: not pane("DetailsView"))
