"""The console as a person uses it: attach, type, leave, and be told what is going on."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from unicodedata import category

import pytest
from textual import events

from tests.ui.fake import FakeBackend, domain, fleet, uuid
from tests.ui.screens import Ui, running
from tuivm.core.api import Batch, ConsoleChannel, ConsoleSink, ConsoleState
from tuivm.core.model import DomainKey, State
from tuivm.core.session import ConsoleSession
from tuivm.core.terminal import UNPRINTABLE
from tuivm.screens import console as console_module
from tuivm.screens.console import ConsoleScreen
from tuivm.widgets.terminal import TerminalView

WEB = DomainKey("kv1", uuid(1))
SIZES = [(80, 24), (120, 40), (200, 60)]


class Channel:
    """The guest's side, played by the test."""

    def __init__(self, sink: ConsoleSink, *, boot: bool) -> None:
        self.sink = sink
        self.boot = boot
        self.state = ConsoleState.CLOSED
        self.sent = bytearray()
        self.closed = False
        self.attempts: list[bool] = []

    def become(self, state: ConsoleState, detail: str = "") -> None:
        self.state = state
        self.sink.console_state(state, detail)

    def say(self, data: bytes | str) -> None:
        self.sink.console_bytes(data.encode() if isinstance(data, str) else data)

    def write(self, data: bytes) -> None:
        self.sent += data

    def attach(self, *, force: bool = False) -> None:
        self.attempts.append(force)

    def close(self) -> None:
        self.closed = True


class Backend(FakeBackend):
    """The fake backend, with consoles."""

    def __init__(self, first: ConsoleState = ConsoleState.ATTACHED, detail: str = "") -> None:
        super().__init__(fleet())
        self.first = (first, detail)
        self.channels: list[Channel] = []

    def console(
        self,
        key: DomainKey,
        sink: ConsoleSink,
        *,
        device: str = "",
        force: bool = False,
        boot: bool = False,
    ) -> ConsoleChannel:
        channel = Channel(sink, boot=boot)
        self.channels.append(channel)
        channel.become(ConsoleState.ATTACHING)
        channel.become(*self.first)
        return channel


def has_terminal(session: ConsoleSession) -> bool:
    """True once it is made; to take a frame would take it from the screen."""
    with session.turn as core:
        return core is not None


@asynccontextmanager
async def opened(
    backend: Backend, size: tuple[int, int] = (80, 24), *, boot: bool = False
) -> AsyncIterator[tuple[Ui, Channel]]:
    async with running(backend, size) as ui:
        await ui.sees("web-01")
        ui.app.push_screen(ConsoleScreen(ui.app.context, WEB, boot=boot))
        await ui.until(lambda: isinstance(ui.app.screen, ConsoleScreen))
        await ui.until(lambda: has_terminal(ui.app.context.consoles.get(WEB)), 20)
        yield ui, backend.channels[-1]


@pytest.mark.parametrize("size", SIZES)
async def test_the_guests_screen_and_one_status_line(size: tuple[int, int]) -> None:
    async with opened(Backend(), size) as (ui, channel):
        channel.say("Debian GNU/Linux 12 web-01 ttyS0\r\n\r\nweb-01 login: ")
        await ui.sees("web-01 login:")
        lines = ui.lines()
        assert lines[0] == "Debian GNU/Linux 12 web-01 ttyS0"
        assert len(lines) == size[1]
        assert lines[-1].startswith(" web-01 attached")
        assert lines[-1].endswith("ctrl+] ctrl+5 leave  f12 menu")


async def test_c_opens_it_and_the_leave_key_returns_to_the_list() -> None:
    backend = Backend()
    async with running(backend) as ui:
        await ui.sees("web-01")
        await ui.press("/", *"web-01", "enter", "c")
        await ui.until(lambda: bool(backend.channels))
        await ui.sees("ctrl+] ctrl+5 leave")
        for key in ("ctrl+right_square_bracket", "ctrl+5"):
            await ui.press(key)
            await ui.until(lambda: not isinstance(ui.app.screen, ConsoleScreen))
            assert backend.channels[-1].closed
            await ui.press("c")
            await ui.until(lambda: isinstance(ui.app.screen, ConsoleScreen))


