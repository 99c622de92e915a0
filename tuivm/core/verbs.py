"""The commands of the ``:`` line, with virsh's names and options."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase


@dataclass(frozen=True, slots=True)
class Option:
    """One option of a command."""

    name: str
    help: str
    value: bool = False
    """True when a value follows."""
    values: tuple[str, ...] = ()
    """The values it takes; several may be given with commas. Empty takes any."""
    args: Mapping[str, str] = field(default_factory=dict)
    """Arguments that it stands for; an option with a value gives that under its name."""
    action_id: str = ""
    """The action that the command means with this option."""


@dataclass(frozen=True, slots=True)
class Command:
    """One command."""

    name: str
    action_id: str
    help: str
    options: tuple[Option, ...] = ()
    domains: bool = True
    """True when words are names of domains; without one the marked or the cursor's are meant."""
    args: Mapping[str, str] = field(default_factory=dict)
    """Arguments that it always gives."""
    rest: str = ""
    """The argument that takes the words that are not domains; ``query``, ``line`` and ``view``
    take the rest of the line as it was typed, ``disk`` the last of several words, those of
    ``OPTIONAL`` may be absent."""
    aliases: tuple[str, ...] = ()
    refused: Mapping[str, str] = field(default_factory=dict)
    """virsh's options that are not here, and why."""

    def option(self, name: str) -> Option | None:
        """Find an option by its name."""
        return next((option for option in self.options if option.name == name), None)


OPTIONAL = frozenset({"path", "host"})
"""Arguments for ``rest`` that may be left out: the screen then asks."""


def _on(name: str, text: str) -> Option:
    return Option(name, text, args={name: "on"})


def _noted(name: str, text: str) -> Option:
    """An option that changes nothing here, because it is what happens anyway."""
    return Option(name, text)


MODES = ("acpi", "agent", "initctl", "signal", "paravirt")
_MODE = Option("mode", "how: acpi, agent, initctl, signal or paravirt", value=True, values=MODES)
_STORAGE = "disks are never deleted in this release; virsh undefine can"
_NO_STORAGE = dict.fromkeys(
    ("storage", "remove-all-storage", "wipe-storage", "delete-storage-volume-snapshots"), _STORAGE
)
_SCOPES = (
    ("live", "what runs only"),
    ("config", "the definition only"),
    ("current", "what runs, or the definition while it is off"),
)
_BYPASS = _on("bypass-cache", "go around the page cache")

POWER_COMMANDS: tuple[Command, ...] = (
    Command(
        "start",
        "domain.start",
        "start what is off",
        (
            Option("paused", "with its CPUs stopped", action_id="domain.start_paused"),
            Option("console", "with its console attached", action_id="view.console_boot"),
            Option("force-boot", "drop a saved state", action_id="domain.boot_fresh"),
            _BYPASS,
        ),
    ),
    Command("shutdown", "domain.shutdown", "ask the guest to power off", (_MODE,)),
    Command("cycle", "domain.cycle", "shut down, then start: applies what waited", (_MODE,)),
    Command("reboot", "domain.reboot", "ask the guest to restart", (_MODE,)),
    Command("reset", "domain.reset", "press the reset button"),
    Command(
        "destroy",
        "domain.destroy",
        "pull the plug",
        (_on("graceful", "give up rather than kill a hypervisor that does not react"),),
    ),
    Command("suspend", "domain.suspend", "pause", aliases=("pause",)),
    Command("resume", "domain.resume", "let a paused VM go on"),
    Command(
        "managedsave",
        "domain.managedsave",
        "save the memory and power off",
        (
            _BYPASS,
            _on("running", "run when it is started again"),
            _on("paused", "be paused when it is started again"),
            _noted("verbose", "show progress"),
        ),
    ),
    Command("managedsave-remove", "domain.managedsave_remove", "drop the saved memory"),
    Command(
        "send-key",
        "domain.send_key",
        "press keys: KEY_LEFTCTRL KEY_C, ctrl-alt-del",
        (
            Option("codeset", "linux is the one here", value=True, values=("linux",)),
            Option("holdtime", "milliseconds to hold them", value=True),
        ),
        rest="keys",
    ),
    Command("domjobabort", "domain.abort_job", "break off its save, migration, dump or backup"),
    Command(
        "blockjob",
        "view.jobs",
        "show the jobs; break one of a disk off, or let it go on in its copy",
        (
            Option("abort", "break it off: the disk stays as it is", action_id="domain.abort_job"),
            Option("pivot", "go on in the copy, once it is ready", action_id="domain.pivot"),
        ),
        rest="disk",
        refused={"bandwidth": "virsh sets it", "async": "its end is waited for"},
    ),
    Command(
        "set-lifecycle-action",
        "domain.set_lifecycle_action",
        "what happens when its guest goes off, reboots or crashes",
        (
            Option("type", "when", value=True, values=("poweroff", "reboot", "crash")),
            Option(
                "action",
                "what",
                value=True,
                values=("destroy", "restart", "rename-restart", "preserve"),
            ),
        ),
    ),
    Command("enable-acpi", "domain.enable_acpi", "let its next start hear the power button"),
    Command(
        "tag",
        "view.tags",
        "give and take tags: +web -old",
        tuple(Option(name, text, args={name: "on"}) for name, text in _SCOPES),
        rest="change",
    ),
    Command(
        "desc",
        "view.describe",
        "describe it; the text after its name, or a form to edit it in",
        (
            Option("title", "its title instead", args={"what": "title"}),
            *(Option(name, text, args={name: "on"}) for name, text in _SCOPES),
            _noted("edit", "in a form, as always here without a text"),
        ),
        rest="text",
        aliases=("describe",),
    ),
    Command(
        "title",
        "view.describe",
        "give it a title; as desc --title",
        tuple(Option(name, text, args={name: "on"}) for name, text in _SCOPES),
        args={"what": "title"},
        rest="text",
    ),
    Command(
        "domrename",
        "view.rename",
        "give it another name; the name after its own, or a prompt",
        (Option("new-name", "the new name", value=True),),
        rest="new-name",
        aliases=("rename",),
    ),
    Command("inject-nmi", "domain.inject_nmi", "send a non-maskable interrupt"),
    Command(
        "autostart",
        "domain.autostart_on",
        "start it with its host",
        (Option("disable", "no longer", action_id="domain.autostart_off"),),
    ),
    Command(
        "undefine",
        "domain.undefine",
        "remove the definition; disks stay",
        (
            _noted("managed-save", "its saved state too, as always here"),
            _noted("snapshots-metadata", "its snapshot records too, as always here"),
            _noted("checkpoints-metadata", "its checkpoint records too, as always here"),
            _on("nvram", "delete the UEFI variables"),
            _noted("keep-nvram", "keep the UEFI variables, as always here without --nvram"),
            _on("tpm", "delete the TPM state"),
            _noted("keep-tpm", "keep the TPM state, as always here without --tpm"),
        ),
        refused=_NO_STORAGE,
    ),
)


