"""Menus: one key a line, and nothing that is said there is out of reach."""

from __future__ import annotations

import pytest

from tests.ui.fake import FakeBackend, fleet, host
from tests.ui.screens import Ui, running
from tests.ui.test_console import Backend, opened
from tests.ui.test_flow import go_to

ALONE = "only one console is open; mark VMs in the list, then c"


def words(ui: Ui) -> str:
    """What stands in the box, whatever its lines are."""
    return " ".join(" ".join(ui.lines()).replace("│", " ").split())


async def test_a_greyed_line_that_is_cut_says_its_reason_in_full_once_its_key_is_pressed() -> None:
    async with opened(Backend()) as (ui, _channel):
        await ui.press("f12")
        await ui.sees("Type into all")
        height = len([line for line in ui.lines() if "│" in line])
        assert ALONE not in words(ui)
        await ui.press("b")
        await ui.until(lambda: ALONE in words(ui))
        assert len([line for line in ui.lines() if "│" in line]) == height, "nothing jumps"
        await ui.press("up")
        await ui.until(lambda: ALONE in words(ui))
        await ui.press("up")
        await ui.until(lambda: ALONE not in words(ui))


@pytest.mark.parametrize("size", [(80, 24), (60, 16), (40, 10)])
async def test_the_power_menu_shows_each_command_however_narrow(size: tuple[int, int]) -> None:
    async with running(FakeBackend(fleet()), size) as ui:
        await go_to(ui, "web-01")
        await ui.press("P")
        await ui.sees("Power: web-01")
        assert "virsh … " in ui.frame() or size[0] < 80
        await ui.press("2")
        await ui.press("escape")
        await ui.press("P", *["down"] * 6)
        command = "virsh -c qemu+ssh://kv1/system shutdown web-01 --mode"
        await ui.until(lambda: command in words(ui))


async def test_one_of_many_is_found_by_its_letters() -> None:
    batch = fleet()
    batch.hosts |= {name: host(name) for name in (f"kv{number}" for number in range(2, 41))}
    async with running(FakeBackend(batch)) as ui:
        await ui.press("H")
        await ui.sees("/ find")
        height = len([line for line in ui.lines() if "│" in line])
        await ui.press("slash", *"kv3")
        await ui.until(lambda: "kv30" in ui.frame() and "kv2 " not in ui.frame())
        assert "/kv3" in ui.frame()
        assert len([line for line in ui.lines() if "│" in line]) == height, "nothing jumps"
        await ui.press(*"xq")
        await ui.sees("nothing here has these letters")
        await ui.press("enter", "backspace", "backspace", "7")
        await ui.until(lambda: "kv30" not in ui.frame())
        await ui.press("escape")
        await ui.sees("/ find")
        await ui.press("slash", *"kv37", "enter")
        await ui.until(lambda: "/host=kv37" in ui.lines()[1] or "/host:kv37" in ui.lines()[1])


async def test_a_menu_follows_the_terminals_size() -> None:
    async with running(FakeBackend(fleet()), (80, 24)) as ui:
        await go_to(ui, "web-01")
        await ui.press("P")
        await ui.sees("Power: web-01")
        for size in ((40, 10), (120, 40), (80, 24)):
            await ui.pilot.resize_terminal(*size)
            await ui.until(lambda: "esc leave" in ui.frame())
        assert "Save memory" in ui.frame()


async def test_a_form_on_a_tiny_terminal_shows_its_fields_and_keys() -> None:
    async with running(FakeBackend(fleet()), (40, 11)) as ui:
        await go_to(ui, "web-01")
        await ui.press("4", "n")
        await ui.sees("Add a host")
        for word in ("URI", "Connect at start", "enter add"):
            assert word in ui.frame(), ui.frame()
        await ui.pilot.resize_terminal(80, 24)
        await ui.until(lambda: "over ssh, as your" in words(ui))


async def test_the_hosts_keep_their_footer_on_a_tiny_terminal() -> None:
    async with running(FakeBackend(fleet()), (40, 10)) as ui:
        await ui.press("4")
        await ui.sees("kv1")
        assert "enter" in ui.lines()[-1], ui.frame()
        await ui.pilot.resize_terminal(80, 24)
        await ui.sees("URI")
