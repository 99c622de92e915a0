"""What becomes of open details when the VM, its host, or an answer goes astray."""

from __future__ import annotations

from collections import deque

import pytest

from tests.details_sample import DETAILS, FACTS, HOST, KEY, RUNNING
from tests.ui.details_fake import DetailsBackend, opened
from tests.ui.screens import running
from tuivm.core.api import Batch
from tuivm.core.errors import TuivmError
from tuivm.core.model import DomainKey, HostState
from tuivm.screens.details import DetailsScreen
from tuivm.screens.details_view import TABS, DetailsView

OTHER = DomainKey("kv1", "00000000-0000-4000-8000-000000000002")
HOSTILE = "a[/b] [red]x[/] \ufffd]0;pwn\ufffd " + "x" * 480


@pytest.mark.parametrize("tab", [tab for tab, _, _ in TABS])
async def test_a_domain_that_vanishes_leaves_its_last_values(tab: str) -> None:
    backend = DetailsBackend()
    async with opened(backend, tab=tab) as ui:
        backend.send(Batch(domains={KEY: None}))
        await ui.sees("web-01 is gone")
        await ui.press("tab", "tab", "tab", "tab", "tab")
        await ui.sees("web-01 is gone")


async def test_a_vm_that_is_gone_offers_nothing_that_cannot_be_done() -> None:
    backend = DetailsBackend()
    async with opened(backend) as ui:
        backend.batch.stats.clear()
        backend.send(Batch(domains={KEY: None}))
        await ui.sees("gone: undefined, or transient and stopped.  Below: its last values.")
        await ui.until(lambda: "s start" not in ui.lines()[-1])
        assert "esc back" in ui.lines()[-1]
        for key, told in (("s", "Start"), ("c", "Serial console"), ("P", "Power menu")):
            await ui.press(key)
            await ui.sees(f"{told}: it is gone")


async def test_a_domain_that_comes_back_is_shown_as_before() -> None:
    backend = DetailsBackend()
    async with opened(backend) as ui:
        backend.send(Batch(domains={KEY: None}))
        await ui.sees("web-01 is gone")
        backend.send(Batch(domains={KEY: RUNNING}))
        await ui.until(lambda: "is gone" not in ui.frame())


@pytest.mark.parametrize("tab", [tab for tab, _, _ in TABS])
async def test_a_lost_host_is_said_and_the_last_values_are_kept(tab: str) -> None:
    backend = DetailsBackend()
    async with opened(backend, (120, 40), tab) as ui:
        why = TuivmError("The connection to kv1 broke")
        backend.reading = TuivmError("kv1 is not connected")
        backend.send(Batch(hosts={"kv1": HOST._replace(state=HostState.LOST, error=why)}))
        await ui.sees("kv1 is out of reach (The connection to kv1 broke).")
        if tab == "overview":
            assert "6b0c3f7e-4a1d-4b8e-9f52-1f2a3b4c5d6e" in ui.frame()


async def test_a_reading_that_fails_is_told_and_the_next_one_heals_it() -> None:
    backend = DetailsBackend()
    backend.reading = TuivmError("Cannot read web-01", "it is busy", hint="wait a little")
    async with opened(backend) as ui:
        await ui.sees("Cannot read web-01: it is busy (wait a little)")
        assert "web-01" in ui.frame()
        backend.reading = DETAILS
        await ui.until(lambda: "it is busy" not in ui.frame())


async def test_the_store_is_shown_before_the_first_answer() -> None:
    backend = DetailsBackend()
    backend.held = deque()
    async with opened(backend) as ui:
        await ui.sees("6b0c3f7e-4a1d-4b8e-9f52-1f2a3b4c5d6e")
        await ui.press("ctrl+d")
        await ui.sees("42.1 % of its vCPUs")
        await ui.press("x")
        await ui.sees("reading the XML…")


async def test_an_answer_about_another_vm_is_dropped() -> None:
    backend = DetailsBackend()
    other = RUNNING._replace(key=OTHER, name="web-02")
    backend.batch.domains[OTHER] = other
    backend.held = deque()
    async with opened(backend) as ui:
        await ui.until(lambda: bool(backend.held))
        assert backend.held
        key, first = backend.held.popleft()
        assert key == KEY
        view = ui.app.screen.query_one(DetailsView)
        view.show(OTHER)
        await ui.sees("web-02")
        if not first.cancelled():
            first.set_result(DETAILS)
        await ui.pilot.pause(0.2)
        assert view.state.details is None
        await ui.until(lambda: bool(backend.held))
        key, second = backend.held.popleft()
        assert key == OTHER
        second.set_result(DETAILS._replace(key=OTHER))
        await ui.until(lambda: view.state.details is not None)


async def test_a_cursor_that_runs_over_the_list_reads_nothing() -> None:
    backend = DetailsBackend()
    keys = [DomainKey("kv1", f"00000000-0000-4000-8000-{n:012x}") for n in range(40)]
    for number, key in enumerate(keys):
        backend.batch.domains[key] = RUNNING._replace(key=key, name=f"vm-{number:02d}")
    async with running(backend, (200, 60)) as ui:
        view = DetailsView(ui.app.context, keys[0])
        await ui.app.screen.mount(view)
        await ui.until(lambda: keys[0] in backend.asked)
        backend.asked.clear()
        for key in keys[1:]:
            view.show(key)
        await ui.until(lambda: keys[-1] in backend.asked)
        assert set(backend.asked) <= {keys[-1], ui.app.context.view.cursor}


@pytest.mark.parametrize("tab", [tab for tab, _, _ in TABS])
async def test_hostile_names_look_right_everywhere(tab: str) -> None:
    facts = FACTS._replace(title=HOSTILE, description=HOSTILE)
    backend = DetailsBackend(RUNNING._replace(name=HOSTILE, facts=facts))
    device = DETAILS.devices[0]._replace(
        title=HOSTILE, summary=HOSTILE, xml=f"<disk a='{HOSTILE}'/>"
    )
    xml = DETAILS.xml._replace(live=f"<name>{HOSTILE}</name>\n" + "y" * 4000)
    backend.reading = DETAILS._replace(devices=(device,), xml=xml, messages=(HOSTILE,))
    async with opened(backend, tab=tab) as ui:
        await ui.sees("a[/b] [red]x[/]")
        for key in ("enter", "i", "y", "j", "G", "right"):
            await ui.press(key)
        frame = ui.frame()
        assert all(char == "\n" or char.isprintable() for char in frame)
        if tab not in ("xml", "devices"):
            assert "a[/b] [red]x[/]" in frame


async def test_an_action_under_way_shows_in_the_headline() -> None:
    backend = DetailsBackend()
    async with opened(backend) as ui:
        await ui.press("S", "y")
        await ui.until(lambda: bool(backend.calls))
        assert isinstance(ui.app.screen, DetailsScreen)
        assert backend.calls[0][1] == "shutdown"
        await ui.sees("stopping…")


async def test_a_resize_keeps_everything() -> None:
    async with opened(DetailsBackend()) as ui:
        for size in ((120, 40), (60, 15), (200, 60), (80, 24)):
            await ui.pilot.resize_terminal(*size)
            for _ in TABS:
                await ui.press("tab")
                assert len(ui.lines()) == size[1]
