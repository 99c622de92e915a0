"""The dialog that chooses the list's columns; the list above it shows each step at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from textual import events, on
from textual.app import ComposeResult
from textual.message import Message
from textual.widgets import Static

from tuivm.core.arrangement import Arrangement
from tuivm.core.columns import BY_ID, NAMING, Column, Layout
from tuivm.core.errors import TuivmError
from tuivm.core.savedview import clamped
from tuivm.core.text import fit
from tuivm.screens.context import Context
from tuivm.screens.dialog import Dialog
from tuivm.widgets.bars import Part
from tuivm.widgets.listbox import Line, ListBox, Span
from tuivm.widgets.roles import role_text
from tuivm.widgets.rows import RowsView

if TYPE_CHECKING:
    from tuivm.screens.vms import VmsScreen

IDS = (*BY_ID,)
BOX_CELLS = 5
"""Cells of a line that are its check box: a click there switches it."""
CHROME = 9
"""Lines that the dialog's frame and texts take, with some of the list above it."""

Preview = Callable[[Arrangement], Layout]
"""Shows columns in the list; returns those that have a place, with their widths."""


class ColumnBox(ListBox):
    """The columns, a line each."""

    class Ticked(Message):
        """The check box under the mouse was clicked."""

    def on_click(self, event: events.Click) -> None:
        """A click on the box of a line switches it; elsewhere it moves the cursor."""
        super().on_click(event)
        if event.x < BOX_CELLS and event.chain == 1:
            self.post_message(self.Ticked())


