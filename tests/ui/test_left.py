"""What comes late for a screen that was left reaches the log, and harms nobody."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path

import pytest
from textual import events

from tests.ui.fake import FakeBackend, fleet
from tests.ui.screens import Ui, running
from tests.ui.test_console import WEB, Backend, opened
from tests.ui.test_flow import go_to
from tuivm.core.api import ConsoleLine, ConsoleState, Login, LoginRun
from tuivm.core.check import Part
from tuivm.core.model import ConsolePast, DomainKey
from tuivm.core.runs import RunResult, RunStep
from tuivm.screens.confirm import ConfirmDialog
from tuivm.screens.console import ConsoleScreen
from tuivm.screens.details import DetailsScreen
from tuivm.screens.run import RunScreen

LEAVE = "ctrl+right_square_bracket"


def from_a_thread(do: Callable[[], object]) -> None:
    """Do it as the backend does: on a thread that knows nothing of the program."""
    thread = threading.Thread(target=do)
    thread.start()
    thread.join()


def ends(future: Future[str]) -> None:
    """What was asked for is done."""
    from_a_thread(lambda: future.set_result(""))


async def test_a_console_added_after_its_screen_was_left() -> None:
    backend = Backend(ConsoleState.NO_DEVICE)
    async with opened(backend) as (ui, _channel):
        backend.hold = []
        await ui.press("a", "y")
        await ui.until(lambda: bool(backend.hold))
        await ui.press("escape")
        await ui.until(lambda: not isinstance(ui.app.screen, ConsoleScreen))
        ends(backend.hold[0])
        await ui.sees("added a serial console to web-01")


async def test_the_outcome_of_keys_sent_just_before_leaving_is_logged() -> None:
    backend = Backend()
    async with opened(backend) as (ui, _channel):
        backend.hold = []
        await ui.press("f12", "d")
        await ui.until(lambda: bool(backend.hold))
        await ui.press(LEAVE)
        await ui.until(lambda: not isinstance(ui.app.screen, ConsoleScreen))
        ends(backend.hold[0])
        await ui.sees("sent ctrl-alt-del to web-01")


class SlowPast(Backend):
    """Its log file takes long to read."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[Future[ConsolePast]] = []
        for key, one in self.batch.domains.items():
            if key == WEB and one is not None:
                assert one.facts is not None
                facts = one.facts._replace(console_log="/var/log/web.log")
                self.batch.domains[key] = one._replace(facts=facts)

    def console_past(self, key: DomainKey, device: str = "") -> Future[ConsolePast]:
        self.asked.append(Future())
        return self.asked[-1]


async def test_a_console_left_before_its_past_was_read_is_not_attached_afterwards() -> None:
    backend = SlowPast()
    async with running(backend) as ui:
        await ui.sees("web-01")
        ui.app.push_screen(ConsoleScreen(ui.app.context, WEB))
        await ui.until(lambda: bool(backend.asked))
        await ui.press(LEAVE)
        await ui.until(lambda: not isinstance(ui.app.screen, ConsoleScreen))
        from_a_thread(lambda: backend.asked[0].set_result(ConsolePast()))
        await ui.pilot.pause(0.1)
        assert backend.channels == []


async def test_a_check_that_ends_after_its_screen_was_left() -> None:
    report: Future[tuple[Part, ...]] = Future()
    backend = FakeBackend(fleet())
    backend.check = lambda host: report  # type: ignore[method-assign]
    async with running(backend) as ui:
        await ui.press("4", "c")
        await ui.sees("checking kv1")
        await ui.press("escape")
        await ui.until(lambda: "checking kv1" not in ui.frame())
        from_a_thread(lambda: report.set_result(()))
        await ui.pilot.pause(0.1)
        await ui.sees("kv1")


