"""What the results of "log in and run" say; pure functions."""

from __future__ import annotations

from collections.abc import Sequence

from tuivm.core.runs import RunResult, RunStep
from tuivm.core.text import bytes_text, duration_text, sanitise


def state(step: RunStep, result: RunResult | None) -> tuple[str, str]:
    """A state and its role."""
    if result is None:
        return step.value, "dim" if step is RunStep.WAITING else "pending"
    if step is RunStep.DONE:
        return ("done", "good") if result.code == 0 else (f"exit code {result.code}", "warn")
    return step.value, "bad" if step is RunStep.FAILED else "dim"


def first_line(result: RunResult | None) -> tuple[str, str]:
    """The first line of output that has something in it, or why there is none."""
    if result is None:
        return "", ""
    if result.error is not None:
        return _why(result), "bad"
    line = next((line for line in result.output.split("\n") if line.strip()), "")
    if not line and result.step is RunStep.DONE:
        return "(no output)", "dim"
    return sanitise(line, 300), ""


def _why(result: RunResult) -> str:
    error = result.error
    if error is None:
        return ""
    text = f"{error.title}: {error.message}" if error.message else error.title
    return f"{text} ({error.hint})" if error.hint else text


def whole(result: RunResult) -> str:
    """All that is known: why it failed, what it printed, what is missing."""
    parts = []
    if result.error is not None:
        error = result.error
        parts += [line for line in (error.title, error.message, error.hint) if line]
        parts.append("")
    if result.output:
        parts.append(result.output.removesuffix("\n"))
    elif result.step is RunStep.DONE:
        parts.append("(no output)")
    if result.lost:
        parts.append(f"({bytes_text(result.lost)} more came and were not kept)")
    if result.note:
        parts += ["", f"({result.note})"]
    return "\n".join(parts)


def section(name: str, host: str, command: str, result: RunResult) -> str:
    """One VM's part of a file with all of them."""
    text, _role = state(result.step, result)
    head = (
        f"=== {name} on {host}: {text}, {duration_text(result.seconds)}: {sanitise(command, 3000)}"
    )
    return f"{head}\n{whole(result)}"


def counts(total: int, results: Sequence[RunResult]) -> list[tuple[str, str]]:
    """How many are done, with which result, as (text, role)."""
    good = sum(one.step is RunStep.DONE and one.code == 0 for one in results)
    bad = sum(one.step is RunStep.DONE and one.code != 0 for one in results)
    failed = sum(one.step is RunStep.FAILED for one in results)
    cancelled = sum(one.step is RunStep.CANCELLED for one in results)
    parts = [(f"{len(results)} of {total}", "strong")]
    for count, word, role in (
        (good, "exit code 0", "good"),
        (bad, "exit code not 0", "warn"),
        (failed, "failed", "bad"),
        (cancelled, "cancelled", "dim"),
    ):
        if count:
            parts.append((f" · {count} {word}", role))
    return parts


def total(command: str, results: Sequence[RunResult]) -> str:
    """The line of the event log about all of them."""
    words = "".join(text for text, _role in counts(len(results), results))
    return f"ran on consoles: {words}: {sanitise(command, 80)}"
