"""The host check on screen: a line a finding, the most urgent first, and what to do."""

from __future__ import annotations

import asyncio
from typing import ClassVar

from textual.app import ComposeResult

from tuivm.core.check import Finding, Part, Verdict, as_text, summary, urgent_first
from tuivm.core.errors import TuivmError
from tuivm.core.glyphs import glyphs
from tuivm.core.text import cell_width, fit
from tuivm.screens.context import Context
from tuivm.screens.power import copy
from tuivm.screens.rowscreen import RowScreen
from tuivm.widgets import bars
from tuivm.widgets.bars import Bar
from tuivm.widgets.fieldsbox import FieldsBox
from tuivm.widgets.listbox import Line, ListBox, Span

_ROLES = {
    Verdict.OK: "good",
    Verdict.WARNING: "warn",
    Verdict.PROBLEM: "bad",
    Verdict.UNKNOWN: "dim",
}
TITLE_WIDTH = 18


class CheckScreen(RowScreen):
    """What was found on one host, and all about the finding under the cursor."""

    VIEW = "view.hosts"
    SCOPE = "hosts"
    HINTS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("nav.back", "back"),
        ("view.check", "check again"),
        ("view.copy", "copy the report"),
        ("app.command", "command"),
        ("app.help", "help"),
    )

    DEFAULT_CSS = """
    CheckScreen #facts { min-height: 5; }
    """

    def __init__(self, context: Context, host: str) -> None:
        super().__init__(context)
        self._host = host
        self._parts: tuple[Part, ...] = ()
        self._findings: dict[str, Finding] = {}
        self._busy = False

    def compose_body(self) -> ComposeResult:
        """The count, the findings, and one of them in full."""
        yield Bar(id="summary")
        yield ListBox(id="findings", ascii_only=self.context.options.ascii)
        yield FieldsBox(id="facts")

    def on_mount(self) -> None:
        """Begin to look."""
        self.do_view_check()

    def host(self) -> str:
        """The host that was checked."""
        return self._host

    def do_view_check(self) -> None:
        """Look again."""
        if not self._busy:
            self._busy = True
            self._summarise(f"checking {self._host}{glyphs(self.context.options.ascii).ellipsis}")
            self.work(self._check())

    async def _check(self) -> None:
        try:
            parts = await asyncio.wrap_future(self.context.backend.check(self._host))
        except TuivmError as error:
            self._busy = False
            self._summarise(str(error), "bad")
            return
        self._busy = False
        if self.present:
            self._show(parts)

    def _show(self, parts: tuple[Part, ...]) -> None:
        self._parts = parts
        self._findings = {}
        lines: list[Line] = []
        for part in parts:
            lines.append(Line((Span(f" {part.title}", "header"),), selectable=False))
            for finding in urgent_first(part.findings):
                key = f"{part.title}/{finding.id}"
                self._findings[key] = finding
                lines.append(_line(finding, key))
        box = self.query_one(ListBox)
        box.show(lines)
        self._summarise(summary(parts))
        self.cursor_moved()

    def _summarise(self, text: str, role: str = "dim") -> None:
        left = [bars.Part(f" {self._host}: ", "strong"), bars.Part(text, role)]
        self.show_bar("#summary", left)

    def cursor_moved(self) -> None:
        """Show the finding under the cursor in full."""
        line = self.query_one(ListBox).selected
        finding = self._findings.get(line.key) if line is not None else None
        self.query_one(FieldsBox).show([] if finding is None else fields(finding))

    def do_view_copy(self) -> None:
        """Copy the whole report as text."""
        if self._parts:
            copy(self, as_text(self._parts))
        else:
            self.say("there is no report yet")

    def do_nav_back(self) -> None:
        """To the hosts."""
        self.dismiss()


def _line(finding: Finding, key: str) -> Line:
    role = _ROLES[finding.verdict]
    title = fit(finding.title, max(TITLE_WIDTH, cell_width(finding.title)))
    spans = (
        Span(f"  {finding.verdict.value:<8} ", role),
        Span(f"{title}  ", "strong"),
        Span(finding.text, "" if finding.verdict is not Verdict.OK else "dim"),
    )
    return Line(spans, key)


def fields(finding: Finding) -> list[tuple[str, str, str]]:
    """A finding as (label, value, role)."""
    rows = [
        (finding.title, finding.verdict.value, _ROLES[finding.verdict]),
        ("Found", finding.text, ""),
    ]
    if finding.verdict is not Verdict.OK:
        heads = ("What to do", *[""] * len(finding.fix))
        rows += [(head, line, "strong") for head, line in zip(heads, finding.fix, strict=False)]
    return rows
