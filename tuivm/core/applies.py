"""Why a verb cannot be used on a domain now, in plain words; None when it can."""

from __future__ import annotations

from collections.abc import Callable

from tuivm.core.hoststate import state_word
from tuivm.core.model import Domain, HostStatus, State
from tuivm.core.rows import Row

Applies = Callable[[Row], "str | None"]
"""Returns the reason why not, or None."""
AppliesHost = Callable[[HostStatus], "str | None"]
"""The same for what is done to a host."""


def anywhere(row: Row) -> str | None:
    """Allow it: nothing is asked of the host."""
    return None


def any_host(status: HostStatus) -> str | None:
    """Allow it on every host."""
    return None


def needs_host(row: Row) -> str | None:
    """Refuse while the host is out of reach."""
    if row.stale:
        host = row.host
        return f"{host.id} is out of reach ({state_word(host)}); its state here is old"
    return None


def changes(check: Callable[[Domain], str | None]) -> Applies:
    """Make a check of the domain into one of the row: host in reach and not read-only."""

    def applies(row: Row) -> str | None:
        reason = needs_host(row)
        if reason is None and row.host.readonly:
            entry = "readonly is on in its entry, which the Hosts screen edits"
            why = entry if row.host.own_readonly else "tuivm was started read-only"
            reason = f"the connection to {row.host.id} is read-only: {why}"
        return check(row.domain) if reason is None else reason

    return applies


_MODES = {
    "kvm": ("acpi", "agent"),
    "qemu": ("acpi", "agent"),
    "lxc": ("initctl", "signal"),
    "xen": ("acpi", "paravirt"),
}
"""Ways to shut down that a driver knows (``virsh help shutdown``); others take any."""


def knows_mode(row: Row, mode: str) -> str | None:
    """Refuse a way to shut down that the domain's driver does not have."""
    facts = row.domain.facts
    if facts is None or not mode:
        return None
    if mode == "agent" and facts.has_agent is False:
        return f"{row.domain.name} has no guest agent channel"
    known = _MODES.get(facts.virt_type)
    if known is None or mode in known:
        return None
    return f"{facts.virt_type} VMs know only {' and '.join(known)}"


def can_start(domain: Domain) -> str | None:
    """Start what is off; what is paused or asleep resumes."""
    if domain.state is State.RUNNING:
        return f"{domain.name} is running already"
    if domain.state is State.STOPPING:
        return f"{domain.name} is shutting down; start it once it is off"
    return _crashed_alive(domain)


def can_boot(domain: Domain) -> str | None:
    """Start from off only: paused, or with the console attached."""
    if domain.state.active:
        return f"{domain.name} is {domain.state.value}; it has to be off"
    return _crashed_alive(domain)


def _crashed_alive(domain: Domain) -> str | None:
    if domain.state is State.CRASHED and domain.id is not None:
        return f"{domain.name} crashed and is kept for inspection; force it off first"
    return None


def can_shut_down(domain: Domain) -> str | None:
    """Ask only a guest that can hear it."""
    if domain.state is State.PAUSED:
        return f"{domain.name} is paused and cannot react; resume it or force it off"
    if domain.state is State.SUSPENDED:
        return f"{domain.name} is asleep and cannot react; wake it or force it off"
    return needs_active(domain)


def can_cycle(domain: Domain) -> str | None:
    """Shut down and start again what has a definition to start from."""
    return can_shut_down(domain) or can_autostart(domain)


def can_reboot(domain: Domain) -> str | None:
    """As ``can_shut_down``, but not while it shuts down."""
    if domain.state is State.STOPPING:
        return f"{domain.name} is shutting down; start it once it is off"
    return can_shut_down(domain)


def needs_active(domain: Domain) -> str | None:
    """Refuse what is off."""
    if domain.state is State.OFF:
        return f"{domain.name} is off"
    if domain.state is State.CRASHED and domain.id is None:
        return f"{domain.name} crashed and is off"
    return None


def can_suspend(domain: Domain) -> str | None:
    """Pause what runs."""
    if domain.state is State.PAUSED:
        return f"{domain.name} is paused already"
    if domain.state is State.SUSPENDED:
        return f"{domain.name} is asleep already"
    return _needs_alive(domain)


