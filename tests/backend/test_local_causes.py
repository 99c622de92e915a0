"""This machine's own libvirt, in every state: it is reached, or the right cause comes first."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.backend.system_inside import GROUP
from tests.lab.needs import obstacle
from tests.lab.paths import ROOT
from tuivm.backend import errors
from tuivm.backend.login_facts import group_name

Outcomes = Mapping[str, Mapping[str, Any]]


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> Outcomes:
    """What attempts to connect came to, by case: see ``system_inside``."""
    reason = obstacle()
    if reason:
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("system")
    done = subprocess.run(
        [
            *("unshare", "-m", "-n", "-p", "-f", "--mount-proc", "--kill-child=KILL"),
            *(sys.executable, "-m", "tests.backend.system_inside", str(folder)),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=110,
    )
    assert done.returncode == 0, done.stderr
    found: Outcomes = json.loads(done.stdout)
    return found


@pytest.mark.parametrize(
    ("case", "driver"),
    [
        ("system", "QEMU"),
        ("list", "TEST"),
        ("readonly", "QEMU"),
        ("readonly by its own socket", "QEMU"),
        ("modular", "QEMU"),
        ("modular readonly", "QEMU"),
        ("own", "QEMU"),
        ("own modular", "QEMU"),
    ],
)
def test_a_healthy_daemon_is_reached(outcomes: Outcomes, case: str, driver: str) -> None:
    found = outcomes[case]
    assert found.get("driver") == driver, found
    assert found["names"] == (["test"] if driver == "TEST" else [])


THEIRS = group_name(GROUP)
JOIN = f"join the group (sudo usermod -aG {THEIRS} nobody)"
OWN = "qemu:///session for VMs of your own"


@pytest.mark.parametrize(
    ("case", "cause", "cures"),
    [
        (
            "missing",
            "libvirtd does not run: it is installed, but there is no socket",
            ("virtlogd -d; libvirtd -d",),
        ),
        ("missing, systemd", "libvirtd does not run", ("systemctl start libvirtd",)),
        (
            "own missing",
            "your own session daemon does not run",
            ("libvirtd -d", "unset LIBVIRT_AUTOSTART"),
        ),
        ("not installed", "libvirt's daemon is not installed", ("install",)),
        ("stale", "nobody answers at", ("start it again: libvirtd -d",)),
        ("stale, systemd", "left its socket behind", ("systemctl restart libvirtd",)),
        ("group", f"as nobody (group {THEIRS}, mode 0770)", (JOIN, OWN)),
        ("root alone", "as nobody (group root, mode 0600)", ("sudo", OWN)),
        ("folder", "you may not enter /run/libvirt", (OWN,)),
        (
            "monolithic wanted",
            "asks for the monolithic libvirtd (/run/libvirt/libvirt-sock), "
            "but the modular virtqemud runs here",
            ("mode=direct",),
        ),
        (
            "monolithic named",
            "the modular virtqemud runs here",
            ("socket=/run/libvirt/virtqemud-sock",),
        ),
        (
            "modular wanted",
            "asks for the modular virtqemud (/run/libvirt/virtqemud-sock), "
            "but the monolithic libvirtd runs here",
            ("mode=legacy",),
        ),
        ("no readonly socket", "has no read-only socket", ("leave out read-only access",)),
    ],
)
def test_the_cause_is_named_with_its_cure(
    outcomes: Outcomes, case: str, cause: str, cures: tuple[str, ...]
) -> None:
    found = outcomes[case]
    # Distributions build libvirt for one or the other.
    assert cause in str(found.get("message")).replace("/var/run", "/run"), found
    for cure in cures:
        assert cure in found["hint"]
    assert "sudo systemctl" not in found["hint"], "root needs no sudo"


def test_whoever_looks_at_the_wrong_connection_is_told_of_the_other(outcomes: Outcomes) -> None:
    assert outcomes["other of own"]["found"] == [
        "test+unix:///default?socket=/run/libvirt/libvirt-sock-ro",
        1,
    ]
    assert outcomes["other of system"]["found"] == ["qemu:///session", 2]
    assert outcomes["other of own, unseen"]["found"] is None
    for case in ("other of own, root", "other of system, root"):
        assert outcomes[case]["found"] is None, "root has one connection"


def test_a_policy_that_has_nobody_to_ask_names_the_group_and_other_ways(
    outcomes: Outcomes,
) -> None:
    if "polkit" not in outcomes:
        pytest.skip("there is no polkit")
    found = outcomes["policy"]
    assert "the policy of this machine (polkit) does not let nobody manage" in found["message"]
    for cure in ("usermod -aG libvirt nobody", OWN, "--readonly"):
        assert cure in found["hint"]
    assert found["code"] in errors.AUTH_CODES, "it waits for somebody"


def test_over_ssh_the_host_and_its_user_are_named(outcomes: Outcomes) -> None:
    if "policy over ssh" not in outcomes:
        pytest.skip("there is no ssh")
    cases = {"closed": "nobody may not use /run/libvirt/libvirt-sock on 127.0.0.1"}
    if "polkit" in outcomes:
        cases["policy"] = "the policy of 127.0.0.1 (polkit) does not let nobody manage its VMs"
    for case, cause in cases.items():
        found = outcomes[f"{case} over ssh"]
        assert cause in found["message"]
        assert "on 127.0.0.1: sudo usermod -aG libvirt nobody" in found["hint"]
        assert "/session" in found["hint"]


def test_the_list_on_standard_error_says_the_same_and_fails(outcomes: Outcomes) -> None:
    found = outcomes["tuivm list"]
    assert found["code"] == 1
    assert found["out"] == ""
    assert found["said"].startswith("tuivm: ")
    assert found["said"].count("\n") == 1
    for word in ("qemu:///system", "is not installed on this machine", "install"):
        assert word in found["said"]


def test_the_check_is_true_for_root(outcomes: Outcomes) -> None:
    found = outcomes["check by root"]
    assert found["connection"][0] == "ok", found["connection"]
    assert found["daemons"][1].startswith("monolithic: libvirtd runs")
    assert found["socket-rw"][0] == "ok"
    assert "root may use" in found["socket-rw"][1]
    assert found["listeners"][1].startswith("closed")
    assert "polkit" not in found, "root is asked nothing"
    assert found["network-default"][0] == "warning"
    device = Path("/dev/kvm")
    if device.exists() and not device.stat().st_mode & 0o066:
        # QEMU runs as libvirt-qemu there, whatever root may do.
        assert found["kvm-device"][0] == "warning"
        assert "runs as libvirt-qemu, who may not use it" in found["kvm-device"][1]


def test_the_checks_fix_of_the_default_network_cures_it(outcomes: Outcomes) -> None:
    assert outcomes["check after the fix"]["network-default"][:2] == [
        "ok",
        "active on virbr0, with its host",
    ]
    assert "virbr0" in outcomes["check after the fix"]["bridges"][1]


def test_the_check_is_true_for_an_ordinary_user(outcomes: Outcomes) -> None:
    found = outcomes["check by a user"]
    assert "nobody may use" in found["socket-rw"][1]
    assert found["daemons"][0] == "ok"
    for part in ("cpu", "kvm-module", "kvm-device"):
        assert "uses it for qemu:///system" not in found[part][1] or found[part][0] == "ok"
    assert "no use" not in found["kvm-module"][1] or not Path("/dev/kvm").exists()
    if "polkit" in outcomes:
        assert found["connection"][0] == "problem"
        assert found["polkit"][0] == "warning"
        assert found["polkit"][2] == ["sudo usermod -aG libvirt nobody, then log in again"]
    else:
        assert found["connection"][0] == "ok"
        assert found["polkit"][0] == "ok"
