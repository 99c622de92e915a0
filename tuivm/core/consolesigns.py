"""What the end of a console's output tells of a guest that does not react."""

from __future__ import annotations

import re
from typing import NamedTuple

_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")
LOOKED_AT = 16_384
"""Characters at the end of the output that are looked at."""


class Sign(NamedTuple):
    """What the last lines say."""

    what: str
    """``panic``, ``halted``, ``firmware``, ``booting``, ``stopping`` or ``login``."""
    line: str
    """The line that says so."""


_PATTERNS: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "panic",
        re.compile(r"Kernel panic - not syncing|Attempted to kill init|BUG: unable to handle"),
    ),
    ("halted", re.compile(r"System halted|reboot: Power down", re.IGNORECASE)),
    (
        "firmware",
        re.compile(
            r"SeaBIOS|iPXE|Booting from |No bootable device|BdsDxe|UEFI Interactive Shell|"
            r"GNU GRUB|^\s*grub(?: rescue)?>|GRUB loading|ISOLINUX|SYSLINUX|boot:\s*$"
        ),
    ),
    (
        "stopping",
        re.compile(
            r"Reached target.*(?:Shutdown|Power-Off)|"
            r"The system is going down|Stopped target|Stopping .*\.\.\.|A stop job is running|"
            r"Sent SIGTERM|Requesting system poweroff",
            re.IGNORECASE,
        ),
    ),
    ("login", re.compile(r"\blogin:\s*\S*\s*$|[#$%>] ?$")),
    ("booting", re.compile(r"^\[\s*\d+\.\d{3,6}\] |Starting .*\.\.\.|Linux version ")),
)


def read_sign(text: str) -> Sign | None:
    """Tell what a guest was doing when it printed the last of this; None where nothing shows.

    The newest line that says something decides, so that a boot before does not.
    """
    lines = _ESCAPES.sub("", text[-LOOKED_AT:]).replace("\r", "").split("\n")
    for line in reversed(lines):
        if not line.strip():
            continue
        for what, pattern in _PATTERNS:
            if pattern.search(line):
                return Sign(what, line.strip())
    return None
