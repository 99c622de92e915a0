"""Puts right in front of the emulator what it does not do as a real terminal does.

DECSTR (soft reset, ``ESC [ ! p``) is not known to libghostty-vt 0.1, and TBC without a
parameter does nothing; DECCOLM (modes 3 and 40) would let the guest change the grid's
width under the widget; RIS (``ESC c``), which firmware sends at each boot, would throw the
scrollback away; and DEL, which terminals ignore, would be shown. Two things are kept from
it because they do harm: links (OSC 8), with which a resize can crash it (ghostty issue
8009), and repetitions (REP) that would take it seconds. Sequences may be split anywhere
between two pieces of input.
"""

from __future__ import annotations

import re
from enum import Enum, auto

BLOCKED_MODES = frozenset({b"3", b"40"})
"""132 columns, and the permission to switch to them."""
MAX_HELD = 64
"""Bytes of an unfinished sequence that are held back; a longer one is passed on."""
MOST_REPEATED = 4096
"""Repetitions of a character that are let through at once; more than most screens hold."""

_C0 = rb"[\x00-\x06\x08-\x17\x19\x1c-\x1f]*"
"""Controls that may stand within a sequence."""
_WANTED = re.compile(
    rb"\x1b" + _C0 + rb"(?:\[(?:(!p)|\?([0-9;]*)([hl])|([\x00-\x17\x190-9;:]{4,})b|(g))"
    rb"|(c)|(\]" + _C0 + rb"8))"
)
_UNFINISHED = re.compile(
    rb"\x1b" + _C0 + rb"(?:\[(?:!|\?[0-9;]*|[\x00-\x17\x190-9;:]+)?|\]" + _C0 + rb"8?)?\Z"
)
_EIGHT_BIT_OSC = re.compile(rb"(\x9d" + _C0 + rb")(?=8)")
_AFTER_EIGHT_BIT_OSC = re.compile(rb"\x9d" + _C0 + rb"\Z")
_EIGHT = re.compile(_C0 + rb"8")
_ONLY_C0 = re.compile(_C0)
CANCEL = b"\x18"


class Reset(Enum):
    """What the core must spell out where it stands among the input."""

    SOFT = auto()
    HARD = auto()


class Shim:
    """Filters the guest's output; keeps an unfinished sequence until its end comes."""

    def __init__(self) -> None:
        self._held = b""
        self._after_osc = False

    def pieces(self, data: bytes) -> list[bytes | Reset]:
        """The bytes to feed, in order, and the resets to be done between them."""
        if b"\x7f" in data:
            data = data.replace(b"\x7f", b"")
        if self._held:
            data = self._held + data
            self._held = b""
        if self._after_osc or not data.isascii():
            data = self._cancel_links(data)
        if b"\x1b" not in data:
            return [data] if data else []
        tail = _UNFINISHED.search(data, max(0, len(data) - MAX_HELD))
        if tail is not None:
            self._held = data[tail.start() :]
            data = data[: tail.start()]
        return self._filter(data)

    def _cancel_links(self, data: bytes) -> bytes:
        """Keep the eight-bit form of OSC 8 out, which counts within other sequences.

        The same byte ends letters of many alphabets; there the cancelling is not seen.
        """
        if self._after_osc and not _ONLY_C0.fullmatch(data):
            self._after_osc = False
            if _EIGHT.match(data):
                data = CANCEL + data
        if b"\x9d" in data:
            self._after_osc = (
                _AFTER_EIGHT_BIT_OSC.search(data, max(0, len(data) - MAX_HELD)) is not None
            )
            data = _EIGHT_BIT_OSC.sub(rb"\1" + CANCEL, data)
        return data

    def _filter(self, data: bytes) -> list[bytes | Reset]:
        out: list[bytes | Reset] = []
        start = 0
        for match in _WANTED.finditer(data):
            soft, modes, final, count, tab, hard, link = match.groups()
            instead: bytes | Reset
            if soft or hard:
                instead = Reset.SOFT if soft else Reset.HARD
            elif link:
                # No number of any command: it is ignored up to its end.
                instead = b"\x1b]8x"
            elif tab:
                instead = b"\x1b[0g"
            elif count:
                instead = b"\x1b[%db" % min(_number(count), MOST_REPEATED)
            else:
                listed = modes.split(b";")
                kept = [mode for mode in listed if mode.lstrip(b"0") not in BLOCKED_MODES]
                if len(kept) == len(listed):
                    continue
                instead = b"\x1b[?" + b";".join(kept) + final if kept else b""
            out += (data[start : match.start()], instead)
            start = match.end()
        out.append(data[start:])
        return [piece for piece in out if piece != b""]


def _number(params: bytes) -> int:
    """The first parameter, without the controls in it."""
    digits = re.split(rb"[;:]", params[:64])[0]
    return int(bytes(byte for byte in digits if byte > 0x1F) or b"0")


def soft_reset(x: int, y: int) -> bytes:
    """DECSTR spelt out in sequences that the emulator knows; the cursor stays at (x, y).

    After the VT510 manual and xterm: cursor shown, insert, origin, margin and reverse
    wraparound modes off, numeric keypad, normal cursor keys, full margins, no attributes,
    ASCII in every character set, and the saved cursor at home. Text goes to the screen
    again: libghostty-vt throws away what is printed to a status line (DECSASD).
    """
    return (
        b'\x1b[0$}\x1b[?25h\x1b[4l\x1b[?6l\x1b[?69l\x1b[?45;1045l\x1b[?1l\x1b[?7h\x1b>\x1b[r\x1b[0m\x1b[0"q'
        b"\x1b(B\x1b)B\x1b*B\x1b+B\x0f\x1b[H\x1b7" + f"\x1b[{y + 1};{x + 1}H".encode()
    )


def hard_reset(alternate: bool) -> bytes:
    """RIS spelt out, but that the screen goes to the scrollback, which stays.

    Going to the alternate screen clears it.
    """
    return (
        (b"\x1b[?1049l" if alternate else b"")
        + b"\x1b[22J\x1b[?1049h\x1b[?1049l"
        + soft_reset(0, 0)
        + b"\x1b[2;20l\x1b[12h\x1b[?4;5;8;9;45;47;67;1000;1002;1003;1004;1005;1006;1015;1016l"
        + b"\x1b[?1039;1047;1048;2004;2026;2027;2031;2033;2048l\x1b[?1007;1035;1036h"
        + b"\x1b[?5W\x1b[<99u\x1b[=0u\x1b[>4m\x1b[0 q"
        + b"\x1b]8;;\x1b\\\x1b]2;\x1b\\\x1b]104\x1b\\\x1b]110\x1b\\\x1b]111\x1b\\\x1b]112\x1b\\"
    )
