"""The registry is complete, says why a verb cannot be used, and what virsh would do."""

from __future__ import annotations

from math import inf
from pathlib import Path
from typing import Any

import pytest

from tests.unit.samples import domain, facts, host_status, row, store_of
from tuivm.core.action import Action
from tuivm.core.actions import ACTIONS, COPIES, POWER_MENU, copy_text
from tuivm.core.columns import BY_ID
from tuivm.core.lifecycle import LIFECYCLE
from tuivm.core.model import Address, HostState, State
from tuivm.core.rows import Pending, Row

OFF, RUNNING, PAUSED, STOPPING, CRASHED, SUSPENDED, UNKNOWN = (
    State.OFF, State.RUNNING, State.PAUSED, State.STOPPING, State.CRASHED, State.SUSPENDED,
    State.UNKNOWN,
)  # fmt: skip
ALIVE = {RUNNING, PAUSED, STOPPING, SUSPENDED}
VERBS = [action for action in ACTIONS.values() if action.verb]


def reason(action_id: str, state: State = RUNNING, **fields: Any) -> str | None:
    fields.setdefault("managed_save", False)
    return ACTIONS[action_id].applies(row(state=state, **fields))


@pytest.mark.parametrize(
    ("action_id", "states"),
    [
        ("domain.start", {OFF, CRASHED, PAUSED, SUSPENDED, UNKNOWN}),
        ("domain.start_paused", {OFF, CRASHED, UNKNOWN}),
        ("domain.shutdown", {RUNNING, STOPPING, UNKNOWN}),
        ("domain.reboot", {RUNNING, UNKNOWN}),
        ("domain.reset", ALIVE | {UNKNOWN}),
        ("domain.destroy", ALIVE | {UNKNOWN}),
        ("domain.suspend", {RUNNING, STOPPING, UNKNOWN}),
        ("domain.resume", {PAUSED, SUSPENDED, UNKNOWN}),
        ("domain.pause_toggle", ALIVE | {UNKNOWN}),
        ("domain.undefine", {OFF, CRASHED, UNKNOWN}),
        ("domain.autostart", set(State)),
        ("domain.managedsave", {RUNNING, PAUSED, SUSPENDED, UNKNOWN}),
        ("domain.managedsave_remove", set()),
        ("domain.boot_fresh", set()),
        ("domain.send_key", {RUNNING, STOPPING, UNKNOWN}),
        ("domain.inject_nmi", {RUNNING, STOPPING, UNKNOWN}),
        ("view.console", ALIVE | {UNKNOWN}),
        ("view.console_boot", {OFF, CRASHED, UNKNOWN}),
        ("view.xml", set(State)),
        ("view.details", set(State)),
    ],
)
def test_which_states_a_verb_is_for(action_id: str, states: set[State]) -> None:
    allowed = {state for state in State if reason(action_id, state, id=None) is None}
    assert allowed == states
    for state in set(State) - states:
        assert "web-01" in str(reason(action_id, state, id=None))


def test_a_crashed_domain_that_is_kept_can_be_forced_off_first() -> None:
    assert "force it off first" in str(reason("domain.start", CRASHED, id=7))
    assert reason("domain.destroy", CRASHED, id=7) is None
    assert "crashed" in str(reason("domain.suspend", CRASHED, id=7))


def test_transient_domains() -> None:
    for action_id in ("domain.undefine", "domain.autostart", "domain.managedsave"):
        assert "transient" in str(reason(action_id, persistent=False)), action_id


def test_saved_domains() -> None:
    assert reason("domain.managedsave_remove", OFF, managed_save=True) is None
    assert reason("domain.boot_fresh", OFF, managed_save=True) is None
    assert "has to be off" in str(reason("domain.boot_fresh", RUNNING, managed_save=True))


