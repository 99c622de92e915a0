"""Names written by an enemy look right everywhere and reach the terminal clean."""

from __future__ import annotations

import io
import re

import pytest

from tests.ui.fake import FakeBackend, domain, entry, fleet, host
from tests.ui.screens import Ui, running
from tuivm.core.api import Batch
from tuivm.core.errors import TuivmError
from tuivm.core.model import HostState, Severity, State
from tuivm.core.text import sanitise

NAME = "a[/b]"
TITLE = sanitise("\x1b]0;pwn\x07\x1b[2J\u202eevil\u2066[@click=app.quit]x[/]" + "Z" * 4000)
LONG = sanitise("[bold]" + "n" * 4000)


def enemy() -> Batch:
    """A fleet in which every text is hostile; the backend has sanitised it."""
    error = TuivmError(f"Cannot reach [red]{NAME}", "[/] broke", hint="[link=x]do[/link]")
    first = domain(1, NAME, title=TITLE, ip="10.0.0.1")
    others = [domain(2, LONG, State.PAUSED, reason="[/paused]"), domain(3, "$(rm -rf ~) `x`")]
    batch = Batch(
        hosts={"kv1": host(), "[kv2]": host("[kv2]", HostState.LOST)._replace(error=error)},
        domains={one.key: one for one in (first, *others)},
    )
    text = f"{NAME} failed [/]"
    batch.entries.append(entry(text, severity=Severity.ERROR, name=NAME, error=error))
    return batch


def clean(ui: Ui) -> None:
    """Nothing on the screen can harm a terminal."""
    for line in ui.lines():
        assert line.isprintable(), repr(line)
        assert len(line) <= ui.app.size.width


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
async def test_every_screen_survives_a_hostile_fleet(size: tuple[int, int]) -> None:
    backend = FakeBackend(enemy())
    async with running(backend, size) as ui:
        assert NAME in ui.frame()
        clean(ui)
        for keys in (
            ["P"],
            ["escape", "y"],
            ["escape", "D"],
            ["escape", "S"],
            ["n", "4"],
            ["j", "j"],
            ["6"],
            ["enter"],
            ["escape", "escape", "question_mark"],
            ["escape", "comma"],
            ["escape", "asterisk", "D"],
            ["escape", "colon", "s", "t", "a", "r", "t", "space", "tab"],
            ["escape", "escape", "ctrl+p"],
            ["escape", "slash", "left_square_bracket", "slash"],
        ):
            await ui.press(*keys)
            clean(ui)
        assert ui.app.is_running


async def test_the_name_is_shown_as_it_is_in_questions_and_toasts() -> None:
    backend = FakeBackend(enemy())
    async with running(backend, (120, 40)) as ui:
        view = ui.app.context.view
        index = next(i for i in range(len(view)) if view.row(i).domain.name == NAME)
        await ui.press("g", *["j"] * index, "S")
        await ui.sees(f"Shut down {NAME}?")
        await ui.press("n", "D")
        await ui.sees(f"{NAME} on kv1 (running)")
        await ui.press("escape")
        ui.app.notify(f"{NAME} [/]", markup=False)
        await ui.sees(f"{NAME} [/]")


async def test_what_is_written_to_the_terminal_has_no_foreign_escape_sequence() -> None:
    from rich.console import Console

    backend = FakeBackend(enemy())
    async with running(backend, (200, 60)) as ui:
        strips = ui.app.screen._compositor.render_strips()
        out = io.StringIO()
        console = Console(file=out, force_terminal=True, color_system="truecolor", width=200)
        text = "".join(strip.render(console) for strip in strips)
        text = re.sub(r"\x1b\[[0-9;]*m", "", text)
        text = re.sub(r"\x1b\]8;[^\x1b]*\x1b\\", "", text)
        assert "\x1b" not in text
        assert "\x07" not in text
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", text)


async def test_a_fleet_that_is_fine_next_to_the_enemy_is_readable() -> None:
    batch = fleet()
    batch.domains |= enemy().domains
    async with running(FakeBackend(batch)) as ui:
        assert "web-01" in ui.frame() or "build-7" in ui.frame()
