"""Key names for ``send-key``: virsh's ``KEY_*`` spelling, presets, and plain numbers."""

from __future__ import annotations

import re

from tuivm.core.errors import TuivmError

MAX_KEYS = 16
"""``VIR_DOMAIN_SEND_KEY_MAX_KEYS``: more in one call are refused by libvirt."""

# Linux's input-event-codes.h numbers keys in runs; the first number of each run, then names.
_RUNS = (
    (
        1,
        "ESC 1 2 3 4 5 6 7 8 9 0 MINUS EQUAL BACKSPACE TAB Q W E R T Y U I O P LEFTBRACE "
        "RIGHTBRACE ENTER LEFTCTRL A S D F G H J K L SEMICOLON APOSTROPHE GRAVE LEFTSHIFT "
        "BACKSLASH Z X C V B N M COMMA DOT SLASH RIGHTSHIFT KPASTERISK LEFTALT SPACE CAPSLOCK "
        "F1 F2 F3 F4 F5 F6 F7 F8 F9 F10 NUMLOCK SCROLLLOCK KP7 KP8 KP9 KPMINUS KP4 KP5 KP6 "
        "KPPLUS KP1 KP2 KP3 KP0 KPDOT",
    ),
    (
        85,
        "ZENKAKUHANKAKU 102ND F11 F12 RO KATAKANA HIRAGANA HENKAN KATAKANAHIRAGANA MUHENKAN "
        "KPJPCOMMA KPENTER RIGHTCTRL KPSLASH SYSRQ RIGHTALT LINEFEED HOME UP PAGEUP LEFT RIGHT "
        "END DOWN PAGEDOWN INSERT DELETE MACRO MUTE VOLUMEDOWN VOLUMEUP POWER KPEQUAL "
        "KPPLUSMINUS PAUSE SCALE KPCOMMA HANGEUL HANJA YEN LEFTMETA RIGHTMETA COMPOSE",
    ),
)

KEYS: dict[str, int] = {
    f"KEY_{name}": first + offset
    for first, names in _RUNS
    for offset, name in enumerate(names.split())
}
"""Key name to its Linux code (``VIR_KEYCODE_SET_LINUX``)."""

_SHORT = {
    "ctrl": "KEY_LEFTCTRL",
    "control": "KEY_LEFTCTRL",
    "alt": "KEY_LEFTALT",
    "altgr": "KEY_RIGHTALT",
    "shift": "KEY_LEFTSHIFT",
    "meta": "KEY_LEFTMETA",
    "super": "KEY_LEFTMETA",
    "del": "KEY_DELETE",
    "escape": "KEY_ESC",
    "return": "KEY_ENTER",
    "sysrq": "KEY_SYSRQ",
}

PRESETS: dict[str, tuple[str, ...]] = {
    "ctrl-alt-del": ("KEY_LEFTCTRL", "KEY_LEFTALT", "KEY_DELETE"),
    "ctrl-alt-backspace": ("KEY_LEFTCTRL", "KEY_LEFTALT", "KEY_BACKSPACE"),
    **{
        f"ctrl-alt-f{number}": ("KEY_LEFTCTRL", "KEY_LEFTALT", f"KEY_F{number}")
        for number in range(1, 13)
    },
    **{
        f"sysrq-{letter}": ("KEY_LEFTALT", "KEY_SYSRQ", f"KEY_{letter.upper()}")
        for letter in "bcdefghijklmnopqrstuvwxyz0123456789"
    },
}
"""Combinations by name; ``sysrq-s`` is Alt+SysRq+S, Linux's magic key for an emergency sync."""


def parse_keys(text: str) -> tuple[int, ...]:
    """Turn ``ctrl-alt-del``, ``KEY_LEFTALT KEY_F2``, ``ctrl+alt+f2`` or numbers into key codes.

    Raises ``TuivmError`` that names the key that is not known.
    """
    wanted = text.strip()
    if names := PRESETS.get(wanted.lower()):
        return tuple(KEYS[name] for name in names)
    words = re.split(r"[\s,+]+", wanted)
    codes = tuple(_code(word) for word in words if word)
    if not codes:
        raise TuivmError("No key to send", "the list of keys is empty", hint=_HINT)
    if len(codes) > MAX_KEYS:
        raise TuivmError(
            "Too many keys to send", f"{len(codes)} keys; one call takes at most {MAX_KEYS}"
        )
    return codes


_HINT = "for example ctrl-alt-del, sysrq-s, or KEY_LEFTALT KEY_F2"


def _code(word: str) -> int:
    name = word.upper()
    code = KEYS.get(_SHORT.get(word.lower(), name)) or KEYS.get(f"KEY_{name}")
    if code:
        return code
    # A single digit is the key with that digit, as in ``alt+2``; virsh's plain codes are longer.
    if re.fullmatch(r"0[xX][0-9a-fA-F]{1,4}|[0-9]{2,5}", word):
        return int(word, 0) if word[:2].lower() == "0x" else int(word)
    shown = word if word.isascii() and word.isprintable() else ascii(word)
    raise TuivmError("Unknown key", f"there is no key {shown[:40]!s}", hint=_HINT)
