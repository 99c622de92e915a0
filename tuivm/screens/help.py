"""Every key, with what it does and why it cannot be used now; made from the registry."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.app import ComposeResult

from tuivm.core.action import Action
from tuivm.core.actions import ACTIONS
from tuivm.core.cheatsheet import command_of
from tuivm.core.columns import COLUMNS
from tuivm.core.glyphs import glyphs
from tuivm.core.hosttable import HOST_COLUMNS
from tuivm.core.model import DomainKey, State
from tuivm.core.text import fit
from tuivm.screens.base import BaseScreen
from tuivm.screens.context import Context
from tuivm.screens.filtering import FilterScreen
from tuivm.widgets.bars import Part
from tuivm.widgets.fieldsbox import FieldsBox
from tuivm.widgets.listbox import Line, ListBox, Span

KEY_WIDTH = 22
TITLE_WIDTH = 21


EVERYWHERE = ("list", "app")
"""Where the verbs are what one wants first."""


class HelpScreen(FilterScreen):
    """The registry as a list: ``/`` searches it, enter does what the line says."""

    SCOPE = "help"
    HINTS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("view.details", "do it"),
        ("app.filter", "search"),
        ("nav.back", "back"),
        ("app.quit", "quit tuivm"),
    )

    def __init__(self, context: Context, origin: BaseScreen, key: DomainKey | None) -> None:
        super().__init__(context)
        self._origin = origin
        self._key = key
        self._words = ""

    def compose_body(self) -> ComposeResult:
        """The summary and the lines."""
        yield from self.compose_summary()
        yield ListBox(id="help", ascii_only=self.context.options.ascii)
        yield FieldsBox(id="full")

    def on_mount(self) -> None:
        """Show everything."""
        self._fill()

    @property
    def filter_text(self) -> str:
        """See ``FilterScreen``."""
        return self._words

    def apply_filter(self, text: str) -> None:
        """Show only lines in which all words occur."""
        self._words = text
        self._fill()

    def filter_help(self) -> str:
        """See ``FilterScreen``."""
        return "what are you looking for?"

    def summary(self) -> tuple[Iterable[Part], Iterable[Part]]:
        """What this page is, and the search."""
        left = [Part(" Help", "title")]
        row = None if self._key is None else self.context.store.rows.get(self._key)
        if row is not None:
            left.append(Part(f" · reasons are for {row.domain.name}", "dim"))
        if self._words:
            left += [Part("   /", "key", "app.filter"), Part(self._words, "accent", "app.filter")]
        return left, ()

    def cursor_moved(self) -> None:
        """Show the line under the cursor in full."""
        line = self.query_one(ListBox).selected
        action = None if line is None else ACTIONS.get(line.key)
        full: list[tuple[str, str, str]] = []
        if action is not None:
            reason = self._reason(action)
            full.append((action.title, action.help, ""))
            if reason is not None:
                full.append(("Not now", reason, "warn"))
        self.query_one(FieldsBox).show(full)

    def row_opened(self) -> None:
        """A double click does what the line says."""
        self.do_view_details()

    def do_app_help(self) -> None:
        """The key that opened it closes it."""
        self.dismiss()

    def do_view_details(self) -> None:
        """Leave, and do what the line says."""
        line = self.query_one(ListBox).selected
        if line is None or line.key not in ACTIONS:
            return
        origin = self._origin
        self.dismiss()
        origin.call_later(origin.perform, line.key)

    def _fill(self) -> None:
        words = self._words.casefold().split()
        lines: list[Line] = []
        for heading, entries in self._sections():
            kept = [line for line in entries if all(word in text_of(line) for word in words)]
            if not kept:
                continue
            if lines:
                lines.append(Line((Span(""),), selectable=False))
            lines.append(Line((Span(f" {heading}", "title"),), selectable=False))
            lines += kept
        if not lines:
            lines = [Line((Span(" nothing here has these words", "dim"),), selectable=False)]
        self.query_one(ListBox).show(lines)
        self.cursor_moved()
        self.refresh_summary()

    def _sections(self) -> Iterable[tuple[str, list[Line]]]:
        groups: dict[str, list[Line]] = {}
        for action in ACTIONS.values():
            groups.setdefault(action.group, []).append(self._line(action))
        yield from sorted(groups.items(), key=lambda group: not self._is_own(group[0]))
        yield "Signs", self._signs()
        yield "Columns", [_plain(column.header, column.help) for column in COLUMNS]
        yield "Columns of hosts", [_plain(one.header, one.help) for one in HOST_COLUMNS]

    def _is_own(self, group: str) -> bool:
        """Whether a heading is about the screen that help was asked on: those stand first."""
        scope = self._origin.SCOPE
        scopes = [action.scope for action in ACTIONS.values() if action.group == group]
        return scope not in EVERYWHERE and 2 * scopes.count(scope) > len(scopes)

    def _line(self, action: Action) -> Line:
        keymap = self.context.keymap
        reason = self._reason(action)
        keys = keymap.labels(action.id) or command_of(action)
        off = reason is not None
        spans = [
            Span(f"  {fit(keys, KEY_WIDTH)}", "dim" if off else "key"),
            Span(fit(action.title, TITLE_WIDTH), "dim" if off else "strong"),
            Span(" " + action.help, "dim" if off else ""),
        ]
        if reason is not None:
            spans.insert(2, Span(f" not now: {reason}. ", "warn"))
        return Line(tuple(spans), action.id)

    def _reason(self, action: Action) -> str | None:
        if action.per_host:
            status = self.context.store.hosts.get(self._origin.host())
            return "no host is chosen" if status is None else action.applies_host(status)
        if self.context.read_only and action.level >= 1:
            return self.context.read_only
        row = None if self._key is None else self.context.store.rows.get(self._key)
        if row is None or not action.per_domain:
            return None
        return action.applies(row)

    def _signs(self) -> list[Line]:
        signs = glyphs(self.context.options.ascii)
        return [
            *(_plain(signs.state(state), state.value) for state in State),
            _plain(signs.saved, "off, with its memory saved: the next start goes on from there"),
            _plain(signs.mark, "marked: verbs work on all marked VMs"),
            _plain(signs.unknown, "not known (never zero)"),
        ]


def _plain(left: str, right: str) -> Line:
    return Line((Span(f"  {fit(left, KEY_WIDTH)}", "strong"), Span(right)), f"{left} {right}")


def text_of(line: Line) -> str:
    """All of a line, for searching."""
    return " ".join(span.text for span in line.spans).casefold()