def test_a_console_needs_a_device() -> None:
    without = facts(consoles=())
    # Its screen explains what is missing and offers to add it, whether it runs or not.
    assert reason("view.console", facts=without) is None
    assert reason("view.console", OFF, facts=without) is None
    assert "no serial console" in str(reason("view.console_boot", OFF, facts=without))
    assert reason("view.console", facts=facts(consoles=("serial0",))) is None
    assert "B boots it" in str(reason("view.console", OFF))
    assert "c opens" in str(reason("view.console_boot", RUNNING))


@pytest.mark.parametrize("action", VERBS, ids=lambda action: action.id)
@pytest.mark.parametrize("state", [HostState.LOST, HostState.CONNECTING, HostState.NEEDS_AUTH])
def test_no_verb_works_on_a_host_out_of_reach(action: Action, state: HostState) -> None:
    found = row(state=OFF, managed_save=True, host=host_status(state=state))
    assert "kv1 is out of reach" in str(action.applies(found))


@pytest.mark.parametrize("action", VERBS, ids=lambda action: action.id)
def test_no_verb_works_on_a_read_only_connection(action: Action) -> None:
    for state in State:
        found = row(state=state, managed_save=True, host=host_status(readonly=True))
        assert "read-only" in str(action.applies(found))


def test_a_refusal_says_what_makes_the_connection_read_only() -> None:
    start = ACTIONS["domain.start"]
    entry = row(state=OFF, host=host_status(readonly=True, own_readonly=True))
    assert "in its entry, which the Hosts screen edits" in str(start.applies(entry))
    whole = row(state=OFF, host=host_status(readonly=True))
    assert "tuivm was started read-only" in str(start.applies(whole))


def test_reading_needs_the_host_but_no_permission() -> None:
    view = ACTIONS["view.xml"]
    assert view.applies(row(host=host_status(readonly=True))) is None
    assert "out of reach" in str(view.applies(row(host=host_status(state=HostState.LOST))))
    assert ACTIONS["view.details"].applies(row(host=host_status(state=HostState.LOST))) is None


# -- what a key means -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("action_id", "state", "fields", "meant"),
    [
        ("domain.start", OFF, {}, "domain.start"),
        ("domain.start", PAUSED, {}, "domain.resume"),
        ("domain.start", SUSPENDED, {}, "domain.resume"),
        ("domain.pause_toggle", RUNNING, {}, "domain.suspend"),
        ("domain.pause_toggle", PAUSED, {}, "domain.resume"),
        ("domain.autostart", OFF, {"autostart": True}, "domain.autostart_off"),
        ("domain.autostart", OFF, {"autostart": False}, "domain.autostart_on"),
        ("domain.autostart", OFF, {"autostart": None}, "domain.autostart_on"),
        ("domain.shutdown", RUNNING, {}, "domain.shutdown"),
    ],
)
def test_what_a_key_means_depends_on_the_domain(
    action_id: str, state: State, fields: dict[str, Any], meant: str
) -> None:
    found = row(state=state, **fields)
    action = ACTIONS[action_id].for_row(found)
    assert action.id == meant
    assert ACTIONS[meant] is action


def test_fixed_arguments_give_way_to_given_ones() -> None:
    assert ACTIONS["domain.autostart_off"].arguments({}) == {"value": "off"}
    assert ACTIONS["domain.autostart_off"].arguments({"value": "on"}) == {"value": "on"}
    assert ACTIONS["domain.boot_fresh"].arguments({"a": "b"}) == {"force-boot": "on", "a": "b"}


def test_markers_last_as_long_as_the_verb_may_take() -> None:
    marker = ACTIONS["domain.shutdown"].marker(100.0, 60.0)
    assert marker == Pending("stopping…", "domain.shutdown", 100.0, inf), "it is followed"
    assert ACTIONS["domain.start"].marker(100.0, 60.0).until == 160.0
    assert ACTIONS["domain.managedsave"].marker(0.0, 60.0).until == 900.0


def test_markers_fit_the_narrowest_state_column() -> None:
    for action in ACTIONS.values():
        assert len(action.pending) <= BY_ID["state"].min - 2, action.id


# -- the registry -----------------------------------------------------------------------------


