"""Adding a serial console to a VM that has none: the question, the call, and what is next."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from tuivm.core.consoleports import SERIAL_XML, guest_lines
from tuivm.core.model import LogEntry, Severity
from tuivm.core.virsh import virsh
from tuivm.screens.console_text import LEAVE, RETRY, Notice, Offer

if TYPE_CHECKING:
    from tuivm.screens.console import ConsoleScreen

YES = Offer("y", "y", "add it")
NO = Offer("n", "N", "leave it as it is")


class Adding:
    """The steps of adding a console on one console screen; UI thread."""

    def __init__(self, screen: ConsoleScreen) -> None:
        self._screen = screen
        self._asked = False
        self.notice: Notice | None = None
        """What is to be said instead of the console's state, or None."""

    def ask(self) -> None:
        """Show what would be added, and ask."""
        reason = self._screen.context.read_only
        self._asked = not reason
        if reason:
            self.notice = Notice("Nothing can be added", (reason,), (RETRY, LEAVE))
            return
        self.notice = Notice(
            f"Add a serial console to the definition of {self._name}? y/N",
            (f"  {SERIAL_XML}", "It is there after the next power off and on, not before."),
            (YES, NO),
        )

    def key(self, key: str) -> bool:
        """Take the answer; False when nothing was asked."""
        if not self._asked:
            return False
        self.forget()
        if key in ("y", "Y"):
            self._add()
        return True

    def forget(self) -> None:
        """The console's state is the news again."""
        self._asked = False
        self.notice = None

    @property
    def _name(self) -> str:
        row = self._screen.context.store.rows.get(self._screen.key)
        return "this VM" if row is None else row.domain.name

    def _add(self) -> None:
        screen, key, name = self._screen, self._screen.key, self._name
        row = screen.context.store.rows.get(key)
        command = "" if row is None else virsh(row, "attach-device", "FILE", "--config")
        self.notice = Notice("Adding the console...", (), (LEAVE,), "dim")
        future = screen.context.backend.run(key, "add-console", {})

        def ended() -> None:
            error = future.exception()
            text = f"{name}: {error}" if error else f"added a serial console to {name}"
            severity = Severity.ERROR if error else Severity.GOOD
            screen.context.store.add_entry(
                LogEntry(
                    time.time(), text, severity, host=key.host, uuid=key.uuid, name=name,
                    virsh=command,
                )
            )  # fmt: skip
            if screen.present and screen.key == key:
                self.notice = _added(name) if error is None else _failed(str(error))
                screen.refresh_texts()

        screen.once_done(future, ended)


def _added(name: str) -> Notice:
    return Notice(
        f"The definition of {name} has a serial console now",
        (
            "Power it off and on: a reboot from within keeps the old machine. In the guest:",
            *(f"  {line}" for line in guest_lines()),
        ),
        (LEAVE,),
        "good",
    )


def _failed(text: str) -> Notice:
    return Notice("The console could not be added", (text,), (RETRY, LEAVE), "bad")
