"""The doors for people: what the scripts say and do on machines unlike this one."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.lab.needs import PROGRAMS
from tests.lab.paths import ROOT

BUILD_NEEDS = ("libvirt-dev", "pkg-config", "gcc", "python3-dev", "python3-venv")


def shell(command: str, path: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run a line with the scripts' library loaded."""
    return subprocess.run(
        ["/bin/sh", "-euc", f'. "{ROOT}/scripts/lib.sh"; {command}', str(ROOT / "scripts/run")],
        env=os.environ | ({"PATH": path} if path else {}),
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("name", sorted(path.name for path in (ROOT / "scripts").glob("*")))
def test_the_scripts_are_posix_sh_and_say_no_nonsense(name: str) -> None:
    assert (
        subprocess.run(["/bin/sh", "-n", str(ROOT / "scripts" / name)], check=False).returncode == 0
    )


@pytest.mark.parametrize("manager", ["apt", "dnf", "zypper", "pacman", "apk"])
def test_every_package_has_a_name_under_every_manager(manager: str) -> None:
    for package in {*BUILD_NEEDS, *PROGRAMS.values()}:
        line = shell(f"install_command {manager} {package}").stdout
        assert line.split()[-1] != manager, package
        if manager == "apt":
            assert line.split()[-1] == package
        elif package in ("libvirt-dev", "libvirt-daemon-system", "qemu-utils", "dnsmasq-base"):
            assert package != line.split()[-1] or manager == "apk", line


def test_without_a_usable_python_it_says_what_to_install(tmp_path: Path) -> None:
    old = tmp_path / "python3"
    old.write_text("#!/bin/sh\nexit 0\n")
    old.chmod(0o755)
    done = shell("find_python() { return 1; }; no_python")
    assert done.returncode == 1
    assert "3.11" in done.stderr
    assert "dnf install" in done.stderr


def test_an_old_python_first_in_the_path_is_passed_over(tmp_path: Path) -> None:
    old = tmp_path / "python3"
    old.write_text("#!/bin/sh\nexit 0\n")  # prints no version: too old
    old.chmod(0o755)
    found = shell("find_python", path=f"{tmp_path}:{os.environ['PATH']}").stdout.strip()
    assert found
    assert found != str(old)


def test_run_passes_its_arguments_on() -> None:
    done = subprocess.run(
        [str(ROOT / "scripts/run"), "--", "list", "-c", "test:///default"],
        capture_output=True,
        text=True,
        check=False,
        timeout=110,
    )
    assert done.returncode == 0, done.stderr
    assert "test" in done.stdout
