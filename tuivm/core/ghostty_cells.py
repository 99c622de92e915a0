"""Decodes libghostty-vt's rows: packed 64-bit cells to runs of clean text and style.

The native library is built without bounds checks and its C API is not declared stable:
the version is pinned exactly, and a cell layout other than the one decoded here is
refused. A row costs two dictionary passes; styles are asked for once a run.
"""

from __future__ import annotations

import json
import struct
from itertools import groupby
from typing import Any

import pyghostty
from pyghostty import ffi, lib

from tuivm.core.terminal import (
    DEFAULT_COLOR,
    PLAIN,
    RGB,
    CellStyle,
    Run,
    TerminalUnavailable,
    clean_glyph,
    fit_run,
)

VERSION = "0.1.3"
CELL_BITS = {
    "content_tag": (0, 2),
    "content": (2, 24),
    "style_id": (26, 16),
    "wide": (42, 2),
    "protected": (44, 1),
    "hyperlink": (45, 1),
    "semantic_content": (46, 2),
}
"""Where the fields of a cell lie (``lsb``, ``width``), as the library publishes it."""
TAG, GRAPHEME, FIRST_BACKGROUND, BACKGROUND_RGB = 3, 1, 2, 3
STYLE_BITS = 0xFFFF << 26
CONTENT_BITS = 0xFFFFFF << 2 | TAG
WIDE, SPACER_TAIL = 1, 2
MAX_GRAPHEME = 256
"""Bytes of UTF-8 taken of one cell's text."""
CACHE_LIMIT = 1 << 16


def check_layout() -> None:
    """Refuse a library whose cells are not laid out as decoded here."""
    found = json.loads(ffi.string(lib.ghostty_type_json()))
    bits = found.get("types", {}).get("GhosttyCell", {}).get("bits", {})
    layout = {name: (field.get("lsb"), field.get("width")) for name, field in bits.items()}
    style = found.get("types", {}).get("GhosttyStyle", {})
    if (
        pyghostty.__version__ != VERSION
        or found.get("abi", {}).get("endian") != "little"
        or layout != CELL_BITS
        or style.get("size") != ffi.sizeof("GhosttyStyle")
    ):
        raise TerminalUnavailable(
            "Cannot show a terminal",
            f"the terminal library pyghostty is not the version {VERSION} that is known here",
            hint=f"pip install pyghostty=={VERSION}, or use: tuivm console DOMAIN",
        )


class _Glyphs(dict[int, str]):
    """A cell's value to its text; a spacer behind a wide character is nothing."""

    def __missing__(self, cell: int) -> str:
        if len(self) > CACHE_LIMIT:
            self.clear()
        wide = cell >> 42 & 3
        code = cell >> 2 & 0x1FFFFF if cell & TAG < FIRST_BACKGROUND else 0
        if wide == SPACER_TAIL:
            text = ""
        elif 0x20 < code < 0x7F:
            text = chr(code)
        else:
            text = clean_glyph(chr(code), 2 if wide == WIDE else 1) if code else " "
        self[cell] = text
        return text


class _Keys(dict[int, int]):
    """A cell's value to what tells its style from its neighbour's."""

    def __missing__(self, cell: int) -> int:
        if len(self) > CACHE_LIMIT:
            self.clear()
        key = cell & (STYLE_BITS if cell & TAG < FIRST_BACKGROUND else STYLE_BITS | CONTENT_BITS)
        key &= ~GRAPHEME if cell & TAG < FIRST_BACKGROUND else -1
        self[cell] = key
        return key


def _color(color: Any) -> int:
    if color.tag == lib.GHOSTTY_STYLE_COLOR_PALETTE:
        return int(color.value.palette)
    if color.tag == lib.GHOSTTY_STYLE_COLOR_RGB:
        rgb = color.value.rgb
        return int(RGB | rgb.r << 16 | rgb.g << 8 | rgb.b)
    return DEFAULT_COLOR


def sized(ctype: str) -> Any:
    """A new struct with its size field set, as the library wants it."""
    value = ffi.new(f"{ctype}*")
    value.size = ffi.sizeof(ctype)
    return value


