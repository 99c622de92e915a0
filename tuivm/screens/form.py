"""A dialog with a few fields: lines to type, and choices that space goes through."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Input, Static

from tuivm.core.text import cell_width, fit
from tuivm.screens.context import Context
from tuivm.screens.dialog import Dialog, key_parts
from tuivm.widgets.bars import Part
from tuivm.widgets.prompt import LineInput
from tuivm.widgets.roles import palette, role_text
from tuivm.widgets.rows import draw

Values = Mapping[str, str]
"""What was entered, by the fields' ids."""


@dataclass(frozen=True, slots=True)
class Field:
    """One line of a form."""

    id: str
    label: str
    value: str = ""
    secret: bool = False
    """What is typed is not shown."""
    choices: tuple[tuple[str, str], ...] = ()
    """(value, as shown); with these it is no line to type."""
    role: str = ""
    """With a choice's value behind it the role in which that choice is shown."""
    needed: bool = False
    """True when it may not be empty."""
    hint: str = ""
    """Shown while it is empty."""


class TypedLine(LineInput):
    """A line to type; what tab and enter do is done before the next key is looked at.

    What is typed ahead of a slow terminal must not end up in the field before.
    """

    async def _on_key(self, event: events.Key) -> None:
        if event.key in self.KEYS:
            event.stop()
            event.prevent_default()
            _special(self, event.key)
            return
        await super()._on_key(event)


def _special(widget: Widget, key: str) -> None:
    form = widget.screen
    if isinstance(form, Form):
        form.special(key)


class ChoiceLine(Widget, can_focus=True):
    """One of several values; space and the arrows go through them."""

    DEFAULT_CSS = """
    ChoiceLine { height: 1; width: 1fr; background: $surface; }
    ChoiceLine:ansi { background: ansi_default; }
    """

    def __init__(
        self,
        choices: Sequence[tuple[str, str]],
        value: str,
        *,
        id: str,  # noqa: A002
        role: str = "",
    ) -> None:
        super().__init__(id=id)
        self._choices = choices
        self._role = role
        values = [choice for choice, _ in choices]
        self._place = values.index(value) if value in values else 0

    @property
    def value(self) -> str:
        """The value that is chosen."""
        return self._choices[self._place][0]

    def render_line(self, y: int) -> Strip:
        """Textual's line API."""
        styles = palette(self.app)
        role = "accent" if self.has_focus else ""
        role = f"{self._role}{self.value}" if self._role and self.value else role
        parts = [(self._choices[self._place][1], role)]
        if self.has_focus and len(self._choices) > 1:
            parts += [("   space", "key"), (" changes it", "dim")]
        return draw(parts, self.size.width, styles)

    def on_focus(self) -> None:
        """Show that it has the keys."""
        self.refresh()

    def on_blur(self) -> None:
        """Show that it has not."""
        self.refresh()

    def on_click(self) -> None:
        """The next value."""
        self.step(1)

    def step(self, by: int) -> None:
        """Go through the values."""
        self._place = (self._place + by) % len(self._choices)
        self.refresh()

    def check_consume_key(self, key: str, character: str | None) -> bool:
        """Letters are nobody else's while this has the focus."""
        return True

    def on_key(self, event: events.Key) -> None:
        """Space and arrows choose; the rest is the form's."""
        if event.key.startswith("ctrl+"):
            return
        event.stop()
        event.prevent_default()
        if event.key in ("space", "right"):
            self.step(1)
        elif event.key == "left":
            self.step(-1)
        elif event.key in LineInput.KEYS:
            _special(self, event.key)


WIDTH = 76
"""Columns of the box where there is room."""
FRAME = 4
"""Lines of a form beside its fields: the border, what is wrong, and the keys."""


