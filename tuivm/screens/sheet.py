"""A dialog that shows labelled values in full, to read or to copy."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from textual.app import ComposeResult
from textual.containers import VerticalScroll

from tuivm.screens.context import Context
from tuivm.screens.dialog import Dialog, key_parts
from tuivm.widgets.bars import Part
from tuivm.widgets.fieldsbox import FieldsBox


class Sheet(Dialog[None]):
    """Wrapped text; scrolls where it is longer than the screen."""

    DEFAULT_CSS = """
    Sheet VerticalScroll { height: auto; max-height: 20; scrollbar-size-vertical: 1; }
    Sheet FieldsBox { max-height: 1000; padding: 1 1; background: $surface; }
    Sheet FieldsBox:ansi { background: ansi_default; }
    """

    def __init__(
        self, context: Context, title: str, fields: Sequence[tuple[str, str, str]]
    ) -> None:
        super().__init__(context, title)
        self._fields = fields
        self._copied = False

    def compose_box(self) -> ComposeResult:
        """The values."""
        with VerticalScroll(can_focus=False):
            yield FieldsBox()

    def on_mount(self) -> None:
        """Fill them in."""
        self.query_one(FieldsBox).show(self._fields)

    def keys(self) -> Iterable[Part]:
        """Copy and leave."""
        parts = key_parts(("y", "copy", "y"), ("esc", "close", "escape"))
        return (
            [*parts, Part("copied to the terminal's clipboard", "good")] if self._copied else parts
        )

    def key(self, key: str, character: str | None) -> bool:
        """Copy, scroll, or close."""
        view = self.query_one(VerticalScroll)
        match key:
            case "y":
                text = "\n".join(f"{label}: {value}" for label, value, _ in self._fields)
                self.app.copy_to_clipboard(text)
                self._copied = True
                self.refresh_keys()
            case "down" | "j":
                view.scroll_relative(y=1, animate=False)
            case "up" | "k":
                view.scroll_relative(y=-1, animate=False)
            case "pagedown" | "space":
                view.scroll_page_down(animate=False)
            case "pageup":
                view.scroll_page_up(animate=False)
            case "enter" | "q":
                self.dismiss(None)
            case _:
                return False
        return True
