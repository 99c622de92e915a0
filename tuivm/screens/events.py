"""The event log: what happened, what was done, and with which virsh command."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual.app import ComposeResult

from tuivm.core.completion import Completion, complete_query
from tuivm.core.journal import entries_text
from tuivm.core.logfilter import LOG_FIELDS, parse_log
from tuivm.core.model import LogEntry, Severity
from tuivm.core.query import with_field
from tuivm.core.rows import Changes
from tuivm.core.text import cell_width, fit, took_text
from tuivm.screens import chrome
from tuivm.screens.filtering import FilterScreen
from tuivm.screens.power import copy
from tuivm.screens.results import open_results
from tuivm.screens.sheet import Sheet
from tuivm.screens.textpage import save_text
from tuivm.widgets.bars import Part
from tuivm.widgets.listbox import HeadedListBox, Line, Span

MOST_LINES = 12_000
"""Lines after which those that the store let go are dropped from the screen too."""


class EventsScreen(FilterScreen):
    """A line an event, the newest last."""

    VIEW = "view.events"
    SCOPE = "events"
    HINTS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("view.details", "in full"),
        ("view.copy", "copy"),
        ("app.filter", "filter"),
        ("events.vm", "this VM only"),
        ("events.save", "save"),
        ("view.vms", "VMs"),
        ("nav.back", "back"),
        ("app.command", "command"),
        ("app.help", "help"),
    )

    def compose_body(self) -> ComposeResult:
        """The summary and the log."""
        self._query = parse_log("")
        self._entries: list[LogEntry] = []
        self._lines: list[Line] = []
        self._dated = False
        self._place = 0
        yield from self.compose_summary()
        yield HeadedListBox(id="events", ascii_only=self.context.options.ascii)

    def on_mount(self) -> None:
        """Show what there is, from the end."""
        self._fill()

    def on_resize(self) -> None:
        """Hosts' names are as long as there is room."""
        if self._place != self._host_width():
            self._fill()

    def store_changed(self, changes: Changes) -> None:
        """Add new lines; the view follows them while the cursor is on the last one."""
        if changes.hosts and self._place != self._host_width():
            self._fill()
            return
        if not changes.entries:
            return
        added = self._matching(changes.entries)
        undated = not self._dated and not all(_today(entry.at) for entry in added)
        if not self._entries or undated or len(self._entries) + len(added) > MOST_LINES:
            self._fill()
            return
        self._entries += added
        self._lines = [*self._lines, *(_line(entry, self._dated, self._place) for entry in added)]
        self.query_one(HeadedListBox).show(self._lines, follow_end=True)
        self.refresh_summary()

    @property
    def filter_text(self) -> str:
        """See ``FilterScreen``."""
        return self._query.text

    def apply_filter(self, text: str) -> None:
        """See ``FilterScreen``."""
        self._query = parse_log(text)
        self._fill()

    def filter_help(self) -> str:
        """See ``FilterScreen``."""
        return "words took>10s level:error host:kv1, tab: more"

    def offers(self, text: str) -> Sequence[Completion]:
        """See ``FilterScreen``."""
        return complete_query(
            text, known={"host": tuple(self.context.store.hosts)}, fields=LOG_FIELDS
        )

    def summary(self) -> tuple[Iterable[Part], Iterable[Part]]:
        """Counts, and the filter."""
        store = self.context.store
        total, shown = len(store.past) + len(store.log), len(self._entries)
        left = [Part(f" {total} event{'' if total == 1 else 's'}", "dim")]
        if self._query:
            left += [Part(f" · {shown} shown", "dim"), Part("   /", "key", "app.filter")]
            left += [Part(self._query.text, "accent", "app.filter"), Part("  esc clears", "dim")]
        return left, ()

    def row_opened(self) -> None:
        """See ``do_view_details``."""
        self.do_view_details()

    def do_view_details(self) -> None:
        """Show the entry under the cursor in full."""
        entry = self._selected()
        bulk = None if entry is None or not entry.bulk else self.context.bulks.get(entry.bulk)
        if bulk is not None and entry is not None and not entry.uuid:
            open_results(self, bulk)
        elif entry is not None:
            self.app.push_screen(Sheet(self.context, "Event", fields(entry)))

    def do_view_copy(self) -> None:
        """Copy the entry under the cursor in full."""
        entry = self._selected()
        if entry is not None:
            copy(self, "\n".join(f"{label}: {value}" for label, value, _ in fields(entry)))

    def do_events_vm(self) -> None:
        """Show only what the entry's VM, or else its host, did; again takes that back."""
        entry = self._selected()
        if self._query:
            self.apply_filter("")
        elif entry is not None and (entry.name or entry.host):
            several = len(self.context.store.hosts) > 1 or not entry.name
            text = with_field("", "vm", entry.name, "=")
            self.apply_filter(with_field(text, "host", entry.host if several else "", "="))
        else:
            self.say("this event is of no VM and no host")

    def do_events_save(self) -> None:
        """Write what is shown to a file, one event a line."""
        if not self._entries:
            self.say("there is no event to save")
            return
        save_text(self, "events", entries_text(self._entries))

    def _selected(self) -> LogEntry | None:
        index = self.query_one(HeadedListBox).cursor_index()
        return None if index is None or not self._entries else self._entries[index]

    def _fill(self) -> None:
        store = self.context.store
        self._entries = self._matching((*store.past, *store.log))
        self._dated = any(not _today(entry.at) for entry in self._entries)
        self._place = self._host_width()
        self._lines = [_line(entry, self._dated, self._place) for entry in self._entries]
        box = self.query_one_optional("#events", HeadedListBox)
        if box is None:
            return  # it is being built, or left
        box.header = _header(self._dated, self._place)
        if self._entries:
            box.show(self._lines, follow_end=True)
        else:
            nothing = "no event matches; esc clears the filter"
            text = nothing if self._query else "nothing has happened yet"
            box.show([Line((Span(f" {text}", "dim"),), selectable=False)])
        self.refresh_summary()

    def _host_width(self) -> int:
        """Cells of the column with hosts; 0 where there is but one."""
        hosts = self.context.store.hosts
        most = 8 if self.size.width < WIDE else 16
        return 0 if len(hosts) < 2 else min(most, max(cell_width(name) for name in hosts))

    def _matching(self, entries: Iterable[LogEntry]) -> list[LogEntry]:
        if not self._query:
            # Hundreds of lines of one verb would drown all else: its own line opens them.
            return [entry for entry in entries if not (entry.bulk and entry.uuid)]
        return [entry for entry in entries if self._query.matches(entry)]


