"""Files are the user's alone, and none is replaced without being asked for."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from tuivm.core import files


def test_a_text_is_saved_for_the_user_alone(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.txt"
    assert files.save_text(path, "täxt\n") == 6
    assert path.read_text(encoding="utf-8") == "täxt\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [one.name for one in path.parent.iterdir()] == ["a.txt"]


def test_a_file_is_replaced_only_when_told(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("mine")
    with pytest.raises(FileExistsError):
        files.save_text(path, "other")
    assert path.read_text() == "mine"
    files.save_text(path, "other", replace=True)
    assert path.read_text() == "other"
    assert [one.name for one in tmp_path.iterdir()] == ["a.txt"]
    with pytest.raises(OSError, match="regular"):
        files.save_text(tmp_path, "x", replace=True)


def test_names_and_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert files.file_name("../a b/ü;c", ".txt", 0).startswith("a_b_ü_c-19")
    assert files.file_name("///", ".cast").startswith("vm-")
    monkeypatch.chdir(tmp_path)
    assert files.save_folder() == tmp_path
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert files.recordings_folder() == tmp_path / "tuivm" / "recordings"
    monkeypatch.setenv("HOME", "/home/me")
    assert files.full_path(" ~/a ") == Path("/home/me/a")
