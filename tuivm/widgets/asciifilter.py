"""``--ascii`` for whatever draws: the last look at every line before it is painted."""

from __future__ import annotations

from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

_SIGNS = {
    "…": "~",
    "·": "|",
    "•": "*",
    "●": "*",
    "○": "o",
    "◌": "~",
    "‖": "=",
    "✗": "x",
    "✓": "y",
    "→": ">",
    "▲": "^",
    "▼": "v",
    "▐": "#",
    "▌": "#",
    "–": "-",  # noqa: RUF001 - a dash
    "—": "-",
    "≥": ">",
    "\u00a0": " ",
    "─": "-",
    "━": "-",
    "│": "|",
    "┃": "|",
    "▔": "-",
    "▁": "_",
    "▏": "|",
    "▕": "|",
}
"""Signs with a good ASCII likeness; other box drawing becomes ``+``, the rest ``?``."""


class _Table(dict[int, str]):
    def __missing__(self, code: int) -> str:
        char = chr(code)
        if code < 0x80:
            found = char
        elif 0x2500 <= code < 0x2580:
            found = "+"
        elif 0x2580 <= code < 0x25A0:
            found = "#"
        else:
            found = _SIGNS.get(char, "?" * cell_len(char))
        if len(self) < 4096:
            self[code] = found
        return found


_TABLE = _Table({ord(sign): plain for sign, plain in _SIGNS.items()})


class AsciiFilter(LineFilter):
    """Replaces what is not ASCII by as many ASCII cells; names of VMs may then show ``?``."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """See ``LineFilter``."""
        return [
            segment
            if segment.text.isascii()
            else Segment(segment.text.translate(_TABLE), segment.style, segment.control)
            for segment in segments
        ]
