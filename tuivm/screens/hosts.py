"""The connections: what each is, how it stands, what its VMs take of it, and how to manage it."""

from __future__ import annotations

import time
from collections.abc import Iterable

from textual.app import ComposeResult

from tuivm.core import hostactions
from tuivm.core.api import Focus
from tuivm.core.errors import TuivmError
from tuivm.core.glyphs import Glyphs, glyphs
from tuivm.core.hoststate import state_word
from tuivm.core.hosttable import (
    GAP,
    HostColumn,
    Load,
    columns_for,
    latency_text,
    loads,
    name_width,
    taken_text,
    versions_text,
)
from tuivm.core.model import HostState, HostStatus
from tuivm.core.rows import Changes
from tuivm.core.text import bytes_text, cell_width, duration_text, fit, fit_ends
from tuivm.screens import chrome
from tuivm.screens.context import Context
from tuivm.screens.rowscreen import RowScreen
from tuivm.widgets.bars import Bar, Part
from tuivm.widgets.fieldsbox import FieldsBox
from tuivm.widgets.listbox import HeadedListBox, Line, Span

STATE_WIDTH = (12, 22)
"""Cells of the state: at least, at most."""


CHROME = 4
"""Lines of the screen that are neither the table's nor the facts'."""
FACTS_LINES = 11
"""Lines of the facts where the table needs the others."""
FACTS_LEAST = 16
"""Lines of a screen from which the facts of a host have room below the table."""
URI_LEAST = 16
"""Cells without which a URI says nothing."""


ALL_UP = Line((Span("   every host that is to be up is up", "dim"),), selectable=False)


