"""A view of the list that has a name: filter, order, columns and grouping."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from tuivm.core.arrangement import Arrangement
from tuivm.core.columns import BY_ID, NAMING
from tuivm.core.grouping import Grouping
from tuivm.core.text import sanitise

LONGEST = 40
"""Characters of a view's name."""
FILTER_MOST = 1000
"""Characters of a filter that are kept."""


class SavedView(NamedTuple):
    """How the list looks under a name."""

    name: str
    filter: str = ""
    """A ``/`` filter."""
    faults_only: bool = False
    """True when only VMs that need a look are shown, on top of the filter."""
    sort: str = NAMING
    """The id of the column to sort by."""
    descending: bool = False
    group: Grouping = Grouping.NONE
    """What the list is grouped by."""
    columns: Arrangement | None = None
    """None takes the list's own columns, whatever they are."""

    @property
    def built_in(self) -> bool:
        """True for what comes with the program: it cannot be replaced or deleted."""
        return self.name in BUILT_IN


BUILT_IN: dict[str, SavedView] = {
    view.name: view
    for view in (
        SavedView("all"),
        SavedView("running", "state:running"),
        SavedView("faults", faults_only=True),
        SavedView("busiest", "state:running", sort="cpu", descending=True),
    )
}
"""The views that are always there, by name."""


def name_problem(name: str) -> str:
    """Say why a view cannot be called so; empty when it can."""
    if not name.strip():
        return "a name is missing"
    if name != name.strip() or name != sanitise(name):
        return "blanks around it, or signs that cannot be shown"
    if len(name) > LONGEST:
        return f"it is longer than {LONGEST} characters"
    if name in BUILT_IN:
        return f"{name} is built in: choose another name"
    return ""


# -- on disk ----------------------------------------------------------------------------------


def view_record(view: SavedView) -> dict[str, Any]:
    """Write a view as JSON has it; what is usual is left out."""
    record: dict[str, Any] = {"name": view.name}
    if view.filter:
        record["filter"] = view.filter
    if view.faults_only:
        record["faults_only"] = True
    record |= {"sort": view.sort, "descending": view.descending}
    if view.group is not Grouping.NONE:
        record["group"] = str(view.group)
    record["columns"] = arrangement_record(view.columns or Arrangement())
    return record


def arrangement_record(arrangement: Arrangement) -> dict[str, Any]:
    """Write an arrangement as JSON has it; what is usual is left out."""
    hidden = [name for name in BY_ID if name in arrangement.hidden]
    parts = {"order": [*arrangement.order], "hidden": hidden, "widths": {**arrangement.widths}}
    return {name: value for name, value in parts.items() if value}


def read_view(raw: object) -> SavedView:
    """Read a view. Raises ``ValueError`` with what is wrong, in words."""
    table = _table(raw, "a view")
    name = _of(table, "name", str, "")
    problem = name_problem(name)
    if problem:
        raise ValueError(f"a view's name: {problem}")
    sort, group = _of(table, "sort", str, NAMING), _of(table, "group", str, Grouping.NONE)
    return SavedView(
        name,
        sanitise(_of(table, "filter", str, ""), FILTER_MOST),
        _of(table, "faults_only", bool, False),
        # Columns and groups of a later release are no reason to lose the rest.
        sort if sort in BY_ID else NAMING,
        _of(table, "descending", bool, False),
        Grouping(group) if group in set(Grouping) else Grouping.NONE,
        read_arrangement(table.get("columns", {})),
    )


def read_arrangement(raw: object) -> Arrangement:
    """Read an arrangement. Raises ``ValueError`` with what is wrong, in words."""
    table = _table(raw, "columns")
    order = [name for name in dict.fromkeys(_names(table, "order")) if name in BY_ID]
    whole = Arrangement(tuple(order)).sort(BY_ID)
    widths: dict[str, int] = {}
    for name, cells in _table(table.get("widths", {}), "widths").items():
        if not isinstance(cells, int) or isinstance(cells, bool):
            raise ValueError(f"the width of {sanitise(name, 40)} is not a whole number")
        if name in BY_ID:
            widths[name] = clamped(name, cells)
    return Arrangement(
        () if whole == [*BY_ID] else tuple(whole),
        frozenset(_names(table, "hidden")).intersection(BY_ID) - {NAMING},
        widths,
    )


def clamped(column: str, cells: int) -> int:
    """Return the width nearest to ``cells`` that a column may have."""
    declared = BY_ID[column]
    return min(max(cells, declared.min), declared.max)


def _table(raw: object, what: str) -> Mapping[str, Any]:
    if not isinstance(raw, dict):
        raise ValueError(f"{what}: not a table in braces")
    return raw


def _names(table: Mapping[str, Any], key: str) -> list[str]:
    found = table.get(key, [])
    if not isinstance(found, list) or not all(isinstance(name, str) for name in found):
        raise ValueError(f"{key}: not a list of names")
    return found


def _of(table: Mapping[str, Any], key: str, kind: type, default: Any) -> Any:
    found = table.get(key, default)
    if not isinstance(found, kind):
        raise ValueError(f"{key}: {sanitise(repr(found), 40)} is not as expected")
    return found
