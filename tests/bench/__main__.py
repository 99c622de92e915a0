"""``scripts/bench``: measures and prints the table."""

from __future__ import annotations

import argparse
import os
import platform
import sys

from tests.bench import console, fleet, rows
from tests.bench.rows import Result, Skipped

GROUPS = rows.GROUPS | fleet.GROUPS | console.GROUPS


def main() -> int:
    """Measure; 0 when all budgets are met, 1 when one is not."""
    parser = argparse.ArgumentParser(
        prog="scripts/bench", description="Measure tuivm beside its references and budgets."
    )
    parser.add_argument("groups", nargs="*", metavar="GROUP", help=", ".join(GROUPS))
    parser.add_argument("--quick", action="store_true", help="fewer repetitions, smaller fleets")
    options = parser.parse_args()
    if unknown := [name for name in options.groups if name not in GROUPS]:
        parser.error(f"no such group: {', '.join(unknown)} (there are {', '.join(GROUPS)})")
    cpus = len(os.sched_getaffinity(0))
    print(f"Python {platform.python_version()}, {cpus} CPUs, load {os.getloadavg()[0]:.1f}")
    print(f"{'what':<46} {'measured':>14} {'budget':>14}  reference")
    missed = 0
    for name in options.groups or GROUPS:
        for row in GROUPS[name](options.quick):
            print(line(row), flush=True)
            missed += isinstance(row, Result) and not row.met
    print("all budgets met" if not missed else f"{missed} budgets missed")
    return 1 if missed else 0


def line(row: Result | Skipped) -> str:
    """One line of the table."""
    if isinstance(row, Skipped):
        return f"{row.what:<46} {'not measured':>14} {'':>14}  {row.reason}"
    sign = "≥" if row.at_least else "≤"
    measured = f"{row.value:.3g} {row.unit}" if row.value < 1000 else f"{row.value:,.0f} {row.unit}"
    budget = f"{sign} {row.budget:g}" + ("x" if row.reference is not None else f" {row.unit}")
    verdict = "" if row.met else "   MISSED"
    reference = ""
    if row.reference is not None:
        reference = f"{row.measured:.2f}x of {row.reference:.3g} {row.unit} ({row.reference_name})"
    return f"{row.what:<46} {measured:>14} {budget:>14}  {reference}{verdict}".rstrip()


if __name__ == "__main__":
    sys.exit(main())
