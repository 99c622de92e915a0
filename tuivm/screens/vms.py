"""The list of all virtual machines: where the program starts and where everything returns."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal

from tuivm.core.arrangement import Arrangement
from tuivm.core.batch import Focus
from tuivm.core.columns import BY_ID, Layout
from tuivm.core.glyphs import glyphs
from tuivm.core.grouping import Grouping
from tuivm.core.model import DomainKey
from tuivm.core.rows import Changes
from tuivm.core.stops import Stop, told
from tuivm.screens import listtext
from tuivm.screens.context import Context
from tuivm.screens.elsewhere import OtherVms
from tuivm.screens.grouped import GroupedScreen
from tuivm.screens.pane import Pane
from tuivm.widgets.bars import Part
from tuivm.widgets.table import VmTable

if TYPE_CHECKING:
    from tuivm.core.completion import Completion


STOPPING_HINTS = (
    ("view.why", "why, and ways out"),
    ("view.console", "console"),
    ("domain.destroy", "force off"),
    ("view.power", "other ways"),
    ("view.jobs", "jobs"),
    ("app.help", "help"),
)
"""What helps where a guest is asked to shut down."""


class VmsScreen(GroupedScreen):
    """One line a VM, 19 of them on 80x24; a details pane beside them on wide screens."""

    VIEW = "view.vms"
    SCOPE = "list"
    HINTS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("view.details", "open"),
        ("domain.start", "start"),
        ("domain.shutdown", "shut down"),
        ("view.console", "console"),
        ("view.power", "power"),
        ("app.filter", "filter"),
        ("app.command", "cmd"),
        ("app.help", "help"),
        ("view.xml", "XML"),
        ("view.console_boot", "boot+console"),
        ("list.mark", "mark"),
        ("view.ssh", "ssh"),
        ("view.run", "run"),
        ("list.sort", "sort"),
        ("list.group", "group by"),
        ("list.host", "one host"),
        ("list.faults", "faults"),
        ("list.views", "views"),
        ("list.columns", "columns"),
        ("view.copy", "copy"),
        ("app.close", "quit"),
    )

    DEFAULT_CSS = """
    VmsScreen #body { height: 1fr; }
    """

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._table = VmTable(
            context.view,
            context.store,
            ascii_only=context.options.ascii,
            kept=lambda: context.kept_consoles,
            spark=not context.options.low_bandwidth,
            arrangement=context.views.columns,
            heading=self.heading,
        )
        self._pane = Pane(self)
        self._other = OtherVms(self, self._refresh_texts)
        self._stopping = False
        self._grouped = False
        self._texts_due = False

    def compose_body(self) -> ComposeResult:
        """The summary and the list."""
        yield from self.compose_summary()
        with Horizontal(id="body"):
            yield self._table

    def on_mount(self) -> None:
        """Say what is going on, even before anything is known."""
        self._refresh_texts()

    @on(events.ScreenResume)
    def _kept_may_differ(self) -> None:
        self._table.redraw()

    def on_resize(self, event: events.Resize) -> None:
        """Wide screens get the details pane."""
        self._pane.fit(event.size.width)
        self.refresh_summary()

    # -- the store ---------------------------------------------------------------------

    def store_changed(self, changes: Changes) -> None:
        """Repaint the rows that changed and are on screen."""
        change = self._view.apply(changes)
        self._table.changed(change)
        self._texts_due |= bool(changes.keys or changes.hosts)
        if self._texts_due and change.settled:
            self._texts_due = False
            self._refresh_texts()
            self._refresh_stop()
            self._refresh_hints()
        if change.order_changed:
            self._pane.follow()
            self.tell_focus()

    def pulse(self) -> None:
        """Let a second pass: countdowns in the bar and in the empty list."""
        self.refresh_top()
        self._table.refresh_headings()
        if not self._view.lines:
            self._refresh_texts()

    def _refresh_texts(self) -> None:
        self.refresh_summary()
        if not self._view.lines:
            self._other.look()
            empty = listtext.empty_lines(self.context, self.size.width)
            if empty != self._table.empty:
                self._table.empty = empty
                self._table.redraw()

    def targets(self) -> tuple[DomainKey, ...]:
        """The marked VMs, or else the one under the cursor."""
        return self._view.targets()

    def subject(self) -> DomainKey | None:
        """The VM under the cursor."""
        return self._view.cursor

    def watching(self) -> Focus:
        """The rows on screen, and the VM in the pane."""
        shown = self._table.shown
        lines = self._view.lines[shown.start : shown.stop]
        keys = tuple(line for line in lines if isinstance(line, DomainKey))
        return Focus(keys, self._view.cursor if self._pane.shown else None)

    # -- a shutdown under the cursor ---------------------------------------------------

    def _stop(self) -> Stop | None:
        """The shutdown of the VM under the cursor, while it is followed."""
        key = self._view.cursor
        return None if key is None else self.context.stops.by_key.get(key)

    def hints(self) -> Iterable[tuple[str, str]]:
        """The usual keys, or the ways out of a shutdown that is under way."""
        if self._stop() is not None:
            return STOPPING_HINTS
        return self.HINTS if self.grouping is Grouping.NONE else self.group_hints()

    def event_parts(self) -> tuple[Iterable[Part], Iterable[Part]]:
        """How the shutdown under the cursor stands, else the newest event."""
        stop = self._stop()
        if stop is None:
            return super().event_parts()
        label = self.context.keymap.label("view.why")
        text = told(stop, time.monotonic(), f" ({label} why)" if label else "")
        return [Part(" "), Part(text, "warn" if stop.late else "accent", "view.why")], ()

    def _refresh_stop(self) -> None:
        if self.context.stops.by_key or self._stopping:
            self._stopping = bool(self.context.stops.by_key)
            self.refresh_event_line()
            self.refresh_footer()

    def _refresh_hints(self) -> None:
        """A header has keys of its own."""
        if self.grouping is not Grouping.NONE or self._grouped:
            self._grouped = self.grouping is not Grouping.NONE
            self.refresh_footer()

    # -- filter and summary ------------------------------------------------------------

    @property
    def filter_text(self) -> str:
        """See ``FilterScreen``."""
        return self._view.filter_text

    def shown_count(self) -> int:
        """See ``FilterScreen``."""
        return len(self._view)

    def apply_filter(self, text: str) -> None:
        """See ``FilterScreen``."""
        self._view.set_filter(text)
        self.reordered()

    def filter_help(self) -> str:
        """See ``FilterScreen``."""
        return "web state:running tag:prod host:kv1 cpu>50 mem<2G !paused"

    def offers(self, text: str) -> Sequence[Completion]:
        """Fields, and the values of the field that is being typed."""
        from tuivm.core.completion import complete_query, known_values

        return complete_query(text, known=known_values(self.context.store))

    def summary(self) -> tuple[Iterable[Part], Iterable[Part]]:
        """Counts at the left, filter and sort order at the right."""
        return listtext.summary(self.context, self.size.width)

    def reordered(self) -> None:
        """See ``GroupedScreen``."""
        self._refresh_texts()
        self._table.reordered()
        self.cursor_moved()
        self.tell_focus()

    # -- actions -----------------------------------------------------------------------

    def cursor_moved(self) -> None:
        """Let the pane follow; nothing is read from a host for a cursor move."""
        self._pane.follow()
        self._refresh_stop()
        self._refresh_hints()

    def row_opened(self) -> None:
        """A double click opens the details."""
        self.perform("view.details")

    def do_nav_back(self) -> None:
        """Clear the filter, then the faults filter, then the marks."""
        if self.clear_filter():
            return
        if self._view.faults_only:
            self.do_list_faults()
        elif self._view.marks:
            self.do_list_clear_marks()
        else:
            self.say("nothing to clear; q quits", "dim")

    def do_list_clear_marks(self) -> None:
        """Take off all marks."""
        self._view.clear_marks()
        self.remarked()

    def remarked(self) -> None:
        """See ``GroupedScreen``."""
        self._table.redraw()
        self.refresh_summary()

    def do_list_elsewhere(self) -> None:
        """Open the connection that has the VMs which this list lacks."""
        self._other.open()

    def do_list_faults(self) -> None:
        """Only VMs that need a look, or all again."""
        self._view.set_faults_only(not self._view.faults_only)
        self.reordered()

    def do_list_export(self) -> None:
        """Write what is shown to a file."""
        from tuivm.screens.exporting import ask_export

        ask_export(self)

    def do_list_columns(self) -> None:
        """Choose the columns."""
        from tuivm.screens.columns import choose_columns

        choose_columns(self)

    def show_columns(self, arrangement: Arrangement) -> Layout:
        """Show the columns as they were chosen; returns those that have a place."""
        return self._table.show_columns(arrangement)

    def do_list_views(self) -> None:
        """Choose a saved view, or save one."""
        from tuivm.screens.views import open_views

        open_views(self)

    def show_view(self, name: str) -> None:
        """Show a saved view. Raises ``TuivmError`` and changes nothing when that cannot be."""
        self.context.views.switch(name, self._view)
        self.show_columns(self.context.views.columns)
        self.reordered()

    def do_list_pane(self) -> None:
        """Show or hide the details pane."""
        if not self._pane.toggle(self.size.width):
            self.say("the details pane needs 160 columns; enter opens the details", "dim")

    def takes(self, action_id: str, args: Mapping[str, str]) -> bool:
        """Whether a command with arguments is about the list, from wherever it was typed."""
        return (action_id == "app.filter" and "query" in args) or action_id.startswith("list.")

    def take(self, action_id: str, args: Mapping[str, str]) -> None:
        """Do a command about the list; raises ``TuivmError`` for a wrong filter."""
        if action_id == "app.filter":
            self.apply_filter(args["query"])
        elif "column" in args:
            column = args["column"]
            descending = args.get("descending")
            first = BY_ID[column].descending
            self._view.set_sort(column, first if descending is None else descending == "on")
            self.reordered()
        elif args.get("view"):
            self.show_view(args["view"])
        elif "grouping" in args:
            self.group_by(args["grouping"])
        elif "path" in args:
            from tuivm.screens.exporting import export_to

            export_to(self, args["path"])
        elif "named" in args:
            # The command line has marked them by their names already.
            self.remarked()
        else:
            self.perform(action_id)

    # -- sorting -----------------------------------------------------------------------

    def sort_by(self, column_id: str) -> None:
        """Sort by a column; by the present one: the other way round."""
        view = self._view
        again = column_id == view.sort_column
        descending = not view.descending if again else BY_ID[column_id].descending
        view.set_sort(column_id, descending)
        self.reordered()

    @on(VmTable.SortBy)
    def _header_clicked(self, message: VmTable.SortBy) -> None:
        self.sort_by(message.column_id)

    def do_list_sort(self) -> None:
        """Choose the column to sort by."""
        self.work(self._choose_sort())

    def do_list_sort_left(self) -> None:
        """Sort by the column to the left."""
        self._sort_beside(-1)

    def do_list_sort_right(self) -> None:
        """Sort by the column to the right."""
        self._sort_beside(1)

    def _sort_beside(self, step: int) -> None:
        columns = self._table.columns
        if not columns:
            return
        present = self._view.sort_column
        place = columns.index(present) if present in columns else -step
        self.sort_by(columns[(place + step) % len(columns)])

    async def _choose_sort(self) -> None:
        from tuivm.screens.sortmenu import sort_menu

        menu = sort_menu(self.context, glyphs(self.context.options.ascii))
        chosen = await self.app.push_screen_wait(menu)
        if chosen is not None:
            self.sort_by(chosen)
