"""Asks for a login and a command to run on consoles, and opens their results."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from textual.app import App

from tuivm.core.actions import ACTIONS
from tuivm.core.api import Login
from tuivm.core.model import DomainKey
from tuivm.core.rows import Row
from tuivm.core.text import fit
from tuivm.screens.context import Context
from tuivm.screens.form import Field, Form, Values
from tuivm.screens.run import RunScreen

ACTION = "view.run"
NAMED = 3
"""VMs that the dialog names; the rest are counted."""
TIMES = (("60", "1 minute"), ("600", "10 minutes"), ("3600", "1 hour"), ("10", "10 seconds"))
BUSY = (("", "leave them to whoever has them open"), ("force", "take them over"))


class RunForm(Form):
    """Who, with which password, and what."""

    def __init__(self, context: Context, rows: Sequence[Row], skipped: str, command: str) -> None:
        names = ", ".join(fit(row.domain.name, 24).rstrip() for row in rows[:NAMED])
        more = f" and {len(rows) - NAMED} more" if len(rows) > NAMED else ""
        about = f"On {names}{more}, through the serial console. The password is kept nowhere."
        if skipped:
            about += f"\n{skipped}"
        remembered = context.remembered
        fields = (
            Field("user", "User", remembered.user(ACTION, "root"), needed=True, hint="root"),
            Field("password", "Password", secret=True),
            Field("command", "Command", command or remembered.command, needed=True),
            Field("seconds", "At most", choices=TIMES),
            Field("force", "Busy consoles", choices=BUSY),
        )
        super().__init__(context, "Log in and run", about, fields, "run")

    def check(self, values: Values) -> str:
        """It is typed as one line."""
        for name, value in values.items():
            if any(ord(char) < 32 or ord(char) == 127 for char in value):
                return f"the {name} has control characters"
        return ""


def ask_run(
    app: App[Any],
    context: Context,
    keys: Sequence[DomainKey],
    say: Callable[[str], None],
    command: str = "",
) -> None:
    """Ask for a login and a command, then open the results; says why where it cannot be."""
    action = ACTIONS[ACTION]
    found = [context.store.rows[key] for key in keys if key in context.store.rows]
    if not found:
        say(f"{action.title}: no VM is marked or under the cursor")
        return
    if context.read_only:
        say(f"{action.title}: {context.read_only}")
        return
    reasons = [action.applies(row) for row in found]
    rows = [row for row, reason in zip(found, reasons, strict=True) if reason is None]
    refused = [reason for reason in reasons if reason is not None]
    if not rows:
        more = f" (and {len(refused) - 1} more)" if len(refused) > 1 else ""
        say(f"{action.title}: {refused[0]}{more}")
        return
    skipped = f"{len(refused)} skipped: {refused[0]}" if refused else ""

    # Not with a callback: that would go to whoever asked, and a command line is gone by then.
    form = RunForm(context, rows, skipped, command)
    app.run_worker(_ask(app, context, form, [row.key for row in rows]), exit_on_error=True)


async def _ask(app: App[Any], context: Context, form: RunForm, keys: Sequence[DomainKey]) -> None:
    values = await app.push_screen_wait(form)
    if values is None:
        return
    context.remembered.use(ACTION, values["user"])
    context.remembered.command = values["command"]
    login = Login(
        values["user"].strip(),
        values["password"],
        values["command"],
        force=bool(values["force"]),
        seconds=float(values["seconds"]),
    )
    app.push_screen(RunScreen(context, keys, login))