class Form(Dialog[Values]):
    """Returns the values, or None; enter goes to the next line, and on the last one it is done."""

    DEFAULT_CSS = """
    Form #about { width: 1fr; height: auto; padding: 0 0 1 0; }
    Form #wrong { width: 1fr; height: auto; }
    Form .field { height: 1; width: 1fr; }
    Form .label { width: auto; }
    Form LineInput, Form LineInput:focus { background: $surface; }
    Form LineInput:ansi { background: ansi_default; }
    """

    def __init__(
        self, context: Context, title: str, about: str, fields: Sequence[Field], verb: str
    ) -> None:
        super().__init__(context, title)
        self._about = about
        self._fields = {field.id: field for field in fields}
        self._verb = verb

    def compose_box(self) -> ComposeResult:
        """What it is about, and the fields."""
        yield Static(role_text(self.app, [(self._about, "")]), id="about", markup=False)
        width = max(cell_width(field.label) for field in self._fields.values()) + 2
        for field in self._fields.values():
            with Horizontal(classes="field"):
                label = role_text(self.app, [(fit(field.label, width), "label")])
                yield Static(label, classes="label", markup=False)
                yield self._widget(field)
        yield Static("", id="wrong", markup=False)

    def _widget(self, field: Field) -> Widget:
        if field.choices:
            name = f"field-{field.id}"
            return ChoiceLine(field.choices, field.value, id=name, role=field.role)
        entry = TypedLine(
            field.value,
            placeholder=field.hint,
            password=field.secret,
            compact=True,
            select_on_focus=False,
            id=f"field-{field.id}",
        )
        entry.cursor_blink = False
        return entry

    def on_mount(self) -> None:
        """Begin at the first line that is empty, else at the first."""
        lines = self._lines()
        empty = (line for line in lines if not line.value)
        self.set_focus(next(empty, lines[0] if lines else self._inputs()[0]))

    @on(events.Resize)
    def _make_room(self) -> None:
        """The fields come first: what they are about gives way to them."""
        columns = max(1, min(WIDTH, self.app.size.width) - 4)
        said = [textwrap.wrap(line, columns) for line in self._about.split("\n")]
        lines = sum(max(1, len(one)) for one in said) + 1
        room = self.app.size.height - len(self._fields) - FRAME
        self.query_one("#about").display = lines <= room

    def keys(self) -> Iterable[Part]:
        """What to press."""
        return key_parts(
            ("enter", self._verb, "enter"), ("tab", "next", "tab"), ("esc", "leave", "escape")
        )

    def check(self, values: Values) -> str:
        """Why these values will not do, or empty; for subclasses."""
        return ""

    def _inputs(self) -> list[LineInput | ChoiceLine]:
        found = self.query(".field > LineInput, .field > ChoiceLine")
        return [widget for widget in found if isinstance(widget, LineInput | ChoiceLine)]

    def _lines(self) -> list[LineInput]:
        return [widget for widget in self._inputs() if isinstance(widget, LineInput)]

    def on_input_changed(self, event: Input.Changed) -> None:
        """What was wrong may be right now."""
        event.stop()
        self.tell("")

    def special(self, key: str) -> None:
        """A key that a field leaves to the form."""
        if key == "escape":
            self.dismiss(None)
        else:
            self.key(key, None)

    def key(self, key: str, character: str | None) -> bool:
        """Go through the fields, or finish."""
        match key:
            case "tab" | "down":
                self._step(1)
            case "shift+tab" | "up":
                self._step(-1)
            case "enter":
                self._enter()
            case _:
                return False
        return True

    def _step(self, by: int) -> None:
        inputs = self._inputs()
        place = next((n for n, widget in enumerate(inputs) if widget is self.focused), 0)
        self.set_focus(inputs[(place + by) % len(inputs)])

    def _enter(self) -> None:
        lines = self._lines()
        if self.focused is None:
            return  # typed ahead: nobody has seen the form yet
        if self.focused in lines and self.focused is not lines[-1]:
            self.set_focus(lines[lines.index(self.focused) + 1])
            return
        values = self.values
        for field in self._fields.values():
            if field.needed and not values[field.id].strip():
                self.refuse(f"{field.label} is missing", field.id)
                return
        why = self.check(values)
        if why:
            self.refuse(why)
            return
        for line in lines:
            if line.password:
                # The widget may live on for a while.
                line.value = ""
        self.finish(values)

    @property
    def values(self) -> Values:
        """What is entered so far."""
        return {str(one.id).removeprefix("field-"): one.value for one in self._inputs()}

    def finish(self, values: Values) -> None:
        """Take what was entered and found complete; for subclasses that do it themselves."""
        self.dismiss(values)

    def refuse(self, why: str, field_id: str = "") -> None:
        """Say why it is not done, and go to a field."""
        self.tell(why, "bad")
        if field_id:
            self.set_focus(self.query_one(f"#field-{field_id}"))

    def tell(self, text: str, role: str = "") -> None:
        """Say something below the fields."""
        self.query_one("#wrong", Static).update(role_text(self.app, [(text, role)]))
