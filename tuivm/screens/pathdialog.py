"""Asks for a file to write; the answer is a full path."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from textual.app import ComposeResult
from textual.widgets import Static

from tuivm.core.files import full_path
from tuivm.core.text import sanitise
from tuivm.screens.context import Context
from tuivm.screens.dialog import Dialog, key_parts
from tuivm.widgets.bars import Part
from tuivm.widgets.prompt import LineInput
from tuivm.widgets.roles import role_text


class PathDialog(Dialog[tuple[Path, bool]]):
    """Returns the path and whether the extra choice is on, or None.

    ``extra`` is what tab switches on and off; ``warning`` says what that means.
    ``endings`` are those that the name may have.
    """

    DEFAULT_CSS = """
    PathDialog #about, PathDialog #warning { width: 1fr; height: auto; }
    PathDialog LineInput { margin: 1 0; }
    """

    def __init__(
        self,
        context: Context,
        title: str,
        about: str,
        path: Path,
        *,
        verb: str,
        extra: str = "",
        warning: str = "",
        endings: tuple[str, ...] = (),
    ) -> None:
        super().__init__(context, title)
        self._about = about
        self._path = path
        self._verb = verb
        self._extra = extra
        self._warning = warning
        self._endings = endings
        self._on = False

    def compose_box(self) -> ComposeResult:
        """What is written, and where to."""
        yield Static(role_text(self.app, [(self._about, "")]), id="about", markup=False)
        entry = LineInput(str(self._path), compact=True, select_on_focus=False)
        entry.cursor_blink = False
        yield entry
        yield Static("", id="warning", markup=False)

    def on_mount(self) -> None:
        """Take the keys from the first moment on."""
        self.set_focus(self.query_one(LineInput))

    def keys(self) -> Iterable[Part]:
        """What to press."""
        pairs = [("enter", self._verb, "enter"), ("esc", "leave", "escape")]
        if self._extra:
            pairs.append(("tab", f"{self._extra}: {'yes' if self._on else 'no'}", "tab"))
        return key_parts(*pairs)

    def on_line_input_special(self, event: LineInput.Special) -> None:
        """Keys that the input leaves to others."""
        event.stop()
        if event.key == "escape":
            self.dismiss(None)
        else:
            self.key(event.key, None)

    def key(self, key: str, character: str | None) -> bool:
        """Enter takes the path, tab switches."""
        if key == "tab" and self._extra:
            self._on = not self._on
            self._say(self._warning if self._on else "", "warn")
            self.refresh_keys()
        elif key == "enter":
            self._take()
        else:
            return False
        return True

    def _take(self) -> None:
        text = self.query_one(LineInput).value
        path = full_path(text)
        if not text.strip() or text.rstrip().endswith(os.sep) or os.path.isdir(path):
            self._say("the name of a file is missing", "bad")
        elif "\0" in text:
            self._say(f"no file can have this name: {sanitise(text, 60)}", "bad")
        elif self._endings and not path.name.lower().endswith(self._endings):
            self._say(f"the name has to end in {' or '.join(self._endings)}", "bad")
        else:
            self.dismiss((path, self._on))

    def _say(self, text: str, role: str) -> None:
        self.query_one("#warning", Static).update(role_text(self.app, [(text, role)]))
