"""What the list shows: filter, sort, groups, marks and cursor over a store, all by identity."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import NamedTuple

from tuivm.core.grouping import Grouping, GroupKey, Groups, Line, Tally
from tuivm.core.listcounts import Counts, count, needs_look
from tuivm.core.model import DomainKey, HostState
from tuivm.core.order import Order
from tuivm.core.query import Query, parse
from tuivm.core.rows import Changes, Row
from tuivm.core.store import Store

__all__ = ["Counts", "View", "ViewChange", "needs_look"]


class ViewChange(NamedTuple):
    """What a batch of changes did to the list."""

    order_changed: bool
    """True when rows came, went or moved: everything has to be painted again."""
    changed_keys: frozenset[DomainKey]
    """Rows shown whose contents changed."""
    settled: bool = True
    """False where more is to come at once: rows are put in order, and painted, after that."""


class View:
    """The rows of a store as the list shows them. For the UI thread only."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.keys: list[DomainKey] = []
        """Rows that match, in order, those of folded groups too. Not to be changed by others."""
        self.lines: Sequence[Line] = self.keys
        """What the list draws: rows, and above those of a group its header. Without groups
        the same as ``keys``."""
        self.marks: set[DomainKey] = set()
        """Marked rows, shown or not."""
        self.faults_only = False
        """True when only rows that need a look are shown; see ``set_faults_only``."""
        self._order = Order(store.rows)
        self._query: Query[Row] = parse("")
        self._wanted: set[DomainKey] = set()
        self._places: dict[Line, int] | None = None
        self._place = 0
        """Where the cursor was found last."""
        self._lines_due = False
        self._counts: Counts | None = None
        self._moved = False
        self._at: Line | None = None
        self._home: Line | None = None
        """Where the cursor was before nothing was shown."""
        self._groups: Groups | None = None
        self._hosts: Collection[str] = ()
        """The hosts that had a header when lines were last arranged."""
        self._folds: dict[Grouping, set[GroupKey]] = {}
        """What is folded while all is shown; kept for the run, whatever comes and goes."""
        self._narrow_folds: set[GroupKey] = set()
        """What is folded under the present filter: what somebody looks for starts open."""
        self._filter()

    # -- reading -------------------------------------------------------------------------

    @property
    def filter_text(self) -> str:
        """The filter that is applied now."""
        return self._query.text

    def __len__(self) -> int:
        return len(self.keys)

    def row(self, index: int) -> Row:
        """Return a row that matches by its place in ``keys``."""
        return self._store.rows[self.keys[index]]

    def index_of(self, line: Line | None) -> int | None:
        """Return where a row or a header is in ``lines``, or None when it isn't there."""
        return None if line is None else self._line_places().get(line)

    def _line_places(self) -> dict[Line, int]:
        if self._places is None:
            self._places = {line: index for index, line in enumerate(self.lines)}
        return self._places

    @property
    def cursor(self) -> DomainKey | None:
        """The row under the cursor; None on a header, and when nothing is shown."""
        return self._at if isinstance(self._at, DomainKey) else None

    @property
    def header(self) -> GroupKey | None:
        """The group whose header is under the cursor."""
        return self._at if isinstance(self._at, GroupKey) else None

    @property
    def cursor_index(self) -> int | None:
        """Where in ``lines`` the cursor is, or None when nothing is shown."""
        at, lines, place = self._at, self.lines, self._place
        if at is None:
            return None
        if place < len(lines) and lines[place] == at:
            return place
        # Not by a table of all lines: each time rows move it would be built for this one.
        try:
            self._place = lines.index(at)
        except ValueError:
            return None
        return self._place

    def targets(self) -> tuple[DomainKey, ...]:
        """Return what a verb works on: the marked rows in the list's order, else the cursor's.

        Marked rows that the filter hides come last. A header is no target: its group is one
        once it is marked.
        """
        if not self.marks:
            cursor = self.cursor
            return () if cursor is None else (cursor,)
        shown = [key for key in self.keys if key in self.marks]
        rows = self._store.rows
        hidden = [key for key in self.marks.difference(shown) if key in rows]
        return (*shown, *sorted(hidden, key=lambda key: rows[key].sort_name))

    def counts(self) -> Counts:
        """Return the numbers of the summary line; cheap when nothing changed."""
        if self._counts is None:
            self._counts = count(self._store, len(self.keys), self.marks, self._wanted)
        return self._counts

    # -- filter and sort -----------------------------------------------------------------

    @property
    def sort_column(self) -> str:
        """The id of the column that rows are sorted by."""
        return self._order.column

    @property
    def descending(self) -> bool:
        """True when the highest values come first."""
        return self._order.descending

    def set_filter(self, text: str) -> None:
        """Show only what matches. Raises ``QueryError``; the last good filter then stays."""
        self._query = parse(text)
        self._narrow_folds.clear()
        self._filter()

    def set_faults_only(self, on: bool) -> None:
        """Show only rows that need a look, on top of the filter; or all again."""
        self.faults_only = on
        self._narrow_folds.clear()
        self._filter()

    def set_sort(self, column_id: str, descending: bool = False) -> None:
        """Sort by a column; unknown values come last either way, then names decide.

        Raises ``KeyError`` when there is no such column.
        """
        self._order.set_sort(column_id, descending)
        self._show()

    # -- groups --------------------------------------------------------------------------

    @property
    def grouping(self) -> Grouping:
        """What the list is grouped by."""
        return Grouping.NONE if self._groups is None else self._groups.grouping

    def set_grouping(self, grouping: Grouping) -> None:
        """Group the list; the cursor stays on its row, folds are as they were left."""
        if grouping is not self.grouping:
            self._groups = None if grouping is Grouping.NONE else Groups(grouping)
            self._fill_groups()
            self._show()

    @property
    def narrowed(self) -> bool:
        """True when a filter or the faults' view hides rows."""
        return bool(self._query) or self.faults_only

    @property
    def folded(self) -> Collection[GroupKey]:
        """Groups of which only the header is shown."""
        return self._folded()

    def _folded(self) -> set[GroupKey]:
        if self.narrowed:
            return self._narrow_folds
        return self._folds.setdefault(self.grouping, set())

    @property
    def group(self) -> GroupKey | None:
        """The group under the cursor: that of the header, or of the row."""
        cursor = self.cursor
        return self.header if cursor is None else self.group_of(cursor)

    def group_of(self, key: DomainKey) -> GroupKey | None:
        """Tell in which group a row that matches stands; None without groups."""
        return None if self._groups is None else self._groups.of(key)

    def group_title(self, group: GroupKey) -> str:
        """Name a group as people do."""
        return group.name if self._groups is None else self._groups.title(group)

    def tally(self, group: GroupKey) -> Tally:
        """Count what a group's rows do; kept up to date, so it costs nothing."""
        found = None if self._groups is None else self._groups.tallies.get(group)
        return Tally() if found is None else found

    def members(self, group: GroupKey) -> list[DomainKey]:
        """Return a group's rows that match, in order."""
        return [key for key in self.keys if self.group_of(key) == group]

    def marked_in(self, group: GroupKey) -> int:
        """Count a group's marked rows, without those that the filter hides."""
        if self._groups is None or not self.marks:
            return 0
        of = self._groups.of
        return sum(of(key) == group for key in self.marks)

    def toggle_group(self, group: GroupKey) -> None:
        """Mark a group's rows that match, or take their marks off when all have one."""
        keys = set(self.members(group))
        self.marks = self.marks - keys if keys <= self.marks else self.marks | keys
        self._counts = None

    def fold(self, group: GroupKey, on: bool) -> None:
        """Show a group's header only, or its rows again."""
        self._moved = True
        (self._folded().add if on else self._folded().discard)(group)
        self._show()

    def fold_all(self, on: bool) -> None:
        """Fold all groups that there are, or open all."""
        self._moved = True
        folded = self._folded()
        if on:
            folded.update(line for line in self.lines if isinstance(line, GroupKey))
        else:
            folded.clear()
        self._show()

    def _fill_groups(self) -> None:
        if self._groups is not None:
            rows = self._store.rows
            self._groups.fill(rows[key] for key in self._wanted)

    # -- cursor and marks ----------------------------------------------------------------

    def move(self, delta: int) -> None:
        """Move the cursor by lines, at most to the ends."""
        index = self.cursor_index
        self.move_to((0 if index is None else index) + delta)

    def move_to(self, index: int) -> None:
        """Put the cursor on the line at an index, at most at the ends."""
        self._moved = True
        if self.lines:
            self._at = self.lines[min(max(index, 0), len(self.lines) - 1)]

    def toggle_mark(self, key: DomainKey | None = None) -> None:
        """Mark a row (the cursor's) or take its mark off."""
        key = self.cursor if key is None else key
        if key is not None:
            self.marks ^= {key}
            self._counts = None

    def mark(self, keys: Iterable[DomainKey]) -> None:
        """Mark rows by their keys, shown or not."""
        self.marks.update(key for key in keys if key in self._store.rows)
        self._counts = None

    def mark_all_shown(self) -> None:
        """Mark every row that has a line: those of folded groups are not."""
        self.marks.update(line for line in self.lines if isinstance(line, DomainKey))
        self._counts = None

    def clear_marks(self) -> None:
        """Take off all marks, hidden ones too."""
        self.marks.clear()
        self._counts = None

    # -- changes -------------------------------------------------------------------------

    def apply(self, changes: Changes) -> ViewChange:
        """Take what the store changed: only changed rows are filtered and sorted again.

        Rows that were there before move once all of a report is in, not sooner.
        """
        keys, rows, wanted = changes.keys, self._store.rows, self._wanted
        if keys:
            self._counts = None
        self._order.update(keys)
        test, groups = self._test(), self._groups
        moved = self._lines_due
        for key in keys:
            row = rows.get(key)
            if row is None:
                self.marks.discard(key)
            if row is not None and test(row):
                if key not in wanted:
                    wanted.add(key)
                    moved = True
                if groups is not None and groups.put(row):
                    moved = True
            elif key in wanted:
                wanted.discard(key)
                moved = True
                if groups is not None:
                    groups.drop(key)
        self._lines_due = moved
        if changes.more and not changes.membership:
            return ViewChange(False, keys & wanted, settled=False)
        changed = False
        moved |= self._order.arrange()
        if moved or (changes.hosts and self._shown_hosts() != self._hosts):
            before = self.lines
            self._show()
            changed = self.lines != before
        return ViewChange(changed, keys & wanted)

    def _test(self) -> Callable[[Row], bool]:
        matches = self._query.matches
        if self.faults_only:
            return lambda row: needs_look(row) and matches(row)
        return matches

    def _filter(self) -> None:
        """Look at every row afresh."""
        test = self._test()
        self._wanted = {key for key, row in self._store.rows.items() if test(row)}
        self._counts = None
        self._fill_groups()
        self._show()

    def _shown_hosts(self) -> tuple[str, ...]:
        """The hosts that have a header even without a row."""
        every = self.grouping is Grouping.HOST and not self.narrowed
        return tuple(self._store.hosts) if every else ()

    def _show(self) -> None:
        """Take the wanted rows in order; the cursor stays, or goes to the nearest line left."""
        before, place, wanted = self.lines, self.cursor_index, self._wanted
        self._lines_due = False
        self._order.arrange()
        order, groups = self._order.keys, self._groups
        self.keys = self.lines = keys = (
            [*order] if len(wanted) == len(order) else [key for key in order if key in wanted]
        )
        if groups is not None:
            self._hosts = self._shown_hosts()
            self.keys, self.lines = groups.arrange(
                keys, self._folded(), self._store.hosts, bool(self._hosts)
            )
        self._places = None
        self._settle(before, place)

    def _settle(self, before: Sequence[Line], place: int | None) -> None:
        lines = self.lines
        if self._at is not None:
            self._home = self._at
        if not lines:
            self._at = None
        elif self._follows_top():
            # A header is no VM: the first key that somebody presses shall have one.
            second = lines[1] if len(lines) > 1 else lines[0]
            self._at = second if isinstance(second, DomainKey) and self._groups else lines[0]
        elif place is None:
            self._at = self._stand_in(self._home, self._shown()) or lines[0]
        elif self.cursor_index is None:
            shown = self._shown()
            nearest = (self._at, *before[place:], *reversed(before[:place]))
            found = (self._stand_in(line, shown) for line in nearest)
            self._at = next((line for line in found if line is not None), lines[0])

    def _shown(self) -> Collection[Line]:
        return self._wanted if self._groups is None else self._line_places()

    def _stand_in(self, line: Line | None, shown: Collection[Line]) -> Line | None:
        """A line itself where it is shown; else the header of the group it is folded into."""
        if line is None or line in shown:
            return line
        group = self.group_of(line) if isinstance(line, DomainKey) else None
        return group if group in shown else None

    def _follows_top(self) -> bool:
        """True while the first listing trickles in and nobody has moved yet."""
        return not self._moved and any(
            status.state in (HostState.CONNECTING, HostState.SYNCING)
            for status in self._store.hosts.values()
        )
