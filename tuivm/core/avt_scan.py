"""Reads along what the guest prints, for what the avt library does not do or tell.

It keeps the modes that matter outside of the screen (mouse, paste, cursor keys, which
screen), the title and the bells, answers queries, and hands the rest on in pieces, cut
where the core has something to do of its own. Sequences may be split anywhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import NamedTuple
from unicodedata import category, normalize

from rich.cells import cell_len

from tuivm.core.terminal import UNPRINTABLE

MAX_CSI = 256
MAX_OSC = 4096
"""Characters of an unfinished sequence that are held back; a longer one is passed on."""
ALTERNATE = frozenset({47, 1047, 1049})
MOUSE = (1000, 1002, 1003)
MOUSE_ENCODINGS = (1006, 1015, 1005)
"""The DEC modes of the mouse's encodings, the best first."""
KNOWN_DEC = frozenset({1, 6, 7, 25, 47, 1047, 1048, 1049, 2004, *MOUSE, *MOUSE_ENCODINGS})
KNOWN_ANSI = frozenset({4, 20})
DEFAULT_DEC = frozenset({7, 25})
DEVICE_ATTRIBUTES = {"": "\x1b[?62;22c", ">": "\x1b[>1;0;0c", "=": "\x1bP!|00000000\x1b\\"}
"""A VT220 with colours, and no serial number: the same as the other core answers."""

_SEQUENCE = re.compile(
    r"\x1b(?:\[([<=>?]?)([0-9;:]*)([!$]?)([hlcnprbjkJKLMSsu])"
    r"|([78cZ]|#8)"
    rf"|\]([^\x07\x1b\x18\x1a]{{0,{MAX_OSC}}})(?:\x07|\x1b\\))"
)
_UNFINISHED = re.compile(
    rf"\x1b(?:#|\[[<=>?]?[0-9;:]{{0,{MAX_CSI}}}[!$]?"
    rf"|\][^\x07\x1b\x18\x1a]{{0,{MAX_OSC}}}\x1b?)?"
)
_END_OF_STRING = re.compile("[\x07\x18\x1a\x1b]")


class Do(Enum):
    """What the core has to do itself."""

    REPLY = auto()
    """Answer with the text."""
    CURSOR_REPLY = auto()
    """Answer with the cursor's position; the text comes before it."""
    CLEAR_HISTORY = auto()
    RESET = auto()
    """RIS: a new screen; the scrollback stays."""
    EDIT_LINES = auto()
    """Insert or delete lines by the text, unless the cursor is outside the margins."""
    SCROLL = auto()
    """Scroll by the text: it makes lines, which the library must hand over at once."""
    REPEAT = auto()
    """Repeat the last character; the text says how often."""


class Task(NamedTuple):
    """Something to be done at this point of the output."""

    what: Do
    text: str = ""


@dataclass(slots=True)
class Modes:
    """What the guest has set up, as far as it matters outside of the screen."""

    dec: set[int] = field(default_factory=lambda: set(DEFAULT_DEC))
    ansi: set[int] = field(default_factory=set)
    top: int = 0
    """First row of the scroll region, from 0."""
    bottom: int | None = None
    """Its last row; None is the last one of the screen."""
    saved_origin: bool = False

    @property
    def alternate(self) -> bool:
        """True while a full-screen program has the screen."""
        return not ALTERNATE.isdisjoint(self.dec)

    @property
    def mouse(self) -> bool:
        """True when the guest wants to hear of the mouse."""
        return not self.dec.isdisjoint(MOUSE)

    @property
    def mouse_encoding(self) -> int:
        """How it wants to hear; 0 is the oldest way."""
        return next((mode for mode in MOUSE_ENCODINGS if mode in self.dec), 0)

    def replay(self) -> str:
        """What tells a new screen of them; its margins are forgotten."""
        self.top, self.bottom = 0, None
        on = sorted(self.dec & {6}) + ([1047] if self.alternate else [])
        out = [f"\x1b[?{mode}h" for mode in on]
        out += [f"\x1b[?{mode}l" for mode in sorted(DEFAULT_DEC - self.dec)]
        out += [f"\x1b[{mode}h" for mode in sorted(self.ansi)]
        return "".join(out)

    def soft_reset(self) -> None:
        """DECSTR, as the library does it, and the cursor keys."""
        self.dec -= {1, 6}
        self.dec.add(25)
        self.ansi.discard(4)
        self.top, self.bottom, self.saved_origin = 0, None, False

    def hard_reset(self) -> None:
        """RIS."""
        self.__init__()  # type: ignore[misc]


