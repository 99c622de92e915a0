"""What is under way: shutdowns that are followed, saves, migrations; ours and others'."""

from __future__ import annotations

import time
from typing import ClassVar

from textual import events
from textual.app import ComposeResult

from tuivm.core.actions import ACTIONS
from tuivm.core.jobs import DomainJob, JobLine, under_way
from tuivm.core.model import DomainKey
from tuivm.core.rows import Changes
from tuivm.core.stops import standing
from tuivm.core.text import bytes_text, duration_text, fit, rate_text
from tuivm.screens.context import Context
from tuivm.screens.flow import ActionFlow
from tuivm.screens.jobtext import facts, noun
from tuivm.screens.rowscreen import RowScreen
from tuivm.widgets.bars import Bar, Part
from tuivm.widgets.fieldsbox import FieldsBox
from tuivm.widgets.listbox import Line, ListBox, Span

WHAT = 16
"""Cells of what is done."""
WIDE = 110
"""Columns from which on there is room for all figures."""


def jobs_of(context: Context) -> list[JobLine]:
    """All that is under way now."""
    store = context.store
    return under_way(store.rows, store.jobs, context.stops, time.monotonic())


class JobsScreen(RowScreen):
    """A line a job; what needs somebody comes first."""

    VIEW = "view.jobs"
    SCOPE = "jobs"
    DEFAULT_CSS = """
    JobsScreen ListBox { min-height: 6; }
    """
    HINTS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("view.why", "why"),
        ("job.cancel", "cancel"),
        ("job.pivot", "switch over"),
        ("job.wait", "wait on"),
        ("view.details", "open the VM"),
        ("domain.destroy", "force off"),
        ("view.console", "console"),
        ("nav.back", "back"),
        ("app.help", "help"),
    )

    def compose_body(self) -> ComposeResult:
        """The counts and the jobs."""
        self._shown: dict[str, JobLine] = {}
        yield Bar(id="summary")
        yield ListBox(id="jobs", ascii_only=self.context.options.ascii)
        yield FieldsBox(id="facts")

    def on_mount(self) -> None:
        """Show what there is, and let its times move."""
        self.set_interval(1.0, self._fill)
        self._fill()

    def on_resize(self, event: events.Resize) -> None:
        """Lines are as long as the screen is wide."""
        self._fill()

    def store_changed(self, changes: Changes) -> None:
        """Jobs came, went on or ended."""
        if changes.jobs or changes.keys:
            self._fill()

    def targets(self) -> tuple[DomainKey, ...]:
        """The VM under the cursor."""
        line = self._line_under_cursor()
        return () if line is None else (line.key,)

    def do_job_cancel(self) -> None:
        """Break off the job under the cursor: a VM may have one for each of its disks."""
        line = self._line_under_cursor()
        job = line.job if line is not None else None
        if line is None or job is None:
            self.context.dispatch(self, "job.cancel", {}, None)
            return
        action = ACTIONS["domain.abort_job"]._replace(title=f"Cancel {noun(job)} of")
        if job.disk:
            action = action._replace(warning=_kept(job))
        args = {"disk": job.disk} if job.disk else {}
        self.work(ActionFlow(self).do(action, (line.key,), args))

    def do_job_pivot(self) -> None:
        """Let the disk under the cursor go on in its copy."""
        line = self._line_under_cursor()
        if line is None or line.job is None or line.cannot_pivot:
            reason = "no job is under the cursor" if line is None else line.cannot_pivot
            self.say(f"{ACTIONS['job.pivot'].title}: {reason}")
            return
        action = ACTIONS["domain.pivot"]
        action = action._replace(warning=_gone_on(line.job) + action.warning)
        self.work(ActionFlow(self).do(action, (line.key,), {"disk": line.job.disk}))

    def cursor_moved(self) -> None:
        """Show what is under the cursor in full."""
        line = self._line_under_cursor()
        shown = [] if line is None else facts(line, time.monotonic())
        self.query_one("#facts", FieldsBox).show(shown)

    def _line_under_cursor(self) -> JobLine | None:
        box = self.query_one_optional("#jobs", ListBox)
        selected = box.selected if box is not None else None
        return None if selected is None else self._shown.get(selected.key)

    def row_opened(self) -> None:
        """A double click opens the VM."""
        self.perform("view.details")

    def _fill(self) -> None:
        box = self.query_one_optional("#jobs", ListBox)
        if box is None:
            return  # it is being built, or left
        shown = jobs_of(self.context)
        self._shown = {_name(line): line for line in shown}
        now, width = time.monotonic(), self.size.width
        if shown:
            hosts = len(self.context.store.hosts) > 1
            ascii_only = self.context.options.ascii
            drawn = [_line(one, now, width, hosts, ascii_only) for one in shown]
            lines = [_header(width), *drawn]
        else:
            lines = [Line((Span(f" {text}", "dim"),), selectable=False) for text in _NOTHING]
        box.show(lines)
        ours = sum(line.ours for line in shown)
        text = f" {len(shown)} under way" if shown else " nothing is under way"
        parts = [Part(text, "strong" if shown else "dim")]
        if shown:
            parts.append(Part(f" · {ours} of this program", "dim"))
        late = len(self.context.stops.late)
        if late:
            parts.append(
                Part(f" · {late} do not stop" if late > 1 else " · 1 does not stop", "warn")
            )
        self.show_bar("#summary", parts)
        self.cursor_moved()


