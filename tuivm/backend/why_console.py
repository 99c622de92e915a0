"""Why a domain's console stays blank or busy: no device, a kernel that does not use it, no getty.

Nothing is claimed of a guest from which nothing shows: most say nothing of their consoles.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from tuivm.backend.acpi_xml import X86, line_of
from tuivm.backend.case import Case
from tuivm.backend.connection import Target
from tuivm.backend.console_log import read_past
from tuivm.backend.cure_xml import diff
from tuivm.backend.processes import console_programs
from tuivm.backend.xml_console import Port, ports_of
from tuivm.core.causes import Cause, Cure, Surety
from tuivm.core.consoleports import SERIAL_XML, guest_lines, uses_console
from tuivm.core.consolesigns import read_sign
from tuivm.core.model import State
from tuivm.core.text import duration_text, sanitise

BOOT_SECONDS = 60.0
"""A guest that runs for less may not have come to its login yet."""


def causes(case: Case) -> Iterator[Cause]:
    """Tell what keeps its console from showing anything, or from being opened."""
    found = ports_of(case.live)
    port = next((one for one in found if one.pty), None)
    if port is None:
        yield _no_device(case, found)
        return
    tty = port.tty
    if tty and case.live.find("os/kernel") is not None and _is_pc(case):
        words = case.live.findtext("os/cmdline") or ""
        if not uses_console(words, tty):
            yield _not_told(case, tty)
            return
    if case.state is State.RUNNING:
        yield from _printed(case, tty or "the port")
        yield from _holders(case)


def _is_pc(case: Case) -> bool:
    """Elsewhere the firmware may tell the kernel which console to use."""
    kind = case.live.find("os/type")
    return kind is not None and kind.get("arch", "") in X86


def _no_device(case: Case, found: list[Port]) -> Cause:
    next_has = case.inactive is not None and any(one.pty for one in ports_of(case.inactive))
    cures = [Cure("Then, in the guest", lines=guest_lines("ttyS0"))]
    if next_has:
        cures.insert(0, Cure("Power it off and on: the next start has a console"))
    elif case.inactive is not None:
        title = "Add a serial console, for the next start"
        cures.insert(0, Cure(title, "o", "add-console", level=1, lines=(f"+ {SERIAL_XML}",)))
    if found:
        title = f"Its console cannot be opened through libvirt: {found[0].where}"
        evidence = f"the first console in its XML has the type {found[0].kind}, not pty"
    else:
        title = "It has no serial console"
        evidence = "no <serial> or <console> in its XML"
    return Cause("console-device", title, Surety.CERTAIN, evidence, tuple(cures), "console")


def _not_told(case: Case, tty: str) -> Cause:
    cures = [Cure("Then a login in the guest", lines=guest_lines(tty)[:1])]
    root = case.inactive
    lines = () if root is None else diff(root, "kernel-console", {"tty": tty})
    if lines:
        title = f"Tell its kernel to use {tty}, from the next start on"
        cure = Cure(title, "o", "kernel-console", {"tty": tty}, level=1, lines=lines)
        cures.insert(0, cure)
    return Cause(
        "console-kernel",
        f"Its console stays blank: its kernel is not told to use {tty}",
        Surety.CERTAIN,
        line_of(case.live, "os/cmdline") or "its XML has a <kernel>, but no <cmdline>",
        tuple(cures),
        "console",
    )


def _printed(case: Case, tty: str) -> Iterator[Cause]:
    """What this run of it wrote into the console's log file says."""
    past, uptime = read_past(case.conn, case.domain.UUIDString(), case.uri), case.doing.uptime
    if not past.path or past.error is not None or uptime is None or uptime < BOOT_SECONDS:
        return
    began = time.time() - uptime
    text = past.data.decode("utf-8", "replace") if (past.until or 0.0) >= began else ""
    sign = read_sign(text)
    up = duration_text(uptime)
    if not text.strip():
        yield Cause(
            "console-silent",
            f"Its console stays blank: its guest does not use {tty}",
            Surety.LIKELY,
            f"{past.path} is empty, {up} after its start",
            (Cure("Tell the guest to", lines=guest_lines(tty)),),
            "console",
        )
    elif sign is not None and sign.what == "booting":
        yield Cause(
            "console-getty",
            "Its kernel talks on its console, but nothing offers a login there: no getty runs",
            Surety.LIKELY,
            f"the last line in {past.path}, {up} after its start: {sanitise(sign.line, 200)}",
            (Cure("Let one run in the guest", lines=guest_lines(tty)[:1]),),
            "console",
        )


def _holders(case: Case) -> Iterator[Cause]:
    """A console has one reader: which programs of this machine may be it."""
    found = console_programs(case.domain.name()) if Target(case.uri).local else []
    if not found:
        return
    yield Cause(
        "console-holder",
        "Another program may have its console open, which has one reader",
        Surety.POSSIBLE,
        f"on this machine: {'; '.join(sanitise(one, 200) for one in found)}",
        (
            Cure("Leave it there (ctrl+]), or take it over: t on its console here"),
            Cure("Look at its console", "c", action_id="view.console"),
        ),
        "console",
    )
