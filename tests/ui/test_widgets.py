"""The building blocks: bars that cut, rows that repaint only what differs, ASCII, themes."""

from __future__ import annotations

import pytest
from rich.segment import Segment
from textual.color import Color
from textual.strip import Strip

from tests.ui.fake import FakeBackend, fleet
from tests.ui.screens import make, running
from tuivm.core.errors import TuivmError
from tuivm.screens.details_view import DetailsView
from tuivm.widgets.asciifilter import AsciiFilter
from tuivm.widgets.bars import Part, _cut
from tuivm.widgets.listbox import Line, ListBox, Span, line_strip
from tuivm.widgets.prompt import Prompt
from tuivm.widgets.roles import Palette
from tuivm.widgets.rows import draw, lay_over
from tuivm.widgets.themes import THEMES

STYLES = Palette(THEMES[0])


@pytest.mark.parametrize("width", range(0, 14))
def test_a_bar_is_cut_to_any_width(width: int) -> None:
    parts = [Part("abc"), Part("日本語"), Part("xyz")]
    kept = "".join(part.text for part in _cut(parts, width))
    assert Strip([Segment(kept)]).cell_length <= width


def test_drawing_spends_no_style_on_blanks() -> None:
    strip = draw([("run", "state.running"), ("   ", ""), ("name", ""), ("  ", "dim")], 12, STYLES)
    assert strip.cell_length == 12
    assert [segment.text for segment in strip] == ["run   ", "name  "]


def test_the_cursor_is_one_bar() -> None:
    strip = draw([("run", "state.running"), (" ", ""), ("bad", "bad")], 20, STYLES)
    assert len(list(lay_over(strip, STYLES.cursor))) == 1


def test_the_right_part_of_a_line_gives_way() -> None:
    line = ([Span("left")], [Span("right")])
    assert line_strip(*line, 20, STYLES).text.rstrip().endswith("right")
    assert "right" not in line_strip(*line, 9, STYLES).text


def test_ascii_keeps_the_number_of_cells() -> None:
    text = "● größe 日本 ┌─┐ ▁▂█ …"
    before = Strip([Segment(text)])
    after = Strip(AsciiFilter().apply([Segment(text)], Color(0, 0, 0)))
    assert after.text.isascii()
    assert after.cell_length == before.cell_length


def test_a_list_keeps_its_place_by_key() -> None:
    box = ListBox()
    box.show([Line((Span(key),), key) for key in "abc"])
    box.set_cursor(1)
    box.show([Line((Span(key),), key) for key in "xabc"])
    assert box.selected is not None
    assert box.selected.key == "b"
    box.show([])
    assert box.selected is None


async def test_a_prompt_may_be_spoken_to_before_it_is_built() -> None:
    """Regression: on a busy machine the filter's help came before the line it is shown in."""
    async with running(FakeBackend(fleet())) as ui:
        prompt = Prompt("?")
        ui.app.screen.mount(prompt)
        prompt.remark("what to press")
        prompt.set_text("typed")
        await ui.sees("?typed")
        await ui.sees("what to press")


async def test_details_that_are_left_before_they_are_built_are_no_defect() -> None:
    """Regression: the pane beside the list ended the program where it was closed at once."""
    async with running(FakeBackend(fleet())) as ui:
        key = next(iter(ui.app.context.store.rows))
        for _ in range(3):
            view = DetailsView(ui.app.context, key)
            ui.app.screen.mount(view)
            view.remove()
            await ui.pilot.pause()
        await ui.pilot.pause()
        assert not ui.app.screen.query(DetailsView)


def test_an_unknown_theme_is_an_error_with_the_known_ones() -> None:
    from tuivm.app import TuivmApp

    context = make(FakeBackend(fleet())).context
    with pytest.raises(TuivmError) as caught:
        TuivmApp(context, theme="nope")
    assert "tuivm-light" in caught.value.hint


def test_no_attribute_of_ours_hides_one_of_textuals() -> None:
    """Regression: ``_ready`` and ``arrange`` are Textual's own names."""
    from textual.app import App
    from textual.screen import Screen

    from tuivm.screens.vms import VmsScreen

    app = make(FakeBackend(fleet()))
    meant = {"theme", "_filters", "_return_code"}
    plain: App[int] = App()
    ours = set(vars(app)) - set(vars(plain))
    assert not {name for name in ours if hasattr(App, name)} - meant
    screen = VmsScreen(app.context)
    ours = set(vars(screen)) - set(vars(Screen()))
    assert not {name for name in ours if hasattr(Screen, name)}