_NOTHING = (
    "Shutdowns, saves, migrations, dumps, backups and copies of disks show up here,",
    "whoever began them, while they go on. What has ended is among the events.",
)


def _name(line: JobLine) -> str:
    return f"{line.key.host}/{line.key.uuid}/{line.what}"


def _name_width(width: int) -> int:
    return 28 if width >= WIDE else 18


def _kept(job: DomainJob) -> str:
    """What a disk has once its job was broken off."""
    if job.ready:
        return f"{job.disk} stays on its old image"
    return "the VM goes on with the disk as it is"


def _gone_on(job: DomainJob) -> str:
    """What a disk has once it was switched over."""
    to = f" to {job.copy}" if job.copy else " to its copy"
    return f"disk {job.disk} goes over{' from ' + job.source if job.source else ''}{to}; "


def _header(width: int) -> Line:
    titles = f" {fit('VM', _name_width(width))} {fit('WHAT', WHAT)}       {'FOR':>7}  HOW IT STANDS"
    return Line((Span(titles, "header"),), selectable=False)


def _line(line: JobLine, now: float, width: int, hosts: bool, ascii_only: bool) -> Line:
    name = f"{line.key.host}/{line.name}" if hosts else line.name
    spans = [
        Span(" "),
        Span(fit(name, _name_width(width)), "strong"),
        Span(f" {fit(line.what, WHAT)}"),
        Span(f" {'' if line.ours else 'other':<6}", "dim"),
        Span(f"{duration_text(now - line.since):>7} "),
    ]
    if line.stop is not None:
        spans.append(Span(f" {standing(line.stop)}", "warn" if line.stop.late else "dim"))
    elif line.job is not None:
        spans += _figures(line.job, now, width >= WIDE, ascii_only)
    else:
        spans.append(Span(" no figures yet", "dim"))
    return Line(tuple(spans), _name(line))


def _figures(job: DomainJob, now: float, wide: bool, ascii_only: bool) -> list[Span]:
    """A bar, how much is left of it, and where there is room how fast."""
    if job.ready:
        return [Span(" ready to switch over", "warn")]
    eta = None if job.eta is None else max(0.0, job.at + job.eta - now)
    left = [] if eta is None else [Span(f"  {duration_text(eta)} left")]
    rate = [Span(f"  {rate_text(job.rate)}", "dim")] if job.rate and wide else []
    part = job.part
    if part is None:
        done = f" {bytes_text(job.done)} done" if job.done else " no figures"
        return [Span(done, "dim"), *left, *rate]
    full, empty = ("#", ".") if ascii_only else ("█", "░")
    cells = 10 if wide else 8
    filled = round(part * cells)
    spans = [
        Span(" "),
        Span(full * filled, "good"),
        Span(empty * (cells - filled), "dim"),
        Span(f" {part:>4.0%}"),
        *left,
    ]
    if wide and job.total is not None and job.left is not None:
        spans.append(
            Span(f"  {bytes_text(job.total - job.left)} of {bytes_text(job.total)}", "dim")
        )
    return [*spans, *rate]


def let_be(context: Context, key: DomainKey) -> str:
    """Let a followed shutdown be; returns what to tell, empty where there is none."""
    stop = context.stops.drop(key)
    if stop is None:
        return ""
    context.store.clear_pending(key)
    return f"no longer waiting for {stop.name}: it may still go off by itself"