async def test_every_other_key_goes_to_the_guest() -> None:
    async with opened(Backend()) as (ui, channel):
        await ui.until(lambda: ui.app.context.consoles.get(WEB).attached)
        keys = ("ctrl+p", "ctrl+q", "ctrl+c", "ctrl+z", "tab", "escape", "q", "?", "up", "f1")
        await ui.press(*keys)
        await ui.until(lambda: channel.sent.endswith(b"\x1bOP"))
        # The pilot gives no characters for control keys; a terminal does, with the same end.
        assert bytes(channel.sent) == b"\x10\x11\x03\x1a\t\x1bq?\x1b[A\x1bOP"
        assert isinstance(ui.app.screen, ConsoleScreen)
        channel.say("\x1b[?1h")
        await ui.until(lambda: ui.app.context.consoles.get(WEB).seen > 0)
        await ui.press("up")
        await ui.until(lambda: channel.sent.endswith(b"\x1bOA"))


async def test_paste_is_stripped_and_bracketed_when_asked() -> None:
    async with opened(Backend()) as (ui, channel):
        view = ui.app.screen.query_one(TerminalView)
        await ui.until(lambda: view.session.attached)
        view.post_message(events.Paste("a\x1d\x03b\nc"))
        await ui.sees("Paste 2 lines")
        await ui.press("y")
        await ui.until(lambda: bytes(channel.sent) == b"ab\rc")
        channel.say("\x1b[?2004h")
        await ui.until(lambda: view.session.seen > 0)
        view.post_message(events.Paste("x\x1d\x1b[201~y"))
        await ui.until(lambda: channel.sent.endswith(b"\x1b[200~x[201~y\x1b[201~"))
        assert isinstance(ui.app.screen, ConsoleScreen)


async def test_the_cursor_is_shown_and_follows() -> None:
    async with opened(Backend()) as (ui, channel):
        channel.say("$ ")
        view = ui.app.screen.query_one(TerminalView)

        def reversed_at(x: int) -> bool:
            cells = list(view.render_line(0).crop(x, x + 1))
            return bool(cells and cells[0].style and cells[0].style.reverse)

        await ui.until(lambda: reversed_at(2))
        channel.say("中\x1b[D\x1b[D")
        await ui.until(lambda: reversed_at(2) and reversed_at(3))
        channel.say("\x1b[?25l")
        await ui.until(lambda: not reversed_at(2))


async def test_scrollback_by_key_wheel_and_menu() -> None:
    async with opened(Backend()) as (ui, channel):
        channel.say("".join(f"line {n}\r\n" for n in range(300)))
        await ui.sees("line 299")
        await ui.press("shift+pageup", "shift+pageup")
        await ui.sees("lines back")
        assert "line 299" not in ui.frame()
        channel.say("new\r\n")
        await ui.press("x")
        await ui.sees("line 299")
        assert "lines back" not in ui.frame()
        assert bytes(channel.sent) == b"x"
        await ui.press("f12")
        await ui.sees("Scrollback")
        await ui.press("s")
        await ui.press("g")
        await ui.sees("line 0")
        await ui.press("escape")
        await ui.sees("line 299")
        assert bytes(channel.sent) == b"x"


async def test_the_menu_sends_what_the_terminal_keeps_for_itself() -> None:
    async with opened(Backend()) as (ui, channel):
        await ui.until(lambda: ui.app.context.consoles.get(WEB).attached)
        await ui.press("f12")
        await ui.sees("Send ^]")
        await ui.press("right_square_bracket")
        await ui.until(lambda: bytes(channel.sent) == b"\x1d")
        await ui.press("f12", "f12")
        await ui.until(lambda: bytes(channel.sent) == b"\x1d\x1b[24~")
        await ui.press("f12", "d")
        await ui.until(lambda: bool(ui.backend.calls))
        key, verb, args = ui.backend.calls[0]
        assert (key, verb) == (WEB, "send-key")
        assert "DELETE" in args["keys"]
        await ui.press("f12", "l")
        await ui.until(lambda: not isinstance(ui.app.screen, ConsoleScreen))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    ("state", "detail", "says"),
    [
        (ConsoleState.BUSY, "", ["Somebody else has this console open", "t take it over"]),
        (ConsoleState.STOLEN, "", ["took this console over", "t take it back"]),
        (ConsoleState.ENDED, "", ["web-01 is off", "s start, and watch"]),
        (ConsoleState.NO_DEVICE, "", ["no serial console", "<serial type='pty'/>", "ttyS0"]),
        (ConsoleState.NOT_A_PTY, "serial0 writes to the file /x", ["the file /x", "enter try"]),
        (ConsoleState.FAILED, "the host refused", ["the host refused", "enter try again"]),
    ],
)
async def test_every_state_says_what_it_is_and_what_to_do(
    size: tuple[int, int], state: ConsoleState, detail: str, says: list[str]
) -> None:
    async with opened(Backend(state, detail), size) as (ui, channel):
        for text in says:
            await ui.sees(text)
        assert ui.lines()[-1].endswith("f12 menu")
        assert not channel.sent


