"""Names of keys: as the terminal layer says them, and as people write them."""

from __future__ import annotations

import unicodedata

_RENAMED = {
    "solidus": "slash",
    "reverse_solidus": "backslash",
    "commercial_at": "at",
    "hyphen_minus": "minus",
    "plus_sign": "plus",
    "low_line": "underscore",
}
"""Where the terminal layer's name is not the character's Unicode name."""
_ALIASES = {
    "esc": "escape",
    "return": "enter",
    "pgup": "pageup",
    "pgdn": "pagedown",
    "pgdown": "pagedown",
    "del": "delete",
    "ins": "insert",
    "spc": "space",
    "bs": "backspace",
}
_LABELS = {"escape": "esc", "pageup": "PgUp", "pagedown": "PgDn"}
_MODIFIERS = ("ctrl", "alt", "shift", "super", "hyper", "meta")
_NAMED = frozenset(
    {"escape", "enter", "tab", "space", "backspace", "delete", "insert", "home", "end"}
    | {"pageup", "pagedown", "up", "down", "left", "right"}
    | {f"f{number}" for number in range(1, 25)}
)


def key_id(text: str) -> str | None:
    """Return the key's name as the terminal layer has it; None when there is no such key.

    Takes ``/``, ``slash``, ``^r``, ``ctrl+r``, ``Ctrl+R``, ``PgUp``, ``G``, ``shift+tab``.
    """
    text = text.strip() or text
    if len(text) == 2 and text[0] == "^":
        text = f"ctrl+{text[1].lower()}"
    head, plus, last = text.rpartition("+")
    if plus and not last:
        # The plus itself: ``+`` or ``ctrl++``, but ``ctrl+`` lacks a key.
        if head and not head.endswith("+"):
            return None
        head, last = head[:-1], "+"
    modifiers = [part.strip().lower() for part in head.split("+")] if head else []
    if any(part not in _MODIFIERS for part in modifiers):
        return None
    if modifiers and len(last) == 1 and last.isalpha():
        last = last.lower()
    name = _base(last.strip() or last)
    if name is None:
        return None
    return "+".join([*sorted(set(modifiers), key=_MODIFIERS.index), name])


def _base(text: str) -> str | None:
    if len(text) == 1:
        return _character(text)
    lowered = text.lower()
    lowered = _ALIASES.get(lowered, lowered)
    if lowered in _NAMED or lowered in _RENAMED.values():
        return lowered
    return lowered if _is_unicode_name(lowered) else None


def _character(char: str) -> str | None:
    if char.isalnum():
        return char
    try:
        name = unicodedata.name(char).lower().replace("-", "_").replace(" ", "_")
    except ValueError:
        return None
    return _RENAMED.get(name, name)


def _is_unicode_name(text: str) -> bool:
    return _lookup(text) is not None


def _lookup(name: str) -> str | None:
    for original, renamed in _RENAMED.items():
        if name == renamed:
            name = original
    for candidate in (name.replace("_", " "), name.replace("_", "-"), _HYPHENS.get(name, "")):
        try:
            return unicodedata.lookup(candidate)
        except KeyError:
            continue
    return None


_HYPHENS = {"less_than_sign": "LESS-THAN SIGN", "greater_than_sign": "GREATER-THAN SIGN"}


def key_label(key: str) -> str:
    """Write a key as people do: ``slash`` is ``/``, ``ctrl+right_square_bracket`` ``ctrl+]``."""
    head, plus, last = key.rpartition("+")
    if last in _LABELS:
        return head + plus + _LABELS[last]
    if len(last) > 1 and last not in _NAMED:
        last = _lookup(last) or last
    return head + plus + last