def _today(at: float) -> bool:
    return time.localtime(at)[:3] == time.localtime()[:3]


TOOK = 6
"""Cells of the column with durations."""


WIDE = 110
"""Columns from which on there is room for longer names of hosts."""


def _header(dated: bool, place: int) -> tuple[Span, ...]:
    clock = fit("DAY   TIME" if dated else "TIME", 14 if dated else 8)
    host = f"  {fit('HOST', place)}" if place else ""
    return (Span(f" {clock} {fit('TOOK', TOOK, 'right')}{host}  EVENT", "header"),)


def _line(entry: LogEntry, dated: bool, place: int) -> Line:
    parts = chrome.entry_parts(entry)
    clock = time.strftime("%m-%d ", time.localtime(entry.at)) if dated else ""
    took = fit(took_text(entry.seconds, ""), TOOK, "right")
    host = f"{fit(entry.host, place)}  " if place else ""
    spans = [Span(f" {clock}{chrome.clock(entry.at)} {took}  {host}", "dim")]
    spans += [Span(part.text, part.role) for part in parts]
    right = (Span(entry.virsh + " ", "dim"),) if entry.virsh else ()
    return Line(tuple(spans), f"{entry.at}{entry.uuid}{entry.text}", right=right)


_WORDS = {
    Severity.INFO: "",
    Severity.GOOD: "good",
    Severity.WARNING: "warn",
    Severity.ERROR: "bad",
}


def fields(entry: LogEntry) -> list[tuple[str, str, str]]:
    """All of an entry as (label, value, role)."""
    error = entry.error
    rows = [
        ("When", time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(entry.at)), ""),
        ("What", entry.text, _WORDS[entry.severity] or "strong"),
        ("VM", entry.name, ""),
        ("UUID", entry.uuid, ""),
        ("Host", entry.host, ""),
        ("Took", took_text(entry.seconds, ""), ""),
        ("virsh", entry.virsh, ""),
    ]
    if error is not None:
        rows += [
            ("Why", error.message, ""),
            ("What to do", error.hint, "strong"),
            ("libvirt says", error.raw, ""),
            ("Call", error.call, ""),
            ("Code", "" if error.code is None else f"{error.code} (domain {error.domain})", ""),
        ]
    return [row for row in rows if row[1]]
