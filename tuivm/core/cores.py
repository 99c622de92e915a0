"""Which terminal core is used: libghostty-vt where it can be loaded, else avt, or as asked.

The native libraries are imported with the first console: reading libghostty-vt's
declarations takes a quarter second.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping

from tuivm.core.config import TERMINALS
from tuivm.core.terminal import TerminalCore, TerminalUnavailable
from tuivm.core.text import sanitise

logger = logging.getLogger(__name__)

AUTO = TERMINALS[0]
VARIABLE = "TUIVM_TERMINAL"
"""The environment variable that overrides the configuration's ``console.terminal``."""
TITLE = "Cannot show a terminal"
BARE = "or use: tuivm console DOMAIN"
"""The way out that needs no emulator."""


def _ghostty(scrollback: int) -> TerminalCore:
    try:
        from tuivm.core.ghostty import GhosttyCore
    except (ImportError, OSError, AttributeError) as error:
        raise TerminalUnavailable(
            TITLE,
            "the terminal library pyghostty cannot be loaded on this machine",
            hint=f"set {VARIABLE}=avt, {BARE}",
        ) from error
    return GhosttyCore(scrollback=scrollback)


def _avt(scrollback: int) -> TerminalCore:
    try:
        from tuivm.core.avt import AvtCore
    except (ImportError, OSError, AttributeError) as error:
        raise TerminalUnavailable(
            TITLE,
            "the terminal library pyavt cannot be loaded on this machine",
            hint=f"set {VARIABLE}=ghostty, {BARE}",
        ) from error
    return AvtCore(scrollback=scrollback)


CORES: dict[str, Callable[[int], TerminalCore]] = {"ghostty": _ghostty, "avt": _avt}
"""The cores by name, the one that is taken first in front."""


def chosen(configured: str = AUTO, environment: Mapping[str, str] = os.environ) -> str:
    """One of ``config.TERMINALS``: what the environment says, else the configuration.

    Raises ``TerminalUnavailable`` when the variable holds anything else.
    """
    name = environment.get(VARIABLE, "").strip().lower() or configured
    if name not in TERMINALS:
        raise TerminalUnavailable(
            TITLE,
            f"{VARIABLE} is {sanitise(name, 40)!r}",
            hint=f"set it to one of: {', '.join(TERMINALS)}",
        )
    return name


def new_core(scrollback: int = 10_000, configured: str = AUTO) -> TerminalCore:
    """A terminal core that keeps that many lines. Raises ``TerminalUnavailable``."""
    name = chosen(configured)
    if name != AUTO:
        return CORES[name](scrollback)
    reasons = []
    for name, make in CORES.items():
        try:
            return make(scrollback)
        except TerminalUnavailable as error:
            logger.warning("no terminal core %s: %s", name, error)
            reasons.append(error.message)
    raise TerminalUnavailable(
        TITLE,
        "; ".join(reasons),
        hint="install tuivm anew with pip, or use: tuivm console DOMAIN",
    )
