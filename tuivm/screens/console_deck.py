"""The consoles that are open side by side: which is seen, which has the keys, who is typed to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Container
from textual.message import Message
from textual.widgets import Static

from tuivm.core.model import DomainKey
from tuivm.core.session import ConsoleSession
from tuivm.screens.context import Context
from tuivm.widgets.terminal import MIN_GRID, TerminalView

BESIDE_COLUMNS = 2 * MIN_GRID[0] + 1
"""Columns from which a split is side by side; narrower screens have one above the other."""
NEWS_PAUSE = 0.5
"""Seconds between two looks at a console that is out of sight."""


class Tab:
    """One console: a domain, one of its devices, and the view of its session."""

    def __init__(self, context: Context, key: DomainKey, device: str = "") -> None:
        keymap = context.keymap
        self.key = key
        self.device = device
        """An alias; empty for the domain's first console."""
        self.name = ""
        """The VM's name as last known, which outlives the VM."""
        self.session: ConsoleSession = context.consoles.get(
            key, context.config.scrollback, device=device
        )
        self.view = TerminalView(
            self.session,
            leave=keymap.keys_for("console.leave"),
            menu=keymap.keys_for("console.menu"),
        )
        self.seen_now()

    def seen_now(self) -> None:
        """Nothing that came so far is news."""
        self.news = False
        """True when something came while it was out of sight."""
        self.rang = False
        """True when the bell rang meanwhile."""
        self.seen, self.bells = self.session.seen, self.session.bells


