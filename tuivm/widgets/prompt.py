"""The one-line prompt for ``/`` and ``:``, with history, completion and an error beside it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, Static

from tuivm.widgets.roles import role_text


class LineInput(Input, inherit_bindings=True):
    """An input of one line and no frame, that asks its prompt about the special keys."""

    DEFAULT_CSS = """
    LineInput, LineInput:focus {
        border: none; height: 1; padding: 0; width: 1fr; background: $background;
        background-tint: transparent;
    }
    """

    KEYS: ClassVar[frozenset[str]] = frozenset(
        {"escape", "up", "down", "tab", "enter", "shift+tab"}
    )

    class Special(Message):
        """A key that means something to the prompt."""

        def __init__(self, key: str) -> None:
            super().__init__()
            self.key = key

    async def _on_key(self, event: events.Key) -> None:
        if event.key in self.KEYS:
            event.stop()
            event.prevent_default()
            self.post_message(self.Special(event.key))
            return
        await super()._on_key(event)


class Prompt(Horizontal):
    """A sign, an input, and a remark at the right: what is wrong, or what to press."""

    DEFAULT_CSS = """
    Prompt { height: 1; background: $background; }
    Prompt > #sign { width: auto; padding: 0 0 0 1; }
    Prompt > #remark { width: auto; max-width: 65%; height: 1; padding: 0 1 0 1; }
    """

    class Changed(Message):
        """The text is another one."""

        def __init__(self, prompt: Prompt, text: str) -> None:
            super().__init__()
            self.prompt = prompt
            self.text = text

    class Submitted(Message):
        """Enter was pressed."""

        def __init__(self, prompt: Prompt, text: str) -> None:
            super().__init__()
            self.prompt = prompt
            self.text = text

    class Cancelled(Message):
        """Escape was pressed."""

    class Moving(Message):
        """Up (-1) or down (1) was pressed in a prompt without a history."""

        def __init__(self, step: int) -> None:
            super().__init__()
            self.step = step

    class Completing(Message):
        """Tab (``step`` 1) or shift+tab (-1) was pressed."""

        def __init__(self, step: int) -> None:
            super().__init__()
            self.step = step

    def __init__(
        self,
        sign: str,
        text: str = "",
        history: Sequence[str] | None = None,
        *,
        instead: Widget | None = None,
    ) -> None:
        """Build it; to be mounted before ``instead``, whose line it takes until ``close``.

        They change places at once: two steps would move, and draw, all that is below.
        """
        super().__init__(id="prompt")
        self._instead = instead
        self.display = instead is None
        self.sign = sign
        """What stands before the input: ``/`` or ``:``."""
        # Made here, not in compose(): a busy program speaks to its prompt before it is built.
        self.entry = LineInput(text, compact=True, select_on_focus=False)
        """The input."""
        self.entry.cursor_blink = False
        self._note = Static("", id="remark", markup=False)
        self._history = None if history is None else [*history]
        self._place = len(history or ())
        self._draft = text

    def compose(self) -> ComposeResult:
        """Lay out the line."""
        yield Static(role_text(self.app, [(self.sign, "key")]), id="sign", markup=False)
        yield self.entry
        yield self._note

    def on_mount(self) -> None:
        """Take the keys, from this moment on: ``focus()`` would wait for the app."""
        self._change_places(True)
        if self.entry.is_attached:  # not where it is left before it was built
            self.screen.set_focus(self.entry)

    def close(self) -> None:
        """Give the line back, and go."""
        if self.screen.focused is self.entry:
            self.screen.set_focus(None)
        self._change_places(False)
        self.remove()

    def _change_places(self, here: bool) -> None:
        if self._instead is not None:
            self.display, self._instead.display = here, not here

    @property
    def text(self) -> str:
        """What is typed so far."""
        return self.entry.value

    def set_text(self, text: str, cursor: int | None = None) -> None:
        """Replace the text, for instance by a completion."""
        entry = self.entry
        entry.value = text
        entry.cursor_position = len(text) if cursor is None else cursor

    def remark(self, text: str, role: str = "dim") -> None:
        """Say something at the right of the line."""
        if not self.is_attached:
            return
        line = role_text(self.app, [(text, role)]) if text else Text("")
        line.no_wrap, line.overflow = True, "ellipsis"
        self._note.update(line)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Pass the change on."""
        event.stop()
        self.post_message(self.Changed(self, event.value))

    def on_line_input_special(self, event: LineInput.Special) -> None:
        """Sort out the special keys."""
        event.stop()
        match event.key:
            case "escape":
                self.post_message(self.Cancelled())
            case "enter":
                self.post_message(self.Submitted(self, self.text))
            case "tab":
                self.post_message(self.Completing(1))
            case "shift+tab":
                self.post_message(self.Completing(-1))
            case "up":
                self._recall(-1)
            case "down":
                self._recall(1)

    def _recall(self, step: int) -> None:
        if self._history is None:
            self.post_message(self.Moving(step))
            return
        place = self._place + step
        if not 0 <= place <= len(self._history):
            return
        if self._place == len(self._history):
            self._draft = self.text
        self._place = place
        self.set_text(self._history[place] if place < len(self._history) else self._draft)
