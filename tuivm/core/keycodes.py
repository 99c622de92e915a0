"""Keys, pastes and wheel notches as the bytes that a guest expects of its terminal.

Pure tables after xterm's ``ctlseqs`` and the terminfo entries vt220 and linux, shared by
all terminal cores. Modifiers are sent as xterm does whatever the personality: shells have
bindings for them, and real terminals of the time had none to disagree with.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from tuivm.core.terminal import Keyboard, Personality

CONTROL = {
    "at": 0x00,
    "space": 0x00,
    "2": 0x00,
    "left_square_bracket": 0x1B,
    "3": 0x1B,
    "backslash": 0x1C,
    "4": 0x1C,
    "right_square_bracket": 0x1D,
    "5": 0x1D,
    "circumflex_accent": 0x1E,
    "6": 0x1E,
    "underscore": 0x1F,
    "minus": 0x1F,
    "slash": 0x1F,
    "7": 0x1F,
    "question_mark": 0x7F,
    "8": 0x7F,
    "backspace": 0x08,
}
"""What ctrl makes of keys other than letters, as terminals have always done."""
TYPED = {"enter": b"\r", "tab": b"\t", "escape": b"\x1b", "space": b" ", "backspace": b"\x7f"}
"""Named keys that have one byte of their own, whatever is held with them."""
LETTERED = {
    "up": "A",
    "down": "B",
    "right": "C",
    "left": "D",
    "home": "H",
    "end": "F",
    "f1": "P",
    "f2": "Q",
    "f3": "R",
    "f4": "S",
}
"""Keys whose sequence ends in a letter of their own."""
CURSOR_KEYS = frozenset({"up", "down", "right", "left", "home", "end"})
"""Those that follow DECCKM; the others always have the application form."""
NUMBERED = {
    "insert": 2,
    "delete": 3,
    "pageup": 5,
    "pagedown": 6,
    **{
        f"f{n}": number
        for n, number in enumerate(
            (15, 17, 18, 19, 20, 21, 23, 24, 25, 26, 28, 29, 31, 32, 33, 34), start=5
        )
    },
}
"""Keys whose sequence is ``CSI number ~``."""
VT_NUMBERED = {"home": 1, "end": 4}
"""What the vt220 and the Linux console have instead of letters."""
LINUX_LETTERED = {"f1": "[A", "f2": "[B", "f3": "[C", "f4": "[D", "f5": "[E"}
"""What the Linux console has for its first function keys, when nothing is held."""
SHIFT, ALT, CTRL = 1, 2, 4
MODIFIERS = {"shift": SHIFT, "alt": ALT, "meta": ALT, "ctrl": CTRL}
"""xterm's modifier bits, by Textual's names; what is sent is one more."""
WHEEL_UP, WHEEL_DOWN = 64, 65
PASTE_START, PASTE_END = b"\x1b[200~", b"\x1b[201~"
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


class Pressed(NamedTuple):
    """A key press taken apart."""

    base: str
    """Textual's name of the key without modifiers, in small letters."""
    bits: int
    """``SHIFT``, ``ALT`` and ``CTRL``."""


def pressed(key: str) -> Pressed:
    """Take Textual's name of a key apart, e.g. ``ctrl+shift+up``."""
    *names, base = key.split("+") if key != "+" else ["+"]
    bits = 0
    for name in names:
        bits |= MODIFIERS.get(name, 0)
    return Pressed(base.lower(), bits)


def encode(
    key: str, character: str | None, keyboard: Keyboard, *, application: bool = False
) -> bytes:
    """The bytes of a key press; empty when it has none.

    ``key`` and ``character`` are as Textual gives them; ``application`` is the guest's
    DECCKM.
    """
    press = pressed(key)
    data = typed(press, character, keyboard)
    return named(press, keyboard, application=application) if data is None else data


def typed(press: Pressed, character: str | None, keyboard: Keyboard) -> bytes | None:
    """The bytes of a key that has some of its own; None leaves it to the named ones."""
    base, bits = press
    escape = b"\x1b" if bits & ALT else b""
    if bits & CTRL:
        if len(base) == 1 and "a" <= base <= "z":
            return escape + bytes((ord(base) & 0x1F,))
        if base in CONTROL:
            return escape + bytes((CONTROL[base],))
    if base == "tab" and bits & SHIFT:
        return escape + b"\x1b[Z"
    if base == "backspace":
        return escape + (keyboard.erase or _byte(character) or TYPED[base])
    if base in TYPED:
        return escape + TYPED[base]
    if base in LETTERED or base in NUMBERED:
        return None
    if character:
        return escape + character.encode("utf-8", "replace")
    return escape + base.encode() if len(base) == 1 and not bits & (CTRL | SHIFT) else None


def _byte(character: str | None) -> bytes | None:
    return character.encode() if character in ("\x7f", "\x08") else None


def named(press: Pressed, keyboard: Keyboard, *, application: bool = False) -> bytes:
    """The escape sequence of a cursor or function key; empty for an unknown one."""
    base, bits = press
    modifier = bits + 1 if bits else 0
    number = NUMBERED.get(base)
    if keyboard.personality is Personality.LINUX and base in LINUX_LETTERED and not modifier:
        return f"\x1b[{LINUX_LETTERED[base]}".encode()
    if keyboard.personality is not Personality.XTERM:
        number = VT_NUMBERED.get(base, number)
    if number is not None:
        return (f"\x1b[{number};{modifier}~" if modifier else f"\x1b[{number}~").encode()
    letter = LETTERED.get(base)
    if letter is None:
        return b""
    if modifier:
        return f"\x1b[1;{modifier}{letter}".encode()
    if base in CURSOR_KEYS:
        return f"\x1b{'O' if application else '['}{letter}".encode()
    return f"\x1bO{letter}".encode()


def clean_paste(text: str, *, bracketed: bool) -> bytes:
    """Pasted text for the guest: no control characters but tab, and line ends as Enter.

    With no ESC left in it, the text cannot end its own bracket.
    """
    text = text.replace("\r\n", "\r").replace("\n", "\r")
    data = _CONTROLS.sub("", text).encode("utf-8", "replace")
    return PASTE_START + data + PASTE_END if bracketed and data else data


def wheel(up: bool, x: int, y: int, encoding: int) -> bytes:
    """One notch over the cell (x, y), from 0, in a mouse encoding by its DEC mode.

    1006 is SGR's, 1015 urxvt's, 1005 UTF-8's, 0 the first one, which ends at cell 223.
    """
    button = WHEEL_UP if up else WHEEL_DOWN
    x, y = max(0, x) + 1, max(0, y) + 1
    if encoding == 1006:
        return f"\x1b[<{button};{x};{y}M".encode()
    if encoding == 1015:
        return f"\x1b[{button + 32};{x};{y}M".encode()
    if encoding == 1005:
        return f"\x1b[M{chr(button + 32)}{chr(x + 32)}{chr(y + 32)}".encode() if x < 2016 else b""
    return b"\x1b[M" + bytes((button + 32, x + 32, y + 32)) if max(x, y) <= 223 else b""
