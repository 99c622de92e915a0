"""What the console's screen says beside the guest's own screen; pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from rich.text import Text

from tuivm.core.api import ConsoleState
from tuivm.core.consoleports import SERIAL_XML, guest_lines, guest_tty, uses_console
from tuivm.core.model import State
from tuivm.core.rows import Row
from tuivm.core.session import ConsoleSession
from tuivm.widgets.roles import Palette


class Offer(NamedTuple):
    """Something that a key does while the guest does not take the keys."""

    key: str
    shown: str
    label: str


class Notice(NamedTuple):
    """A state that has to be explained, and what can be done about it."""

    title: str
    lines: tuple[str, ...] = ()
    offers: tuple[Offer, ...] = ()
    role: str = "warn"

    def text(self, styles: Palette) -> Text:
        """The whole of it, in the styles of its roles; nothing in it is read as markup."""
        text = Text(end="")
        text.append(self.title, style=styles[self.role])
        for line in self.lines:
            text.append(f"\n{line}")
        for offer in self.offers:
            text.append("\n" if offer is self.offers[0] else "   ")
            text.append(offer.shown, style=styles["key"])
            text.append(f" {offer.label}")
        return text


LEAVE = Offer("escape", "esc", "leave")
RETRY = Offer("enter", "enter", "try again")
TAKE = Offer("t", "t", "take it over: they lose it")
TAKE_BACK = Offer("t", "t", "take it back")
ADD = Offer("a", "a", "add one to its definition")
START = Offer("s", "s", "start, and watch from the first byte")

WORDS = {
    ConsoleState.ATTACHING: ("attaching", "warn"),
    ConsoleState.ATTACHED: ("attached", "good"),
    ConsoleState.BUSY: ("busy", "warn"),
    ConsoleState.STOLEN: ("taken over by somebody else", "bad"),
    ConsoleState.ENDED: ("off", "dim"),
    ConsoleState.NO_DEVICE: ("no serial console", "bad"),
    ConsoleState.NOT_A_PTY: ("not a terminal", "bad"),
    ConsoleState.FAILED: ("failed", "bad"),
    ConsoleState.CLOSED: ("not attached", "dim"),
}
"""A state as the status line says it, and its role."""


_STOLEN = Notice(
    "Somebody else took this console over",
    ("What you see stays; what comes now goes to them.",),
    (TAKE_BACK, LEAVE),
)


def notice(
    session: ConsoleSession,
    row: Row | None,
    *,
    silent: bool,
    prompt: bool = False,
    device: str = "",
    known: str = "",
) -> Notice | None:
    """What to say below the guest's screen now, or None when it speaks for itself.

    ``prompt`` tells that its past, above, ends with one; ``known`` is what a VM that is gone
    was called.
    """
    name = (known or "the VM") if row is None else row.domain.name
    if session.failure is not None:
        error = session.failure
        return Notice(error.title, (error.message, error.hint), (LEAVE,), "bad")
    if session.state is ConsoleState.ATTACHED:
        return _silence(name, row, device, prompt=prompt) if silent else None
    if session.state in (ConsoleState.ENDED, ConsoleState.FAILED):
        return _broken_off(session, row, name)
    return _not_attached(session, name)


def _broken_off(session: ConsoleSession, row: Row | None, name: str) -> Notice:
    """It was attached, or the domain does not run."""
    if row is None:
        return Notice(
            f"{name} is gone",
            ("It was undefined, or transient and stopped. What you see stays till you leave.",),
            (LEAVE,),
        )
    if session.state is ConsoleState.ENDED:
        if _lacks_console(row):
            return _no_device(name, "")
        return Notice(
            f"{name} is off",
            ("The console is attached again by itself when it starts.",),
            (START, LEAVE),
            "dim",
        )
    if row.stale:
        return Notice(
            f"The connection to {row.key.host} is lost",
            ("What you see stays; it is attached again by itself when the host is back.",),
            (RETRY, LEAVE),
        )
    return Notice("The console failed", (session.detail,), (RETRY, LEAVE), "bad")


def _not_attached(session: ConsoleSession, name: str) -> Notice | None:
    """Somebody else has it, or there is none; None while nobody knows yet."""
    match session.state:
        case ConsoleState.BUSY:
            return Notice(
                "Somebody else has this console open",
                (
                    "virsh console, virt-manager, or another tuivm: a console has one reader.",
                    *filter(None, (session.detail,)),
                ),
                (TAKE, RETRY, LEAVE),
            )
        case ConsoleState.STOLEN:
            return _STOLEN
        case ConsoleState.NO_DEVICE:
            return _no_device(name, session.detail)
        case ConsoleState.NOT_A_PTY:
            return Notice(
                "This console cannot be opened through libvirt",
                (session.detail, "Only a console of the type pty can; look there instead."),
                (ADD, RETRY, LEAVE),
            )
        case _:
            return None


def _lacks_console(row: Row) -> bool:
    facts = row.domain.facts
    return facts is not None and not facts.consoles


def at_prompt(rows: Sequence[str]) -> bool:
    """True where the last thing that a guest printed is a login's or a shell's prompt."""
    said = [row.rstrip() for row in rows if row.strip() and not row.startswith("-- above: ")]
    return bool(said) and said[-1].endswith(("login:", "#", "$"))


def _silence(name: str, row: Row | None, device: str, *, prompt: bool) -> Notice:
    if row is not None and row.domain.state is State.PAUSED:
        return Notice(f"{name} is paused: it prints nothing until it is resumed", (), (), "dim")
    if prompt:
        return Notice(
            "Nothing has come since you attached: press Enter",
            ("Above is what it printed before. Its prompt comes again with Enter.",),
            (),
            "dim",
        )
    tty = guest_tty(device)
    arguments = "" if row is None or row.domain.facts is None else row.domain.facts.kernel_args
    if not arguments:
        why = "Not known why: it may boot, be stuck, or not use this port. The guest needs:"
        lines = (why, *guest_lines(tty))
    elif uses_console(arguments, tty):
        why = "Its kernel uses this port: it may boot still, be stuck, or have no login here."
        lines = (why, guest_lines(tty)[0].replace("a login:  ", "It needs: "))
    else:
        title = f"{name} says nothing here: its kernel is not told to use {tty}"
        lines = (
            f"console={tty} is missing on its command line, in <cmdline> of its XML.",
            "W in the list adds it, for the next start.",
        )
        return Notice(title, lines)
    return Notice("Nothing has come from the guest yet: press Enter", lines, (), "dim")


def _no_device(name: str, device: str) -> Notice:
    title = f"{name} has no console {device}" if device else f"{name} has no serial console"
    return Notice(
        title,
        (
            f"It needs {SERIAL_XML} in its definition, a power off and on, and in the guest:",
            *(f"  {line}" for line in guest_lines(guest_tty(device))),
        ),
        (ADD, RETRY, LEAVE),
        "bad",
    )
