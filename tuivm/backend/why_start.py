"""Why a domain did not start: reads what libvirt and QEMU said, and looks at the host."""

from __future__ import annotations

import re
from collections.abc import Iterator

import libvirt

from tuivm.backend import why_disk, why_hardware, why_network
from tuivm.backend.case import Case
from tuivm.core.causes import Cause, Cure, Surety
from tuivm.core.text import sanitise

_READERS = (why_disk.causes, why_network.causes, why_hardware.causes)
_IN_USE = re.compile(r"domain '(?P<name>.+?)' already exists with uuid (?P<uuid>[0-9a-f-]{36})")


def causes(case: Case) -> Iterator[Cause]:
    """Tell why it did not start; nothing where no start failed or it runs meanwhile."""
    error = case.error
    if error is None or case.state.active:
        return
    text = error.raw or error.message
    found = [cause for reader in _READERS for cause in reader(case, text)]
    yield from found
    if not found:
        yield from _saved(case, text)
    if match := _IN_USE.search(text):
        name = sanitise(match["name"], 80)
        yield Cause(
            "name-in-use",
            f"There is another VM called {name}",
            Surety.CERTAIN,
            f"its uuid is {match['uuid']}",
            (Cure("Choose another name, or undefine the other one first"),),
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
