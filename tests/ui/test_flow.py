"""From a key to a log line: refusal, confirmation, markers, outcomes."""

from __future__ import annotations

from concurrent.futures import Future

import pytest

from tests.ui.fake import FakeBackend, fleet
from tests.ui.screens import Ui, running
from tests.ui.test_list import key_of
from tuivm.core.api import Batch
from tuivm.core.config import Config
from tuivm.core.errors import TuivmError
from tuivm.core.model import State


async def go_to(ui: Ui, name: str) -> None:
    """Put the cursor on a VM."""
    view = ui.app.context.view
    index = view.index_of(key_of(ui, name))
    assert index is not None
    await ui.press("g", *["j"] * index)


async def test_start_needs_no_question_and_the_row_says_starting_at_once() -> None:
    backend = FakeBackend(fleet())
    backend.hold = []
    async with running(backend) as ui:
        await go_to(ui, "build-7")
        await ui.press("s")
        await ui.sees("starting…")
        assert [call[1] for call in backend.calls] == ["start"]
        backend.hold[0].set_result("")
        backend.become(key_of(ui, "build-7"), State.RUNNING)
        await ui.until(lambda: "starting…" not in ui.frame())
        await ui.sees("Start build-7")
        assert "virsh" in ui.app.context.store.log[-1].virsh


async def test_shut_down_asks_in_the_footer_and_anything_but_y_is_a_no() -> None:
    backend = FakeBackend(fleet())
    async with running(backend) as ui:
        await go_to(ui, "web-01")
        for key in ("n", "enter", "escape", "j", "space"):
            await ui.press("S")
            await ui.sees("Shut down web-01?")
            await ui.press(key)
            await ui.sees("nothing was done")
        assert not backend.calls
        await ui.press("S", "y")
        await ui.until(lambda: bool(backend.calls))
        assert backend.calls == [(key_of(ui, "web-01"), "shutdown", {})]
        await ui.sees("stopping…")


async def test_force_off_asks_in_a_dialog_where_enter_alone_does_nothing() -> None:
    backend = FakeBackend(fleet())
    async with running(backend) as ui:
        await go_to(ui, "web-01")
        await ui.press("D")
        await ui.sees("web-01 (running)")
        await ui.press("enter", "enter")
        assert "[Cancel]" in ui.frame()
        await ui.sees("enter alone does nothing")
        await ui.press("escape")
        await ui.sees("nothing was done")
        assert not backend.calls
        await ui.press("D", "y")
        await ui.until(lambda: bool(backend.calls))
        assert backend.calls[0][1] == "destroy"


async def test_the_button_reached_by_tab_runs_it_with_enter() -> None:
    backend = FakeBackend(fleet())
    async with running(backend) as ui:
        await go_to(ui, "web-01")
        await ui.press("D", "tab", "enter")
        await ui.until(lambda: bool(backend.calls))


async def test_a_verb_that_cannot_be_used_says_why_and_asks_nothing() -> None:
    backend = FakeBackend(fleet())
    async with running(backend) as ui:
        await go_to(ui, "build-7")
        await ui.press("S")
        await ui.sees("build-7 is off")
        await ui.press("D")
        assert "build-7 is off" in ui.frame()
        assert not backend.calls


async def test_targets_are_those_of_the_key_press_whatever_moves_meanwhile() -> None:
    backend = FakeBackend(fleet())
    async with running(backend) as ui:
        await go_to(ui, "web-01")
        wanted = key_of(ui, "web-01")
        await ui.press("D")
        await ui.sees("web-01 (running)")
        gone = [key_of(ui, name) for name in ("build-7", "db-01", "db-02", "old")]
        backend.send(Batch(domains=dict.fromkeys(gone)))
        await ui.until(lambda: len(ui.app.context.store.rows) == 3)
        await ui.press("y")
        await ui.until(lambda: bool(backend.calls))
        assert [call[0] for call in backend.calls] == [wanted]


async def test_what_changed_under_the_question_is_checked_again() -> None:
    backend = FakeBackend(fleet())
    async with running(backend) as ui:
        await go_to(ui, "web-01")
        key = key_of(ui, "web-01")
        await ui.press("D")
        await ui.sees("web-01 (running)")
        backend.become(key, State.OFF)
        await ui.until(lambda: not ui.app.context.store.rows[key].domain.state.active)
        await ui.press("y")
        await ui.sees("web-01 is off")
        assert not backend.calls
        await ui.press("6")
        await ui.sees("Cannot destroy web-01: web-01 is off")


async def test_a_failure_clears_the_marker_and_tells_cause_and_next_step() -> None:
    backend = FakeBackend(fleet())
    backend.failures["start"] = TuivmError(
        "Cannot start build-7",
        "network 'default' is not active",
        hint="virsh net-start default",
        code=55,
        call="virDomainCreate",
    )
    async with running(backend, (120, 40)) as ui:
        await go_to(ui, "build-7")
        await ui.press("s")
        await ui.sees("network 'default' is not active (virsh net-start default)")
        assert "starting…" not in ui.frame()
        await ui.press("6", "enter")
        await ui.sees("virDomainCreate")
        assert "55" in ui.frame()


