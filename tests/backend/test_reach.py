"""Which component of a path keeps a user from a file, and what lets them through."""

from __future__ import annotations

import os
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest

from tuivm.backend import access_list
from tuivm.backend.reach import Who, barriers, commands, let_pass, missing_part

SOMEBODY = Who(54321, frozenset({54321}), "54321")


@pytest.fixture
def closed(tmp_path: Path) -> Path:
    """A file under a folder that only its owner may enter."""
    home = tmp_path / "ann"
    home.mkdir()
    file = home / "disk.qcow2"
    file.write_bytes(b"x")
    file.chmod(0o644)
    home.chmod(0o700)
    return file


def own(found: list[str], tmp_path: Path) -> list[str]:
    """What lies below the test's own folder."""
    return [path for path in found if path.startswith(str(tmp_path / "ann"))]


def test_the_folder_that_stops_somebody_is_named(closed: Path, tmp_path: Path) -> None:
    found = barriers(str(closed), SOMEBODY, write=False)
    assert own([one.path for one in found], tmp_path) == [str(closed.parent)]
    last = found[-1]
    assert (last.need, last.mode) == ("x", 0o700)
    assert "lacks x" in last.text


def test_writing_needs_more_than_reading(closed: Path, tmp_path: Path) -> None:
    closed.parent.chmod(0o755)
    assert own([one.path for one in barriers(str(closed), SOMEBODY, write=False)], tmp_path) == []
    found = barriers(str(closed), SOMEBODY, write=True)
    assert own([one.path for one in found], tmp_path) == [str(closed)]
    assert found[-1].need == "rw"


def test_root_and_the_owner_pass(closed: Path, tmp_path: Path) -> None:
    owner = Who(os.geteuid(), frozenset({os.getegid()}), "me")
    assert own([one.path for one in barriers(str(closed), owner, write=True)], tmp_path) == []
    assert barriers(str(closed), Who(0, frozenset(), "root"), write=True) == []


def test_what_is_said_is_what_is_done(closed: Path, tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("changes permissions of folders above the test's own")
    found = barriers(str(closed), SOMEBODY, write=False)
    lines = commands(found, SOMEBODY)
    assert any(str(closed.parent) in line for line in lines)
    before = {one.path: Path(one.path).stat().st_mode for one in found}
    try:
        let_pass(str(closed), SOMEBODY, write=False)
        assert barriers(str(closed), SOMEBODY, write=False) == []
        # The kernel sees it as we do, and lets nobody else through.
        read = ["cat", str(closed)]
        for user, may in ((SOMEBODY.uid, True), (SOMEBODY.uid + 1, False)):
            done = subprocess.run(
                read, user=user, group=user, extra_groups=[], capture_output=True, check=False
            )
            assert (done.stdout == b"x") is may
        access_list.give(str(closed), SOMEBODY.uid + 1, 2)
        assert access_list.given(str(closed), SOMEBODY.uid + 1) == 2
    finally:
        for path, mode in before.items():
            with suppress(OSError):
                os.removexattr(path, access_list.NAME)
            Path(path).chmod(mode & 0o7777)


def test_the_first_part_that_does_not_exist() -> None:
    assert missing_part("/no-such-folder/a/b.qcow2") == "/no-such-folder"
    assert missing_part("/") == ""
