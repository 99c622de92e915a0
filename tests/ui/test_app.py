"""The wiring: batches, app-wide keys, ways out, themes."""

from __future__ import annotations

import pytest
from textual import events

from tests.ui.fake import FakeBackend, fleet
from tests.ui.screens import running
from tests.ui.test_list import many
from tuivm.core import intake
from tuivm.core.api import Batch
from tuivm.core.store import Store
from tuivm.screens.details_view import DetailsView
from tuivm.screens.vms import VmsScreen
from tuivm.widgets.roles import LOOKS, Palette
from tuivm.widgets.themes import DARK, LIGHT, THEMES, default_theme


async def test_a_burst_of_news_is_applied_in_few_steps_and_none_is_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    backend = FakeBackend(many(100))
    async with running(backend) as ui:
        steps = 0
        apply = Store.apply

        def counted(store: Store, batch: Batch, *, more: bool = False) -> object:
            nonlocal steps
            steps += 1
            return apply(store, batch, more=more)

        monkeypatch.setattr(Store, "apply", counted)
        keys = list(ui.app.context.store.rows)
        for key in keys[:99]:
            backend.send(Batch(domains={key: None}))
        await ui.until(lambda: "1 VM" in ui.lines()[1] and "100" not in ui.lines()[1])
        await ui.pilot.pause(0.15)
        assert steps <= 4
        assert len(ui.app.context.store.rows) == 1


async def test_a_key_is_answered_while_ten_thousand_rows_come_in(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(intake, "TURN_SECONDS", 0.0)
    backend = FakeBackend(many(10))
    async with running(backend) as ui:
        rows = ui.app.context.store.rows
        seen: list[int] = []
        move = VmsScreen.do_nav_down

        def watched(screen: VmsScreen) -> None:
            seen.append(len(rows))
            move(screen)

        monkeypatch.setattr(VmsScreen, "do_nav_down", watched)
        backend.send(many(10_000))
        await ui.pilot.press("j")
        assert seen[0] < 10_000
        await ui.until(lambda: len(rows) == 10_000)
        assert ui.app.context.view.cursor_index == 1


@pytest.mark.parametrize("key", ["q", "ctrl+q"])
async def test_the_quit_keys_quit(key: str) -> None:
    async with running(FakeBackend(fleet())) as ui:
        await ui.pilot.press(key)
        await ui.until(lambda: ui.app.return_code is not None)
        assert ui.app.return_code == 0


async def test_quitting_while_a_part_of_the_screen_is_being_built_is_no_defect() -> None:
    async with running(FakeBackend(fleet()), (200, 60)) as ui:
        screen = ui.app.screen
        assert isinstance(screen, VmsScreen)
        await ui.until(lambda: screen._pane.shown)
        key = screen.subject()
        assert key is not None
        screen.query_one("#body").mount(DetailsView(ui.app.context, key))
        ui.app.exit(0, return_code=0)
    assert ui.app.return_code == 0
    assert ui.app.crash is None


async def test_q_leaves_a_view_before_it_quits() -> None:
    async with running(FakeBackend(fleet())) as ui:
        await ui.press("6", "q")
        await ui.sees("web-01")
        assert ui.app.return_code is None


async def test_ctrl_c_tells_how_to_quit_and_quits_nothing() -> None:
    async with running(FakeBackend(fleet())) as ui:
        await ui.press("ctrl+c")
        await ui.sees("ctrl+q quits tuivm")
        await ui.press("P", "ctrl+c")
        await ui.sees("ctrl+q quits tuivm")
        assert ui.app.return_code is None


async def test_ctrl_q_quits_from_a_dialog_too() -> None:
    async with running(FakeBackend(fleet())) as ui:
        await ui.press("G", "D")
        await ui.pilot.press("ctrl+q")
        await ui.until(lambda: ui.app.return_code is not None)


async def test_redraw_keeps_the_picture() -> None:
    async with running(FakeBackend(fleet())) as ui:
        before = ui.frame()
        await ui.press("ctrl+l")
        assert ui.frame() == before


async def test_the_demo_and_readonly_are_always_visible() -> None:
    async with running(FakeBackend(fleet()), demo=True, readonly=True) as ui:
        for keys in ([], ["4"], ["6"], ["question_mark"]):
            await ui.press(*keys)
            assert "DEMO" in ui.lines()[0]
            assert "RO" in ui.lines()[0]


@pytest.mark.parametrize("theme", ["tuivm", "tuivm-light", "textual-dark", "textual-light", "nord"])
async def test_every_theme_shows_the_list(theme: str) -> None:
    async with running(FakeBackend(fleet())) as ui:
        ui.app.theme = theme
        await ui.pilot.pause(0.1)
        assert "web-01" in ui.frame()


def test_the_theme_follows_what_the_terminal_tells() -> None:
    assert default_theme({}) == DARK
    assert default_theme({"COLORFGBG": "15;0"}) == DARK
    assert default_theme({"COLORFGBG": "0;15"}) == LIGHT


@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.name)
def test_states_that_matter_differ_in_more_than_nothing(theme: object) -> None:
    styles = Palette(theme)  # type: ignore[arg-type]
    looks = {role: styles[role] for role in ("state.running", "state.paused", "state.fault")}
    assert len({str(style) for style in looks.values()}) == 3
    assert all(styles[role] is not None for role in LOOKS)


def test_without_colours_the_cursor_is_reversed() -> None:
    assert Palette(THEMES[0], mono=True).cursor.reverse


async def test_the_backend_hears_that_the_user_works_elsewhere() -> None:
    backend = FakeBackend(fleet())
    async with running(backend) as ui:
        await ui.until(lambda: bool(backend.focused))
        assert not backend.focused[-1].blurred
        ui.app.post_message(events.AppBlur())
        await ui.until(lambda: backend.focused[-1].blurred)
        assert backend.focused[-1].visible
        ui.app.post_message(events.AppFocus())
        await ui.until(lambda: not backend.focused[-1].blurred)
