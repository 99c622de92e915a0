"""Asks where a bundle for a bug report goes, has it made, and says what came of it."""

from __future__ import annotations

import asyncio
import time
from functools import partial
from pathlib import Path

from tuivm.core import files
from tuivm.core.errors import TuivmError
from tuivm.core.glyphs import glyphs
from tuivm.core.journal import entries_text, of_host
from tuivm.core.model import DomainKey, LogEntry, Severity
from tuivm.core.support import ENDING, Bundle, BundleOrder
from tuivm.core.text import bytes_text, sanitise
from tuivm.screens.base import BaseScreen

ABOUT = (
    "versions, definition, logs, host check, events; passwords and other secrets are taken "
    "out. A README in it lists all of it. Readable by you alone; nothing is sent anywhere."
)


async def ask_bundle(screen: BaseScreen, host: str, key: DomainKey | None) -> None:
    """Ask for a file's name and write the bundle of a VM, or of a host."""
    from tuivm.screens.pathdialog import PathDialog

    row = screen.context.store.rows.get(key) if key is not None else None
    name = row.domain.name if row is not None else ""
    subject = name or f"host {host}"
    dialog = PathDialog(
        screen.context,
        f"Bundle for a bug report: {subject}",
        f"Of {subject}: {ABOUT}",
        files.save_folder() / files.file_name(name or host, ENDING),
        verb="write",
        endings=(ENDING,),
    )
    answer = await screen.app.push_screen_wait(dialog)
    if answer is None:
        return
    path, there = answer[0], files.exists(answer[0])
    if there and not await _may_replace(screen, path):
        return
    await make_bundle(screen, _order(screen, host, key, name), path, replace=there)


async def _may_replace(screen: BaseScreen, path: Path) -> bool:
    from tuivm.screens.confirm import ConfirmDialog

    text = "What is in it now is lost:"
    shown = [sanitise(str(path), 200)]
    dialog = ConfirmDialog(screen.context, "Replace the file?", text, shown, "Replace")
    answer: object = await screen.app.push_screen_wait(dialog)  # type: ignore[arg-type]
    return answer is True


def _order(screen: BaseScreen, host: str, key: DomainKey | None, name: str) -> BundleOrder:
    store = screen.context.store
    events = entries_text(of_host((*store.past, *store.log), host, key))
    return BundleOrder(host, key, name, events, screen.context.options.client_log.path)


async def make_bundle(
    screen: BaseScreen, order: BundleOrder, path: Path, *, replace: bool = False
) -> None:
    """Have it made off this thread; progress and outcome are told, the outcome logged."""
    app, context = screen.app, screen.context
    dots = glyphs(context.options.ascii).ellipsis

    done = False

    def tell(what: str) -> None:
        if not done:
            screen.say(f"bundle: reading {what}{dots}", "dim")

    def progress(what: str) -> None:
        app.call_later(partial(tell, what))

    uuid = order.key.uuid if order.key is not None else ""
    entry = partial(LogEntry, host=order.host, uuid=uuid, name=order.name)
    began = time.monotonic()
    try:
        future = context.backend.support.bundle(order, path, progress, replace=replace)
        bundle = await asyncio.wrap_future(future)
    except TuivmError as error:
        done = True
        context.store.add_entry(entry(time.time(), error.title, Severity.ERROR, error=error))
        return
    done = True
    severity = Severity.WARNING if bundle.missing else Severity.GOOD
    context.store.add_entry(
        entry(time.time(), outcome(bundle), severity, seconds=time.monotonic() - began)
    )


def outcome(bundle: Bundle) -> str:
    """What was written, its name first, and how much could not be had."""
    text = f"bundle written: {bundle.path.name}, {bytes_text(bundle.size)}"
    lost = len(bundle.missing)
    text += f", {lost} part{'s' * (lost != 1)} not to be had (see its README)" if lost else ""
    return sanitise(f"{text}, in {bundle.path.parent}", 600)