def _numbers(params: str) -> list[int]:
    """A sequence's parameters, sub-parameters left out; 65535 stands for what is more."""
    return [min(int(part.partition(":")[0][:9] or 0), 65535) for part in params.split(";")[:32]]


class _Printable(dict[int, int | str | None]):
    """What becomes of a character: the library gives each a column, even one without width."""

    def __missing__(self, code: int) -> int | str | None:
        char = chr(code)
        if code < 0x7F:
            value: int | str | None = code
        elif char == "\xad":
            value = "-"
        else:
            value = None if category(char) in UNPRINTABLE or not cell_len(char) else code
        if len(self) > 1 << 16:
            self.clear()
        self[code] = value
        return value


_PRINTABLE = _Printable()


def printable(text: str) -> str:
    """Text in which every character takes the columns that it shows; controls stay.

    Combining marks are joined with their letters where Unicode has the two as one, else
    dropped; DEL, C1 and bidi controls are dropped, as terminals in UTF-8 do.
    """
    if text.isascii():
        return text.replace("\x7f", "") if "\x7f" in text else text
    return normalize("NFC", text).translate(_PRINTABLE)


class Scanner:
    """Goes through the guest's output once; see the module."""

    def __init__(self) -> None:
        self.modes = Modes()
        self.title = ""
        self.bells = 0
        self._held = ""
        self._in_string = False

    def scan(self, text: str, lines: int) -> Iterator[str | Task]:
        """Pieces to print and tasks, in order; ``lines`` is the screen's height.

        Each must be done before the next is asked for.
        """
        text = self._held + text
        self._held = ""
        if self._in_string:
            self._end_string(text)
        if "\x1b" in text:
            text = self._hold_back(text)
        start = 0
        for match in _SEQUENCE.finditer(text, start):
            if match.start() > start:
                yield self._passed(text[start : match.start()])
            start = match.end()
            yield from self._sequence(match, lines)
        if start < len(text):
            yield self._passed(text[start:])

    def _hold_back(self, text: str) -> str:
        at = text.rfind("\x1b")
        if at == len(text) - 1:
            # It may be the first half of what ends an OSC.
            before = text.rfind("\x1b", 0, at)
            if before >= 0 and text.startswith("\x1b]", before):
                at = before
        if _UNFINISHED.fullmatch(text, at) is None:
            if text.startswith("\x1b]", at) and _END_OF_STRING.search(text, at + 1) is None:
                self._in_string = True
            return text
        self._held = text[at:]
        return text[:at]

    def _end_string(self, text: str) -> None:
        """Look for the end of an OSC that was too long to hold; a bell there is none."""
        end = _END_OF_STRING.search(text)
        if end is not None:
            self._in_string = False
            self.bells -= end[0] == "\x07"

    def _passed(self, text: str) -> str:
        if "\x07" in text:
            self.bells += text.count("\x07")
        return text

    def _sequence(self, match: re.Match[str], lines: int) -> Iterator[str | Task]:
        private, params, between, final, escape, command = match.groups()
        if command is not None:
            number, _, title = command.partition(";")
            if number in ("0", "2"):
                self.title = title
            return
        if escape is not None:
            yield from self._escape(escape, match[0])
            return
        handler = _HANDLERS.get(private + between + final)
        if handler is None:
            yield match[0]
        else:
            yield from handler(self, params, match[0], lines)

    def _escape(self, escape: str, whole: str) -> Iterator[str | Task]:
        modes = self.modes
        if escape == "Z":
            yield Task(Do.REPLY, DEVICE_ATTRIBUTES[""])
        elif escape == "#8":
            # DECALN: the library neither resets the margins nor moves the cursor.
            modes.top, modes.bottom = 0, None
            yield f"\x1b[r{whole}\x1b[H"
        elif escape == "c":
            modes.hard_reset()
            self.title = ""
            yield Task(Do.RESET)
        else:
            self._cursor_saved(escape == "7")
            yield whole

    def _cursor_saved(self, saved: bool) -> None:
        """Origin mode goes with the cursor, to its store or back."""
        modes = self.modes
        if saved:
            modes.saved_origin = 6 in modes.dec
        else:
            (modes.dec.add if modes.saved_origin else modes.dec.discard)(6)

    def _modes(self, params: str, whole: str, lines: int) -> Iterator[str | Task]:
        known = _numbers(params)
        on = whole.endswith("h")
        for mode in known:
            if mode in ALTERNATE and not on:
                self.modes.dec -= ALTERNATE
            elif mode in KNOWN_DEC:
                (self.modes.dec.add if on else self.modes.dec.discard)(mode)
            if mode in (1048, 1049):
                self._cursor_saved(on)
        if 47 in known:
            whole = "\x1b[?" + ";".join(str(1047 if n == 47 else n) for n in known) + whole[-1]
        yield whole

    def _ansi_modes(self, params: str, whole: str, lines: int) -> Iterator[str | Task]:
        for mode in KNOWN_ANSI:
            if str(mode) in params.split(";"):
                (self.modes.ansi.add if whole.endswith("h") else self.modes.ansi.discard)(mode)
        yield whole

    def _request_mode(self, params: str, whole: str, lines: int) -> Iterator[str | Task]:
        private = "?" if whole[2] == "?" else ""
        number = (*_numbers(params), -1)[0] if params.isdigit() else -1
        known, are_set = (KNOWN_DEC, self.modes.dec) if private else (KNOWN_ANSI, self.modes.ansi)
        value = 0 if number not in known else 1 if number in are_set else 2
        if number >= 0:
            yield Task(Do.REPLY, f"\x1b[{private}{number};{value}$y")

    def _attributes(self, params: str, whole: str, lines: int) -> Iterator[str | Task]:
        if not params.strip("0"):
            yield Task(Do.REPLY, DEVICE_ATTRIBUTES[whole[2] if whole[2] in ">=" else ""])

    def _status(self, params: str, whole: str, lines: int) -> Iterator[str | Task]:
        if params == "5" and whole[2] != "?":
            yield Task(Do.REPLY, "\x1b[0n")
        elif params == "6":
            yield Task(Do.CURSOR_REPLY, "\x1b[?" if whole[2] == "?" else "\x1b[")

    def _margins(self, params: str, whole: str, lines: int) -> Iterator[str | Task]:
        first, second = (*_numbers(params), 0, 0)[:2]
        top, bottom = max(1, first) - 1, second or lines
        if top < bottom - 1 < lines:
            self.modes.top = top
            self.modes.bottom = None if bottom == lines else bottom - 1
        yield whole

    def _soft_reset(self, params: str, whole: str, lines: int) -> Iterator[str | Task]:
        self.modes.soft_reset()
        yield whole

    def _erase(self, params: str, whole: str, lines: int) -> Iterator[str | Task]:
        yield Task(Do.CLEAR_HISTORY) if params == "3" else whole

    def _selective_erase(self, params: str, whole: str, lines: int) -> Iterator[str | Task]:
        """DECSED and DECSEL: nothing is ever protected here."""
        yield f"\x1b[{params}{whole[-1]}"

    def _backwards(self, params: str, whole: str, lines: int) -> Iterator[str | Task]:
        """HPB and VPB."""
        yield f"\x1b[{params}{'D' if whole.endswith('j') else 'A'}"

    def _edit_lines(self, params: str, whole: str, lines: int) -> Iterator[str | Task]:
        yield Task(Do.EDIT_LINES, whole)

    def _scroll(self, params: str, whole: str, lines: int) -> Iterator[str | Task]:
        yield Task(Do.SCROLL, whole)

    def _repeat(self, params: str, whole: str, lines: int) -> Iterator[str | Task]:
        yield Task(Do.REPEAT, str((*_numbers(params), 0)[0] or 1))

    def _save(self, params: str, whole: str, lines: int) -> Iterator[str | Task]:
        if not params:
            yield from self._escape("7" if whole.endswith("s") else "8", whole)


_HANDLERS = {
    "?h": Scanner._modes,
    "?l": Scanner._modes,
    "h": Scanner._ansi_modes,
    "l": Scanner._ansi_modes,
    "?$p": Scanner._request_mode,
    "$p": Scanner._request_mode,
    "c": Scanner._attributes,
    ">c": Scanner._attributes,
    "=c": Scanner._attributes,
    "n": Scanner._status,
    "?n": Scanner._status,
    "r": Scanner._margins,
    "!p": Scanner._soft_reset,
    "J": Scanner._erase,
    "?J": Scanner._selective_erase,
    "?K": Scanner._selective_erase,
    "j": Scanner._backwards,
    "k": Scanner._backwards,
    "L": Scanner._edit_lines,
    "M": Scanner._edit_lines,
    "S": Scanner._scroll,
    "b": Scanner._repeat,
    "s": Scanner._save,
    "u": Scanner._save,
}
"""By the private mark, what stands between, and the last character of a CSI sequence."""