class RowDecoder:
    """Decodes the rows of a render state; remembers glyphs and styles between rows."""

    def __init__(self, cells: Any) -> None:
        self._cells = cells
        self._glyphs = _Glyphs()
        self._style_keys = _Keys()
        self._styles: dict[bytes, CellStyle] = {}
        self._view = ffi.new("GhosttyCellsView*")
        self._style = sized("GhosttyStyle")
        self._style_bytes = ffi.buffer(self._style)
        self._grapheme = ffi.new("uint8_t[]", MAX_GRAPHEME)

    def row(self, rows: Any) -> tuple[Run, ...]:
        """The row that the iterator stands on, as runs that fill it exactly."""
        view = self._view
        lib.ghostty_render_state_row_get(rows, lib.GHOSTTY_RENDER_STATE_ROW_DATA_CELLS_RAW, view)
        count = view.len
        cells = struct.unpack(f"<{count}Q", ffi.buffer(view.ptr, count * 8))
        glyphs = list(map(self._glyphs.__getitem__, cells))
        keys = list(map(self._style_keys.__getitem__, cells))
        handle = None
        if any(cell & TAG == GRAPHEME for cell in cells):
            handle = self._row_cells(rows)
            for x, cell in enumerate(cells):
                if cell & TAG == GRAPHEME:
                    glyphs[x] = self._grapheme_at(handle, x, 2 if cell >> 42 & 3 == WIDE else 1)
        if keys.count(0) == count:
            return (Run(fit_run("".join(glyphs), count), count, PLAIN),)
        if handle is None:
            handle = self._row_cells(rows)
        runs = []
        x = 0
        for key, group in groupby(keys):
            width = len(tuple(group))
            style = self._style_at(handle, x, key) if key else PLAIN
            runs.append(Run(fit_run("".join(glyphs[x : x + width]), width), width, style))
            x += width
        return tuple(runs)

    def _row_cells(self, rows: Any) -> Any:
        lib.ghostty_render_state_row_get(rows, lib.GHOSTTY_RENDER_STATE_ROW_DATA_CELLS, self._cells)
        return self._cells[0]

    def _grapheme_at(self, handle: Any, x: int, width: int) -> str:
        buffer = ffi.new("GhosttyBuffer*", {"ptr": self._grapheme, "cap": MAX_GRAPHEME, "len": 0})
        lib.ghostty_render_state_row_cells_select(handle, x)
        if lib.ghostty_render_state_row_cells_get(
            handle, lib.GHOSTTY_RENDER_STATE_ROW_CELLS_DATA_GRAPHEMES_UTF8, buffer
        ):
            return clean_glyph("\ufffd", 1).ljust(width)
        raw = bytes(ffi.buffer(self._grapheme, min(buffer.len, MAX_GRAPHEME)))
        return clean_glyph(raw.decode("utf-8", "replace"), width)

    def _style_at(self, handle: Any, x: int, key: int) -> CellStyle:
        style = PLAIN
        if key & STYLE_BITS:
            lib.ghostty_render_state_row_cells_select(handle, x)
            lib.ghostty_render_state_row_cells_get(
                handle, lib.GHOSTTY_RENDER_STATE_ROW_CELLS_DATA_STYLE, self._style
            )
            raw = bytes(self._style_bytes)
            found = self._styles.get(raw)
            style = found if found is not None else self._decode_style(raw)
        tag = key & TAG
        if tag >= FIRST_BACKGROUND:
            content = key >> 2 & 0xFFFFFF
            if tag == BACKGROUND_RGB:
                red, green, blue = content & 0xFF, content >> 8 & 0xFF, content >> 16
                content = RGB | red << 16 | green << 8 | blue
            style = style._replace(bg=content if tag == BACKGROUND_RGB else content & 0xFF)
        return style

    def _decode_style(self, raw: bytes) -> CellStyle:
        if len(self._styles) > 4096:
            self._styles.clear()
        native = self._style
        style = self._styles[raw] = CellStyle(
            fg=_color(native.fg_color),
            bg=_color(native.bg_color),
            bold=native.bold,
            faint=native.faint,
            italic=native.italic,
            underline=native.underline != 0,
            blink=native.blink,
            inverse=native.inverse,
            invisible=native.invisible,
            strike=native.strikethrough,
            overline=native.overline,
        )
        return style