async def test_offers_are_one_key_each() -> None:
    async with opened(Backend(ConsoleState.BUSY)) as (ui, channel):
        await ui.sees("take it over")
        await ui.press("enter", "t")
        await ui.until(lambda: channel.attempts == [False, True])
        channel.become(ConsoleState.ATTACHED)
        await ui.sees("web-01 attached")
        await ui.until(lambda: "take it over" not in ui.frame())
        channel.become(ConsoleState.STOLEN)
        await ui.sees("take it back")
        await ui.press("escape")
        await ui.until(lambda: not isinstance(ui.app.screen, ConsoleScreen))


async def test_started_again_from_the_console_with_every_byte() -> None:
    backend = Backend(ConsoleState.ENDED)
    async with opened(backend) as (ui, _channel):
        await ui.sees("web-01 is off")
        backend.first = (ConsoleState.ATTACHED, "")
        await ui.press("s")
        await ui.until(lambda: len(backend.channels) == 2)
        assert backend.channels[0].closed
        assert backend.channels[1].boot


async def test_a_power_cycle_leaves_its_marks_in_the_scrollback() -> None:
    async with opened(Backend(), (120, 40)) as (ui, channel):
        channel.say("before\r\n")
        await ui.sees("before")
        channel.become(ConsoleState.ENDED)
        await ui.sees("-- stopped ")
        channel.become(ConsoleState.ATTACHING)
        channel.become(ConsoleState.ATTACHED)
        channel.say("booting\r\n")
        await ui.sees("-- started ")
        await ui.sees("booting")
        assert "before" in ui.frame()


async def test_what_was_printed_is_there_after_coming_back() -> None:
    backend = Backend()
    async with opened(backend) as (ui, channel):
        channel.say("remember me\r\n")
        await ui.sees("remember me")
        await ui.press("ctrl+right_square_bracket")
        await ui.until(lambda: not isinstance(ui.app.screen, ConsoleScreen))
        ui.app.push_screen(ConsoleScreen(ui.app.context, WEB))
        await ui.sees("-- attached again")
        assert "remember me" in ui.frame()
        assert len(backend.channels) == 2


async def test_a_vm_that_is_gone_is_no_vm_that_is_off() -> None:
    backend = Backend()
    async with opened(backend) as (ui, channel):
        channel.say("last words")
        await ui.sees("last words")
        channel.become(ConsoleState.ENDED)
        await ui.sees("web-01 is off")
        backend.send(Batch(domains={WEB: None}))
        await ui.sees("web-01 is gone")
        assert "last words" in ui.frame()
        assert "s start" not in ui.frame()
        assert ui.lines()[-1].startswith(" web-01 off")
        await ui.press("escape")
        await ui.until(lambda: not isinstance(ui.app.screen, ConsoleScreen))


async def test_silence_is_explained_outside_the_guests_screen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(console_module, "SILENCE", 0.05)
    async with opened(Backend()) as (ui, channel):
        await ui.sees("press Enter")
        await ui.sees("console=ttyS0")
        await ui.sees("serial-getty@ttyS0")
        assert "ttyS0" not in ui.app.context.consoles.get(WEB).text()
        channel.say("at last")
        await ui.until(lambda: "press Enter" not in ui.frame())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("", "Not known why"),
        ("ro quiet", "its kernel is not told to use ttyS0"),
        ("console=ttyS0,115200", "no login here"),
    ],
)
async def test_silence_is_explained_by_what_shows(
    monkeypatch: pytest.MonkeyPatch, arguments: str, words: str
) -> None:
    monkeypatch.setattr(console_module, "SILENCE", 0.05)
    backend = Backend()
    web = domain(1, "web-01")
    assert web.facts is not None
    web = web._replace(facts=web.facts._replace(kernel_args=arguments))
    async with opened(backend) as (ui, _channel):
        backend.send(Batch(domains={web.key: web}))
        await ui.sees(words)
        told = ui.app.screen._notice  # type: ignore[attr-defined]
        for line in (told.title, *told.lines):
            assert any(line in shown for shown in ui.lines()), "no line is wrapped"


