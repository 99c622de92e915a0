"""Whatever happens in whatever order, the list is what a fresh one would be."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests.unit.samples import batch, domain, facts, host_status, key_of, sample, store_of
from tuivm.core.api import Batch
from tuivm.core.grouping import Grouping, GroupKey, Tally, group_of
from tuivm.core.listcounts import count
from tuivm.core.model import HostState, State
from tuivm.core.query import parse
from tuivm.core.view import View

NAMES = st.sampled_from([f"vm-{number}" for number in range(8)])
HOSTS = st.sampled_from(["kv1", "kv2"])
TAGS = st.sampled_from([None, (), ("web",), ("Web", "db"), ("db",)])
FILTERS = st.sampled_from(["", "vm-1", "state:off", "cpu>50", "!state:off", "vm-2|vm-3"])


class ListMachine(RuleBasedStateMachine):
    """Whatever happens in whatever order, the list is what a fresh one would be."""

    def __init__(self) -> None:
        super().__init__()
        self.store = store_of()
        self.view = View(self.store)
        self.view.move_to(0)

    @rule(
        name=NAMES,
        state=st.sampled_from([State.RUNNING, State.OFF, State.PAUSED]),
        host=HOSTS,
        tags=TAGS,
    )
    def define(self, name: str, state: State, host: str, tags: tuple[str, ...] | None) -> None:
        known = None if tags is None else facts(tags=tags)
        self.view.apply(self.store.apply(batch(domain(name, state, host, facts=known))))

    @rule(names=st.sets(NAMES), host=HOSTS)
    def undefine(self, names: set[str], host: str) -> None:
        gone = {key_of(name, host): None for name in names}
        self.view.apply(self.store.apply(Batch(domains=dict(gone))))

    @rule(host=HOSTS, state=st.sampled_from([HostState.UP, HostState.LOST]))
    def connection(self, host: str, state: HostState) -> None:
        tags = ("far",) if state is HostState.LOST else ()
        self.view.apply(self.store.apply(batch(hosts=[host_status(host, state, tags=tags)])))

    @rule(numbers=st.dictionaries(NAMES, st.none() | st.floats(0, 100)))
    def measure(self, numbers: dict[str, float | None]) -> None:
        stats = {key_of(name): sample(cpu=cpu) for name, cpu in numbers.items()}
        self.view.apply(self.store.apply(Batch(stats=dict(stats))))

    @rule(
        numbers=st.dictionaries(NAMES, st.none() | st.floats(0, 100)),
        name=NAMES,
        state=st.sampled_from([State.RUNNING, State.OFF]),
        delta=st.integers(-9, 9),
    )
    def in_parts(
        self, numbers: dict[str, float | None], name: str, state: State, delta: int
    ) -> None:
        """A large report, and a user who goes on while the rest of it is still to come."""
        stats = {key_of(name): sample(cpu=cpu) for name, cpu in numbers.items()}
        self.view.apply(self.store.apply(Batch(stats=dict(stats)), more=True))
        self.view.move(delta)
        self.view.toggle_mark()
        self.view.apply(self.store.apply(batch(domain(name, state)), more=True))
        self.view.move(-delta)
        self.view.apply(self.store.apply(Batch()))

    @rule(text=FILTERS)
    def filter(self, text: str) -> None:
        self.view.set_filter(text)

    @rule(column=st.sampled_from(["name", "state", "cpu"]), descending=st.booleans())
    def sort(self, column: str, descending: bool) -> None:
        self.view.set_sort(column, descending)

    @rule(delta=st.integers(-9, 9))
    def move(self, delta: int) -> None:
        self.view.move(delta)

    @rule()
    def mark(self) -> None:
        self.view.toggle_mark()

    @rule(grouping=st.sampled_from(Grouping))
    def group(self, grouping: Grouping) -> None:
        before = self.view.cursor
        self.view.set_grouping(grouping)
        if before is not None and self.view.group_of(before) not in self.view.folded:
            assert self.view.cursor == before

    @rule()
    def fold(self) -> None:
        group = self.view.group
        if group is not None:
            self.view.fold(group, group not in self.view.folded)
            assert self.view.group == group

    @rule(on=st.booleans())
    def fold_all(self, on: bool) -> None:
        self.view.fold_all(on)

    @rule()
    def mark_group(self) -> None:
        if self.view.group is not None:
            self.view.toggle_group(self.view.group)

    @invariant()
    def the_list_is_right(self) -> None:
        view, rows = self.view, self.store.rows
        test = parse(view.filter_text).matches
        fresh = View(self.store)
        fresh.set_sort(view.sort_column, view.descending)
        fresh.set_filter(view.filter_text)
        fresh.set_grouping(view.grouping)
        for group in view.folded:
            fresh.fold(group, True)
        assert view.keys == fresh.keys
        assert view.lines == fresh.lines
        assert set(view.keys) == {key for key, row in rows.items() if test(row)}
        assert (view.cursor_index is None) == (not view.lines)
        if view.cursor_index is not None:
            assert view.lines[view.cursor_index] in (view.cursor, view.header)
        assert view.marks <= rows.keys()
        assert set(view.targets()) == (view.marks or ({view.cursor} - {None}))
        assert view.counts() == count(self.store, len(view.keys), view.marks, set(view.keys))

    @invariant()
    def every_row_stands_in_its_group(self) -> None:
        view, rows = self.view, self.store.rows
        if view.grouping is Grouping.NONE:
            assert view.lines == view.keys
            return
        group, seen = GroupKey("none"), []
        for line in view.lines:
            if isinstance(line, GroupKey):
                group = line
                seen.append(line)
            else:
                assert group_of(rows[line], view.grouping) == group
                assert group not in view.folded
        assert len(seen) == len(set(seen))
        if view.grouping is Grouping.HOST and not view.filter_text:
            assert [line.name for line in seen] == list(self.store.hosts)
        folded = {key for line in view.folded for key in view.members(line)}
        assert set(view.lines) == {*seen, *view.keys} - folded
        for line in seen:
            assert view.tally(line) == recount(view, line)
            assert view.marked_in(line) == len(view.marks.intersection(view.members(line)))


def recount(view: View, group: GroupKey) -> Tally:
    """The counts of a group, from its rows."""
    tally = Tally()
    for key in view.members(group):
        row = view._store.rows[key]
        tally.total += 1
        tally.stale += row.stale
        tally.running += row.domain.state is State.RUNNING and not row.stale
        tally.faults += row.domain.faulty
    return tally


ListMachine.TestCase.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
TestAnything = ListMachine.TestCase