def can_resume(domain: Domain) -> str | None:
    """Resume what is paused or asleep."""
    if domain.state in (State.RUNNING, State.STOPPING):
        return f"{domain.name} is running already"
    return _needs_alive(domain)


def can_toggle_pause(domain: Domain) -> str | None:
    """Pause or resume whatever has a process."""
    return _needs_alive(domain)


def _needs_alive(domain: Domain) -> str | None:
    if domain.state is State.CRASHED:
        return f"{domain.name} crashed"
    return needs_active(domain)


def can_hear(domain: Domain) -> str | None:
    """Send keys or an NMI only to a running guest."""
    if domain.state is State.PAUSED:
        return f"{domain.name} is paused and cannot react; resume it first"
    if domain.state is State.SUSPENDED:
        return f"{domain.name} is asleep; wake it first"
    return _needs_alive(domain)


def can_undefine(domain: Domain) -> str | None:
    """Undefine what has a definition and is off."""
    if domain.persistent is False:
        return f"{domain.name} is transient: it has no definition, and is gone once it is off"
    if domain.state.active:
        return f"{domain.name} is {domain.state.value}; shut it down first"
    return None


def can_autostart(domain: Domain) -> str | None:
    """Set autostart only where there is a definition to start from."""
    if domain.persistent is False:
        return f"{domain.name} is transient: there is no definition to start from"
    return None


def can_edit(domain: Domain) -> str | None:
    """Change the definition where there is one."""
    if domain.persistent is False:
        return f"{domain.name} is transient: it has no definition that a next start would use"
    return None


def can_label(domain: Domain) -> str | None:
    """Give tags, a title or a description to anything: a transient VM has them while it runs."""
    return None


def can_rename(domain: Domain) -> str | None:
    """Rename what is off, has a definition, and no saved state: libvirt refuses the rest."""
    if domain.persistent is False:
        return f"{domain.name} is transient: there is no definition to rename"
    if domain.state.active or (domain.state is State.CRASHED and domain.id is not None):
        return f"{domain.name} is {domain.state.value}; it can be renamed while it is off"
    if domain.managed_save:
        return f"{domain.name} has a saved state; start it and shut it down, or drop that state"
    return None


def can_save(domain: Domain) -> str | None:
    """Save the memory of what runs and has a definition to come back to."""
    if domain.persistent is False:
        return f"{domain.name} is transient: nothing could be restored from a saved state"
    if domain.state is State.STOPPING:
        return f"{domain.name} is shutting down"
    return _needs_alive(domain)


def can_drop_saved(domain: Domain) -> str | None:
    """Drop a saved state where there is one."""
    if domain.managed_save is False:
        return f"{domain.name} has no saved state"
    return None


def has_console(domain: Domain) -> str | None:
    """Attach only where there is a serial console, as far as its XML is known."""
    if domain.facts is not None and not domain.facts.consoles:
        return f"{domain.name} has no serial console; c offers to add one"
    return None


def can_boot_fresh(domain: Domain) -> str | None:
    """Boot afresh only what would otherwise come back from its saved state."""
    return can_boot(domain) or can_drop_saved(domain)


def can_attach(domain: Domain) -> str | None:
    """Attach to the console of what runs; where there is none, that screen offers to add one."""
    reason = needs_active(domain)
    if reason is not None and has_console(domain) is None:
        return f"{reason}; B boots it with its console attached"
    return None


def can_boot_console(domain: Domain) -> str | None:
    """Boot with the console what is off and has one."""
    if domain.state.active:
        return f"{domain.name} is {domain.state.value} already; c opens its console"
    return can_boot(domain) or has_console(domain)


def can_log_in(domain: Domain) -> str | None:
    """Type at the console of what runs and has one."""
    return can_hear(domain) or has_console(domain)


def can_reach(row: Row) -> str | None:
    """Open ssh where an address is known; the connection to the host is not needed for it."""
    domain = row.domain
    if row.host.demo:
        return "the embedded fleet has no network; c opens a console"
    reason = needs_active(domain)
    if reason is not None:
        return f"{reason}; start it first"
    if domain.addresses:
        return None
    if domain.facts is not None and not domain.facts.macs:
        return f"{domain.name} has no network card; c opens its console"
    return f"no address of {domain.name} known yet (DHCP, guest agent); c opens its console"


def can_read(row: Row) -> str | None:
    """Read from the host; a read-only connection will do."""
    return needs_host(row)
