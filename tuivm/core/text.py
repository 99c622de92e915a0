"""Text that is safe and fits: sanitising, cell widths, and numbers as people read them.

Names, titles and error texts are written by strangers. ``sanitise`` is the one gate
between them and the terminal; the backend calls it on every string it takes in.
"""

from __future__ import annotations

import re
from typing import Literal
from unicodedata import category

from rich.cells import cell_len, get_character_cell_size

ELLIPSIS = "…"
"""Stands where a text was cut."""
REPLACEMENT = "\ufffd"
"""Stands where a character was that could harm the terminal or deceive the reader."""
UNKNOWN = "–"  # noqa: RUF001 - a dash that is not a minus
"""Stands where a value is not known."""

Align = Literal["left", "right", "centre"]

_MARK_RUN = 4
"""Combining marks kept on one character; more than that only serves to deface a screen."""
_CACHE_SIZE = 4096
_INVISIBLE = frozenset(
    {0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0, *range(0x180B, 0x1810)}
)
"""Characters that Python calls printable but that show nothing, beyond format controls."""
_SELECTORS = frozenset({*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)})
"""Variation selectors: terminals disagree on the width that they give a character."""


class _Table(dict[int, "str | None"]):
    """A ``str.translate`` table that decides on each code point when it first meets it."""

    def __init__(self, kept: str) -> None:
        super().__init__({ord(char): char for char in kept})

    def __missing__(self, code: int) -> str | None:
        result = _translate(code)
        # Bounded, or a hostile text with every code point would cost 100 MB.
        if len(self) < _CACHE_SIZE:
            self[code] = result
        return result


def _translate(code: int) -> str | None:
    char = chr(code)
    if code in _SELECTORS:
        return None
    if code in _INVISIBLE:
        return REPLACEMENT
    if char.isprintable():
        return char
    if char in "\t\n\r\v\f\x85" or category(char) == "Zs":
        return " "
    return REPLACEMENT


_LINE_TABLE = _Table("")
_BLOCK_TABLE = _Table("\n")
_MAYBE_MARKS = re.compile(rf"[^\x00-\u02ff\w]{{{_MARK_RUN + 1},}}")
"""Where a run of combining marks may be: none of them is a word character."""
_LINE_ENDS = re.compile(r"\r\n?|[\v\f\x85\u2028\u2029]")


def sanitise(text: str, limit: int = 512) -> str:
    """Make a text from a stranger fit to be shown on one line.

    The result is printable (``str.isprintable``), at most ``limit`` characters long, and
    free of control, format and bidi characters, which turn into U+FFFD; line breaks,
    tabs and odd spaces turn into spaces. Sanitising twice changes nothing.
    """
    if len(text) <= limit and text.isascii() and text.isprintable():
        return text
    # One look-ahead character more than the limit tells that something was cut.
    # Selectors vanish, so the cut has to come after them, yet the work stays bounded.
    cleaned = _thin_marks(text[: 4 * limit + 4].translate(_LINE_TABLE))
    return _cut(cleaned, limit, lost=len(text) > 4 * limit + 4)


def sanitise_block(text: str, limit: int = 1 << 20) -> str:
    """Make a text of several lines fit to be shown: as ``sanitise``, with line breaks kept.

    Tabs expand to every eighth column and every kind of line end becomes a newline.
    """
    if len(text) > limit:
        text = text[: limit + 1]
    cleaned = _LINE_ENDS.sub("\n", text).expandtabs(8)
    if not (cleaned.isascii() and cleaned.replace("\n", "").isprintable()):
        cleaned = _thin_marks(cleaned.translate(_BLOCK_TABLE))
    return _cut(cleaned, limit, lost=len(text) > limit)


def _cut(text: str, limit: int, *, lost: bool) -> str:
    if len(text) > limit:
        return text[: max(limit - 1, 0)] + ELLIPSIS[:limit]
    if lost and not text.endswith(ELLIPSIS):
        return text[: max(limit - 1, 0)] + ELLIPSIS[:limit]
    return text


def _thin_marks(text: str) -> str:
    if text.isascii():
        return text
    return _MAYBE_MARKS.sub(_thin_run, text)


def _thin_run(match: re.Match[str]) -> str:
    kept: list[str] = []
    run = 0
    for char in match.group():
        run = run + 1 if category(char) in ("Mn", "Me") else 0
        if run <= _MARK_RUN:
            kept.append(char)
    return "".join(kept)


def cell_width(text: str) -> int:
    """Count the terminal cells that a text takes."""
    return len(text) if text.isascii() else cell_len(text)


