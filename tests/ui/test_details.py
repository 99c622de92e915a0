from __future__ import annotations

import subprocess
import sys
import time

import pytest

from tests.details_sample import DETAILS, DETAILS_OFF, KEY, OFF, RUNNING
from tests.ui.conftest import QUICK
from tests.ui.details_fake import DetailsBackend, opened, wave
from tests.ui.screens import Ui, running
from tuivm.core.api import Batch
from tuivm.core.text import cell_width
from tuivm.screens.details import DetailsScreen
from tuivm.screens.details_view import TABS, DetailsView

SIZES = [(80, 24), (120, 40), (200, 60)]


def give_history(ui: Ui, samples: int = 120) -> None:
    base = time.monotonic() - samples
    for step in range(samples):
        ui.app.context.store.apply(Batch(stats={KEY: wave(step, base)}))


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("tab", [tab for tab, _, _ in TABS])
async def test_every_tab_fills_the_screen_and_no_more(tab: str, size: tuple[int, int]) -> None:
    async with opened(DetailsBackend(), size, tab) as ui:
        give_history(ui)
        await ui.sees("web-01")
        lines = ui.lines()
        assert len(lines) == size[1]
        assert all(cell_width(line) <= size[0] for line in lines)
        assert "tuivm" in lines[0]
        assert "● running" in lines[1]
        assert "192.168.122.35 (lease)" in lines[1]
        assert "Overview" in lines[3]
        assert "Performance" in lines[3]
        assert "? help" in lines[-1]


async def test_the_headline_names_what_is_pending() -> None:
    async with opened(DetailsBackend(), (120, 40)) as ui:
        assert "pending until the next power cycle  memory: 8388608 KiB" in ui.lines()[2]
        assert "and 2 more" in ui.lines()[2]
        await ui.press("d")
        await ui.sees("What the next start changes")


async def test_overview_at_80_columns_is_one_column_and_scrolls() -> None:
    async with opened(DetailsBackend()) as ui:
        assert ui.lines()[4].strip().startswith("Identity")
        assert "UUID             6b0c3f7e-4a1d-4b8e-9f52-1f2a3b4c5d6e" in ui.frame()
        await ui.press("G")
        assert "perf.cmt" in ui.frame()
        await ui.press("g")
        assert "Identity" in ui.frame()


async def test_overview_at_120_columns_has_two_columns() -> None:
    async with opened(DetailsBackend(), (120, 40)) as ui:
        line = ui.lines()[4]
        assert "Identity" in line
        assert "Disks" in line


async def test_values_are_live_and_the_place_is_kept() -> None:
    backend = DetailsBackend()
    async with opened(backend) as ui:
        await ui.press("ctrl+d", "ctrl+d")
        before = ui.lines()[4]
        assert "Usage            42.1 %" in ui.frame()
        ui.app.context.store.apply(Batch(stats={KEY: wave(0, time.monotonic())}))
        await ui.sees("Usage            50.0 %")
        assert ui.lines()[4] == before


async def test_keys_walk_through_the_tabs_and_back() -> None:
    async with opened(DetailsBackend()) as ui:
        view = ui.app.screen.query_one(DetailsView)
        for tab, _, _ in [*TABS[1:], TABS[0]]:
            await ui.press("tab")
            assert view.tab == tab
        await ui.press("shift+tab")
        assert view.tab == "log"
        await ui.press("x")
        assert view.tab == "xml"
        await ui.press("l")
        assert view.tab == "log"
        await ui.press("escape")
        await ui.until(lambda: not isinstance(ui.app.screen, DetailsScreen))


async def test_devices_are_listed_with_unknown_ones_and_pending_marks() -> None:
    async with opened(DetailsBackend(), (120, 40), "devices") as ui:
        await ui.sees("Disk vda")
        frame = ui.frame()
        assert "▲ Disk vda" in frame
        assert "flux  unknown to tuivm" in frame
        assert "Pending  changes at the next power cycle" in frame
        await ui.press("G")
        await ui.sees("1.21")