async def test_on_a_tiny_terminal_the_guest_keeps_most_of_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(console_module, "SILENCE", 0.05)
    async with opened(Backend()) as (ui, _channel):
        await ui.pilot.resize_terminal(40, 10)
        await ui.sees("press Enter")
        assert ui.app.screen.query_one("Deck").size.height >= 5
        await ui.pilot.resize_terminal(80, 24)
        await ui.sees("serial-getty@ttyS0")


async def test_a_paused_guest_is_not_blamed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console_module, "SILENCE", 0.05)
    backend = Backend()
    async with opened(backend) as (ui, _channel):
        paused = domain(1, "web-01", State.PAUSED, reason="by user")
        backend.send(Batch(domains={paused.key: paused}))
        await ui.sees("is paused")


async def test_at_80x24_no_line_of_the_guest_is_out_of_reach() -> None:
    async with opened(Backend()) as (ui, channel):
        channel.say("\x1b[H\x1b[2J\x1b[1;1Htop line\x1b[24;1Hbottom line")
        await ui.sees("bottom line")
        await ui.press("shift+pageup")
        await ui.sees("top line")
        await ui.press("shift+pagedown")
        await ui.sees("bottom line")
        channel.say("\x1b[1;1H")
        await ui.sees("top line")


async def test_resizing_wraps_the_guests_lines_anew() -> None:
    async with opened(Backend(), (120, 40)) as (ui, channel):
        channel.say("x" * 110 + "END")
        await ui.sees("xEND")
        assert "END" in ui.lines()[0]
        await ui.pilot.resize_terminal(90, 30)
        await ui.until(lambda: "END" in ui.lines()[1])


async def test_nothing_of_a_hostile_guest_reaches_the_terminal() -> None:
    async with opened(Backend()) as (ui, channel):
        channel.say(
            "\x1b]52;c;ZXZpbA==\x07\x1b]2;\u202eeviltitle\x07\x7f\u202egnp\u2066x\u2028"
            "\x1b]8;;http://evil.example\x07link\x1b]8;;\x07\x1b]1337;File=:AAAA\x07 done"
        )
        channel.say(b"\x9b31m\xc2\x9b31m\x85\xff end")
        await ui.sees("end")
        for strip in ui.app.screen._compositor.render_strips():
            for segment in strip:
                assert segment.control is None
                assert not any(category(char) in UNPRINTABLE for char in segment.text)
                assert segment.style is None or segment.style.link is None
        assert "ZXZpbA" not in ui.frame()


async def test_a_flood_leaves_the_program_usable() -> None:
    async with opened(Backend(), (120, 40)) as (ui, channel):
        line = "\x1b[32m[    1.234567]\x1b[0m virtio_net virtio0 eth0: link becomes ready\r\n"
        for _ in range(200):
            channel.say(line * 500)
        began = time.monotonic()
        await ui.press("ctrl+right_square_bracket")
        await ui.until(lambda: not isinstance(ui.app.screen, ConsoleScreen))
        assert time.monotonic() - began < 3


async def test_an_idle_console_runs_no_timer() -> None:
    async with opened(Backend()) as (ui, channel):
        channel.say("$ ")
        await ui.sees("$")
        view = ui.app.screen.query_one(TerminalView)
        drawn: list[object] = []
        view._show = drawn.append  # type: ignore[method-assign, assignment]
        await ui.pilot.pause(0.3)
        assert view._due is None
        assert drawn == []


async def test_clicks_on_the_status_line() -> None:
    async with opened(Backend()) as (ui, _channel):
        await ui.sees("f12 menu")
        line = ui.lines()[-1]
        await ui.pilot.click(offset=(line.index("f12"), 23))
        await ui.sees("Send ^]")
        await ui.press("escape")
        await ui.pilot.click(offset=(line.index("leave"), 23))
        await ui.until(lambda: not isinstance(ui.app.screen, ConsoleScreen))
