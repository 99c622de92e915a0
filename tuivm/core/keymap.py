"""Which key does what: the registry's defaults, with the configuration laid over them."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import NamedTuple

from tuivm.core.actions import ACTIONS
from tuivm.core.config import Config, ConfigError
from tuivm.core.keys import key_label
from tuivm.core.text import sanitise

APP = "app"
"""The scope whose keys work on every screen."""


class Clash(NamedTuple):
    """Two actions on one key in one scope; the first one has it."""

    key: str
    scope: str
    actions: tuple[str, ...]


class Keymap:
    """Keys by action and actions by key."""

    def __init__(self, keys: Mapping[str, tuple[str, ...]]) -> None:
        self._keys = dict(keys)
        self._actions: dict[tuple[str, str], str] = {}
        """(scope, key) to action id."""
        taken: dict[tuple[str, str], list[str]] = {}
        for action_id, names in self._keys.items():
            for name in names:
                place = (ACTIONS[action_id].scope, name)
                taken.setdefault(place, []).append(action_id)
        self._actions = {place: ids[0] for place, ids in taken.items()}
        self.clashes: tuple[Clash, ...] = tuple(
            Clash(key, scope, tuple(ids)) for (scope, key), ids in taken.items() if len(ids) > 1
        )
        """Keys that two actions want, for the log."""

    @classmethod
    def load(cls, config: Config) -> Keymap:
        """Build the keymap. Raises ``ConfigError`` for actions that do not exist.

        A key that the configuration gives to one action is taken from the action that had
        it by default: rebinding one thing must not need two lines.
        """
        for action_id in config.keys:
            if action_id not in ACTIONS:
                raise _unknown(action_id, config)
        taken = {
            (ACTIONS[action_id].scope, key)
            for action_id, names in config.keys.items()
            for key in names
        }
        keys: dict[str, tuple[str, ...]] = {}
        for action in ACTIONS.values():
            if action.id in config.keys:
                keys[action.id] = config.keys[action.id]
            elif action.id == "console.leave":
                second = ("ctrl+5",) if config.console_leave == action.keys[0] else ()
                keys[action.id] = (config.console_leave, *second)
            else:
                keys[action.id] = tuple(
                    key for key in action.keys if (action.scope, key) not in taken
                )
        return cls(keys)

    def keys_for(self, action_id: str) -> tuple[str, ...]:
        """Return an action's keys as the terminal layer names them, the main one first."""
        return self._keys.get(action_id, ())

    def label(self, action_id: str) -> str:
        """Return the main key of an action as people write it, or empty."""
        keys = self._keys.get(action_id, ())
        return key_label(keys[0]) if keys else ""

    def labels(self, action_id: str) -> str:
        """Return all keys of an action as people write them: ``j down``."""
        return " ".join(key_label(key) for key in self._keys.get(action_id, ()))

    def action_for(self, key: str, scope: str = APP) -> str | None:
        """Return what a key does on a screen: its own scope first, then everywhere's.

        A console has no keys but its own: all others are the guest's.
        """
        found = self._actions.get((scope, key))
        if found is None and scope != "console":
            found = self._actions.get((APP, key))
        return found


def _unknown(action_id: str, config: Config) -> ConfigError:
    close = get_close_matches(action_id, ACTIONS, 1)
    hint = f"did you mean {close[0]}?" if close else "`tuivm keys` lists them all"
    return ConfigError(
        f"Cannot use {sanitise(str(config.path), 200)}",
        f"keys: there is no action {sanitise(action_id, 60)}",
        hint=hint,
    )