def _details(name: str, tab: str, text: str, *options: Option) -> Command:
    return Command(name, "view.details", text, options, args={"tab": tab})


def _host(name: str, action_id: str, text: str, **args: str) -> Command:
    """A command on a named host, else on the one under the cursor."""
    return Command(f"host-{name}", action_id, text, domains=False, rest="host", args=args)


LIST_FILTERS: dict[str, tuple[str, str]] = {
    "all": ("", "running and off"),
    "inactive": ("state:inactive", "what is off"),
    "state-running": ("state:running", "what runs"),
    "state-paused": ("state:paused", "what is paused"),
    "state-shutoff": ("state:off", "what is off"),
    "state-other": ("!state:running,paused,off", "what is in any other state"),
    "transient": ("persistent:no", "without a definition"),
    "persistent": ("persistent:yes", "with a definition"),
    "autostart": ("autostart:yes", "started with the host"),
    "no-autostart": ("autostart:no", "not started with the host"),
    "with-snapshot": ("snapshots:yes", "with snapshots"),
    "without-snapshot": ("snapshots:no", "without snapshots"),
    "with-checkpoint": ("checkpoints:yes", "with checkpoints"),
    "without-checkpoint": ("checkpoints:no", "without checkpoints"),
    "with-managed-save": ("saved:yes", "with a saved state"),
    "without-managed-save": ("saved:no", "without a saved state"),
}
"""Options of ``:list`` to the filter that they stand for, and their help."""

_LOOKS = ("title", "name", "uuid", "id", "table", "managed-save")

