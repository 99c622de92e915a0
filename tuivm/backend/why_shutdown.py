"""What stands in the way of a shutdown: causes from the XML, the agent, the console, the CPU.

What cannot be wrong is told of any domain. What merely makes a guest slow or deaf is told
only of one that was asked and did not go: of a healthy one nothing is claimed.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import libvirt

from tuivm.backend.acpi_xml import acpi_diff, deaf_words, lacks_acpi, line_of
from tuivm.backend.case import Case
from tuivm.backend.console_log import read_past
from tuivm.backend.patience import ask_within
from tuivm.backend.why_agent import CHANNEL, INSTALL
from tuivm.backend.xml_parse import AGENT_CHANNEL
from tuivm.core.causes import Cause, Cure, Surety
from tuivm.core.consolesigns import read_sign
from tuivm.core.errors import TuivmError
from tuivm.core.model import State
from tuivm.core.shutdown import CONSOLE, FORCE_OFF, console_cause
from tuivm.core.text import duration_text, sanitise

LISTEN = 1.0
"""Seconds over which the guest's CPU time is measured."""
BUSY = 0.95
"""Part of one CPU from which on a guest counts as spinning."""
PATIENCE = 3.0
"""Seconds that the question for that may take."""
BOOT_SECONDS = 60.0
"""A guest that runs for less may still be booting."""


def causes(case: Case) -> Iterator[Cause]:
    """Tell what stands in the way of this domain's shutdown; nothing for one that is off."""
    if not case.state.active or case.error is not None:
        return
    if case.state in (State.PAUSED, State.SUSPENDED):
        yield _asleep(case)
    if case.live.get("type") in ("kvm", "qemu"):
        yield from _acpi(case)
        yield from _on_poweroff(case)
        if case.state in (State.RUNNING, State.STOPPING):
            yield from _unanswered(case)


def _asleep(case: Case) -> Cause:
    word = "paused" if case.state is State.PAUSED else "asleep"
    reason = f" ({case.reason})" if case.reason else ""
    resume = "Let it go on, then shut it down" if word == "paused" else "Wake it"
    return Cause(
        "paused",
        f"It is {word}, and what does not run hears nothing",
        Surety.CERTAIN,
        f"libvirt says {case.state.value}{reason}",
        (Cure(resume, "s", action_id="domain.resume"), FORCE_OFF),
    )


def _acpi(case: Case) -> Iterator[Cause]:
    words = deaf_words(case.live)
    if words:
        yield Cause(
            "acpi-off",
            f"{words[0]} on its kernel's command line: it hears no power button, "
            "and cannot switch itself off",
            Surety.CERTAIN,
            line_of(case.live, "os/cmdline"),
            (FORCE_OFF, *_acpi_cure(case, f"Take {' '.join(words)} off that line")),
        )
    if lacks_acpi(case.live):
        yield Cause(
            "no-acpi",
            "Its XML has no <acpi/>: it has no power button that could be pressed",
            Surety.CERTAIN,
            line_of(case.live, "features") or "its XML has no <features>",
            (FORCE_OFF, *_acpi_cure(case, "Add <acpi/> to its XML")),
        )


def _acpi_cure(case: Case, title: str) -> tuple[Cure, ...]:
    if case.inactive is None:
        return (Cure("It is transient: start it from XML without that next time"),)
    diff = acpi_diff(case.inactive)
    if not diff:
        return (Cure("The next start is cured already: force it off and start it"),)
    cure = Cure(
        f"{title}, for the next start", "e", action_id="domain.enable_acpi", level=1, lines=diff
    )
    return (cure,)


def _on_poweroff(case: Case) -> Iterator[Cause]:
    action = (case.live.findtext("on_poweroff") or "destroy").strip()
    if action not in ("restart", "rename-restart", "preserve"):
        return
    what = (
        "it is kept when its guest powers off"
        if action == "preserve"
        else ("it starts again whenever its guest powers off")
    )
    yield Cause(
        "on-poweroff",
        f"on_poweroff is {sanitise(action, 40)}: {what}",
        Surety.CERTAIN,
        line_of(case.live, "on_poweroff"),
        (
            Cure(
                "Let it go off when its guest does (on_poweroff: destroy)",
                "e",
                action_id="domain.set_lifecycle_action",
                args={"type": "poweroff", "action": "destroy"},
                level=1,
                lines=(
                    f"- <on_poweroff>{action}</on_poweroff>",
                    "+ <on_poweroff>destroy</on_poweroff>",
                ),
            ),
            FORCE_OFF,
        ),
    )


