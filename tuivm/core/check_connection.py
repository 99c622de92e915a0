"""Verdicts on a connection: can it be opened, and can its host run VMs."""

from __future__ import annotations

import shlex
from collections.abc import Iterable

from tuivm.core.check import Finding, Verdict
from tuivm.core.check_machine import space
from tuivm.core.hostfacts import ConnectionFacts, MachineFacts, SocketFact
from tuivm.core.text import bytes_text
from tuivm.core.virsh import default_uri

OK, WARNING, PROBLEM, UNKNOWN = Verdict.OK, Verdict.WARNING, Verdict.PROBLEM, Verdict.UNKNOWN

LOW_MEMORY = 256 << 20
SLOW = 1.0
"""Seconds beyond which connecting is slow."""
_KIN = ("x86_64", "i686")


def check_connection(facts: ConnectionFacts, machine: MachineFacts) -> tuple[Finding, ...]:
    """Judge a connection; ``machine`` says who asks, and from where."""
    sockets = _sockets(facts, machine)
    if facts.error is not None:
        rest = Finding(
            "host",
            "The rest",
            UNKNOWN,
            "emulators, networks and storage are not visible without a connection",
        )
        return (_failed(facts, machine), *sockets, rest)
    findings = [_reached(facts), *sockets, _not_here(facts)]
    findings += [_emulators(facts), _memory(facts), *_networks(facts), *_pools(facts)]
    findings += [Finding("unread", "Not read", UNKNOWN, reason) for reason in facts.unread]
    return tuple(finding for finding in findings if finding is not None)


def _failed(facts: ConnectionFacts, machine: MachineFacts) -> Finding:
    error = facts.error
    assert error is not None
    fixes = [error.hint] if error.hint else []
    if (
        not facts.session
        and facts.local
        and not machine.root
        and not any("qemu:///session" in fix for fix in fixes)
    ):
        fixes.append("VMs of your own need none of that: tuivm -c qemu:///session")
    return Finding("connection", "Connection", PROBLEM, error.message or error.title, tuple(fixes))


def _reached(facts: ConnectionFacts) -> Finding:
    what = ", ".join(
        word
        for word in (facts.hypervisor, f"libvirt {facts.libvirt}" * bool(facts.libvirt))
        if word
    )
    took = "" if facts.seconds is None else f" in {facts.seconds * 1000:.0f} ms"
    if facts.seconds is not None and facts.seconds > SLOW:
        return Finding(
            "connection",
            "Connection",
            OK,
            f"opens{took}: {what}; slow, but it works",
        )
    return Finding("connection", "Connection", OK, f"opens{took}: {what}")


def _not_here(facts: ConnectionFacts) -> Finding | None:
    if facts.local:
        return None
    return Finding(
        "remote",
        "Its machine",
        UNKNOWN,
        "processor, /dev/kvm, daemons, listeners and clock of that host are not visible from here",
        ("run tuivm check there: ssh HOST tuivm check",),
    )


def _sockets(facts: ConnectionFacts, machine: MachineFacts) -> Iterable[Finding]:
    found = [one for one in facts.sockets if one.exists]
    for one in found:
        yield _socket(one, machine, facts)
    if facts.sockets and not any(one.kind == "read-write" for one in found):
        where = ", ".join(one.path for one in facts.sockets if one.kind == "read-write")
        if facts.error is None:
            text = f"none at {where} before: the daemon is started on demand"
            yield Finding("socket-rw", "Socket", OK, text)
        else:
            yield Finding("socket-rw", "Socket", PROBLEM, f"there is none at {where}")


_TITLES = {
    "read-write": ("socket-rw", "Socket"),
    "read-only": ("socket-ro", "Read-only socket"),
    "admin": ("socket-admin", "Admin socket"),
}


def _socket(fact: SocketFact, machine: MachineFacts, facts: ConnectionFacts) -> Finding:
    name, title = _TITLES[fact.kind]
    if not fact.mode:
        verdict = PROBLEM if fact.kind == "read-write" else UNKNOWN
        text = f"the folder of {fact.path} is closed to {machine.user or 'you'}"
        return Finding(name, title, verdict, text, ("use sudo, or another connection",))
    rights = f"{fact.path} (group {fact.group or '?'}, mode {fact.mode:04o})"
    if fact.listening is False:
        return Finding(
            name,
            title,
            PROBLEM if facts.error is not None else WARNING,
            f"nobody listens at {rights}: the daemon ended and left it behind",
            ("start the daemon again; it replaces the socket",),
        )
    if fact.permitted:
        return Finding(name, title, OK, f"{machine.user or 'you'} may use {rights}")
    text = f"{machine.user or 'you'} may not use {rights}"
    if fact.kind != "read-write":
        return Finding(name, title, OK, f"{text}; not needed for running VMs")
    if fact.group in machine.listed_groups - machine.groups:
        fix = f"{machine.user} is in the group {fact.group} since this login: log in again"
    elif fact.group and fact.group != "root" and fact.mode & 0o060 == 0o060:
        fix = f"sudo usermod -aG {fact.group} {machine.user or '$USER'}, then log in again"
    else:
        fix = "use sudo: it is root's alone"
    return Finding(name, title, PROBLEM, text, (fix,))


