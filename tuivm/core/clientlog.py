"""libvirt's own log of what this program asks it: where it goes, and why it is off."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

DEBUG, FILTERS, OUTPUTS = "LIBVIRT_DEBUG", "LIBVIRT_LOG_FILTERS", "LIBVIRT_LOG_OUTPUTS"
VARIABLES = (DEBUG, FILTERS, OUTPUTS)
"""What libvirt's client reads, once, when it is first used (https://libvirt.org/logging.html)."""

QUIET = "3:util.event 3:util.object 3:rpc.netmessage 3:rpc.netsocket 3:rpc.keepalive"
"""Filters that leave out what says nothing of any call: nine lines of ten."""
LIMIT = 16 << 20
"""Bytes at which our file is set aside as ``NAME.1``, in place of the one before."""
_FILE = r"(?:^|\s)[1-4]:file:(\S+)"


class ClientLog(NamedTuple):
    """How libvirt's client logs in this process."""

    on: bool = False
    where: str = ""
    """The file, or libvirt's own words for its outputs; as the user's system has it."""
    ours: bool = False
    """True when this program made the file: for its user alone, and kept small."""
    chosen: bool = False
    """True when variables of the environment decided on it."""
    reason: str = ""
    """Why it is off although it was asked for."""

    @property
    def path(self) -> str:
        """The file that can be read, or empty."""
        if self.ours:
            return self.where
        match = re.search(_FILE, self.where)
        return match[1] if match else ""

    @property
    def bound(self) -> str:
        """What is to be known of its size."""
        if self.ours:
            return f"at most {2 * LIMIT >> 20} MiB: the older half is in the file with .1"
        return "it grows without limit" if self.path else "kept by others"


def is_wanted(environment: Mapping[str, str]) -> bool:
    """True when a variable of libvirt's asks for a log."""
    return any(environment.get(name) for name in VARIABLES)


def variables(environment: Mapping[str, str], target: str) -> dict[str, str]:
    """What has to be set before libvirt is used, for a log in ``target``.

    What the user has set stays: outputs of theirs, their level, their filters.
    """
    added = {}
    if not environment.get(OUTPUTS):
        added[OUTPUTS] = f"1:file:{target}"
    if not environment.get(DEBUG) and not environment.get(FILTERS):
        added |= {DEBUG: "1", FILTERS: QUIET}
    return added
