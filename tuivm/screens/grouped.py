"""The list in groups: headers under the cursor, folds, and one host alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from tuivm.core.actions import ACTIONS
from tuivm.core.glyphs import glyphs
from tuivm.core.grouping import Grouping, GroupKey
from tuivm.core.query import has_field, with_field
from tuivm.screens.context import Context
from tuivm.screens.filtering import FilterScreen
from tuivm.screens.headings import heading, host_detail
from tuivm.widgets.listbox import Span
from tuivm.widgets.table import VmTable

GROUPINGS = (
    (Grouping.HOST, "h", "Host", "with how each of them stands"),
    (Grouping.STATE, "s", "State", "what needs a look first"),
    (Grouping.TAG, "t", "Tag", "a VM with several stands in its first one's group"),
    (Grouping.NONE, "n", "Nothing", "one plain list"),
)
"""In the order of the menu: value, key, title and what it does."""
ROW_HINTS = (
    ("view.details", "open"),
    ("domain.start", "start"),
    ("domain.shutdown", "shut down"),
    ("view.console", "console"),
    ("list.fold", "fold"),
    ("app.filter", "filter"),
    ("app.command", "cmd"),
    ("app.help", "help"),
    ("view.power", "power"),
    ("list.group", "group by"),
    ("list.host", "one host"),
    ("list.fold_all", "fold all"),
    ("list.mark", "mark"),
    ("list.sort", "sort"),
    ("list.faults", "faults"),
    ("app.close", "quit"),
)
"""The footer on a row of a group."""


class GroupedScreen(FilterScreen):
    """Folds and marks groups; a subclass owns the table."""

    _table: VmTable

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._view = context.view

    def reordered(self) -> None:
        """Bring the whole screen up to date after lines came, went or moved."""
        raise NotImplementedError

    def remarked(self) -> None:
        """Bring the screen up to date after marks changed."""
        raise NotImplementedError

    def heading(self, group: GroupKey) -> Sequence[Span]:
        """What stands in a group's header."""
        return heading(self.context, group)

    # -- grouping ------------------------------------------------------------------------

    @property
    def grouping(self) -> Grouping:
        """What the list is grouped by."""
        return self._view.grouping

    def group_by(self, word: str) -> None:
        """Group the list. Raises ``ValueError`` for what is no word of ``Grouping``."""
        self._view.set_grouping(Grouping(word))
        self.reordered()

    def do_list_group(self) -> None:
        """Choose what to group by."""
        self.work(self._choose_grouping())

    async def _choose_grouping(self) -> None:
        from tuivm.screens.menu import Choice, Menu

        choices = [Choice(key, title, word, detail=text) for word, key, title, text in GROUPINGS]
        menu = Menu(self.context, "Group by", choices, selected=self.grouping)
        chosen = await self.app.push_screen_wait(menu)
        if chosen is not None:
            self.group_by(chosen)

    # -- folding -------------------------------------------------------------------------

    def _group(self) -> GroupKey | None:
        """The group under the cursor; without groups says how to get them."""
        if self.grouping is Grouping.NONE:
            key = self.context.keymap.label("list.group")
            self.say(f"{key or ':group'} groups the list by host, state or tag", "dim")
        return self._view.group

    def _fold(self, group: GroupKey, on: bool) -> None:
        self._view.fold(group, on)
        self.reordered()

    def do_list_fold(self) -> None:
        """Fold the group under the cursor, or open it."""
        group = self._group()
        if group is not None:
            self._fold(group, group not in self._view.folded)

    def do_list_fold_all(self) -> None:
        """Fold all groups; when all are folded, open them."""
        if self._group() is not None:
            self._view.fold_all(not self._all_folded())
            self.reordered()

    def _all_folded(self) -> bool:
        folded = self._view.folded
        return all(line in folded for line in self._view.lines)

    def do_list_outer(self) -> None:
        """From a row to its group's header; from a header fold the group."""
        group = self._group()
        if group is None:
            return
        if self._view.header is not None:
            self._fold(group, True)
        else:
            self._table.move_to(self._view.index_of(group) or 0, -1)

    def do_list_inner(self) -> None:
        """On a header open the group; when it is open go to its first row."""
        group = self._group()
        if group is None or self._view.header is None:
            return
        if group in self._view.folded:
            self._fold(group, False)
        elif self._view.tally(group).total:
            self._table.move(1)

    def do_view_details(self) -> None:
        """Open the VM; on a header fold or open the group."""
        if self._view.header is None:
            self.context.dispatch(self, "view.details", {}, None)
        else:
            self.do_list_fold()

    def group_hints(self) -> Iterable[tuple[str, str]]:
        """The footer where the list is grouped: on a header what that takes."""
        header = self._view.header
        if header is None:
            return ROW_HINTS
        status = self.context.store.hosts.get(self._header_host)
        away = status is not None and not status.state.connected
        hints = [
            ("view.details", "open" if header in self._view.folded else "fold"),
            ("list.fold_all", "open all" if self._all_folded() else "fold all"),
            ("list.mark", "mark group"),
        ]
        if not self._view.tally(header).total:
            hints = hints[1:2]
        if away:
            hints += [("app.resync", "connect"), ("view.hosts", "why")]
        return [
            *hints,
            ("list.group", "group by"),
            ("list.host", "one host"),
            ("app.filter", "filter"),
            ("app.command", "cmd"),
            ("app.help", "help"),
            ("list.sort", "sort"),
            ("list.faults", "faults"),
            ("app.close", "quit"),
        ]

    def refuses(self, action_id: str) -> bool:
        """Say that a group is no target, where a header is under the cursor and nothing marked."""
        action = ACTIONS.get(action_id)
        if action is None or not action.per_domain or action_id == "view.details":
            return False
        if self._view.header is None or self._view.marks or self.context.stops.late:
            return False
        key = self.context.keymap.label("list.mark")
        how = f"{key} marks its VMs" if key else "mark its VMs first"
        self.say(f"{action.title}: this is a group, {how}")
        return True

    def perform(self, action_id: str, args: Mapping[str, str] | None = None) -> bool:
        """See ``BaseScreen``; verbs need a VM, or a group that was marked."""
        return self.refuses(action_id) or super().perform(action_id, args)

    # -- marking -------------------------------------------------------------------------

    def do_list_mark(self) -> None:
        """Mark the row and go on to the next one; on a header mark or unmark the group."""
        index, header = self._view.cursor_index, self._view.header
        if header is not None:
            self._view.toggle_group(header)
            self.remarked()
            if not self._view.tally(header).total:
                self.say("there is no VM to mark", "dim")
        elif index is not None:
            self._view.toggle_mark()
            self._table.refresh_rows([index])
            self._table.refresh_headings()
            self._table.move(1)
            self.refresh_summary()

    def do_list_mark_all(self) -> None:
        """Mark all rows shown."""
        self._view.mark_all_shown()
        self.remarked()
        if any(self._view.tally(group).total for group in self._view.folded):
            self.say("folded groups are left out: space on a header marks its group", "dim")

    # -- hosts ---------------------------------------------------------------------------

    def host(self) -> str:
        """The host whose header is under the cursor, or that of the VM under it; or empty."""
        return self._header_host or super().host()

    @property
    def _header_host(self) -> str:
        header = self._view.header
        return header.name if header is not None and self.grouping is Grouping.HOST else ""

    def do_app_resync(self) -> None:
        """On a host's header connect or list that one; else all."""
        host = self._header_host
        if host:
            self.context.backend.retry(host)
            self.say(f"{host}: connecting or listing afresh", "dim")
        else:
            self.context.dispatch(self, "app.resync", {}, None)

    def do_list_host(self) -> None:
        """Choose the one host to show; again shows all."""
        text = self.filter_text
        if has_field(text, "host"):
            self.apply_filter(with_field(text, "host", ""))
        elif self.context.store.hosts:
            self.work(self._choose_host())
        else:
            self.say("there is no host yet", "dim")

    async def _choose_host(self) -> None:
        from tuivm.screens.menu import Choice, Menu

        store = self.context.store
        signs = glyphs(self.context.options.ascii)
        counts = Counter(key.host for key in store.rows)
        choices = [
            Choice(
                str(place) if place < 10 else "",
                status.id,
                status.id,
                detail=host_detail(self.context, status, counts[status.id], signs),
            )
            for place, status in enumerate(store.hosts.values(), 1)
        ]
        menu = Menu(self.context, "Only the VMs of", choices, selected=self.host())
        chosen = await self.app.push_screen_wait(menu)
        if chosen is not None:
            # A name that begins another host's would match that one's VMs too.
            alike = sum(host.casefold().startswith(chosen.casefold()) for host in store.hosts)
            sign = "=" if alike > 1 else ":"
            self.apply_filter(with_field(self.filter_text, "host", chosen, sign))
