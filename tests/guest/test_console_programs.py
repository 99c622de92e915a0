"""Full-screen programs in a guest, used through tuivm's console as one sits before it."""

from __future__ import annotations

import pytest

from tests.e2e.conftest import Launch
from tests.e2e.terminal import PATIENCE, Style, Terminal, forbidden
from tests.guest.conftest import IN_CI, MakeGuest
from tests.guest.lab import Lab
from tests.guest.login import log_in
from tests.lab.errors import LabError
from tests.lab.guests import Guest

TERMS = ("xterm-256color", "linux", "vt220")
GRID = 24
"""Lines of the guest's screen; tuivm's own line is below them."""
F9, F10 = "\x1b[20~", "\x1b[21~"

"""What the outer terminal sends for them."""
LINE_KEYS = {"vt220": ("0", "$")}
"""vim's own keys for a line's ends: a vt220 has Find and Select where others have these."""
# A key is several bytes, which a busy machine's guest may get far apart.
VIM_WAITS = "set timeoutlen=3000 ttimeoutlen=3000"
MC_WAITS = "KEYBOARD_KEY_TIMEOUT_US=5000000"
LESS, TOP = "/usr/bin/less", "/usr/bin/top"
"""By their paths: busybox's shell would run its own."""


class Seat:
    """A person before tuivm's console, logged in as root."""

    def __init__(self, tuivm: Terminal) -> None:
        self.tuivm = tuivm
        self._asked = 0

    @property
    def screen(self) -> list[str]:
        """The guest's screen."""
        return self.tuivm.lines[:GRID]

    def press(self, *keys: str) -> None:
        self.tuivm.press(*keys)

    def type(self, text: str) -> None:
        """Type a line and Enter."""
        self.tuivm.write(text.encode() + b"\r")

    def sees(self, text: str, row: int | None = None, timeout: float = PATIENCE) -> None:
        """Wait until the guest's screen, or one row of it, has a text."""
        where = "the screen" if row is None else f"row {row}"
        self.tuivm.wait(
            lambda: text in "\n".join(self.screen if row is None else [self.screen[row]]),
            f"{text!r} on {where}",
            timeout,
        )

    def looks(self, row: int) -> list[Style]:
        """How the cells of a row are coloured."""
        return [self.tuivm.style(column, row) for column in range(80)]

    def row_is(self, row: int, text: str) -> None:
        self.tuivm.wait(lambda: self.screen[row] == text, f"{text!r} as row {row}")

    def shell(self, command: str) -> None:
        """Run a command to its end, on a screen of its own."""
        self._asked += 1
        done = f"done-{self._asked}"
        self.type(f"clear; {command}; echo do''ne-{self._asked}")
        self.sees(done)
        self.at_prompt()

    def at_prompt(self) -> None:
        """Wait for the shell, with nothing left on the line before or after the prompt."""

        def there() -> bool:
            last = next((line for line in reversed(self.screen) if line), "")
            return last.startswith("root@") and last.endswith(":~#")

        self.tuivm.wait(there, "the shell's prompt")

    def leave_insert(self) -> None:
        self.press("escape")
        self.tuivm.wait(lambda: "INSERT" not in self.screen[-1], "vim's normal mode")


@pytest.fixture
def seat(lab: Lab, make_guest: MakeGuest, launch: Launch) -> Seat:
    guest = _boot(lab, make_guest)
    tuivm = launch("-c", lab.uri, size=(80, GRID + 1))
    tuivm.wait_row(guest.name, "running")
    tuivm.press("/", guest.name, "enter")
    tuivm.wait_for("1 of ")
    tuivm.press("c")
    tuivm.wait_for("ctrl+] ctrl+5 leave")
    made = Seat(tuivm)
    log_in(lambda: lab.said(guest), tuivm.write)
    made.at_prompt()
    return made


def _boot(lab: Lab, make_guest: MakeGuest) -> Guest:
    try:
        guest = make_guest("programs", start="running", programs=True, network=False, agent=False)
    except LabError as error:
        reason = f"no programs for the guest: {error}"
        if IN_CI:
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
    lab.await_boot(guest, 120)
    return guest


