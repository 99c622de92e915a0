"""A recording is a valid asciicast v2 file at any moment, whatever happens to it."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from tuivm.core.recording import Recording


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def read(path: Path) -> tuple[dict[str, Any], list[Any]]:
    header, *events = path.read_text(encoding="utf-8").split("\n")
    assert events.pop() == ""
    return json.loads(header), [json.loads(line) for line in events]


def test_header_and_events_as_the_format_has_them(tmp_path: Path) -> None:
    clock, path = Clock(), tmp_path / "a.cast"
    one = Recording(path, (80, 24), title="web-01", term="vt220", clock=clock)
    clock.now += 1.5
    one.output(b"hello\r\n\x1b[31m")
    clock.now += 0.25
    one.resize((120, 40))
    one.input(b"x")
    one.close()
    header, events = read(path)
    assert header.pop("timestamp") > 1_700_000_000
    assert header == {
        "version": 2,
        "width": 80,
        "height": 24,
        "title": "web-01",
        "env": {"TERM": "vt220"},
    }
    assert events == [[1.5, "o", "hello\r\n\x1b[31m"], [1.75, "r", "120x40"], [1.75, "i", "x"]]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_characters_cut_in_two_and_bytes_that_are_none(tmp_path: Path) -> None:
    one = Recording(tmp_path / "a.cast", (80, 24))
    for byte in "€\u2028".encode():
        one.output(bytes((byte,)))
    one.output(b"\xff\xe2\x82")
    one.close()
    text = "".join(event[2] for event in read(one.path)[1])
    assert text == "€\u2028\ufffd\ufffd"


def test_it_is_valid_before_it_is_closed_and_takes_nothing_after(tmp_path: Path) -> None:
    one = Recording(tmp_path / "a.cast", (80, 24))
    one.output(b"a")
    assert len(read(one.path)[1]) == 1
    stopped: list[int] = []
    one.stop_taps = lambda: stopped.append(1)
    one.close()
    one.close()
    one.output(b"b")
    assert stopped == [1]
    assert not one.running
    assert len(read(one.path)[1]) == 1


def test_an_existing_file_is_never_written_to(tmp_path: Path) -> None:
    path = tmp_path / "a.cast"
    path.write_text("mine")
    with pytest.raises(FileExistsError):
        Recording(path, (80, 24))
    assert path.read_text() == "mine"


def test_a_full_disk_is_told_once_and_leaves_whole_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    errors: list[OSError] = []
    one = Recording(tmp_path / "a.cast", (80, 24), failed=errors.append)
    one.output(b"kept")
    write = os.write

    def full(file: int, data: memoryview) -> int:
        if len(data) > 5:
            return write(file, data[:5])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    one.output(b"lost")
    one.output(b"lost too")
    monkeypatch.undo()
    assert [error.errno for error in errors] == [28]
    assert not one.running
    assert [event[2] for event in read(one.path)[1]] == ["kept"]
    one.close()
