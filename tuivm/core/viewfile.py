"""The file of saved views and of the list's columns, beside the configuration.

Somebody may write it by hand, and several programs may have it open: it is read afresh for
each change, written whole, and what cannot be understood is put aside, never written over.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from platformdirs import user_config_path

from tuivm.core.arrangement import Arrangement
from tuivm.core.errors import TuivmError
from tuivm.core.files import save_text
from tuivm.core.savedview import (
    SavedView,
    arrangement_record,
    read_arrangement,
    read_view,
    view_record,
)
from tuivm.core.text import sanitise

FILE_NAME = "views.json"
LARGEST = 1 << 20
"""Bytes beyond which it cannot be a file of ours."""


class Contents:
    """What the file says."""

    def __init__(self) -> None:
        self.columns = Arrangement()
        """The list's own columns."""
        self.views: dict[str, SavedView] = {}
        """The user's views by name, in the order in which they were made."""


class ViewFile:
    """Reads and writes the file; small, so that it is read where it is needed."""

    def __init__(self, path: Path | None = None) -> None:
        """``path``: the file; by default ``$XDG_CONFIG_HOME/tuivm/views.json``."""
        self._path = path
        self.problem: TuivmError | None = None
        """What was wrong when it was last read; None when nothing was."""

    @property
    def path(self) -> Path:
        """Where it is."""
        return self._path or user_config_path("tuivm") / FILE_NAME

    def read(self) -> Contents:
        """Read it; never fails: what cannot be used is left out and told in ``problem``."""
        self.problem = None
        contents = Contents()
        try:
            with self.path.open("rb") as file:
                data = file.read(LARGEST + 1)
        except FileNotFoundError:
            return contents
        except OSError as error:
            return self._complain(contents, [sanitise(error.strerror or str(error))])
        # Most have no such file.
        import json

        wrong: list[str] = []
        try:
            raw = json.loads(data.decode("utf-8")) if len(data) <= LARGEST else None
            if not isinstance(raw, dict):
                raise ValueError("it is not a table in braces, or far too large")
        except (ValueError, RecursionError) as error:
            return self._complain(contents, [sanitise(str(error), 200)])
        try:
            contents.columns = read_arrangement(raw.get("columns", {}))
        except ValueError as error:
            wrong.append(str(error))
        views = raw.get("views", [])
        if not isinstance(views, list):
            views = []
            wrong.append("views: not a list")
        for one in views:
            try:
                view = read_view(one)
            except ValueError as error:
                wrong.append(str(error))
                continue
            if view.name in contents.views:
                wrong.append(f"two views are called {view.name}")
            contents.views.setdefault(view.name, view)
        return self._complain(contents, wrong) if wrong else contents

    def change(self, edit: Callable[[Contents], None]) -> Contents:
        """Read it afresh, edit what it says, and write it; returns what it says then.

        A file in which something was wrong is kept under another name. Raises ``TuivmError``
        when it cannot be written; it is then as it was.
        """
        import json

        contents = self.read()
        edit(contents)
        # A link is somebody's wish: what it names is replaced, not the link.
        path = Path(os.path.realpath(self.path))
        raw = {
            "columns": arrangement_record(contents.columns),
            "views": [view_record(view) for view in contents.views.values()],
        }
        try:
            if self.problem is not None:
                os.replace(path, _free(path))
            save_text(path, json.dumps(raw, ensure_ascii=False, indent=1) + "\n", replace=True)
        except OSError as error:
            raise TuivmError(
                "Cannot save views",
                f"{sanitise(str(path), 200)}: {sanitise(error.strerror or str(error))}",
                hint="make the folder writable, or make room in it",
            ) from error
        return contents

    def _complain(self, contents: Contents, wrong: list[str]) -> Contents:
        more = f", and {len(wrong) - 1} more" if len(wrong) > 1 else ""
        self.problem = TuivmError(
            f"Cannot use all of {FILE_NAME}, the saved views",
            f"{sanitise(str(self.path), 200)}: {wrong[0]}{more}",
            hint="correct the file; else it is kept with .bad behind its name once a view is saved",
        )
        return contents


def _free(path: Path) -> Path:
    """A name for what is put aside, which no file has."""
    for number in range(1, 100):
        bad = path.with_name(f"{path.name}.bad{number if number > 1 else ''}")
        if not bad.exists():
            return bad
    return bad