def test_editors_pager_and_monitor_under_each_terminal_type(seat: Seat) -> None:
    for term in TERMS:
        choose_keyboard(seat, term)
        seat.shell(f"export TERM={term} {MC_WAITS}; stty rows {GRID} cols 80")
        seat.shell("for i in $(seq 100); do echo line $i; done > text")
        edit(seat, term)
        page(seat, term)
        watch(seat)
        manage(seat)
        note(seat)
        before = seat.tuivm.raw.rfind(b"\x1b[2J")
        assert not forbidden(bytes(seat.tuivm.raw[max(0, before) :]))
    seat.press("ctrl+]")
    seat.tuivm.wait_gone("attached")


def choose_keyboard(seat: Seat, term: str) -> None:
    """Tell tuivm whose function keys this guest expects, by its menu."""
    seat.press("f12")
    seat.tuivm.wait_for("Keyboard")
    line = next(line for line in seat.tuivm.lines if "Keyboard" in line)
    seat.press(line.split("Keyboard")[0].split()[-1])
    seat.tuivm.wait_for("keys of vt220")
    seat.press(term[0])
    seat.tuivm.wait_gone("keys of vt220")


def edit(seat: Seat, term: str) -> None:
    """vim: move by the keyboard's keys, insert, save; the file and the screen have it."""
    seat.type(f"clear; echo marker; vim -N -u NONE --cmd '{VIM_WAITS}' text")
    seat.row_is(0, "line 1")
    seat.sees("100L", GRID - 1)
    home, end = LINE_KEYS.get(term, ("home", "end"))
    seat.press("down", "down", end, "a")
    seat.sees("INSERT", GRID - 1)
    seat.press(" end")
    seat.row_is(2, "line 3 end")
    seat.leave_insert()
    seat.press("up", home, "i")
    seat.sees("INSERT", GRID - 1)
    seat.press("ü-new ")
    seat.row_is(1, "ü-new line 2")
    seat.leave_insert()
    seat.press("pagedown")
    seat.row_is(0, "line 22")
    seat.press("pageup")
    seat.sees("line 3 end")
    seat.type(":wq")
    seat.at_prompt()
    seat.shell("grep -nE 'new|end' text")
    assert {"2:ü-new line 2", "3:line 3 end"} <= set(seat.screen), seat.tuivm.text


def page(seat: Seat, term: str) -> None:
    """less: search and page; where the terminal has two screens, the first one comes back."""
    seat.type(f"clear; echo marker; {LESS} text")
    seat.sees("line 21")
    seat.type("/line 77")
    seat.row_is(0, "line 77")
    seat.press("pageup")
    seat.row_is(0, "line 54")
    seat.press("G")
    seat.sees("line 100")
    seat.press("g")
    seat.row_is(0, "line 1")
    seat.press("q")
    seat.at_prompt()
    if term == "xterm-256color":
        seat.row_is(0, "marker")
        assert "line 1" not in seat.screen


def watch(seat: Seat) -> None:
    """top: draws itself, and goes."""
    seat.type(f"clear; {TOP} -d 1")
    seat.sees("load average")
    seat.sees("PID USER")
    seat.press("q")
    seat.at_prompt()


def manage(seat: Seat) -> None:
    """mc: two panels and a menu drawn with lines, opened with a function key."""
    seat.type("clear; mc -u")
    seat.sees("10Quit", GRID - 1, timeout=60)
    seat.sees("UP--DIR")
    seat.tuivm.wait_quiet(0.5)
    # The bar was there before: the key only lights one of its words.
    before = seat.looks(0)
    seat.press(F9)
    seat.tuivm.wait(lambda: seat.looks(0) != before, "a lit word in the bar")
    seat.press("enter")
    seat.sees("Listing format")
    assert any("│" in line or "┌" in line for line in seat.screen), seat.tuivm.text
    seat.press("escape", "escape")
    seat.tuivm.wait(lambda: "Listing format" not in seat.tuivm.text, "closed menu")
    seat.press(F10)
    seat.at_prompt()


def note(seat: Seat) -> None:
    """nano: type, save under a name, leave."""
    seat.type("clear; rm -f note; nano note")
    seat.sees("^X", timeout=40)
    seat.press("hello")
    seat.sees("hello")
    seat.press("ctrl+o")
    seat.sees("note", GRID - 3)
    seat.press("enter")
    seat.sees("Wrote 1 line")
    seat.press("ctrl+x")
    seat.at_prompt()
    seat.shell("cat note")
    assert "hello" in seat.screen, seat.tuivm.text
