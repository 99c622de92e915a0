"""The form for a host: where it is, what it is called, and how it is shown."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable

from tuivm.core.errors import TuivmError
from tuivm.core.hostconfig import COLOURS, NAME_LENGTH, HostConfig, read_tags
from tuivm.core.hosttable import latency_text, versions_text
from tuivm.core.model import HostStatus
from tuivm.core.text import sanitise
from tuivm.screens.context import Context
from tuivm.screens.dialog import key_parts
from tuivm.screens.form import Field, Form, Values
from tuivm.widgets.bars import Part
from tuivm.widgets.prompt import LineInput

EXAMPLES = """\
qemu+ssh://root@kv1/system     over ssh, as your ~/.ssh/config has it
qemu+tls://kv1.example/system  over TLS, with certificates
qemu:///system                 this machine
qemu:///session                your own VMs on this machine"""
COLOUR_CHOICES = (("", "none"), *((name, name) for name in COLOURS))
READONLY = (("", "no"), ("on", "yes: verbs that change something are refused"))
AUTOCONNECT = (("on", "yes"), ("", "no: d on the Hosts screen connects it"))

Save = Callable[[HostConfig], Awaitable[None]]
"""Takes the host in and keeps it; raises ``TuivmError``."""


class HostForm(Form):
    """Stays until the host is saved or the form is left: nothing typed is lost to an error."""

    def __init__(
        self, context: Context, title: str, host: HostConfig, kept: str, save: Save, verb: str
    ) -> None:
        """``kept`` says where it is written; ``save`` is called with what was entered."""
        fields = (
            Field("uri", "URI", host.uri, needed=True, hint="qemu+ssh://root@kv1/system"),
            Field("name", "Name", host.name, hint="as in the URI"),
            Field("tags", "Tags", " ".join(host.tags), hint="prod rack-3"),
            Field("colour", "Colour", host.colour, choices=COLOUR_CHOICES, role="colour."),
            Field("readonly", "Read-only", "on" if host.readonly else "", choices=READONLY),
            Field(
                "autoconnect",
                "Connect at start",
                "on" if host.autoconnect else "",
                choices=AUTOCONNECT,
            ),
        )
        super().__init__(context, title, f"{EXAMPLES}\n{kept}", fields, verb)
        self._save = save
        self._busy = False
        self._trial: asyncio.Future[HostStatus] | None = None

    def keys(self) -> Iterable[Part]:
        """What to press."""
        return key_parts(
            ("enter", self._verb, "enter"),
            ("tab", "next", "tab"),
            ("ctrl+t", "try it", "ctrl+t"),
            ("esc", "leave", "escape"),
        )

    def key(self, key: str, character: str | None) -> bool:
        """As in every form; ``ctrl+t`` tries the URI."""
        if key == "ctrl+t":
            self._try()
            return True
        return super().key(key, character)

    def check(self, values: Values) -> str:
        """What can be told from the texts alone."""
        if any(not char.isprintable() for char in values["uri"].strip()):
            return "the URI has signs that do not show"
        try:
            read_tags(values["tags"])
        except TuivmError as error:
            return str(error)
        return ""

    def finish(self, values: Values) -> None:
        """Save it, and stay where that fails."""
        if not self._busy:
            self._busy = True
            self._end_trial()
            self.tell("saving…", "dim")
            self.run_worker(self._finish(values), exit_on_error=True)

    async def _finish(self, values: Values) -> None:
        try:
            await self._save(host_of(values))
        except TuivmError as error:
            self._busy = False
            if self.is_attached:
                self.refuse(f"{error}. Nothing typed here is lost")
            return
        if self.is_attached:
            self.dismiss(values)

    # -- trying it -------------------------------------------------------------------------

    def on_input_changed(self, event: LineInput.Changed) -> None:
        """What is tried is not what is written any more."""
        if event.input.id == "field-uri":
            self._end_trial()
        super().on_input_changed(event)

    def on_unmount(self) -> None:
        """Ask nothing more."""
        self._end_trial()

    def _end_trial(self) -> None:
        self.asks_hosts = False
        if self._trial is not None:
            self._trial.cancel()
            self._trial = None

    def _try(self) -> None:
        values = self.values
        why = self.check(values)
        if not values["uri"].strip() or why:
            self.refuse(why or "URI is missing", "uri")
            return
        self._end_trial()
        host = host_of(values)
        self._trial = asyncio.wrap_future(self.context.backend.roster.try_out(host))
        self.asks_hosts = True
        self.tell("trying it…", "dim")
        self.run_worker(self._tried(self._trial), exit_on_error=True)

    async def _tried(self, trial: asyncio.Future[HostStatus]) -> None:
        try:
            found = await trial
            said = found_text(found), "good"
        except TuivmError as error:
            # The URI, which the title has, stands above.
            hint = f" ({error.hint})" if error.hint else ""
            said = f"{error.message or error.title}{hint}", "bad"
        except asyncio.CancelledError:
            return
        if trial is self._trial and self.is_attached:
            self.asks_hosts = False
            self._trial = None
            self.tell(*said)


def host_of(values: Values) -> HostConfig:
    """What was entered. Raises ``TuivmError`` for a wrong tag."""
    return HostConfig(
        values["uri"].strip(),
        sanitise(values["name"].strip(), NAME_LENGTH),
        bool(values["readonly"]),
        values["colour"],
        read_tags(values["tags"]),
        bool(values["autoconnect"]),
    )


def found_text(found: HostStatus) -> str:
    """What answered a trial, in one sentence."""
    what = versions_text(found) or "it"
    where = f" on {found.hostname}" if found.hostname else ""
    return f"it answers: {what}{where}, round trip {latency_text(found.latency)}"
