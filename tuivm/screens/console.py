"""One VM's serial console: the guest's screen, one status line, and what has to be said."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar, Self

from textual import events, on
from textual.app import ComposeResult
from textual.geometry import Region
from textual.timer import Timer
from textual.widgets import Static

from tuivm.core.api import ConsoleState, Focus
from tuivm.core.model import DomainKey
from tuivm.core.rows import Row
from tuivm.core.session import ConsoleSession
from tuivm.core.store import Changes
from tuivm.screens.console_add import Adding
from tuivm.screens.console_deck import Deck, Tab
from tuivm.screens.console_keep import KeepingScreen
from tuivm.screens.console_menu import choices
from tuivm.screens.console_tabs import ConsoleMenu, bar_parts, label, status_parts, tab_choices
from tuivm.screens.console_text import ADD, START, TAKE, Notice, at_prompt, notice
from tuivm.screens.context import Context
from tuivm.widgets.bars import Bar
from tuivm.widgets.roles import palette
from tuivm.widgets.terminal import TerminalView

SILENCE = 3.0
"""Seconds without a byte after which the screen explains what a silent guest lacks."""
STATUS_LINES = 1
TINY = 16
"""Lines of a terminal below which explanations leave the room to a guest that is attached."""
PAST_ROWS = 100
"""Rows in which a silent guest's last prompt is looked for."""
LITERAL_LEAVE = b"\x1d"
F12 = ("f12", None)