@pytest.mark.parametrize(
    ("keys", "told"), [("p", "Pause web-01: done"), ("Ry", "Reboot web-01: requested")]
)
async def test_what_only_the_guest_can_do_is_requested_all_else_is_done(
    keys: str, told: str
) -> None:
    async with running(FakeBackend(fleet())) as ui:
        await go_to(ui, "web-01")
        await ui.press(*keys)
        await ui.sees(told)


async def test_a_bulk_verb_names_the_skipped_and_ends_in_one_summary() -> None:
    backend = FakeBackend(fleet())
    async with running(backend, (120, 40)) as ui:
        await ui.press("asterisk", "s")
        await ui.sees("Start: ")
        started = {call[0] for call in backend.calls}
        names = {row.domain.name for k, row in ui.app.context.store.rows.items() if k in started}
        assert names == {"build-7", "saved", "old", "db-01", "db-02"}
        summary = ui.app.context.store.log[-1].text
        assert "5 done" in summary
        assert "2 skipped" in summary
        verbs = {call[1] for call in backend.calls}
        assert verbs == {"start", "resume"}


async def test_a_toggle_does_the_same_to_all_of_several() -> None:
    backend = FakeBackend(fleet())
    async with running(backend, (120, 40)) as ui:
        await ui.press("asterisk", "p")
        await ui.sees("Pause: 2 done, 5 skipped")
        assert {call[1] for call in backend.calls} == {"suspend"}
        names = ("db-01", "db-02")
        ui.app.context.view.clear_marks()
        ui.app.context.view.mark(k for k, row in ui.app.context.store.rows.items()
                                 if row.domain.name in names)  # fmt: skip
        await ui.press("p")
        await ui.sees("Pause / resume: 2 done")
        assert [call[1] for call in backend.calls[2:]] == ["resume", "resume"]


async def test_bulk_calls_are_bounded() -> None:
    from tests.ui.test_list import many

    batch = many(40)
    backend = FakeBackend(batch)
    backend.hold = []
    async with running(backend) as ui:
        await ui.press("asterisk", "p", "y")
        await ui.until(lambda: len(backend.calls) == 4)
        await ui.pilot.pause(0.1)
        assert len(backend.calls) == 4
        answered: set[int] = set()

        def answer() -> bool:
            assert backend.hold is not None
            for future in backend.hold:
                if id(future) not in answered:
                    answered.add(id(future))
                    future.set_result("")
            return len(backend.calls) == 40

        await ui.until(answer)
        await ui.until(lambda: "40 done" in ui.app.context.store.log[-1].text)


async def test_readonly_refuses_what_interrupts_and_shows_ro() -> None:
    backend = FakeBackend(fleet())
    async with running(backend, readonly=True) as ui:
        assert ui.lines()[0].endswith("RO")
        await go_to(ui, "web-01")
        await ui.press("S")
        await ui.sees("--readonly")
        ui.app.context.config = Config(readonly=True)
        await ui.press("D")
        await ui.sees("configuration says readonly = true")
        assert not backend.calls


async def test_the_power_menu_greys_with_the_reason_and_runs_by_one_key() -> None:
    backend = FakeBackend(fleet())
    async with running(backend, (120, 40)) as ui:
        await go_to(ui, "web-01")
        await ui.press("P")
        await ui.sees("Power: web-01")
        assert "web-01 is running already" in ui.frame()
        assert "Force off" in ui.frame()
        await ui.press("s")
        assert "Power: web-01" in ui.frame(), "a greyed line must not run"
        await ui.press("2")
        await ui.sees("Shut down web-01?")
        await ui.press("y")
        await ui.until(lambda: bool(backend.calls))
        assert backend.calls == [(key_of(ui, "web-01"), "shutdown", {"mode": "agent"})]


async def test_an_answer_that_comes_after_the_screen_was_left_is_logged() -> None:
    backend = FakeBackend(fleet())
    backend.hold = []
    async with running(backend) as ui:
        await go_to(ui, "build-7")
        await ui.press("s", "6")
        await ui.until(lambda: bool(backend.hold))
        future: Future[str] = backend.hold[0]
        future.set_result("took its time")
        await ui.sees("took its time")


async def test_copy_puts_the_name_on_the_clipboard() -> None:
    async with running(FakeBackend(fleet())) as ui:
        await go_to(ui, "web-01")
        await ui.press("y", "n")
        await ui.sees("copied")
        assert ui.app.clipboard == "web-01"
        await ui.press("y", "x")
        await ui.until(lambda: ui.app.clipboard == "<domain/>")
