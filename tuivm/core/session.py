"""A console session: a channel, a terminal core, and who else listens to the bytes.

It lives apart from the widget that shows it, so that the scrollback of a domain survives
leaving and coming back. Bytes arrive on the backend's event thread and are only queued
there; one daemon thread feeds the core; the UI takes frames. No timer runs while nothing
happens.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from tuivm.core.api import ConsoleChannel, ConsoleState, PacedSink
from tuivm.core.backlog import CHUNK, Backlog, Change, Past
from tuivm.core.consolenotes import LEAVE_ALTERNATE, RESET, Story, note
from tuivm.core.errors import TuivmError
from tuivm.core.inlet import Inlet
from tuivm.core.keycodes import encode
from tuivm.core.limiter import ReplyLimiter
from tuivm.core.model import DomainKey
from tuivm.core.recording import Recording
from tuivm.core.taps import Taps
from tuivm.core.terminal import Frame, Keyboard, TerminalCore
from tuivm.core.turns import Turns, UiTurn
from tuivm.core.typeahead import TypeAhead

logger = logging.getLogger(__name__)


class ConsoleSession:
    """One domain's console. Methods are for the UI thread unless they say otherwise."""

    def __init__(self, domain: DomainKey, make_core: Callable[[], TerminalCore]) -> None:
        self.domain = domain
        self.state = ConsoleState.CLOSED
        """The channel's state as far as the bytes were fed."""
        self.detail = ""
        """Its explanation, as the backend gave it."""
        self.seen = 0
        """Bytes that the guest printed since the last attach."""
        self.bells = 0
        """How often the bell rang; grows for ever."""
        self.failure: TuivmError | None = None
        """Why there is no terminal to show it in."""
        self.recording: Recording | None = None
        """What it is recorded into; ends with the session."""
        self.past_known = False
        """True once its past was filled in, or there is none to be had."""
        self.typed: Taps[bytes] = Taps()
        """Told what is sent to the guest, answers to its queries included; any thread."""
        self.resized: Taps[tuple[int, int]] = Taps()
        """Told the grid's columns and lines when they change; UI thread."""
        self.changed: Taps[Change] = Taps()
        """Told each change of state once the bytes before it were fed; feeder thread."""
        self._printed: Taps[bytes] = Taps()
        self._turns = Turns()
        self._make_core = make_core
        self._grid = (80, 24)
        self._retired: list[TerminalCore] = []
        self._channel: ConsoleChannel | None = None
        self._inlet: Inlet | None = None
        self._story = Story()
        self._limiter = ReplyLimiter()
        self._backlog = Backlog()
        self._early = TypeAhead()
        self._ready = threading.Condition()
        self._feeder: threading.Thread | None = None
        self._closed = False
        self._woken = False
        self._wake: Callable[[], None] | None = None

    # -- the channel -----------------------------------------------------------------------

    def open(self, connect: Callable[[PacedSink], ConsoleChannel]) -> None:
        """Attach through ``connect``, unless a channel is open already."""
        if self._channel is None and not self._closed:
            self.seen = 0
            self._inlet = Inlet(self)
            with self._ready:
                self._start()
            self._channel = connect(self._inlet)

    def attach(self, *, force: bool = False) -> None:
        """Try again on the channel there is; ``force`` takes the console over."""
        if self._channel is not None:
            self._channel.attach(force=force)

    def leave(self) -> None:
        """Release the console to others; what was printed stays."""
        self._early.drop()
        channel, self._channel = self._channel, None
        inlet, self._inlet = self._inlet, None
        if inlet is not None:
            inlet.sink = None
        if channel is not None:
            channel.close()
            self.console_state(ConsoleState.CLOSED, "")

    @property
    def attached(self) -> bool:
        """True while input reaches the guest."""
        return self._channel is not None and self.state is ConsoleState.ATTACHED

    @property
    def takes_keys(self) -> bool:
        """True while what is typed reaches the guest, or will once it is attached."""
        if self._channel is None:
            return self.state is ConsoleState.CLOSED
        return self._channel.state in (ConsoleState.ATTACHING, ConsoleState.ATTACHED)

    def write(self, data: bytes) -> bool:
        """Send input to the guest; False when nobody is there to take it."""
        return bool(data) and self._send(data)

    def _send(self, data: bytes = b"") -> bool:
        """Send what was typed before it was attached, then ``data``."""
        channel = self._channel
        if channel is None or channel.state is not ConsoleState.ATTACHED:
            return False

        def pass_on(typed: bytes) -> None:
            channel.write(typed)
            self.typed.tell(typed)

        self._early.send(data, pass_on)
        return True

    def _type(self, data: bytes) -> bool:
        """Send what a person typed, or keep it while the console is being attached."""
        if self.write(data):
            return True
        kept = bool(data) and self.takes_keys and self._early.keep(data)
        self._send()  # attached between the two looks, and nothing more may be typed
        return kept

    def console_bytes(self, data: bytes) -> None:
        """Queue what the guest printed; called on the backend's event thread."""
        with self._ready:
            if self._backlog.add_bytes(data, wanted=self.failure is None):
                self._start()

    def console_state(self, state: ConsoleState, detail: str) -> None:
        """Queue a change of state behind the bytes before it; any thread."""
        with self._ready:
            self._backlog.add(Change(state, detail))
            self._start()

    @property
    def waiting(self) -> int:
        """Bytes that came and are not shown yet; any thread."""
        return self._backlog.size

    # -- who listens -----------------------------------------------------------------------

    def watch(self, wake: Callable[[], None] | None) -> None:
        """Be told, on any thread, that a frame or a state waits; once until it is taken."""
        with self._ready:
            self._wake = wake
            self._woken = False

    def add_tap(self, tap: Callable[[bytes], None]) -> Callable[[], None]:
        """Let ``tap`` have every byte the guest prints, on the feeder thread.

        Returns what removes it. A tap that raises is removed.
        """
        return self._printed.add(tap)

    def preload(self, data: bytes, source: str) -> None:
        """Print the past, e.g. from a log file, above a line that names its ``source``.

        For before ``open``: what it asks is not answered, and no tap hears it.
        """
        with self._ready:
            self._backlog.add(Past(data, source))
            self._start()

    # -- the screen ------------------------------------------------------------------------

    def frame(self, *, full: bool = False) -> Frame | None:
        """What changed on the screen since the last call; all of it with ``full``.

        None until the terminal is ready, which ``watch`` tells.
        """
        with self._ready:
            # Under the lock: between the feeder's look and its mark this would be lost.
            self._woken = False
        with self._turns.ui as core:
            if core is None:
                return None
            core.capture()
        return core.frame(full=full)

    def resize(self, columns: int, lines: int) -> None:
        """Change the grid; nothing is told to the guest, a serial line has no way to."""
        if (columns, lines) != self._grid:
            self._grid = (columns, lines)
            with self._turns.ui as core:
                if core is not None:
                    core.resize(columns, lines)
            self.resized.tell(self._grid)

    @property
    def grid(self) -> tuple[int, int]:
        """Columns and lines."""
        return self._grid

    @property
    def turn(self) -> UiTurn:
        """``with session.turn as core`` has the core to itself; short, and on the UI thread.

        The core is None until it is ready.
        """
        return self._turns.ui

    @property
    def channel(self) -> ConsoleChannel | None:
        """What it is attached through."""
        return self._channel

    def scroll(self, rows: int) -> None:
        """Move the view within the scrollback, negative towards the past."""
        with self._turns.ui as core:
            if core is not None:
                core.scroll(rows)

    def scroll_to_bottom(self) -> None:
        """Show the live screen again."""
        with self._turns.ui as core:
            if core is not None:
                core.scroll_to_bottom()

    @property
    def title(self) -> str:
        """The title that the guest set, sanitised."""
        with self._turns.ui as core:
            return "" if core is None else core.title

    def text(self) -> str:
        """Scrollback and screen as plain text."""
        with self._turns.ui as core:
            return "" if core is None else core.text()

    # -- input -----------------------------------------------------------------------------

    def press(self, key: str, character: str | None) -> bool:
        """Send a key press as the guest's modes want it, once attached; False: it went nowhere."""
        with self._turns.ui as core:
            data = encode(key, character, Keyboard()) if core is None else core.key(key, character)
        return self._type(data)

    def paste(self, text: str) -> bool:
        """Send pasted text, control characters stripped, bracketed when the guest asked."""
        with self._turns.ui as core:
            data = b"" if core is None else core.paste(text)
        return self.write(data)

    def wheel(self, up: bool, x: int, y: int) -> bool:
        """Send a notch of the wheel; False when the guest does not want the mouse."""
        with self._turns.ui as core:
            data = b"" if core is None else core.wheel(up, x, y)
        return self.write(data)

    def close(self) -> None:
        """Leave and free the core; no other call may follow."""
        self.leave()
        if self.recording is not None:
            self.recording.close()
        with self._ready:
            self._closed = True
            self._wake = None
            self._ready.notify_all()

    # -- the feeder thread -----------------------------------------------------------------

    def _start(self) -> None:
        """Wake the feeder, or make it; the condition's lock is held."""
        if self._closed:
            return
        if self._feeder is None:
            self._feeder = threading.Thread(target=self._feed, name="tuivm-console", daemon=True)
            self._feeder.start()
        else:
            self._ready.notify()

    def _feed(self) -> None:
        if not self._prepare():
            return
        while True:
            with self._ready:
                while not self._backlog and not self._closed:
                    self._ready.wait()
                if self._closed:
                    break
                item = self._backlog.take()
            if isinstance(item, Change):
                self._change(item)
            elif isinstance(item, Past):
                self._print_past(item)
            else:
                self._print(item)
            self._tell()
        with self._turns as made:
            self._turns.core = None
            if made is not None:
                made.close()

    def _prepare(self) -> bool:
        """Make the core, here because loading it takes long; False when there is none."""
        try:
            core = self._make_core()
        except TuivmError as error:
            self.failure = error
            self._tell()
            return False
        with self._turns:
            core.resize(*self._grid)
            self._turns.core = core
        self._tell()
        return True

    def _print(self, data: bytes) -> None:
        self._printed.tell(data)
        self.seen += len(data)
        for start in range(0, len(data), CHUNK):
            self._feed_core(data[start : start + CHUNK])
            self._turns.give_way()

    def _print_past(self, past: Past) -> None:
        # In one turn: a full-screen program of the past is never on screen.
        with self._turns as core:
            if core is None:
                return
            try:
                core.feed(past.data)
                left = LEAVE_ALTERNATE if core.alternate else b""
                core.feed(left + RESET + note(past.source))
                core.take_replies()
                core.take_bells()
            except BaseException:
                # The next bytes fail too, and start the core anew.
                logger.exception("the past could not be shown")

    def _feed_core(self, data: bytes, *, answer: bool = True) -> None:
        with self._turns as core:
            if core is None:
                return
            try:
                core.feed(data)
                replies = core.take_replies()
                bells = core.take_bells()
            except BaseException:
                # A native core's panic is not an Exception; its state is worth nothing now.
                logger.exception("terminal core failed, starting it anew")
                # The UI may be reading a frame of the old one, so it is not freed.
                self._retired.append(core)
                self._turns.core = core = self._make_core()
                core.resize(*self._grid)
                core.feed(note("the terminal was reset after a failure"))
                return
        if not answer:
            return
        self.bells += bells
        if replies and self._limiter.allow(len(replies)):
            self.write(replies)

    def _change(self, change: Change) -> None:
        self.state, self.detail = change.state, change.detail
        if change.state is ConsoleState.ATTACHED:
            self.seen = 0
            self._send()
        elif change.state is not ConsoleState.ATTACHING:
            # Nobody is to find in a console what was meant for an earlier moment of it.
            self._early.drop()
        if words := self._story.words(change.state):
            self._say(f"{words} {time.strftime('%H:%M:%S')}")
        self.changed.tell(change)

    def _say(self, text: str) -> None:
        """Print a line of ours; not into a full-screen program that is still running."""
        with self._turns as core:
            alternate = core is not None and core.alternate
        if self.state is ConsoleState.ENDED:
            self._feed_core((LEAVE_ALTERNATE if alternate else b"") + RESET + note(text))
        elif not alternate:
            self._feed_core(note(text))

    def _tell(self) -> None:
        with self._ready:
            wake = None if self._woken else self._wake
            self._woken = True
        if wake is not None:
            try:
                wake()
            except Exception:
                logger.exception("console watcher failed")
