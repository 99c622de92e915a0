"""One chart over time, drawn by plotext; importing this module costs some 30 ms.

Import it only where a chart is opened. plotext was measured against textual-plot, which
needs numpy: 28 ms against 126 ms to import, 1.5 MB against 14 MB of memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.color import Color, ColorType
from rich.style import Style
from rich.text import Text
from textual.app import RenderResult
from textual_plotext import PlotextPlot

from tuivm.core.scale import Axis
from tuivm.widgets.roles import palette

Point = tuple[float, float | None]
"""Seconds from now (below zero) and the value; None where it was not known."""
Code = str | int | tuple[int, int, int]
"""A colour as plotext takes it: a name, a number of the palette, or RGB."""
_ASCII = str.maketrans("│┤├└┘┌┐┬┴┼─", "||++++++++-")
BRAILLE, DOTS = "braille", "•"
"""How the first and, where colours cannot tell them apart, the second line is drawn."""


@dataclass(frozen=True, slots=True)
class Series:
    """One line of a chart."""

    points: tuple[Point, ...]
    role: str = "chart.first"


@dataclass(frozen=True, slots=True)
class Drawing:
    """All that a chart shows."""

    series: tuple[Series, ...]
    values: Axis
    times: Axis


class Chart(PlotextPlot):
    """A chart with axes in human units; repaints only when its drawing is another one."""

    DEFAULT_CSS = """
    Chart { width: 1fr; height: 1fr; background: $background; }
    """

    def __init__(self, *, ascii_only: bool = False) -> None:
        super().__init__()
        # "clear" has no colours of its own: lines get the theme's, the rest the terminal's.
        self.theme = "clear"
        self.ascii = ascii_only
        """Draw with ASCII alone."""
        self._drawing: Drawing | None = None

    def show(self, drawing: Drawing) -> None:
        """Replace what is drawn."""
        if drawing != self._drawing:
            self._drawing = drawing
            self.refresh()

    def render(self) -> RenderResult:
        """Draw the chart in the widget's size."""
        drawing = self._drawing
        width, height = self.size
        if drawing is None or width < 12 or height < 4:
            return Text("")
        plot = self.plt
        plot.clear_figure()
        plot.plotsize(width, height)
        plot._set_size(width, height)
        plot.theme("clear")
        styles = palette(self.app)
        muted = _code(styles["dim"])
        plot.ticks_color(muted)
        # Themes that leave colours to the terminal have none for what steps back.
        plot.ticks_style("dim" if muted == "default" else "default")
        plot.axes_color(muted)
        plot.xaxes(True, False)
        plot.yaxes(True, False)
        plot.xlim(-drawing.times.top, 0)
        plot.ylim(0, drawing.values.top)
        plot.xticks([*drawing.times.ticks], [*drawing.times.labels])
        plot.yticks([*drawing.values.ticks], [*drawing.values.labels])
        for number, series in enumerate(drawing.series):
            color = _code(styles[series.role])
            self._line(series.points, drawing, self._marker(number), color)
        text = plot.build()
        return Text.from_ansi(text.translate(_ASCII) if self.ascii else text, no_wrap=True)

    def _marker(self, number: int) -> str:
        if self.ascii:
            return "*" if number == 0 else "o"
        return BRAILLE if number == 0 or not self.app.no_color else DOTS

    def _line(
        self,
        points: Sequence[Point],
        drawing: Drawing,
        marker: str,
        color: Code,
    ) -> None:
        """Draw each stretch without a gap as a line of its own."""
        for stretch in stretches(points, -drawing.times.top):
            times = [time for time, _ in stretch]
            values = [min(value, drawing.values.top) for _, value in stretch]
            self.plt.plot(times, values, marker=marker, color=color)


def stretches(points: Sequence[Point], first: float) -> list[list[tuple[float, float]]]:
    """Split points where a value is not known; drop those before ``first``."""
    found: list[list[tuple[float, float]]] = [[]]
    for time, value in points:
        if value is None:
            found.append([])
        elif time >= first:
            found[-1].append((time, value))
    return [stretch for stretch in found if stretch]


def _code(style: Style) -> Code:
    """A style's colour as plotext names it: a number of the palette, RGB, or the terminal's own."""
    color: Color | None = style.color
    if color is None or color.type is ColorType.DEFAULT:
        return "default"
    if color.number is not None:
        return color.number
    if color.triplet is None:
        return "default"
    return color.triplet.red, color.triplet.green, color.triplet.blue
