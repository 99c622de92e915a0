"""Carries out what is done to hosts: add, edit, disconnect, connect, forget."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from threading import Thread
from typing import TypeVar

from tuivm.core import hostactions, hostfile
from tuivm.core.action import Action
from tuivm.core.actions import ACTIONS
from tuivm.core.config import Config, default_path
from tuivm.core.errors import TuivmError
from tuivm.core.files import short_path
from tuivm.core.hostconfig import HostConfig
from tuivm.core.launch import Origin
from tuivm.core.model import HostStatus, LogEntry, Severity
from tuivm.core.text import sanitise
from tuivm.screens.base import BaseScreen
from tuivm.screens.context import Context

T = TypeVar("T")


def do_host(screen: BaseScreen, action: Action, args: Mapping[str, str]) -> None:
    """Do an action of ``core.hostactions``, or say why not."""
    if action.id == "host.add":
        _add(screen)
        return
    name = args.get("host") or screen.host()
    status = screen.context.store.hosts.get(name)
    if status is None:
        shown = sanitise(name, 60)
        screen.say(
            f"{action.title}: {f'there is no host {shown}' if name else 'no host is chosen'}"
        )
        return
    reason = action.applies_host(status)
    if reason is not None:
        screen.say(f"{action.title}: {status.id} cannot be changed, {reason}")
        return
    match action.id:
        case "host.edit":
            _edit(screen, status)
        case "host.toggle":
            screen.work(_toggle(screen, status, args.get("to", "")))
        case "host.forget":
            screen.work(_forget(screen, status))
        case "host.vms":
            show_vms(screen, status)


def show_vms(screen: BaseScreen, status: HostStatus) -> None:
    """Open the list with one host's VMs."""
    quote = "'" if '"' in status.id else '"'
    plain = status.id.replace("-", "").replace("_", "").isalnum()
    name = status.id if plain else f"{quote}{status.id}{quote}"
    root = screen.app.screen_stack[0]
    screen.context.dispatch(screen, "view.vms", {}, None)
    if isinstance(root, BaseScreen):
        root.take("app.filter", {"query": f"host={name}"})


def _add(screen: BaseScreen) -> None:
    from tuivm.screens.hostform import HostForm

    context, taken = screen.context, ""

    async def save(host: HostConfig) -> None:
        nonlocal taken
        if taken:
            # It is there since the last try, which could not write the file.
            taken = context.backend.roster.change(taken, host)
        else:
            taken = context.backend.roster.add(host)
        screen.host_added(taken)
        await _keep(context, host, host.uri)
        _say(context, taken, f"{taken}: added{_when(context)}, kept in {_file(context)}")

    blank = HostConfig("")
    form = HostForm(context, "Add a host", blank, _kept_text(context), save, "add")
    # At once: what is typed ahead belongs to the form.
    screen.app.push_screen(form)


def _edit(screen: BaseScreen, status: HostStatus) -> None:
    from tuivm.screens.hostform import HostForm

    context = screen.context
    known = context.config.host(status.uri)
    readonly = status.readonly and not context.options.readonly
    old = known or HostConfig(status.uri, status.id, readonly, status.colour, status.tags)
    place, uri = status.id, old.uri

    async def save(host: HostConfig) -> None:
        nonlocal place, uri
        if host == known:
            return
        place = context.backend.roster.change(place, host)
        await _keep(context, host, uri)
        uri = host.uri
        _say(context, place, f"{place}: changed, kept in {_file(context)}")

    form = HostForm(context, f"Edit {status.id}", old, _kept_text(context), save, "save")
    screen.app.push_screen(form)


async def _toggle(screen: BaseScreen, status: HostStatus, to: str) -> None:
    context, off = screen.context, hostactions.connects(status)
    if to == ("off" if off else "on"):
        screen.say(f"{status.id} is {'disconnected' if off else 'connected'} already", "dim")
    elif off:
        context.backend.retry(status.id)
        screen.say(f"{status.id}: connecting", "dim")
    else:
        open_here = _open_here(context, status.id)
        if open_here and not await screen.ask(f"Disconnect {status.id}? {open_here}"):
            return
        context.backend.roster.disconnect(status.id)
        _say(context, status.id, f"{status.id}: disconnected; {_key(context)} connects it again")


