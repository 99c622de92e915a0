"""The terminal core on libghostty-vt, through pyghostty's raw declarations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pyghostty import ffi, lib

from tuivm.core.ghostty_cells import RowDecoder, check_layout, sized
from tuivm.core.ghostty_keys import KeyEncoder
from tuivm.core.ghostty_text import read_text
from tuivm.core.keycodes import clean_paste
from tuivm.core.shim import Reset, Shim, hard_reset, soft_reset
from tuivm.core.terminal import Cursor, Frame, Keyboard, TerminalUnavailable, clamp_grid
from tuivm.core.text import sanitise

CELL_BYTES = 8
ROW_BYTES = 192
"""What a line of scrollback costs: its cells, and its share of its page's overhead."""
PAGE_BYTES = 512 * 1024
"""Whole pages are dropped, so one more is kept than was asked for."""
NO_LIMIT = 1 << 40
MAX_REPLIES = 1 << 16
"""Bytes of replies kept until somebody takes them."""


class GhosttyCore:
    """``core.terminal.TerminalCore`` on libghostty-vt. See there for threads."""

    def __init__(self, columns: int = 80, lines: int = 24, *, scrollback: int = 10_000) -> None:
        check_layout()
        self.keyboard = Keyboard()
        self._columns, self._lines = clamp_grid(columns, lines)
        self._scrollback = scrollback
        self._shim = Shim()
        self._replies = bytearray()
        self._bells = 0
        self._terminal = self._new("GhosttyTerminal", "terminal", self._columns, self._lines)
        self._state = self._new("GhosttyRenderState", "render_state")
        self._rows = self._new_handle("GhosttyRenderStateRowIterator", "render_state_row_iterator")
        self._cells = self._new_handle("GhosttyRenderStateRowCells", "render_state_row_cells")
        self._decoder = RowDecoder(self._cells)
        self._keys = KeyEncoder(self._terminal)
        self._callbacks: list[Any] = []
        self._configure()
        self._scrollbar = ffi.new("GhosttyTerminalScrollbar*")
        self._captured_bar = (0, 0)

    # -- making and configuring ------------------------------------------------------------

    @staticmethod
    def _new_handle(ctype: str, name: str, *args: int) -> Any:
        handle = ffi.new(f"{ctype}*")
        if getattr(lib, f"ghostty_{name}_new")(ffi.NULL, handle, *args):
            raise TerminalUnavailable("Cannot show a terminal", "out of memory")
        return handle

    def _new(self, ctype: str, name: str, *args: int) -> Any:
        return self._new_handle(ctype, name, *args)[0]

    def _configure(self) -> None:
        def on_reply(_terminal: Any, _user: Any, data: Any, size: int) -> None:
            if len(self._replies) < MAX_REPLIES:
                self._replies.extend(ffi.buffer(data, size))

        def on_bell(_terminal: Any, _user: Any) -> None:
            self._bells += 1

        self._hook("WritePty", lib.GHOSTTY_TERMINAL_OPT_WRITE_PTY, on_reply)
        self._hook("Bell", lib.GHOSTTY_TERMINAL_OPT_BELL, on_bell)
        self._set(lib.GHOSTTY_TERMINAL_OPT_KITTY_IMAGE_STORAGE_LIMIT, "uint64_t*", 0)
        self._cap_scrollback()

    def _hook(self, kind: str, option: int, function: Callable[..., None]) -> None:
        callback = ffi.callback(f"GhosttyTerminal{kind}Fn", function)
        self._callbacks.append(callback)
        lib.ghostty_terminal_set(self._terminal, option, callback)

    def _set(self, option: int, ctype: str, value: int) -> None:
        lib.ghostty_terminal_set(self._terminal, option, ffi.new(ctype, value))

    def _cap_scrollback(self) -> None:
        """Bound the history by bytes alone, enough for the lines that were asked for.

        The library's cap on lines costs up to nine tenths of its speed on short lines, and
        its cap on bytes is so small by default that it would win over the lines anyway.
        """
        lines = self._scrollback
        if not lines:
            self._set(lib.GHOSTTY_TERMINAL_OPT_SCROLLBACK_MAX_BYTES, "size_t*", 0)
            return
        size = lines * (max(self._columns, 80) * CELL_BYTES + ROW_BYTES) + PAGE_BYTES
        self._set(lib.GHOSTTY_TERMINAL_OPT_SCROLLBACK_MAX_LINES, "size_t*", NO_LIMIT)
        self._set(lib.GHOSTTY_TERMINAL_OPT_SCROLLBACK_MAX_BYTES, "size_t*", size)

    # -- facts -----------------------------------------------------------------------------

    @property
    def columns(self) -> int:
        """The grid's width in cells."""
        return self._columns

    @property
    def lines(self) -> int:
        """The grid's height in cells."""
        return self._lines

    @property
    def title(self) -> str:
        """The title that the guest set, one clean line of at most 128 characters."""
        out = ffi.new("GhosttyString*")
        if lib.ghostty_terminal_get(self._terminal, lib.GHOSTTY_TERMINAL_DATA_TITLE, out):
            return ""
        raw = ffi.buffer(out.ptr, min(out.len, 1024))[:] if out.len else b""
        return sanitise(raw.decode("utf-8", "replace"), 128)

    @property
    def alternate(self) -> bool:
        """True while a full-screen program has the screen."""
        return bool(self._number(lib.GHOSTTY_TERMINAL_DATA_ACTIVE_SCREEN, "int*"))

    def _number(self, data: int, ctype: str = "uint16_t*") -> int:
        out = ffi.new(ctype)
        lib.ghostty_terminal_get(self._terminal, data, out)
        return int(out[0])

    def mode(self, number: int) -> bool:
        """Whether a DEC private mode is set, e.g. 2004 (bracketed paste)."""
        out = ffi.new("GhosttyTerminalModeConfig*")
        out.mode = number & 0x7FFF
        lib.ghostty_terminal_get(self._terminal, lib.GHOSTTY_TERMINAL_DATA_MODE, out)
        return bool(out.value)

    # -- input from the guest --------------------------------------------------------------

    def feed(self, data: bytes) -> None:
        """Take what the guest printed; never raises, whatever the bytes are."""
        for piece in self._shim.pieces(data):
            if isinstance(piece, Reset):
                piece = self._reset(piece)
            lib.ghostty_terminal_vt_write(self._terminal, piece, len(piece))

    def _reset(self, kind: Reset) -> bytes:
        if kind is Reset.HARD:
            return hard_reset(self.alternate)
        x = self._number(lib.GHOSTTY_TERMINAL_DATA_CURSOR_X)
        y = self._number(lib.GHOSTTY_TERMINAL_DATA_CURSOR_Y)
        return soft_reset(x, y)

    def take_replies(self) -> bytes:
        """Take the answers to the guest's queries."""
        replies = bytes(self._replies)
        self._replies.clear()
        return replies

    def take_bells(self) -> int:
        """How often the bell rang since the last call."""
        bells, self._bells = self._bells, 0
        return bells

    def resize(self, columns: int, lines: int) -> None:
        """Change the grid; lines of the primary screen are wrapped anew."""
        self._columns, self._lines = clamp_grid(columns, lines)
        lib.ghostty_terminal_resize(self._terminal, self._columns, self._lines, 8, 16)
        self._cap_scrollback()

    # -- output to the screen --------------------------------------------------------------

    def capture(self) -> None:
        """Copy the state that the next ``frame`` shows; fast."""
        if self._number(lib.GHOSTTY_TERMINAL_DATA_COLS) != self._columns:
            self.resize(self._columns, self._lines)
        lib.ghostty_render_state_begin_update(self._state, self._terminal)
        total = self._rows_in_all()
        self._captured_bar = (total, self._scrollbar.offset)

    def frame(self, *, full: bool = False) -> Frame:
        """Build the rows that changed up to the last ``capture``; all of them with ``full``."""
        lib.ghostty_render_state_end_update(self._state)
        size = ffi.new("uint16_t[2]")
        lib.ghostty_render_state_get(self._state, lib.GHOSTTY_RENDER_STATE_DATA_COLS, size)
        lib.ghostty_render_state_get(self._state, lib.GHOSTTY_RENDER_STATE_DATA_ROWS, size + 1)
        total, offset = self._captured_bar
        frame = Frame(size[0], size[1], total=total, offset=offset, cursor=self._cursor())
        lib.ghostty_render_state_get(
            self._state, lib.GHOSTTY_RENDER_STATE_DATA_ROW_ITERATOR, self._rows
        )
        rows = self._rows[0]
        decode = self._decoder.row
        if full:
            y = 0
            while lib.ghostty_render_state_row_iterator_next(rows):
                frame.rows[y] = decode(rows)
                y += 1
        else:
            line = ffi.new("uint16_t*")
            while lib.ghostty_render_state_row_iterator_next_dirty(rows, line):
                frame.rows[line[0]] = decode(rows)
        lib.ghostty_render_state_clean(self._state)
        return frame

    def _cursor(self) -> Cursor | None:
        out = sized("GhosttyRenderStateCursor")
        lib.ghostty_render_state_get(self._state, lib.GHOSTTY_RENDER_STATE_DATA_CURSOR, out)
        if not out.viewport_has_value:
            return None
        x = out.viewport_x - (1 if out.wide_tail and out.viewport_x else 0)
        return Cursor(x, out.viewport_y, bool(out.visible))

    def scroll(self, rows: int) -> None:
        """Move the view within the scrollback, negative towards the past."""
        self._scroll_viewport(lib.GHOSTTY_SCROLL_VIEWPORT_DELTA, rows)

    def scroll_to_bottom(self) -> None:
        """Show the live screen again."""
        self._scroll_viewport(lib.GHOSTTY_SCROLL_VIEWPORT_BOTTOM, 0)

    def _scroll_viewport(self, tag: int, delta: int) -> None:
        target = ffi.new("TuivmScrollViewport*", {"tag": tag, "delta": delta})
        _SCROLL(self._terminal, target[0])

    def _rows_in_all(self) -> int:
        bar = self._scrollbar
        lib.ghostty_terminal_get(self._terminal, lib.GHOSTTY_TERMINAL_DATA_SCROLLBAR, bar)
        return int(bar.total)

    def text(self, first: int = 0, last: int | None = None) -> str:
        """Rows ``first`` to ``last`` as plain text, wrapped lines joined."""
        end = self._rows_in_all() - 1
        end = end if last is None else min(end, last)
        return read_text(self._terminal, max(0, first), end, self._columns, unwrap=True).strip("\n")

    def row_texts(self, first: int = 0, last: int | None = None) -> list[str]:
        """Rows ``first`` to ``last`` as plain text, blanks at their ends cut off."""
        first, end = max(0, first), self._rows_in_all() - 1
        count = (end if last is None else min(end, last)) - first + 1
        if count <= 0:
            return []
        text = read_text(self._terminal, first, first + count - 1, self._columns, unwrap=False)
        rows = text.split("\n")[:count]
        return rows + [""] * (count - len(rows))

    # -- input from the user ---------------------------------------------------------------

    def key(self, key: str, character: str | None) -> bytes:
        """Encode a key press as the guest's modes want it; empty when it has no bytes."""
        return self._keys.encode(key, character, self.keyboard, application=self.mode(1))

    def paste(self, text: str) -> bytes:
        """Encode pasted text: control characters out, bracketed when the guest asked."""
        return clean_paste(text, bracketed=self.mode(2004))

    def wheel(self, up: bool, x: int, y: int) -> bytes:
        """Encode one notch of the mouse wheel; empty when the guest did not ask for it."""
        if self._number(lib.GHOSTTY_TERMINAL_DATA_MOUSE_TRACKING, "bool*"):
            return self._keys.wheel(up, x, y)
        if self.alternate:
            return self.key("up" if up else "down", None) * 3
        return b""

    def close(self) -> None:
        """Free it; no other call may follow."""
        if self._terminal is None:
            return
        self._keys.close()
        lib.ghostty_render_state_row_cells_free(self._cells[0])
        lib.ghostty_render_state_row_iterator_free(self._rows[0])
        lib.ghostty_render_state_free(self._state)
        lib.ghostty_terminal_free(self._terminal)
        self._terminal = None


# A union cannot be passed by value through libffi; a struct of the same layout can.
ffi.cdef("typedef struct { int tag; intptr_t delta; uint64_t pad; } TuivmScrollViewport;")
if ffi.sizeof("TuivmScrollViewport") != ffi.sizeof("GhosttyTerminalScrollViewport"):
    raise TerminalUnavailable("Cannot show a terminal", "an unknown layout of pyghostty")
_SCROLL = ffi.cast(
    "void(*)(GhosttyTerminal, TuivmScrollViewport)",
    ffi.addressof(lib, "ghostty_terminal_scroll_viewport"),
)
