"""What one tab of the details is, and the simplest one: the overview."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Static

from tuivm.core.api import Backend
from tuivm.core.glyphs import ASCII_SIGNS
from tuivm.core.overview import overview
from tuivm.core.store import Store
from tuivm.screens.details_state import DetailsState
from tuivm.widgets.fields import FieldsView
from tuivm.widgets.roles import role_text
from tuivm.widgets.rows import RowsView
from tuivm.widgets.textview import TextView

Hints = tuple[tuple[str, str], ...]
"""Action ids and labels for the footer."""
STEP = 8
"""Cells that one press scrolls sideways."""


class DetailsPane(Vertical):
    """A tab's content. Shows ``state`` when told to; keys come as calls."""

    TAB: ClassVar[str] = ""
    """The tab's id."""

    DEFAULT_CSS = """
    DetailsPane { width: 1fr; height: 1fr; background: $background; }
    """

    class Opened(Message):
        """The pane is on screen for the first time."""

    def __init__(self, state: DetailsState, store: Store, backend: Backend) -> None:
        super().__init__(id=f"pane-{self.TAB}")
        self.state = state
        self.store = store
        self.backend = backend
        self.ready = False
        """The pane's widgets are there; before, nothing can be shown."""

    def on_mount(self) -> None:
        """Show what is known by now."""
        self.ready = True
        self.opened()
        self.post_message(self.Opened())

    def show_state(self) -> None:
        """Bring the pane up to date with ``state``; cheap when nothing changed."""
        raise NotImplementedError

    def opened(self) -> None:
        """The tab was opened."""
        self.show_state()

    def closed(self) -> None:
        """The tab was left."""

    def hints(self) -> Hints:
        """What the footer names for this tab."""
        return ()

    @property
    def rows(self) -> RowsView | None:
        """What the moving keys move."""
        return None

    @property
    def aside(self) -> RowsView | None:
        """What half a page up and down moves."""
        return self.rows

    @property
    def text(self) -> TextView | None:
        """What can be searched and selected."""
        return None

    def flip(self, by: int = 1) -> str:
        """Show the next one of what the tab has several of; returns why not, or empty."""
        return "nothing to switch here"

    def diff(self) -> str:
        """Show the differences to the next start; returns why not, or empty."""
        return "the differences are in the XML tab"

    def enter(self) -> str:
        """Open what is under the cursor; returns why not, or empty."""
        return ""

    def back(self) -> bool:
        """Undo the pane's innermost mode; False when there is none."""
        text = self.text
        if text is not None and text.selecting:
            text.select(False)
            return True
        if text is not None and text.find is not None:
            text.search("")
            return True
        return False

    def copied(self) -> tuple[str, str] | None:
        """What a copy takes: its name and itself; None leaves it to the copy menu."""
        return None

    def sideways(self, by: int) -> str:
        """Scroll to the side; returns why not, or empty."""
        text = self.text
        if text is None or not text.display:
            return self.flip(by)
        text.sideways(by * STEP)
        return ""


class OverviewPane(DetailsPane):
    """All facts and counters in people's terms."""

    TAB = "overview"

    def __init__(self, state: DetailsState, store: Store, backend: Backend) -> None:
        super().__init__(state, store, backend)
        self._fields = FieldsView()
        self._fields.ascii = state.ascii

    def compose(self) -> ComposeResult:
        """One scrolling view."""
        yield self._fields

    @property
    def rows(self) -> FieldsView:
        """The fields scroll."""
        return self._fields

    def show_state(self) -> None:
        """Tell what is known; values that are not of now are drawn as old."""
        known = self.state.known()
        self.rows.show(overview(known) if known else (), old=self.state.old)


class Notice(Static):
    """A paragraph in place of what cannot be shown: what is the matter, and what to do."""

    DEFAULT_CSS = """
    Notice { width: 1fr; height: 1fr; padding: 1 2; background: $background; display: none; }
    """

    def __init__(self, *, ascii_only: bool = False) -> None:
        super().__init__("", markup=False)
        self._ascii = ascii_only
        self._said: tuple[tuple[str, str], ...] = ()

    def say(self, *paragraphs: tuple[str, str]) -> None:
        """Show paragraphs of (text, role)."""
        if self._ascii:
            paragraphs = tuple((text.translate(ASCII_SIGNS), role) for text, role in paragraphs)
        if paragraphs != self._said:
            self._said = paragraphs
            spaced = [piece for text, role in paragraphs for piece in ((text, role), ("\n\n", ""))]
            self.update(role_text(self.app, spaced[:-1]))
