"""A program of this machine in a pane of its own: ssh to a guest, a virsh shell."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import ClassVar, Self

from textual import events, on
from textual.app import ComposeResult
from textual.geometry import Region
from textual.widgets import Static

from tuivm.core.api import ChildChannel, ConsoleState, PacedSink
from tuivm.core.model import DomainKey, LogEntry, Severity
from tuivm.core.pasting import look
from tuivm.core.programs import Program
from tuivm.screens import chrome
from tuivm.screens.console_paste import first_line, question
from tuivm.screens.console_read import ReadingScreen, live_parts, reading_parts
from tuivm.screens.context import Context
from tuivm.screens.menu import Choice, Menu
from tuivm.widgets.bars import Bar, Part
from tuivm.widgets.roles import role_text
from tuivm.widgets.terminal import TerminalView

LEAVE, MENU = "console.leave", "console.menu"
STATUS_LINES = 1
SILENCE = 1.5
"""Seconds without a byte after which the screen says what the program is waiting for."""
LITERAL_LEAVE = b"\x1d"
WORDS = {
    ConsoleState.CLOSED: ("starting", "warn"),
    ConsoleState.ATTACHED: ("running", "good"),
    ConsoleState.ENDED: ("ended", "dim"),
    ConsoleState.FAILED: ("failed", "bad"),
}
"""A state as the status line says it, and its role."""


class ChildScreen(ReadingScreen):
    """Runs the program when it opens, ends it when it closes; its keys are the console's."""

    SCOPE: ClassVar[str] = "console"
    AUTO_FOCUS = "TerminalView"
    DEFAULT_CSS = """
    ChildScreen { layout: vertical; overflow: hidden hidden; }
    ChildScreen > #notice {
        height: auto; width: 1fr; padding: 0 1; display: none; border-top: solid $accent;
    }
    ChildScreen.-ascii > #notice { border-top: ascii $accent; }
    ChildScreen > #notice.-shown { display: block; }
    """

    def __init__(self, context: Context, program: Program) -> None:
        super().__init__(context)
        self._program = program
        self._session = context.consoles.new(
            DomainKey(program.host, program.uuid), context.config.scrollback
        )
        self._channel: ChildChannel | None = None
        self._began = 0.0
        self._asking = False
        self._over = False
        self._silent = False

    # -- Textual -------------------------------------------------------------------------

    def compose(self) -> ComposeResult:
        """The program's screen, how it ended, and the status line."""
        keymap = self.context.keymap
        view = TerminalView(self._session, leave=keymap.keys_for(LEAVE), menu=keymap.keys_for(MENU))
        view.ask_paste = self._ask_paste
        yield view
        yield Static(id="notice", markup=False)
        yield Bar(id="status")

    def on_mount(self) -> None:
        """Start it."""
        self._fit()
        self._open()
        self.refresh_texts()

    def on_unmount(self) -> None:
        """End it, whatever it is doing."""
        self._log_end()
        self._session.close()

    @on(events.Resize)
    def _resized(self) -> None:
        self._fit()
        self.refresh_texts()

    @on(events.ScreenResume)
    def _resumed(self) -> None:
        if not self._asking:
            self.set_focus(self.view)
        self.view.redraw()

    def refresh(self, *regions: Region, **options: bool) -> Self:
        """Repaint, but not for the screen below: Textual thinks that it shines through."""
        return self if regions else super().refresh(**options)

    async def on_key(self, event: events.Key) -> None:
        """Keys that the program did not take: an answer, or what may be done after its end."""
        event.stop()
        event.prevent_default()
        if self._asking:
            self._answer(event.character in ("y", "Y"))
        elif self._over and event.key in ("enter", "escape", "q"):
            self.dismiss()
        elif self._over and event.key == "r":
            self._again()

    # -- the program ---------------------------------------------------------------------

    @property
    def view(self) -> TerminalView:
        """The terminal."""
        return self.query_one(TerminalView)

    @property
    def name_of(self) -> str:
        """What the pane is called, in questions and file names."""
        return f"{self._program.title} {self._program.about}".strip()

    def _open(self) -> None:
        def connect(sink: PacedSink) -> ChildChannel:
            columns, lines = self._session.grid
            self._channel = self.context.backend.child(
                self._program.argv, sink, columns=columns, lines=lines
            )
            return self._channel

        self._began = time.monotonic()
        self._log(f"opened {self._program.title}", Severity.INFO)
        self._session.open(connect)
        self.set_timer(SILENCE, self._still_silent)

    def _still_silent(self) -> None:
        self._silent = not self._session.seen
        self.refresh_texts()

    def _again(self) -> None:
        self.app.switch_screen(ChildScreen(self.context, self._program))

    def _fit(self) -> None:
        # A program learns its size: no fixed grid as on a serial line, which cannot tell.
        columns, lines = self.size.width, self.size.height - STATUS_LINES
        if columns < 1 or lines < 1:
            return
        self._session.resize(columns, lines)
        if self._channel is not None:
            self._channel.resize(*self._session.grid)
        self.view.redraw()

    @on(TerminalView.Changed)
    def _changed(self) -> None:
        state = self._session.state
        if self._session.seen:
            self._silent = False
        if state in (ConsoleState.ENDED, ConsoleState.FAILED) and not self._over:
            self._over, self._asking = True, False
            self._log_end()
            self.set_focus(self.view)
        self.refresh_texts()

    def _log_end(self) -> None:
        channel, self._channel = self._channel, None
        if channel is None:
            return
        program, ended = self._program, channel.exit
        took = time.monotonic() - self._began
        if channel.state is ConsoleState.FAILED:
            self._log(f"{program.title}: {self._session.detail}", Severity.ERROR)
        elif ended is None:
            self._log(f"closed {program.title}", Severity.INFO, took)
        else:
            good = Severity.GOOD if ended.code == 0 else Severity.WARNING
            self._log(f"{program.title}: {ended.text}", good, took)

    def _log(self, text: str, severity: Severity, seconds: float | None = None) -> None:
        program = self._program
        name = program.about if program.uuid else ""
        self.context.store.add_entry(
            LogEntry(
                time.time(),
                f"{name}: {text}" if name else text,
                severity,
                host=program.host,
                uuid=program.uuid,
                name=name,
                virsh=program.shown,
                seconds=seconds,
            )
        )

    # -- leaving -------------------------------------------------------------------------

    @on(TerminalView.Leave)
    def _leave(self) -> None:
        if self._over or self._session.failure is not None:
            self.dismiss()
        elif self._asking:
            self._answer(False)
        else:
            self._asking = True
            # The keys are the screen's until the question is answered.
            self.set_focus(None)
            self.refresh_texts()

    def _answer(self, yes: bool) -> None:
        self._asking = False
        if yes:
            self.dismiss()
            return
        self.set_focus(self.view)
        self.refresh_texts()

    # -- menu and paste ------------------------------------------------------------------

    @on(TerminalView.MenuAsked)
    def _menu(self) -> None:
        def chosen(value: str | None) -> None:
            if value is not None:
                self._do(value)

        self.app.push_screen(Menu(self.context, self._program.title, self._choices()), chosen)

    def _choices(self) -> Sequence[Choice]:
        away = "" if self._session.attached else "it has ended"
        return (
            Choice("l", "Leave", "leave", detail="" if away else "ends it, after a question"),
            Choice("s", "Scrollback", "scrollback", detail="arrows, PgUp, PgDn, g, G; esc ends"),
            Choice("/", "Search", "search", detail="in what is older; n, N go on"),
            Choice("c", "Select and copy", "select", detail="or drag with the mouse"),
            Choice("t", "Save as text", "save", detail="scrollback and screen"),
            Choice("]", "Send ^]", "literal", away),
            Choice("F", "Send F12", "f12", away),
        )

    def _do(self, what: str) -> None:
        """Carry out a choice of the menu, or a click."""
        match what:
            case "leave":
                self._leave()
            case chrome.YES | chrome.NO:
                self._answer(what == chrome.YES)
            case "enter":
                self.dismiss()
            case "again":
                self._again()
            case "menu":
                self._menu()
            case "scrollback":
                self.view.browse()
            case "bottom":
                self.view.to_bottom()
            case "search":
                self.ask_search(back=True)
            case "select":
                self.view.reading.begin(select=True)
            case "copy":
                self.view.reading.copy()
            case "save":
                self.save()
            case "literal":
                self._session.write(LITERAL_LEAVE)
            case "f12":
                self._session.press("f12", None)
        self.refresh_texts()

    @on(Bar.Pressed)
    def _pressed(self, message: Bar.Pressed) -> None:
        self._do(message.action)

    def _ask_paste(self, view: TerminalView, text: str) -> None:
        asked = look(text)
        if not asked.enters:
            self._session.paste(text)
            return

        def answered(yes: bool | None) -> None:
            if yes:
                self._session.paste(text)

        size = len(text.encode("utf-8", "replace"))
        title, words = question(asked, self._program.title, size)
        self.ask(title, words, first_line(asked), "Paste", answered)

    # -- what is said --------------------------------------------------------------------

    def refresh_texts(self) -> None:
        """Bring the notice and the status line up to date."""
        if not self.present:
            return
        self._refresh_notice()
        status = self.query_one("#status", Bar)
        if self._asking:
            status.show(*chrome.question_parts(f"End {self._program.title}?"))
        else:
            left, right = self._status()
            status.show(left, right)

    def _status(self) -> tuple[list[Part], list[Part]]:
        program, view, keymap = self._program, self.view, self.context.keymap
        word, role = WORDS.get(self._session.state, ("ended", "dim"))
        left = [Part(" "), Part(program.about, "title"), Part(f" {program.title} ")]
        left += live_parts(view) or [Part(word, role)]
        left += [Part("  "), self.said] if self.said.text else reading_parts(view)
        if view.behind or view.browsing:
            left.append(Part(f"  {view.behind} lines back", "warn", "bottom"))
        elif self._session.title:
            left.append(Part(f"  {self._session.title}", "dim"))
        right = []
        for action, what, label in ((LEAVE, "leave", "leave"), (MENU, "menu", "menu")):
            right += [Part(keymap.labels(action), "key", what), Part(f" {label}", "", what)]
            right.append(Part("  "))
        return left, right

    def _refresh_notice(self) -> None:
        parts = self._notice()
        widget = self.query_one("#notice", Static)
        widget.set_class(bool(parts), "-shown")
        if parts:
            widget.update(role_text(self.app, parts))

    def _notice(self) -> list[tuple[str, str]]:
        program, session = self._program, self._session
        if session.failure is not None:
            failure = session.failure
            said = [(failure.title, "bad"), (f"\n{failure.message}\n{failure.hint}", "")]
        elif not self._over:
            return [(program.silence, "dim")] if self._silent and program.silence else []
        elif session.state is ConsoleState.FAILED:
            said = [(f"Cannot run {program.argv[0]}", "bad"), (f"\n{session.detail}", "")]
            if program.package:
                said.append((f"\ninstall it, e.g.: apt install {program.package}", ""))
        else:
            role = "good" if session.detail == "exit code 0" else "warn"
            said = [(f"{program.title}: {session.detail}", role)]
            words = session.detail.removeprefix("exit code ")
            if words.isdecimal() and (hint := program.explain.get(int(words))):
                said.append((f"\n{hint}", ""))
        return [*said, ("\nenter", "key"), (" back   ", ""), ("r", "key"), (" run it again", "")]