async def _forget(screen: BaseScreen, status: HostStatus) -> None:
    context, name = screen.context, status.id
    count = sum(key.host == name for key in context.store.rows)
    vms = f"Its {count} VMs go on" if count > 1 else "Its VM goes on"
    what = _open_here(context, name) or (f"{vms}, unseen here." if count else "")
    if not await screen.ask(f"Forget {name}? {what}".strip()):
        return
    kept = context.config.host(status.uri) is not None
    also = kept and await screen.ask(f"Take it out of {_file(context)} too?")
    context.backend.roster.forget(name)
    if not also:
        _say(context, name, f"{name}: forgotten{' until the next start' if kept else ''}")
        return
    try:
        await _write(context, partial(hostfile.forget, _path(context), status.uri))
    except TuivmError as error:
        text = f"{name}: forgotten until the next start"
        entry = LogEntry(time.time(), text, Severity.ERROR, host=name, error=error)
        context.store.add_entry(entry)
        return
    _say(context, name, f"{name}: forgotten, taken out of {_file(context)}")


# -- the configuration file -----------------------------------------------------------------


def _path(context: Context) -> Path:
    return context.config.path or default_path()


def _file(context: Context) -> str:
    return short_path(_path(context))


def _kept_text(context: Context) -> str:
    return f"It is kept in {_file(context)}."


def _when(context: Context) -> str:
    """When a host of the configuration is opened, where that is not at every start."""
    return {
        Origin.NAMED: " for starts without -c",
        Origin.LIBVIRT: " for starts where libvirt's settings name none",
    }.get(context.options.origin, "")


async def _keep(context: Context, host: HostConfig, uri: str) -> None:
    """Write a host. Raises ``TuivmError``."""
    also: list[HostConfig] = []
    if context.options.origin is Origin.FOUND and not context.config.hosts:
        # What was found by itself is found no more once the file names hosts.
        others = (one for one in context.store.hosts.values() if not one.demo)
        also = [HostConfig(one.uri) for one in others if one.uri not in (uri, host.uri)]
    try:
        await _write(context, partial(hostfile.keep, _path(context), host, uri, also=also))
    except TuivmError as error:
        raise TuivmError(
            f"It is so for now, but not kept: {error.title}",
            error.message,
            hint=f"{error.hint}; enter tries again, esc leaves it so" if error.hint else "",
        ) from error


async def _write(context: Context, work: Callable[[], Config]) -> None:
    found = await asyncio.wrap_future(_on_thread(work))
    context.config = context.config._replace(hosts=found.hosts, path=found.path)


def _on_thread(work: Callable[[], T]) -> Future[T]:
    """Do what may wait for a disk; never on a pool that is joined at exit."""
    future: Future[T] = Future()
    # Whoever waits may stop waiting; what was begun is done all the same.
    future.set_running_or_notify_cancel()

    def run() -> None:
        try:
            future.set_result(work())
        except Exception as error:
            future.set_exception(error)

    Thread(target=run, name="tuivm-config", daemon=True).start()
    return future


# -- words ----------------------------------------------------------------------------------


def _say(context: Context, host: str, text: str) -> None:
    context.store.add_entry(LogEntry(time.time(), text, host=host))


def _key(context: Context) -> str:
    return context.keymap.label("host.toggle") or f":{ACTIONS['host.toggle'].id}"


def _open_here(context: Context, host: str) -> str:
    """What of ours ends with the connection, as a sentence; empty where nothing does."""
    consoles = sum(key.host == host for key in context.kept_consoles)
    stops = sum(key.host == host for key in context.stops.by_key)
    parts = []
    if consoles:
        parts.append(f"{consoles} kept console{'s' if consoles > 1 else ''}")
    if stops:
        parts.append(f"waiting for {stops} shutdown{'s' if stops > 1 else ''}")
    return f"It ends {' and '.join(parts)}." if parts else ""
