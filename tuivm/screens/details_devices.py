"""The devices of a VM: a list, and all of one device's fields or its XML."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.containers import Container

from tuivm.core.api import Backend
from tuivm.core.model import Device
from tuivm.core.sections import Field, Section
from tuivm.core.store import Store
from tuivm.core.xmltext import XmlLines
from tuivm.screens.details_pane import DetailsPane, Hints, Notice
from tuivm.screens.details_state import DetailsState
from tuivm.widgets.fields import FieldsView
from tuivm.widgets.listbox import Line, ListBox, Span
from tuivm.widgets.rows import RowsView
from tuivm.widgets.textview import TextView

WIDE = 100
"""Columns from which on the fields stand beside the list, not below it."""


class DevicesPane(DetailsPane):
    """A list at the left (above, where narrow), one device's facts at the right."""

    TAB = "devices"

    DEFAULT_CSS = """
    DevicesPane #devices { layout: vertical; height: 1fr; width: 1fr; }
    DevicesPane #list { height: 2fr; }
    DevicesPane #one { height: 3fr; border-top: solid $foreground-muted; background: $background; }
    DevicesPane #devices.-ascii #one { border-top: ascii $foreground-muted; }
    DevicesPane #devices.-wide { layout: horizontal; }
    DevicesPane #devices.-wide #list { height: 1fr; width: 1fr; }
    DevicesPane #devices.-wide #one {
        height: 1fr; width: 1fr; border-top: none; border-left: solid $foreground-muted;
    }
    DevicesPane #devices.-wide.-ascii #one { border-left: ascii $foreground-muted; }
    """

    def __init__(self, state: DetailsState, store: Store, backend: Backend) -> None:
        super().__init__(state, store, backend)
        self._devices: dict[str, Device] = {}
        self._body = Container(id="devices", classes="-ascii" if state.ascii else "")
        self._list = ListBox(id="list", ascii_only=state.ascii)
        self._fields, self._text = FieldsView(), TextView()
        self._fields.ascii = self._text.ascii = state.ascii
        self._text.display = False
        self._notice = Notice(ascii_only=state.ascii)

    def compose(self) -> ComposeResult:
        """The list, and the place for one device."""
        with self._body:
            yield self._list
            with Container(id="one"):
                yield self._fields
                yield self._text
        yield self._notice

    def on_resize(self) -> None:
        """Stand side by side where there is room."""
        self._body.set_class(self.size.width >= WIDE, "-wide")

    @property
    def rows(self) -> ListBox:
        """The cursor is in the list."""
        return self._list

    @property
    def text(self) -> TextView | None:
        """The device's XML, while it is shown."""
        return self._text if self._showing_xml else None

    @property
    def _showing_xml(self) -> bool:
        return bool(self._text.display)

    def hints(self) -> Hints:
        """Enter turns between fields and XML."""
        if not self._devices:
            return ()
        return (
            ("view.details", "fields" if self._showing_xml else "its XML"),
            ("nav.half_down", "scroll it"),
        )

    @property
    def aside(self) -> RowsView:
        """Half a page up and down scrolls the device, not the list."""
        return self._text if self._showing_xml else self._fields

    def show_state(self) -> None:
        """List the devices; the cursor stays on the device it is on."""
        details = self.state.details
        self._body.display = bool(details and details.devices)
        self._notice.display = not self._body.display
        if details is None:
            error = self.state.error
            self._notice.say((str(error), "bad") if error else ("reading the devices…", "dim"))
            return
        if not details.devices:
            self._notice.say(("It has no devices.", "dim"))
            return
        self._devices = _keyed(details.devices)
        self.rows.show(_lines(self._devices, self.state.ascii))
        self._show_one()

    @on(RowsView.Moved)
    def _moved(self, message: RowsView.Moved) -> None:
        self._show_one()

    @on(RowsView.Opened)
    def _opened(self, message: RowsView.Opened) -> None:
        message.stop()
        self.enter()

    @property
    def _device(self) -> Device | None:
        line = self.rows.selected
        return None if line is None else self._devices.get(line.key)

    def _show_one(self) -> None:
        device = self._device
        if device is None:
            return
        pairs = tuple(Field(label, value) for label, value in device.fields)
        if device.pending:
            pairs = (Field("Pending", device.pending, "pending"), *pairs)
        about = (Field("", device.summary),) if device.summary and not device.fields else ()
        sections = (Section(device.title, (*pairs, *about)),)
        self._fields.show(sections, old=self.state.old)
        lines = device.xml.split("\n")
        self._text.show(lines, XmlLines(lines).spans)

    def enter(self) -> str:
        """Turn between the device's fields and its XML."""
        shown = not self._showing_xml
        self._text.display = shown
        self._fields.display = not shown
        return ""

    def back(self) -> bool:
        """Leave the search, then the XML."""
        if super().back():
            return True
        if self._showing_xml:
            self.enter()
            return True
        return False

    def copied(self) -> tuple[str, str] | None:
        """The XML of the device under the cursor."""
        device, text = self._device, self.text
        if device is None:
            return None
        if text is not None and text.lines:
            return f"XML of {device.title}", text.chosen()
        return f"XML of {device.title}", device.xml


def _keyed(devices: tuple[Device, ...]) -> dict[str, Device]:
    """Devices by what identifies them across readings: the title, and which one of several."""
    found: dict[str, Device] = {}
    for device in devices:
        key, number = device.title, 1
        while key in found:
            number += 1
            key = f"{device.title} {number}"
        found[key] = device
    return found


def _lines(devices: dict[str, Device], ascii_only: bool) -> list[Line]:
    mark = "^" if ascii_only else "▲"
    return [
        Line(
            (
                Span(f" {mark if device.pending else ' '} ", "pending"),
                Span(device.title, "strong"),
                Span("  " + device.summary, "dim"),
            ),
            key,
        )
        for key, device in devices.items()
    ]
