"""``tuivm check``: can this host run VMs, can it be reached, what is missing."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from tuivm.backend.host_check import check_uris
from tuivm.core.check import as_json, as_text, has_problem


def run_check(uris: Sequence[str], *, named: bool, json: bool) -> int:
    """Check and print; 1 when something has to be mended, else 0.

    ``named`` when a person named ``uris``: then these are checked and no others.
    Otherwise this machine's own daemons are checked too when they do not answer: that is
    what one wants to know.
    """
    usual = usual_uris()
    parts = check_uris(usual if set(uris) <= set(usual) and not named else uris)
    width = os.get_terminal_size(1).columns if sys.stdout.isatty() else None
    print(as_json(parts) if json else as_text(parts, width), flush=True)
    return 1 if has_problem(parts) else 0


def usual_uris() -> tuple[str, ...]:
    """The connections to this machine's own daemons that a user has."""
    return ("qemu:///system",) if os.geteuid() == 0 else ("qemu:///session", "qemu:///system")