VIEW_COMMANDS: tuple[Command, ...] = (
    Command(
        "list",
        "app.filter",
        "show what is active, or what the options say",
        (
            *(Option(name, text) for name, (_, text) in LIST_FILTERS.items()),
            *(_noted(name, "shown anyway, or with more room") for name in _LOOKS),
        ),
        domains=False,
    ),
    Command(
        "console",
        "view.console",
        "attach to the serial console",
        (_noted("safe", "as always here"),),
        refused={
            "force": "a console that somebody has offers to take it over",
            "devname": "the first console is opened; virsh console has the others",
        },
    ),
    Command(
        "ssh",
        "view.ssh",
        "open ssh to the guest's address",
        (
            Option("user", "log in as this user", value=True),
            Option("address", "this one of its addresses", value=True),
        ),
    ),
    Command(
        "run",
        "view.run",
        "log in on the consoles and run a command",
        domains=False,
        rest="line",
    ),
    Command(
        "virsh",
        "view.virsh",
        "a virsh shell, or the virsh command that follows",
        domains=False,
        rest="line",
    ),
    Command(
        "dumpxml",
        "view.xml",
        "show the XML, live and of the next start",
        refused={
            "inactive": "i in the view switches between live and the next start",
            "security-info": "secrets are never shown here; virsh dumpxml shows them",
        },
        aliases=("xml",),
    ),
    _details("dominfo", "overview", "show what is known of it"),
    _details("domstate", "overview", "show its state", _noted("reason", "shown anyway")),
    _details("domuuid", "overview", "show its UUID"),
    _details("domid", "overview", "show the hypervisor's id"),
    _details("domname", "overview", "show its name"),
    _details("domifaddr", "overview", "show its addresses"),
    _details("domblklist", "devices", "show its disks"),
    _details("domiflist", "devices", "show its network cards"),
    _details("domstats", "performance", "show its numbers"),
    _details("details", "overview", "open it"),
    Command("log", "view.log", "show the hypervisor's log of it"),
    Command("why", "view.why", "what stands in its way, and the ways out"),
    Command("bundle", "view.bundle", "write what a bug report needs to a file"),
    Command("power", "view.power", "every power verb"),
    Command("copy", "view.copy", "copy name, UUID, IP, MAC, XML or virsh command"),
    Command("mark", "list.mark", "mark VMs by name or pattern"),
    Command("unmark", "list.clear_marks", "take off all marks", domains=False),
    Command("filter", "app.filter", "filter the list", domains=False, rest="query"),
    Command("sort", "list.sort", "sort by a column; add desc or asc", domains=False, rest="column"),
    Command(
        "group",
        "list.group",
        "group the list by host, state, tag or none",
        domains=False,
        rest="grouping",
    ),
    Command(
        "fold",
        "list.fold",
        "fold the group under the cursor, or open it",
        (Option("all", "all groups", action_id="list.fold_all"),),
        domains=False,
    ),
    Command(
        "export",
        "list.export",
        "write what the list shows to FILE.csv or FILE.json",
        domains=False,
        rest="path",
    ),
    Command("columns", "list.columns", "choose the list's columns", domains=False),
    Command(
        "view",
        "list.views",
        "show a saved view; without a name: choose or save one",
        domains=False,
        rest="view",
        aliases=("views",),
    ),
    Command("faults", "list.faults", "only VMs that need a look, or all", domains=False),
    Command("vms", "view.vms", "all virtual machines", domains=False, aliases=("vm",)),
    Command("hosts", "view.hosts", "the connections", domains=False, aliases=("host",)),
    Command("host-add", "host.add", "connect to another host", domains=False),
    _host("edit", "host.edit", "change its URI, name, colour, tags"),
    _host("connect", "host.toggle", "connect a disconnected host", to="on"),
    _host("disconnect", "host.toggle", "close its connection, try no other", to="off"),
    _host("forget", "host.forget", "take it off the list"),
    _host("vms", "host.vms", "only its VMs"),
    Command("check", "view.check", "can the host run VMs, what is missing", domains=False),
    Command("jobs", "view.jobs", "what is under way", domains=False, aliases=("job",)),
    Command("events", "view.events", "what happened", domains=False, aliases=("event",)),
    Command("results", "view.results", "what came of a verb on many VMs", domains=False),
    Command("cancel", "bulk.cancel", "send no more of a verb on many VMs", domains=False),
    Command(
        "logs",
        "view.logs",
        "how libvirt logs, and who is connected",
        domains=False,
        aliases=("client-list", "server-list", "daemon-log-filters", "daemon-log-outputs"),
    ),
    Command(
        "debug",
        "logs.client",
        "open tuivm anew with libvirt's client log, or without",
        domains=False,
    ),
    Command("resync", "app.resync", "list afresh, reconnect", domains=False, aliases=("connect",)),
    Command("palette", "app.palette", "find any action", domains=False),
    Command("help", "app.help", "keys, fields and commands", domains=False, aliases=("h", "?")),
    Command("quit", "app.quit", "leave tuivm", domains=False, aliases=("q", "q!", "exit")),
)
COMMANDS: dict[str, Command] = {
    command.name: command for command in (*POWER_COMMANDS, *VIEW_COMMANDS)
}
"""Every command by its main name, in the order of help."""
NAMES: dict[str, Command] = {
    name: command for command in COMMANDS.values() for name in (command.name, *command.aliases)
}
"""Every command by all of its names."""

_VIRSH_ONLY = (
    "net*", "iface*", "pool*", "vol*", "snapshot*", "checkpoint*", "backup*", "block*", "secret*",
    "nwfilter*", "nodedev*", "node*", "attach*", "detach*", "update*", "migrate*", "dom*", "set*",
    "vcpu*", "emulatorpin", "iothread*", "guest*", "qemu*", "edit", "define", "create", "save*",
    "restore", "dump", "screenshot", "cpu*", "hypervisor*", "capabilities", "domcapabilities",
    "mem*", "numatune", "blkiotune", "perf", "sched*", "change-media", "metadata",
    "ttyconsole", "vncdisplay", "send-process-signal", "pm*", "clone", "uri",
    "hostname", "version",
    "echo", "cd", "pwd", "event",
)  # fmt: skip


def virsh_only(name: str) -> bool:
    """Tell whether virsh, or a later release, has a command that is not here."""
    return any(fnmatchcase(name, pattern) for pattern in _VIRSH_ONLY)
