"""The list's columns and the saved views of this run: which one is shown, and what changed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tuivm.core.arrangement import Arrangement
from tuivm.core.errors import TuivmError
from tuivm.core.savedview import BUILT_IN, SavedView, name_problem
from tuivm.core.suggest import did_you_mean
from tuivm.core.text import sanitise
from tuivm.core.view import View
from tuivm.core.viewfile import Contents, ViewFile


class ViewError(TuivmError):
    """A saved view that does not exist or cannot be made."""


class Views:
    """What can be chosen and what is. For one thread; reads its file with the first question."""

    def __init__(self, path: Path | None = None) -> None:
        """``path``: the file, see ``ViewFile``."""
        self._file = ViewFile(path)
        self._contents: Contents | None = None
        self._columns: Arrangement | None = None
        self.current: SavedView | None = None
        """The view that was chosen last, as it was saved; None before one was."""

    # -- reading -------------------------------------------------------------------------

    @property
    def problem(self) -> TuivmError | None:
        """What was wrong with the file when it was first read."""
        self._read()
        return self._file.problem

    @property
    def columns(self) -> Arrangement:
        """The columns as they are shown."""
        return self._read().columns if self._columns is None else self._columns

    def every(self) -> tuple[SavedView, ...]:
        """Return all views, those that come with the program first."""
        return (*BUILT_IN.values(), *self._read().views.values())

    def find(self, name: str) -> SavedView:
        """Return a view by its name, in any case of letters. Raises ``ViewError``."""
        known = {view.name: view for view in self.every()}
        folded = {one.casefold(): view for one, view in reversed(known.items())}
        found = known.get(name) or folded.get(name.casefold())
        if found is None:
            shown = sanitise(name, 40) or "without a name"
            hint = did_you_mean(name, known) or f"views: {', '.join(known)}"
            raise ViewError("No such view", f"there is no view {shown}", hint=hint)
        return found

    def arrangement(self, view: SavedView) -> Arrangement:
        """Return the columns that a view shows: its own, or the list's."""
        return self._read().columns if view.columns is None else view.columns

    def now(self, name: str, view: View) -> SavedView:
        """Return the list as it is, under a name."""
        return SavedView(
            name,
            view.filter_text.strip(),
            view.faults_only,
            view.sort_column,
            view.descending,
            view.grouping,
            self.columns,
        )

    def changed(self, view: View) -> bool:
        """Tell whether the list is not as the current view was saved."""
        current = self.current
        if current is None:
            return False
        now = self.now(current.name, view)
        return (now._replace(columns=None) if current.columns is None else now) != current

    # -- choosing ------------------------------------------------------------------------

    def switch(self, name: str, view: View) -> None:
        """Show a view. Raises ``TuivmError`` and changes nothing when that cannot be."""
        chosen = self.find(name)
        view.set_filter(chosen.filter)
        view.set_faults_only(chosen.faults_only)
        view.set_sort(chosen.sort, chosen.descending)
        view.set_grouping(chosen.group)
        self._columns = chosen.columns
        self.current = chosen

    def keep_columns(self, arrangement: Arrangement) -> bool:
        """Show other columns; False when they are the current view's and not saved with it.

        They are the list's own, in this run and the next ones, unless a view with columns of
        its own is shown. Raises ``TuivmError`` when they cannot be saved; they are shown then
        all the same.
        """
        self._columns = arrangement
        if self.current is not None and self.current.columns is not None:
            return arrangement == self.current.columns
        self._read().columns = arrangement
        self._columns = None

        def edit(contents: Contents) -> None:
            contents.columns = arrangement

        self._change(edit)
        return True

    # -- the user's own ------------------------------------------------------------------

    def exists(self, name: str) -> bool:
        """Tell whether saving under a name would replace a view."""
        return name in self._read().views

    def save(self, name: str, view: View) -> None:
        """Save the list as it is under a name, which is the current view then.

        Raises ``TuivmError``.
        """
        self._check(name)
        saved = self.now(name, view)

        def edit(contents: Contents) -> None:
            contents.views[name] = saved

        self._change(edit)
        self.current, self._columns = saved, saved.columns

    def rename(self, old: str, new: str) -> None:
        """Give a view another name. Raises ``TuivmError``, also where the name is taken."""
        self._check(new)
        if self.exists(new):
            raise ViewError("Cannot rename", f"there is a view {new}")
        renamed = self.find(old)._replace(name=new)

        def edit(contents: Contents) -> None:
            contents.views = {
                new if name == old else name: renamed if name == old else view
                for name, view in contents.views.items()
            }

        self._change(edit)
        if self.current is not None and self.current.name == old:
            self.current = renamed

    def delete(self, name: str) -> None:
        """Delete a view; the list stays as it is. Raises ``TuivmError``."""

        def edit(contents: Contents) -> None:
            contents.views.pop(name, None)

        self._change(edit)
        if self.current is not None and self.current.name == name:
            self.current = None

    def _change(self, edit: Callable[[Contents], None]) -> None:
        """Take in what other programs saved meanwhile, but for the columns on screen."""
        columns = self._read().columns
        contents = self._file.change(edit)
        contents.columns = columns
        self._contents = contents

    def _check(self, name: str) -> None:
        problem = name_problem(name)
        if problem:
            raise ViewError("Cannot save the view", problem)

    def _read(self) -> Contents:
        if self._contents is None:
            self._contents = self._file.read()
        return self._contents
