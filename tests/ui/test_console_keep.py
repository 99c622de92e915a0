"""What one keeps of a console, and what one sends to it beside keys, as a person does it."""

from __future__ import annotations

import base64
import json
import time
from concurrent.futures import Future
from pathlib import Path

import pytest
from textual import events
from textual.widgets import Input

from tests.ui.screens import Ui
from tests.ui.test_console import WEB, Backend, Channel, opened
from tuivm.core.model import ConsolePast
from tuivm.core.session import ConsoleSession
from tuivm.screens.console import ConsoleScreen
from tuivm.widgets.terminal import TerminalView


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def session(ui: Ui) -> ConsoleSession:
    return ui.app.context.consoles.get(WEB)


def view(ui: Ui) -> TerminalView:
    return ui.app.screen.query_one(TerminalView)


def status(ui: Ui) -> str:
    return ui.lines()[-1]


async def ready(ui: Ui, channel: Channel, text: str = "") -> None:
    channel.say(text or "".join(f"line {n}\r\n" for n in range(300)) + "$ ")
    await ui.until(lambda: session(ui).attached)
    await ui.until(lambda: session(ui).seen > 0)
    await ui.sees("$" if "$" in text else "before" if text else "line 299")


async def enter_path(ui: Ui, path: Path) -> None:
    await ui.until(lambda: bool(ui.app.screen.query(Input)))
    ui.app.screen.query_one(Input).value = str(path)
    await ui.press("enter")


async def test_every_line_of_the_menu_has_a_key_of_its_own() -> None:
    async with opened(Backend(), (80, 40)) as (ui, channel):
        await ready(ui, channel)
        await ui.press("f12")
        choices = list(ui.app.screen._choices.values())  # type: ignore[attr-defined]
        keys = [choice.key for choice in choices if choice.key]
        assert len(set(keys)) == len(keys)
        assert {"/", "c", "t", "r", "z", "e", "d", "q", "]", "F"} <= set(keys)


async def test_search_goes_back_forward_and_ends(home: Path) -> None:
    async with opened(Backend()) as (ui, channel):
        await ready(ui, channel)
        await ui.press("f12", "/")
        await ui.sees("search in what is older")
        await ui.type("line 1")
        await ui.sees("111/111")
        await ui.press("enter")
        await ui.sees("n older")
        assert "esc: live" in status(ui), "the way back is said first"
        await ui.sees("line 199")
        await ui.press("n", "n")
        await ui.sees("109/111")
        await ui.press("N")
        await ui.sees("110/111")
        rows = [y for y in range(23) if "line 198" in ui.lines()[y]]
        strip = view(ui).render_line(rows[0])
        marked = [s.text for s in strip if s.style and s.style.reverse]
        assert marked == ["line 1"]
        await ui.press("x")
        await ui.press("escape")
        await ui.sees("line 299")
        assert not channel.sent
        await ui.press("x")
        await ui.until(lambda: bytes(channel.sent) == b"x")


async def test_a_search_without_a_match_says_so_and_escape_leaves_the_prompt() -> None:
    async with opened(Backend()) as (ui, channel):
        await ready(ui, channel)
        await ui.press("f12", "/")
        await ui.type("nowhere")
        await ui.sees("no match")
        await ui.press("enter")
        await ui.sees("nowhere  no match")
        await ui.press("escape", "f12", "/")
        await ui.type("line")
        await ui.press("escape")
        await ui.until(lambda: not view(ui).browsing and view(ui).has_focus)
        await ui.press("x")
        await ui.until(lambda: bytes(channel.sent) == b"x")


