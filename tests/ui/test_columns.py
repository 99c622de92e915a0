"""Columns chosen by the user, and saved views, on the list's screen."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.ui.fake import FakeBackend, fleet
from tests.ui.screens import Ui, running
from tests.ui.test_export import command

SIZES = [(80, 24), (120, 40)]


def header(ui: Ui) -> list[str]:
    """The headers of the columns, from left to right, without the sort's arrow."""
    return ui.lines()[2].replace("▲", "").replace("▼", "").split()


def view_told(ui: Ui) -> str:
    """The view that the summary line names, with its star; empty for none."""
    return "".join(re.findall(r"view (.+?)(?:   |$)", ui.lines()[1]))


def file(tmp_path: Path) -> Path:
    return tmp_path / "config" / "tuivm" / "views.json"


@pytest.mark.parametrize("size", SIZES)
async def test_columns_are_hidden_moved_and_sized_in_sight_of_the_list(
    size: tuple[int, int], tmp_path: Path
) -> None:
    async with running(FakeBackend(fleet()), size) as ui:
        before = header(ui)
        assert {"STATE", "NAME", "CPU%", "MEM", "IP"} <= {*before}
        await ui.press("vertical_line")
        await ui.sees("[x] STATE")
        assert header(ui) == before, "the header stays in sight"
        await ui.press("j", "j", "j", "space")
        await ui.sees("[ ] CPU%")
        await ui.until(lambda: "CPU%" not in header(ui))
        await ui.press("j", "K", "K", "K", "K")
        await ui.until(lambda: header(ui)[0] == "MEM")
        await ui.press("j", "j", "plus", "plus", "minus")
        await ui.sees("10 to 48 wide, 0 = automatic")
        await ui.press("escape")
        await ui.until(lambda: header(ui) == before)
        assert not file(tmp_path).exists()

        await ui.press("vertical_line", "K", "j", "j", "j", "space", "J", "enter")
        await ui.sees("columns kept")
        await ui.until(lambda: "CPU%" not in header(ui))
        assert json.loads(file(tmp_path).read_text())["columns"]["hidden"] == ["cpu"]
    async with running(FakeBackend(fleet()), size) as ui:
        assert "CPU%" not in header(ui)
        await ui.press("vertical_line", "r", "enter")
        await ui.until(lambda: header(ui) == before)


async def test_the_name_stays_and_what_has_no_room_says_so() -> None:
    async with running(FakeBackend(fleet())) as ui:
        await command(ui, "columns")
        await ui.sees("[x] NAME")
        await ui.press("j", "space")
        await ui.sees("The name is always shown")
        assert "[x] NAME" in ui.frame()
        line = next(line for line in ui.lines() if "[x] TITLE" in line)
        assert "no room" in line
        assert "more than one host" in next(line for line in ui.lines() if "[x] HOST" in line)
        await ui.press("G", "0", "q")
        await ui.until(lambda: "[x]" not in ui.frame())


async def test_a_click_on_a_check_box_switches_it() -> None:
    async with running(FakeBackend(fleet())) as ui:
        await ui.press("vertical_line")
        await ui.sees("[x] MEM")
        await ui.pilot.click("#columns", offset=(2, 4))
        await ui.sees("[ ] MEM")
        await ui.pilot.click("#columns", offset=(12, 4))
        await ui.pilot.pause()
        assert "[ ] MEM" in ui.frame()


@pytest.mark.parametrize("size", SIZES)
async def test_views_are_switched_by_number_and_tell_when_they_changed(
    size: tuple[int, int],
) -> None:
    async with running(FakeBackend(fleet()), size) as ui:
        assert view_told(ui) == ""
        await ui.press("V")
        await ui.sees("busiest")
        await ui.press("2")
        await ui.sees("2 of 7 VMs")
        assert view_told(ui) == "running"
        await ui.press("F")
        await ui.until(lambda: " running*" in ui.lines()[1])
        await ui.press("V")
        await ui.sees("changed since")
        await ui.press("j", "enter")
        await ui.until(lambda: view_told(ui) == "faults")
        await command(ui, "view all")
        await ui.until(lambda: view_told(ui) == "all" and ui.lines()[1].startswith(" 7 VMs"))


