"""What all full screens share: the bars, the store subscription, and keys to actions.

A screen subclasses ``BaseScreen``, yields its own widgets in ``compose_body``, names its
key scope, and defines ``do_*`` methods for the action ids that it handles itself:
``nav.down`` is ``do_nav_down``. Everything else goes up: views and navigation are opened
here, domain verbs go through ``ActionFlow`` on ``targets()``.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterable, Mapping
from typing import Any, ClassVar, Self

from textual import events, on
from textual.app import ComposeResult
from textual.geometry import Region
from textual.message import Message
from textual.reactive import Reactive
from textual.screen import UPDATE_PERIOD
from textual.widget import Widget

from tuivm.core.batch import Focus
from tuivm.core.model import DomainKey
from tuivm.core.store import Changes
from tuivm.screens import chrome
from tuivm.screens.context import Context
from tuivm.screens.leavable import Leavable
from tuivm.widgets.bars import Bar, Part

FOCUS_DELAY = 0.1
"""Seconds that the view must rest before the backend is told what is on screen."""


class AppAction(Message):
    """An action that only the app can do: quit, suspend, redraw, palette."""

    def __init__(self, action_id: str) -> None:
        super().__init__()
        self.action_id = action_id


class BaseScreen(Leavable[None], inherit_bindings=False):
    """A full screen with the top bar, the event line and the footer."""

    # Who has the keys shows in that widget alone: not a reason to paint all of the screen.
    focused: Reactive[Widget | None] = Reactive(None, repaint=False)

    SCOPE: ClassVar[str] = "app"
    """The keymap scope in which keys are looked up; ``app``'s keys work everywhere."""
    VIEW: ClassVar[str] = ""
    """The action id of the view that the top bar marks, e.g. ``view.vms``."""
    HINTS: ClassVar[tuple[tuple[str, str], ...]] = ()
    """(action id, label) for the footer, the most important first; the first ones fit."""
    AUTO_FOCUS = ""

    DEFAULT_CSS = """
    BaseScreen { layout: vertical; overflow: hidden hidden; layers: base above; }
    """

    def __init__(self, context: Context) -> None:
        super().__init__()
        self.context = context
        """The run's shared objects."""
        self._unsubscribe: Callable[[], None] = lambda: None
        self._answer: asyncio.Future[bool] | None = None
        self._focus_sent: Focus | None = None
        self._focus_due = False
        self._painted_at = 0.0
        self._note: tuple[Part, ...] = ()
        self._job_count = (0, 0)

    # -- for subclasses ----------------------------------------------------------------

    def compose_body(self) -> ComposeResult:
        """Yield what stands between the top bar and the event line."""
        yield from ()

    def store_changed(self, changes: Changes) -> None:
        """Take a batch of changes; called on every mounted screen, hidden ones too."""

    def targets(self) -> tuple[DomainKey, ...]:
        """The domains on which a verb works now."""
        return ()

    def subject(self) -> DomainKey | None:
        """The one domain on which details, console and the like are opened."""
        keys = self.targets()
        return keys[0] if keys else None

    def host(self) -> str:
        """The host that verbs on hosts are about: that of the VM under the cursor; or empty."""
        key = self.subject()
        return "" if key is None else key.host

    def host_added(self, name: str) -> None:
        """A host was added from here; the store hears of it soon."""

    def watching(self) -> Focus:
        """What the backend should read first while this screen is on top."""
        return Focus()

    def hints(self) -> Iterable[tuple[str, str]]:
        """(action id, label) for the footer at this moment."""
        return self.HINTS

    def event_parts(self) -> tuple[Iterable[Part], Iterable[Part]]:
        """What the event line says while there is no passing remark."""
        return chrome.event_parts(self.context, self.size.width)

    # -- services for subclasses -------------------------------------------------------

    def perform(self, action_id: str, args: Mapping[str, str] | None = None) -> bool:
        """Do an action by its id; False when nothing here or above knows it."""
        own = getattr(self, "do_" + action_id.replace(".", "_").replace("-", "_"), None)
        if own is not None:
            own()
            return True
        return bool(self.context.dispatch(self, action_id, args or {}, None))

    def takes(self, action_id: str, args: Mapping[str, str]) -> bool:
        """Whether a command is about this screen, from wherever it was typed."""
        return False

    def take(self, action_id: str, args: Mapping[str, str]) -> None:
        """Do a command that ``takes`` claimed; raises ``TuivmError`` when it is wrong."""

    def work(self, job: Coroutine[Any, Any, object]) -> None:
        """Run something that waits, on the app: it outlives the screen that asked for it."""
        self.app.run_worker(job, exit_on_error=True)

    @property
    def asking(self) -> bool:
        """True while a question stands in the footer."""
        return self._answer is not None

    async def ask(self, question: str) -> bool:
        """Ask in the footer (confirm level 1); any key but ``y`` is a no."""
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(False)
        answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._answer = answer
        question, remark = chrome.question_lines(question, self.size.width)
        self.show_bar("#footer", *chrome.question_parts(question))
        if remark:
            self.say(remark)
        try:
            return await answer
        finally:
            if self._answer is answer:
                self._answer, self._note = None, ()
                self.refresh_footer()
                self.refresh_event_line()

    def say(self, text: str, role: str = "warn") -> None:
        """Show a passing remark on the event line, until the next event or key.

        Only for what is not worth the log, such as a reason why a key does nothing here.
        """
        self._note = (Part(" "), Part(text, role))
        self.refresh_event_line()

    def tell_focus(self) -> None:
        """Tell the backend what is on screen once the view rests; call after every move."""
        if not self._focus_due:
            self._focus_due = True
            self.set_timer(FOCUS_DELAY, self._send_focus)

    def show_bar(self, bar_id: str, left: Iterable[Part], right: Iterable[Part] = ()) -> None:
        """Set the text of a bar; nothing happens while the screen is being built or left."""
        bar = self.query_one_optional(bar_id, Bar)
        if bar is not None:
            bar.show(left, right)

    def refresh_chrome(self) -> None:
        """Bring all three bars up to date; bars repaint only what differs."""
        self.refresh_top()
        self.refresh_event_line()
        self.refresh_footer()

    def refresh_top(self) -> None:
        """Bring the top bar up to date."""
        left, right = chrome.top_parts(self.context, self.VIEW, self.size.width)
        self.show_bar("#top", left, right)

    def refresh_event_line(self) -> None:
        """Show the remark of the moment, or the newest entry of the event log."""
        if self._note:
            self.show_bar("#event", self._note)
        else:
            self.show_bar("#event", *self.event_parts())

    def refresh_footer(self) -> None:
        """Show the hints, unless a question is being asked."""
        if self._answer is None:
            parts = chrome.hint_parts(self.context.keymap, self.hints(), self.size.width)
            self.show_bar("#footer", parts)

    # -- Textual -----------------------------------------------------------------------

    def compose(self) -> ComposeResult:
        """The bars around the subclass's widgets."""
        yield Bar(id="top")
        yield from self.compose_body()
        yield Bar(id="event")
        yield Bar(id="footer")

    def _on_mount(self, event: events.Mount) -> None:
        super()._on_mount(event)
        self._unsubscribe = self.context.store.subscribe(self._changed)
        self.refresh_chrome()

    def _on_unmount(self) -> None:
        self._unsubscribe()
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(False)

    def refresh(self, *regions: Region, **options: bool) -> Self:
        """Repaint, but not for the screen below: Textual thinks that it shines through.

        Its regions would repaint this whole screen each time a row of the list changes. Nor
        for a layout: whatever it moves is painted where it was and where it is.
        """
        if options.get("layout"):
            options["repaint"] = False
        return self if regions else super().refresh(**options)

    async def _on_idle(self, event: events.Idle) -> None:
        # Textual paints on a clock of 60 Hz that starts with the change: a key would wait
        # for its next beat. The first change after a pause is painted at once instead.
        now = time.monotonic()
        rested = now - self._painted_at >= UPDATE_PERIOD and not self.context.pacer.held
        if self._dirty_widgets and rested:
            self._painted_at = now
            self._on_timer_update()

    def _compositor_refresh(self) -> None:
        if not self.context.pacer.held:
            super()._compositor_refresh()

    def _on_timer_update(self) -> None:
        # What the terminal has not drawn yet would only be drawn over: all changes until it
        # is ready make one frame.
        if not self.context.pacer.behind(time.monotonic()):
            super()._on_timer_update()

    @on(events.Resize)
    def _resized(self) -> None:
        self.refresh_chrome()
        self.tell_focus()

    @on(events.ScreenResume)
    def _resumed(self) -> None:
        self.refresh_chrome()
        self._focus_sent = None
        self.tell_focus()

    @on(Bar.Pressed)
    def _bar_pressed(self, message: Bar.Pressed) -> None:
        message.stop()
        if self._answer is not None:
            if not self._answer.done():
                self._answer.set_result(message.action == chrome.YES)
            return
        self.perform(message.action)

    async def _on_key(self, event: events.Key) -> None:
        if self.focused is not None and self.focused.check_consume_key("a", "a"):
            return  # somebody types; what the input does not take is not ours either
        if self._answer is not None:
            event.stop()
            event.prevent_default()
            if not self._answer.done():
                self._answer.set_result(event.character in ("y", "Y"))
            return
        if self._note:
            self._note = ()
            self.refresh_event_line()
        keymap = self.context.keymap
        action_id = keymap.action_for(event.key, self.SCOPE)
        if action_id is not None and self.perform(action_id):
            event.stop()
            event.prevent_default()

    def _changed(self, changes: Changes) -> None:
        self.store_changed(changes)
        count = chrome.job_count(self.context)
        if changes.hosts or count != self._job_count:
            self._job_count = count
            self.refresh_top()
        if changes.entries and self._answer is None:
            self._note = ()
            self.refresh_event_line()

    def _send_focus(self) -> None:
        self._focus_due = False
        if not self.is_active:
            return
        focus = self.watching()._replace(blurred=not self.app.app_focus)
        if focus != self._focus_sent:
            self._focus_sent = focus
            self.context.backend.focus(focus)
