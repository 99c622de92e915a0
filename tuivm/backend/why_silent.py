"""Why a question to a domain's guest agent failed: nobody answers, or another question is open.

The agent answers one question after the other. libvirt gives up on one that does not even
greet it (codes 86 and 97), but waits for ever for the answer to what it asked then; whatever
asks next waits 30 s for that (code 68, ``held by agent=``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import libvirt

from tuivm.backend.case import Case
from tuivm.backend.why_agent import INSTALL
from tuivm.backend.xml_parse import AGENT_CHANNEL
from tuivm.core.causes import Cause, Cure, Surety
from tuivm.core.shutdown import CONSOLE
from tuivm.core.text import sanitise

_SILENT = (libvirt.VIR_ERR_AGENT_UNRESPONSIVE, libvirt.VIR_ERR_AGENT_UNSYNCED)
_TARGET = f"devices/channel/target[@name='{AGENT_CHANNEL}']"
QUESTIONS = (
    (("Freeze", "Snapshot"), "to freeze its file systems"),
    (("Thaw",), "to let its file systems go on"),
    (("Shutdown", "Reboot"), "to shut down"),
    (("GuestInfo", "Addresses", "FSInfo", "Hostname", "Users"), "what it knows of its guest"),
    (("Password",), "to set a password"),
    (("Time",), "for the time"),
    (("Vcpus",), "for its CPUs"),
)
"""Parts of the names of libvirt's calls, and what they ask an agent."""
RESTART = Cure(
    "Restart it in the guest: what was asked fails then, and the next question is heard",
    lines=("systemctl restart qemu-guest-agent", "pkill -9 qemu-ga    # where it hangs for good"),
)


def causes(case: Case) -> Iterator[Cause]:
    """Tell why the agent did not do what failed; nothing for any other failure."""
    error = case.error
    if error is None or error.code not in _SILENT or not case.state.active:
        return
    text = sanitise(error.raw or error.message, 300)
    evidence = f"libvirt said, when the agent was asked: {text} (code {error.code})"
    target = case.live.find(_TARGET)
    if target is not None and target.get("state") == "connected":
        yield Cause(
            "agent-unresponsive",
            "Its guest agent is connected, but does not answer",
            Surety.CERTAIN,
            evidence,
            (*button(case), CONSOLE, RESTART),
        )
        return
    yield Cause(
        "agent-disconnected",
        "No agent in the guest has opened its channel: it is not installed or does not run",
        Surety.CERTAIN,
        evidence,
        (*button(case), CONSOLE, Cure("Install or start it in the guest", lines=INSTALL)),
    )


def button(case: Case) -> tuple[Cure, ...]:
    """The way without an agent, where a shutdown or a reboot was asked for."""
    call = "" if case.error is None else case.error.call
    for verb in ("shutdown", "reboot"):
        if call.startswith(verb):
            title, action = "Ask by the ACPI power button", f"domain.{verb}"
            return (Cure(title, "a", action_id=action, args={"mode": "acpi"}, level=1),)
    return ()


def asked_for(call: str) -> str:
    """What a call of libvirt's asks an agent: ``to freeze its file systems``."""
    return next(
        (what for parts, what in QUESTIONS if any(re.search(part, call) for part in parts)),
        "something",
    )


def may_freeze(case: Case, call: str) -> bool:
    """True when a call may wait for the agent of this domain to freeze its file systems."""
    target = case.live.find(_TARGET)
    return "Snapshot" in call and target is not None and target.get("state") == "connected"
