"""Hands a console that is open already to the bare terminal, screen and modes included."""

from __future__ import annotations

from collections.abc import Iterable

from tuivm.core.api import ConsoleChannel, ConsoleSink, ConsoleState
from tuivm.core.session import ConsoleSession
from tuivm.core.terminal import RGB, CellStyle, Frame, Run

CLEAR = b"\x1b[0m\x1b[H\x1b[2J\x1b[3J"
ALTERNATE = b"\x1b[?1049h"
APPLICATION_KEYS = b"\x1b[?1h"
BRACKETED_PASTE = b"\x1b[?2004h"
MOUSE = b"\x1b[?1000;1006h"
_FLAGS = (
    ("bold", "1"),
    ("faint", "2"),
    ("italic", "3"),
    ("underline", "4"),
    ("blink", "5"),
    ("inverse", "7"),
    ("invisible", "8"),
    ("strike", "9"),
    ("overline", "53"),
)


class Borrowed(ConsoleChannel):
    """A session's console for one more listener; closing it only stops the listening."""

    def __init__(self, session: ConsoleSession, sink: ConsoleSink, first: bytes = b"") -> None:
        """Begin to listen; ``first`` is what the sink is told before everything else."""
        self._session = session
        if first:
            sink.console_bytes(first)
        self._ends = (
            session.add_tap(sink.console_bytes),
            session.changed.add(lambda change: sink.console_state(*change)),
        )
        sink.console_state(session.state, session.detail)

    @property
    def state(self) -> ConsoleState:
        """The session's."""
        return self._session.state

    @property
    def pending(self) -> int:
        """Bytes of input that have not been sent yet."""
        return int(getattr(self._session.channel, "pending", 0))

    def write(self, data: bytes) -> None:
        """Send input to the guest."""
        self._session.write(data)

    def attach(self, *, force: bool = False) -> None:
        """See the session."""
        self._session.attach(force=force)

    def close(self) -> None:
        """Stop listening."""
        for end in self._ends:
            end()


def handover(session: ConsoleSession, hint: str) -> bytes:
    """What makes a cleared terminal look and behave like the session's: text, cursor, modes.

    ``hint`` stands above the text, unless a full-screen program has the screen.
    """
    session.scroll_to_bottom()
    with session.turn as core:
        if core is None:
            return CLEAR
        alternate = core.alternate
        modes = [
            mode
            for mode, wanted in (
                (APPLICATION_KEYS, core.key("up", None) == b"\x1bOA"),
                (BRACKETED_PASTE, core.paste("x").startswith(b"\x1b[200~")),
                (MOUSE, core.wheel(True, 0, 0).startswith(b"\x1b[<")),
            )
            if wanted
        ]
    frame = session.frame(full=True)
    if frame is None:
        return CLEAR
    if alternate:
        return b"".join([ALTERNATE, CLEAR, *modes, _screen(frame)])
    return b"".join([CLEAR, *modes, f"\x1b[2m-- {hint} --\x1b[0m\r\n".encode(), _flow(frame)])


def _screen(frame: Frame) -> bytes:
    """All rows where they are, and the cursor."""
    rows = "".join(f"\x1b[{y + 1}H{_row(runs)}" for y, runs in frame.rows.items())
    cursor = frame.cursor
    if cursor is None:
        return rows.encode()
    hidden = "" if cursor.visible else "\x1b[?25l"
    return f"{rows}\x1b[{cursor.y + 1};{cursor.x + 1}H{hidden}".encode()


def _flow(frame: Frame) -> bytes:
    """The rows down to the cursor, one below the other, as if just printed."""
    cursor = frame.cursor
    last = frame.lines - 1 if cursor is None else cursor.y
    rows = "\r\n".join(_row(frame.rows.get(y, ())) for y in range(last + 1))
    return (rows + ("" if cursor is None else f"\x1b[{cursor.x + 1}G")).encode()


def _row(runs: Iterable[Run]) -> str:
    """A row with its colours, blanks at its end left out."""
    parts = [(run.text, sgr(run.style)) for run in runs]
    while parts and parts[-1][1] == "0":
        text = parts[-1][0].rstrip()
        if text:
            parts[-1] = (text, "0")
            break
        parts.pop()
    shown = "".join(
        f"\x1b[{codes}m{text}" if codes != "0" else text for text, codes in _merge(parts)
    )
    return shown + ("\x1b[0m" if any(codes != "0" for _, codes in parts) else "")


def _merge(parts: list[tuple[str, str]]) -> Iterable[tuple[str, str]]:
    """The parts; one that goes back to plain says so."""
    before = "0"
    for text, codes in parts:
        yield (f"\x1b[0m{text}" if codes == "0" and before != "0" else text), codes
        before = codes


def sgr(style: CellStyle) -> str:
    """The parameters of the escape sequence that sets a style, from a plain one."""
    codes = ["0", *(code for name, code in _FLAGS if getattr(style, name))]
    codes += _color(style.fg, 30) + _color(style.bg, 40)
    return ";".join(codes)


def _color(value: int, base: int) -> list[str]:
    if value < 0:
        return []
    if value >= RGB:
        parts = (value >> 16 & 0xFF, value >> 8 & 0xFF, value & 0xFF)
        return [f"{base + 8};2;{';'.join(map(str, parts))}"]
    if value < 8:
        return [str(base + value)]
    return [f"{base + 8};5;{value}"]
