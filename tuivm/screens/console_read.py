"""Searching, copying and saving what a console printed: a screen's side of reading it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from textual import on
from textual.timer import Timer

from tuivm.core import files
from tuivm.core.text import bytes_text, sanitise
from tuivm.screens.context import Context
from tuivm.screens.leavable import Leavable
from tuivm.widgets.bars import Bar, Part
from tuivm.widgets.prompt import Prompt
from tuivm.widgets.terminal import TerminalView

COPY_MOST = 74_994
"""Bytes that most terminals take in one OSC 52; beyond, many drop all of it."""
SAY_FOR = 8.0
"""Seconds for which an answer stands in the status line."""


class ReadingScreen(Leavable[None], inherit_bindings=False):
    """A console's screen as far as reading goes. A subclass shows the texts."""

    context: Context

    def __init__(self, context: Context) -> None:
        super().__init__(classes="-ascii" if context.options.ascii else "")
        self.context = context
        """The run's shared objects."""
        self.said = Part("")
        """The answer to what was done last, for the status line."""
        self._said_until: Timer | None = None
        self._search_back = True
        self._search_from = 0

    # -- what the subclass has -----------------------------------------------------------

    @property
    def view(self) -> TerminalView:
        """The terminal that has the keys."""
        raise NotImplementedError

    @property
    def name_of(self) -> str:
        """What the console is called."""
        raise NotImplementedError

    def refresh_texts(self) -> None:
        """Bring all that is said up to date."""
        raise NotImplementedError

    # -- saying --------------------------------------------------------------------------

    def say(self, text: str, role: str = "good") -> None:
        """Say something in the status line for a while; it has little room."""
        if not self.query("#status"):
            return
        if self._said_until is not None:
            self._said_until.stop()
        self.said = Part(text, role)
        self._said_until = self.set_timer(SAY_FOR, self._unsay)
        self.refresh_texts()

    def _unsay(self) -> None:
        self.said, self._said_until = Part(""), None
        self.refresh_texts()

    @on(TerminalView.Refused)
    def _refused(self, message: TerminalView.Refused) -> None:
        message.stop()
        self.say(message.why, "warn")

    # -- search --------------------------------------------------------------------------

    @on(TerminalView.SearchAsked)
    def _search_asked(self, message: TerminalView.SearchAsked) -> None:
        message.stop()
        self.ask_search(back=message.back)

    def ask_search(self, *, back: bool) -> None:
        """Open the prompt in the place of the status line."""
        if self.query(Prompt):
            return
        view = self.view
        self._search_back = back
        self._search_from = view.origin + (view.page if back else 0)
        status = self.query_one("#status", Bar)
        status.display = False
        prompt = Prompt("/" if back else "?")
        self.mount(prompt, after=status)
        where = "older" if back else "newer"
        self.call_after_refresh(prompt.remark, f"search in what is {where}   enter   esc ends")

    def end_search(self, *, keep: bool) -> None:
        """Close the prompt; without ``keep`` nothing is searched any more."""
        for prompt in self.query(Prompt):
            prompt.remove()
            self.query_one("#status", Bar).display = True
            self.set_focus(self.view)
            if not keep:
                self.view.reading.end()

    @on(Prompt.Changed)
    def _search_changed(self, message: Prompt.Changed) -> None:
        message.stop()
        reading = self.view.reading
        reading.search(message.text, back=self._search_back, origin=self._search_from)
        if reading.find is None:
            message.prompt.remark("")
        else:
            found = bool(reading.find.matches)
            message.prompt.remark(reading.find.count, "dim" if found else "bad")

    @on(Prompt.Submitted)
    def _search_entered(self, message: Prompt.Submitted) -> None:
        message.stop()
        self.end_search(keep=self.view.reading.find is not None)

    @on(Prompt.Cancelled)
    def _search_cancelled(self, message: Prompt.Cancelled) -> None:
        message.stop()
        self.end_search(keep=False)

    @on(Prompt.Completing)
    def _search_completing(self, message: Prompt.Completing) -> None:
        message.stop()

    @on(Prompt.Moving)
    def _search_moving(self, message: Prompt.Moving) -> None:
        message.stop()
        self.view.reading.step(back=message.step < 0)

    # -- copying and saving --------------------------------------------------------------

    @on(TerminalView.CopyOffered)
    def _copy_offered(self, message: TerminalView.CopyOffered) -> None:
        message.stop()
        text = message.text
        if not text:
            self.say("nothing to copy: the selection is blank", "warn")
            return
        self.app.copy_to_clipboard(text)
        size = len(text.encode("utf-8", "replace"))
        lines = text.count("\n") + 1
        said = f"copied {lines} line{'s' * (lines != 1)}, {bytes_text(size)} (OSC 52)"
        if size > COPY_MOST:
            self.say(f"{said}; some terminals take no more than {bytes_text(COPY_MOST)}", "warn")
        else:
            self.say(said)

    def save(self) -> None:
        """Ask for a path and write the scrollback and the screen there as text."""
        from tuivm.screens.pathdialog import PathDialog
        from tuivm.screens.saving import write_file

        text = self.view.session.text().rstrip("\n") + "\n"
        lines = text.count("\n")
        dialog = PathDialog(
            self.context,
            f"Save the console of {self.name_of}",
            f"{lines} lines as plain text, readable by you alone.",
            files.save_folder() / files.file_name(f"{self.name_of}-console", ".txt"),
            verb="save",
        )

        def chosen(answer: tuple[Path, bool] | None) -> None:
            if answer is not None:
                write_file(self, answer[0], lambda: text)

        self.app.push_screen(dialog, chosen)

    def ask(
        self,
        title: str,
        consequence: str,
        what: str,
        verb: str,
        answered: Callable[[bool | None], None],
    ) -> None:
        """Ask a yes/no question about one thing; enter alone is no answer."""
        from tuivm.screens.confirm import ConfirmDialog

        dialog = ConfirmDialog(self.context, title, consequence, [sanitise(what, 200)], verb)
        self.app.push_screen(dialog, answered)


def live_parts(view: TerminalView) -> list[Part]:
    """How to end reading; first of all, as a narrow line is cut at its end."""
    if not view.browsing:
        return []
    what = "live" if view.reading.selection is None else "unselect"
    return [Part(" esc", "key", "bottom"), Part(f": {what}", "", "bottom")]


def reading_parts(view: TerminalView) -> list[Part]:
    """What the status line says while the scrollback is read: matches, selection, keys."""
    reading = view.reading
    if not reading.on:
        return []
    parts: list[Part] = []
    if reading.selection is not None:
        parts += [Part(f"  {reading.chosen} selected", "warn")]
        parts += [Part("  y", "key", "copy"), Part(" copy", "", "copy")]
    if reading.find is not None:
        parts.append(Part(f"  {sanitise(reading.find.needle, 24)} ", "find"))
        parts.append(Part(f" {reading.find.count}", "" if reading.find.matches else "bad"))
        older, newer = ("n", "N") if reading.back else ("N", "n")
        if reading.find.matches:
            parts += [Part(f"  {older}", "key"), Part(" older")]
            parts += [Part(f"  {newer}", "key"), Part(" newer")]
    if reading.cursor is not None and reading.selection is None:
        parts += [Part("  v", "key"), Part(" select"), Part("  V", "key"), Part(" lines")]
        parts += [Part("  y", "key", "copy"), Part(" copy", "", "copy")]
    return parts