class Runs(FakeBackend):
    """Logs in for as long as the test wants."""

    told: Callable[[RunStep], None]
    cancelled = False

    def log_in_and_run(
        self,
        key: DomainKey,
        login: Login,
        report: Callable[[RunStep], None],
        *,
        line: ConsoleLine | None = None,
    ) -> LoginRun:
        self.told = report
        return self

    result: Future[RunResult] = Future()

    def cancel(self) -> None:
        self.cancelled = True


async def test_a_run_goes_on_telling_while_it_leaves_the_guests_line_clean() -> None:
    backend = Runs(fleet())
    async with running(backend) as ui:
        await ui.sees("web-01")
        login = Login("root", "secret", "uptime")
        ui.app.push_screen(RunScreen(ui.app.context, [WEB], login))
        await ui.until(lambda: hasattr(backend, "told"))
        await ui.press("escape", "y")
        await ui.until(lambda: backend.cancelled)
        failed: list[Exception] = []

        def leaving() -> None:
            try:
                backend.told(RunStep.LEAVING)
            except Exception as error:
                failed.append(error)

        from_a_thread(leaving)
        assert not failed
        backend.result.set_result(RunResult(WEB, RunStep.CANCELLED))


async def double_click(ui: Ui, word: str) -> None:
    """Both clicks are there before the first one was carried out, as on a slow line."""
    line = next(n for n, line in enumerate(ui.lines()) if word in line)
    x = ui.lines()[line].index(word)
    for kind in (events.MouseDown, events.MouseUp, events.Click) * 2:
        event = kind(
            None, x=x, y=line, delta_x=0, delta_y=0, button=1, shift=False, meta=False,
            ctrl=False, screen_x=x, screen_y=line, style=None,
        )  # fmt: skip
        event.set_sender(ui.app)
        ui.app.post_message(event)
    await ui.pilot.settle()


async def test_a_double_click_on_leave_closes_the_dialog_alone() -> None:
    async with running(FakeBackend(fleet())) as ui:
        await go_to(ui, "web-01")
        await ui.press("enter")
        await ui.until(lambda: isinstance(ui.app.screen, DetailsScreen))
        await ui.press("P")
        await ui.sees("esc leave")
        await double_click(ui, "esc leave")
        await ui.until(lambda: "esc leave" not in ui.frame())
        assert isinstance(ui.app.screen, DetailsScreen)


async def test_a_dialog_that_is_left_before_it_was_built() -> None:
    async with running(FakeBackend(fleet())) as ui:
        await go_to(ui, "web-01")
        confirm = ConfirmDialog(ui.app.context, "Reset", "Reset it?", ["web-01"], "Reset")
        ui.app.push_screen(confirm)
        ui.app.pop_screen()
        await ui.pilot.settle()
        await ui.sees("web-01")


@pytest.mark.parametrize("key", ["P", ",", "ctrl+p", "y"])
async def test_a_dialog_left_twice_is_no_crash(key: str) -> None:
    async with running(FakeBackend(fleet())) as ui:
        await go_to(ui, "web-01")
        await ui.press(key)
        await ui.until(lambda: len(ui.app.screen_stack) == 2)
        dialog = ui.app.screen
        dialog.dismiss(None)
        dialog.dismiss(None)
        await ui.until(lambda: len(ui.app.screen_stack) == 1)


async def test_paging_in_a_palette_that_has_no_room_is_no_crash() -> None:
    async with running(FakeBackend(fleet()), (80, 24)) as ui:
        await ui.sees("web-01")
        await ui.press("ctrl+p", "down", "down")
        for size in ((40, 10), (20, 3), (1, 1)):
            await ui.pilot.resize_terminal(*size)
            await ui.press("pagedown", "pageup")
        await ui.pilot.resize_terminal(80, 24)
        await ui.sees("What do you want to do?")


async def test_a_name_that_no_file_can_have_is_told(tmp_path: Path) -> None:
    async with running(FakeBackend(fleet()), (120, 40)) as ui:
        await ui.sees("web-01")
        await ui.press("E")
        await ui.sees("enter")
        await ui.type("x" * 300 + ".csv")
        await ui.press("enter")
        await ui.sees("name too long")
