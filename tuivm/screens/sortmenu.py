"""The menu of columns to sort by."""

from __future__ import annotations

from tuivm.core.columns import COLUMNS
from tuivm.core.glyphs import Glyphs
from tuivm.core.view import View
from tuivm.screens.context import Context
from tuivm.screens.menu import Choice, Menu


def sort_menu(context: Context, signs: Glyphs) -> Menu:
    """A menu that returns a column's id."""
    view = context.view
    return Menu(context, "Sort by", sort_choices(view, signs), selected=view.sort_column)


def sort_choices(view: View, signs: Glyphs) -> list[Choice]:
    """The columns, for the sort menu."""
    choices = []
    taken: set[str] = set()
    for column in COLUMNS:
        key = next((char for char in column.header.lower() if char not in taken | {"q"}), "")
        taken.add(key)
        title = column.header.rstrip("%")
        if column.id == view.sort_column:
            title += f" {signs.sort_down if view.descending else signs.sort_up}"
        choices.append(Choice(key, title, column.id, detail=column.help))
    return choices
