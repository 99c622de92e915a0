"""Several consoles at once: tabs, a split, typing into all, and consoles that stay attached."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.ui.fake import uuid
from tests.ui.screens import Ui, running
from tests.ui.test_console import Backend, Channel
from tuivm.core.api import ConsoleChannel, ConsoleSink, ConsoleState
from tuivm.core.consoleports import ConsolePort
from tuivm.core.model import DomainKey
from tuivm.screens.console import ConsoleScreen
from tuivm.screens.vms import VmsScreen

ONE, TWO, THREE = (DomainKey("kv1", uuid(number)) for number in (1, 2, 3))
LEAVE = "ctrl+right_square_bracket"


class Fleet(Backend):
    """Remembers which channel is whose."""

    def __init__(self, first: ConsoleState = ConsoleState.ATTACHED, detail: str = "") -> None:
        super().__init__(first, detail)
        self.opened: list[tuple[DomainKey, str]] = []

    def console(
        self,
        key: DomainKey,
        sink: ConsoleSink,
        *,
        device: str = "",
        force: bool = False,
        boot: bool = False,
    ) -> ConsoleChannel:
        self.opened.append((key, device))
        return super().console(key, sink, device=device, force=force, boot=boot)

    def of(self, key: DomainKey, device: str = "") -> Channel:
        """The newest channel of a console."""
        places = [n for n, place in enumerate(self.opened) if place == (key, device)]
        return self.channels[places[-1]]


@asynccontextmanager
async def consoles(
    *keys: DomainKey, size: tuple[int, int] = (80, 24), ascii_only: bool = False
) -> AsyncIterator[tuple[Ui, Fleet]]:
    backend = Fleet()
    async with running(backend, size, ascii=ascii_only) as ui:
        await ui.sees("web-01")
        ui.app.push_screen(ConsoleScreen(ui.app.context, keys[0], more=keys[1:]))
        await ui.until(lambda: isinstance(ui.app.screen, ConsoleScreen))
        for key in keys:
            session = ui.app.context.consoles.get(key)
            await ui.until(lambda session=session: session.attached, 20)  # type: ignore[misc]
        yield ui, backend


async def test_c_on_marked_vms_opens_them_all_as_tabs() -> None:
    backend = Fleet()
    async with running(backend) as ui:
        await ui.sees("web-01")
        await ui.press("/", *"web", "enter", "space", "space", "c")
        await ui.sees("1 web-01")
        await ui.sees("2 web-02")
        assert backend.opened == [(ONE, ""), (TWO, "")]
        assert not any(channel.closed for channel in backend.channels)
        await ui.press(LEAVE)
        await ui.until(lambda: all(channel.closed for channel in backend.channels))


async def test_marked_vms_that_are_off_are_told_where_one_looks() -> None:
    backend = Fleet()
    async with running(backend) as ui:
        await ui.sees("web-01")
        await ui.press("*", "c")
        await ui.until(lambda: isinstance(ui.app.screen, ConsoleScreen))
        await ui.sees("3 of 7 not opened: off")


async def test_one_console_has_no_bar() -> None:
    async with consoles(ONE) as (ui, backend):
        backend.of(ONE).say("top")
        await ui.sees("top")
        assert ui.lines()[0] == "top"


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
async def test_tabs_are_switched_by_key_and_by_click(size: tuple[int, int]) -> None:
    async with consoles(ONE, TWO, THREE, size=size) as (ui, backend):
        for number, key in enumerate((ONE, TWO, THREE), 1):
            backend.of(key).say(f"this is {number}")
        await ui.sees("this is 1")
        await ui.press("f12", "2")
        await ui.sees("this is 2")
        assert "this is 1" not in ui.frame()
        await ui.press("x")
        await ui.until(lambda: bytes(backend.of(TWO).sent) == b"x")
        await ui.press("f12", "tab")
        await ui.sees("this is 3")
        await ui.press("f12", "tab")
        await ui.sees("this is 1")
        await ui.press("f12", "shift+tab")
        await ui.sees("this is 3")
        await ui.pilot.click(offset=(ui.lines()[0].index("web-02"), 0))
        await ui.sees("this is 2")
        await ui.press("y")
        await ui.until(lambda: bytes(backend.of(TWO).sent) == b"xy")
        assert not backend.of(ONE).sent
        assert ui.lines()[-1].startswith(" web-02 attached")


async def test_news_and_bells_of_hidden_consoles_show_in_the_bar() -> None:
    async with consoles(ONE, TWO) as (ui, backend):
        assert "web-02*" not in ui.lines()[0]
        backend.of(TWO).say("something")
        await ui.sees("2 web-02*")
        backend.of(TWO).say("\a")
        await ui.sees("2 web-02!")
        await ui.press("f12", "2")
        await ui.sees("something")
        await ui.until(lambda: ui.lines()[0].startswith(" 1 web-01  2 web-02"))
        backend.of(ONE).become(ConsoleState.ENDED)
        await ui.sees("1 web-01 off")


@pytest.mark.parametrize(
    ("size", "beside"), [((80, 24), False), ((120, 40), False), ((161, 40), True)]
)
async def test_a_split_shows_two(size: tuple[int, int], beside: bool) -> None:
    async with consoles(ONE, TWO, THREE, size=size) as (ui, backend):
        for number, key in enumerate((ONE, TWO, THREE), 1):
            backend.of(key).say(f"this is {number}\r\n$ ")
        await ui.press("f12", "v")
        await ui.sees("this is 1")
        await ui.sees("this is 2")
        line = next(text for text in ui.lines() if "this is 1" in text)
        assert ("this is 2" in line) is beside
        await ui.press("f12", "2", "k")
        await ui.until(lambda: bytes(backend.of(TWO).sent) == b"k")
        await ui.press("f12", "3")
        await ui.sees("this is 3")
        assert "this is 1" in ui.frame()
        await ui.pilot.click(offset=(3, 3))
        await ui.press("z")
        await ui.until(lambda: bytes(backend.of(ONE).sent) == b"z")
        await ui.press("f12", "v")
        await ui.until(lambda: "this is 3" not in ui.frame())
        assert "this is 1" in ui.frame()


async def test_a_split_cuts_no_line_of_80_columns() -> None:
    for columns in (120, 161):
        async with consoles(ONE, TWO, size=(columns, 40)) as (ui, backend):
            backend.of(ONE).say("x" * 77 + "END\r\n")
            await ui.press("f12", "v")
            await ui.sees("END")


async def test_typing_into_all_warns_reaches_all_and_ends_by_one_key() -> None:
    async with consoles(ONE, TWO, THREE) as (ui, backend):
        backend.of(THREE).become(ConsoleState.ENDED)
        await ui.sees("3 db-01 off")
        await ui.press("f12", "b")
        await ui.sees("TYPING INTO ALL 2")
        assert "typing into all 2: f12 ends it" in ui.lines()[-1]
        await ui.press(*"ls", "enter")
        await ui.until(lambda: bytes(backend.of(TWO).sent) == b"ls\r")
        assert bytes(backend.of(ONE).sent) == b"ls\r"
        assert not backend.of(THREE).sent
        await ui.press("f12")
        await ui.until(lambda: "TYPING" not in ui.frame())
        assert isinstance(ui.app.screen, ConsoleScreen)
        await ui.press("x")
        await ui.until(lambda: bytes(backend.of(ONE).sent) == b"ls\rx")
        assert bytes(backend.of(TWO).sent) == b"ls\r"


async def test_cursor_keys_go_to_each_as_its_modes_want_them() -> None:
    async with consoles(ONE, TWO) as (ui, backend):
        backend.of(TWO).say("\x1b[?1h")
        await ui.until(lambda: ui.app.context.consoles.get(TWO).seen > 0)
        await ui.press("f12", "b", "up")
        await ui.until(lambda: bytes(backend.of(TWO).sent) == b"\x1bOA")
        assert bytes(backend.of(ONE).sent) == b"\x1b[A"


async def test_a_kept_console_goes_on_reading_and_the_list_says_so() -> None:
    async with consoles(ONE) as (ui, backend):
        await ui.press("f12", "k")
        await ui.sees("web-01 attached kept")
        await ui.press(LEAVE)
        await ui.until(lambda: isinstance(ui.app.screen, VmsScreen))
        await ui.sees("»")
        assert next(line for line in ui.lines() if "»" in line).count("web-01") == 1
        assert not backend.of(ONE).closed
        backend.of(ONE).say("while away")
        ui.app.push_screen(ConsoleScreen(ui.app.context, TWO))
        await ui.sees("2 web-01»")
        assert backend.opened == [(ONE, ""), (TWO, "")]
        await ui.press("f12", "2")
        await ui.sees("while away")
        await ui.press("f12", "k", LEAVE)
        await ui.until(lambda: isinstance(ui.app.screen, VmsScreen))
        assert backend.of(ONE).closed
        await ui.until(lambda: "»" not in ui.frame())


async def test_attaching_anew_finds_out_what_libvirt_did_not_tell() -> None:
    async with consoles(ONE) as (ui, backend):
        first = backend.of(ONE)
        backend.first = (ConsoleState.BUSY, "")
        await ui.press("f12", "a")
        await ui.sees("Somebody else has this console open")
        assert first.closed


async def test_a_tab_is_closed_alone() -> None:
    async with consoles(ONE, TWO) as (ui, backend):
        await ui.press("f12", "w")
        await ui.until(lambda: backend.of(ONE).closed)
        assert not backend.of(TWO).closed
        await ui.sees("web-02 attached")
        assert "1 web-" not in ui.lines()[0]


async def test_the_other_consoles_of_a_vm() -> None:
    async with consoles(ONE) as (ui, backend):
        backend.ports = (
            ConsolePort("serial0", "serial port", True, first=True),
            ConsolePort("console1", "virtio console", True),
            ConsolePort("serial1", "serial1 writes to the file /x", False),
        )
        backend.of(ONE).say("first")
        await ui.press("f12", "o")
        await ui.sees("writes to the file /x")
        await ui.press("2")
        await ui.until(lambda: backend.opened[-1] == (ONE, "console1"))
        await ui.sees("2 web-01:console1")
        backend.of(ONE, "console1").say("second")
        await ui.sees("second")
        await ui.press("f12", "1")
        await ui.sees("first")
        assert "second" not in ui.frame()


async def test_a_console_is_added_after_a_yes() -> None:
    backend = Fleet(ConsoleState.NO_DEVICE)
    async with running(backend) as ui:
        await ui.sees("web-01")
        ui.app.push_screen(ConsoleScreen(ui.app.context, ONE))
        await ui.sees("a add one")
        await ui.press("a")
        await ui.sees("<serial type='pty'/>")
        await ui.press("n")
        await ui.sees("a add one")
        assert not backend.calls
        await ui.press("a", "y")
        await ui.until(lambda: bool(backend.calls))
        assert backend.calls == [(ONE, "add-console", {})]
        await ui.sees("Power it off and on")
        await ui.sees("serial-getty@ttyS0")


async def test_tabs_in_ascii() -> None:
    async with consoles(ONE, TWO, size=(120, 40), ascii_only=True) as (ui, _backend):
        await ui.press("f12", "v", "f12", "k")
        await ui.sees("1 web-01>")
        assert ui.frame().isascii()