class HostsScreen(RowScreen):
    """A line a host, and all that is known of the one under the cursor."""

    VIEW = "view.hosts"
    SCOPE = "hosts"

    DEFAULT_CSS = """
    HostsScreen HeadedListBox { min-height: 5; }
    """

    def __init__(self, context: Context, host: str = "") -> None:
        """Open with the cursor on ``host``, where there is one of that id."""
        super().__init__(context)
        self._loads: dict[str, Load] = {}
        self._due = False
        self._failed_only = False
        self._expected = host
        """The cursor goes to this one once it is in the list: it was asked for, or just added."""

    def compose_body(self) -> ComposeResult:
        """The summary, the hosts, and the facts of one."""
        yield Bar(id="summary")
        yield HeadedListBox(id="hosts", ascii_only=self.context.options.ascii)
        yield FieldsBox(id="facts")

    def on_mount(self) -> None:
        """Fill in what is known."""
        self._count()
        self._fill()
        self.set_interval(1.0, self._tick)

    def on_resize(self) -> None:
        """Other columns fit; on a tiny terminal the table has what room there is."""
        self.query_one(FieldsBox).display = self.size.height >= FACTS_LEAST
        self._fill()

    def store_changed(self, changes: Changes) -> None:
        """A host's line changes at once with its state, and soon with its VMs."""
        self._due |= bool(changes.keys)
        if changes.membership:
            self._count()
        if changes.hosts or changes.membership:
            self._fill()

    def hints(self) -> Iterable[tuple[str, str]]:
        """The usual keys; one is called after what it would do."""
        status = self._status
        connects = status is not None and hostactions.connects(status)
        return (
            ("host.vms", "VMs"),
            ("host.add", "add"),
            ("host.edit", "edit"),
            ("host.toggle", "connect" if connects else "disconnect"),
            ("app.resync", "retry"),
            ("host.forget", "forget"),
            ("hosts.failed", "all" if self._failed_only else "not up"),
            ("view.check", "check"),
            ("view.logs", "libvirt's logs"),
            ("view.bundle", "bundle"),
            ("app.help", "help"),
            ("nav.back", "back"),
            ("view.events", "events"),
            ("app.command", "command"),
        )

    def host(self) -> str:
        """The host under the cursor."""
        table = self.query_one_optional(HeadedListBox)
        line = None if table is None else table.selected
        return "" if line is None else line.key

    @property
    def _status(self) -> HostStatus | None:
        return self.context.store.hosts.get(self.host())

    @property
    def _signs(self) -> Glyphs:
        return glyphs(self.context.options.ascii)

    def watching(self) -> Focus:
        """The hosts themselves."""
        return Focus(hosts=True)

    def cursor_moved(self) -> None:
        """Show the facts of the host under the cursor, and its keys."""
        self._show_facts()
        self.refresh_footer()

    def row_opened(self) -> None:
        """A double click shows its VMs."""
        self.perform("host.vms")

    def do_app_resync(self) -> None:
        """Try the host under the cursor now."""
        name = self.host()
        if name:
            self.context.backend.retry(name)
            self.say(f"{name}: connecting or listing afresh", "dim")

    def do_hosts_failed(self) -> None:
        """Only hosts that are not up, or all again."""
        self._failed_only = not self._failed_only
        self._fill()

    def do_nav_back(self) -> None:
        """All again, then to the list of VMs."""
        if self._failed_only:
            self.do_hosts_failed()
        else:
            self.dismiss()

    def _tick(self) -> None:
        waits = any(status.retry_at is not None for status in self.context.store.hosts.values())
        if self._due:
            self._count()
            self._fill()
        elif waits:
            self._fill()
        if waits:
            self.refresh_top()

    # -- what is shown -----------------------------------------------------------------------

    def _count(self) -> None:
        """Sum up the VMs: in a large fleet not for each word of a host."""
        self._due = False
        self._loads = loads(self.context.store.rows.values())

    def _fill(self) -> None:
        hosts = list(self.context.store.hosts.values())
        states = {status.id: self._state(status) for status in hosts}
        least, most = STATE_WIDTH
        wide = min(most, max(least, *(cell_width(text) for text, _ in states.values()), least))
        name = name_width([status.id for status in hosts])
        room = self.size.width - 2 - wide - 1 - name
        columns = columns_for(room)
        table = self.query_one_optional(HeadedListBox)
        if table is None:
            return  # the screen is being built, or left
        heads = [fit(column.header, column.width, column.align) for column in columns]
        head = (" " * GAP).join([f" {fit('STATE', wide)} {fit('HOST', name)}", *heads])
        uris = room - sum(column.width + GAP for column in columns) >= URI_LEAST
        head += f"{' ' * GAP}URI" if uris else ""
        table.header = (Span(head, "header"),)
        lines = [
            Line(
                (
                    Span(" "),
                    Span(fit(states[status.id][0], wide), states[status.id][1]),
                    Span(" "),
                    Span(
                        fit_ends(status.id, name, self._signs.ellipsis),
                        chrome.host_role(status, "strong"),
                    ),
                    *self._cells(status, columns, uris),
                ),
                status.id,
            )
            for status in hosts
            if not self._failed_only or hostactions.needs_look(status)
        ]
        table.show(lines or ([ALL_UP] if self._failed_only else []))
        self._share_height(len(hosts))
        self._go_to_added(table)
        self._summarise(hosts)
        self._show_facts()
        self.refresh_footer()

    def _share_height(self, hosts: int) -> None:
        """With more hosts than fit, no host's facts move the table when the cursor does."""
        room = self.size.height - CHROME - FACTS_LINES
        tight = hosts + HeadedListBox.HEADER_LINES > room
        least = min(FACTS_LINES, self.size.height // 2)
        self.query_one(FieldsBox).styles.height = least if tight else "auto"

    def host_added(self, name: str) -> None:
        """Go to it as soon as it is there."""
        self._expected, self._failed_only = name, False
        table = self.query_one_optional(HeadedListBox)
        if table is not None:
            self._go_to_added(table)

    def _go_to_added(self, table: HeadedListBox) -> None:
        place = [line.key for line in table.lines]
        if self._expected in place:
            table.move_to(place.index(self._expected))
            self._expected = ""

    def _state(self, status: HostStatus) -> tuple[str, str]:
        text, role = chrome.host_state(status, ascii_only=self.context.options.ascii)
        text += " up" if status.state is HostState.UP else ""
        # That all are read-only stands in the top bar.
        return text + (" RO" if status.own_readonly else ""), role

    def _cells(
        self, status: HostStatus, columns: Iterable[HostColumn], uris: bool
    ) -> Iterable[Span]:
        load = self._loads.get(status.id, Load())
        gap = " " * GAP
        if status.error is not None and not status.state.connected:
            yield Span(f"{gap}{status.error.message or status.error.title}", "bad")
            return
        if status.state is HostState.DISABLED:
            label = self.context.keymap.label("host.toggle")
            yield Span(f"{gap}{label}", "key")
            yield Span(" connects it", "dim")
            return
        for column in columns:
            cell = column.draw(status, load, self._signs)
            yield Span(gap + fit(cell.text, column.width, column.align), cell.role)
        if uris:
            yield Span(f"{gap}{status.uri}", "dim")

    def _summarise(self, hosts: list[HostStatus]) -> None:
        label = self.context.keymap.label
        if not hosts and self.context.store.hosts_went:
            parts = [Part(" no host: "), Part(label("host.add"), "key"), Part(" adds one", "dim")]
        elif not hosts:
            parts = [Part(" connecting…", "dim")]
        else:
            noun = "host" if len(hosts) == 1 else "hosts"
            parts = [Part(f" {len(hosts)} {noun}", "strong")]
            for count, word, role in chrome.count_states(hosts):
                parts += [Part(f" {self._signs.dot} ", "dim"), Part(f"{count} {word}", role)]
        right = [Part("not up only ", "accent", "hosts.failed")] if self._failed_only else []
        self.show_bar("#summary", parts, right)

    def _show_facts(self) -> None:
        status = self._status
        box = self.query_one(FieldsBox)
        load = Load() if status is None else self._loads.get(status.id, Load())
        retry = self.context.keymap.label("app.resync")
        box.show([] if status is None else facts(status, load, self._signs, retry))


def facts(
    status: HostStatus, load: Load, signs: Glyphs, retry: str = ""
) -> list[tuple[str, str, str]]:
    """All that is known of a host, as (label, value, role); ``retry`` is the key that tries."""
    known = status.hostname
    name = f"{status.id} ({known})" if known not in ("", status.id) else status.id
    rows: list[tuple[str, str, str]] = [
        ("Host", name, chrome.host_role(status, "strong")),
        ("URI", status.uri, ""),
    ]
    state = state_word(status)
    left = chrome.retry_in(status)
    if left is not None:
        state += f", next attempt in {left} s" + (f" ({retry} tries now)" if retry else "")
    rows.append(("State", state, "good" if status.state is HostState.UP else "warn"))
    if status.error is not None:
        rows += _failure(status.error, status.uri)
    if load.total or status.state.connected:
        rows.append(("VMs", taken_text(load, status, signs), ""))
    if (machine := _machine(status)) != "":
        rows.append(("Machine", machine, ""))
    if (versions := versions_text(status)) != "":
        rows.append(("Runs", versions, ""))
    if status.latency is not None:
        rows.append(("Round trip", latency_text(status.latency), ""))
    if status.seen_at is not None and not status.state.connected:
        rows.append(("Last answer", f"{duration_text(time.time() - status.seen_at)} ago", ""))
    if status.tags:
        rows.append(("Tags", ", ".join(status.tags), ""))
    if status.readonly:
        why = "by its own entry" if status.own_readonly else "as all hosts are"
        rows.append(("Access", f"read-only, {why}", "warn"))
    return rows


def _failure(error: TuivmError, uri: str) -> list[tuple[str, str, str]]:
    """What went wrong, what helps first: the end is cut where there is no room."""
    code = "" if error.code is None else f"code {error.code}, domain {error.domain}"
    call = ", ".join(part for part in (error.call, code) if part)
    said = error.raw + (f" ({call})" if error.raw and call else call)
    # That the URI above cannot be connected to is no news.
    title = "" if uri in error.title and error.message else error.title
    found = (
        ("What failed", title, "bad"),
        ("Why", error.message, "bad"),
        ("What to do", error.hint, ""),
        ("libvirt says" if error.raw else "Call", said, "dim"),
    )
    return [field for field in found if field[1]]


def _machine(status: HostStatus) -> str:
    """Its size and, where that is known, how much of it is in use."""
    parts = []
    if status.cpus is not None:
        used = "" if status.cpu_used is None else f", {status.cpu_used:.0f} % busy"
        parts.append(f"{status.cpus} CPUs{used}")
    if status.memory is not None:
        used = "" if status.memory_used is None else f", {bytes_text(status.memory_used)} in use"
        parts.append(f"{bytes_text(status.memory)} memory{used}")
    return "; ".join(parts)