def check_polkit(facts: MachineFacts, connection: ConnectionFacts) -> Finding | None:
    """Judge whether the user may manage the system's VMs, without a dialog on a desktop."""
    main = next((s for s in connection.sockets if s.kind == "read-write" and s.exists), None)
    if facts.root or main is None or connection.session:
        return None
    if main.permitted and main.mode & 0o002:
        if connection.error is None:
            return Finding("polkit", "polkit", OK, f"lets {facts.user or 'you'} manage its VMs")
        if facts.polkit is False:
            # No group helps where nobody answers the daemon; why the connection failed says so.
            return None
        if "libvirt" in facts.groups:
            return Finding("polkit", "polkit", OK, f"{facts.user} is in the group libvirt")
        late = "libvirt" in facts.listed_groups
        return Finding(
            "polkit",
            "polkit",
            WARNING,
            "everybody may open the socket and polkit decides: over ssh nobody can answer it",
            (
                "log in again: the group libvirt is newer than this login"
                if late
                else f"sudo usermod -aG libvirt {facts.user or '$USER'}, then log in again",
            ),
        )
    return None


def _emulators(facts: ConnectionFacts) -> Finding | None:
    if facts.emulators is None or facts.driver not in ("QEMU", ""):
        return None
    if not facts.emulators:
        return Finding(
            "emulators",
            "Emulators",
            PROBLEM,
            "the host knows no QEMU: no VM can run",
            ("install QEMU on that host, then restart its libvirt daemon",),
        )
    archs = {one.arch: one for one in facts.emulators}
    shown = ", ".join(f"{one.arch} ({', '.join(one.types)})" for one in facts.emulators[:4])
    more = f" and {len(archs) - 4} more" if len(archs) > 4 else ""
    own = archs.get(facts.arch)
    if facts.arch and own is None:
        return Finding(
            "emulators",
            "Emulators",
            WARNING,
            f"{shown}{more}: none for the host's own {facts.arch}, the others are slow",
            (f"install QEMU for {facts.arch} on that host",),
        )
    if own is not None and "kvm" not in own.types:
        return Finding(
            "emulators",
            "Emulators",
            WARNING,
            f"{shown}{more}: no KVM, VMs run by slow emulation (TCG)",
            ("see CPU and /dev/kvm above; then restart the libvirt daemon, which remembers",),
        )
    return Finding("emulators", "Emulators", OK, shown + more)


def _memory(facts: ConnectionFacts) -> Finding | None:
    if facts.free_memory is None or facts.driver != "QEMU":
        return None
    text = f"{bytes_text(facts.free_memory)} free"
    if facts.free_memory < LOW_MEMORY:
        return Finding(
            "memory", "Memory", WARNING, f"{text}: hardly a VM can start", ("shut VMs down",)
        )
    return Finding("memory", "Memory", OK, text)


def _virsh(facts: ConnectionFacts, *words: str) -> str:
    """The virsh command on this connection, fit for a shell."""
    where = [] if facts.uri == default_uri() else ["-c", facts.uri]
    return shlex.join(["virsh", *where, *words])


def _networks(facts: ConnectionFacts) -> Iterable[Finding]:
    if facts.networks is None or facts.session:
        return
    default = next((one for one in facts.networks if one.name == "default"), None)
    if default is None:
        verdict = OK if facts.networks else WARNING
        yield Finding(
            "network-default",
            "Network default",
            verdict,
            "it does not exist; VMs made by most tools want it",
            (
                _virsh(facts, "net-define", "/usr/share/libvirt/networks/default.xml"),
                _virsh(facts, "net-autostart", "default"),
                _virsh(facts, "net-start", "default"),
            ),
        )
    elif not default.active:
        yield Finding(
            "network-default",
            "Network default",
            WARNING,
            "it is not active: VMs on it cannot start",
            (_virsh(facts, "net-start", "default"), _virsh(facts, "net-autostart", "default")),
        )
    elif not default.autostart:
        yield Finding(
            "network-default",
            "Network default",
            WARNING,
            f"active on {default.bridge or 'its bridge'}, but it does not start with the host",
            (_virsh(facts, "net-autostart", "default"),),
        )
    else:
        bridge = f" on {default.bridge}" if default.bridge else ""
        yield Finding("network-default", "Network default", OK, f"active{bridge}, with its host")
    for one in facts.networks:
        if one.name != "default" and one.autostart and not one.active:
            yield Finding(
                f"network-{one.name}",
                f"Network {one.name}",
                WARNING,
                "it should run (autostart) but is not active",
                (_virsh(facts, "net-start", one.name),),
            )


def _pools(facts: ConnectionFacts) -> Iterable[Finding]:
    if facts.pools is None:
        return
    for one in facts.pools:
        title = f"Pool {one.name}"
        if not one.active:
            verdict = WARNING if one.autostart else OK
            fix = (_virsh(facts, "pool-start", one.name),)
            yield Finding(f"pool-{one.name}", title, verdict, "it is not active", fix)
        elif one.capacity and one.available is not None:
            yield space(f"pool-{one.name}", title, one.name, one.available, one.capacity)
    if not facts.pools:
        yield Finding(
            "pools", "Storage pools", OK, "none yet; disks can be anywhere that QEMU may read"
        )