def test_every_entry_is_complete() -> None:
    for action in ACTIONS.values():
        assert action.id == action.id.strip().lower()
        assert action.title
        assert action.title[0].isupper()
        assert action.help.endswith(".")
        assert action.group
        assert 0 <= action.level <= 3
        assert bool(action.warning) == (action.level >= 1), action.id
        assert bool(action.verb) == action.id.startswith("domain.")
        if action.verb:
            assert action.per_domain


def test_verbs_are_those_of_the_backend() -> None:
    text = Path("tuivm/backend/power.py").read_text()
    for action in VERBS:
        assert f'"{action.verb}": ' in text, action.verb


def test_nobody_loses_anything_without_a_question() -> None:
    levels = {action.id: action.level for action in LIFECYCLE}
    assert {name for name, level in levels.items() if level == 2} == {
        "domain.boot_fresh", "domain.destroy", "domain.inject_nmi", "domain.managedsave_remove",
        "domain.pivot", "domain.reset", "domain.undefine",
    }  # fmt: skip
    assert {name for name, level in levels.items() if level == 1} == {
        "domain.abort_job", "domain.cycle", "domain.enable_acpi", "domain.managedsave",
        "domain.reboot", "domain.send_key", "domain.set_lifecycle_action", "domain.shutdown",
    }  # fmt: skip


# -- the power menu and copying ---------------------------------------------------------------


def test_the_power_menu_has_every_power_verb_once_and_a_key_for_each() -> None:
    keys = [item.key for item in POWER_MENU]
    assert len(set(keys)) == len(keys)
    offered = {item.action_id for item in POWER_MENU}
    power = {action.id for action in LIFECYCLE if action.group == "Power"}
    assert power - offered == {"domain.suspend", "domain.resume"}, "the toggle stands for both"
    for item in POWER_MENU:
        assert item.action.per_domain


def test_ways_to_shut_down_that_a_driver_lacks_are_greyed() -> None:
    by_mode = {item.args.get("mode"): item for item in POWER_MENU if item.title.startswith("Shut")}
    kvm = row(facts=facts(virt_type="kvm", has_agent=True))
    assert by_mode["acpi"].applies(kvm) is None
    assert by_mode["agent"].applies(kvm) is None
    assert by_mode["initctl"].applies(kvm) == "kvm VMs know only acpi and agent"
    deaf = row(facts=facts(virt_type="kvm", has_agent=False))
    assert by_mode["agent"].applies(deaf) == "web-01 has no guest agent channel"
    assert by_mode["paravirt"].applies(row()) is None, "unknown is not refused"
    assert by_mode["paravirt"].applies(row(facts=facts(virt_type="test"))) is None
    assert by_mode["acpi"].applies(row(state=OFF)) == "web-01 is off"


def test_copying() -> None:
    found = row(
        facts=facts(macs=("52:54:00:00:00:01",)),
        addresses=(Address("fe80::1", "", "arp"), Address("10.0.0.1", "", "lease")),
    )
    copied = {what: copy_text(what, found) for _, what, _ in COPIES}
    assert copied == {
        "name": "web-01",
        "uuid": found.key.uuid,
        "ip": "10.0.0.1",
        "mac": "52:54:00:00:00:01",
        "xml": None,
        "virsh": "virsh -c qemu+ssh://kv1/system dominfo web-01",
    }
    assert copy_text("ip", row()) is None
    assert copy_text("mac", row()) is None
    assert copy_text("mac", row(addresses=(Address("10.0.0.1", "aa", "arp"),))) == "aa"


