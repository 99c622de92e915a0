"""Writes a text where the user wants it, and asks before a file is replaced."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from textual.app import App
from textual.geometry import Size

from tuivm.core import files
from tuivm.core.text import bytes_text, sanitise
from tuivm.screens.context import Context

Make = Callable[[], str]
"""Makes the text, on the thread that writes it: a large one must not hold up the keys."""


class Asker(Protocol):
    """A screen, as far as saving needs it."""

    context: Context

    @property
    def app(self) -> App[Any]:
        """The app, which shows the question."""

    @property
    def size(self) -> Size:
        """Its size, into which the answer has to fit."""

    def say(self, text: str, role: str = ...) -> None:
        """Say in one line what came of it."""


def write_file(
    screen: Asker, path: Path, make: Make, what: str = "", *, replace: bool = False
) -> None:
    """Write a text, readable by the user alone, and say what came of it.

    ``what`` says in a few words what is written. A file that is there is only replaced
    after a question.
    """
    app = screen.app

    def ended(error: OSError | None, size: int) -> None:
        if isinstance(error, FileExistsError):
            _ask_replace(screen, path, make, what)
        elif error is not None:
            screen.say(str(files.cannot("write", path, error)), "bad")
        else:
            told = f"{what}, {bytes_text(size)}," if what else bytes_text(size)
            said = f"saved {told} to "
            screen.say(said + _end_of(path, screen.size.width - len(said) - 2), "good")

    def write() -> None:
        # On a thread of its own: the folder may be on a server that is gone.
        error, size = None, 0
        try:
            size = files.save_text(path, make(), replace=replace)
        except OSError as caught:
            error = caught
        app.call_later(ended, error, size)

    threading.Thread(target=write, name="tuivm-save", daemon=True).start()


def _end_of(path: Path, width: int) -> str:
    """A path without its beginning where it is long: the name is what tells files apart."""
    text = sanitise(str(path))
    return text if len(text) <= width else f"…{text[1 - width :]}"


def _ask_replace(screen: Asker, path: Path, make: Make, what: str) -> None:
    from tuivm.screens.confirm import ConfirmDialog

    def answered(yes: bool | None) -> None:
        if yes:
            write_file(screen, path, make, what, replace=True)

    dialog = ConfirmDialog(
        screen.context,
        "Replace the file?",
        "What is in it now is lost:",
        [sanitise(str(path), 200)],
        "Replace",
    )
    screen.app.push_screen(dialog, answered)
