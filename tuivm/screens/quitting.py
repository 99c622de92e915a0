"""The question before leaving while something that this program began is under way."""

from __future__ import annotations

from textual.app import App

from tuivm.core.actions import ACTIONS
from tuivm.core.jobs import JobLine
from tuivm.screens.confirm import ConfirmDialog
from tuivm.screens.context import Context
from tuivm.screens.jobs import jobs_of


class QuitDialog(ConfirmDialog):
    """Asks whether to leave."""


async def may_quit(app: App[int], context: Context) -> bool:
    """Whether to leave now; asks where jobs of ours run, once: asked again means yes."""
    ours = [line for line in jobs_of(context) if line.ours]
    if not ours or isinstance(app.screen, QuitDialog):
        return True
    dialog = QuitDialog(
        context,
        "Quit?",
        "Of what was begun here this is still under way. VMs go on as they are, and so does "
        "what libvirt does; nobody waits for it then.",
        [_said(line) for line in ours],
        "Quit",
    )
    answer: object = await app.push_screen_wait(dialog)  # type: ignore[arg-type]
    return answer is True


def _said(line: JobLine) -> str:
    stop = line.stop
    lost = stop is not None and ACTIONS[stop.action_id].then
    return f"{line.name}: {line.what.lower()}{' (would not be started again)' if lost else ''}"