class ConsoleScreen(KeepingScreen, inherit_bindings=False):
    """Attaches when it opens, lets go when it closes; the scrollback outlives it.

    Several consoles are tabs: those asked for, and those that were kept attached.
    """

    SCOPE: ClassVar[str] = "console"
    AUTO_FOCUS = "TerminalView"
    DEFAULT_CSS = """
    ConsoleScreen { layout: vertical; overflow: hidden hidden; }
    ConsoleScreen > #notice {
        height: auto; width: 1fr; padding: 0 1; display: none;
        border-top: solid $accent;
    }
    ConsoleScreen.-ascii > #notice { border-top: ascii $accent; }
    ConsoleScreen > #notice.-shown { display: block; }
    ConsoleScreen > #tabs { display: none; }
    ConsoleScreen > #tabs.-shown { display: block; }
    """

    def __init__(
        self,
        context: Context,
        key: DomainKey,
        boot: bool = False,
        *,
        more: Sequence[DomainKey] = (),
    ) -> None:
        """Prepare it for one domain, and ``more`` behind it; ``boot`` starts the first."""
        super().__init__(context)
        self._boot = boot
        wanted = [(one, "") for one in (key, *more)]
        kept = [place for place in context.consoles.kept if place not in wanted]
        self._deck = Deck(context, [*wanted, *kept])
        self._adding = Adding(self)
        self._unsubscribe: Callable[[], None] = lambda: None
        self._silence: Timer | None = None
        self._silent = False
        self._prompt = False
        self._notice: Notice | None = None
        self._told: tuple[Tab, ConsoleState] | None = None

    # -- Textual -------------------------------------------------------------------------

    def compose(self) -> ComposeResult:
        """The guest's screen, what is to be said of it, and the status line."""
        yield Bar(id="tabs")
        yield self._deck
        yield Static(id="notice", markup=False)
        yield Bar(id="status")

    def on_mount(self) -> None:
        """Attach."""
        self._unsubscribe = self.context.store.subscribe(self._store_changed)
        for tab in self._deck.tabs:
            self._open(tab, boot=self._boot and tab is self._deck.tab)
        self._tabs_changed()

    def on_unmount(self) -> None:
        """Let go of the consoles, but for those that are kept."""
        self._unsubscribe()
        self.stop_paste()
        for tab in self._deck.tabs:
            self._let_go(tab)

    @on(events.Resize)
    def _resized(self, event: events.Resize) -> None:
        self._fit()
        self._refresh()

    @on(events.ScreenResume)
    def _resumed(self) -> None:
        self.set_focus(self.view)
        self.view.redraw()

    async def on_key(self, event: events.Key) -> None:
        """Keys that the guest did not take: the notice's offers."""
        event.stop()
        event.prevent_default()
        if event.key == "escape" and self.stop_paste():
            return
        if self._adding.key(event.key):
            self._refresh()
            return
        offers = self._notice.offers if self._notice is not None else ()
        for offer in offers:
            if event.key == offer.key:
                self._do(offer.key)
                return

    def refresh(self, *regions: Region, **options: bool) -> Self:
        """Repaint, but not for the screen below: Textual thinks that it shines through.

        Its regions would repaint the guest's screen each time a row of the list changes.
        """
        return self if regions else super().refresh(**options)

    # -- actions -------------------------------------------------------------------------

    def _open(self, tab: Tab, *, boot: bool = False) -> None:
        backend = self.context.backend
        tab.view.ask_paste = self.ask_paste
        self.past.open(
            tab.session,
            tab.device,
            lambda: tab.session.open(
                lambda sink: backend.console(tab.key, sink, device=tab.device, boot=boot)
            ),
        )

    def _let_go(self, tab: Tab) -> None:
        if not self.context.consoles.keeps(tab.key, tab.device):
            tab.session.leave()
            self.stop_recording(tab.session)

    def _do(self, what: str) -> None:
        """Carry out an offer, a click, or a choice of the menu."""
        session, view = self._session, self.view
        match what:
            case "escape" | "leave":
                self.dismiss()
            case "enter":
                session.attach()
            case TAKE.key:
                session.attach(force=True)
            case START.key:
                session.leave()
                self._open(self._deck.tab, boot=True)
            case "again":
                # libvirtd forgets to tell the loser of a take-over while its guest prints.
                session.leave()
                self._open(self._deck.tab)
            case ADD.key:
                self._adding.ask()
            case "menu":
                self._menu()
            case "scrollback":
                view.browse()
            case "bottom":
                view.to_bottom()
            case "full":
                self._full_screen()
            case "keep" | "split" | "broadcast" | "devices" | "tab:close":
                self._arrange(what)
            case "tab:next" | "tab:before":
                self._deck.step(1 if what == "tab:next" else -1)
            case _ if what.startswith("tab:"):
                self._deck.select(int(what[4:]))
            case "literal":
                session.write(LITERAL_LEAVE)
            case "f12":
                session.press(*F12)
            case _:
                self.do_keep(what)
        self._refresh()

    def _menu(self) -> None:
        def chosen(value: str | None) -> None:
            if value is not None:
                self._do(value)

        if self._deck.broadcast:
            # One key ends it, whatever else the user wanted of the menu.
            self._deck.set_broadcast(False)
            return
        lines = [*choices(self._session), *self.keep_choices()]
        menu = ConsoleMenu(
            self.context, "Console", [*lines, *tab_choices(self.context, self._deck)]
        )
        self.app.push_screen(menu, chosen)

    def _arrange(self, what: str) -> None:
        deck, consoles, tab = self._deck, self.context.consoles, self._deck.tab
        match what:
            case "keep":
                consoles.keep(tab.key, tab.device, not consoles.keeps(tab.key, tab.device))
            case "split":
                deck.split()
            case "broadcast":
                deck.set_broadcast(not deck.broadcast and len(deck.attached()) > 1)
            case "devices":
                self.app.run_worker(self._choose_device(), exit_on_error=True)
            case "tab:close":
                self.app.run_worker(self._close_tab(), exit_on_error=True)

    async def _close_tab(self) -> None:
        if len(self._deck.tabs) < 2:
            return
        tab = self._deck.tab
        self.context.consoles.keep(tab.key, tab.device, False)
        tab.session.leave()
        self.stop_recording(tab.session)
        await self._deck.remove_tab(tab)
        if self.present:
            self._tabs_changed()

    async def _choose_device(self) -> None:
        """Offer the domain's consoles, and open the chosen one as a tab of its own."""
        from tuivm.screens.console_ports import choose_port

        key = self.key
        chosen = await choose_port(self.context, self.app, key, self._deck.tab.device)
        if chosen is None or not self.present:
            return
        tab = await self._deck.add(key, chosen)
        if self.present:
            self._open(tab)
            self._tabs_changed()

    def _full_screen(self) -> None:
        """Hand the terminal to the console, then come back."""
        from tuivm.screens.console_full import full_screen

        full_screen(self.app, self.context, self._session, label(self.context, self._deck.tab))
        self.view.redraw()

    # -- what changes --------------------------------------------------------------------

    @property
    def key(self) -> DomainKey:
        """The domain whose console has the keys."""
        return self._deck.tab.key

    @property
    def _session(self) -> ConsoleSession:
        return self._deck.tab.session

    @property
    def view(self) -> TerminalView:
        """The terminal that has the keys."""
        return self._deck.tab.view

    @property
    def name_of(self) -> str:
        """What the console is called."""
        return label(self.context, self._deck.tab)

    @property
    def _row(self) -> Row | None:
        return self.context.store.rows.get(self.key)

    def _store_changed(self, changes: Changes) -> None:
        if self.key in changes.keys or changes.entries or changes.hosts:
            self._refresh()

    def _tabs_changed(self) -> None:
        """Another number of tabs: the bar comes or goes."""
        self.query_one("#tabs").set_class(len(self._deck.tabs) > 1, "-shown")
        keys = dict.fromkeys(tab.key for tab in self._deck.tabs)
        self.context.backend.focus(Focus(visible=tuple(keys)))
        self._fit()
        self._changed()

    def _fit(self) -> None:
        # Not the views' own size: a notice that comes and goes must not wrap lines anew.
        lines = STATUS_LINES + (len(self._deck.tabs) > 1)
        self._deck.fit(self.size.width, self.size.height - lines)

    @on(Deck.Turned)
    def _turned(self) -> None:
        self._changed()

    @on(TerminalView.Leave)
    def _leave(self) -> None:
        self.dismiss()

    @on(TerminalView.MenuAsked)
    def _menu_asked(self) -> None:
        self._menu()

    @on(Bar.Pressed)
    def _pressed(self, message: Bar.Pressed) -> None:
        self._do(message.action)

    @on(TerminalView.Changed)
    def _changed(self) -> None:
        tab, state = self._deck.tab, self._session.state
        if (tab, state) != self._told:
            self._told = (tab, state)
            self._adding.forget()
            self._silent = False
            if self._silence is not None:
                self._silence.stop()
                self._silence = None
            if state is ConsoleState.ATTACHED and not self._session.seen:
                self._silence = self.set_timer(SILENCE, self._still_silent)
        if self._session.seen:
            self._silent = False
        self._refresh()

    def _still_silent(self) -> None:
        self._silence = None
        self._silent = not self._session.seen
        with self._session.turn as core:
            rows = [] if core is None else core.row_texts(self.view.total - PAST_ROWS)
        self._prompt = at_prompt(rows)
        self._refresh()

    def refresh_texts(self) -> None:
        """Bring all that is said up to date."""
        self._refresh()

    def _refresh(self) -> None:
        if not self.present:
            return
        self._refresh_notice()
        self.query_one("#status", Bar).show(
            *status_parts(self.context, self._deck, self.keep_parts())
        )
        if len(self._deck.tabs) > 1:
            bar = self.query_one("#tabs", Bar)
            bar.show(*bar_parts(self.context, self._deck, self.size.width))

    def _refresh_notice(self) -> None:
        told = self._adding.notice or notice(
            self._session,
            self._row,
            silent=self._silent and not self.view.browsing,
            prompt=self._prompt,
            device=self._deck.tab.device,
            known=self._deck.tab.name,
        )
        if told is not None and self._session.attached and self.size.height < TINY:
            told = told._replace(lines=())
        if told == self._notice:
            return
        self._notice = told
        widget = self.query_one("#notice", Static)
        widget.set_class(told is not None, "-shown")
        if told is not None:
            widget.update(told.text(palette(self.app)))