class Deck(Container):
    """Shows one tab, or two in a split; the others stay attached out of sight."""

    DEFAULT_CSS = """
    Deck { layout: vertical; height: 1fr; width: 1fr; }
    Deck.-beside { layout: horizontal; }
    Deck > TerminalView { display: none; }
    Deck > TerminalView.-shown { display: block; }
    Deck > #rule { display: none; width: 1fr; height: 1; border-top: solid $primary; }
    Deck.-split > #rule { display: block; }
    Deck.-beside > #rule { width: 1; height: 1fr; border-top: none; border-left: solid $primary; }
    Deck.-ascii > #rule { border-top: ascii $primary; }
    Deck.-ascii.-beside > #rule { border-top: none; border-left: ascii $primary; }
    """

    class Turned(Message):
        """Another tab has the keys, or a tab out of sight has news."""

    def __init__(self, context: Context, tabs: Sequence[tuple[DomainKey, str]]) -> None:
        super().__init__(classes="-ascii" if context.options.ascii else "")
        self.context = context
        self.tabs = [Tab(context, key, device) for key, device in tabs]
        """In the order of the bar."""
        self.active = 0
        """The tab that has the keys."""
        self.beside: int | None = None
        """The other tab of a split."""
        self.broadcast = False
        """True while what is typed goes to all attached consoles."""
        self._room = (80, 24)

    def compose(self) -> ComposeResult:
        """The views, and the line between two of them."""
        for tab in self.tabs:
            yield tab.view
        yield Static(id="rule")

    def on_mount(self) -> None:
        """Show the first."""
        self.lay_out()

    @property
    def tab(self) -> Tab:
        """The tab that has the keys."""
        return self.tabs[self.active]

    @property
    def shown(self) -> tuple[int, ...]:
        """The tabs in sight, in the order in which they stand."""
        places = {self.active} if self.beside is None else {self.active, self.beside}
        return tuple(sorted(places))

    def find(self, key: DomainKey, device: str) -> int | None:
        """The place of a console that is open already."""
        for place, tab in enumerate(self.tabs):
            if (tab.key, tab.device) == (key, device):
                return place
        return None

    # -- what is seen --------------------------------------------------------------------

    def fit(self, columns: int, lines: int) -> None:
        """Take the room that there is, in cells."""
        self._room = (columns, lines)
        self.lay_out()

    def lay_out(self) -> None:
        """Show what is to be seen, and give each the grid for its room."""
        if not self.is_mounted:
            return
        shown = self.shown
        split, columns, lines = len(shown) == 2, *self._room
        aside = split and columns >= BESIDE_COLUMNS
        self.set_class(split, "-split")
        self.set_class(aside, "-beside")
        if split:
            self.move_child(self.query_one("#rule"), after=self.tabs[shown[0]].view)
            if aside:
                columns = (columns - 1) // 2
            else:
                lines = (lines - 1) // 2
        for place, tab in enumerate(self.tabs):
            seen = place in shown
            if tab.view.has_class("-shown"):
                tab.seen_now()
            tab.view.set_class(seen, "-shown")
            tab.view.rest(not seen)
            if seen:
                tab.seen_now()
                tab.view.set_grid(columns, lines)
        self._aim()

    def select(self, place: int) -> None:
        """Give a tab the keys; in a split it takes the place of the one that had them."""
        if not 0 <= place < len(self.tabs):
            return
        if place == self.beside:
            self.beside = self.active
        self.active = place
        self.lay_out()
        self.screen.set_focus(self.tab.view)
        self.post_message(self.Turned())

    def step(self, delta: int) -> None:
        """Give the keys to the next tab, or the one before."""
        self.select((self.active + delta) % len(self.tabs))

    def split(self) -> None:
        """Show another tab beside this one, or this one alone again."""
        if self.beside is not None:
            self.beside = None
        elif len(self.tabs) > 1:
            self.beside = (self.active + 1) % len(self.tabs)
        self.lay_out()
        self.post_message(self.Turned())

    async def add(self, key: DomainKey, device: str) -> Tab:
        """Open another tab and give it the keys, or those of one that is open already."""
        place = self.find(key, device)
        if place is None:
            tab = Tab(self.context, key, device)
            self.tabs.append(tab)
            await self.mount(tab.view, before="#rule")
        else:
            tab = self.tabs[place]
        if self.is_attached and tab in self.tabs:
            self.select(self.tabs.index(tab))
        return tab

    async def remove_tab(self, tab: Tab) -> None:
        """Close a tab, not the last one; its session is the caller's to leave."""
        place = self.tabs.index(tab)
        del self.tabs[place]
        self.beside = None
        if self.active > place or self.active == len(self.tabs):
            self.active -= 1
        await tab.view.remove()
        if self.is_attached:
            self.select(self.active)

    @on(events.DescendantFocus)
    def _focused(self, event: events.DescendantFocus) -> None:
        for place in self.shown:
            if self.tabs[place].view is event.widget and place != self.active:
                self.select(place)

    @on(TerminalView.Stirred)
    def _stirred(self, message: TerminalView.Stirred) -> None:
        message.stop()
        for tab in self.tabs:
            if tab.view is message.view:
                self._look(tab)
                self.set_timer(NEWS_PAUSE, lambda tab=tab: self._look_again(tab))

    def _look_again(self, tab: Tab) -> None:
        if tab in self.tabs and self.tabs.index(tab) not in self.shown:
            # First to be told of what comes from now on, then what came meanwhile.
            tab.view.rest(True)
            self._look(tab)

    def _look(self, tab: Tab) -> None:
        if self.tabs.index(tab) not in self.shown:
            tab.news = tab.news or tab.session.seen > tab.seen
            tab.rang = tab.rang or tab.session.bells > tab.bells
        self.post_message(self.Turned())

    # -- who is typed to -----------------------------------------------------------------

    def attached(self) -> list[ConsoleSession]:
        """The sessions that input reaches now."""
        return [tab.session for tab in self.tabs if tab.session.attached]

    def set_broadcast(self, on_: bool) -> None:
        """Type into all of them, or into one again."""
        self.broadcast = on_
        self._aim()
        self.post_message(self.Turned())

    def _aim(self) -> None:
        for tab in self.tabs:
            tab.view.peers = self._others if self.broadcast else _nobody

    def _others(self) -> Iterable[ConsoleSession]:
        here = self.tab.session
        return [session for session in self.attached() if session is not here]


def _nobody() -> Iterable[ConsoleSession]:
    return ()
