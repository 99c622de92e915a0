"""What is written about a VM: its hypervisor's log, libvirt's messages, and its events."""

from __future__ import annotations

import time
from collections.abc import Iterable

from textual.app import ComposeResult

from tuivm.core.api import Backend
from tuivm.core.changes import Styled
from tuivm.core.model import LogEntry, QemuLog, Severity
from tuivm.core.store import Store
from tuivm.core.xmltext import Span
from tuivm.screens.details_pane import DetailsPane, Hints, Notice
from tuivm.screens.details_state import DetailsState
from tuivm.screens.details_xml import place
from tuivm.widgets.bars import Bar, Part
from tuivm.widgets.textview import TextView

FILE, MESSAGES, EVENTS = "file", "messages", "events"
PARTS = (FILE, MESSAGES, EVENTS)
_ROLES = {Severity.GOOD: "good", Severity.WARNING: "warn", Severity.ERROR: "bad"}


class LogPane(DetailsPane):
    """Three texts, one at a time; each stays at its end until the reader scrolls up."""

    TAB = "log"

    def __init__(self, state: DetailsState, store: Store, backend: Backend) -> None:
        super().__init__(state, store, backend)
        self.log_file: QemuLog | None = None
        """The newest reading of the hypervisor's log."""
        self._part = FILE
        self._chosen = False
        self._events: list[LogEntry] = []
        self._styled: tuple[str, list[Styled]] = ("", [])
        self._parts = Bar()
        self._text = TextView()
        self._text.ascii, self._text.follow = state.ascii, True
        self._notice = Notice(ascii_only=state.ascii)

    def compose(self) -> ComposeResult:
        """What is shown, and the text."""
        yield self._parts
        yield self._text
        yield self._notice

    @property
    def rows(self) -> TextView:
        """The text scrolls."""
        return self._text

    @property
    def text(self) -> TextView:
        """The text can be searched and selected."""
        return self._text

    def take(self, log: QemuLog) -> None:
        """Take a reading of the hypervisor's log; where it cannot be read, show the events."""
        self.log_file = log
        if log.error is not None and not self._chosen:
            self._part = EVENTS
        if self.ready:
            self.show_state()

    def forget(self) -> None:
        """Another VM is shown."""
        self.log_file, self._part, self._chosen = None, FILE, False

    def hints(self) -> Hints:
        """Which keys this text has."""
        if self.text.selecting:
            return (("view.copy", "copy the lines"), ("nav.back", "stop selecting"))
        return (
            ("text.flip", "next part"),
            ("text.search", "search"),
            *((("text.next", "next match"),) if self.text.find else ()),
            ("nav.last", "newest"),
            ("view.copy", "copy"),
            ("text.select", "select lines"),
        )

    def flip(self, by: int = 1) -> str:
        """Show the next part."""
        return self.choose(PARTS[(PARTS.index(self._part) + by) % len(PARTS)])

    def choose(self, part: str) -> str:
        """Show a part, at its end."""
        self._part, self._chosen = part, True
        self.show_state()
        self.text.move_to(len(self.text.lines))
        return ""

    def sideways(self, by: int) -> str:
        """Scroll long lines."""
        self.text.sideways(by * 8)
        return ""

    def copied(self) -> tuple[str, str] | None:
        """What is marked, else all of it."""
        if not self.text.lines:
            return None
        lines = len(self.text.selected)
        title = dict(self._titles())[self._part]
        return (f"{lines} lines of the log" if lines else title), self.text.chosen()

    def show_state(self) -> None:
        """Show the part; new lines are followed."""
        self._events = [entry for entry in (*self.store.past, *self.store.log) if self._mine(entry)]
        styled, why = self._content()
        self.text.show([line for line, _ in styled], lambda index: styled[index][1])
        self._notice.say(*why)
        self._notice.display = bool(why)
        self.text.display = not why
        self._show_parts()

    def _content(self) -> tuple[list[Styled], tuple[tuple[str, str], ...]]:
        if self._part == EVENTS:
            if self._events:
                return [_event(entry) for entry in self._events], ()
            return [], (("Nothing happened to it since tuivm was started.", "dim"),)
        if self._part == MESSAGES:
            details = self.state.details
            if details is None:
                return [], (("reading the messages…", "dim"),)
            if not details.messages:
                return [], (("libvirt has no messages about it: not tainted, not deprecated.", ""),)
            return [(message, ()) for message in details.messages], ()
        return self._file()

    def _file(self) -> tuple[list[Styled], tuple[tuple[str, str], ...]]:
        log = self.log_file
        if log is None:
            return [], (("reading the log…", "dim"),)
        if log.error is not None:
            error = log.error
            said = [(error.title, "bad"), (error.message, ""), (error.hint, "")]
            return [], tuple((text, role) for text, role in said if text)
        if not log.text.strip():
            return [], ((f"{log.path} is empty.", "dim"),)
        if log.text != self._styled[0]:
            lines = log.text.rstrip("\n").split("\n")
            self._styled = (log.text, [_line(line) for line in lines])
        return self._styled[1], ()

    def _mine(self, entry: LogEntry) -> bool:
        return entry.uuid == self.state.key.uuid and entry.host == self.state.key.host

    def _titles(self) -> Iterable[tuple[str, str]]:
        row = self.state.row
        kind = row.domain.facts.virt_type if row and row.domain.facts else ""
        yield FILE, "QEMU log" if kind in ("", "kvm", "qemu") else "Hypervisor log"
        yield MESSAGES, "Messages"
        yield EVENTS, "Events"

    def _show_parts(self) -> None:
        details = self.state.details
        counts = {
            MESSAGES: len(details.messages) if details else 0,
            EVENTS: len(self._events),
        }
        left: list[Part] = []
        for part, title in self._titles():
            role = "view.on" if part == self._part else "view"
            left += [Part(" "), Part(title, role, f"details.log_{part}")]
            if part == FILE and self.log_file is not None and self.log_file.error is not None:
                left.append(Part(" not readable", "warn"))
            if counts.get(part):
                left.append(Part(f" {counts[part]}", "dim"))
            left.append(Part(" "))
        log = self.log_file
        if self._part == FILE and log is not None and log.error is None:
            left.append(Part(f" {log.path}", "dim"))
        self._parts.show(left, self._place())

    def _place(self) -> list[Part]:
        text = self.text
        if not text.display:
            return []
        if text.at_end:
            return [*place(text)[:-1], Part("  following", "good"), Part(" ")]
        return place(text)

    def on_text_view_changed(self, message: TextView.Changed) -> None:
        """Say where in the text the reader is."""
        self._show_parts()


def _event(entry: LogEntry) -> Styled:
    """One line of the event log: time, what happened, why, and the same in virsh's words."""
    clock = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(entry.at))
    text = f"{clock}  "
    spans = [Span(0, len(text), "dim")]
    start = len(text)
    text += entry.text
    spans.append(Span(start, len(text), _ROLES.get(entry.severity, "")))
    if entry.error is not None:
        for piece in (entry.error.message, entry.error.hint and f"({entry.error.hint})"):
            text += f"  {piece}" if piece else ""
    if entry.virsh:
        spans.append(Span(len(text), len(text) + 3 + len(entry.virsh), "dim"))
        text += f"   {entry.virsh}"
    return text, tuple(spans)


def _line(line: str) -> Styled:
    """A line of the hypervisor's log: its own time steps back, errors stand out."""
    low = line.lower()
    if "error" in low or "failed" in low or "fatal" in low:
        return line, (Span(0, len(line), "bad"),)
    if "warning" in low or "deprecated" in low:
        return line, (Span(0, len(line), "warn"),)
    if ": " in line[:40] and line[:4].isdigit():
        return line, (Span(0, line.index(": "), "dim"),)
    return line, ()