def _unanswered(case: Case) -> Iterator[Cause]:
    """What the console and, of a guest that was asked in vain, its agent and CPU tell."""
    sign = read_sign(_console(case))
    doing = case.doing
    told = None if sign is None else console_cause(sign, doing.asked, button=doing.button)
    if told is not None:
        yield told
    asked, uptime = doing.asked, doing.uptime
    if asked is None:
        return
    if uptime is not None and uptime - asked < BOOT_SECONDS and told is None:
        yield Cause(
            "booting",
            "It may have been booting still when it was asked",
            Surety.LIKELY if sign is None else Surety.POSSIBLE,
            f"it had been running for {duration_text(max(0.0, uptime - asked))} then",
            (Cure("Ask once more", "S", action_id="domain.shutdown", level=1), CONSOLE),
        )
    yield from _agent(case)
    yield from _spinning(case)


def _console(case: Case) -> str:
    """What this run of it printed, where its console's log file can be read."""
    past, uptime = read_past(case.conn, case.domain.UUIDString(), case.uri), case.doing.uptime
    if uptime is None or past.until is None or past.until < time.time() - uptime:
        return ""  # of the run before
    return past.data.decode("utf-8", "replace")


def _agent(case: Case) -> Iterator[Cause]:
    target = case.live.find(f"devices/channel/target[@name='{AGENT_CHANNEL}']")
    if target is None:
        yield Cause(
            "agent-missing",
            "It has no guest agent, so the power button is the only way to ask it",
            Surety.POSSIBLE,
            f"no <channel> with the target {AGENT_CHANNEL} in its XML",
            (Cure("Give it one: in its XML, then in the guest", lines=(*CHANNEL, *INSTALL)),),
        )
    elif target.get("state") == "disconnected":
        yield Cause(
            "agent-disconnected",
            "Its guest agent does not run, so the power button is the only way to ask it",
            Surety.POSSIBLE,
            f"the channel {AGENT_CHANNEL} in its XML says state='disconnected'",
            (Cure("Start it in the guest", lines=INSTALL), CONSOLE),
        )
    elif case.doing.agent:
        yield _silent(case)


def _silent(case: Case) -> Cause:
    # It is not asked again for the evidence's sake: a question to an agent that hangs may
    # never come back, and libvirt's client then stalls what follows on the connection.
    acpi = Cure(
        "Ask by the ACPI power button",
        "a",
        action_id="domain.shutdown",
        args={"mode": "acpi"},
        level=1,
    )
    return Cause(
        "agent-unresponsive",
        "Its guest agent is connected, but does not answer",
        Surety.LIKELY,
        f"libvirt said, when the agent was asked: {case.doing.agent}",
        (acpi, Cure("Restart it in the guest", lines=("systemctl restart qemu-guest-agent",))),
    )


def _spinning(case: Case) -> Iterator[Cause]:
    before, began = _cpu_time(case), time.monotonic()
    time.sleep(LISTEN)
    after, seconds = _cpu_time(case), time.monotonic() - began
    used = max((after[name] - before[name] for name in after.keys() & before.keys()), default=0)
    if used / 1e9 / seconds < BUSY:
        return
    yield Cause(
        "hung",
        "Its guest may hang: it computes without a pause",
        Surety.POSSIBLE,
        f"{min(1.0, used / 1e9 / seconds):.0%} of a CPU over {seconds:.1f} s, "
        f"{duration_text(case.doing.asked)} after it was asked",
        (CONSOLE, FORCE_OFF),
    )


def _cpu_time(case: Case) -> dict[str, int]:
    """Nanoseconds that each virtual CPU computed or, on a busy host, wanted to."""
    flags = libvirt.VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT
    groups = libvirt.VIR_DOMAIN_STATS_VCPU

    def ask() -> Any:
        return case.conn.domainListGetStats([case.domain], groups, flags)

    try:
        records = ask_within(PATIENCE, case.domain.UUIDString(), "CPU time", ask)
    except (libvirt.libvirtError, TuivmError):
        return {}
    told: dict[str, int] = records[0][1] if records else {}
    found: dict[str, int] = {}
    for name, value in told.items():
        if name.endswith((".time", ".delay")) and name.count(".") == 2:
            number = name.rpartition(".")[0]
            found[number] = found.get(number, 0) + value
    return found
