"""The terminal core on avt, asciinema's emulator in safe Rust, through pyavt.

It has wheels where pyghostty has none (musl, other processors). The library knows the
screen only: ``avt_scan`` reads along for modes, queries, title and bells, ``avt_history``
keeps the scrollback, and keys come from ``keycodes``.
"""

from __future__ import annotations

import codecs
import logging
from collections.abc import Callable
from dataclasses import replace
from functools import cache

import avt
from avt import Line, Vt

from tuivm.core.avt_history import History
from tuivm.core.avt_rows import WRAPPED, decode, encode, plain
from tuivm.core.avt_scan import Do, Modes, Scanner, Task, printable
from tuivm.core.keycodes import clean_paste, wheel
from tuivm.core.keycodes import encode as encode_key
from tuivm.core.terminal import (
    MIN_LINES,
    Cursor,
    Frame,
    Keyboard,
    TerminalUnavailable,
    clamp_grid,
)
from tuivm.core.text import sanitise

logger = logging.getLogger(__name__)

VERSION = "0.1.2"
SAMPLE = ['\x1b[0;38:5:200;1ma\x1b[0m"\\日xxx' + WRAPPED, "xxxxxx"]
"""What the library makes of ``check_library``'s text, as ``avt_rows`` writes it."""
CHUNK = 2048
"""Characters given to the library at once: it holds the GIL, and what scrolls off the
screen within one call is kept by it at 24 bytes a cell."""
COMPACT = 1024
"""Lines of the scrollback that are made compact with a feed, 4 us each."""
FLOOD = 256
"""Lines that a feed brings from which on nothing is made compact: a flood would pay for
lines that it soon drops again."""
MAX_REPLIES = 1 << 16
"""Bytes of replies kept until somebody takes them."""
REBUILT = "\r\n\x1b[0;2m-- the terminal failed and was built anew --\x1b[0m\r\n"
QUIET = 64
"""Calls of the library after a rebuilding within which another one is not told of."""


@cache
def check_library() -> None:
    """Refuse a library whose lines do not read as ``avt_rows`` expects."""
    vt = Vt(8, 2, 0)
    vt.feed_str('\x1b[1;38;5;200ma\x1b[0m"\\日' + "x" * 9)
    rows = [encode(vt[0]), encode(vt[1])]
    if avt.__version__ != VERSION or rows != SAMPLE:
        raise TerminalUnavailable(
            "Cannot show a terminal",
            f"the terminal library pyavt is not the version {VERSION} that is known here",
            hint=f"pip install pyavt=={VERSION}, or use: tuivm console DOMAIN",
        )


