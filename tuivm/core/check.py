"""Findings of a host check: one plain verdict each, the fix, and how they are written out."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from tuivm.core.text import cell_width, fit


class Verdict(StrEnum):
    """What a finding means for running VMs."""

    OK = "ok"
    WARNING = "warning"
    """It works, but not as well as it could, or not for everything."""
    PROBLEM = "problem"
    """VMs cannot run, or the host cannot be reached, until it is mended."""
    UNKNOWN = "unknown"
    """It cannot be seen from here."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; sanitised."""

    id: str
    """Stable: ``kvm-device``, ``network-default``."""
    title: str
    """What was looked at: ``KVM device``."""
    verdict: Verdict
    text: str
    """What was found, in one sentence."""
    fix: tuple[str, ...] = ()
    """What to do, a line each: a command, or a sentence where there is none."""


@dataclass(frozen=True, slots=True)
class Part:
    """The findings about one thing: this machine, or a connection."""

    title: str
    """``This machine``, or the connection's URI."""
    findings: tuple[Finding, ...]


LOCAL = "This machine"
"""The title of the part about the machine that tuivm runs on."""

MIN_ROOM = 20
"""Cells below which sentences are not wrapped."""
ORDER = (Verdict.PROBLEM, Verdict.WARNING, Verdict.UNKNOWN, Verdict.OK)
"""The most urgent first."""


def urgent_first(findings: Iterable[Finding]) -> list[Finding]:
    """Sort by verdict, and keep the order of the check within each."""
    return sorted(findings, key=lambda finding: ORDER.index(finding.verdict))


def has_problem(parts: Iterable[Part]) -> bool:
    """True when anything has to be mended before VMs can run or be reached."""
    return any(f.verdict is Verdict.PROBLEM for part in parts for f in part.findings)


def summary(parts: Iterable[Part]) -> str:
    """Count the verdicts: ``1 problem, 2 warnings, 14 ok, 1 unknown``."""
    verdicts = [finding.verdict for part in parts for finding in part.findings]
    words = []
    for verdict in (Verdict.PROBLEM, Verdict.WARNING, Verdict.OK, Verdict.UNKNOWN):
        count = verdicts.count(verdict)
        if count:
            plural = "s" if count > 1 and verdict in (Verdict.PROBLEM, Verdict.WARNING) else ""
            words.append(f"{count} {verdict.value}{plural}")
    return ", ".join(words) or "nothing was checked"


def as_text(parts: Sequence[Part], width: int | None = None) -> str:
    """Write a report to read: the findings, their fixes below them, and the count at the end.

    Sentences are wrapped to ``width`` cells, None for never; commands are left whole.
    """
    lines: list[str] = []
    for part in parts:
        column = max((cell_width(finding.title) for finding in part.findings), default=0)
        lines.append(part.title)
        for finding in part.findings:
            head = f"  {finding.verdict.value:<8} {fit(finding.title, column)}  "
            lines += _wrapped(head, finding.text, width)
            if finding.verdict is not Verdict.OK:
                lines += [f"{'':<13}-> {line}" for line in finding.fix]
        lines.append("")
    return "\n".join([*lines, summary(parts)])


def _wrapped(head: str, text: str, width: int | None) -> list[str]:
    room = None if width is None else width - cell_width(head)
    if room is None or room < MIN_ROOM:
        return [head + text]
    blank = " " * cell_width(head)
    first, *rest = textwrap.wrap(text, room, break_long_words=False, break_on_hyphens=False) or [""]
    return [head + first, *(blank + line for line in rest)]


def as_json(parts: Sequence[Part]) -> str:
    """Write a JSON object: ``ok``, and ``checks`` with one object a finding."""
    checks = [
        {
            "about": part.title,
            "id": finding.id,
            "title": finding.title,
            "verdict": finding.verdict.value,
            "found": finding.text,
            "fix": list(finding.fix),
        }
        for part in parts
        for finding in part.findings
    ]
    rows = ",\n  ".join(json.dumps(check, ensure_ascii=False) for check in checks)
    verdict = "false" if has_problem(parts) else "true"
    return (
        f'{{"ok": {verdict}, "checks": [\n  {rows}]}}' if checks else '{"ok": true, "checks": []}'
    )
