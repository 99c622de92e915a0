"""The details of one VM, for a whole screen or for the pane beside the list.

Paints at once what the store knows, then what the backend reads, again and again while
it is on screen. An answer about a VM that is no longer shown is dropped.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from textual.app import ComposeResult
from textual.containers import Container, Vertical
from textual.message import Message
from textual.worker import WorkType

from tuivm.core.errors import TuivmError
from tuivm.core.model import DomainKey, QemuLog
from tuivm.core.rows import Changes
from tuivm.screens.context import Context
from tuivm.screens.details_devices import DevicesPane
from tuivm.screens.details_log import LogPane
from tuivm.screens.details_pane import DetailsPane, Hints, OverviewPane
from tuivm.screens.details_state import DetailsState, headline, note
from tuivm.screens.details_xml import XmlPane
from tuivm.widgets.bars import Bar, Part

PERIOD, PANE_PERIOD = 2.0, 5.0
"""Seconds between two readings, at least: on a screen of its own, and beside the list."""
DUTY = 5.0
"""A reading that took a second is followed by this many seconds without one."""
REST = 0.12
"""Seconds that a key must stay before its VM is read, so that a moving cursor reads none."""
TABS = (
    ("overview", "Overview", ""),
    ("devices", "Devices", ""),
    ("xml", "XML", "view.xml"),
    ("performance", "Performance", ""),
    ("log", "Log", "view.log"),
)
"""Id, title, and the action that opens the tab from anywhere."""


class DetailsView(Vertical):
    """A headline, a note where one is needed, and one tab; ``compact`` has the overview alone."""

    DEFAULT_CSS = """
    DetailsView { width: 1fr; height: 1fr; background: $background; }
    DetailsView #note { display: none; }
    DetailsView #tab { height: 1fr; width: 1fr; }
    DetailsView.-compact { border-left: solid $foreground-muted; }
    DetailsView.-compact.-ascii { border-left: ascii $foreground-muted; }
    """

    class Updated(Message):
        """Another tab is open, or what its keys do has changed."""

    def __init__(
        self, context: Context, key: DomainKey, *, compact: bool = True, tab: str = "overview"
    ) -> None:
        super().__init__(classes="-compact" if compact else "")
        self.set_class(context.options.ascii, "-ascii")
        self.context = context
        self.compact = compact
        """Only the headline and the overview, for the pane beside the list."""
        self.state = DetailsState(key, context.options.ascii)
        self.tab = "overview" if compact else tab
        """The id of the open tab."""
        self._panes: dict[str, DetailsPane] = {}
        self._unsubscribe: Callable[[], None] = lambda: None
        self._visible = True
        self._ready = False
        self._headline, self._note, self._tabs = Bar(), Bar(id="note"), Bar()
        self._place = Container(id="tab")

    def compose(self) -> ComposeResult:
        """Headline, note, tabs, and the place for the open tab."""
        yield self._headline
        yield self._note
        if not self.compact:
            yield self._tabs
        yield self._place

    def on_mount(self) -> None:
        """Paint what is known and begin to read."""
        if not self._place.is_attached:
            return  # it is left before it was built
        self._ready = True
        self.state.look(self.context.store)
        self._unsubscribe = self.context.store.subscribe(self._changed)
        self.open(self.tab)
        self._read(0.0 if not self.compact else REST)

    def on_unmount(self) -> None:
        """Stop listening."""
        self._unsubscribe()

    # -- what is shown -----------------------------------------------------------------

    @property
    def key(self) -> DomainKey:
        """The VM that is shown."""
        return self.state.key

    @property
    def pane(self) -> DetailsPane:
        """The open tab's content."""
        return self._panes[self.tab]

    def pane_hints(self) -> Hints:
        """What the footer names for the open tab."""
        pane = self._panes.get(self.tab)
        return pane.hints() if pane is not None and pane.ready else ()

    def show(self, key: DomainKey) -> None:
        """Show another VM: at once what the store knows, the rest once the key rests."""
        if key == self.state.key:
            return
        self.state = DetailsState(key, self.context.options.ascii)
        self.state.look(self.context.store)
        for pane in self._panes.values():
            pane.state = self.state
            if isinstance(pane, LogPane):
                pane.forget()
        self.refresh_state()
        self._read(REST)

    def open(self, tab: str) -> None:
        """Open a tab; its widgets are made when it is first opened."""
        old = self._panes.get(self.tab)
        if old is not None and tab != self.tab:
            old.display = False
            old.closed()
        self.tab = tab
        pane = self._panes.get(tab)
        if pane is None:
            pane = self._panes[tab] = self._make(tab)
            self._place.mount(pane)
        pane.display = True
        self.refresh_state()
        if pane.ready:
            pane.opened()
        self.post_message(self.Updated())
        if tab == "log":
            self._read_log()

    def open_differences(self) -> None:
        """Open what the next start changes."""
        self.open("xml")
        pane = self.pane
        if isinstance(pane, XmlPane):
            pane.show_differences()
            if pane.ready:
                pane.show_state()

    def on_details_pane_opened(self, message: DetailsPane.Opened) -> None:
        """A tab's widgets are there: its keys can be named."""
        message.stop()
        self.post_message(self.Updated())

    def _make(self, tab: str) -> DetailsPane:
        store, backend = self.context.store, self.context.backend
        if tab == "performance":
            from tuivm.screens.details_charts import PerformancePane

            return PerformancePane(self.state, store, backend)
        panes = {"devices": DevicesPane, "xml": XmlPane, "log": LogPane}
        return panes.get(tab, OverviewPane)(self.state, store, backend)

    def step(self, by: int) -> None:
        """Open the next tab, or the one before by -1."""
        ids = [tab for tab, _, _ in TABS]
        self.open(ids[(ids.index(self.tab) + by) % len(ids)])

    def refresh_state(self) -> None:
        """Bring all that is on screen up to date."""
        if not self._ready:
            return
        width = self.size.width or self.app.size.width
        self._headline.show(headline(self.state, width))
        said = note(self.state)
        self._note.display = bool(said)
        key = self.context.keymap.label("text.diff")
        pending = said and said[1].role == "pending" and not self.compact and key
        self._note.show(
            said, [Part(f" {key}", "key", "text.diff"), Part(" all ")] if pending else ()
        )
        if not self.compact:
            self._tabs.show(self._tab_parts(), self._tab_keys())
        pane = self._panes.get(self.tab)
        if pane is not None and pane.ready:
            pane.show_state()

    def on_resize(self) -> None:
        """The headline says as much as fits."""
        self.refresh_state()

    def _tab_parts(self) -> list[Part]:
        parts: list[Part] = []
        for tab, title, action_id in TABS:
            click = f"details.{tab}"
            key = self.context.keymap.label(action_id) if action_id else ""
            parts.append(Part(" "))
            if key:
                parts.append(Part(f"{key} ", "key", click))
            parts.append(Part(title, "view.on" if tab == self.tab else "view", click))
            parts.append(Part(" "))
        return parts

    def _tab_keys(self) -> list[Part]:
        key = self.context.keymap.label("text.next_tab")
        return [Part(key, "key", "text.next_tab"), Part(" next tab ", "dim")] if key else []

    # -- reading -----------------------------------------------------------------------

    def resume(self) -> None:
        """Read again: the screen is on top."""
        if not self._visible:
            self._visible = True
            self.state.look(self.context.store)
            self.refresh_state()
            self._read(0.0)
            if self.tab == "log":
                self._read_log()

    def pause(self) -> None:
        """Read no more: the screen is covered."""
        self._visible = False
        self.workers.cancel_group(self, "details")
        self.workers.cancel_group(self, "log")

    def _changed(self, changes: Changes) -> None:
        key = self.key
        mine = key in changes.keys or key.host in changes.hosts
        if not mine and not any(entry.uuid == key.uuid for entry in changes.entries):
            return
        before = self.state.row
        self.state.look(self.context.store)
        after = self.state.row
        if not self._visible:
            return
        self.refresh_state()
        if before is None or after is None or before.domain is not after.domain:
            # A new record means an event: what was read before may be wrong now.
            self._read(REST)

    def _read(self, delay: float) -> None:
        state = self.state

        async def read() -> None:
            await self._read_on(state, delay)

        self._work(read, "details")

    def _work(self, job: WorkType[None], group: str) -> None:
        # A function, not its coroutine: a worker that is cancelled at once never calls it.
        if self._visible:
            self.run_worker(job, group=group, exclusive=True, exit_on_error=False)

    async def _read_on(self, state: DetailsState, delay: float) -> None:
        await asyncio.sleep(delay)
        while state is self.state:
            begun = time.monotonic()
            try:
                details = await asyncio.wrap_future(self.context.backend.details(state.key))
            except TuivmError as error:
                state.error = error
            except Exception as error:
                # A mistake of ours is told where its effect is seen; the rest goes on.
                state.error = TuivmError(
                    "The details could not be read", f"{type(error).__name__}: {error}"
                )
            else:
                state.take(details)
            if state is not self.state:
                return
            self.refresh_state()
            if state.gone or (state.error is not None and state.error.is_gone):
                return
            period = PANE_PERIOD if self.compact else PERIOD
            await asyncio.sleep(max(period, DUTY * (time.monotonic() - begun)))

    def _read_log(self) -> None:
        state = self.state

        async def read() -> None:
            await self._read_log_on(state)

        self._work(read, "log")

    async def _read_log_on(self, state: DetailsState) -> None:
        while state is self.state and self.tab == "log":
            begun = time.monotonic()
            log = await self._log(state)
            pane = self._panes.get("log")
            if state is not self.state or not isinstance(pane, LogPane):
                return
            pane.take(log)
            await asyncio.sleep(max(PERIOD, DUTY * (time.monotonic() - begun)))

    async def _log(self, state: DetailsState) -> QemuLog:
        try:
            return await asyncio.wrap_future(self.context.backend.log(state.key))
        except TuivmError as error:
            return QemuLog("", "", error)
        except Exception as error:
            why = f"{type(error).__name__}: {error}"
            return QemuLog("", "", TuivmError("The log could not be read", why))
