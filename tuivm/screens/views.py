"""The dialog of saved views: choose one, save the list as it is, rename, delete."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from typing import TYPE_CHECKING

from textual import on
from textual.app import ComposeResult
from textual.widgets import Static

from tuivm.core.columns import BY_ID
from tuivm.core.errors import TuivmError
from tuivm.core.glyphs import glyphs
from tuivm.core.grouping import Grouping
from tuivm.core.savedview import SavedView, name_problem
from tuivm.core.text import cell_width, fit, sanitise
from tuivm.screens.context import Context
from tuivm.screens.dialog import Dialog, key_parts
from tuivm.widgets.bars import Part
from tuivm.widgets.listbox import Line, ListBox, Span
from tuivm.widgets.prompt import LineInput
from tuivm.widgets.roles import role_text
from tuivm.widgets.rows import RowsView

if TYPE_CHECKING:
    from tuivm.screens.vms import VmsScreen

CHROME = 7
"""Lines that the dialog's frame and texts take."""
NUMBERED = 9
"""Views that a digit chooses."""
WIDEST = 24
"""Cells of a name in the list."""


class Doing(Enum):
    """What the dialog is about at the moment."""

    CHOOSING = "choosing"
    SAVING = "saving"
    RENAMING = "renaming"
    REPLACING = "replacing"
    DELETING = "deleting"


