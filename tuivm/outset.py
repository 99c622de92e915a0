"""What the screen begins with: the store, the view, the keys, and what earlier runs left."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from tuivm.core.clientlog import ClientLog
from tuivm.core.errors import TuivmError
from tuivm.core.keymap import Keymap
from tuivm.core.launch import Launch
from tuivm.core.model import LogEntry, Severity
from tuivm.core.pace import Pacer
from tuivm.core.store import Store
from tuivm.core.text import sanitise
from tuivm.core.view import View
from tuivm.core.views import Views
from tuivm.screens.context import Context, Options

if TYPE_CHECKING:
    from tuivm.core.api import Backend
    from tuivm.core.journal import Journal


def make_context(options: Launch, backend: Backend) -> Context:
    """Build what all screens share, as the command line and the configuration want it.

    Raises ``TuivmError`` for a view that is not there, and for keys of unknown actions.
    """
    store = Store()
    view = View(store)
    keymap = Keymap.load(options.config)
    views = _views(options, view, store)
    choices = Options(
        options.ascii,
        options.readonly,
        options.origin,
        options.demo,
        options.low_bandwidth,
        options.banner,
        options.client_log,
    )
    _tell_client_log(store, options.client_log)
    return Context(
        backend,
        store,
        view,
        options.config,
        keymap,
        choices,
        views=views,
        pacer=Pacer(low_bandwidth=options.low_bandwidth),
    )


def keep_events(store: Store) -> Journal:
    """Take up the event log of earlier runs, and go on with it."""
    from tuivm.core.journal import Journal, journal_path

    journal = Journal(journal_path())
    try:
        store.past = tuple(journal.read())
    except OSError as error:
        why = TuivmError(
            "Cannot read the events of earlier runs",
            f"{sanitise(str(journal.path), 200)}: {sanitise(error.strerror or str(error))}",
            hint="make it readable, or move it",
        )
        _warn(store, why)
    store.subscribe(lambda changes: journal.write(changes.entries))
    return journal


def _tell_client_log(store: Store, log: ClientLog) -> None:
    """Say in the event log where libvirt logs, or why it does not although that was asked."""
    now = time.time()
    if log.on:
        store.add_entry(LogEntry(now, f"libvirt's client log: {sanitise(log.where)} ({log.bound})"))
    elif log.reason:
        error = TuivmError("No client log of libvirt", log.reason, hint="start with --debug")
        store.add_entry(LogEntry(now, error.title, Severity.WARNING, error=error))


def _views(options: Launch, view: View, store: Store) -> Views:
    """Show the list as it was asked for; what is wrong with what was saved goes to the log.

    Raises ``TuivmError`` for a view that was named on the command line and is not there.
    """
    views = Views()
    if views.problem is not None:
        _warn(store, views.problem)
    if options.view:
        views.switch(options.view, view)
    elif options.config.view:
        try:
            views.switch(options.config.view, view)
        except TuivmError as error:
            _warn(
                store,
                TuivmError(
                    "Cannot open the configured view", error.message or error.title, hint=error.hint
                ),
            )
    text = options.filter or ("" if views.current else options.config.filter)
    if text:
        view.set_filter(text)
    return views


def _warn(store: Store, error: TuivmError) -> None:
    store.add_entry(LogEntry(time.time(), error.title, Severity.WARNING, error=error))
