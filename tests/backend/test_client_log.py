"""libvirt's client log: in a file of its own, never on the terminal."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import libvirt
import pytest

from tests.conftest import clean_environment
from tuivm.backend import client_log
from tuivm.backend.client_log import begin, trim

PROGRAM = """
import os, subprocess, sys
from tuivm.backend.client_log import begin
log = begin(asked=len(sys.argv) > 1)
import libvirt
libvirt.open("test:///default").close()
print(log.on, log.ours, log.chosen, log.where, sep="|")
print([name for name in os.environ if name.startswith("LIBVIRT_")])
"""


def run(home: Path, *arguments: str, **more: str) -> list[str]:
    """What a process of its own says: libvirt reads its variables once."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments],
        env=clean_environment(home) | more,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert "LIBVIRT_LOG_OUTPUTS" in more or not done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize("folder", ["state", "with space"])
def test_it_goes_to_a_file_that_its_user_alone_can_read(tmp_path: Path, folder: str) -> None:
    home = tmp_path / folder
    home.mkdir()
    told, variables = run(home, "asked")
    on, ours, chosen, where = told.split("|")
    assert (on, ours, chosen) == ("True", "True", "False")
    path = Path(where)
    assert path.is_relative_to(home)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    log = path.read_text()
    assert "virConnectOpen" in log
    assert "EVENT_GLIB" not in log
    assert variables == "[]"  # programs in panes do not log there


def test_variables_of_the_user_decide(tmp_path: Path) -> None:
    mine = tmp_path / "mine.log"
    outputs = f"1:file:{mine}"
    told, variables = run(tmp_path, LIBVIRT_DEBUG="1", LIBVIRT_LOG_OUTPUTS=outputs)
    assert told == f"True|False|True|{outputs}"
    assert variables == "['LIBVIRT_DEBUG', 'LIBVIRT_LOG_OUTPUTS']"
    assert "virConnectOpen" in mine.read_text()
    told, _ = run(tmp_path)
    assert told == "False|False|False|"


def test_what_cannot_be_done_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "libvirt", libvirt)
    assert "in use already" in begin(asked=True).reason
    monkeypatch.delitem(sys.modules, "libvirt")
    (tmp_path / "file").write_text("")
    log = begin(asked=True, folder=tmp_path / "file")
    assert not log.on
    assert str(tmp_path / "file") in log.reason


def test_only_the_newest_files_are_kept(tmp_path: Path) -> None:
    names = [f"libvirt-client-2026010{day}-000000-1.log" for day in range(1, 8)]
    for name in (*names, f"{names[0]}.1", "other.log"):
        (tmp_path / name).write_text("")
    made = client_log._new_file(tmp_path)
    kept = sorted(os.listdir(tmp_path))
    assert kept == sorted([*names[-client_log.KEPT :], made.name, "other.log"])


def test_a_large_log_begins_anew(tmp_path: Path) -> None:
    path = tmp_path / "c.log"
    with open(path, "ab", buffering=0) as log:
        log.write(b"x" * 100)
        assert not trim(path, 1000)
        log.write(b"y" * 1000)
        assert trim(path, 1000)
        log.write(b"after")
    assert path.read_bytes() == b"after"
    aside = tmp_path / "c.log.1"
    assert aside.stat().st_size == 1100
    assert stat.S_IMODE(aside.stat().st_mode) == 0o600
