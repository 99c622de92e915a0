"""Writing what the list shows to a file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.ui.fake import FakeBackend, fleet
from tests.ui.screens import Ui, running


async def command(ui: Ui, line: str) -> None:
    await ui.press("colon")
    await ui.type(line)
    await ui.press("enter")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is typed as a file's name is one of the test's own folder."""
    monkeypatch.chdir(tmp_path)


async def test_the_command_writes_the_rows_shown_and_says_how_many(tmp_path: Path) -> None:
    async with running(FakeBackend(fleet())) as ui:
        ui.app.context.view.set_filter("web")
        ui.app.context.view.set_sort("name", True)
        await command(ui, "export a.csv")
        await ui.sees("saved 2 VMs")
        header, *lines = (tmp_path / "a.csv").read_text().splitlines()
        name = header.split(",").index("name")
        assert [line.split(",")[name] for line in lines] == ["web-02", "web-01"]
        assert (tmp_path / "a.csv").stat().st_mode & 0o777 == 0o600
        await command(ui, "export a.json")
        await ui.sees("/a.json")
        records = json.loads((tmp_path / "a.json").read_text())
        assert [one["name"] for one in records] == ["web-02", "web-01"]


async def test_a_file_that_is_there_is_replaced_only_after_a_question(tmp_path: Path) -> None:
    path = tmp_path / "my a.csv"
    path.write_text("mine")
    async with running(FakeBackend(fleet())) as ui:
        await command(ui, "export my a.csv")
        await ui.sees("Replace the file?")
        await ui.press("escape")
        assert path.read_text() == "mine"


async def test_a_name_without_a_format_is_told_and_kept() -> None:
    async with running(FakeBackend(fleet())) as ui:
        await command(ui, "export a.txt")
        await ui.sees("the name has to end in .csv or .json")
        assert ":export a.txt" in ui.frame()


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
async def test_the_key_asks_for_a_name(size: tuple[int, int], tmp_path: Path) -> None:
    async with running(FakeBackend(fleet()), size) as ui:
        await ui.press("E")
        await ui.sees("7 VMs, as the list shows them")
        assert "enter export" in ui.frame()
        await ui.press("backspace", "enter")
        await ui.sees("has to end in .csv or .json")
        await ui.type("v")
        await ui.press("enter")
        await ui.sees("saved 7 VMs")
        await ui.until(lambda: len([*tmp_path.glob("vms-*.csv")]) == 1)


async def test_the_command_without_a_name_asks_for_one(tmp_path: Path) -> None:
    async with running(FakeBackend(fleet())) as ui:
        await command(ui, "export")
        await ui.sees("7 VMs, as the list shows them")
        await ui.press("enter")
        await ui.sees("saved 7 VMs")
