"""Which consoles a VM has, to choose from."""

from __future__ import annotations

import asyncio

from textual.app import App

from tuivm.core.errors import TuivmError
from tuivm.core.model import DomainKey
from tuivm.screens.context import Context
from tuivm.screens.menu import Choice, Menu


async def choose_port(
    context: Context, app: App[object], key: DomainKey, open_now: str
) -> str | None:
    """Ask which console to open; its alias, empty for the first, None when the user left.

    ``open_now`` is the one that has the keys.
    """
    try:
        ports = await asyncio.wrap_future(context.backend.consoles(key))
    except TuivmError as error:
        app.notify(str(error), markup=False, severity="error")
        return None
    choices = []
    for number, port in enumerate(ports, 1):
        reason = "" if port.openable else port.text
        value = "" if port.first else port.alias
        if value == open_now:
            reason = "this one"
        shown = str(number) if number < 10 else ""
        choices.append(Choice(shown, port.alias or "the first", value, reason, port.text))
    if not choices:
        app.notify("this VM has no serial console", markup=False, severity="warning")
        return None
    return await app.push_screen_wait(Menu(context, "Consoles of this VM", choices))
