"""A pilot that waits until the app has nothing left to do, not for idle milliseconds.

Textual's own waits after each key until the process was idle for 20 ms, twice. That is most
of the time of a test with many keys, and on a loaded machine it proves nothing.
"""

from __future__ import annotations

import asyncio
import unicodedata
from collections.abc import Iterator

from textual import events
from textual.keys import REPLACED_KEYS, _character_to_key, _get_unicode_name_from_key
from textual.message_pump import MessagePump
from textual.pilot import Pilot
from textual.screen import Screen

ROUNDS = 200
"""Rounds of messages after which an app that feeds itself counts as settled."""


class SwiftPilot(Pilot[int]):
    """Waits for all that comes of a key, but for what timers and other threads have to do."""

    async def press(self, *keys: str) -> None:
        """Press keys, and wait after each one until the app is at rest."""
        for key in keys:
            event = key_event(key)
            event.set_sender(self.app)
            self.app.post_message(event)
            await self.settle()

    async def pause(self, delay: float | None = None) -> None:
        """Wait until the app is at rest; with ``delay`` after so many seconds."""
        if delay is not None:
            await asyncio.sleep(delay)
        await self.settle()

    async def resize_terminal(self, width: int, height: int) -> None:
        """Change the terminal's size, and wait until the screen is laid out for it."""
        await super().resize_terminal(width, height)
        for _ in range(ROUNDS):
            if self.app.screen._compositor.size == (width, height):
                break
            await asyncio.sleep(0.01)
        await self.settle()

    async def settle(self) -> None:
        """Let all messages be handled, and what those caused, and paint what changed."""
        for _ in range(ROUNDS):
            if self.app._exit or not await self._wait_for_screen():
                return
            await self.app._animator.wait_until_complete()
            self.app.screen._on_timer_update()
            if not any(map(busy, self._pumps())):
                return

    def _pumps(self) -> Iterator[MessagePump]:
        yield self.app
        for screen in self.app.screen_stack:
            yield from screen.walk_children(with_self=True)


def busy(pump: MessagePump) -> bool:
    """True while it has messages or callbacks to handle, or is being built or laid out."""
    if not pump._is_mounted or pump._message_queue.qsize() or pump._next_callbacks:
        return True
    if not isinstance(pump, Screen) or not pump.is_current:
        return False
    return bool(pump._layout_required or pump._recompose_required or pump._callbacks)


def key_event(key: str) -> events.Key:
    """A key's event, as Textual's own pilot makes it."""
    if len(key) == 1 and not key.isalnum():
        key = _character_to_key(key)
    try:
        name = _get_unicode_name_from_key(REPLACED_KEYS.get(key, key))
        return events.Key(key, unicodedata.lookup(name))
    except KeyError:
        return events.Key(key, key if len(key) == 1 else None)
