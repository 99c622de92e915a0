"""What a shutdown's causes have in common, wherever they were found."""

from __future__ import annotations

from tuivm.core.causes import Cause, Cure, Surety
from tuivm.core.consolesigns import Sign
from tuivm.core.text import duration_text, sanitise

FORCE_OFF = Cure("Force off: pull the plug", "D", action_id="domain.destroy", level=2)
BY_AGENT = "asked by the guest agent"
"""What the backend notes of a request that the agent took."""
CONSOLE = Cure("Look at its console", "c", action_id="view.console")
_LISTENER = (
    "apt install acpid     # or, where systemd runs:",
    "systemctl status systemd-logind",
    "systemd-inhibit --list     # who holds a shutdown back",
)


def console_cause(sign: Sign, asked: float | None, *, button: bool = True) -> Cause | None:
    """Tell what the last line of a console means for a shutdown; None where it means nothing.

    ``asked`` is how many seconds ago the guest was asked, None when it was not: then only
    what is wrong in any case is told. ``button`` is False where its agent alone was asked.
    """
    line = f"its console says: {sanitise(sign.line, 200)}"
    if sign.what == "panic":
        title = "Its kernel has panicked: nothing in it reacts any more"
        return Cause("panic", title, Surety.CERTAIN, line, (FORCE_OFF, CONSOLE))
    if sign.what == "halted":
        title = "Its guest has halted, but did not switch the machine off"
        return Cause("halted", title, Surety.CERTAIN, line, (FORCE_OFF, CONSOLE))
    if asked is None:
        return None
    match sign.what:
        case "firmware":
            title = "It is in its firmware or boot loader, where nobody hears the power button"
            return Cause("firmware", title, Surety.LIKELY, line, (CONSOLE, FORCE_OFF))
        case "booting":
            title = "It is still booting"
            return Cause("booting", title, Surety.LIKELY, line, (CONSOLE, FORCE_OFF))
        case "stopping":
            title = "It is shutting down, but slowly"
            return Cause("stopping", title, Surety.LIKELY, line, (CONSOLE,))
        case "login" if button:
            title = "Nothing in the guest listens to the power button, or it is held back"
            after = f"{line} ({duration_text(asked)} after it was asked)"
            install = Cure("Give it a listener, or see what holds it back", lines=_LISTENER)
            return Cause("no-listener", title, Surety.LIKELY, after, (CONSOLE, install))
    return None
