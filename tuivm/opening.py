"""Open the program: build the backend as it is wanted, start it, and show the screen.

The hosts are connected while the screens and their toolkit are still being imported, which
takes as long as listing some thousand domains. So what only the screen needs is not
imported here but where it is used.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, NoReturn

from tuivm.backend.fleet import Fleet
from tuivm.backend.task import Timing
from tuivm.core.config import Config
from tuivm.core.errors import TuivmError
from tuivm.core.launch import Launch
from tuivm.core.relay import Relay
from tuivm.core.text import sanitise
from tuivm.exits import remember_terminal, report, report_crash
from tuivm.stderr import guarded

if TYPE_CHECKING:
    from tuivm.core.journal import Journal

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
    screen: bool = False,
) -> Fleet:
    """Return a backend over ``uris``, with the configuration's names and times; not started.

    ``named`` are those of them that the user named: they are connected whatever the
    configuration says, and with ``ask`` they may ask for passwords. With ``screen`` it is for
    one that comes up beside.
    """
    wanted = [
        host._replace(autoconnect=host.autoconnect or host.uri in named) for host in config.hosts
    ]
    return Fleet(
        uris,
        readonly=readonly or config.readonly,
        demo=demo,
        timing=Timing(stats=config.refresh),
        known=wanted,
        asking_uris=named if ask else (),
        screen=screen,
    )


def run(options: Launch) -> int:
    """Open the program on the terminal; returns the exit code once it is restored.

    Raises ``TuivmError`` for what is wrong before the screen opens.
    """
    backend = _backend(options)
    relay = Relay()
    journal: Journal | None = None
    remember_terminal()
    code, failure = 1, None
    try:
        with guarded(options.log_file):
            backend.start(relay)
            # From here on the hosts are being connected, beside all that follows.
            from tuivm.outset import keep_events, make_context

            context = make_context(options, backend)
            if options.config.keep_events:
                journal = keep_events(context.store)
            from tuivm.app import TuivmApp

            theme = options.theme or options.config.theme
            app = TuivmApp(context, theme=theme, relay=relay)
            app.run()
        code = app.return_code or 0
        if app.crash is not None:
            code = 1
            report_crash(app.crash, options.log_file)
    except TuivmError as error:
        failure = error
    finally:
        clean = backend.stop(GRACE)
        if journal is not None:
            journal.close(GRACE)
    if failure is not None:
        if clean or options.debug:
            raise failure
        code = report(failure)
    elif app.reopens and code == 0:
        _reopen(debug=not options.client_log.on)
    if not clean:
        _tidy_up()
        os._exit(code)
    return code


def _backend(options: Launch) -> Fleet:
    config = options.config
    if options.low_bandwidth:
        config = config._replace(refresh=max(config.refresh, SELDOM))
    return open_fleet(
        options.uris,
        config,
        readonly=options.readonly,
        demo=options.demo,
        named=options.named,
        ask=True,
        screen=True,
    )


def _tidy_up() -> None:
    """Do what the interpreter does at its end, before a way out that passes it by."""
    from tuivm.backend import askpass

    askpass.close()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()


def _reopen(*, debug: bool) -> NoReturn:
    """Become this program anew, started as it was, but with or without ``--debug``."""
    _tidy_up()
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
