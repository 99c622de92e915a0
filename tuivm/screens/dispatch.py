"""Carries out actions that no screen handles itself: views, dialogs, and domain verbs.

Screens are imported when they are first opened: the list has to be there at once.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

from tuivm.core.actions import ACTIONS, Action
from tuivm.core.model import DomainKey, HostState
from tuivm.core.text import duration_text
from tuivm.screens.base import AppAction, BaseScreen

MANY = 12
"""Consoles beyond which opening them all at once is asked about."""
APP_ACTIONS = frozenset({"app.quit", "app.suspend", "app.redraw", "app.palette"})
"""What only the app can do."""

Args = Mapping[str, str]


def dispatch(
    screen: BaseScreen,
    action_id: str,
    args: Args,
    targets: Sequence[DomainKey] | None = None,
) -> bool:
    """Do an action for a screen; False when the id means nothing here.

    Args:
        screen: Where it was asked for, and where questions are shown.
        action_id: An id of ``core.actions.ACTIONS``.
        args: The action's arguments.
        targets: The domains to work on; None takes the screen's own.
    """
    action = ACTIONS.get(action_id)
    if action is None:
        return False
    keys = tuple(screen.targets() if targets is None else targets)
    if action.verb:
        from tuivm.screens.flow import ActionFlow

        screen.work(ActionFlow(screen).run(action_id, keys, args))
        return True
    if action_id.startswith("host."):
        from tuivm.screens.hostverbs import do_host

        do_host(screen, action, args)
        return True
    if action_id == "view.console" and len(keys) > 1:
        screen.work(_consoles(screen, action, keys))
        return True
    if action_id == "view.why" and targets is None and _why_late(screen):
        return True
    if action.per_domain and action_id in _FOR_ONE:
        if targets is None and (subject := screen.subject()) is not None:
            keys = (subject,)
        return _open_one(screen, action, keys, args)
    if action_id in _WITH_ARGS:
        _WITH_ARGS[action_id](screen, keys, args)
        return True
    if action_id in APP_ACTIONS:
        screen.post_message(AppAction(action_id))
        return True
    handler = _HANDLERS.get(action_id)
    if handler is None:
        return False
    handler(screen, keys)
    return True


def _open_one(screen: BaseScreen, action: Action, keys: Sequence[DomainKey], args: Args) -> bool:
    """Open a screen about one domain, or say why not."""
    row = screen.context.store.rows.get(keys[0]) if keys else None
    if row is None:
        screen.say(f"{action.title}: {'it is gone' if keys else 'no VM is under the cursor'}")
        return True
    reason = action.applies(row)
    if reason is not None:
        screen.say(f"{action.title}: {reason}")
        return True
    _FOR_ONE[action.id](screen, row.key, args)
    return True


Opener = Callable[[BaseScreen, DomainKey, Args], None]


def _details(tab: str) -> Opener:
    def opens(screen: BaseScreen, key: DomainKey, args: Args) -> None:
        from tuivm.screens.details import DetailsScreen

        screen.app.push_screen(DetailsScreen(screen.context, key, tab=args.get("tab", tab)))

    return opens


def _console(boot: bool) -> Opener:
    def opens(screen: BaseScreen, key: DomainKey, args: Args) -> None:
        from tuivm.screens.console import ConsoleScreen

        screen.app.push_screen(ConsoleScreen(screen.context, key, boot=boot))

    return opens


async def _consoles(screen: BaseScreen, action: Action, keys: Sequence[DomainKey]) -> None:
    """Open several consoles as tabs; those that cannot be opened are told."""
    from tuivm.screens.console import ConsoleScreen

    rows = screen.context.store.rows
    able = [key for key in keys if key in rows and action.applies(rows[key]) is None]
    if not able:
        screen.say(f"{action.title}: none of these {len(keys)} can be opened")
        return
    if len(able) > MANY and not await screen.ask(f"Open {len(able)} consoles at once?"):
        return
    console = ConsoleScreen(screen.context, able[0], more=able[1:])
    screen.app.push_screen(console)
    if len(able) < len(keys):
        # There, as the console covers the screen where this was asked for.
        told = f"{len(keys) - len(able)} of {len(keys)} not opened: off"
        console.call_after_refresh(console.say, told, "warn")


def _why(screen: BaseScreen, key: DomainKey, args: Args) -> None:
    from tuivm.screens.why import WhyScreen, last_error

    screen.app.push_screen(WhyScreen(screen.context, key, last_error(screen.context, key)))


def _why_late(screen: BaseScreen) -> bool:
    """Show what does not stop, where the cursor is on nothing that was asked to."""
    stops = screen.context.stops
    late, subject = [stop.key for stop in stops.late], screen.subject()
    if not late or subject in stops.by_key:
        return False
    if len(late) == 1:
        return _open_one(screen, ACTIONS["view.why"], late, {})
    _jobs(screen, ())
    return True


def _ssh(screen: BaseScreen, key: DomainKey, args: Args) -> None:
    from tuivm.screens.programs import open_ssh

    screen.work(open_ssh(screen, key, args))


_FOR_ONE: dict[str, Opener] = {
    "view.details": _details("overview"),
    "view.xml": _details("xml"),
    "view.log": _details("log"),
    "view.console": _console(False),
    "view.console_boot": _console(True),
    "view.ssh": _ssh,
    "view.why": _why,
}


def _virsh(screen: BaseScreen, keys: Sequence[DomainKey], args: Args) -> None:
    from tuivm.screens.programs import open_virsh

    open_virsh(screen, args)


def _run(screen: BaseScreen, keys: Sequence[DomainKey], args: Args) -> None:
    from tuivm.screens.runform import ask_run

    ask_run(screen.app, screen.context, keys, screen.say, args.get("line", ""))


def _job_cancel(screen: BaseScreen, keys: Sequence[DomainKey], args: Args) -> None:
    """Let followed shutdowns be; break off the jobs of the others, after a question."""
    from tuivm.screens.jobs import let_be

    said = [text for key in keys if (text := let_be(screen.context, key))]
    if said:
        screen.say(said[0] if len(said) == 1 else f"no longer waiting for {len(said)} VMs", "dim")
    elif keys:
        dispatch(screen, "domain.abort_job", {}, keys)


def _job_pivot(screen: BaseScreen, keys: Sequence[DomainKey], args: Args) -> None:
    """Let a disk go on in its copy, after a question."""
    dispatch(screen, "domain.pivot", {}, keys)


def _job_wait(screen: BaseScreen, keys: Sequence[DomainKey], args: Args) -> None:
    """Be patient once more with those that are followed."""
    stops = screen.context.stops
    waiting = [key for key in keys if key in stops.by_key]
    for key in waiting:
        stops.wait_on(key, time.monotonic())
    if waiting:
        more = duration_text(screen.context.config.patience)
        screen.say(f"{stops.by_key[waiting[0]].name}: {more} more", "dim")
    else:
        screen.say("Wait on: no shutdown of this VM is waited for", "dim")


def _tags(screen: BaseScreen, keys: Sequence[DomainKey], args: Args) -> None:
    from tuivm.screens.labels import change_tags

    screen.work(change_tags(screen, keys, args))


def _describe(screen: BaseScreen, keys: Sequence[DomainKey], args: Args) -> None:
    """Edit the VM under the cursor, or the one named; with a text, write it to all of them."""
    from tuivm.screens.labels import describe, describe_all

    if "text" in args:
        screen.work(describe_all(screen, keys, args))
        return
    subject = screen.subject() if keys == screen.targets() else None
    key = subject or (keys[0] if keys else None)
    if key is None:
        screen.say("Title and description: no VM is under the cursor")
    else:
        screen.work(describe(screen, key, args.get("what", "")))


def _rename(screen: BaseScreen, keys: Sequence[DomainKey], args: Args) -> None:
    from tuivm.screens.rename import rename

    screen.work(rename(screen, keys, args))


def _bundle(screen: BaseScreen, keys: Sequence[DomainKey], args: Args) -> None:
    """Of the VM named, of the one under the cursor, or of the host in sight."""
    from tuivm.screens.bundling import ask_bundle

    subject = screen.subject() if keys == screen.targets() else None
    key = subject or (keys[0] if keys else None)
    host = key.host if key is not None else _host_in_sight(screen)
    if host:
        screen.work(ask_bundle(screen, host, key))
    else:
        screen.say("Bundle: there is no host yet")


_WITH_ARGS: dict[str, Callable[[BaseScreen, Sequence[DomainKey], Args], None]] = {
    "view.virsh": _virsh,
    "view.run": _run,
    "view.tags": _tags,
    "view.describe": _describe,
    "view.rename": _rename,
    "view.bundle": _bundle,
    "job.cancel": _job_cancel,
    "job.pivot": _job_pivot,
    "job.wait": _job_wait,
}


def _to_root(screen: BaseScreen) -> None:
    """Close all that lies above the list."""
    app = screen.app
    while len(app.screen_stack) > 1:
        app.pop_screen()


def _vms(screen: BaseScreen, keys: Sequence[DomainKey]) -> None:
    _to_root(screen)


def _hosts(screen: BaseScreen, keys: Sequence[DomainKey]) -> None:
    from tuivm.screens.hosts import HostsScreen

    if not isinstance(screen, HostsScreen):
        host = screen.host()
        _to_root(screen)
        screen.app.push_screen(HostsScreen(screen.context, host))


def _host_in_sight(screen: BaseScreen) -> str:
    """The host under the cursor, that of the VM under it, or the first one there is."""
    return screen.host() or next(iter(screen.context.store.hosts), "")


def _logs(screen: BaseScreen, keys: Sequence[DomainKey]) -> None:
    from tuivm.screens.liblogs import LibvirtLogsScreen

    host = _host_in_sight(screen)
    if not host:
        screen.say("Logs of libvirt: there is no host yet")
    elif not isinstance(screen, LibvirtLogsScreen):
        screen.app.push_screen(LibvirtLogsScreen(screen.context, host))


def _check(screen: BaseScreen, keys: Sequence[DomainKey]) -> None:
    """Check the host in sight."""
    from tuivm.screens.check import CheckScreen

    host = _host_in_sight(screen)
    if host:
        screen.app.push_screen(CheckScreen(screen.context, host))
    else:
        screen.say("Check host: there is no host; `tuivm check` looks at this machine alone")


def _events(screen: BaseScreen, keys: Sequence[DomainKey]) -> None:
    from tuivm.screens.events import EventsScreen

    if not isinstance(screen, EventsScreen):
        _to_root(screen)
        screen.app.push_screen(EventsScreen(screen.context))


def _results(screen: BaseScreen, keys: Sequence[DomainKey]) -> None:
    from tuivm.screens.results import open_results

    open_results(screen, screen.context.bulks.last)


def _cancel_bulk(screen: BaseScreen, keys: Sequence[DomainKey]) -> None:
    from tuivm.screens.flow import cancel_bulk

    cancel_bulk(screen)


def _jobs(screen: BaseScreen, keys: Sequence[DomainKey]) -> None:
    from tuivm.screens.jobs import JobsScreen

    if not isinstance(screen, JobsScreen):
        _to_root(screen)
        screen.app.push_screen(JobsScreen(screen.context))


def _help(screen: BaseScreen, keys: Sequence[DomainKey]) -> None:
    from tuivm.screens.help import HelpScreen

    screen.app.push_screen(HelpScreen(screen.context, screen, screen.subject()))


def _power(screen: BaseScreen, keys: Sequence[DomainKey]) -> None:
    from tuivm.screens.power import power_menu

    screen.work(power_menu(screen, keys))


def _copy(screen: BaseScreen, keys: Sequence[DomainKey]) -> None:
    from tuivm.screens.power import copy_menu

    screen.work(copy_menu(screen, keys))


def _command(screen: BaseScreen, keys: Sequence[DomainKey]) -> None:
    from tuivm.screens.commandline import CommandLine

    CommandLine.open(screen)


def _resync(screen: BaseScreen, keys: Sequence[DomainKey]) -> None:
    statuses = screen.context.store.hosts.values()
    # What somebody disconnected stays so until they ask for it by name.
    hosts = [one.id for one in statuses if one.state is not HostState.DISABLED]
    for host in hosts:
        screen.context.backend.retry(host)
    screen.say("listing afresh: " + (", ".join(hosts) or "no host yet"), "dim")


def _client_log(screen: BaseScreen, keys: Sequence[DomainKey]) -> None:
    from tuivm.screens.reopening import ask_reopen

    screen.work(ask_reopen(screen))


def _close(screen: BaseScreen, keys: Sequence[DomainKey]) -> None:
    if len(screen.app.screen_stack) > 1:
        screen.dismiss()
    else:
        screen.post_message(AppAction("app.quit"))


def _back(screen: BaseScreen, keys: Sequence[DomainKey]) -> None:
    if len(screen.app.screen_stack) > 1:
        screen.dismiss()


_HANDLERS: dict[str, Callable[[BaseScreen, Sequence[DomainKey]], None]] = {
    "view.vms": _vms,
    "view.hosts": _hosts,
    "view.check": _check,
    "view.logs": _logs,
    "view.jobs": _jobs,
    "view.events": _events,
    "view.results": _results,
    "bulk.cancel": _cancel_bulk,
    "view.power": _power,
    "view.copy": _copy,
    "logs.client": _client_log,
    "app.help": _help,
    "app.command": _command,
    "app.resync": _resync,
    "app.close": _close,
    "nav.back": _back,
}
