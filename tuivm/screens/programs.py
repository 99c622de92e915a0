"""Opens programs of this machine in panes: asks what they need to know, and says why not."""

from __future__ import annotations

from collections.abc import Mapping

from tuivm.core import programs
from tuivm.core.addresses import usable
from tuivm.core.errors import TuivmError
from tuivm.core.model import DomainKey, HostStatus
from tuivm.core.rows import Row
from tuivm.core.text import sanitise
from tuivm.core.words import split
from tuivm.screens.base import BaseScreen
from tuivm.screens.child import ChildScreen
from tuivm.screens.form import Field, Form, Values

SOURCES = {"lease": "DHCP lease", "agent": "guest agent", "arp": "ARP"}


async def open_ssh(screen: BaseScreen, key: DomainKey, args: Mapping[str, str]) -> None:
    """Ask for the user, where no argument names one, and open ssh to the guest."""
    context = screen.context
    row = context.store.rows.get(key)
    if row is None:
        return
    jump = programs.jump_host(row.host.uri)
    values: Values | None = {
        "user": args.get("user", ""),
        "address": args.get("address") or usable(row.domain.addresses)[0].ip,
        "jump": jump.target if jump is not None and jump.likely else "",
    }
    if "user" not in args:
        form = SshForm(screen, row, jump)
        values = await screen.app.push_screen_wait(form)
    if values is None:
        return
    try:
        program = _ssh(row, values)
    except TuivmError as error:
        screen.say(str(error))
        return
    context.remembered.use(key.uuid, values["user"])
    screen.app.push_screen(ChildScreen(context, program))


def _ssh(row: Row, values: Values) -> programs.Program:
    key = row.key
    return programs.ssh(
        values["user"],
        values["address"],
        name=row.domain.name,
        host=key.host,
        uuid=key.uuid,
        jump=values["jump"],
    )


class SshForm(Form):
    """Who, which address, and by which way."""

    def __init__(self, screen: BaseScreen, row: Row, jump: programs.Jump | None) -> None:
        self._row = row
        addresses = usable(row.domain.addresses)
        shown = [(one.ip, f"{one.ip} ({SOURCES.get(one.source, one.source)})") for one in addresses]
        fields = [
            Field(
                "user",
                "User",
                screen.context.remembered.user(row.key.uuid, "root"),
                needed=True,
                hint="root",
            ),
            Field("address", "Address", choices=tuple(shown)),
        ]
        ways = [("", "directly")]
        if jump is not None:
            ways.append((jump.target, f"through {sanitise(jump.target, 60)} (ssh -J)"))
        likely = ways[-1][0] if jump is not None and jump.likely else ""
        fields.append(Field("jump", "Way", likely, choices=tuple(ways)))
        about = "In a pane; ssh asks for passwords and host keys there."
        super().__init__(screen.context, f"SSH to {row.domain.name}", about, fields, "connect")

    def check(self, values: Values) -> str:
        """Nothing that ssh would take for something else."""
        try:
            _ssh(self._row, values)
        except TuivmError as error:
            return f"{error.message} ({error.hint})"
        return ""


def open_virsh(screen: BaseScreen, args: Mapping[str, str]) -> None:
    """Open a virsh shell, or run one virsh command, on the connection in sight."""
    status = _host(screen)
    if status is None:
        screen.say("Virsh shell: there is no connection yet")
        return
    if status.demo:
        screen.say("Virsh shell: the embedded fleet lives in this program only, virsh sees none")
        return
    context = screen.context
    words = [word.text for word in split(args.get("line", ""))]
    program = programs.virsh(
        status.uri,
        words,
        host=status.id,
        readonly=status.readonly or context.options.readonly,
    )
    screen.app.push_screen(ChildScreen(context, program))


def _host(screen: BaseScreen) -> HostStatus | None:
    """The host of the VM under the cursor, of the line under it, or the first one."""
    hosts = screen.context.store.hosts
    return hosts.get(screen.host()) or next(iter(hosts.values()), None)
