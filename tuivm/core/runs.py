"""What crosses threads of a command that is logged in for and run on a guest's console."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from tuivm.core.errors import TuivmError
from tuivm.core.model import DomainKey


class RunStep(StrEnum):
    """How far a command on a guest's console is."""

    WAITING = "waiting"
    ATTACHING = "attaching"
    WAKING = "looking for a login"
    LOGGING_IN = "logging in"
    RUNNING = "running"
    LEAVING = "logging out"
    DONE = "done"
    """The command ended; its exit code says how."""
    FAILED = "failed"
    """It could not be run, or not to its end; the error says why."""
    CANCELLED = "cancelled"

    @property
    def over(self) -> bool:
        """True when nothing more comes."""
        return self in (RunStep.DONE, RunStep.FAILED, RunStep.CANCELLED)


@dataclass(frozen=True, slots=True)
class RunResult:
    """What came of a command on one guest's console."""

    key: DomainKey
    step: RunStep
    code: int | None = None
    """The command's exit code."""
    output: str = ""
    """What it printed, both streams, sanitised; at most 1 MiB."""
    lost: int = 0
    """Bytes of output that were not kept."""
    seconds: float = 0.0
    """How long the command ran, or how long it was tried."""
    error: TuivmError | None = None
    note: str = ""
    """What else to know: whose shell was used, in what state the line was left."""
