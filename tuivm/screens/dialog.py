"""The frame of every dialog: a box in the middle, a title, a body, and a line of keys."""

from __future__ import annotations

from collections.abc import Iterable

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen

from tuivm.screens.context import Context
from tuivm.screens.leavable import Leavable, Result
from tuivm.widgets.bars import Bar, Part


class Dialog(ModalScreen[Result], Leavable[Result], inherit_bindings=False):
    """A modal box. Keys are handled in ``key``; escape always leaves with nothing."""

    AUTO_FOCUS = ""
    asks_hosts = False
    """True while it waits for a host that may ask something: its questions come above it."""

    DEFAULT_CSS = """
    Dialog { align: center middle; background: transparent; }
    Dialog > #box {
        width: 76; max-width: 100%; height: auto; max-height: 100%;
        background: $surface; border: round $primary; padding: 0 1;
        border-title-color: $text-primary; border-title-style: bold;
        &:ansi { background: ansi_default; border: round ansi_blue; }
    }
    Dialog.-ascii > #box { border: ascii $primary; }
    Dialog > #box > Bar { background: $surface; &:ansi { background: ansi_default; } }
    Dialog > #box > RowsView { background: $surface; &:ansi { background: ansi_default; } }
    """

    def __init__(self, context: Context, title: str) -> None:
        super().__init__(classes="-ascii" if context.options.ascii else "")
        self.context = context
        self._heading = title

    def compose_box(self) -> ComposeResult:
        """Yield the dialog's own widgets."""
        yield from ()

    def keys(self) -> Iterable[Part]:
        """The parts of the line of keys; a part's action is the key that it stands for."""
        return ()

    def key(self, key: str, character: str | None) -> bool:
        """Handle a key; False when it means nothing here."""
        return False

    def compose(self) -> ComposeResult:
        """The box, the subclass's widgets, and the keys."""
        from textual.content import Content

        with Vertical(id="box") as box:
            box.border_title = Content(f" {self._heading} ")
            yield from self.compose_box()
            yield Bar(id="keys")

    def on_mount(self) -> None:
        """Show the keys."""
        self.refresh_keys()

    def refresh_keys(self) -> None:
        """Bring the line of keys up to date."""
        self.query_one("#keys", Bar).show(self.keys())

    async def _on_key(self, event: events.Key) -> None:
        if self.key(event.key, event.character):
            event.stop()
            event.prevent_default()
        elif event.key == "escape":
            event.stop()
            self.dismiss(None)

    @on(Bar.Pressed)
    def _pressed(self, message: Bar.Pressed) -> None:
        message.stop()
        action = message.action
        if not self.key(action, action if len(action) == 1 else None) and action == "escape":
            self.dismiss(None)


def key_parts(*pairs: tuple[str, str, str]) -> list[Part]:
    """Parts for ``Dialog.keys`` from (key as shown, label, key name)."""
    parts: list[Part] = []
    for shown, label, name in pairs:
        parts += [Part(shown, "key", name), Part(f" {label}", "", name), Part("   ")]
    return parts
