"""CPU, memory, disk and network of a VM over the last minutes, from the store's history."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from textual.app import ComposeResult
from textual.containers import Container, Vertical
from textual.timer import Timer

from tuivm.core.api import Backend
from tuivm.core.rows import Row
from tuivm.core.scale import Axis, ago, amounts, limited, percent
from tuivm.core.store import Store
from tuivm.core.text import bytes_text, rate_text
from tuivm.screens.details_pane import DetailsPane, Hints, Notice
from tuivm.screens.details_state import DetailsState
from tuivm.widgets.bars import Bar, Part

ALL_WIDTH, ALL_HEIGHT = 100, 20
"""Cells from which on all four charts are shown together."""
REDRAW = 2.0
"""Seconds between two drawings: four charts take some 40 ms."""
Values = list[float | None]


@dataclass(frozen=True, slots=True)
class Kind:
    """One of the charts."""

    id: str
    title: str
    series: tuple[tuple[str, str], ...]
    """Names in ``History`` and in words."""
    write: Callable[[float], str]
    axis: Callable[[float, Row], Axis]
    """The value axis for the highest value shown."""


def _percent_text(value: float) -> str:
    return f"{value:.0f} %"


def _memory_axis(most: float, row: Row) -> Axis:
    given = row.stats.memory_max if row.stats else None
    if given is None and row.domain.facts is not None:
        given = row.domain.facts.memory_max
    if given and given >= most * 0.9:
        return limited(given, bytes_text)
    return amounts(most, bytes_text, least=1 << 20)


def _rate_axis(most: float, row: Row) -> Axis:
    return amounts(most, rate_text)


KINDS = (
    Kind("cpu", "CPU", (("cpu", "of its vCPUs"),), _percent_text, lambda most, row: percent(most)),
    Kind("memory", "Memory", (("memory", "in use"),), bytes_text, _memory_axis),
    Kind("disk", "Disk", (("disk_read", "read"), ("disk_write", "written")), rate_text, _rate_axis),
    Kind("net", "Network", (("net_rx", "in"), ("net_tx", "out")), rate_text, _rate_axis),
)
ROLES = ("chart.first", "chart.second")


class Panel(Vertical):
    """A chart under a line that names it and tells its newest values."""

    DEFAULT_CSS = """
    Panel { width: 1fr; height: 1fr; background: $background; padding: 0 1 0 0; }
    """

    def __init__(self, kind: Kind, ascii_only: bool) -> None:
        super().__init__(id=f"chart-{kind.id}")
        self.kind = kind
        self.ascii = ascii_only
        self.place: tuple[Part, ...] = ()
        """Which one of how many this is, while only one is on screen."""
        self._ready = False
        self._wanted: tuple[Row, float] | None = None

    def on_mount(self) -> None:
        """Draw what was asked for before there was anything to draw on."""
        self._ready = True
        if self._wanted is not None:
            self.draw(*self._wanted)

    def compose(self) -> ComposeResult:
        """The line, and the chart."""
        from tuivm.widgets.chart import Chart

        self._bar, self._chart = Bar(), Chart(ascii_only=self.ascii)
        yield self._bar
        yield self._chart

    def draw(self, row: Row, now: float) -> None:
        """Draw what the row's history holds; ``now`` is ``time.monotonic()``."""
        if not self._ready:
            self._wanted = (row, now)
            return
        from tuivm.widgets.chart import Drawing, Series

        ages = [at - now for at in row.history.times()]
        values = [row.history.series(name) for name, _ in self.kind.series]
        most = max((value for one in values for value in one if value is not None), default=0.0)
        lines = tuple(
            Series(tuple(zip(ages, one, strict=True)), role)
            for one, role in zip(values, ROLES, strict=False)
        )
        axis = self.kind.axis(most, row)
        self._chart.show(Drawing(lines, axis, ago(-ages[0] if ages else 0)))
        self._bar.show(self._legend(values), self.place)

    def _legend(self, values: list[Values]) -> list[Part]:
        parts = [Part(" "), Part(f"{self.kind.title}  ", "section")]
        marks = ("*", "o") if self.ascii else ("─", "─")
        several = len(values) > 1
        pairs = zip(self.kind.series, values, ROLES, marks, strict=False)
        for (_, word), one, role, mark in pairs:
            newest = one[-1] if one else None
            said = "unknown" if newest is None else self.kind.write(newest)
            if several:
                parts += [Part(f"{mark} ", role), Part(f"{word} {said}   ")]
            else:
                parts.append(Part(f"{said} {word}   ", role))
            known = [value for value in one if value is not None]
            if known and not several:
                parts.append(Part(f"peak {self.kind.write(max(known))}", "dim"))
        return parts