async def test_select_by_keys_and_copy(monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(Backend()) as (ui, channel):
        copied: list[str] = []
        monkeypatch.setattr(ui.app, "copy_to_clipboard", copied.append)
        await ready(ui, channel)
        await ui.press("f12", "c")
        await ui.sees("y copy")
        await ui.press("up", "up", "v", "down", "right", "right", "right")
        await ui.sees("2 lines selected")
        await ui.press("y")
        await ui.sees("copied 2 lines, 13 B")
        assert copied == ["ne 298\nline 2"]
        await ui.press("f12", "c", "up", "V", "up", "y")
        await ui.until(lambda: len(copied) == 2)
        assert copied[1] == "line 298\nline 299"
        assert not channel.sent


async def test_select_by_mouse(monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(Backend()) as (ui, channel):
        copied: list[str] = []
        monkeypatch.setattr(ui.app, "copy_to_clipboard", copied.append)
        await ready(ui, channel, "see https://a.example/x?y=1 there\r\nsecond 中文\r\n$ ")
        await ui.pilot.mouse_down(TerminalView, offset=(28, 0))
        await ui.pilot.hover(TerminalView, offset=(8, 1))
        await ui.pilot.mouse_up(TerminalView, offset=(8, 1))
        await ui.sees("2 lines selected")
        await ui.press("y")
        await ui.until(lambda: copied == ["there\nsecond 中"])
        await ui.pilot.click(TerminalView, offset=(10, 0), times=2)
        await ui.sees("1 line selected")
        await ui.press("y")
        await ui.until(lambda: copied[-1] == "https://a.example/x?y=1")
        await ui.pilot.click(TerminalView, offset=(10, 0))
        assert not view(ui).browsing


async def test_save_asks_before_it_replaces(home: Path) -> None:
    async with opened(Backend()) as (ui, channel):
        await ready(ui, channel)
        await ui.press("f12", "t")
        await ui.sees("Save the console of web-01")
        assert ui.app.screen.query_one(Input).value.startswith(str(home / "web-01-console-"))
        path = home / "out.txt"
        await enter_path(ui, path)
        await ui.sees("saved")
        assert path.read_text() == "".join(f"line {n}\n" for n in range(300)) + "$\n"
        assert path.stat().st_mode & 0o777 == 0o600
        path.write_text("mine")
        await ui.press("f12", "t")
        await enter_path(ui, path)
        await ui.sees("Replace the file?")
        await ui.press("n")
        assert path.read_text() == "mine"
        await ui.press("f12", "t")
        await enter_path(ui, path)
        await ui.sees("Replace the file?")
        await ui.press("y")
        await ui.until(lambda: path.read_text().startswith("line 0"))
        await ui.press("f12", "t")
        await enter_path(ui, home)
        await ui.sees("the name of a file is missing")


async def test_recording_is_shown_and_valid_and_ends_with_the_console(home: Path) -> None:
    async with opened(Backend()) as (ui, channel):
        await ready(ui, channel, "before\r\n")
        await ui.press("f12", "r")
        await ui.sees("Record the console of web-01")
        default = Path(ui.app.screen.query_one(Input).value)
        assert default.parent == home / "state" / "tuivm" / "recordings"
        path = home / "a.cast"
        await enter_path(ui, path)
        await ui.sees("REC a.cast")
        channel.say("one\r\n")
        await ui.sees("one")
        await ui.press("x")
        await ui.pilot.resize_terminal(100, 30)
        await ui.until(lambda: '"r"' in path.read_text())
        await ui.press("ctrl+right_square_bracket")
        await ui.until(lambda: not isinstance(ui.app.screen, ConsoleScreen))
        assert session(ui).recording is None
        header, *lines = path.read_text().splitlines()
        assert json.loads(header)["title"] == "web-01"
        found = [json.loads(line)[1:] for line in lines]
        assert found[0] == ["o", "one\r\n"]
        assert ["r", "100x29"] in found
        assert not [event for event in found if event[0] == "i"]


async def test_typed_input_is_recorded_only_after_the_warning(home: Path) -> None:
    async with opened(Backend()) as (ui, channel):
        await ready(ui, channel)
        await ui.press("f12", "r")
        await ui.until(lambda: bool(ui.app.screen.query(Input)))
        await ui.press("tab")
        await ui.sees("passwords included")
        path = home / "b.cast"
        await enter_path(ui, path)
        await ui.sees("REC b.cast and what is typed")
        await ui.press("s", "3")
        await ui.until(lambda: '"i", "3"' in path.read_text())
        await ui.press("f12", "r")
        await ui.sees("recorded b.cast")
        await ui.press("f12", "r")
        await enter_path(ui, path)
        await ui.sees("File exists")


async def test_a_paste_with_line_ends_asks_and_shows_the_first_line() -> None:
    async with opened(Backend()) as (ui, channel):
        await ready(ui, channel)
        view(ui).post_message(events.Paste("rm -rf \x1b/tmp/x\nls\n"))
        await ui.sees("Paste 2 lines into web-01")
        await ui.sees("rm -rf")
        await ui.press("enter", "n")
        assert not channel.sent
        view(ui).post_message(events.Paste("a\nb"))
        await ui.sees("Paste 2 lines")
        await ui.press("y")
        await ui.until(lambda: bytes(channel.sent) == b"a\rb")


class SlowChannel(Channel):
    """A port at 115200 baud with a FIFO of 16 bytes that drops what does not fit."""

    def __init__(self, *args: object, **kw: object) -> None:
        super().__init__(*args, **kw)  # type: ignore[arg-type]
        self.fifo = 0.0
        self.at = time.monotonic()
        self.dropped = 0

    def write(self, data: bytes) -> None:
        now = time.monotonic()
        self.fifo = max(0.0, self.fifo - (now - self.at) * 11_520)
        self.at = now
        room = max(0, int(16 - self.fifo))
        self.dropped += max(0, len(data) - room)
        self.fifo += min(len(data), room)
        self.sent += data[:room]


async def test_a_long_paste_loses_nothing_on_a_slow_port(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.ui.test_console.Channel", SlowChannel)
    async with opened(Backend()) as (ui, channel):
        await ready(ui, channel)
        text = "".join(chr(33 + n % 90) for n in range(6000))
        view(ui).post_message(events.Paste(text))
        await ui.sees("pasting")
        await ui.until(lambda: len(channel.sent) >= 6000, 30)
        assert channel.sent.decode() == text
        assert channel.dropped == 0  # type: ignore[attr-defined]
        await ui.until(lambda: not view(ui).locked)
        await ui.press("x")
        await ui.until(lambda: channel.sent.endswith(b"x"))


async def test_escape_stops_a_paste_and_closes_the_bracket() -> None:
    async with opened(Backend()) as (ui, channel):
        await ready(ui, channel, "\x1b[?2004h$ ")
        view(ui).post_message(events.Paste("z" * 60_000))
        await ui.sees("esc stops it")
        await ui.press("x", "escape")
        await ui.sees("of 60012 bytes")
        assert channel.sent.endswith(b"\x1b[201~")
        assert len(channel.sent) < 60_000
        assert b"x" not in channel.sent
        await ui.press("q")
        await ui.until(lambda: channel.sent.endswith(b"q"))


async def test_sync_size_types_the_line() -> None:
    async with opened(Backend(), (100, 30)) as (ui, channel):
        await ready(ui, channel)
        await ui.press("f12", "z")
        await ui.until(lambda: bytes(channel.sent) == b"stty rows 29 cols 100\r")


async def test_keys_of_other_keyboards() -> None:
    async with opened(Backend()) as (ui, channel):
        await ready(ui, channel)
        await ui.press("f12", "e")
        await ui.sees("keys of vt220")
        await ui.press("v", "home")
        await ui.until(lambda: bytes(channel.sent) == b"\x1b[1~")
        await ui.press("f12", "e", "l", "f1")
        await ui.until(lambda: channel.sent.endswith(b"\x1b[[A"))
        await ui.press("f12", "e", "h", "backspace")
        await ui.until(lambda: channel.sent.endswith(b"\x08"))


async def test_sysrq_asks_where_it_does_harm() -> None:
    async with opened(Backend()) as (ui, channel):
        await ready(ui, channel)
        await ui.press("f12", "q", "s")
        await ui.until(lambda: bool(ui.backend.calls))
        assert ui.backend.calls[0][2] == {"keys": "KEY_LEFTALT KEY_SYSRQ KEY_S"}
        await ui.sees("sent sysrq-s to web-01")
        await ui.press("f12", "q", "b")
        await ui.sees("reboot at once")
        await ui.press("n")
        assert len(ui.backend.calls) == 1
        await ui.press("f12", "q", "b", "y")
        await ui.until(lambda: len(ui.backend.calls) == 2)


async def test_the_clipboard_gets_what_was_selected_and_nothing_else() -> None:
    async with opened(Backend()) as (ui, channel):
        channel.say("\x1b]52;c;" + base64.b64encode(b"evil").decode() + "\x07")
        await ready(ui, channel)
        assert not ui.app.clipboard
        await ui.press("f12", "c", "up", "y")
        await ui.sees("copied 1 line")
        assert str(ui.app.clipboard) == "line 299"


def with_log(path: str) -> Backend:
    backend = Backend()
    for key, one in backend.batch.domains.items():
        assert one is not None
        facts = one.facts
        assert facts is not None
        backend.batch.domains[key] = one._replace(facts=facts._replace(console_log=path))
    return backend


async def test_the_log_file_fills_the_past_once_and_nobody_answers_it() -> None:
    backend = with_log("/log/web.log")
    until = time.mktime((2020, 1, 2, 3, 4, 5, 0, 0, -1))
    backend.past = ConsolePast("/log/web.log", b"old boot\x1b[6n\x1b[5n\x07\x1b[?1049hvim", until)
    async with opened(backend) as (ui, channel):
        await ui.sees("-- above: from the log file web.log until 2020-01-02 03:04:05 --")
        channel.say("live")
        await ui.sees("live")
        text = session(ui).text()
        assert text.index("old boot") < text.index("-- above") < text.index("live")
        assert session(ui).seen == 4
        assert session(ui).bells == 0
        assert not channel.sent
        await ui.press("f12")
        await ui.sees("it has one: /log/web.log")
        await ui.press("l")
        await ui.until(lambda: not isinstance(ui.app.screen, ConsoleScreen))
        ui.app.push_screen(ConsoleScreen(ui.app.context, WEB))
        await ui.until(lambda: len(backend.channels) == 2)
        backend.channels[-1].say("again")
        await ui.sees("again")
        assert session(ui).text().count("-- above") == 1


async def test_a_log_that_is_there_is_shown_however_late_its_news(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    backend = with_log("/log/web.log")
    past: Future[ConsolePast] = Future()
    # It is there, but the news of it never comes: the program was the slow one.
    monkeypatch.setattr(past, "add_done_callback", lambda call: None)
    past.set_result(ConsolePast("/log/web.log", b"old boot"))
    monkeypatch.setattr(backend, "console_past", lambda key, device="": past)
    monkeypatch.setattr("tuivm.screens.console_past.PATIENCE", 0.05)
    async with opened(backend) as (ui, channel):
        await ui.sees("-- above: from the log file web.log --")
        channel.say("live")
        await ui.sees("live")
        assert session(ui).text().index("old boot") < session(ui).text().index("live")


async def test_a_log_that_is_slow_keeps_nobody_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    backend = with_log("/log/web.log")
    never: Future[ConsolePast] = Future()
    monkeypatch.setattr(backend, "console_past", lambda key, device="": never)
    monkeypatch.setattr("tuivm.screens.console_past.PATIENCE", 0.05)
    async with opened(backend) as (ui, channel):
        await ready(ui, channel)
        never.set_result(ConsolePast("/log/web.log", b"too late"))
        channel.say("more\r\n")
        await ui.sees("more")
        assert "too late" not in session(ui).text()


async def test_where_there_is_no_log_file_one_is_offered_with_its_line() -> None:
    backend = Backend()
    backend.past = ConsolePast(offer="/var/log/libvirt/qemu/web-01-serial0.log")
    async with opened(backend) as (ui, channel):
        await ready(ui, channel)
        await ui.press("f12", "p")
        await ui.sees("<log file='/var/log/libvirt/qemu/web-01-serial0.log' append='on'/>")
        await ui.sees("power off and on")
        await ui.press("n")
        assert not backend.calls
        await ui.press("f12", "p")
        await ui.sees("Add a log file")
        await ui.press("y")
        await ui.sees("added: power it off and on")
        assert backend.calls[0][1:] == ("add-console-log", {"file": backend.past.offer})


async def test_an_answer_while_reading_is_not_pushed_off_the_line() -> None:
    async with opened(Backend()) as (ui, channel):
        await ready(ui, channel)
        await ui.press("f12", "/")
        await ui.type("line 1")
        await ui.press("enter")
        await ui.sees("n older")
        await ui.press("y")
        await ui.sees("nothing is selected")
        await ui.press("v", "y")
        await ui.sees("(OSC 52)")


@pytest.mark.parametrize("prompt", ["web-01 login: ", "root@web-01:~# "])
async def test_where_the_past_ends_with_a_prompt_nobody_is_told_to_set_one_up(
    prompt: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tuivm.screens.console.SILENCE", 0.05)
    backend = with_log("/log/web.log")
    backend.past = ConsolePast("/log/web.log", f"booted\r\n\r\n{prompt}".encode())
    async with opened(backend) as (ui, _channel):
        await ui.sees("Nothing has come since you attached: press Enter")
        await ui.sees("Above is what it printed before")
        assert "serial-getty" not in ui.frame()


async def test_the_size_is_not_typed_at_a_login_prompt() -> None:
    async with opened(Backend()) as (ui, channel):
        await ready(ui, channel)
        channel.say("\r\nweb-01 login: ")
        await ui.sees("web-01 login:")
        await ui.press("f12")
        await ui.sees("log in first")
        await ui.press("z", "escape")
        assert not channel.sent
        channel.say("root\r\nweb-01:~# ")
        await ui.sees("web-01:~#")
        await ui.press("f12", "z")
        await ui.until(lambda: b"stty rows 24 cols 80" in channel.sent)