async def test_the_list_is_saved_replaced_renamed_and_deleted(tmp_path: Path) -> None:
    async with running(FakeBackend(fleet())) as ui:
        await command(ui, "filter web")
        await ui.press("V", "s")
        await ui.type("all")
        await ui.press("enter")
        await ui.sees("all is built in")
        await ui.press("ctrl+u")
        await ui.type("my webs")
        await ui.press("enter")
        await ui.sees("saved as my webs")
        await ui.until(lambda: view_told(ui) == "my webs")

        await command(ui, "sort mem")
        await ui.until(lambda: view_told(ui) == "my webs*")
        await ui.press("V", "s", "enter")
        await ui.sees("Replace the view my webs")
        await ui.press("n", "s", "enter")
        await ui.sees("y replace")
        await ui.press("y")
        await ui.until(lambda: view_told(ui) == "my webs")
        (saved,) = json.loads(file(tmp_path).read_text())["views"]
        assert (saved["name"], saved["filter"], saved["sort"]) == ("my webs", "web", "mem")

        await ui.press("V", "n")
        await ui.type("2")
        await ui.press("enter")
        await ui.sees("my webs2")
        await ui.press("d")
        await ui.sees("Delete the view my webs2?")
        await ui.press("x")
        assert "my webs2" in ui.frame()
        await ui.press("d", "y")
        await ui.sees("deleted my webs2")
        await ui.press("d")
        await ui.sees("is built in")
        await ui.press("escape")
        assert "2 of 7 VMs" in ui.frame(), "the list stays as it is"
        assert json.loads(file(tmp_path).read_text())["views"] == []


async def test_columns_of_a_saved_view_come_and_go_with_it() -> None:
    async with running(FakeBackend(fleet()), (120, 40)) as ui:
        usual = header(ui)
        await ui.press("V", "s")
        await ui.type("mine")
        await ui.press("enter", "vertical_line", "j", "j", "j", "space", "enter")
        await ui.sees("V s saves them with mine")
        await ui.until(lambda: view_told(ui) == "mine*")
        await ui.press("V", "s", "enter", "y")
        await ui.until(lambda: view_told(ui) == "mine")
        assert "CPU%" not in header(ui)
        await ui.press("V", "1")
        await ui.until(lambda: header(ui) == usual)
        await command(ui, "view mine")
        await ui.until(lambda: "CPU%" not in header(ui))


async def test_what_cannot_be_shown_or_saved_says_why(tmp_path: Path) -> None:
    file(tmp_path).parent.mkdir(parents=True)
    file(tmp_path).write_text('{"views": [{"name": "odd", "filter": "cpu>much"}]}')
    async with running(FakeBackend(fleet())) as ui:
        await ui.press("V", "5")
        await ui.sees("odd: ")
        assert view_told(ui) == ""
        await command(ui, "view runing")
        await ui.sees("did you mean running?")
        await ui.press("escape")
        file(tmp_path).unlink()
        file(tmp_path).parent.rmdir()
        file(tmp_path).parent.write_text("in the way")
        await ui.press("vertical_line", "space", "enter")
        await ui.sees("Cannot save views")
        assert "STATE" not in header(ui), "they are shown all the same"


async def test_an_export_has_the_columns_in_the_chosen_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with running(FakeBackend(fleet())) as ui:
        await ui.press("vertical_line", "space", "G", "K", "K", "enter")
        await command(ui, "export a.csv")
        await ui.sees("saved 7 VMs")
        fields = (tmp_path / "a.csv").read_text().splitlines()[0].split(",")
        assert fields[:2] == ["name", "host"]
        assert fields[-3:] == ["title", "uptime", "tags"]