def fit(text: str, width: int, align: Align = "left", ellipsis: str = ELLIPSIS) -> str:
    """Cut or pad a text to exactly ``width`` cells; a wide character is never split."""
    if width <= 0:
        return ""
    taken = cell_width(text)
    if taken > width:
        text = clip(text, width - cell_width(ellipsis)) + ellipsis if width > 1 else ellipsis
        taken = cell_width(text)
        if taken > width:
            text, taken = clip(text, width), cell_width(clip(text, width))
    room = width - taken
    if not room:
        return text
    if align == "right":
        return " " * room + text
    if align == "centre":
        return " " * (room // 2) + text + " " * (room - room // 2)
    return text + " " * room


def fit_ends(text: str, width: int, ellipsis: str = ELLIPSIS) -> str:
    """As ``fit``, but cut in the middle: what numbers its like mostly stands at the end."""
    room = width - cell_width(ellipsis)
    if room < 2 or cell_width(text) <= width:
        return fit(text, width, ellipsis=ellipsis)
    head = clip(text, room // 3)
    end = text[-room:]
    while cell_width(head) + cell_width(end) > room:
        end = end[1:]
    return fit(head + ellipsis + end, width)


def clip(text: str, width: int) -> str:
    """Cut a text to at most ``width`` cells, without an ellipsis."""
    if width <= 0:
        return ""
    if text.isascii():
        return text[:width]
    taken = 0
    end = 0
    for char in text:
        taken += get_character_cell_size(char)
        if taken > width:
            break
        end += 1
    # Clusters (an emoji with a selector) can be wider than the sum of their characters.
    while end and cell_len(text[:end]) > width:
        end -= 1
    return text[:end]


_BINARY = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")
_SHORT = ("B", "k", "M", "G", "T", "P", "E")


def _scale(value: float) -> tuple[float, int]:
    power = 0
    while value >= 999.5 and power < len(_BINARY) - 1:
        value /= 1024
        power += 1
    return value, power


def _digits(value: float, power: int) -> str:
    """Three characters at most: ``9.8``, ``12``, ``512``."""
    if power and value < 9.95:
        return f"{value:.1f}"
    return f"{value:.0f}"


def bytes_text(count: float | None, unknown: str = UNKNOWN) -> str:
    """Say an amount of bytes: ``1.2 GiB``."""
    if count is None or count < 0:
        return unknown
    value, power = _scale(count)
    return f"{_digits(value, power)} {_BINARY[power]}"


def pair_text(used: float | None, maximum: float | None, unknown: str = UNKNOWN) -> str:
    """Say used and maximal bytes in the maximum's unit: ``1.2/4.0 GiB``."""
    if maximum is None or maximum < 0:
        return bytes_text(used, unknown)
    value, power = _scale(maximum)
    left = unknown if used is None or used < 0 else _digits(used / 1024**power, power)
    return f"{left}/{_digits(value, power)} {_BINARY[power]}"


def rate_text(rate: float | None, unknown: str = UNKNOWN) -> str:
    """Say bytes a second: ``812k/s``, ``0`` when nothing moves."""
    if rate is None or rate < 0:
        return unknown
    value, power = _scale(rate)
    if not power and value < 0.5:
        return "0"
    return f"{_digits(value, power)}{_SHORT[power]}/s"


def duration_text(seconds: float | None, unknown: str = UNKNOWN) -> str:
    """Say a duration in two units: ``45s``, ``12m05s``, ``5h07m``, ``3d04h``, ``412d``."""
    if seconds is None or seconds < 0:
        return unknown
    whole = int(seconds)
    minutes, second = divmod(whole, 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    if days >= 100:
        return f"{days}d"
    if days:
        return f"{days}d{hour:02d}h"
    if hours:
        return f"{hour}h{minute:02d}m"
    if minutes:
        return f"{minute}m{second:02d}s"
    return f"{second}s"


def took_text(seconds: float | None, unknown: str = UNKNOWN) -> str:
    """Say how long something took, in at most six cells: ``12ms``, ``4.2s``, ``12m05s``."""
    if seconds is None or not 0 <= seconds < 59.95:
        return duration_text(seconds, unknown)
    return f"{seconds * 1000:.0f}ms" if seconds < 0.9995 else f"{seconds:.1f}s"


def uptime_text(seconds: float | None, unknown: str = UNKNOWN) -> str:
    """Say a duration that is shown live: as ``duration_text``, but still for a whole minute.

    Between one minute and one hour the seconds are left out, so that a screen full of
    young guests need not be painted every second.
    """
    if seconds is None or not 60 <= seconds < 3600:
        return duration_text(seconds, unknown)
    return f"{int(seconds) // 60}m"


_DIGITS = re.compile(r"\d+")


def natural_key(text: str) -> str:
    """A sort key by which web-2 comes before web-10, whatever the case of letters.

    Texts that differ only in case or in leading zeros still get different keys.
    """
    return f"{_DIGITS.sub(_number_key, text.casefold())}\0{text}"


def _number_key(match: re.Match[str]) -> str:
    # The count of digits first, then the digits: texts then compare like the numbers.
    digits = match.group().lstrip("0") or "0"
    return f"{len(digits):04d}{digits}"
