"""libvirt's logs of one host: this program's client log, its daemon's, and who is connected."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult

from tuivm.core.actions import ACTIONS
from tuivm.core.daemonlog import AdminDoor, DaemonLogs, Setting, is_same
from tuivm.core.errors import TuivmError
from tuivm.core.glyphs import glyphs
from tuivm.core.model import LogEntry, Severity
from tuivm.core.text import sanitise
from tuivm.screens import liblogs_text as say
from tuivm.screens.context import Context
from tuivm.screens.form import Field, Form
from tuivm.screens.menu import Choice, Menu
from tuivm.screens.rowscreen import RowScreen
from tuivm.screens.textpage import copy_text
from tuivm.widgets import bars
from tuivm.widgets.bars import Bar
from tuivm.widgets.fieldsbox import FieldsBox
from tuivm.widgets.listbox import ListBox

OWN, BACK = "own", "back"
"""What a menu returns besides a preset's number."""
AGAIN_SECONDS = 5.0
"""Between two looks at who is connected."""


class LibvirtLogsScreen(RowScreen):
    """Looks when it opens and every few seconds; changes are asked about first."""

    VIEW = "view.hosts"
    SCOPE = "logs"
    HINTS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("logs.daemon", "daemon"),
        ("logs.filters", "filters"),
        ("logs.outputs", "outputs"),
        ("logs.client", "client log on/off"),
        ("logs.show", "show it"),
        ("app.resync", "look again"),
        ("view.bundle", "bundle"),
        ("view.copy", "copy"),
        ("nav.back", "back"),
        ("app.help", "help"),
    )

    DEFAULT_CSS = """
    LibvirtLogsScreen #facts { min-height: 3; }
    """

    def __init__(self, context: Context, host: str) -> None:
        super().__init__(context)
        self._host = host
        self._doors: tuple[AdminDoor, ...] = ()
        self._daemon = ""
        """The one that is shown; empty for the first there is."""
        self._logs: DaemonLogs | None = None
        self._error: TuivmError | None = None
        self._busy = False

    # -- Textual -------------------------------------------------------------------------

    def compose_body(self) -> ComposeResult:
        """The summary, the settings with the clients, and one of these in full."""
        yield Bar(id="summary")
        yield ListBox(id="logs", ascii_only=self.context.options.ascii)
        yield FieldsBox(id="facts")

    def on_mount(self) -> None:
        """Begin to look."""
        self.do_app_resync()
        self.set_interval(AGAIN_SECONDS, self._look_again)

    def on_resize(self) -> None:
        """Long texts are wrapped to the screen."""
        self._fill()

    def host(self) -> str:
        """The host that it is about."""
        return self._host

    # -- reading -------------------------------------------------------------------------

    def do_app_resync(self) -> None:
        """Look again."""
        if not self._busy:
            self._busy = True
            self._fill()
            self.work(self._read())

    def _look_again(self) -> None:
        if self.is_current and self._logs is not None:
            self.do_app_resync()

    async def _read(self) -> None:
        support = self.context.backend.support
        try:
            self._doors = await asyncio.wrap_future(support.daemons(self._host))
            shown = [one.daemon for one in self._doors if self._daemon in ("", one.daemon)]
            # One that is gone is asked all the same: the answer says so.
            self._daemon = shown[0] if shown else self._daemon
            future = support.daemon_logs(self._host, self._daemon)
            self._logs, self._error = await asyncio.wrap_future(future), None
        except TuivmError as error:
            self._logs, self._error = None, error
        self._busy = False
        if self.present:
            self._fill()

    def _fill(self) -> None:
        box = self.query_one_optional("#logs", ListBox)
        if box is None:
            return
        lines = say.lines(self._page(), self.size.width, time.time())
        box.show(lines)
        self.show_bar("#summary", self._summary())
        self.cursor_moved()

    def _page(self) -> say.Page:
        client = self.context.options.client_log
        return say.Page(client, self._doors, self._daemon, self._logs, self._error)

    def _summary(self) -> Sequence[bars.Part]:
        left = [bars.Part(f" {self._host}: ", "strong")]
        if self._logs is not None:
            count = len(self._logs.clients)
            told = f"{self._logs.daemon}, {count} client{'s' * (count != 1)}"
            if len(self._doors) > 1:
                told += f"; {len(self._doors)} daemons"
            return [*left, bars.Part(told, "dim")]
        if self._error is not None:
            return [*left, bars.Part(f"{self._daemon or 'its daemon'} cannot be asked", "warn")]
        dots = glyphs(self.context.options.ascii).ellipsis
        return [*left, bars.Part(f"asking its daemon{dots}", "dim")]

    def cursor_moved(self) -> None:
        """Show what is under the cursor in full."""
        line = self.query_one(ListBox).selected
        key = "" if line is None else line.key
        facts = say.facts(key, self._page(), time.time())
        self.query_one(FieldsBox).show(facts)

    # -- actions -------------------------------------------------------------------------

    def row_opened(self) -> None:
        """A double click changes what is under the cursor."""
        self.do_view_details()

    def do_view_details(self) -> None:
        """Change the setting under the cursor."""
        line = self.query_one(ListBox).selected
        key = "" if line is None else line.key
        if key in ("daemon", "filters", "outputs", "client"):
            self.perform(f"logs.{key}")

    def do_logs_daemon(self) -> None:
        """Choose the daemon that is shown."""
        if len(self._doors) > 1:
            self.work(self._choose())
        elif self._doors:
            self.say(f"{self._doors[0].daemon} is the only one here with an admin socket", "dim")
        else:
            self.say(f"{ACTIONS['logs.daemon'].title}: {self._refusal()}")

    async def _choose(self) -> None:
        choices = [
            Choice(key, one.daemon, one.daemon, one.reason, say.remark(one, self._daemon))
            for key, one in zip(say.KEYS, self._doors, strict=False)
        ]
        title = f"{ACTIONS['logs.daemon'].title} on {self._host}"
        chosen = await self.app.push_screen_wait(Menu(self.context, title, choices))
        if chosen is not None and chosen != self._daemon:
            self._daemon, self._logs, self._error = chosen, None, None
            self.do_app_resync()

    def do_logs_filters(self) -> None:
        """Choose the daemon's filters."""
        self.work(self._change("filters"))

    def do_logs_outputs(self) -> None:
        """Choose where the daemon logs."""
        self.work(self._change("outputs"))

    def do_logs_show(self) -> None:
        """Show the end of the client log."""
        path = self.context.options.client_log.path
        if path:
            self.work(self._show(path))
        else:
            self.say(f"{ACTIONS['logs.show'].title}: it is off, or goes to no file")

    async def _show(self, path: str) -> None:
        from tuivm.screens.textpage import TextPage

        try:
            text = await asyncio.wrap_future(self.context.backend.support.read_file(path))
        except TuivmError as error:
            self.say(str(error), "bad")
            return
        title = [bars.Part(" libvirt's client log: ", "strong"), bars.Part(sanitise(path), "dim")]
        page = TextPage(self.context, title, text, name="libvirt-client")
        await self.app.push_screen(page)
        page.do_nav_last()

    def do_view_copy(self) -> None:
        """Copy all that is shown as text."""
        copy_text(self, say.as_text(self._host, self._page(), time.time()))

    def do_nav_back(self) -> None:
        """To the hosts."""
        self.dismiss()

    def _refusal(self) -> str:
        """Why nothing can be set here, or empty."""
        status = self.context.store.hosts.get(self._host)
        if self.context.read_only:
            return self.context.read_only
        if status is not None and status.readonly:
            return f"the connection to {self._host} is read-only"
        if self._error is not None:
            hint = f" ({self._error.hint})" if self._error.hint else ""
            return f"{self._error.message}{hint}"
        return "" if self._logs is not None else "the daemon has not answered yet"

    async def _change(self, what: Setting) -> None:
        action = ACTIONS[f"logs.{what}"]
        reason, logs = self._refusal(), self._logs
        if reason or logs is None:
            self.say(f"{action.title}: {reason}")
            return
        presets = say.presets(what, logs)
        choices = [
            Choice(one.key, one.title, str(number), "", one.value or "-")
            for number, one in enumerate(presets)
        ]
        choices.append(Choice("o", "Your own", OWN, "", "type it"))
        same = is_same(logs.now(what), logs.found[what])
        reason = "as it is now" if same else ""
        back = logs.found[what] or "none"
        choices.append(Choice("b", "Back to what tuivm found", BACK, reason, back))
        title = f"{action.title} of {logs.daemon} on {self._host}"
        chosen = await self.app.push_screen_wait(Menu(self.context, title, choices))
        if chosen is None:
            return
        if chosen == OWN:
            value = await self._typed(what, logs)
        else:
            value = logs.found[what] if chosen == BACK else presets[int(chosen)].value
        if value is not None:
            warning = f" ({action.warning})" if "1:" in value else ""
            if await self.ask(f"Set the {what} of {logs.daemon} on {self._host}?{warning}"):
                await self._set(what, value, logs)

    async def _typed(self, what: Setting, logs: DaemonLogs) -> str | None:
        about = say.HELP[what]
        fields = [Field("value", what.capitalize(), logs.now(what), hint="none")]
        form = Form(self.context, ACTIONS[f"logs.{what}"].title, about, fields, "go on")
        values = await self.app.push_screen_wait(form)
        return None if values is None else values["value"].strip()

    async def _set(self, what: Setting, value: str, logs: DaemonLogs) -> None:
        future = self.context.backend.support.set_daemon_log(self._host, logs.daemon, what, value)
        command = f"{logs.command} daemon-log-{what} --{what} '{sanitise(value, 300)}'"
        text, severity, failure = (
            f"{logs.daemon}: {what} are {value or 'none'}",
            Severity.GOOD,
            None,
        )
        try:
            await asyncio.wrap_future(future)
        except TuivmError as error:
            text, severity, failure = error.title, Severity.ERROR, error
        self.context.store.add_entry(
            LogEntry(
                time.time(),
                sanitise(text, 400),
                severity,
                host=self._host,
                virsh=command,
                error=failure,
            )
        )
        if self.present:
            self.do_app_resync()
