"""The XML of a VM: as it runs, as it will start next, and what differs between the two."""

from __future__ import annotations

from typing import NamedTuple

from textual.app import ComposeResult

from tuivm.core.api import Backend
from tuivm.core.changes import change_lines
from tuivm.core.model import DomainXml
from tuivm.core.store import Store
from tuivm.core.xmltext import HIDDEN, XmlLines
from tuivm.screens.details_pane import DetailsPane, Hints, Notice
from tuivm.screens.details_state import DetailsState
from tuivm.widgets.bars import Bar, Part
from tuivm.widgets.textview import Spans, TextView

LIVE, NEXT, DIFF = "live", "next", "diff"


class Content(NamedTuple):
    """What the pager shows, or why there is nothing to show."""

    title: str
    lines: list[str]
    spans: Spans | None
    notice: tuple[tuple[str, str], ...] = ()


class XmlPane(DetailsPane):
    """A pager under a line that says what it shows."""

    TAB = "xml"

    def __init__(self, state: DetailsState, store: Store, backend: Backend) -> None:
        super().__init__(state, store, backend)
        self._mode = LIVE
        self._before_diff = LIVE
        self._shown: tuple[object, ...] = ()
        self._title = ""
        self._secrets = 0
        self._about = Bar()
        self._text = TextView()
        self._text.ascii = state.ascii
        self._notice = Notice(ascii_only=state.ascii)

    def compose(self) -> ComposeResult:
        """What is shown, and the text."""
        yield self._about
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

    def hints(self) -> Hints:
        """Which keys this text has, and what they would do now."""
        if self.text.selecting:
            return (("view.copy", "copy the lines"), ("nav.back", "stop selecting"))
        flip = "live" if self._mode != LIVE else "next start"
        diff = "back to the XML" if self._mode == DIFF else "differences"
        return (
            ("text.flip", flip),
            ("text.diff", diff),
            ("text.search", "search"),
            *((("text.next", "next match"),) if self.text.find else ()),
            ("view.copy", "copy"),
            ("text.select", "select lines"),
        )

    def show_state(self) -> None:
        """Show the XML of the mode; the place and the search stay when it is read again."""
        details, error = self.state.details, self.state.error
        shown = (details.xml if details else None, error, self._mode, self.state.active)
        if shown != self._shown:
            changed_mode = self._shown[2:3] != (self._mode,)
            self._shown = shown
            if details is None:
                waiting = (str(error), "bad") if error else ("reading the XML…", "dim")
                content = Content("XML", [], None, (waiting,))
            else:
                content = self._content(details.xml)
            self._title = content.title
            if changed_mode:
                self.text.move_to(0)
            self.text.show(content.lines, content.spans)
            self._secrets = sum(line.count(HIDDEN) for line in content.lines)
            self._notice.say(*content.notice)
            self._notice.display = bool(content.notice)
            self.text.display = not content.notice
        self._show_about()

    def _content(self, xml: DomainXml) -> Content:
        if self._mode == DIFF:
            return self._differences(xml)
        if self._mode == NEXT and xml.inactive is not None:
            return _document("XML of the next start", xml.inactive)
        if not self.state.active:
            return _document(f"XML of the next start (it is {self._state_word})", xml.live)
        return _document("XML as it runs now", xml.live)

    @property
    def _state_word(self) -> str:
        row = self.state.row
        return "gone" if row is None or self.state.gone else row.domain.state.value

    def _differences(self, xml: DomainXml) -> Content:
        title = "What the next start changes"
        refusal = self._no_other(xml)
        if refusal:
            return Content(title, [], None, ((refusal, ""),))
        if not xml.changes:
            same = "No difference: the next start uses what runs now."
            left_out = "What libvirt itself adds while a VM runs (addresses, aliases) is left out."
            return Content(title, [], None, ((same, "good"), (left_out, "dim")))
        styled = change_lines(xml.changes)
        return Content(title, [line for line, _ in styled], lambda index: styled[index][1])

    def _no_other(self, xml: DomainXml) -> str:
        """Why there is only one form of the XML, or empty."""
        if not self.state.active:
            return f"It is {self._state_word}: there is only the XML of its next start."
        if xml.inactive is None:
            return "It is transient: it is gone once it stops, so there is no next start."
        return ""

    def flip(self, by: int = 1) -> str:
        """Turn between what runs and the next start."""
        details = self.state.details
        if details is None:
            return "the XML is not read yet"
        refusal = self._no_other(details.xml)
        if refusal:
            return refusal
        self._mode = NEXT if self._mode == LIVE else LIVE
        self.show_state()
        return ""

    def diff(self) -> str:
        """Show the differences, or go back to the XML."""
        if self._mode == DIFF:
            self._mode = self._before_diff
        else:
            self._before_diff, self._mode = self._mode, DIFF
        self.show_state()
        return ""

    def show_differences(self) -> None:
        """Show the differences, whatever was shown before."""
        if self._mode != DIFF:
            self._before_diff, self._mode = self._mode, DIFF

    def back(self) -> bool:
        """Leave selection, search, then the differences."""
        if super().back():
            return True
        if self._mode == DIFF:
            self.diff()
            return True
        return False

    def sideways(self, by: int) -> str:
        """Scroll long lines."""
        self.text.sideways(by * 8)
        return ""

    def copied(self) -> tuple[str, str] | None:
        """What is marked, else all of it."""
        if not self.text.lines:
            return None
        lines = len(self.text.selected)
        what = f"{lines} lines of XML" if lines else self._title.partition(" (")[0]
        return what, self.text.chosen()

    def on_text_view_changed(self, message: TextView.Changed) -> None:
        """Say where in the text the reader is."""
        self._show_about()

    def _show_about(self) -> None:
        text = self.text
        left = [Part(" "), Part(self._title, "header")]
        if text.display and text.lines:
            dot = f" {self.state.glyphs.dot} "
            left.append(Part(f"{dot}{len(text.lines)} lines", "dim"))
            if self._secrets:
                many = "secret" if self._secrets == 1 else "secrets"
                left.append(Part(f"{dot}{self._secrets} {many} hidden", "warn"))
        self._about.show(left, place(text) if text.display else ())


def place(text: TextView) -> list[Part]:
    """Where the reader is: the match, the selection, and how far down."""
    parts: list[Part] = []
    if text.selecting:
        lines = len(text.selected)
        parts.append(Part(f"{lines} line{'s' * (lines != 1)} selected  ", "mark"))
    if text.find is not None:
        role = "find" if text.find.matches else "warn"
        parts += [Part(f"/{text.find.needle}  ", "dim"), Part(text.find.count, role), Part("  ")]
    if text.left:
        parts.append(Part(f"+{text.left}  ", "dim"))
    if len(text.lines) > text.page:
        seen = min(text.top + text.page, len(text.lines))
        parts.append(Part(f"{100 * seen // len(text.lines)} %", "dim"))
    return [*parts, Part(" ")]


def _document(title: str, xml: str) -> Content:
    lines = xml.rstrip("\n").split("\n")
    return Content(title, lines, XmlLines(lines).spans)
