"""ctrl+p: Textual's palette over the registry."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from functools import partial
from typing import Any

from rich.markup import escape
from textual.command import CommandPalette, DiscoveryHit, Hit, Hits, Provider
from textual.content import Content
from textual.screen import Screen

from tuivm.core.action import Action
from tuivm.core.actions import ACTIONS
from tuivm.screens.base import BaseScreen
from tuivm.screens.leavable import Leavable

HIDDEN = ("nav.", "text.", "console.")
"""Actions that make no sense from a palette."""


class Palette(CommandPalette, Leavable[Any]):
    """Textual's, which a second click or key that comes at once must not close twice."""

    def _action_command_list(self, action: str) -> None:
        # Where there is no room for a line Textual's list knows no place to page from.
        with contextlib.suppress(KeyError):
            super()._action_command_list(action)


class ActionProvider(Provider):
    """Offers what can be done on the screen below; what cannot be done says why."""

    def _entries(self) -> list[tuple[Action, str, Callable[[], Any]]]:
        screen = self.screen
        if not isinstance(screen, BaseScreen):
            return []
        context = screen.context
        key = screen.subject()
        row = None if key is None else context.store.rows.get(key)
        entries: list[tuple[Action, str, Callable[[], Any]]] = []
        for action in ACTIONS.values():
            if action.id.startswith(HIDDEN) or action.scope not in ("app", screen.SCOPE):
                continue
            label = context.keymap.labels(action.id)
            reason = action.applies(row) if action.per_domain and row is not None else None
            if action.per_host and (status := context.store.hosts.get(screen.host())):
                reason = action.applies_host(status)
            text = f"not now: {reason}" if reason is not None else action.help
            text = escape(f"{label}  {text}" if label else text)
            entries.append((action, text, partial(screen.perform, action.id)))
        return entries

    async def discover(self) -> Hits:
        """Everything, before a letter is typed."""
        for action, text, run in self._entries():
            yield DiscoveryHit(Content(action.title), run, text=action.title, help=text)

    async def search(self, query: str) -> Hits:
        """What matches the letters."""
        matcher = self.matcher(query)
        for action, text, run in self._entries():
            score = matcher.match(f"{action.title} {action.verb}")
            if score > 0:
                yield Hit(score, Content(action.title), run, text=action.title, help=text)


def open_palette(screen: Screen[Any]) -> None:
    """Open the palette over a screen."""
    if isinstance(screen, BaseScreen):
        screen.app.push_screen(
            Palette(providers=[ActionProvider], placeholder="What do you want to do?")
        )
