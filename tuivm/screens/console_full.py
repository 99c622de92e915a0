"""The console in the bare terminal, on the session that the screen shows."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from functools import partial

from textual.app import App, SuspendNotSupported

from tuivm.core.api import ConsoleSink, Focus
from tuivm.core.bareterminal import Ended, Passthrough
from tuivm.core.handover import Borrowed, handover
from tuivm.core.rawconsole import leave_key
from tuivm.core.session import ConsoleSession
from tuivm.screens.context import Context

TERMINAL = "/dev/tty"
SIGNAL_CODES = 128


def full_screen(app: App[object], context: Context, session: ConsoleSession, name: str) -> str:
    """Hand this terminal to the console until the user leaves it or it ends.

    The session goes on reading, so that its screen is right afterwards and whoever
    listens to it goes on listening. Nothing else runs meanwhile. Returns why it cannot be
    done, or empty.
    """
    leave, label = leave_key(context.keymap.keys_for("console.leave"))
    context.backend.focus(Focus(hidden=True))
    try:
        with app.suspend():
            ended = _pass(session, name, leave, label)
    except SuspendNotSupported:
        return "this terminal cannot be handed over"
    finally:
        context.backend.focus(Focus(visible=(session.domain,)))
    if ended.code > SIGNAL_CODES:
        # Ours again: the program's own handler ends it in order.
        os.kill(os.getpid(), ended.code - SIGNAL_CODES)
    return ""


def _pass(session: ConsoleSession, name: str, leave: bytes, label: str) -> Ended:
    try:
        terminal = os.open(TERMINAL, os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError:
        return Ended(SIGNAL_CODES + signal.SIGHUP)
    hint = f"{name}, byte by byte: {label} goes back to tuivm"
    connect: Callable[[ConsoleSink], Borrowed] = partial(
        Borrowed, session, first=handover(session, hint)
    )
    try:
        return Passthrough(name, terminal, terminal, leave=leave, label=label).run(connect)
    except OSError:
        return Ended(SIGNAL_CODES + signal.SIGHUP)
    finally:
        os.close(terminal)
