"""Asks for a VM's new name, and stays until it has that name or the user gives up."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping, Sequence

from tuivm.core.actions import ACTIONS
from tuivm.core.errors import TuivmError
from tuivm.core.labels import RENAME
from tuivm.core.model import DomainKey
from tuivm.core.names import wrong_name
from tuivm.core.rows import Row
from tuivm.core.text import fit
from tuivm.screens.base import BaseScreen
from tuivm.screens.context import Context
from tuivm.screens.dialog import key_parts
from tuivm.screens.flow import done_entry
from tuivm.screens.form import Field, Form, Values
from tuivm.widgets.bars import Part

FIELD = "new-name"


class RenameDialog(Form):
    """One line to type; a name that is refused stays there to be changed."""

    def __init__(self, context: Context, row: Row, typed: str, why: str) -> None:
        where = f" on {row.key.host}" if len(context.store.hosts) > 1 else ""
        about = "Its UUID, disks and snapshots stay. Scripts need the new name."
        super().__init__(
            context,
            f"Rename {fit(row.domain.name, 40).rstrip()}{where}",
            about,
            [Field(FIELD, "New name", typed, needed=True)],
            "rename",
        )
        self._key = row.key
        self._why = why
        self._busy = False

    def on_mount(self) -> None:
        """Say what was wrong with a name that was typed before."""
        super().on_mount()
        if self._why:
            self.call_after_refresh(self.tell, self._why, "bad")

    def keys(self) -> Iterable[Part]:
        """What to press."""
        return key_parts(("enter", "rename", "enter"), ("esc", "leave", "escape"))

    def check(self, values: Values) -> str:
        """Refuse what no VM can be called, before anybody is asked."""
        row = self.context.store.rows.get(self._key)
        if row is not None and values[FIELD] == row.domain.name:
            return "that is its name already; type another one, or leave"
        return wrong_name(values[FIELD])

    def finish(self, values: Values) -> None:
        """Ask the host; only its consent closes the dialog."""
        if not self._busy:
            self._busy = True
            self.tell("asking the host…", "dim")
            self.run_worker(self._rename(values[FIELD]), exit_on_error=True)

    async def _rename(self, name: str) -> None:
        error = await give_name(self.context, self._key, name)
        self._busy = False
        if not self.is_attached:
            return
        if error is None:
            self.dismiss({FIELD: name})
        else:
            hint = f"; {error.hint}" if error.hint else ""
            self.refuse(f"{error.message}{hint}", FIELD)


async def give_name(context: Context, key: DomainKey, name: str) -> TuivmError | None:
    """Have a VM renamed and log what came of it; returns what went wrong, or None."""
    row = context.store.rows.get(key)
    reason = "the VM no longer exists" if row is None else RENAME.applies(row)
    if row is None or reason is not None:
        return TuivmError("Cannot rename it", reason or "")
    args, note = {FIELD: name}, ""
    error: TuivmError | None = None
    began = time.monotonic()
    try:
        note = await asyncio.wrap_future(context.backend.run(key, RENAME.verb, args))
    except TuivmError as failure:
        error = failure
    took = time.monotonic() - began
    context.store.add_entry(done_entry(RENAME, row, args, note, error, took))
    return error


async def rename(screen: BaseScreen, keys: Sequence[DomainKey], args: Mapping[str, str]) -> None:
    """Rename one VM: to the name that was typed, else ask for it."""
    context, action = screen.context, ACTIONS["view.rename"]
    if len(keys) > 1:
        screen.say(f"{action.title}: {len(keys)} VMs are meant, and a name goes to one")
        return
    row = context.store.rows.get(keys[0]) if keys else None
    reason = "no VM is under the cursor" if row is None else action.applies(row)
    if row is None or reason is not None:
        screen.say(f"{action.title}: {reason}")
        return
    typed, why = args.get(FIELD), ""
    if typed is not None:
        why = wrong_name(typed)
        error = None if why else await give_name(context, row.key, typed)
        if not why and error is None:
            return
        why = why or f"{error.message}; {error.hint}" if error else why
    shown = row.domain.name if typed is None else typed
    await screen.app.push_screen_wait(RenameDialog(context, row, shown, why))
