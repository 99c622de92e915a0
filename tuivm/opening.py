"""Open the program: build the backend as it is wanted, start it, and show the screen.

The hosts are connected while the screen's toolkit is still being imported, which takes as
long as listing some thousand domains.
"""

from __future__ import annotations

import contextlib
import gc
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import NoReturn

from tuivm.backend import askpass
from tuivm.backend.fleet import Fleet
from tuivm.backend.task import Timing
from tuivm.core.clientlog import ClientLog
from tuivm.core.config import Config
from tuivm.core.errors import TuivmError
from tuivm.core.journal import Journal, journal_path
from tuivm.core.keymap import Keymap
from tuivm.core.launch import Launch
from tuivm.core.model import LogEntry, Severity
from tuivm.core.pace import Pacer
from tuivm.core.relay import Relay
from tuivm.core.store import Store
from tuivm.core.text import sanitise
from tuivm.core.view import View
from tuivm.core.views import Views
from tuivm.exits import remember_terminal, report_crash
from tuivm.screens.context import Context, Options
from tuivm.stderr import guarded

SELDOM = 5.0
"""Seconds between two samples with ``--low-bandwidth``, unless more are configured."""
GRACE = 1.0
"""Seconds that the hosts get to close their connections."""


def open_fleet(
    uris: Sequence[str],
    config: Config,
    *,
    readonly: bool = False,
    demo: bool = False,
    named: Sequence[str] = (),
    ask: bool = False,
) -> Fleet:
    """Return a backend over ``uris``, with the configuration's names and times; not started.

    ``named`` are those of them that the user named: they are connected whatever the
    configuration says, and with ``ask`` they may ask for passwords.
    """
    wanted = [
        replace(host, autoconnect=host.autoconnect or host.uri in named) for host in config.hosts
    ]
    return Fleet(
        uris,
        readonly=readonly or config.readonly,
        demo=demo,
        timing=Timing(stats=config.refresh),
        known=wanted,
        asking_uris=named if ask else (),
    )


def run(options: Launch) -> int:
    """Open the program on the terminal; returns the exit code once it is restored.

    Raises ``TuivmError`` for what is wrong before the screen opens.
    """
    # Garbage collection costs a tenth of the start; the app turns it on again.
    gc.disable()
    context = _context(options)
    backend = context.backend
    journal = _journal(context.store) if options.config.keep_events else None
    relay = Relay()
    remember_terminal()
    code = 1
    try:
        with guarded(options.log_file):
            backend.start(relay)
            from tuivm.app import TuivmApp

            theme = options.theme or options.config.theme
            app = TuivmApp(context, theme=theme, relay=relay)
            app.run()
        code = app.return_code or 0
        if app.crash is not None:
            code = 1
            report_crash(app.crash, options.log_file)
    finally:
        gc.enable()
        clean = backend.stop(GRACE)
        askpass.close()
        if journal is not None:
            journal.close(GRACE)
    if app.reopens and code == 0:
        _reopen(debug=not options.client_log.on)
    if not clean:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
        os._exit(code)
    return code


def _reopen(*, debug: bool) -> NoReturn:
    """Become this program anew, started as it was, but with or without ``--debug``."""
    words = [word for word in sys.orig_argv[1:] if word != "--debug"]
    for number in range(3, 256):
        # libvirt leaves its log open for whoever is run.
        with contextlib.suppress(OSError):
            os.set_inheritable(number, False)
    try:
        os.execv(sys.executable, [sys.executable, *words, *(["--debug"] if debug else [])])
    except OSError as error:
        raise TuivmError(
            "Cannot open tuivm anew",
            sanitise(f"{error.strerror or error}: {sys.executable}"),
            hint="start it again" + (" with --debug" if debug else ""),
        ) from None


def _journal(store: Store) -> Journal:
    """Take up the event log of earlier runs, and go on with it."""
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


def _context(options: Launch) -> Context:
    store = Store()
    view = View(store)
    keymap = Keymap.load(options.config)
    config = options.config
    views = _views(options, view, store)
    if options.low_bandwidth:
        config = replace(config, refresh=max(config.refresh, SELDOM))
    backend = open_fleet(
        options.uris,
        config,
        readonly=options.readonly,
        demo=options.demo,
        named=options.named,
        ask=True,
    )
    low = options.low_bandwidth
    choices = Options(
        options.ascii,
        options.readonly,
        options.origin,
        options.demo,
        low,
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
        pacer=Pacer(low_bandwidth=low),
    )


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