# -- virsh equivalents ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("action_id", "args", "shown"),
    [
        ("domain.start", {}, "virsh start web-01"),
        ("domain.start", {"bypass-cache": "on"}, "virsh start web-01 --bypass-cache"),
        ("domain.start_paused", {}, "virsh start web-01 --paused"),
        ("domain.boot_fresh", {}, "virsh start web-01 --force-boot"),
        ("domain.shutdown", {"mode": "acpi,agent"}, "virsh shutdown web-01 --mode acpi,agent"),
        ("domain.reboot", {}, "virsh reboot web-01"),
        ("domain.destroy", {"graceful": "on"}, "virsh destroy web-01 --graceful"),
        ("domain.autostart_on", {}, "virsh autostart web-01"),
        ("domain.autostart_off", {}, "virsh autostart web-01 --disable"),
        (
            "domain.send_key",
            {"keys": "KEY_A KEY_B", "holdtime": "50"},
            "virsh send-key web-01 --holdtime 50 KEY_A KEY_B",
        ),
        ("domain.managedsave_remove", {}, "virsh managedsave-remove web-01"),
        ("view.xml", {}, ""),
    ],
)
def test_virsh_equivalents(
    action_id: str, args: dict[str, str], shown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIBVIRT_DEFAULT_URI", "qemu+ssh://kv1/system")
    assert ACTIONS[action_id].virsh(row(state=OFF), args) == shown


def test_virsh_resumes_what_s_would_resume(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIBVIRT_DEFAULT_URI", "qemu+ssh://kv1/system")
    assert ACTIONS["domain.start"].virsh(row(state=PAUSED), {}) == "virsh resume web-01"


def test_undefine_says_what_libvirt_insists_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIBVIRT_DEFAULT_URI", "qemu+ssh://kv1/system")
    undefine = ACTIONS["domain.undefine"]
    full = row(state=OFF, managed_save=True, has_snapshots=True, has_checkpoints=True)
    assert undefine.virsh(full, {"nvram": "on", "tpm": "on"}) == (
        "virsh undefine web-01 --nvram --tpm --managed-save --snapshots-metadata "
        "--checkpoints-metadata"
    )
    assert undefine.virsh(row(state=OFF), {}) == "virsh undefine web-01 --keep-nvram"


@pytest.mark.parametrize(
    ("name", "named"),
    [
        ("web 01", "'web 01'"),
        ("it's", """'it'"'"'s'"""),
        ("$(reboot)", "'$(reboot)'"),
        ("-x", "--domain=-x"),
        ("-x y", "'--domain=-x y'"),
        ("größe", "'größe'"),
        ("42", "UUID"),
        ("6695eb01-f6a4-8304-79aa-97f2502e193f", "UUID"),
        ("x\ufffdy", "UUID"),
        ("cut…", "UUID"),
    ],
)
def test_virsh_finds_the_domain_whatever_its_name(
    name: str, named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIBVIRT_DEFAULT_URI", "qemu+ssh://kv1/system")
    found: Row = next(iter(store_of(domain(name)).rows.values()))
    wanted = named.replace("UUID", found.key.uuid)
    assert ACTIONS["domain.reset"].virsh(found, {}) == f"virsh reset {wanted}"


@pytest.mark.parametrize(
    ("uri", "default", "shown"),
    [
        ("qemu:///system", "", "virsh reset web-01"),
        ("qemu:///session", "", "virsh -c qemu:///session reset web-01"),
        ("qemu:///system", "qemu:///session", "virsh -c qemu:///system reset web-01"),
        ("qemu+unix:///s?a=b c", "", "virsh -c 'qemu+unix:///s?a=b c' reset web-01"),
        ("", "", "virsh reset web-01"),
    ],
)  # fmt: skip
def test_virsh_names_the_connection_where_it_would_open_another(
    uri: str, default: str, shown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    if default:
        monkeypatch.setenv("LIBVIRT_DEFAULT_URI", default)
    assert ACTIONS["domain.reset"].virsh(row(host=host_status(uri=uri)), {}) == shown


def test_a_users_virsh_opens_the_session(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    found = row(host=host_status(uri="qemu:///session"))
    assert ACTIONS["domain.reset"].virsh(found, {}) == "virsh reset web-01"
    demo = row(host=host_status(uri="test:///demo.xml", demo=True))
    assert ACTIONS["domain.reset"].virsh(demo, {}) == "virsh reset web-01"
