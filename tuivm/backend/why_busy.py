"""Why a domain takes no commands: something holds its lock, and since when."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

import libvirt

from tuivm.backend.case import Case
from tuivm.backend.connection import Target
from tuivm.backend.jobs import WHAT, is_job
from tuivm.backend.patience import ask_within, unanswered
from tuivm.backend.processes import Process, libvirt_programs, qemu_of
from tuivm.backend.why_silent import RESTART, asked_for, button, may_freeze
from tuivm.core.causes import Cause, Cure, Surety
from tuivm.core.errors import TuivmError
from tuivm.core.shutdown import CONSOLE
from tuivm.core.text import duration_text, sanitise

_ANSWERS = (libvirt.VIR_DOMAIN_CONTROL_OK, libvirt.VIR_DOMAIN_CONTROL_JOB)
"""``virDomainControlState`` in which it tells of its job: nothing is in the way, or just that."""
PATIENCE = 2.0
"""Seconds that the question may take which should need no lock."""
WAITED = 30
"""Seconds that libvirt's QEMU driver waits for the lock before it gives up."""
_MONITOR = re.compile(r"held by (?:monitor=)?(?!agent=)([\w:-]+)")
_AGENT = re.compile(r"\bagent=([\w:-]+)")
"""Who holds QEMU's and the agent's part of a domain: newer libvirts name both at once."""
_CALLS = re.compile(r"^remoteDispatch(?:Domain|Connect)?")
_WORK = (
    ("Migrate", "a migration"),
    ("Save", "a save of its memory"),
    ("CoreDump", "a dump of its memory"),
    ("Restore", "a restore"),
    ("Snapshot", "a snapshot"),
    ("Backup", "a backup"),
    ("Checkpoint", "a checkpoint"),
    ("Block", "work on its disks"),
    ("Device", "a change of its devices"),
    ("Create", "its start"),
    ("Destroy", "forcing it off"),
)
"""Parts of the names of libvirt's calls, and what these are to people."""
WAIT = Cure("Wait: a save, a snapshot or a migration may take its time")
FORCE = Cure("Force off: kill its QEMU", "D", "destroy", level=2)
ABORT = Cure("Break its job off: the VM goes on", "b", action_id="domain.abort_job", level=1)


class _Held(NamedTuple):
    """The call that others have to wait for."""

    call: str
    """``FSFreeze``; empty where libvirt does not say."""
    by_agent: bool
    """True when it waits for the guest agent."""

    @property
    def work(self) -> str:
        """What it does, to people; empty where that has no name."""
        return next((text for part, text in _WORK if part in self.call), "")

    @property
    def text(self) -> str:
        """Name it: ``libvirt's call Suspend``."""
        name = f"libvirt's call {self.call}" if self.call else "another call"
        return f"{name} ({self.work})" if self.work else name


class _Control(NamedTuple):
    """What a domain is busy with."""

    job: str
    """A job that can be broken off (``Save memory``); empty for a command."""
    seconds: float
    """Since when."""


def causes(case: Case) -> Iterator[Cause]:
    """Tell who holds it after a command that found it locked; nothing for any other failure."""
    error = case.error
    if error is None or error.code != libvirt.VIR_ERR_OPERATION_TIMEOUT:
        return
    text = error.raw or error.message
    monitor, agent = _call(_MONITOR, text), _call(_AGENT, text)
    if not monitor and not agent and "lock" not in text:
        return
    held = _Held(monitor or agent, monitor in ("", agent) and bool(agent))
    control = _control(case)
    evidence = f"for {WAITED} s or more the lock was held by {held.text}"
    if control is not None:
        kind = f"a job ({control.job})" if control.job else "a command"
        evidence += f"; {kind} is under way for {duration_text(control.seconds)}"
    local = Target(case.uri).local
    process = qemu_of(case.domain.UUIDString()) if local else None
    if process is not None and process.stopped:
        yield _stopped(process, evidence, FORCE)
        return
    if local and (others := libvirt_programs()):
        evidence += f"; connected from this machine, perhaps: {sanitise('; '.join(others), 400)}"
    if control is not None and control.job:
        title = f"It is busy with {held.work or control.job}, which can be broken off"
        yield Cause("busy-job", title, Surety.CERTAIN, evidence, (WAIT, ABORT, FORCE))
    elif held.by_agent:
        yield _agent(case, held, evidence)
    else:
        yield _command(case, process, held, control, evidence)


def _call(pattern: re.Pattern[str], text: str) -> str:
    """The name of the call that holds it, as libvirt's documentation has it; or empty."""
    match = pattern.search(text)
    return "" if match is None else sanitise(_CALLS.sub("", match[1]), 80)


def _agent(case: Case, held: _Held, evidence: str) -> Cause:
    """One question is open: the agent hears no other before it is answered."""
    for what, seconds in unanswered(case.domain.UUIDString()):
        evidence += f"; tuivm's own question ({what}) is open for {duration_text(seconds)}"
    return Cause(
        "busy-agent",
        f"Its guest agent was asked {asked_for(held.call)} and does not answer; "
        "until it does, it hears nothing else",
        Surety.CERTAIN,
        evidence,
        (*button(case), CONSOLE, RESTART, WAIT),
    )


def _command(
    case: Case, process: Process | None, held: _Held, control: _Control | None, evidence: str
) -> Cause:
    title = f"It is busy: {held.work or held.text} has not come back"
    cures: tuple[Cure, ...] = (WAIT, FORCE)
    if process is not None:
        evidence += f"; its QEMU is process {process.pid}, state {process.state}"
        if process.state == "D":
            title = "Its QEMU waits for a disk or a network file system that does not answer"
    if control is None and may_freeze(case, held.call):
        # QEMU has nothing to do, so the snapshot waits for what comes before its work.
        title = f"It is busy: {held.work} waits, perhaps for its guest agent to freeze the disks"
        cures = (WAIT, CONSOLE, RESTART, FORCE)
    return Cause("busy", title, Surety.LIKELY, evidence, cures)


def _stopped(process: Process, evidence: str, force: Cure) -> Cause:
    """SIGSTOP or a debugger: everything waits for it."""
    return Cause(
        "qemu-stopped",
        "Its QEMU process was stopped by a signal or a debugger, and all calls wait for it",
        Surety.CERTAIN,
        f"process {process.pid} is in state {process.state} (stopped); {evidence}",
        (
            Cure(
                "Let the process go on",
                "g",
                "continue-qemu",
                level=1,
                lines=(f"kill -CONT {process.pid}",),
            ),
            force,
        ),
    )


def _control(case: Case) -> _Control | None:
    """What it does and since when; None where it does nothing any more, or does not say."""
    uuid, domain = case.domain.UUIDString(), case.domain
    try:
        # This needs no lock, and knows of no jobs; the other would wait for a command.
        state, _details, since = ask_within(
            PATIENCE, uuid, "control state", lambda: domain.controlInfo(0)
        )
        if state not in _ANSWERS:
            return _Control("", since / 1000)
        values = ask_within(PATIENCE, uuid, "job", lambda: domain.jobStats(0))
    except (libvirt.libvirtError, TuivmError):
        return None
    if not is_job(values):
        return None
    what = WHAT.get(values.get(libvirt.VIR_DOMAIN_JOB_OPERATION, 0), "a job")
    return _Control(what, values.get(libvirt.VIR_DOMAIN_JOB_TIME_ELAPSED, 0) / 1000)
