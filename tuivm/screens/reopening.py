"""Switches libvirt's client log: libvirt reads its variables once, so the program opens anew."""

from __future__ import annotations

from tuivm.core.actions import ACTIONS
from tuivm.core.clientlog import ClientLog
from tuivm.screens.base import AppAction, BaseScreen


def why_not(log: ClientLog) -> str:
    """Why the client log cannot be switched from here; empty when it can."""
    if log.chosen:
        return "variables of the environment (LIBVIRT_DEBUG and its like) decide on it"
    return ""


async def ask_reopen(screen: BaseScreen) -> None:
    """Ask, and open the program anew with the log switched; VMs go on as they are."""
    log = screen.context.options.client_log
    reason = why_not(log)
    if reason:
        screen.say(f"Client log: {reason}")
        return
    what = "without" if log.on else "with"
    warning = ACTIONS["logs.client"].warning
    question = f"Open tuivm anew {what} libvirt's client log? ({warning})"
    if await screen.ask(question):
        screen.post_message(AppAction("logs.client"))
