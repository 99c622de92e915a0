"""The lifecycle verbs' entries of the action registry."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tuivm.core import applies
from tuivm.core.action import Action
from tuivm.core.applies import changes
from tuivm.core.model import Domain, State

POWER, DEFINITION, JOBS = "Power", "Definition", "Jobs"
_ASLEEP = frozenset({State.PAUSED, State.SUSPENDED})


def _active(domain: Domain) -> bool:
    return domain.state.active


def _off(domain: Domain) -> bool:
    return not domain.state.active and domain.id is None


def _state(*states: State) -> Callable[[Domain], bool]:
    return lambda domain: domain.state in states


def _verb(
    name: str, title: str, text: str, check: Callable[[Domain], str | None], **fields: Any
) -> Action:
    """Build a verb's entry; its id is virsh's spelling with underscores."""
    entry = {"id": f"domain.{name.replace('-', '_')}", "verb": name, "group": POWER} | fields
    return Action(title=title, help=text, applies=changes(check), per_domain=True, **entry)


RESUME = _verb(
    "resume",
    "Resume",
    "Let a paused VM go on; wake one that put itself to sleep.",
    applies.can_resume,
    pending="resuming…",
    wants=_state(State.RUNNING),
    patience=15.0,
    late="{name} is still not running {time} after resume; l shows its log",
)
SUSPEND = _verb(
    "suspend",
    "Pause",
    "Stop the virtual CPUs at once; memory stays.",
    applies.can_suspend,
    pending="pausing…",
    wants=_state(State.PAUSED),
    patience=15.0,
    late="{name} is still not paused {time} after it was told; l shows its log",
)
START = _verb(
    "start",
    "Start",
    "Start a VM that is off; resume one that is paused.",
    applies.can_start,
    keys=("s",),
    means=lambda domain: RESUME if domain.state in _ASLEEP else None,
    pending="starting…",
    wants=_active,
    late="{name} is still off {time} after start; l shows its log",
)
AUTOSTART_ON = _verb(
    "autostart",
    "Autostart on",
    "Start it with its host.",
    applies.can_autostart,
    id="domain.autostart_on",
    group=DEFINITION,
    args={"value": "on"},
)
AUTOSTART_OFF = _verb(
    "autostart",
    "Autostart off",
    "Do not start it with its host.",
    applies.can_autostart,
    id="domain.autostart_off",
    group=DEFINITION,
    args={"value": "off"},
)
LIFECYCLE: tuple[Action, ...] = (
    START,
    _verb(
        "start-paused",
        "Start paused",
        "Start with the virtual CPUs stopped, to attach a console or debugger first.",
        applies.can_boot,
        pending="starting…",
        wants=_active,
        late="{name} is still off {time} after start; l shows its log",
    ),
    _verb(
        "start",
        "Boot afresh",
        "Start from nothing, dropping the saved memory.",
        applies.can_boot_fresh,
        id="domain.boot_fresh",
        args={"force-boot": "on"},
        level=2,
        pending="starting…",
        wants=_active,
        late="{name} is still off {time} after start; l shows its log",
        warning="the saved memory is lost, with what the guest had not written to disk",
    ),
    _verb(
        "shutdown",
        "Shut down",
        "Ask the guest to power off.",
        applies.can_shut_down,
        keys=("S",),
        level=1,
        pending="stopping…",
        wants=_off,
        follow="Shut down",
        warning="it goes down",
    ),
    _verb(
        "shutdown",
        "Shut down and start again",
        "Ask the guest to power off, then start it: changes that wait for that take effect.",
        applies.can_cycle,
        id="domain.cycle",
        level=1,
        pending="stopping…",
        wants=_off,
        follow="Shut down, start",
        then="domain.start",
        warning="it goes down and comes back, with the changes that waited for that",
    ),
    _verb(
        "reboot",
        "Reboot",
        "Ask the guest to restart.",
        applies.can_reboot,
        keys=("R",),
        level=1,
        pending="rebooting…",
        patience=20.0,
        warning="it goes down and comes back",
    ),
    _verb(
        "reset",
        "Reset",
        "Press the reset button: the guest restarts without being asked.",
        applies.needs_active,
        level=2,
        pending="resetting…",
        patience=5.0,
        warning="what the guest has not written to disk is lost",
    ),
    Action(
        id="domain.pause_toggle",
        title="Pause / resume",
        help="Pause a running VM, resume a paused one.",
        group=POWER,
        keys=("p",),
        verb="suspend",
        per_domain=True,
        applies=changes(applies.can_toggle_pause),
        means=lambda domain: RESUME if domain.state in _ASLEEP else SUSPEND,
        one_way="domain.suspend",
    ),
    SUSPEND,
    RESUME,
    _verb(
        "destroy",
        "Force off",
        "Pull the plug.",
        applies.needs_active,
        keys=("D",),
        level=2,
        pending="force off…",
        wants=_off,
        patience=30.0,
        late="{name} is still there {time} after it was forced off; its host may be stuck",
        warning="what the guest has not written to disk is lost",
    ),
    _verb(
        "managedsave",
        "Save and power off",
        "Write the memory to disk and power off; the next start goes on from there.",
        applies.can_save,
        level=1,
        pending="saving…",
        wants=_off,
        patience=900.0,
        late="{name} still runs {time} after its save began; l shows its log",
        warning="it stops until the next start",
    ),
    _verb(
        "managedsave-remove",
        "Drop the saved state",
        "Remove the saved memory; the next start boots afresh.",
        applies.can_drop_saved,
        level=2,
        pending="dropping…",
        wants=lambda domain: domain.managed_save is False,
        patience=30.0,
        late="{name} still has its saved state {time} after it was told to drop it",
        warning="the saved memory is lost, with what the guest had not written to disk",
    ),
    _verb(
        "abort-job",
        "Cancel its job",
        "Break off a save, migration, dump or backup under way; the VM goes on.",
        applies.needs_active,
        group=JOBS,
        level=1,
        warning="what it has done so far is thrown away; the VM goes on",
    ),
    _verb(
        "pivot",
        "Switch over",
        "Let a disk go on in its finished copy; its old image stays as it is at that moment.",
        applies.needs_active,
        group=JOBS,
        level=2,
        warning="what is written from then on is in the new image alone",
    ),
    _verb(
        "send-key",
        "Send keys",
        "Press keys on the guest's keyboard, such as Ctrl-Alt-Del.",
        applies.can_hear,
        level=1,
        warning="the guest takes them as if typed; Ctrl-Alt-Del reboots most",
    ),
    _verb(
        "inject-nmi",
        "Send an NMI",
        "Raise a non-maskable interrupt: most guests panic and dump.",
        applies.can_hear,
        level=2,
        warning="most guests panic",
    ),
    _verb(
        "autostart",
        "Autostart on / off",
        "Start it with its host, or no longer.",
        applies.can_autostart,
        group=DEFINITION,
        keys=("a",),
        means=lambda domain: AUTOSTART_OFF if domain.autostart else AUTOSTART_ON,
        one_way="domain.autostart_on",
    ),
    AUTOSTART_ON,
    AUTOSTART_OFF,
    _verb(
        "enable-acpi",
        "Enable ACPI",
        "Drop acpi=off from the kernel's command line, add <acpi/>: for the next start.",
        applies.can_edit,
        group=DEFINITION,
        level=1,
        warning="its next start then hears the power button",
    ),
    _verb(
        "set-lifecycle-action",
        "Set lifecycle action",
        "What happens when the guest powers off, reboots or crashes.",
        applies.can_edit,
        group=DEFINITION,
        args={"type": "poweroff", "action": "destroy"},
        level=1,
        warning="when its guest powers off, it is off",
    ),
    _verb(
        "undefine",
        "Undefine",
        "Remove the definition; disks stay.",
        applies.can_undefine,
        group=DEFINITION,
        keys=("U",),
        level=2,
        pending="removing…",
        patience=30.0,
        wants=lambda domain: domain.persistent is False,
        late="{name} is still defined {time} after undefine",
        warning="its definition, saved state and snapshot records are lost; disks are kept",
    ),
)
"""All verbs, in the order of the menus."""
