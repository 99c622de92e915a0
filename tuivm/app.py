"""TuivmApp: the wiring between backend, store and screens, and the ways out."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import ClassVar

from rich.console import RenderableType
from textual import events
from textual._compositor import CompositorUpdate
from textual.app import App
from textual.message import Message
from textual.message_pump import MessagePump
from textual.screen import Screen
from textual.widget import MountError

from tuivm.core.errors import TuivmError
from tuivm.core.intake import Intake
from tuivm.core.model import HostState
from tuivm.core.relay import Relay
from tuivm.core.text import sanitise
from tuivm.exits import start_last_resort, terminal_lost
from tuivm.jobcontrol import JobDriver
from tuivm.screens.asking import Asking
from tuivm.screens.base import AppAction, BaseScreen
from tuivm.screens.context import Context
from tuivm.screens.dispatch import dispatch
from tuivm.screens.following import Following
from tuivm.screens.vms import VmsScreen
from tuivm.widgets.onscreen import OnScreen
from tuivm.widgets.themes import THEMES, default_theme

ASK = "\x1b[?2026$p"
"""A question (DECRQM) that terminals with synchronised output answer at once and unseen."""
ANSWER_PATIENCE = 0.5
"""Seconds that leaving waits for an answer of the terminal."""
BREATH_SECONDS = 0.01
"""Between two turns that take in one large batch: keys and the screen have theirs."""
KEY_PATIENCE = 0.25
"""Seconds that a key may take before the next one is let through."""
PULSE_SECONDS = 1.0
"""How often markers may expire and countdowns move."""


class Woken(Message, verbose=True):
    """The backend has news."""


class TuivmApp(App[int], inherit_bindings=False):
    """Applies batches, runs the app-wide actions, and leaves in order."""

    TITLE = "tuivm"
    ENABLE_COMMAND_PALETTE = False
    CSS = """
    Toast { max-width: 70; }
    ModalScreen { background: transparent; }
    CommandPalette SearchIcon { display: none; }
    """
    COMMANDS: ClassVar[set[object]] = set()  # type: ignore[assignment]

    def __init__(self, context: Context, *, theme: str = "", relay: Relay | None = None) -> None:
        """Build the app over a context.

        Args:
            context: What the screens share.
            theme: A theme's name; empty takes what suits the terminal.
            relay: What the backend was started with; without it the app starts the backend.

        Raises ``TuivmError`` for a theme that does not exist.
        """
        super().__init__(driver_class=JobDriver)
        self.context = context
        # Textual paints an empty screen, and its parts as they come: four frames for one.
        context.pacer.held = True
        self._intake = Intake(context.store, context.backend.drain)
        self._relay = relay
        context.dispatch = dispatch
        context.store.subscribe(context.let_go)
        self._following = Following(context, self.run_worker)
        self._asking = Asking(self, context)
        self.crash: Exception | None = None
        """What ended the program, when it was a defect."""
        self.reopens = False
        """Ended only to be opened anew, with libvirt's client log switched on or off."""
        self._applied_at = 0.0
        self._due = False
        self._on_screen = OnScreen()
        self._spared = 0
        self._listening = False
        if context.options.ascii:
            from tuivm.widgets.asciifilter import AsciiFilter

            self._filters.append(AsciiFilter())
        for own in THEMES:
            self.register_theme(own)
        if theme and theme not in self.available_themes:
            known = ", ".join(sorted(self.available_themes))
            raise TuivmError("No such theme", sanitise(theme, 60), hint=f"themes: {known}")
        if context.options.low_bandwidth:
            self.animation_level = "none"
        self._begin_with(theme or default_theme(os.environ))

    def _begin_with(self, theme: str) -> None:
        """Take the first theme, as Textual changes one; but that parses all styles anew."""
        self.set_reactive(TuivmApp.theme, theme)
        dark = self.current_theme.dark
        classes = {"-dark-mode": dark, "-light-mode": not dark, f"-theme-{theme}": True}
        self.update_classes(classes, update=False)
        self._refresh_truecolor_filter(self.ansi_theme)
        self.stylesheet.set_variables(self.get_css_variables())

    def get_default_screen(self) -> Screen[object]:
        """The list is the root of everything."""
        return VmsScreen(self.context)  # type: ignore[return-value]

    # -- the backend's news ------------------------------------------------------------

    def on_mount(self) -> None:
        """Listen to the backend and to the clock; nothing here waits for a host."""
        if self._relay is None:
            self.context.backend.start(self._wake)
        else:
            self._relay.attach(self._wake)
        self.set_interval(PULSE_SECONDS, self._pulse)
        self.context.pacer.queued = self._queued_writes
        self.app_resume_signal.subscribe(self, lambda _: self._resumed())
        # Not the loop's handlers: those wait for a loop that may wait for the terminal.
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGHUP):
            with contextlib.suppress(ValueError):
                signal.signal(number, partial(self._signalled, loop))

    def on_ready(self) -> None:
        """The list is on screen and listens: take what has come in since the start."""
        self._listening = True
        self._apply()
        self.context.pacer.held = False
        self.screen.refresh()
        if not gc.isenabled():
            # What the start made stays: the collector need not look at it again.
            gc.freeze()
            gc.enable()

    def _wake(self) -> None:
        """Called on backend threads."""
        self.post_message(Woken())

    def on_woken(self) -> None:
        """Apply at once, unless that was done just now; then a little later."""
        if self._due or not self._listening:
            return
        self._apply()

    def _apply(self) -> None:
        wait = self.context.pacer.wait(self._applied_at, time.monotonic())
        if wait > 0:
            self._due = True
            self.set_timer(wait, self._apply)
            return
        self._due = self._intake.take()
        self._applied_at = time.monotonic()
        if self._due:
            self._applied_at = 0.0
            self.set_timer(BREATH_SECONDS, self._apply)

    # -- the terminal's pace -------------------------------------------------------------

    def _display(self, screen: Screen[object], renderable: RenderableType | None) -> None:
        """Write only what the terminal does not show yet."""
        drawn = self._running and not (self._closed or self._batch_count or self.is_headless)
        if drawn and self._driver is not None and isinstance(renderable, CompositorUpdate):
            renderable = self._on_screen.difference(renderable)
        super()._display(screen, renderable)

    def _end_update(self) -> None:
        """Ask the terminal behind a frame, to know when it has drawn it."""
        super()._end_update()
        asks = self._sync_available and self.context.pacer.asks(time.monotonic())
        if asks and self._driver is not None:
            self._driver.write(ASK)

    def on_terminal_supports_synchronized_output(self) -> None:
        """The terminal has drawn all frames before the question."""
        if self.context.pacer.answered(time.monotonic()) and self._driver is not None:
            self._driver.write(ASK)

    def _queued_writes(self) -> int:
        thread = getattr(self._driver, "_writer_thread", None)
        return 0 if thread is None else int(thread._queue.qsize())

    def _once_answered(self, then: Callable[[], object], until: float = 0.0) -> None:
        """Do what gives the terminal away, once it owes no answer: not for long.

        An answer that comes later would be typed into the shell.
        """
        pacer, now = self.context.pacer, time.monotonic()
        pacer.muted, until = True, until or now + ANSWER_PATIENCE
        if pacer.waiting and now < until and not self.is_headless:
            self.set_timer(0.01, partial(self._once_answered, then, until))
            return
        then()
        pacer.forget()
        pacer.muted = False

    @contextlib.contextmanager
    def suspend(self) -> Iterator[None]:
        """As Textual's; the input thread takes an answer that is under way before."""
        pacer = self.context.pacer
        if pacer.waiting:
            time.sleep(min(ANSWER_PATIENCE, 2 * pacer.usual() + 0.05))
        with super().suspend():
            yield
        pacer.forget()
        self._on_screen.forget()

    def on_app_blur(self) -> None:
        """Somebody works elsewhere: the numbers may be older."""
        self._tell_focus()

    def on_app_focus(self) -> None:
        """Somebody is back: the numbers are read at once."""
        self._tell_focus()

    def _tell_focus(self) -> None:
        screen = self.screen
        if isinstance(screen, BaseScreen):
            screen.tell_focus()

    def _pulse(self) -> None:
        if not self.is_headless and terminal_lost():
            self._leave(128 + signal.SIGHUP)
            return
        store = self.context.store
        self._spare_the_collector(len(store.rows))
        now = time.monotonic()
        store.tick(now)
        self._following.pulse(now)
        self._asking.look()
        if any(status.state is not HostState.UP for status in store.hosts.values()):
            for screen in self.screen_stack:
                if isinstance(screen, VmsScreen):
                    screen.pulse()

    # -- keys ---------------------------------------------------------------------------

    async def on_event(self, event: events.Event) -> None:
        """Let a key do all its work before the next one finds out who has the focus.

        On a slow line ``/web`` arrives at once: the letters belong to the prompt that the
        slash opens, and must never be taken for verbs.
        """
        if isinstance(event, events.Resize):
            self._on_screen.forget()
        if not isinstance(event, events.Key) or event.is_forwarded:
            await super().on_event(event)
            return
        target = self.focused or self.screen
        await super().on_event(event)
        await settled(target)
        screen = self.screen
        for widget in (screen, *screen.children):
            if not widget.is_mounted:
                await settled(widget)

    def _spare_the_collector(self, rows: int) -> None:
        """Take a grown inventory out of garbage collection.

        With 10,000 VMs a full collection takes longer than the answer to a key may.
        """
        if rows > self._spared + 500:
            self._spared = rows
            gc.freeze()

    # -- app-wide actions --------------------------------------------------------------

    async def on_key(self, event: events.Key) -> None:
        """Keys that no screen took: those of the app work above dialogs too."""
        action_id = self.context.keymap.action_for(event.key)
        if event.key == "ctrl+c":
            self._explain_quit()
        elif action_id in ("app.quit", "app.suspend", "app.redraw"):
            self.on_app_action(AppAction(action_id))
        else:
            return
        event.stop()
        event.prevent_default()

    def on_app_action(self, message: AppAction) -> None:
        """Quit, open anew, suspend, redraw, or open the palette."""
        match message.action_id:
            case "app.quit":
                self.run_worker(self._quit())
            case "logs.client":
                self.run_worker(self._quit(reopens=True))
            case "app.suspend":
                self._once_answered(self._stop)
            case "app.redraw":
                self.refresh_terminal()
            case "app.palette":
                from tuivm.screens.palette import open_palette

                open_palette(self.screen)

    async def _quit(self, *, reopens: bool = False) -> None:
        """Leave; where something of ours is under way, ask first."""
        from tuivm.screens.quitting import may_quit

        if await may_quit(self, self.context):
            self.reopens = reopens
            self._leave(0)

    def _stop(self) -> None:
        if isinstance(self._driver, JobDriver):
            self._driver.stop()

    def _resumed(self) -> None:
        self.context.pacer.forget()
        self.refresh_terminal()

    def refresh_terminal(self) -> None:
        """Paint every cell again, over whatever another program scribbled there."""
        if self._driver is not None:
            self._driver.write("\x1b[2J")
        self._on_screen.forget()
        self.screen.refresh(layout=True).refresh()

    def _explain_quit(self) -> None:
        label = self.context.keymap.label("app.quit") or ":quit"
        screen = self.screen
        if isinstance(screen, BaseScreen):
            screen.say(f"{label} quits tuivm; VMs go on as they are", "accent")
        else:
            self.notify(f"{label} quits tuivm", markup=False, timeout=3)

    # -- the ways out ------------------------------------------------------------------

    def _signalled(self, loop: asyncio.AbstractEventLoop, number: int, frame: object) -> None:
        start_last_resort(128 + number)
        loop.call_soon_threadsafe(self._leave, 128 + number)

    def _leave(self, code: int) -> None:
        if not self.is_headless:
            start_last_resort(code)
        # A signal comes from outside of the app's context, which its timers need.
        with self._context():
            self._once_answered(partial(self.exit, code, return_code=code))

    def _handle_exception(self, error: Exception) -> None:
        """Keep the defect for the log; the terminal gets a short message after it is restored."""
        if self._exit and isinstance(error, MountError):
            # A widget that was just being built: the program leaves without it.
            return
        if self.crash is None:
            self.crash = error
        if self.is_headless:
            super()._handle_exception(error)
            return
        start_last_resort(1)
        self._return_code = 1
        self._close_messages_no_wait()

    def _fatal_error(self) -> None:
        """Textual would print a traceback with locals; ours goes to the log."""
        self._close_messages_no_wait()

    def panic(self, *renderables: object) -> None:
        """The input thread failed: the terminal is gone."""
        self._leave(128 + signal.SIGHUP)


async def settled(widget: MessagePump) -> None:
    """Wait until a widget did what it was told so far, its mounting included; not for long."""
    done = asyncio.Event()
    if widget.call_later(done.set):
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(done.wait(), KEY_PATIENCE)
