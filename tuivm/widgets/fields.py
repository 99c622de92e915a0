"""Titled groups of labelled values, in as many columns as fit; only changed lines repaint."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events
from textual.strip import Strip

from tuivm.core.glyphs import ASCII_SIGNS
from tuivm.core.sections import Field, Section
from tuivm.core.text import cell_width, clip, fit
from tuivm.widgets.roles import Palette
from tuivm.widgets.rows import RowsView, draw

Line = tuple[tuple[str, str], ...]
"""Pieces of a line with their roles."""
COLUMN = 58
"""Cells from which on a column is comfortable."""
MOST_COLUMNS = 3
GAP = 2
"""Cells between columns."""
LABEL = 15
"""Cells that a label takes at most."""
MOST_LINES = 8
"""Lines over which one value is wrapped; the rest is cut."""


class FieldsView(RowsView):
    """Sections that scroll together; a new set of values moves nothing that stayed equal."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.sections: tuple[Section, ...] = ()
        """What is shown."""
        self.old = False
        """The values are not of now: all are drawn as stale."""
        self._lines: list[Line] = []
        self._shape: tuple[object, ...] = ()
        self._cuts: tuple[int, ...] = ()

    def show(self, sections: Sequence[Section], *, old: bool = False) -> None:
        """Replace the values; the place in them is kept."""
        if tuple(sections) == self.sections and old == self.old:
            return
        self.sections = tuple(sections)
        self.old = old
        self._arrange()

    def move(self, delta: int) -> None:
        """Scroll by lines."""
        self.scroll_rows(self.top + delta)

    def move_to(self, index: int, step: int = 1) -> None:
        """Scroll to a line."""
        self.scroll_rows(index)

    def on_click(self, event: events.Click) -> None:
        """One click does nothing, since there is no cursor; a double click opens."""
        event.stop()
        if event.chain == 2:
            self.post_message(self.Opened())

    def row_count(self) -> int:
        """As many rows as lines."""
        return len(self._lines)

    def cursor_index(self) -> int | None:
        """There is no cursor."""
        return None

    def set_cursor(self, index: int) -> None:
        """There is no cursor."""

    def row_strip(self, index: int, width: int, styles: Palette) -> Strip:
        """Draw one line of all columns."""
        parts = self._lines[index]
        if self.ascii:
            parts = tuple((text.translate(ASCII_SIGNS), role) for text, role in parts)
        if self.old:
            parts = tuple((text, role if role == "section" else "stale") for text, role in parts)
        return draw(parts, width, styles)

    def on_resize(self) -> None:
        """Arrange the columns afresh."""
        self._arrange()
        super().on_resize()

    def _arrange(self) -> None:
        width = self.size.width
        if not width:
            return
        # Which section stands in which column depends on how many fields there are, not
        # on how long their values happen to be: else a section would hop at a tick.
        shape = (width, *((section.title, len(section.fields)) for section in self.sections))
        cuts = self._cuts if shape == self._shape else None
        self._lines, self._cuts = lay_out(self.sections, width, cuts)
        self._shape = shape
        self.top = max(0, min(self.top, len(self._lines) - self.page))
        self.redraw()


def lay_out(
    sections: Sequence[Section], width: int, cuts: tuple[int, ...] | None = None
) -> tuple[list[Line], tuple[int, ...]]:
    """Arrange sections in columns, in reading order, as evenly as that order allows.

    ``cuts`` are the indices at which columns end, as returned by a call before; None
    chooses them.
    """
    columns = max(1, min(MOST_COLUMNS, (width - 1) // COLUMN, len(sections)))
    # One cell at the left keeps text off the edge, two at the right off the scroll bar.
    each = max(1, (width - 3 - GAP * (columns - 1)) // columns)
    column = _label_column(sections, each)
    blocks = [_block(section, column, each) for section in sections]
    if cuts is None:
        cuts = _cut([len(block) for block in blocks], columns)
    start = 0
    stacks: list[list[Line]] = []
    for cut in cuts:
        stacks.append([line for block in blocks[start:cut] for line in block][:-1])
        start = cut
    height = max(map(len, stacks), default=0)
    return [_joined(stacks, number, each) for number in range(height)], cuts


def _joined(stacks: Sequence[Sequence[Line]], number: int, width: int) -> Line:
    parts: list[tuple[str, str]] = [(" ", "")]
    for index, stack in enumerate(stacks):
        if index:
            parts.append((" " * GAP, ""))
        line = stack[number] if number < len(stack) else ()
        parts += line
        if index < len(stacks) - 1:
            parts.append((" " * (width - sum(cell_width(text) for text, _ in line)), ""))
    return tuple(parts)


def _cut(heights: Sequence[int], columns: int) -> tuple[int, ...]:
    """Split blocks into columns so that the highest one is as low as can be."""
    low, high = max(heights, default=0), sum(heights)
    while low < high:
        middle = (low + high) // 2
        if len(_filled(heights, middle)) <= columns:
            high = middle
        else:
            low = middle + 1
    return _filled(heights, low)


def _filled(heights: Sequence[int], limit: int) -> tuple[int, ...]:
    cuts: list[int] = []
    room = limit
    for index, height in enumerate(heights):
        if height > room and index:
            cuts.append(index)
            room = limit
        room -= height
    return (*cuts, len(heights))


def _block(section: Section, column: int, width: int) -> list[Line]:
    """Draw a section: its title, its fields, an empty line."""
    lines: list[Line] = [((clip(section.title, width), "section"),)]
    for field, label in _labelled(section):
        lines += _field(field, label, column, width)
    return [*lines, ()]


def _labelled(section: Section) -> list[tuple[Field, str]]:
    """Return the fields with their labels, indented where a head before them opened a group."""
    grouped = False
    found = []
    for field in section.fields:
        grouped |= field.head
        inside = grouped and not field.head
        found.append((field, "  " + field.label if inside else field.label))
    return found


def _label_column(sections: Sequence[Section], width: int) -> int:
    """The cells that labels take: the same in all sections, so that values stand in line."""
    sizes = [cell_width(label) for section in sections for _, label in _labelled(section)]
    return min(max((size for size in sizes if size <= LABEL), default=0), width // 3)


def _field(field: Field, label: str, column: int, width: int) -> list[Line]:
    role = "strong" if field.head else "label"
    if not field.value:
        return [((clip(label, width), role),)]
    taken = max(column, cell_width(label))
    lines: list[Line] = []
    if taken > column and taken + 2 + cell_width(field.value) > width:
        # Such a label has a line of its own: cut, it would say nothing.
        lines.append(((clip(label, width), role),))
        label, taken = "", column
    room = max(1, width - taken - 2)
    texts = _wrapped(field.value, room)
    lines.append(((fit(label, taken + 2), role), (texts[0], field.role)))
    return lines + [((" " * (taken + 2), ""), (text, field.role)) for text in texts[1:]]


def _wrapped(value: str, width: int) -> list[str]:
    """Break a value at blanks where it can be, inside words where it must."""
    lines: list[str] = []
    rest = value
    while rest and len(lines) < MOST_LINES:
        taken = clip(rest, max(1, width)) or rest[0]
        if len(taken) < len(rest):
            blank = taken.rfind(" ") if rest[len(taken)] != " " else len(taken)
            if blank > len(taken) // 2:
                taken = taken[:blank]
        rest = rest[len(taken) :].lstrip(" ")
        lines.append(taken)
    if rest:
        lines[-1] = fit(lines[-1] + rest, width)
    return lines or [""]
