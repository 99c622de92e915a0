"""A dialog with one line a choice, each with its own key; what cannot be chosen says why."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from textual import on
from textual.app import ComposeResult

from tuivm.core.text import cell_width, fit
from tuivm.screens.context import Context
from tuivm.screens.dialog import Dialog, key_parts
from tuivm.widgets.bars import Part
from tuivm.widgets.listbox import Line, ListBox, Span
from tuivm.widgets.rows import RowsView


@dataclass(frozen=True, slots=True)
class Choice:
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


class Menu(Dialog[str]):
    """Returns the chosen value, or None when the user left."""

    DEFAULT_CSS = """
    Menu ListBox { height: auto; max-height: 100%; }
    """

    def __init__(
        self, context: Context, title: str, choices: Sequence[Choice], selected: str = ""
    ) -> None:
        super().__init__(context, title)
        self._choices = {choice.value: choice for choice in choices}
        self._selected = selected
        self._cells = 0

    def compose_box(self) -> ComposeResult:
        """The choices."""
        box = ListBox(id="choices", ascii_only=self.context.options.ascii)
        box.styles.height = min(len(self._choices), max(3, self.app.size.height - 4))
        width = max(len(choice.title) for choice in self._choices.values())
        lines = [self._line(choice, width) for choice in self._choices.values()]
        longest = max(sum(cell_width(span.text) for span in line.spans) for line in lines)
        self._cells = max(cell_width(self._heading) + 4, 36, longest + 2)
        box.show(lines)
        for index, value in enumerate(self._choices):
            if value == self._selected:
                box.set_cursor(index)
        yield box

    def on_mount(self) -> None:
        """Make the box as wide as its lines."""
        self.query_one("#box").styles.width = self._cells + 4

    def _line(self, choice: Choice, width: int) -> Line:
        off = bool(choice.reason)
        spans = [
            Span(f" {fit(choice.key, 2)} ", "dim" if off else "key"),
            Span(fit(choice.title, width), "dim" if off else ""),
        ]
        if choice.reason or choice.detail:
            spans.append(Span(f"  {choice.reason or choice.detail}", "dim"))
        return Line(tuple(spans), choice.value)

    def keys(self) -> Iterable[Part]:
        """The keys of every menu, and the reason under the cursor in full."""
        return key_parts(("enter", "choose", "enter"), ("esc", "leave", "escape"))

    @property
    def box(self) -> ListBox:
        """The list."""
        return self.query_one(ListBox)

    @on(RowsView.Moved)
    def _moved(self) -> None:
        self.refresh_keys()

    @on(RowsView.Opened)
    def _opened(self) -> None:
        self.key("enter", None)

    def key(self, key: str, character: str | None) -> bool:
        """Move, choose with enter, or choose by the line's own key."""
        box = self.box
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
                if line is not None:
                    self._choose(self._choices[line.key])
            case "q":
                self.dismiss(None)
            case _:
                return False
        return True

    def _choose(self, choice: Choice) -> None:
        if choice.reason:
            for index, value in enumerate(self._choices):
                if value == choice.value:
                    self.box.move_to(index)
            self.app.bell()
            return
        self.dismiss(choice.value)
