"""A full screen of text: to scroll, search, select, copy and save."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult

from tuivm.core import files
from tuivm.core.model import DomainKey
from tuivm.core.text import bytes_text
from tuivm.screens.base import BaseScreen
from tuivm.screens.context import Context
from tuivm.screens.rowscreen import RowScreen
from tuivm.screens.saving import write_file
from tuivm.screens.searching import TextSearching
from tuivm.widgets.bars import Bar, Part
from tuivm.widgets.textview import TextView


class TextPage(TextSearching, RowScreen):
    """Shows a text that does not change."""

    SCOPE = "text"
    HINTS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("nav.back", "back"),
        ("text.search", "search"),
        ("view.copy", "copy"),
        ("text.save", "save"),
        ("text.select", "select lines"),
        ("view.console", "console"),
        ("app.help", "help"),
    )

    def __init__(
        self,
        context: Context,
        title: Sequence[Part],
        text: str,
        *,
        name: str,
        key: DomainKey | None = None,
    ) -> None:
        """``text`` is sanitised; ``name`` is for its file; ``key`` is the VM it is about."""
        super().__init__(context)
        self._title = title
        self._content = text
        self._name_of = name
        self._key = key

    def compose_body(self) -> ComposeResult:
        """What it is, and the text."""
        yield Bar(id="summary")
        view = TextView()
        view.ascii = self.context.options.ascii
        yield view

    def on_mount(self) -> None:
        """Show it."""
        self.show_bar("#summary", self._title)
        self.text.show(self._content.split("\n"))

    @property
    def text(self) -> TextView:
        """The pager."""
        return self.query_one(TextView)

    @property
    def searched(self) -> TextView:
        """See ``TextSearching``."""
        return self.text

    def targets(self) -> tuple[DomainKey, ...]:
        """The VM that it is about."""
        return () if self._key is None else (self._key,)

    def hints(self) -> Iterable[tuple[str, str]]:
        """The keys of the moment."""
        if self.text.selecting:
            return (("view.copy", "copy the lines"), ("nav.back", "stop selecting"))
        about = self._key is not None
        usual = [hint for hint in self.HINTS if about or hint[0] != "view.console"]
        if self.text.find:
            return (("text.next", "next match"), ("text.previous", "match before"), *usual)
        return usual

    @on(TextView.Changed)
    def _text_changed(self) -> None:
        self.refresh_footer()

    def do_nav_back(self) -> None:
        """End the selection, then the search, then leave."""
        if self.text.selecting:
            self.text.select(False)
        elif self.text.find is not None:
            self.text.search("")
        else:
            self.dismiss()

    def do_text_left(self) -> None:
        """Scroll to the left."""
        self.text.sideways(-8)

    def do_text_right(self) -> None:
        """Scroll to the right."""
        self.text.sideways(8)

    def do_text_select(self) -> None:
        """Select lines, or stop."""
        self.text.select(not self.text.selecting)

    def do_view_copy(self) -> None:
        """Copy what is selected, else all."""
        copy_text(self, self.text.chosen())
        self.text.select(False)

    def do_text_save(self) -> None:
        """Ask for a file and write it."""
        save_text(self, self._name_of, self._content)


def copy_text(screen: BaseScreen, text: str) -> None:
    """Copy a text by OSC 52 and say so."""
    screen.app.copy_to_clipboard(text)
    size = bytes_text(len(text.encode("utf-8", "replace")))
    screen.say(f"copied {size}, by OSC 52; if nothing arrived, the terminal forbids it", "good")


def save_text(screen: BaseScreen, name: str, text: str) -> None:
    """Ask for a file and write a text there, on a thread of its own; say what came of it."""
    from tuivm.screens.pathdialog import PathDialog

    lines = text.count("\n") + 1
    dialog = PathDialog(
        screen.context,
        "Save",
        f"{lines} line{'s' * (lines != 1)} as plain text, readable by you alone.",
        files.save_folder() / files.file_name(name, ".txt"),
        verb="save",
    )

    def chosen(answer: tuple[Path, bool] | None) -> None:
        if answer is not None:
            write_file(screen, answer[0], lambda: text)

    screen.app.push_screen(dialog, chosen)
