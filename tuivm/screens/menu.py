"""A dialog with one line a choice, each with its own key; what cannot be chosen says why."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from textual import events, on
from textual.app import ComposeResult
from textual.widgets import Static

from tuivm.core.text import cell_width, fit
from tuivm.screens.context import Context
from tuivm.screens.dialog import Dialog, key_parts
from tuivm.widgets.bars import Part
from tuivm.widgets.listbox import Line, ListBox, Span
from tuivm.widgets.roles import role_text
from tuivm.widgets.rows import RowsView


class Choice(NamedTuple):
    """One line of a menu."""

    key: str
    """The character that picks it, or empty."""
    title: str
    value: str
    """What the menu returns."""
    reason: str = ""
    """Why it cannot be chosen now; empty when it can."""
    detail: str = ""
    """Shown behind the title, dim."""
    brief: str = ""
    """Shown instead of a detail that does not fit."""

    @property
    def words(self) -> str:
        """What is to be said of it."""
        return self.reason or self.detail


class Menu(Dialog[str]):
    """Returns the chosen value, or None when the user left.

    Where the words of a line are cut, they stand in full below the lines while it has the cursor,
    in the place of the keys where there is no room for lines of their own. Where there are more
    choices than keys, ``/`` narrows them to those with the letters that are typed.
    """

    DEFAULT_CSS = """
    Menu ListBox { height: auto; max-height: 100%; }
    Menu #full { width: 1fr; padding: 0 1; }
    """

    def __init__(
        self, context: Context, title: str, choices: Sequence[Choice], selected: str = ""
    ) -> None:
        super().__init__(context, title)
        self._choices = {choice.value: choice for choice in choices}
        self._selected = selected
        self._finds = any(not choice.key for choice in choices)
        self._letters: str | None = None
        """What is typed to find a choice; None while keys are keys."""
        self._cells = 0
        self._before = 0
        self._room = 0

    def compose_box(self) -> ComposeResult:
        """The choices, and the words of the one under the cursor."""
        box = ListBox(id="choices", ascii_only=self.context.options.ascii)
        width = max(len(choice.title) for choice in self._choices.values())
        self._before = 4 + width + 2
        longest = max(self._before + cell_width(one.words) for one in self._choices.values())
        self._cells = max(cell_width(self._heading) + 4, 36, longest + 2)
        yield box
        yield Static("", id="full", markup=False)

    def on_mount(self) -> None:
        """Make the box as wide as its lines."""
        self.query_one("#box").styles.width = self._cells + 4
        self._lay_out()
        for index, value in enumerate(self._choices):
            if value == self._selected:
                self.box.set_cursor(index)

    @on(events.Resize)
    def _lay_out(self) -> None:
        """Show as much as there is room for."""
        size = self.app.size
        self._room = min(self._cells, size.width - 4) - self._before - 2
        cut = [choice.words for choice in self._choices.values() if self._cut(choice)]
        columns = max(1, self._room + self._before - 1)
        needed = max((len(textwrap.wrap(words, columns)) for words in cut), default=0)
        lines = max(3, size.height - 4)
        spare = lines - len(self._choices)
        # As many for every choice: nothing jumps while the cursor moves.
        rows = min(needed, 3, spare if spare >= 0 else lines - 3)
        full = self.query_one("#full", Static)
        full.display = rows > 0
        full.styles.height = rows
        self.box.styles.height = min(len(self._choices), lines - rows)
        self._show()

    def _show(self) -> None:
        letters = (self._letters or "").casefold()
        lines = [
            self._line(choice)
            for choice in self._choices.values()
            if letters in choice.title.casefold()
        ]
        none = Line((Span(" nothing here has these letters", "dim"),), selectable=False)
        self.box.show(lines or [none])
        self._say_in_full()

    def _cut(self, choice: Choice) -> bool:
        return cell_width(choice.words) > self._room

    def _line(self, choice: Choice) -> Line:
        off = bool(choice.reason)
        spans = [
            Span(f" {fit(choice.key, 2)} ", "dim" if off else "key"),
            Span(fit(choice.title, self._before - 6), "dim" if off else ""),
        ]
        words = choice.reason or (choice.brief if self._cut(choice) else "") or choice.detail
        if words:
            spans.append(Span(f"  {words}", "dim"))
        return Line(tuple(spans), choice.value)

    def _say_in_full(self) -> None:
        full = self.query_one("#full", Static)
        if full.display:
            full.update(role_text(self.app, [(self._full(), "dim")]))
        else:
            self.refresh_keys()

    def _full(self) -> str:
        """The words under the cursor where their line cuts them."""
        line = self.box.selected
        choice = self._choices.get(line.key) if line is not None else None
        return choice.words if choice is not None and self._cut(choice) else ""

    def keys(self) -> Iterable[Part]:
        """The keys of every menu, or what is to be said in full."""
        if (words := self._full()) and not self.query_one("#full").display:
            return (Part(f" {words}", "dim"),)
        choose = ("enter", "choose", "enter")
        if self._letters is not None:
            found = [Part("/", "key"), Part(f"{self._letters}   ", "accent")]
            return [*found, *key_parts(choose, ("esc", "all", "escape"))]
        find = (("/", "find", "slash"),) if self._finds else ()
        return key_parts(choose, *find, ("esc", "leave", "escape"))

    @property
    def box(self) -> ListBox:
        """The list."""
        return self.query_one(ListBox)

    @on(RowsView.Moved)
    def _moved(self) -> None:
        self._say_in_full()

    @on(RowsView.Opened)
    def _opened(self) -> None:
        self.key("enter", None)

    def key(self, key: str, character: str | None) -> bool:
        """Move, choose with enter, or choose by the line's own key."""
        box = self.box
        if self._find(key, character):
            return True
        for choice in self._choices.values():
            if character and choice.key == character:
                self._choose(choice)
                return True
        match key:
            case "down" | "j":
                box.move(1)
            case "up" | "k":
                box.move(-1)
            case "pagedown":
                box.move(box.page)
            case "pageup":
                box.move(-box.page)
            case "home":
                box.move_to(0)
            case "end":
                box.move_to(box.row_count() - 1, -1)
            case "enter":
                line = box.selected
                if line is not None and line.key in self._choices:
                    self._choose(self._choices[line.key])
            case "q":
                self.dismiss(None)
            case _:
                return False
        return True

    def _find(self, key: str, character: str | None) -> bool:
        """Type what is looked for, once ``/`` was pressed; False for other keys."""
        letters = self._letters
        if letters is None:
            if key != "slash" or not self._finds:
                return False
            letters = ""
        elif key == "escape":
            letters = None
        elif key == "backspace":
            letters = letters[:-1]
        elif character is not None and character.isprintable():
            letters += character
        else:
            return False
        self._letters = letters
        self._show()
        self.refresh_keys()
        return True

    def _choose(self, choice: Choice) -> None:
        if choice.reason:
            for index, value in enumerate(self._choices):
                if value == choice.value:
                    self.box.move_to(index)
            self.app.bell()
            return
        self.dismiss(choice.value)
