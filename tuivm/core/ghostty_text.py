"""Reads the rows of a libghostty-vt terminal as plain text."""

from __future__ import annotations

from typing import Any
from unicodedata import category

from pyghostty import ffi, lib

from tuivm.core.ghostty_cells import sized
from tuivm.core.terminal import UNPRINTABLE, TerminalUnavailable

POINT_OF_SCREEN = 2
"""``GHOSTTY_POINT_TAG_SCREEN``: rows count from the oldest in the scrollback."""

# A union cannot be passed by value through libffi; a struct of the same layout can.
ffi.cdef("typedef struct { int tag, gap; uint16_t x; uint32_t y; uint64_t pad; } TuivmPoint;")
if (
    ffi.sizeof("TuivmPoint") != ffi.sizeof("GhosttyPoint")
    or ffi.offsetof("TuivmPoint", "x") != ffi.offsetof("GhosttyPoint", "value")
    or ffi.offsetof("GhosttyPointCoordinate", "y") != 4
):
    raise TerminalUnavailable("Cannot show a terminal", "an unknown layout of pyghostty")
_GRID_REF = ffi.cast(
    "GhosttyResult(*)(GhosttyTerminal, TuivmPoint, GhosttyGridRef*)",
    ffi.addressof(lib, "ghostty_terminal_grid_ref"),
)


class _Clean(dict[int, int | None]):
    """Drops what must not reach the user's terminal."""

    def __missing__(self, code: int) -> int | None:
        char = chr(code)
        self[code] = value = None if category(char) in UNPRINTABLE and char != "\n" else code
        return value


_CLEAN = _Clean()


def read_text(terminal: Any, first: int, last: int, columns: int, *, unwrap: bool) -> str:
    """Rows ``first`` to ``last`` (both included), a line each, blanks at their ends cut off.

    ``unwrap`` joins the rows of a wrapped line. Empty when there are no such rows.
    """
    selection = sized("GhosttySelection")
    for ref, x, y in ((selection.start, 0, first), (selection.end, columns - 1, last)):
        ref.size = ffi.sizeof("GhosttyGridRef")
        point = ffi.new("TuivmPoint*", {"tag": POINT_OF_SCREEN, "x": x, "y": y})
        if _GRID_REF(terminal, point[0], ffi.addressof(ref)):
            return ""
    options = sized("GhosttyTerminalSelectionFormatOptions")
    options.emit = lib.GHOSTTY_FORMATTER_FORMAT_PLAIN
    options.unwrap = unwrap
    options.trim = True
    options.selection = selection
    need = ffi.new("size_t*")
    call = lib.ghostty_terminal_selection_format_buf
    call(terminal, options[0], ffi.NULL, 0, need)
    buffer = ffi.new("uint8_t[]", max(1, need[0]))
    if call(terminal, options[0], buffer, len(buffer), need):
        return ""
    text = bytes(ffi.buffer(buffer, need[0])).decode("utf-8", "replace")
    return text if text.replace("\n", "").isprintable() else text.translate(_CLEAN)
