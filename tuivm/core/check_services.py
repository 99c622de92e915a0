"""Verdicts on what serves VMs on this machine: daemons, rights, listeners, networks' tools."""

from __future__ import annotations

from tuivm.core.check import Finding, Verdict
from tuivm.core.hostfacts import DaemonFact, MachineFacts
from tuivm.core.packages import install

OK, WARNING, PROBLEM, UNKNOWN = Verdict.OK, Verdict.WARNING, Verdict.PROBLEM, Verdict.UNKNOWN

MONOLITHIC, MODULAR = "libvirtd", "virtqemud"
LOOPBACK = frozenset({"127.0.0.1", "::1"})
TCP, TLS = 16509, 16514


def check_services(facts: MachineFacts, *, system: bool, session: bool) -> tuple[Finding, ...]:
    """Judge the system's services.

    ``system`` when the system's daemon on its usual socket is meant: only then is it a
    problem that it does not run. ``session`` when VMs of the user's own are.
    """
    findings = [_daemons(facts, system), _start(facts, system), *_listeners(facts)]
    findings += [_network_tools(facts, session), _bridges(facts)]
    return tuple(finding for finding in findings if finding is not None)


def _named(facts: MachineFacts, name: str) -> DaemonFact | None:
    return next((one for one in facts.daemons or () if one.name == name), None)


def _start_lines(facts: MachineFacts) -> tuple[str, ...]:
    modular = _named(facts, MODULAR)
    if facts.systemd:
        if modular is not None:
            units = "virtqemud.socket virtnetworkd.socket virtstoraged.socket"
            return (f"sudo systemctl enable --now {units}",)
        return (f"sudo systemctl enable --now {MONOLITHIC}",)
    if facts.systemd is False:
        return (
            "there is no systemd here; as root: virtlogd -d; libvirtd -d",
            "or the service of the system's own init: rc-service libvirtd start",
        )
    return ("start the service libvirtd, as this system does it",)


def _daemons(facts: MachineFacts, system: bool) -> Finding:
    def finding(verdict: Verdict, text: str, *fix: str) -> Finding:
        return Finding("daemons", "libvirt daemon", verdict, text, fix)

    if facts.daemons is None:
        return finding(UNKNOWN, "processes cannot be read")
    if not facts.daemons:
        text = "libvirt's daemon is not installed here"
        return finding(PROBLEM, text, *install(facts.packages, "libvirt"))
    running = [one for one in facts.daemons if one.running]
    names = {one.name for one in running}
    waiting = [one for one in facts.daemons if one.by_socket and not one.running]
    if MONOLITHIC in names and MODULAR in names:
        return finding(
            WARNING,
            "libvirtd and virtqemud both run: each believes that VMs are its own",
            "keep one: sudo systemctl disable --now libvirtd.service libvirtd.socket",
        )
    if MODULAR in names:
        return finding(OK, f"modular: {', '.join(one.name for one in running)} run")
    if MONOLITHIC in names:
        others = ", ".join(sorted(names - {MONOLITHIC}))
        return finding(OK, f"monolithic: libvirtd runs{f', with {others}' if others else ''}")
    for one in waiting:
        if one.name in (MONOLITHIC, MODULAR):
            return finding(OK, f"{one.name} is started by its socket when it is needed")
    if any(one.running is None for one in facts.daemons):
        return finding(UNKNOWN, "whether it runs is not visible to this user")
    if not system:
        return finding(OK, "the system's own does not run; this connection does not need it")
    return finding(PROBLEM, "installed, but it does not run", *_start_lines(facts))


def _start(facts: MachineFacts, system: bool) -> Finding | None:
    """Whether it comes back after a reboot."""
    main = [one for one in facts.daemons or () if one.name in (MONOLITHIC, MODULAR)]
    if not main or not system:
        return None
    title = "At boot"
    if not facts.systemd:
        return Finding(
            "daemons-boot",
            title,
            UNKNOWN,
            "there is no systemd here: whether the daemon starts with the machine is not visible",
        )
    if any(one.at_boot for one in main):
        names = ", ".join(one.name for one in main if one.at_boot)
        return Finding("daemons-boot", title, OK, f"{names} starts with the machine")
    if all(one.at_boot is None for one in main):
        return Finding("daemons-boot", title, UNKNOWN, "systemd does not say")
    return Finding(
        "daemons-boot",
        title,
        WARNING,
        "the daemon does not start with the machine, nor do its VMs",
        _start_lines(facts),
    )


def _close_tcp(facts: MachineFacts) -> str:
    if not facts.systemd:
        return "listen_tcp = 0 in /etc/libvirt/libvirtd.conf, then start the daemon again"
    names = {one.name for one in facts.daemons or () if one.running}
    daemon = "virtproxyd" if MONOLITHIC not in names and "virtproxyd" in names else MONOLITHIC
    return f"sudo systemctl disable --now {daemon}-tcp.socket"


def _listeners(facts: MachineFacts) -> list[Finding]:
    if facts.ports is None:
        return [Finding("listeners", "TCP and TLS", UNKNOWN, "listeners cannot be read")]
    plain = {address for address, port in facts.ports if port == TCP}
    secure = {address for address, port in facts.ports if port == TLS}
    findings = []
    if plain - LOOPBACK:
        findings.append(
            Finding(
                "listen-tcp",
                "TCP 16509",
                WARNING,
                "open to the network: unencrypted, and whoever gets in is root",
                (f"use qemu+ssh or TLS, and close it: {_close_tcp(facts)}",),
            )
        )
    elif plain:
        findings.append(Finding("listen-tcp", "TCP 16509", OK, "for this machine alone"))
    text = "open: qemu+tls reaches this machine" if secure else ""
    if secure:
        findings.append(Finding("listen-tls", "TLS 16514", OK, text))
    if not findings:
        findings.append(
            Finding("listeners", "TCP and TLS", OK, "closed; qemu+ssh needs neither of them")
        )
    return findings


def _network_tools(facts: MachineFacts, session: bool) -> Finding:
    """Dnsmasq and a firewall: NAT networks cannot start without them."""
    missing = [] if "dnsmasq" in facts.programs else ["dnsmasq"]
    wanted = facts.firewall or "iptables"
    tools = {"nftables": "nft", "iptables": "iptables"}
    have = [name for name, tool in tools.items() if tool in facts.programs]
    if (facts.firewall and wanted not in have) or not have:
        missing.append(wanted if wanted in tools else "iptables")
    if missing:
        return Finding(
            "network-tools",
            "Network tools",
            OK if session else WARNING,
            f"no {' and no '.join(missing)}: virtual networks with NAT cannot start",
            install(facts.packages, *missing),
        )
    firewall = facts.firewall or " or ".join(have)
    daemon = ", firewalld runs" if "firewalld-running" in facts.programs else ""
    return Finding("network-tools", "Network tools", OK, f"dnsmasq; firewall: {firewall}{daemon}")


def _bridges(facts: MachineFacts) -> Finding:
    if facts.bridges is None:
        return Finding("bridges", "Bridges", UNKNOWN, "/sys/class/net cannot be read")
    if not facts.bridges:
        return Finding("bridges", "Bridges", OK, "none; virtual networks bring their own")
    text = ", ".join(f"{one.name} ({'up' if one.up else 'no carrier'})" for one in facts.bridges)
    return Finding("bridges", "Bridges", OK, text)
