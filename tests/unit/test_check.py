"""Verdicts of the host check: each is given facts, as they are found on real machines."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from tuivm.core.check import (
    Finding,
    Part,
    Verdict,
    as_json,
    as_text,
    has_problem,
    summary,
    urgent_first,
)
from tuivm.core.check_connection import check_connection, check_polkit
from tuivm.core.check_machine import check_machine
from tuivm.core.check_services import check_services
from tuivm.core.errors import TuivmError
from tuivm.core.hostfacts import (
    BridgeFact,
    ConnectionFacts,
    DaemonFact,
    DeviceFact,
    EmulatorFact,
    MachineFacts,
    NetworkFact,
    PoolFact,
    SocketFact,
    ValidateLine,
)

OK, WARNING, PROBLEM, UNKNOWN = Verdict.OK, Verdict.WARNING, Verdict.PROBLEM, Verdict.UNKNOWN
GIB = 1 << 30

HEALTHY = MachineFacts(
    user="ann",
    groups=frozenset({"ann", "libvirt"}),
    listed_groups=frozenset({"ann", "libvirt"}),
    arch="x86_64",
    kernel="6.1.0",
    cpu_flags=frozenset({"vmx", "lm"}),
    modules=frozenset({"kvm", "kvm_intel"}),
    kvm=DeviceFact(True, True, "kvm", 0o660),
    nested=True,
    iommu_groups=12,
    cgroups=2,
    controllers=frozenset({"cpu", "memory", "io"}),
    systemd=True,
    daemons=(DaemonFact("libvirtd", True, True, True), DaemonFact("virtlogd", True)),
    ports=frozenset(),
    polkit=True,
    programs=frozenset({"qemu-img", "qemu-system-x86_64", "dnsmasq", "nft", "iptables"}),
    bridges=(BridgeFact("virbr0", True),),
    images=("/var/lib/libvirt/images", 100 * GIB, 200 * GIB),
    clock_synced=True,
    validate=(ValidateLine("device /dev/kvm exists", "PASS"),),
    packages="apt",
)
SOCKET = SocketFact("/run/libvirt/libvirt-sock", "read-write", True, True, True, "libvirt", 0o770)
REACHED = ConnectionFacts(
    "qemu:///system",
    local=True,
    session=False,
    sockets=(SOCKET,),
    driver="QEMU",
    hypervisor="QEMU 7.2.0",
    libvirt="9.0.0",
    seconds=0.01,
    arch="x86_64",
    emulators=(EmulatorFact("x86_64", "/usr/bin/qemu-system-x86_64", ("qemu", "kvm")),),
    free_memory=8 * GIB,
    networks=(NetworkFact("default", True, True, "virbr0"),),
    pools=(PoolFact("default", True, True, 200 * GIB, 100 * GIB),),
)
REFUSED = TuivmError("Cannot connect", "you may not use it", hint="join the group")


def machine(*, session: bool = False, **changes: object) -> dict[str, Finding]:
    facts = replace(HEALTHY, **changes)  # type: ignore[arg-type]
    return {finding.id: finding for finding in check_machine(facts, session=session)}


def services(
    *, system: bool = True, session: bool = False, **changes: object
) -> dict[str, Finding]:
    facts = replace(HEALTHY, **changes)  # type: ignore[arg-type]
    findings = check_services(facts, system=system, session=session)
    return {finding.id: finding for finding in findings}


def connection(who: MachineFacts = HEALTHY, **changes: object) -> dict[str, Finding]:
    facts = replace(REACHED, **changes)  # type: ignore[arg-type]
    return {finding.id: finding for finding in check_connection(facts, who)}


def test_a_healthy_host_raises_no_alarm() -> None:
    found = {**machine(), **services(), **connection()}
    assert {f.id: f.text for f in found.values() if f.verdict is not OK} == {}
    assert check_polkit(HEALTHY, REACHED) is None


def test_nothing_known_is_said_to_be_unknown_and_never_a_problem() -> None:
    blank = MachineFacts()
    findings = [
        *check_machine(blank, session=False),
        *check_services(replace(blank, programs=HEALTHY.programs), system=True, session=False),
    ]
    assert {f.id for f in findings if f.verdict is PROBLEM} == {"qemu"}, "no program was found"
    unknown = {f.id for f in findings if f.verdict is UNKNOWN}
    assert {"cpu", "kvm-module", "kvm-device", "cgroups", "clock", "daemons"} <= unknown
    assert {"listeners", "bridges"} <= unknown


@pytest.mark.parametrize(
    ("flags", "verdict", "word"),
    [
        ({"svm"}, OK, "AMD-V"),
        ({"vmx", "hypervisor"}, OK, "VT-x"),
        ({"hypervisor"}, WARNING, "nested=1"),
        (set(), WARNING, "firmware"),
    ],
)
def test_the_processor(flags: set[str], verdict: Verdict, word: str) -> None:
    found = machine(cpu_flags=frozenset(flags), kvm=DeviceFact(False))["cpu"]
    assert found.verdict is verdict
    assert word in found.text + " ".join(found.fix)


def test_no_flag_but_a_device_that_opens_is_fine() -> None:
    found = machine(cpu_flags=frozenset({"hypervisor"}), modules=frozenset({"kvm"}))
    assert found["cpu"].verdict is OK
    assert found["kvm-module"].verdict is OK


def test_no_flag_and_a_device_that_is_not_ours_is_unknown() -> None:
    closed = DeviceFact(True, False, "root", 0o600, "permission denied")
    assert machine(cpu_flags=frozenset({"hypervisor"}), kvm=closed)["cpu"].verdict is UNKNOWN


def test_an_unloaded_module_is_loaded_by_the_fix() -> None:
    found = machine(cpu_flags=frozenset({"svm"}), modules=frozenset({"kvm"}), kvm=DeviceFact(False))
    assert found["kvm-module"].verdict is PROBLEM
    assert found["kvm-module"].fix[0] == "sudo modprobe kvm_amd"
    assert found["kvm-device"].verdict is PROBLEM


def test_who_may_not_use_the_device_joins_its_group() -> None:
    closed = DeviceFact(True, False, "kvm", 0o660, "permission denied")
    for_session = machine(session=True, kvm=closed)["kvm-device"]
    assert for_session.verdict is WARNING
    assert for_session.fix == ("sudo usermod -aG kvm ann, then log in again",)
    assert machine(kvm=closed)["kvm-device"].verdict is OK, "the system's daemon uses it"


def test_a_device_that_qemu_itself_may_not_use_is_warned_of_though_root_may() -> None:
    opens = DeviceFact(True, True, "root", 0o600)
    found = machine(kvm=opens, qemu_user="libvirt-qemu", qemu_kvm=False)["kvm-device"]
    assert found.verdict is WARNING
    assert "runs as libvirt-qemu, who may not use it (group root, mode 0600)" in found.text
    assert found.fix[0].startswith("sudo chown root:kvm /dev/kvm")
    assert machine(kvm=opens, qemu_user="root", qemu_kvm=True)["kvm-device"].verdict is OK
    grouped = DeviceFact(True, True, "kvm", 0o660)
    outside = machine(kvm=grouped, qemu_user="qemu", qemu_kvm=False)["kvm-device"]
    assert outside.fix[0] == "sudo usermod -aG kvm qemu"


def test_a_daemon_that_offers_kvm_is_believed() -> None:
    facts = replace(HEALTHY, kvm=DeviceFact(True, True, "root", 0o600))
    found = {one.id: one for one in check_machine(facts, session=False, offered=True)}
    assert found["kvm-device"].verdict is OK


def test_roots_own_device_is_no_use_to_others_and_not_said_to_be() -> None:
    closed = DeviceFact(True, False, "root", 0o600, "permission denied")
    found = machine(kvm=closed)["kvm-device"]
    assert found.verdict is WARNING
    assert "QEMU of qemu:///system is not root" in found.text
    own = machine(session=True, kvm=closed)["kvm-device"]
    assert own.verdict is WARNING
    assert "usermod -aG kvm ann" in own.fix[0]


def test_another_module_than_intels_and_amds_counts_too() -> None:
    found = machine(cpu_flags=frozenset({"hypervisor"}), modules=frozenset({"kvm", "kvm_pvm"}))
    assert "with kvm, kvm_pvm" in found["kvm-module"].text
    closed = DeviceFact(True, False, "kvm", 0o660, "permission denied")
    found = machine(cpu_flags=frozenset(), modules=frozenset({"kvm"}), kvm=closed)
    assert "no use" not in found["kvm-module"].text, "whoever may open it knows"


def test_a_device_that_opens_and_makes_no_vm_does_not_work() -> None:
    broken = DeviceFact(True, False, "kvm", 0o660, "it makes no VM (device or resource busy)")
    found = machine(kvm=broken)["kvm-device"]
    assert found.verdict is WARNING
    assert "device or resource busy" in found.text
    assert "dmesg" in found.fix[0]


def test_a_group_that_is_newer_than_the_login_asks_to_log_in_again() -> None:
    closed = DeviceFact(True, False, "kvm", 0o660, "permission denied")
    found = machine(session=True, kvm=closed, listed_groups=frozenset({"ann", "kvm"}))
    assert "log in again" in found["kvm-device"].fix[0]
    assert "usermod" not in found["kvm-device"].fix[0]


@pytest.mark.parametrize(
    ("packages", "command"),
    [
        ("apt", "sudo apt install qemu-system-x86"),
        ("dnf", "sudo dnf install qemu-kvm"),
        ("", "install qemu"),
    ],
)
def test_a_missing_qemu_is_named_with_its_package(packages: str, command: str) -> None:
    found = machine(programs=frozenset({"dnsmasq"}), packages=packages)["qemu"]
    assert found.verdict is PROBLEM
    assert found.fix == (command,)


def test_a_full_disk_and_a_clock_of_its_own_are_warned_of() -> None:
    found = machine(images=("/var", GIB, 200 * GIB), clock_synced=False, systemd=False)
    assert found["images"].verdict is WARNING
    assert found["clock"].verdict is WARNING
    assert "timedatectl" not in " ".join(found["clock"].fix), "there is no systemd"


def test_what_virt_host_validate_says_counts_where_nothing_else_judges_it() -> None:
    lines = (
        ValidateLine("hardware virtualization", "FAIL", "Only emulated CPUs"),
        ValidateLine("secure guest support", "WARN"),
    )
    found = machine(validate=lines)["validate"]
    assert found.verdict is OK
    assert "failed: hardware virtualization" in found.text
    more = (*lines, ValidateLine("device /dev/net/tun exists", "FAIL", "Load the 'tun' module"))
    found = machine(validate=more)["validate"]
    assert found.verdict is WARNING
    assert found.fix == ("device /dev/net/tun exists: Load the 'tun' module",)


@pytest.mark.parametrize(
    ("daemons", "verdict", "word"),
    [
        ((), PROBLEM, "apt install libvirt-daemon-system"),
        ((DaemonFact("libvirtd", False),), PROBLEM, "systemctl enable --now libvirtd"),
        ((DaemonFact("virtqemud", False),), PROBLEM, "virtqemud.socket"),
        ((DaemonFact("virtqemud", False, True, True),), OK, "started by its socket"),
        ((DaemonFact("virtqemud", True), DaemonFact("virtnetworkd", True)), OK, "modular"),
        ((DaemonFact("libvirtd", True), DaemonFact("virtqemud", True)), WARNING, "keep one"),
        ((DaemonFact("libvirtd", None),), UNKNOWN, "not visible"),
    ],
)
def test_the_daemons(daemons: tuple[DaemonFact, ...], verdict: Verdict, word: str) -> None:
    found = services(daemons=daemons)["daemons"]
    assert found.verdict is verdict
    assert word in found.text + " ".join(found.fix)


def test_what_another_host_needs_is_said_where_there_is_no_systemd_here() -> None:
    hint = "start it there: ssh kv1 sudo systemctl start libvirtd"
    error = TuivmError("Cannot connect", "no libvirt daemon runs on kv1", hint=hint)
    found = connection(replace(HEALTHY, systemd=False), local=False, error=error, sockets=())
    assert hint in found["connection"].fix


def test_without_systemd_no_command_of_it_is_offered() -> None:
    found = services(daemons=(DaemonFact("libvirtd", False),), systemd=False)
    assert "systemctl" not in " ".join(found["daemons"].fix)
    assert found["daemons-boot"].verdict is UNKNOWN
    assert "no systemd" in found["daemons-boot"].text


def test_a_daemon_that_this_connection_does_not_need_is_no_problem() -> None:
    found = services(system=False, daemons=(DaemonFact("libvirtd", False),))
    assert found["daemons"].verdict is OK
    assert "daemons-boot" not in found


def test_a_daemon_that_does_not_start_with_the_machine_is_warned_of() -> None:
    found = services(daemons=(DaemonFact("libvirtd", True, False, False),))
    assert found["daemons-boot"].verdict is WARNING


def test_who_listens_in_plain_is_who_is_told_to_stop() -> None:
    wide = frozenset({("*", 16509)})
    proxy = (DaemonFact("virtqemud", True), DaemonFact("virtproxyd", True))
    assert "virtproxyd-tcp.socket" in services(ports=wide, daemons=proxy)["listen-tcp"].fix[0]
    fix = services(ports=wide, systemd=False)["listen-tcp"].fix[0]
    assert "systemctl" not in fix
    assert "listen_tcp = 0" in fix


def test_plain_tcp_to_the_network_is_warned_of() -> None:
    found = services(ports=frozenset({("*", 16509), ("*", 16514)}))
    assert found["listen-tcp"].verdict is WARNING
    assert found["listen-tls"].verdict is OK
    assert services(ports=frozenset({("127.0.0.1", 16509)}))["listen-tcp"].verdict is OK


def test_networks_need_dnsmasq_and_the_firewall_that_is_configured() -> None:
    programs = HEALTHY.programs - {"dnsmasq", "nft"}
    found = services(programs=programs, firewall="nftables")["network-tools"]
    assert found.verdict is WARNING
    assert found.fix == ("sudo apt install dnsmasq-base nftables",)
    assert services(programs=programs, session=True)["network-tools"].verdict is OK


def test_a_connection_that_fails_says_why_and_what_is_not_seen() -> None:
    closed = SOCKET._replace(permitted=False, listening=None)
    who = replace(HEALTHY, groups=frozenset({"ann"}), listed_groups=frozenset({"ann"}))
    found = connection(who, error=REFUSED, sockets=(closed,))
    assert found["connection"].verdict is PROBLEM
    assert "tuivm -c qemu:///session" in found["connection"].fix[-1]
    assert found["socket-rw"].fix == ("sudo usermod -aG libvirt ann, then log in again",)
    assert found["host"].verdict is UNKNOWN
    late = replace(who, listed_groups=frozenset({"ann", "libvirt"}))
    assert (
        "since this login" in connection(late, error=REFUSED, sockets=(closed,))["socket-rw"].fix[0]
    )


def test_a_stale_socket_is_told_from_a_missing_and_from_a_closed_one() -> None:
    stale = connection(error=REFUSED, sockets=(SOCKET._replace(listening=False),))["socket-rw"]
    assert "left it behind" in stale.text
    missing = SocketFact("/run/libvirt/libvirt-sock", "read-write", False)
    assert connection(error=REFUSED, sockets=(missing,))["socket-rw"].verdict is PROBLEM
    assert connection(sockets=(missing,))["socket-rw"].verdict is OK, "started on demand"
    hidden = SocketFact("/closed/libvirt-sock", "read-write", True)
    assert "folder" in connection(error=REFUSED, sockets=(hidden,))["socket-rw"].text


def test_a_socket_for_all_leaves_it_to_polkit_which_nobody_answers_over_ssh() -> None:
    everybody = SOCKET._replace(mode=0o777)
    who = replace(HEALTHY, groups=frozenset({"ann"}), listed_groups=frozenset({"ann"}))
    shut = replace(REACHED, sockets=(everybody,), error=REFUSED)
    found = check_polkit(who, shut)
    assert found is not None
    assert found.verdict is WARNING
    assert found.fix == ("sudo usermod -aG libvirt ann, then log in again",)
    member = check_polkit(HEALTHY, shut)
    assert member is not None
    assert member.verdict is OK
    assert check_polkit(replace(who, root=True), shut) is None


def test_polkit_is_blamed_neither_where_it_lets_in_nor_where_there_is_none() -> None:
    everybody = SOCKET._replace(mode=0o777)
    who = replace(HEALTHY, groups=frozenset({"ann"}), listed_groups=frozenset({"ann"}))
    opened = check_polkit(who, replace(REACHED, sockets=(everybody,)))
    assert opened is not None
    assert opened.verdict is OK
    shut = replace(REACHED, sockets=(everybody,), error=REFUSED)
    assert check_polkit(replace(who, polkit=False), shut) is None
    assert check_polkit(who, replace(shut, session=True)) is None


def test_another_machine_is_not_guessed_at() -> None:
    found = connection(uri="qemu+ssh://kv1/system", local=False, sockets=())
    assert found["remote"].verdict is UNKNOWN
    assert "not visible from here" in found["remote"].text


def test_emulation_without_kvm_is_warned_of() -> None:
    slow = EmulatorFact("x86_64", "/usr/bin/qemu-system-x86_64", ("qemu",))
    assert connection(emulators=(slow,))["emulators"].verdict is WARNING
    assert connection(emulators=())["emulators"].verdict is PROBLEM
    other = EmulatorFact("aarch64", "/usr/bin/qemu-system-aarch64", ("qemu",))
    assert "x86_64" in connection(emulators=(other,))["emulators"].text


def test_the_default_network_inactive_missing_or_not_started_at_boot() -> None:
    inactive = connection(networks=(NetworkFact("default", False, False),))["network-default"]
    assert inactive.verdict is WARNING
    assert any(line.endswith("net-start default") for line in inactive.fix)
    assert connection(networks=())["network-default"].verdict is WARNING
    assert connection(networks=(NetworkFact("br", True, True),))["network-default"].verdict is OK
    late = connection(networks=(NetworkFact("default", True, False),))["network-default"]
    assert "does not start with the host" in late.text
    assert "network-default" not in connection(session=True, networks=())


def test_names_are_quoted_for_the_shell() -> None:
    found = connection(pools=(PoolFact("a b;rm", False, True),))
    assert found["pool-a b;rm"].fix[0].endswith("pool-start 'a b;rm'")


def test_pools_that_are_full_or_should_run() -> None:
    found = connection(
        pools=(PoolFact("p", True, True, 200 * GIB, GIB), PoolFact("q", False, False))
    )
    assert found["pool-p"].verdict is WARNING
    assert found["pool-q"].verdict is OK


def test_the_report() -> None:
    findings = (
        Finding("a", "Alpha", OK, "fine", ("never shown",)),
        Finding("b", "Beta", PROBLEM, "a long sentence that has to be wrapped", ("sudo x --y",)),
    )
    parts = (Part("This machine", findings),)
    text = as_text(parts, 42)
    assert "never shown" not in text
    assert "-> sudo x --y" in text
    assert max(map(len, text.splitlines())) <= 42
    assert text.endswith("1 problem, 1 ok")
    assert has_problem(parts)
    assert not has_problem((Part("x", findings[:1]),))
    assert urgent_first(findings)[0].id == "b"
    told = json.loads(as_json(parts))
    assert told["ok"] is False
    assert told["checks"][1]["found"].startswith("a long sentence")
    assert json.loads(as_json(())) == {"ok": True, "checks": []}
    assert summary(()) == "nothing was checked"