class AvtCore:
    """``core.terminal.TerminalCore`` on avt. See there for threads."""

    def __init__(
        self,
        columns: int = 80,
        lines: int = 24,
        *,
        scrollback: int = 10_000,
        make: Callable[[int, int, int], Vt] = Vt,
    ) -> None:
        check_library()
        self.keyboard = Keyboard()
        self._columns, self._lines = clamp_grid(columns, lines)
        self._make = make
        self._vt = make(self._columns, self._lines, 0)
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._scanner = Scanner()
        self._history = History(scrollback)
        self._replies = bytearray()
        self._behind = 0
        self._dirty: set[int] = set(range(self._lines))
        self._screen = [""] * self._lines
        self._captured = Frame(self._columns, self._lines)
        self._view: list[str] = []
        self._drawn: list[str | None] = []
        self._drawn_width = 0
        self._since_rebuilt = QUIET

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
        return sanitise(self._scanner.title, 128)

    @property
    def alternate(self) -> bool:
        """True while a full-screen program has the screen."""
        return self._modes.alternate

    @property
    def _modes(self) -> Modes:
        return self._scanner.modes

    # -- input from the guest --------------------------------------------------------------

    def feed(self, data: bytes) -> None:
        """Take what the guest printed; never raises, whatever the bytes are."""
        before = self._history.added
        text = printable(self._decoder.decode(data))
        waiting: list[str] = []
        for piece in self._scanner.scan(text, self._lines):
            if isinstance(piece, str):
                waiting.append(piece)
                continue
            self._print("".join(waiting))
            waiting.clear()
            self._do(piece)
        self._print("".join(waiting))
        if self._modes.alternate:
            self._behind = 0
        if self._history.added - before < FLOOD:
            self._history.compact(COMPACT)

    def _print(self, text: str) -> None:
        for start in range(0, len(text), CHUNK):
            self._call(lambda vt, part=text[start : start + CHUNK]: vt.feed_str(part))  # type: ignore[misc]

    def _call(
        self, call: Callable[[Vt], tuple[list[int], list[Line]]], *, keep: bool = True
    ) -> None:
        """Let the library do something and take what changed; build it anew if it fails."""
        try:
            dirty, gone = call(self._vt)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException:
            # Rust's panics are no Exceptions; what one leaves behind is worth nothing.
            logger.exception("avt failed, building it anew")
            self._rebuild()
            return
        self._since_rebuilt += 1
        self._dirty.update(dirty)
        if gone and keep:
            self._scrolled(self._history.extend(gone))

    def _scrolled(self, rows: int) -> None:
        """That many rows left the screen; a view of the past stays where it is."""
        if self._behind:
            self._behind = min(self._behind + rows, len(self._history))

    def _rebuild(self) -> None:
        """A new screen; what the old one showed goes to the scrollback, which is ours."""
        if not self.alternate:
            self._scrolled(self._history.extend(self._salvage()))
        self._vt = self._make(self._columns, self._lines, 0)
        self._dirty.update(range(self._lines))
        told, self._since_rebuilt = self._since_rebuilt >= QUIET, 0
        try:
            self._vt.feed_str((REBUILT if told else "") + self._modes.replay())
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException:
            logger.exception("avt failed again")

    def _salvage(self) -> list[Line]:
        """The lines that the screen shows, without the empty ones at its end."""
        try:
            lines = self._vt.view()
            while lines and not lines[-1].text.strip():
                lines.pop()
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException:
            logger.exception("avt cannot tell what it showed")
            return []
        return lines

    def _do(self, task: Task) -> None:
        what, text = task
        if what is Do.REPLY:
            self._reply(text)
        elif what is Do.CURSOR_REPLY:
            x, y = self._position()
            top = self._modes.top if 6 in self._modes.dec else 0
            self._reply(f"{text}{y - top + 1};{x + 1}R")
        elif what is Do.CLEAR_HISTORY:
            self._history.clear()
            self._behind = 0
        elif what is Do.RESET:
            self._reset()
        elif what is Do.EDIT_LINES:
            bottom = self._modes.bottom
            if (
                self._modes.top
                <= self._position()[1]
                <= (self._lines if bottom is None else bottom)
            ):
                # The library counts a line deleted at the top as one that scrolled off.
                self._call(lambda vt: vt.feed_str(text), keep=False)
        elif what is Do.SCROLL:
            self._print(text)
        elif what is Do.REPEAT:
            self._print(f"\x1b[{min(int(text), self._columns * self._lines)}b")

    def _reset(self) -> None:
        """RIS: the screen is cleared into the scrollback, which the guest cannot reset."""
        self._call(lambda vt: vt.feed_str("\x1b[?1047l"))
        self._scrolled(self._history.extend(self._salvage()))
        self._call(lambda vt: vt.feed_str("\x1bc"))

    def _reply(self, text: str) -> None:
        if len(self._replies) < MAX_REPLIES:
            self._replies += text.encode()

    def _position(self) -> tuple[int, int]:
        cursor = self._vt.cursor
        return min(cursor.col, self._columns - 1), min(cursor.row, self._lines - 1)

    def take_replies(self) -> bytes:
        """Take the answers to the guest's queries."""
        replies = bytes(self._replies)
        self._replies.clear()
        return replies

    def take_bells(self) -> int:
        """How often the bell rang since the last call."""
        bells, self._scanner.bells = self._scanner.bells, 0
        return max(0, bells)

    def resize(self, columns: int, lines: int) -> None:
        """Change the grid; lines of the primary screen are wrapped anew."""
        columns, lines = clamp_grid(columns, lines)
        if (columns, lines) == (self._columns, self._lines):
            return
        rewrap = columns != self._columns
        if rewrap and not self.alternate:
            # The library would push rows out at the top rather than use empty ones below.
            used = self._used_rows()
            self._call(lambda vt: vt.resize(self._columns, used))
        self._columns, self._lines = columns, lines
        self._modes.top, self._modes.bottom = 0, None
        self._call(lambda vt: vt.resize(columns, lines))
        if rewrap:
            self._history.rewrap(columns)
            self._behind = min(self._behind, len(self._history))
        self._screen = [""] * lines
        self._dirty = set(range(lines))

    def _used_rows(self) -> int:
        """Rows of the screen down to the last one with something in it."""
        rows = self._rows_of_screen()
        last = max((y for y, row in enumerate(rows) if row), default=0)
        return max(last, self._position()[1], MIN_LINES - 1) + 1

    # -- output to the screen --------------------------------------------------------------

    def _rows_of_screen(self) -> list[str]:
        """The live rows, those that changed read anew."""
        try:
            for y in self._dirty:
                if y < self._lines:
                    self._screen[y] = encode(self._vt[y])
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException:
            logger.exception("avt failed, building it anew")
            self._rebuild()
        else:
            self._dirty.clear()
        return list(self._screen)

    def capture(self) -> None:
        """Copy the state that the next ``frame`` shows; fast."""
        past = 0 if self._modes.alternate else len(self._history)
        behind = min(self._behind, past)
        top = past - behind
        rows = self._rows_of_screen()
        if behind:
            rows = self._history.rows(top, top + self._lines) + rows
        self._view = rows[: self._lines]
        self._captured = Frame(
            self._columns,
            self._lines,
            total=past + self._lines,
            offset=top,
            cursor=self._cursor(behind),
        )

    def _cursor(self, behind: int) -> Cursor | None:
        x, y = self._position()
        if y + behind >= self._lines:
            return None
        if x and not self._vt[y][x].width:
            x -= 1
        return Cursor(x, y + behind, self._vt.cursor.visible)

    def frame(self, *, full: bool = False) -> Frame:
        """Build the rows that changed up to the last ``capture``; all of them with ``full``."""
        frame = replace(self._captured, rows={})
        if len(self._drawn) != frame.lines or self._drawn_width != frame.columns:
            self._drawn = [None] * frame.lines
            self._drawn_width = frame.columns
        for y, row in enumerate(self._view):
            if full or row != self._drawn[y]:
                frame.rows[y] = decode(row, frame.columns)
                self._drawn[y] = row
        return frame

    def scroll(self, rows: int) -> None:
        """Move the view within the scrollback, negative towards the past."""
        if not self._modes.alternate:
            self._behind = max(0, min(self._behind - rows, len(self._history)))

    def scroll_to_bottom(self) -> None:
        """Show the live screen again."""
        self._behind = 0

    def _all_rows(self, first: int, last: int | None) -> list[str]:
        past = 0 if self._modes.alternate else len(self._history)
        end = past + self._lines if last is None else last + 1
        rows = self._history.rows(first, min(end, past)) if first < past else []
        screen = self._rows_of_screen()
        return rows + screen[max(0, first - past) : max(0, end - past)]

    def text(self, first: int = 0, last: int | None = None) -> str:
        """Rows ``first`` to ``last`` as plain text, wrapped lines joined."""
        parts: list[str] = []
        for row in self._all_rows(first, last):
            text = plain(row)
            parts.append(text[:-1] if text.endswith(WRAPPED) else text.rstrip() + "\n")
        return "".join(parts).strip("\n")

    def row_texts(self, first: int = 0, last: int | None = None) -> list[str]:
        """Rows ``first`` to ``last`` as plain text, blanks at their ends cut off."""
        return [plain(row).rstrip() for row in self._all_rows(first, last)]

    # -- input from the user ---------------------------------------------------------------

    def key(self, key: str, character: str | None) -> bytes:
        """Encode a key press as the guest's modes want it; empty when it has no bytes."""
        return encode_key(key, character, self.keyboard, application=1 in self._modes.dec)

    def paste(self, text: str) -> bytes:
        """Encode pasted text: control characters out, bracketed when the guest asked."""
        return clean_paste(text, bracketed=2004 in self._modes.dec)

    def wheel(self, up: bool, x: int, y: int) -> bytes:
        """Encode one notch of the mouse wheel; empty when the guest did not ask for it."""
        if self._modes.mouse:
            return wheel(up, x, y, self._modes.mouse_encoding)
        return self.key("up" if up else "down", None) * 3 if self.alternate else b""

    def close(self) -> None:
        """Free it; no other call may follow."""
        self._history.clear()