class ViewsDialog(Dialog[str]):
    """Returns the name of the view to show, or None."""

    DEFAULT_CSS = """
    ViewsDialog ListBox { height: auto; }
    ViewsDialog LineInput { display: none; background: $surface; }
    ViewsDialog #note { width: 1fr; height: 2; }
    """

    def __init__(self, context: Context) -> None:
        super().__init__(context, "Views")
        self._views = context.views
        self._doing = Doing.CHOOSING
        self.saved = False
        """True once the list was saved as the view that is returned."""

    def compose_box(self) -> ComposeResult:
        """The views, a line to type a name into, and what is to be said."""
        yield ListBox(id="views", ascii_only=self.context.options.ascii)
        entry = LineInput(compact=True, select_on_focus=False)
        entry.cursor_blink = False
        yield entry
        yield Static("", id="note", markup=False)

    def on_mount(self) -> None:
        """Show the views, the cursor on the current one."""
        self._show("" if self._views.current is None else self._views.current.name)
        self._explain()

    @property
    def box(self) -> ListBox:
        """The list of views."""
        return self.query_one(ListBox)

    @property
    def _selected(self) -> SavedView | None:
        line = self.box.selected
        return next((view for view in self._views.every() if line and view.name == line.key), None)

    # -- what is shown -----------------------------------------------------------------

    def _show(self, selected: str = "") -> None:
        views = self._views.every()
        box = self.box
        box.styles.height = min(len(views), max(3, self.app.size.height - CHROME))
        width = min(WIDEST, max(cell_width(view.name) for view in views))
        box.show([self._line(place, view, width) for place, view in enumerate(views, 1)])
        names = [view.name for view in views]
        if selected in names:
            box.move_to(names.index(selected))

    def _line(self, place: int, view: SavedView, width: int) -> Line:
        current = self._views.current
        here = current is not None and current.name == view.name
        changed = here and self._views.changed(self.context.view)
        sign = glyphs(self.context.options.ascii).mark if here else " "
        return Line(
            (
                Span(f" {place if place <= NUMBERED else ' '} ", "key"),
                Span(f"{sign} ", "accent"),
                Span(fit(view.name, width), "strong"),
                Span(f"  {describe(view, ascii_only=self.context.options.ascii)}", "dim"),
            ),
            view.name,
            right=(Span("changed since", "warn"),) if changed else (),
        )

    def _explain(self, text: str = "", role: str = "bad") -> None:
        """Say what went wrong, or what the dialog is for."""
        if not text:
            role = "dim"
            match self._doing:
                case Doing.SAVING:
                    text = "Save filter, order, columns and grouping under this name."
                case Doing.RENAMING:
                    text = "The new name."
                case Doing.CHOOSING:
                    text = "A view is a filter, an order, columns and grouping under a name."
        self.query_one("#note", Static).update(role_text(self.app, [(text, role)]))

    def keys(self) -> Iterable[Part]:
        """What to press, as far as it can be done."""
        view = self._selected
        match self._doing:
            case Doing.SAVING:
                return key_parts(("enter", "save", "enter"), ("esc", "back", "escape"))
            case Doing.RENAMING:
                return key_parts(("enter", "rename", "enter"), ("esc", "back", "escape"))
            case Doing.REPLACING | Doing.DELETING:
                return key_parts(("y", self._doing.value[:-3] + "e", "y"), ("N", "leave it", "n"))
        own = view is not None and not view.built_in
        return key_parts(
            ("enter", "show", "enter"),
            ("s", "save as it is now", "s"),
            *((("d", "delete", "d"), ("n", "rename", "n")) if own else ()),
            ("esc", "leave", "escape"),
        )

    @on(RowsView.Moved)
    def _moved(self) -> None:
        self.refresh_keys()

    @on(RowsView.Opened)
    def _opened(self) -> None:
        self._choose()

    # -- keys --------------------------------------------------------------------------

    def key(self, key: str, character: str | None) -> bool:
        """What a key does depends on what is asked."""
        if self._doing in (Doing.REPLACING, Doing.DELETING):
            self._answered(character in ("y", "Y"))
            return True
        if self._doing is not Doing.CHOOSING:
            return self._typing(key)
        match character or key:
            case "j" | "down":
                self.box.move(1)
            case "k" | "up":
                self.box.move(-1)
            case "home" | "g":
                self.box.move_to(0)
            case "end" | "G":
                self.box.move_to(len(self.box.lines) - 1, -1)
            case "\r" | "enter":
                self._choose()
            case "s":
                current = self._views.current
                self._ask_name(Doing.SAVING, "" if current is None else current.name)
            case "d" | "n":
                self._change_selected(character == "d")
            case "q":
                self.dismiss(None)
            case digit if digit.isdecimal():
                self._choose_number(int(digit))
            case _:
                return False
        return True

    def _choose(self) -> None:
        if self._doing is Doing.CHOOSING and self._selected is not None:
            self.dismiss(self._selected.name)

    def _choose_number(self, number: int) -> None:
        views = self._views.every()
        if 1 <= number <= min(NUMBERED, len(views)):
            self.dismiss(views[number - 1].name)
        else:
            self._explain(f"there is no view {number}")

    def _change_selected(self, delete: bool) -> None:
        view = self._selected
        if view is None:
            return
        if view.built_in:
            self._explain(f"{view.name} is built in: it stays", "warn")
        elif delete:
            self._ask(Doing.DELETING, f"Delete the view {view.name}? The list stays as it is.")
        else:
            self._ask_name(Doing.RENAMING, view.name)

    # -- names and questions -----------------------------------------------------------

    def _ask_name(self, doing: Doing, name: str) -> None:
        entry = self.query_one(LineInput)
        self._doing = doing
        entry.value = "" if doing is Doing.SAVING and name_problem(name) else name
        entry.cursor_position = len(entry.value)
        entry.display = True
        self.set_focus(entry)
        self._explain()
        self.refresh_keys()

    def _ask(self, doing: Doing, question: str) -> None:
        self._doing = doing
        self._explain(question, "warn")
        self.refresh_keys()

    def _back(self) -> None:
        """Choose again."""
        self._doing = Doing.CHOOSING
        self.query_one(LineInput).display = False
        self.set_focus(None)
        self._explain()
        self.refresh_keys()

    def on_line_input_special(self, event: LineInput.Special) -> None:
        """Keys that the input leaves to others."""
        event.stop()
        self._typing(event.key)

    def _typing(self, key: str) -> bool:
        if key == "escape":
            self._back()
        elif key == "enter":
            self._named(self.query_one(LineInput).value.strip())
        else:
            return False
        return True

    def _named(self, name: str) -> None:
        problem = name_problem(name)
        if problem:
            self._explain(problem)
        elif self._doing is Doing.SAVING and self._views.exists(name):
            self.set_focus(None)
            self._ask(Doing.REPLACING, f"Replace the view {name} with the list as it is now?")
        elif self._doing is Doing.SAVING:
            self._save(name)
        else:
            self._rename(name)

    def _answered(self, yes: bool) -> None:
        doing, name = self._doing, self.query_one(LineInput).value.strip()
        self._back()
        if yes and doing is Doing.REPLACING:
            self._save(name)
        elif yes and (view := self._selected) is not None:
            try:
                self._views.delete(view.name)
            except TuivmError as error:
                self._failed(error)
            else:
                self._show()
                self._explain(f"deleted {view.name}", "good")
                self.refresh_keys()

    def _save(self, name: str) -> None:
        try:
            self._views.save(name, self.context.view)
        except TuivmError as error:
            self._failed(error)
        else:
            self.saved = True
            self.dismiss(name)

    def _rename(self, name: str) -> None:
        view = self._selected
        if view is None or view.name == name:
            self._back()
            return
        try:
            self._views.rename(view.name, name)
        except TuivmError as error:
            self._failed(error)
        else:
            self._back()
            self._show(name)

    def _failed(self, error: TuivmError) -> None:
        hint = f" ({error.hint})" if error.hint else ""
        self._explain(f"{error.title}: {error.message}{hint}")


def describe(view: SavedView, *, ascii_only: bool = False) -> str:
    """Say what a view shows, in a few words."""
    signs = glyphs(ascii_only)
    parts = ["only faults"] if view.faults_only else []
    parts += [f"/{sanitise(view.filter)}"] if view.filter else []
    header = BY_ID[view.sort].header.rstrip("%")
    parts.append(f"by {header} {signs.sort_down if view.descending else signs.sort_up}")
    if view.group is not Grouping.NONE:
        parts.append(f"grouped by {view.group}")
    if view.columns:
        parts.append("own columns")
    return ", ".join(parts)


def open_views(screen: VmsScreen) -> None:
    """Open the dialog on the list, and show what was chosen."""
    dialog = ViewsDialog(screen.context)

    def chosen(name: str | None) -> None:
        screen.refresh_summary()
        if name is None:
            return
        try:
            screen.show_view(name)
        except TuivmError as error:
            hint = f" ({error.hint})" if error.hint else ""
            screen.say(f"{name}: {error.message or error.title}{hint}", "bad")
        else:
            if dialog.saved:
                key = screen.context.keymap.label("list.views")
                screen.say(f"saved as {name}; {key or ':view'} shows it again", "good")

    screen.app.push_screen(dialog, chosen)
