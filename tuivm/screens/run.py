"""What came of a command on several consoles: one line a VM, while it goes on and after."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.timer import Timer

from tuivm.core.api import ConsoleLine, Login, LoginRun
from tuivm.core.errors import TuivmError
from tuivm.core.model import DomainKey, LogEntry, Severity
from tuivm.core.runs import RunResult, RunStep
from tuivm.core.text import cell_width, duration_text, fit, sanitise
from tuivm.screens import runtext
from tuivm.screens.context import Context
from tuivm.screens.rowscreen import RowScreen
from tuivm.screens.textpage import TextPage, copy_text, save_text
from tuivm.widgets.bars import Bar, Part
from tuivm.widgets.listbox import Line, ListBox, Span

AT_ONCE = 8
"""Consoles on which something is done at the same time."""


@dataclass(slots=True)
class Job:
    """One VM's command."""

    key: DomainKey
    name: str
    step: RunStep = RunStep.WAITING
    since: float = 0.0
    """``time.monotonic()`` of its begin."""
    run: LoginRun | None = None
    result: RunResult | None = None
    cancelled: bool = False


class RunScreen(RowScreen):
    """Begins when it opens. Leaving breaks off what still runs, after a question."""

    SCOPE = "run"
    HINTS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("view.details", "whole output"),
        ("view.copy", "copy"),
        ("run.save", "save all"),
        ("view.run", "again"),
        ("view.console", "console"),
        ("nav.back", "back"),
        ("app.help", "help"),
    )
    RUNNING: ClassVar[tuple[tuple[str, str], ...]] = (
        ("run.cancel", "cancel this"),
        ("run.cancel_all", "cancel all"),
    )

    def __init__(self, context: Context, keys: Sequence[DomainKey], login: Login) -> None:
        super().__init__(context)
        rows = context.store.rows
        self._jobs = {
            key: Job(key, rows[key].domain.name if key in rows else key.uuid) for key in keys
        }
        self._command = login.command
        self._login: Login | None = login
        self._gate = asyncio.Semaphore(AT_ONCE)
        self._clock: Timer | None = None
        self._began = time.monotonic()
        self._took = 0.0

    # -- Textual -------------------------------------------------------------------------

    def compose_body(self) -> ComposeResult:
        """The summary and a line a VM."""
        yield Bar(id="summary")
        yield ListBox(id="results", ascii_only=self.context.options.ascii)

    def on_mount(self) -> None:
        """Begin."""
        self._clock = self.set_interval(1.0, self.refresh_results)
        self.work(self._all())
        self.refresh_results()

    def on_unmount(self) -> None:
        """Break off what still runs."""
        self._cancel(self._jobs.values())

    def on_resize(self) -> None:
        """Lines are as long as the screen is wide."""
        self.refresh_results()

    # -- the commands --------------------------------------------------------------------

    async def _all(self) -> None:
        login = self._login
        if login is None:
            return
        await asyncio.gather(*(self._one(job, login) for job in self._jobs.values()))
        # Nobody needs the password any more.
        self._login = None
        self._took = time.monotonic() - self._began
        if self._clock is not None:
            self._clock.stop()
        if len(self._jobs) > 1:
            self.context.store.add_entry(
                LogEntry(
                    time.time(),
                    runtext.total(self._command, self._results()),
                    seconds=self._took,
                )
            )
        if self.present:
            self.refresh_results()

    async def _one(self, job: Job, login: Login) -> None:
        async with self._gate:
            if job.cancelled:
                self._ended(job, RunResult(job.key, RunStep.CANCELLED))
                return
            job.since = time.monotonic()
            app = self.app  # a screen that was left finds none on another thread

            def report(step: RunStep) -> None:
                app.call_later(self._stepped, job, step)

            job.run = self.context.backend.log_in_and_run(
                job.key, login, report, line=self._line(job.key)
            )
            self._ended(job, await asyncio.wrap_future(job.run.result))

    def _line(self, key: DomainKey) -> ConsoleLine | None:
        """The console, where this program is attached to it already."""
        return self.context.consoles.attached(key)

    def _stepped(self, job: Job, step: RunStep) -> None:
        if job.result is None:
            job.step = step
            self.refresh_results()

    def _ended(self, job: Job, result: RunResult) -> None:
        job.result, job.step = result, result.step
        self.context.store.add_entry(_entry(job, self._command, result))
        self.refresh_results()

    def _cancel(self, jobs: Iterable[Job]) -> None:
        for job in jobs:
            job.cancelled = True
            if job.run is not None:
                job.run.cancel()

    @property
    def _open(self) -> list[Job]:
        return [job for job in self._jobs.values() if job.result is None]

    def _results(self) -> list[RunResult]:
        return [job.result for job in self._jobs.values() if job.result is not None]

    # -- what is shown -------------------------------------------------------------------

    def targets(self) -> tuple[DomainKey, ...]:
        """The VM under the cursor."""
        job = self._selected
        return () if job is None else (job.key,)

    def hints(self) -> Iterable[tuple[str, str]]:
        """Cancelling comes first while there is something to cancel."""
        return (*self.RUNNING, *self.HINTS) if self._open else self.HINTS

    @property
    def _selected(self) -> Job | None:
        line = self.query_one(ListBox).selected
        return None if line is None else self._by_line.get(line.key)

    @property
    def _by_line(self) -> Mapping[str, Job]:
        return {f"{key.host}/{key.uuid}": job for key, job in self._jobs.items()}

    def refresh_results(self) -> None:
        """Bring lines, summary and footer up to date."""
        box = self.query_one_optional("#results", ListBox)
        if box is None or not self.present:
            return
        longest = max(cell_width(job.name) for job in self._jobs.values())
        width = min(longest, max(16, min(32, self.size.width // 5)))
        hosts = {key.host for key in self._jobs}
        place = min(16, max(map(cell_width, hosts))) if len(self.context.store.hosts) > 1 else 0
        head = f" {'STATE':<19}  {fit('NAME', width)}"
        head += f"  {fit('HOST', place)}" if place else ""
        head += f"  {'EXIT':>4}  {'TIME':>6}  FIRST LINE"
        lines = [Line((Span(head, "header"),), selectable=False)]
        for line_id, job in self._by_line.items():
            lines.append(Line(self._spans(job, width, place), line_id))
        box.show(lines)
        self.show_bar("#summary", self._summary())
        self.refresh_footer()

    def _spans(self, job: Job, width: int, place: int) -> tuple[Span, ...]:
        text, role = runtext.state(job.step, job.result)
        code = "" if job.result is None or job.result.code is None else str(job.result.code)
        if job.result is not None:
            took = duration_text(job.result.seconds)
        else:
            took = duration_text(time.monotonic() - job.since) if job.since else ""
        first, first_role = runtext.first_line(job.result)
        return (
            Span(f" {fit(text, 19)}", role),
            Span(f"  {fit(job.name, width)}", "strong"),
            *((Span(f"  {fit(job.key.host, place)}", "dim"),) if place else ()),
            Span(f"  {code:>4}", role),
            Span(f"  {took:>6}", "dim"),
            Span(f"  {first}", first_role),
        )

    def _summary(self) -> list[Part]:
        command = fit(sanitise(self._command, 200), max(10, self.size.width - 40)).rstrip()
        seconds = self._took or time.monotonic() - self._began
        parts = [Part(" "), Part(command, "title"), Part("  ")]
        for text, role in runtext.counts(len(self._jobs), self._results()):
            parts.append(Part(text, role))
        return [*parts, Part(f" · {duration_text(seconds)}", "dim")]

    # -- actions -------------------------------------------------------------------------

    def row_opened(self) -> None:
        """A double click shows the whole output."""
        self.do_view_details()

    def do_view_details(self) -> None:
        """The whole output of the VM under the cursor."""
        job = self._selected
        if job is None:
            return
        if job.result is None:
            self.say(f"{job.name}: {job.step.value}; nothing to show yet", "dim")
            return
        text, role = runtext.state(job.step, job.result)
        title = [Part(f" {job.name} ", "title"), Part(text, role)]
        title.append(Part(f"  {sanitise(self._command, 200)}", "dim"))
        page = TextPage(
            self.context, title, runtext.whole(job.result), name=f"{job.name}-run", key=job.key
        )
        self.app.push_screen(page)

    def do_view_copy(self) -> None:
        """Copy the output of the VM under the cursor."""
        job = self._selected
        if job is not None and job.result is not None:
            copy_text(self, job.result.output or runtext.whole(job.result))
        else:
            self.say("nothing to copy yet", "dim")

    def do_run_save(self) -> None:
        """Write all outputs to one file."""
        parts = [
            runtext.section(job.name, job.key.host, self._command, job.result)
            for job in self._jobs.values()
            if job.result is not None
        ]
        if parts:
            save_text(self, "run", "\n\n".join(parts) + "\n")
        else:
            self.say("nothing to save yet", "dim")

    def do_run_cancel(self) -> None:
        """Break off what runs on the VM under the cursor."""
        job = self._selected
        if job is None or job.result is not None:
            self.say("nothing runs there any more", "dim")
            return
        self._cancel([job])
        self.say(f"{job.name}: breaking off, and leaving its console clean", "dim")

    def do_run_cancel_all(self) -> None:
        """Break off whatever still runs."""
        jobs = self._open
        self._cancel(jobs)
        self.say(f"breaking off {len(jobs)}" if jobs else "nothing runs any more", "dim")

    def do_view_run(self) -> None:
        """Another command on the same VMs."""
        if self._open:
            self.say("some still run: x or X breaks them off", "dim")
            return
        self.context.dispatch(self, "view.run", {"line": self._command}, tuple(self._jobs))

    def do_app_close(self) -> None:
        """As back."""
        self.do_nav_back()

    def do_nav_back(self) -> None:
        """Leave; what still runs is broken off, if that is wanted."""
        if not self._open:
            self.dismiss()
            return
        self.work(self._ask_leave())

    async def _ask_leave(self) -> None:
        question = f"Break off what still runs on {len(self._open)} of {len(self._jobs)}?"
        if await self.ask(question) and self.present:
            self.dismiss()


def _entry(job: Job, command: str, result: RunResult) -> LogEntry:
    shown = sanitise(command, 80)
    error = result.error
    if error is not None:
        error = TuivmError(f"{job.name}: {error.title}", error.message, hint=error.hint)
        text, severity = error.title, Severity.ERROR
    elif result.step is RunStep.CANCELLED:
        text, severity = f"{job.name}: broke off: {shown}", Severity.INFO
    else:
        text = f"{job.name}: exit code {result.code}: {shown}"
        severity = Severity.GOOD if result.code == 0 else Severity.WARNING
    return LogEntry(
        time.time(), text, severity, host=job.key.host, uuid=job.key.uuid, name=job.name,
        error=error, seconds=result.seconds or None,
    )  # fmt: skip