async def test_a_devices_xml_is_one_key_away() -> None:
    async with opened(DetailsBackend(), tab="devices") as ui:
        await ui.sees("Disk vda")
        await ui.press("enter")
        await ui.sees("<target dev='vda' bus='virtio'/>")
        await ui.press("j", "escape")
        await ui.sees("52:54:00:11:22:33")
        assert isinstance(ui.app.screen, DetailsScreen)


async def test_the_cursor_stays_on_its_device_when_another_one_comes() -> None:
    backend = DetailsBackend()
    async with opened(backend, tab="devices") as ui:
        await ui.press("j")
        new = DETAILS.devices[3]._replace(title="Serial port serial1")
        backend.reading = DETAILS._replace(devices=(new, *DETAILS.devices))
        await ui.sees("serial1")
        assert "MAC     52:54:00:11:22:33" in ui.frame()


@pytest.mark.parametrize("size", SIZES, ids=str)
async def test_performance_draws_axes_in_human_units(size: tuple[int, int]) -> None:
    async with opened(DetailsBackend(), size, "performance") as ui:
        give_history(ui)
        await ui.sees("100 %")
        await ui.sees("now")
        frame = ui.frame()
        assert "of its vCPUs" in frame
        together = "Network" in frame
        assert together == (size[0] >= 100)
        if together:
            assert "4.0 GiB" in frame
        else:
            await ui.press("i")
            await ui.sees("4.0 GiB")
            await ui.press("right")
            await ui.sees("written")


async def test_performance_of_a_domain_that_is_off_is_explained() -> None:
    backend = DetailsBackend(OFF)
    backend.reading = DETAILS_OFF
    async with opened(backend, tab="performance") as ui:
        await ui.sees("web-01 is off: only a running VM has numbers.")


async def test_ascii_draws_charts_and_text_with_ascii_alone() -> None:
    async with opened(DetailsBackend(), (120, 40), "performance", ascii=True) as ui:
        give_history(ui)
        await ui.sees("100 %")
        for key in ("tab", "tab", "tab", "tab"):
            odd = {char for char in ui.frame() if not char.isascii()}
            assert not odd, ui.frame()
            await ui.press(key)


def test_the_plotting_library_is_not_loaded_before_its_tab() -> None:
    code = "import sys, tuivm.screens.details; sys.exit('plotext' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


async def test_verbs_work_on_the_vm_shown() -> None:
    backend = DetailsBackend(OFF)
    backend.reading = DETAILS_OFF
    async with opened(backend) as ui:
        await ui.press("s")
        await ui.until(lambda: bool(backend.calls))
        assert backend.calls[0][:2] == (KEY, "start")


async def test_the_backend_is_told_whose_details_are_open() -> None:
    backend = DetailsBackend()
    async with opened(backend) as ui:
        await ui.until(lambda: any(focus.detail == KEY for focus in backend.focused))


async def test_nothing_is_read_while_another_screen_covers_the_details() -> None:
    backend = DetailsBackend()
    async with opened(backend) as ui:
        await ui.press("question_mark")
        asked = len(backend.asked)
        await ui.pilot.pause(3 * QUICK)
        assert len(backend.asked) == asked
        await ui.press("escape")
        await ui.until(lambda: len(backend.asked) > asked)


async def test_the_pane_beside_the_list_has_headline_and_overview() -> None:
    backend = DetailsBackend()
    async with running(backend, (200, 60)) as ui:
        await ui.sees("Identity")
        assert "UUID" in ui.frame()
        assert "Performance" not in ui.frame()


def test_the_sample_is_of_one_domain() -> None:
    assert RUNNING.key == DETAILS.key == KEY


async def test_keys_that_come_faster_than_the_screen_do_no_harm() -> None:
    keys = ["l", "l", "i", "d", "x", "i", "d", "V", "n", "tab", "i", "right", "enter", "y", "slash"]
    async with opened(DetailsBackend()) as ui:
        screen = ui.app.screen
        assert isinstance(screen, DetailsScreen)
        for key in keys[:-1]:
            action_id = ui.app.context.keymap.action_for(key, screen.SCOPE)
            assert action_id is not None
            screen.perform(action_id)
        await ui.pilot.pause()
        await ui.press("x")
        await ui.sees("XML")
