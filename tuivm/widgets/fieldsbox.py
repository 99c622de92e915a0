"""Labels and values, wrapped; grows with its content up to a share of the screen."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table
from textual.widgets import Static

from tuivm.core.text import cell_width
from tuivm.widgets.roles import palette


class FieldsBox(Static):
    """A small two-column sheet of (label, value, role)."""

    DEFAULT_CSS = """
    FieldsBox { width: 1fr; height: auto; max-height: 60%; padding: 0 1; }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__("", id=id, markup=False)
        self._fields: Sequence[tuple[str, str, str]] = ()

    def show(self, fields: Sequence[tuple[str, str, str]]) -> None:
        """Replace the sheet; repaints only when it differs."""
        if fields == self._fields:
            return
        self._fields = fields
        styles = palette(self.app)
        table = Table.grid(padding=(0, 2))
        table.add_column(width=max((cell_width(label) for label, _, _ in fields), default=1))
        table.add_column(overflow="fold")
        from rich.text import Text

        for label, value, role in fields:
            table.add_row(Text(label, styles["label"]), Text(value, styles[role]))
        self.update(table if fields else "")
