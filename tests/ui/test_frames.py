"""Each screen at three sizes: the bars are where they belong and nothing runs over."""

from __future__ import annotations

import pytest

from tests.ui.fake import FakeBackend, entry, fleet
from tests.ui.screens import Ui, running
from tuivm.core.api import Batch

SIZES = [(80, 24), (120, 40), (200, 60)]
SCREENS = {
    "list": [],
    "filter": ["slash", "w"],
    "hosts": ["4"],
    "events": ["6"],
    "help": ["question_mark"],
    "command": ["colon", "s"],
    "power": ["P"],
    "sort": ["comma"],
    "copy": ["y"],
    "confirm": ["G", "D"],
    "question": ["G", "S"],
}


def chrome(ui: Ui, size: tuple[int, int]) -> None:
    """All lines fit, and the top bar is the first one."""
    lines = ui.lines()
    assert len(lines) == size[1]
    assert all(len(line) <= size[0] for line in lines)
    assert lines[0].startswith(" tuivm  1 VMs ")
    assert "kv1 ●" in lines[0]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", SCREENS)
async def test_frame(name: str, size: tuple[int, int]) -> None:
    async with running(FakeBackend(fleet()), size) as ui:
        await ui.press(*SCREENS[name])
        await ui.pilot.pause(0.05)
        if (name, size) != ("power", (80, 24)):
            chrome(ui, size)
        if name not in ("command", "question"):
            last = ui.lines()[-1]
            assert "help" in last or "search" in last


@pytest.mark.parametrize("size", SIZES)
async def test_a_resize_keeps_the_place(size: tuple[int, int]) -> None:
    async with running(FakeBackend(fleet())) as ui:
        await ui.press("G")
        row = ui.app.context.view.cursor
        await ui.pilot.resize_terminal(*size)
        await ui.sees("web-02")
        assert ui.app.context.view.cursor == row
        chrome(ui, size)
        await ui.pilot.resize_terminal(40, 10)
        await ui.pilot.pause(0.3)
        assert all(len(line) <= 40 for line in ui.lines())


async def test_wide_screens_show_details_beside_the_list() -> None:
    async with running(FakeBackend(fleet()), (200, 60)) as ui:
        await ui.until(lambda: len(ui.app.screen.query("DetailsView")) == 1)
        await ui.press("G")
        view = ui.app.screen.query_one("DetailsView")
        await ui.until(lambda: view.key == ui.app.context.view.cursor)  # type: ignore[attr-defined]
        await ui.press("w")
        await ui.until(lambda: not ui.app.screen.query("DetailsView"))
        await ui.pilot.resize_terminal(120, 40)
        await ui.press("w")
        await ui.sees("needs 160 columns")


async def test_nothing_is_repainted_when_nothing_changed() -> None:
    backend = FakeBackend(fleet())
    async with running(backend, (120, 40)) as ui:
        await ui.pilot.pause(0.2)
        table = ui.app.screen.query_one("#vms")
        painted: list[int] = []
        original = table.render_line

        def spy(y: int) -> object:
            painted.append(y)
            return original(y)

        table.render_line = spy  # type: ignore[method-assign,assignment]
        backend.send(Batch(domains=dict(backend.domains)))
        await ui.until(lambda: not backend.batch)
        await ui.pilot.pause(0.2)
        assert painted == []
        await ui.press("j")
        await ui.pilot.pause(0.2)
        assert sorted(set(painted)) == [1, 2]


async def test_an_event_repaints_only_its_line() -> None:
    backend = FakeBackend(fleet())
    async with running(backend) as ui:
        table = ui.app.screen.query_one("#vms")
        painted: list[int] = []
        original = table.render_line

        def spy(y: int) -> object:
            painted.append(y)
            return original(y)

        table.render_line = spy  # type: ignore[method-assign,assignment]
        backend.send(Batch(entries=[entry("something happened")]))
        await ui.sees("something happened")
        assert painted == []
