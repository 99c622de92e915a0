"""A console's past: fills the scrollback from its log file, and offers to add such a file."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from tuivm.core.consoleports import log_line
from tuivm.core.errors import TuivmError
from tuivm.core.model import ConsolePast, DomainKey, LogEntry, Severity
from tuivm.core.rows import Row
from tuivm.core.session import ConsoleSession
from tuivm.core.virsh import virsh

if TYPE_CHECKING:
    from tuivm.screens.console_keep import KeepingScreen

PATIENCE = 1.0
"""Seconds after which the console is opened without its past: a slow disk must not keep it."""


def source(past: ConsolePast, now: float | None = None) -> str:
    """The words of the line below the past."""
    name = past.path.rpartition("/")[2]
    if past.until is None:
        return f"above: from the log file {name}"
    until, today = time.localtime(past.until), time.localtime(now)
    form = "%H:%M:%S" if until[:3] == today[:3] else "%Y-%m-%d %H:%M:%S"
    return f"above: from the log file {name} until {time.strftime(form, until)}"


def log_of(row: Row | None) -> str | None:
    """A domain's console log file; empty without one, None while that is not known."""
    facts = None if row is None else row.domain.facts
    return None if facts is None else facts.console_log


class Past:
    """The past of the consoles on one screen; UI thread."""

    def __init__(self, screen: KeepingScreen) -> None:
        self._screen = screen

    def open(self, session: ConsoleSession, device: str, attach: Callable[[], None]) -> None:
        """Fill in the past where there is one and it is not there yet, then ``attach``."""
        screen, key = self._screen, session.domain
        if session.past_known or not log_of(screen.context.store.rows.get(key)):
            attach()
            return
        session.past_known = True
        waits = [True]
        future = screen.context.backend.console_past(key, device)

        def go_on() -> None:
            if not waits:
                return
            waits.clear()
            late.stop()
            # Asked of the future in both cases: the timer may win over news of a past that
            # is there, where it was this program that was slow.
            if future.done() and future.exception() is None and future.result().data:
                session.preload(future.result().data, source(future.result()))
            if screen.present:
                attach()

        late = screen.set_timer(PATIENCE, go_on)
        screen.once_done(future, go_on)

    def offer(self) -> None:
        """Ask whether a log file should be added, with the line that it takes."""
        screen, key = self._screen, self._screen.key
        future = screen.context.backend.console_past(key)

        def arrived() -> None:
            if not screen.present:
                return
            error = future.exception()
            if error is not None:
                screen.say(str(error), "bad")
                return
            past = future.result()
            if not past.offer:
                screen.say(_why_not(past), "warn")
                return
            screen.ask(
                f"Add a log file to the console of {screen.name_of}?",
                "What the guest prints is kept then, also while nobody is attached.\n"
                "The definition gets this line; it takes a power off and on:",
                log_line(past.offer),
                "Add",
                lambda yes: self._add(key, past.offer) if yes else None,
            )

        screen.once_done(future, arrived)

    def _add(self, key: DomainKey, path: str) -> None:
        screen, store = self._screen, self._screen.context.store
        row = store.rows.get(key)
        name = "" if row is None else row.domain.name
        future = screen.context.backend.run(key, "add-console-log", {"file": path})

        def ended() -> None:
            error = future.exception()
            text = f"{name}: {error}" if error else f"{name}: log file {future.result()}"
            store.add_entry(
                LogEntry(
                    time.time(),
                    text,
                    Severity.ERROR if error else Severity.GOOD,
                    host=key.host,
                    uuid=key.uuid,
                    name=name,
                    virsh="" if row is None else virsh(row, "edit"),
                )
            )
            if screen.present:
                screen.say(
                    "not added, see events" if error else "added: power it off and on",
                    "bad" if error else "good",
                )

        screen.once_done(future, ended)


def _why_not(past: ConsolePast) -> str:
    if past.error is not None:
        error: TuivmError = past.error
        return error.message
    return "it has one" if past.path else "there is no console to log"
