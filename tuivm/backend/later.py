"""What follows a host's rows, loaded while they are still awaited: a moment in which all rest."""

from __future__ import annotations

import threading


def load() -> None:
    """Load it on a thread of its own; what is needed sooner waits for that, and no longer."""
    threading.Thread(target=_load, name="tuivm-load", daemon=True).start()


def _load() -> None:
    from tuivm.backend import (  # noqa: F401
        addresses,
        facts,
        jobs,
        nodestats,
        sampler,
        uptime,
        xml,
    )
