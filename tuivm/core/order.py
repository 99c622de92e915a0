"""All rows of a store in sorted order, kept up to date as rows change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tuivm.core.columns import BY_ID
from tuivm.core.model import DomainKey
from tuivm.core.rows import Row

NAME = "name"


class Order:
    """Sorts by one column, names decide between equals, unknown values come last.

    Sort keys are kept, so that a tick in which nothing moves costs no sorting, and one in
    which everything moves sorts plain numbers.
    """

    def __init__(self, rows: Mapping[DomainKey, Row]) -> None:
        self._rows = rows
        self.column = NAME
        """The id of the column that rows are sorted by."""
        self.descending = False
        self.keys: list[DomainKey] = []
        """All rows in order. Not to be changed by others."""
        self._names: dict[DomainKey, str] = {}
        self._by_name: list[DomainKey] = []
        self._values: dict[DomainKey, object] = {}
        self._due = False
        self.update(rows)
        self.arrange()

    def set_sort(self, column: str, descending: bool) -> None:
        """Sort by another column. Raises ``KeyError`` when there is none of that id."""
        sort_key = BY_ID[column].sort_key
        self.column = column
        self.descending = descending
        rows = self._rows
        self._values = {} if column == NAME else {key: sort_key(rows[key]) for key in self._by_name}
        self._sort()

    def update(self, keys: Iterable[DomainKey]) -> bool:
        """Look at rows that were added, changed or removed.

        True when rows may have to move: ``arrange`` then does that.
        """
        rows, names, values = self._rows, self._names, self._values
        sort_key = None if self.column == NAME else BY_ID[self.column].sort_key
        stale_names = moved = False
        gone: set[DomainKey] = set()
        for key in keys:
            row = rows.get(key)
            if row is None:
                if names.pop(key, None) is not None:
                    values.pop(key, None)
                    gone.add(key)
                continue
            name = row.sort_name
            before = names.get(key)
            if before != name:
                names[key] = name
                stale_names = True
                if before is None:
                    self._by_name.append(key)
            if sort_key is not None:
                value = sort_key(row)
                if key not in values or values[key] != value:
                    values[key] = value
                    moved = True
        if gone:
            self._by_name = [key for key in self._by_name if key not in gone]
        if stale_names:
            self._by_name.sort(key=names.__getitem__)
        self._due = self._due or moved or stale_names or bool(gone)
        return self._due

    def arrange(self) -> bool:
        """Bring ``keys`` up to date after ``update``; True when the order changed."""
        if not self._due:
            return False
        before = self.keys
        self._sort()
        return self.keys != before

    def _sort(self) -> None:
        self._due = False
        if self.column == NAME:
            self.keys = self._by_name[::-1] if self.descending else [*self._by_name]
            return
        # By places and not by keys: a key is a tuple, and its hash is no cheap one.
        by_name = self._by_name
        values = [*map(self._values.__getitem__, by_name)]
        places = [place for place, value in enumerate(values) if value is not None]
        unknown = [by_name[place] for place, value in enumerate(values) if value is None]
        places.sort(key=values.__getitem__, reverse=self.descending)  # type: ignore[arg-type]
        self.keys = [*map(by_name.__getitem__, places), *unknown]
