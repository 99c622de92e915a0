"""Screens that may be left while something they asked for is still under way."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from textual import events, messages
from textual.await_complete import AwaitComplete
from textual.message import Message
from textual.screen import Screen

Result = TypeVar("Result")

LAST = (events.Callback, events.ScreenSuspend, events.Unmount, messages.Prune)
"""What a screen is told although it was left: its end, and what somebody may wait for."""


class Leavable(Screen[Result]):
    """Knows whether it is still open, and closes nothing but itself. UI thread only."""

    async def _dispatch_message(self, message: Message) -> None:
        # What was still on its way when this was left would find the widgets gone.
        if isinstance(message, LAST) or self._on_stack:
            await super()._dispatch_message(message)

    @property
    def _on_stack(self) -> bool:
        return self.is_attached and self in self.app.screen_stack

    @property
    def present(self) -> bool:
        """True from being built until it is left: only then has it widgets to write to.

        Textual's ``is_mounted`` stays true for ever.
        """
        return self.is_mounted and self._on_stack

    def once_done(self, future: Future[Any], then: Callable[[], object]) -> None:
        """Do something on the UI thread when a future ended, though this was left meanwhile."""
        # Asked for here: a screen that was left finds no app on the future's thread.
        app = self.app
        future.add_done_callback(lambda _done: app.call_later(then))

    def dismiss(self, result: Result | None = None) -> AwaitComplete:
        """Leave; nothing happens where it is not on top.

        Textual would close whatever is on top instead: a second click on the same word, taken
        in before the first one was carried out, would close the screen below as well.
        """
        if self.app.screen_stack[-1:] != [self]:
            return AwaitComplete()
        return super().dismiss(result)
