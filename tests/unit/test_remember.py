"""User names are offered again, whatever happened to the file; nothing else is in it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tuivm.core import remember
from tuivm.core.remember import Remembered


def test_the_name_used_last_for_a_vm_else_the_last_one(tmp_path: Path) -> None:
    path = tmp_path / "state" / "users.json"
    first = Remembered(path)
    assert first.user("vm-1", "root") == "root"
    first.use("vm-1", "alice")
    first.use("vm-2", " bob ")
    again = Remembered(path)
    assert again.user("vm-1") == "alice"
    assert again.user("vm-2") == "bob"
    assert again.user("vm-3", "root") == "bob"
    again.use("vm-1", "alice")
    assert Remembered(path).user("vm-3") == "alice"
    assert path.stat().st_mode & 0o077 == 0
    assert json.loads(path.read_text()) == {"vm-2": "bob", "vm-1": "alice"}
    assert [entry.name for entry in path.parent.iterdir()] == ["users.json"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[1]",
        b'"x"',
        b"\xff\xfe",
        b'{"a": 1, "b": ["c"], "d": "x\\u0000y"}',
        b"[" * 9999,
    ],
)
def test_a_broken_file_is_as_good_as_none(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "users.json"
    path.write_bytes(content)
    found = Remembered(path)
    assert found.user("a", "root") == "root"
    found.use("a", "alice")
    assert Remembered(path).user("a") == "alice"


def test_where_nothing_can_be_written_it_remembers_for_the_run(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    found = Remembered(blocked / "users.json")
    found.use("a", "alice")
    assert found.user("a") == "alice"


def test_it_does_not_grow_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remember, "MOST", 3)
    found = Remembered(tmp_path / "users.json")
    for number in range(6):
        found.use(f"vm-{number}", "x" if number else "y" * 65)
    assert list(json.loads(found.path.read_text())) == ["vm-3", "vm-4", "vm-5"]