class ColumnsDialog(Dialog[Arrangement]):
    """Returns the columns that were chosen, or None when the user left."""

    DEFAULT_CSS = """
    ColumnsDialog { align: center bottom; }
    ColumnsDialog > #box { width: 78; }
    ColumnsDialog ColumnBox { height: auto; }
    ColumnsDialog #about { width: 1fr; height: 2; }
    """

    def __init__(self, context: Context, start: Arrangement, preview: Preview) -> None:
        super().__init__(context, "Columns")
        self._draft = start
        self._preview = preview
        self._said = ""

    def compose_box(self) -> ComposeResult:
        """The columns, and a word about the one under the cursor."""
        box = ColumnBox(id="columns", ascii_only=self.context.options.ascii)
        box.styles.height = min(len(IDS), max(3, self.app.size.height - CHROME))
        yield box
        yield Static("", id="about", markup=False)

    def on_mount(self) -> None:
        """Show the columns as they are."""
        self._show()
        self.box.move_to(0)

    @property
    def box(self) -> ColumnBox:
        """The list of columns."""
        return self.query_one(ColumnBox)

    def keys(self) -> Iterable[Part]:
        """What to press; each key can be clicked."""
        return [
            Part("space", "key", "space"),
            Part(" show/hide  ", "", "space"),
            Part("J", "key", "J"),
            Part("/"),
            Part("K", "key", "K"),
            Part(" move  "),
            Part("+", "key", "+"),
            Part("/"),
            Part("-", "key", "-"),
            Part(" width  "),
            Part("r", "key", "r"),
            Part(" reset  ", "", "r"),
            Part("enter", "key", "enter"),
            Part(" keep  ", "", "enter"),
            Part("esc", "key", "escape"),
            Part(" leave", "", "escape"),
        ]

    def key(self, key: str, character: str | None) -> bool:
        """Move about, and change the column under the cursor."""
        box, self._said = self.box, ""
        match character or key:
            case "j" | "down":
                box.move(1)
            case "k" | "up":
                box.move(-1)
            case "home" | "g":
                box.move_to(0)
            case "end" | "G":
                box.move_to(len(IDS) - 1, -1)
            case " " | "space":
                self._toggle()
            case "J" | "shift+down":
                self._change(self._draft.moved(self._column.id, 1, IDS))
            case "K" | "shift+up":
                self._change(self._draft.moved(self._column.id, -1, IDS))
            case "+" | "=" | "right":
                self._resize(1)
            case "-" | "left":
                self._resize(-1)
            case "0":
                self._change(self._draft.resized(self._column.id, None))
            case "r":
                self._change(Arrangement())
            case "\r" | "enter":
                self.dismiss(self._draft)
            case "q":
                self.dismiss(None)
            case _:
                return False
        return True

    @property
    def _column(self) -> Column:
        """The column under the cursor."""
        line = self.box.selected
        return BY_ID[NAMING if line is None else line.key]

    @on(ColumnBox.Ticked)
    @on(RowsView.Opened)
    def _toggle(self) -> None:
        column = self._column
        if column.id == NAMING:
            self._said = "The name is always shown: it says what a line is about."
            self._about()
            return
        self._change(self._draft.toggled(column.id))

    def _resize(self, step: int) -> None:
        column = self._column
        shown = {one.id: cells for one, cells in self._preview(self._draft)}
        width = self._draft.widths.get(column.id) or shown.get(column.id, column.min)
        self._change(self._draft.resized(column.id, clamped(column.id, width + step)))

    def _change(self, draft: Arrangement) -> None:
        self._draft = draft
        self._show()

    @on(RowsView.Moved)
    def _about(self) -> None:
        """Say what the column is, and how wide it may be."""
        column, draft = self._column, self._draft
        text = self._said or f"{column.header}: {column.help}."
        width = f"{column.min} to {column.max} wide" if column.min < column.max else ""
        if column.id in draft.widths:
            width = f"{width}, 0 = automatic" if width else "0 = automatic"
        rule = "Without room the right ones leave first" if draft.order else ""
        second = ". ".join(part for part in (width, rule) if part)
        parts = [(text, "warn" if self._said else ""), (f"\n{second}", "dim")]
        self.query_one("#about", Static).update(role_text(self.app, parts))

    def _show(self) -> None:
        """Show the draft, here and in the list."""
        shown = {column.id: cells for column, cells in self._preview(self._draft)}
        self.box.show([self._line(BY_ID[name], shown) for name in self._draft.sort(IDS)])
        self._about()

    def _line(self, column: Column, shown: dict[str, int]) -> Line:
        hidden = column.id in self._draft.hidden
        cells = str(shown.get(column.id, ""))
        note = "" if hidden or cells else self._why_absent(column)
        help_role = "dim" if not note else "warn"
        return Line(
            (
                Span(" [ ] " if hidden else " [x] ", "dim" if hidden else "good"),
                Span(fit(column.header, 7), "dim" if hidden else "strong"),
                Span(fit(cells, 3, "right"), "accent" if column.id in self._draft.widths else ""),
                Span(f"  {note or column.help}", help_role),
            ),
            column.id,
        )

    def _why_absent(self, column: Column) -> str:
        if column.id == "host" and len(self.context.store.hosts) < 2:
            return "shown with more than one host"
        wanted, rows = column.wanted, self.context.store.rows.values()
        if column.optional and wanted is not None and not any(wanted(row) for row in rows):
            return "shown when there are any"
        return "no room: hide others, or make them narrower"


def choose_columns(screen: VmsScreen) -> None:
    """Open the dialog on the list, and keep what was chosen."""
    views = screen.context.views

    def chosen(arrangement: Arrangement | None) -> None:
        if arrangement is None or arrangement == views.columns:
            screen.show_columns(views.columns)
            return
        try:
            own = views.keep_columns(arrangement)
        except TuivmError as error:
            screen.say(f"{error.title}: {error.message} ({error.hint})", "bad")
        else:
            key = screen.context.keymap.label("list.views") or ":views"
            name = "" if views.current is None else views.current.name
            told = "columns kept" if own else f"columns changed; {key} s saves them with {name}"
            screen.say(told, "dim")
        screen.show_columns(arrangement)
        screen.refresh_summary()

    screen.app.push_screen(
        ColumnsDialog(screen.context, views.columns, screen.show_columns), chosen
    )
