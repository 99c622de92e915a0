"""The power menu and the copy menu: choices about the domains under the cursor."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from tuivm.core.actions import COPIES, POWER_MENU, MenuItem, copy_text
from tuivm.core.model import DomainKey
from tuivm.core.rows import Row
from tuivm.screens.base import BaseScreen
from tuivm.screens.context import Context
from tuivm.screens.flow import ActionFlow
from tuivm.screens.menu import Choice, Menu


def power_choices(flow: ActionFlow, rows: Sequence[Row]) -> list[Choice]:
    """One choice a verb; greyed with the reason when it can be used on none of the rows."""
    choices = []
    for index, item in enumerate(POWER_MENU):
        reasons = [flow.reason(item.action, row) for row in rows]
        usable = sum(reason is None for reason in reasons)
        detail = "" if usable == len(rows) else f"{usable} of {len(rows)}"
        brief = ""
        if usable and len(rows) == 1:
            detail = item.action.virsh(rows[0], item.args)
            # The host's URI is the same on every line, and long.
            brief = detail.replace(f" -c {shlex.quote(rows[0].host.uri)} ", " … ", 1)
        reason = "" if usable else (reasons[0] or "")
        choices.append(Choice(item.key, item.title, str(index), reason, detail, brief))
    return choices


def subject(rows: Sequence[Row]) -> str:
    """What a menu is about, for its title."""
    if len(rows) == 1:
        return rows[0].domain.name
    return f"{len(rows)} VMs"


def _nothing(targets: Sequence[DomainKey]) -> str:
    return "it is gone" if targets else "no VM is marked or under the cursor"


async def power_menu(screen: BaseScreen, targets: Sequence[DomainKey]) -> None:
    """Let the user choose a verb for the targets, and run it."""
    rows = _rows(screen.context, targets)
    if not rows:
        screen.say(f"Power menu: {_nothing(targets)}")
        return
    flow = ActionFlow(screen)
    menu = Menu(screen.context, f"Power: {subject(rows)}", power_choices(flow, rows))
    chosen = await screen.app.push_screen_wait(menu)
    if chosen is None:
        return
    item: MenuItem = POWER_MENU[int(chosen)]
    if item.action.verb:
        await flow.run(item.action_id, targets, item.args)
    else:
        screen.perform(item.action_id, item.args)


async def copy_menu(screen: BaseScreen, targets: Sequence[DomainKey]) -> None:
    """Let the user choose what to copy of the targets, one line each."""
    rows = _rows(screen.context, targets)
    if not rows:
        screen.say(f"Copy: {_nothing(targets)}")
        return
    choices = []
    for key, what, title in COPIES:
        texts = [copy_text(what, row) for row in rows]
        known = what == "xml" or any(text is not None for text in texts)
        detail = (texts[0] or "") if len(rows) == 1 else ""
        choices.append(Choice(key, title, what, "" if known else "not known", detail))
    menu = Menu(screen.context, f"Copy: {subject(rows)}", choices)
    chosen = await screen.app.push_screen_wait(menu)
    if chosen == "xml":
        await _copy_xml(screen, rows)
    elif chosen is not None:
        known_texts = (copy_text(chosen, row) for row in rows)
        copy(screen, "\n".join(text for text in known_texts if text is not None))


async def _copy_xml(screen: BaseScreen, rows: Sequence[Row]) -> None:
    import asyncio

    from tuivm.core.errors import TuivmError

    texts = []
    for row in rows:
        try:
            answer = await asyncio.wrap_future(screen.context.backend.xml(row.key))
        except TuivmError as error:
            screen.say(str(error), "bad")
            return
        texts.append(answer.live)
    copy(screen, "\n".join(texts))


def copy(screen: BaseScreen, text: str) -> None:
    """Send a text to the terminal's clipboard and say so."""
    screen.app.copy_to_clipboard(text)
    shown = text if "\n" not in text else f"{text.count(chr(10)) + 1} lines"
    screen.say(f"copied to the terminal's clipboard: {shown}", "good")


def _rows(context: Context, targets: Sequence[DomainKey]) -> list[Row]:
    return [context.store.rows[key] for key in targets if key in context.store.rows]