class PerformancePane(DetailsPane):
    """All four charts where they fit, else one at a time."""

    TAB = "performance"

    DEFAULT_CSS = """
    PerformancePane #charts { width: 1fr; height: 1fr; }
    PerformancePane #charts.-all { layout: grid; grid-size: 2 2; }
    """

    def __init__(self, state: DetailsState, store: Store, backend: Backend) -> None:
        super().__init__(state, store, backend)
        self._at = 0
        self._drawn = 0.0
        self._version = -1
        self._timer: Timer | None = None
        self._charts = Container(id="charts")
        self._panels: tuple[Panel, ...] = ()
        self._notice = Notice(ascii_only=state.ascii)

    def compose(self) -> ComposeResult:
        """The charts, and what stands there when there are none."""
        yield self._charts
        yield self._notice

    def opened(self) -> None:
        """Load the plotting library now, not at the start of the program."""
        if not self._panels:
            self._panels = tuple(Panel(kind, self.state.ascii) for kind in KINDS)
            self._charts.mount(*self._panels)
        self._arrange()

    def on_resize(self) -> None:
        """Show as many charts as fit."""
        self._arrange()

    @property
    def _together(self) -> bool:
        return self.size.width >= ALL_WIDTH and self.size.height >= ALL_HEIGHT

    def _arrange(self) -> None:
        together = self._together
        self._charts.set_class(together, "-all")
        for number, panel in enumerate(self._panels):
            panel.display = together or number == self._at
            panel.place = () if together else (Part(f"{number + 1}/{len(KINDS)} ", "dim"),)
        self._version = -1
        self.show_state()

    def hints(self) -> Hints:
        """One chart at a time can be switched."""
        return () if self._together else (("text.flip", "next chart"),)

    def flip(self, by: int = 1) -> str:
        """Show the next chart."""
        if self._together:
            return "all charts are on screen"
        self._at = (self._at + by) % len(KINDS)
        self._arrange()
        return ""

    def show_state(self) -> None:
        """Draw new samples, not more often than they are worth it."""
        row = self.state.row
        if not self._panels or row is None:
            return
        reason = self._nothing(row)
        self._notice.display = bool(reason)
        self._charts.display = not reason
        if reason:
            self._notice.say(*reason)
            self._version = -1
            return
        now = time.monotonic()
        if self._version >= 0 and row.version == self._version:
            return
        wait = self._drawn + REDRAW - now
        if self._version >= 0 and wait > 0:
            if self._timer is None:
                self._timer = self.set_timer(wait, self._redraw)
            return
        self._version, self._drawn = row.version, now
        end = _end(row, now, self.state.old)
        for panel in self._panels:
            if panel.display:
                panel.draw(row, end)

    def _redraw(self) -> None:
        self._timer = None
        self.show_state()

    def _nothing(self, row: Row) -> tuple[tuple[str, str], ...]:
        """Why there is nothing to draw."""
        if len(row.history):
            return ()
        name = row.domain.name
        if not self.state.active:
            state = row.domain.state.value
            if self.state.gone:
                return ((f"{name} is gone, and no numbers of it were read before.", ""),)
            return (
                (f"{name} is {state}: only a running VM has numbers.", ""),
                ("Start it with s; the charts begin with its first seconds.", "dim"),
            )
        if row.stale:
            return ((f"{row.host.id} is out of reach, and no numbers were read before.", ""),)
        return (("measuring… the first numbers come within seconds", "dim"),)


def _end(row: Row, now: float, old: bool) -> float:
    """The right end of the time axis: now, or the last sample when no more come."""
    times = row.history.times()
    return times[-1] if times and (old or not row.domain.state.active) else now
