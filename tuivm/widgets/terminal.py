"""A terminal in a widget: shows a console session and sends it what is typed.

Rows are drawn when data comes, never by a clock: at once after a pause, at most each 8 ms
while a little comes, each 30 ms under load. Nothing runs while the guest is silent.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections import deque
from collections.abc import Callable, Iterable

from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip

from tuivm.core.session import ConsoleSession
from tuivm.core.terminal import RGB, CellStyle, Frame, Run
from tuivm.widgets.terminalgrid import TerminalGrid

IDLE_GAP = 0.008
LOAD_GAP = 0.03
"""Seconds between two frames while a little comes, and while much comes."""
BURST = 3
"""Frames within ``BURST_SPAN`` after which it counts as much."""
BURST_SPAN = 0.1
MAX_BACKLOG = 2
"""Frames that may wait for a slow terminal before no more are drawn."""
MIN_GRID = (80, 24)
"""Guests on a serial line cannot learn their size and assume this one."""
STYLE_CACHE = 4096
SCROLL_KEYS = {"shift+pageup": -1, "shift+pagedown": 1}
"""Pages that a key scrolls, whatever the guest is doing."""


class TerminalView(TerminalGrid, can_focus=True):
    """Shows one session. While it is attached, every key but two is the guest's."""

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    TerminalView { width: 1fr; height: 1fr; background: $background; color: $foreground; }
    TerminalView:ansi { background: ansi_default; color: ansi_default; }
    """

    class Leave(Message):
        """The leave key was pressed."""

    class MenuAsked(Message):
        """The menu key was pressed."""

    class Stirred(Message):
        """Something came while the view rests; told once until it is told to rest again."""

        def __init__(self, view: TerminalView) -> None:
            super().__init__()
            self.view = view

    def __init__(
        self,
        session: ConsoleSession,
        *,
        leave: tuple[str, ...],
        menu: tuple[str, ...],
        id: str | None = None,  # noqa: A002 - Textual's name
    ) -> None:
        super().__init__(session, id=id)
        self.locked = False
        """True while nothing typed may reach the guest: a paste is under way."""
        self.ask_paste: Callable[[TerminalView, str], None] | None = None
        """Takes what is pasted, in order to ask or to pace; without it all is sent at once."""
        self.peers: Callable[[], Iterable[ConsoleSession]] = tuple
        """The sessions that are typed into as well."""
        self._resting = False
        self._leave = frozenset(leave)
        self._menu = frozenset(menu)
        self._styles: dict[CellStyle, Style] = {}
        self._base = Style()
        self._full = True
        self._due: asyncio.TimerHandle | None = None
        self._drawn: deque[float] = deque(maxlen=BURST)
        self._told: tuple[object, ...] = ()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._vars = contextvars.copy_context()

    # -- frames ------------------------------------------------------------------------

    def on_mount(self) -> None:
        """Start to watch the session."""
        self._loop = asyncio.get_running_loop()
        self._vars = contextvars.copy_context()
        self.session.watch(self._stir if self._resting else self._wake)
        self._draw()

    def on_unmount(self) -> None:
        """Stop watching; the session lives on."""
        self.session.watch(None)
        self._loop = None
        if self._due is not None:
            self._due.cancel()

    def on_resize(self) -> None:
        """More or less of the grid is in sight: from its top, if the cursor is there too."""
        self._top = self._left = 0
        self._panned = False
        self._wake_here()

    def rest(self, out_of_sight: bool) -> None:
        """Draw nothing while out of sight; ``Stirred`` tells of news."""
        changed, self._resting = out_of_sight is not self._resting, out_of_sight
        if self._loop is None or not (changed or out_of_sight):
            return
        if out_of_sight and self._due is not None:
            self._due.cancel()
            self._due = None
        self.session.watch(self._stir if out_of_sight else self._wake)
        if not out_of_sight:
            self.redraw()

    def _stir(self) -> None:
        """The session has news that nobody sees; on its feeder thread."""
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self.post_message, self.Stirred(self), context=self._vars)

    def redraw(self) -> None:
        """Build every row anew."""
        self._full = True
        self._styles.clear()
        self._wake_here()

    def set_grid(self, columns: int, lines: int) -> None:
        """Give the emulator as many cells as may be shown, but no fewer than guests expect."""
        self.session.resize(max(columns, MIN_GRID[0]), max(lines, MIN_GRID[1]))
        self._full = True
        self._wake_here()

    def notify_style_update(self) -> None:
        """The theme changed: colours are resolved anew."""
        super().notify_style_update()
        self.redraw()

    def _wake(self) -> None:
        """The session has news; on its feeder thread."""
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._wake_here, context=self._vars)

    def _wake_here(self) -> None:
        if self._loop is None or self._due is not None or self._resting:
            return
        now = self._loop.time()
        loaded = len(self._drawn) == BURST and now - self._drawn[0] < BURST_SPAN
        wait = (LOAD_GAP if loaded else IDLE_GAP) - (now - self._drawn[-1] if self._drawn else now)
        if wait <= 0:
            self._draw()
        else:
            self._due = self._loop.call_later(wait, self._draw, context=self._vars)

    def _draw(self) -> None:
        self._due = None
        if self._loop is None or self._resting:
            return
        if self._backlog() > MAX_BACKLOG:
            # A slow line: what would be drawn now is old by the time it is shown.
            self._due = self._loop.call_later(LOAD_GAP, self._draw, context=self._vars)
            return
        try:
            frame = self.session.frame(full=self._full)
            if frame is not None:
                self._full = False
                self._drawn.append(self._loop.time())
                self._show(frame)
            self._tell()
        except Exception as error:  # a callback's exception would only be printed
            self.app._handle_exception(error)

    def _backlog(self) -> int:
        writer = getattr(self.app._driver, "_writer_thread", None)
        queue = getattr(writer, "_queue", None)
        return 0 if queue is None else int(queue.qsize())

    def _tell(self) -> None:
        session = self.session
        now = (session.state, session.detail, session.seen > 0, self.behind, session.failure)
        if now != self._told:
            self._told = now
            self.post_message(self.Changed())

    def _show(self, frame: Frame) -> None:
        if len(self._strips) != frame.lines or (
            self._strips and self._strips[0].cell_length != frame.columns
        ):
            self._strips = [Strip.blank(frame.columns)] * frame.lines
            if len(frame.rows) < frame.lines:
                frame = self.session.frame(full=True) or frame
        self._base = self.rich_style
        for y, runs in frame.rows.items():
            if y < len(self._strips):
                self._strips[y] = self._strip(runs, frame.columns)
        before = self._cursor
        self._cursor = frame.cursor
        self.behind, self.origin, self.total = frame.behind, frame.offset, frame.total
        self.reading.framed(frame)
        if self._move_window(frame):
            self.refresh()
            return
        dirty = set(frame.rows)
        if before != frame.cursor:
            dirty.update(cursor.y for cursor in (before, frame.cursor) if cursor is not None)
        shown = [y - self._top for y in dirty if 0 <= y - self._top < self.size.height]
        if len(shown) * 2 > self.size.height:
            self.refresh()
        elif shown:
            self.refresh(*(Region(0, y, self.size.width, 1) for y in shown))

    # -- rows ----------------------------------------------------------------------------

    def _strip(self, runs: tuple[Run, ...], width: int) -> Strip:
        segments = []
        for text, cells, style in runs:
            shown = self._styles.get(style)
            if shown is None:
                shown = self._style(style)
            segments.append(Segment(" " * cells if style.invisible else text, shown))
        return Strip(segments, width)

    def _style(self, style: CellStyle) -> Style:
        if len(self._styles) > STYLE_CACHE:
            self._styles.clear()
        made = self._styles[style] = self._base + Style(
            color=_color(style.fg),
            bgcolor=_color(style.bg),
            bold=style.bold or None,
            dim=style.faint or None,
            italic=style.italic or None,
            underline=style.underline or None,
            blink=style.blink or None,
            reverse=style.inverse or None,
            strike=style.strike or None,
            overline=style.overline or None,
        )
        return made

    # -- what is typed -------------------------------------------------------------------

    def check_consume_key(self, key: str, character: str | None) -> bool:
        """Take every key from the bindings of the screen and the app."""
        return True

    def on_key(self, event: events.Key) -> None:
        """Leave, menu, scrolling; else the guest's, where there is one to take it."""
        key = event.key
        if key in self._leave:
            self.post_message(self.Leave())
        elif key in self._menu:
            self.post_message(self.MenuAsked())
        elif key in SCROLL_KEYS:
            self.scroll_rows(SCROLL_KEYS[key] * self.page)
        elif self.reading.on:
            self.reading.key(key, event.character)
        elif self.locked:
            return
        elif self.session.takes_keys:
            self.to_bottom()
            for session in (self.session, *self.peers()):
                session.press(key, event.character)
        else:
            return
        event.stop()
        event.prevent_default()

    def on_paste(self, event: events.Paste) -> None:
        """Send what was pasted, or leave it to who asks first."""
        event.stop()
        if self.locked:
            return
        self.to_bottom()
        if self.ask_paste is not None:
            self.ask_paste(self, event.text)
            return
        for session in (self.session, *self.peers()):
            session.paste(event.text)


def _color(value: int) -> Color | None:
    if value < 0:
        return None
    if value >= RGB:
        return Color.from_rgb(value >> 16 & 0xFF, value >> 8 & 0xFF, value & 0xFF)
    return Color.from_ansi(value)
