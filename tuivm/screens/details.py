"""The full screen of one VM: overview, devices, XML, performance and log."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.events import ScreenResume, ScreenSuspend

from tuivm.core.api import Focus
from tuivm.core.model import DomainKey
from tuivm.core.store import Changes
from tuivm.core.text import bytes_text
from tuivm.screens.context import Context
from tuivm.screens.details_log import EVENTS, FILE, MESSAGES, LogPane
from tuivm.screens.details_pane import DetailsPane
from tuivm.screens.details_view import DetailsView
from tuivm.screens.searching import TextSearching
from tuivm.widgets.textview import TextView

COPY_MOST = 74_994
"""Bytes that most terminals take in one OSC 52; beyond, many drop all of it."""


class DetailsScreen(TextSearching):
    """Keys that move, search and copy go to the open tab; verbs work on the VM shown."""

    SCOPE = "text"
    VIEW = "view.vms"
    COMMON: ClassVar[tuple[tuple[str, str], ...]] = (
        ("nav.back", "back"),
        ("text.next_tab", "next tab"),
    )
    VERBS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("app.help", "help"),
        ("view.console", "console"),
        ("domain.start", "start"),
        ("domain.shutdown", "shut down"),
        ("view.power", "power"),
    )

    def __init__(self, context: Context, key: DomainKey, tab: str = "overview") -> None:
        super().__init__(context)
        self._view = DetailsView(context, key, compact=False, tab=tab)

    def compose_body(self) -> ComposeResult:
        """The details."""
        yield self._view

    def targets(self) -> tuple[DomainKey, ...]:
        """The VM shown."""
        return (self._view.key,)

    def watching(self) -> Focus:
        """The VM shown."""
        return Focus((self._view.key,), self._view.key)

    def hints(self) -> Iterable[tuple[str, str]]:
        """The tab's own keys first; a key that means something else there is named once."""
        hints: dict[str, str] = {}
        gone = self._view.key not in self.context.store.rows
        verbs = self.VERBS[:1] if gone else self.VERBS
        for action_id, label in (*self._view.pane_hints(), *self.COMMON, *verbs):
            hints.setdefault(action_id, label)
        return hints.items()

    def store_changed(self, changes: Changes) -> None:
        """Of a VM that went nothing is offered but to look."""
        if self._view.key in changes.keys:
            self.refresh_footer()

    @on(DetailsView.Updated)
    def _updated(self) -> None:
        self.refresh_footer()

    @on(ScreenResume)
    def _on_top(self) -> None:
        self._view.resume()

    @on(ScreenSuspend)
    def _covered(self) -> None:
        self._view.pause()

    # -- tabs --------------------------------------------------------------------------

    def _open(self, tab: str) -> None:
        self._view.open(tab)

    def do_text_next_tab(self) -> None:
        """The next tab."""
        self._view.step(1)

    def do_text_previous_tab(self) -> None:
        """The tab before."""
        self._view.step(-1)

    def do_details_overview(self) -> None:
        """A click on the tab."""
        self._open("overview")

    def do_details_devices(self) -> None:
        """A click on the tab."""
        self._open("devices")

    def do_details_xml(self) -> None:
        """A click on the tab."""
        self._open("xml")

    def do_details_performance(self) -> None:
        """A click on the tab."""
        self._open("performance")

    def do_details_log(self) -> None:
        """A click on the tab."""
        self._open("log")

    def do_view_xml(self) -> None:
        """Its key opens the tab."""
        self._open("xml")

    def do_view_log(self) -> None:
        """Its key opens the tab; pressed again, the log's next part."""
        if isinstance(self._pane, LogPane):
            self._said(self._pane.flip())
        else:
            self._open("log")

    def do_details_log_file(self) -> None:
        """A click on the part."""
        self._log_part(FILE)

    def do_details_log_messages(self) -> None:
        """A click on the part."""
        self._log_part(MESSAGES)

    def do_details_log_events(self) -> None:
        """A click on the part."""
        self._log_part(EVENTS)

    def _log_part(self, part: str) -> None:
        if isinstance(self._pane, LogPane):
            self._said(self._pane.choose(part))

    # -- the open tab ------------------------------------------------------------------

    @property
    def _pane(self) -> DetailsPane:
        return self._view.pane

    def _said(self, refusal: str) -> None:
        if refusal:
            self.say(refusal)
        self.refresh_footer()

    def do_text_flip(self) -> None:
        """What the tab has several of."""
        self._said(self._pane.flip())

    def do_text_diff(self) -> None:
        """Differences to the next start, from any tab."""
        if self._view.tab == "xml":
            self._said(self._pane.diff())
        else:
            self._view.open_differences()

    def do_view_details(self) -> None:
        """Open what is under the cursor."""
        self._said(self._pane.enter())

    def do_text_left(self) -> None:
        """Scroll to the left."""
        self._said(self._pane.sideways(-1))

    def do_text_right(self) -> None:
        """Scroll to the right."""
        self._said(self._pane.sideways(1))

    def do_nav_back(self) -> None:
        """Leave the innermost mode, then the screen."""
        if self._pane.back():
            self.refresh_footer()
        elif len(self.app.screen_stack) > 1:
            self.dismiss()

    def _move(self, delta: int) -> None:
        rows = self._pane.rows
        if rows is not None and rows.display:
            rows.move(delta)

    def do_nav_down(self) -> None:
        """A line down."""
        self._move(1)

    def do_nav_up(self) -> None:
        """A line up."""
        self._move(-1)

    def do_nav_page_down(self) -> None:
        """A page down."""
        rows = self._pane.rows
        self._move(rows.page if rows else 0)

    def do_nav_page_up(self) -> None:
        """A page up."""
        rows = self._pane.rows
        self._move(-rows.page if rows else 0)

    def do_nav_half_down(self) -> None:
        """Half a page down."""
        self._aside(1)

    def do_nav_half_up(self) -> None:
        """Half a page up."""
        self._aside(-1)

    def _aside(self, sign: int) -> None:
        rows = self._pane.aside
        if rows is not None:
            rows.move(sign * max(1, rows.page // 2))

    def do_nav_first(self) -> None:
        """To the beginning."""
        rows = self._pane.rows
        if rows is not None:
            rows.move_to(0)

    def do_nav_last(self) -> None:
        """To the end."""
        rows = self._pane.rows
        if rows is not None:
            rows.move_to(rows.row_count() - 1, -1)

    # -- search ------------------------------------------------------------------------

    @property
    def searched(self) -> TextView | None:
        """See ``TextSearching``."""
        return self._pane.text

    def do_text_search(self) -> None:
        """Open the prompt where there is a text to search."""
        if self.searched is None:
            self.say("search is in the XML and Log tabs: x, l")
        else:
            super().do_text_search()

    # -- copy --------------------------------------------------------------------------

    def do_text_select(self) -> None:
        """Select lines, or stop."""
        text = self._pane.text
        if text is None or not text.lines:
            self.say("lines can be selected in the XML and Log tabs: x, l")
            return
        text.select(not text.selecting)
        self.refresh_footer()

    def do_view_copy(self) -> None:
        """Copy the text of the tab, or what is selected; elsewhere open the copy menu."""
        copied = self._pane.copied()
        if copied is None:
            self.context.dispatch(self, "view.copy", {}, None)
            return
        what, text = copied
        size = len(text.encode())
        self.app.copy_to_clipboard(text)
        said = f"copied {what}: {bytes_text(size)}"
        if size > COPY_MOST:
            self.say(f"{said}; some terminals take no more than {bytes_text(COPY_MOST)}")
        else:
            self.say(f"{said}, by OSC 52; if nothing arrived, the terminal forbids it", "good")
        if self._pane.text is not None and self._pane.text.selecting:
            self._pane.text.select(False)
        self.clear_selection()
        self.refresh_footer()
