"""Why a domain did not start: reads what libvirt and QEMU said, and looks at the host."""

from __future__ import annotations

import re
from collections.abc import Iterator

import libvirt

from tuivm.backend import why_disk, why_hardware, why_network
from tuivm.backend.case import Case
from tuivm.backend.optional import or_none
from tuivm.backend.rename import holder_of, state_of
from tuivm.core.causes import Cause, Cure, Surety
from tuivm.core.text import sanitise

_READERS = (why_disk.causes, why_network.causes, why_hardware.causes)
_IN_USE = re.compile(
    r"domain '(?P<name>.+?)' already exists with uuid (?P<uuid>[0-9a-f-]{36})|"
    r"domain with name '(?P<wanted>.+)' already exists"
)
_OF_A_START = ("start", "virDomainCreate")
"""How the calls of errors begin where it was to be started."""


def causes(case: Case) -> Iterator[Cause]:
    """Tell why it did not start; nothing where no start failed or it runs meanwhile."""
    error = case.error
    if error is None or case.state.active:
        return
    text = error.raw or error.message
    found = [cause for reader in _READERS for cause in reader(case, text)]
    yield from found
    if match := _IN_USE.search(text):
        yield _in_use(case, match)
    elif not found and error.call.startswith(_OF_A_START):
        yield from _saved(case, text)


def _in_use(case: Case, match: re.Match[str]) -> Cause:
    name = match["wanted"] or match["name"]
    other = holder_of(case.conn, name)
    uuid = match["uuid"] or (other.UUIDString() if other is not None else "")
    state = None if other is None else or_none(lambda: f" ({state_of(other)})")
    return Cause(
        "name-in-use",
        f"There is another VM called {sanitise(name, 80)}{state or ''}",
        Surety.CERTAIN,
        f"its UUID is {uuid}" if uuid else sanitise(match[0], 400),
        (Cure("Choose another name", "n", action_id="view.rename"),),
    )


def _saved(case: Case, text: str) -> Iterator[Cause]:
    """A saved state is in the way whenever it is there and nothing else explains the failure."""
    try:
        saved = bool(case.domain.hasManagedSaveImage())
    except libvirt.libvirtError:
        return
    if not saved:
        return
    yield Cause(
        "saved-state",
        "Its saved state cannot be restored, and every start tries just that",
        Surety.CERTAIN,
        sanitise(text, 400),
        (
            Cure(
                "Drop the saved state and boot afresh: what was not on disk then is lost",
                "f",
                "start",
                {"force-boot": "on"},
                level=2,
                lines=("virsh start NAME --force-boot",),
            ),
        ),
    )
