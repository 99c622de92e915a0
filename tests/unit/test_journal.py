"""The event log that is kept: nothing is lost or made up, and files by others do no harm."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from tuivm.core import journal
from tuivm.core.errors import TuivmError
from tuivm.core.journal import Journal, decode, encode, entries_text
from tuivm.core.model import LogEntry, Severity


def entry(number: int = 0) -> LogEntry:
    error = TuivmError(
        "Cannot start web", "no network", hint="start it", code=55, domain=19, call="x", raw="raw"
    )
    return LogEntry(
        1_700_000_000.25 + number,
        f"Cannot start web-{number}",
        Severity.ERROR,
        "kv1",
        "u-1",
        "web",
        "virsh start web",
        error,
        seconds=4.25,
    )


def told(found: LogEntry) -> tuple[object, ...]:
    error = found.error
    plain: tuple[object, ...] = (
        found.at, found.text, found.severity, found.host, found.uuid, found.name, found.virsh,
        found.seconds,
    )  # fmt: skip
    if error is None:
        return plain
    parts = (error.title, error.message, error.hint, error.code, error.domain, error.call)
    return (*plain, *parts, error.raw)


def test_what_was_written_is_read_again_by_the_next_run(tmp_path: Path) -> None:
    path = tmp_path / "state" / "events.jsonl"
    first = Journal(path)
    assert first.read() == []
    plain = LogEntry(1.5, "kv1: connected", Severity.GOOD, host="kv1")
    first.write([entry(), plain])
    first.close(10)
    assert [told(found) for found in Journal(path).read()] == [told(entry()), told(plain)]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_two_programs_share_the_file(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    pair = [Journal(path), Journal(path)]
    for number in range(200):
        pair[number % 2].write([entry(number)])
    for one in pair:
        one.close(10)
    texts = {found.text for found in Journal(path).read()}
    assert texts == {f"Cannot start web-{number}" for number in range(200)}


@pytest.mark.parametrize(
    "line",
    [
        "",
        "no json",
        "[]",
        "null",
        '{"at": "x", "severity": "good"}',
        '{"at": 1}',
        '{"at": 1, "severity": "good", "error": 5}',
        '{"at": 1, "severity": "loud"}',
        "[" * 5000,
    ],
)
def test_a_line_that_is_no_entry_is_left_out(line: str, tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text(f"{line}\n{encode(entry())}\n")
    assert [found.text for found in Journal(path).read()] == ["Cannot start web-0"]


def test_what_a_file_says_is_sanitised() -> None:
    found = decode('{"at": 1, "severity": "good", "text": "a\\u001b]52;c;eA==\\u0007b"}')
    assert found is not None
    assert found.text.isprintable()


@pytest.mark.parametrize("told", ['"x"', "NaN", "-1", "1e300", "true", "null", "[]"])
def test_a_duration_or_a_time_that_is_none_does_no_harm(told: str) -> None:
    found = decode(f'{{"at": 1, "severity": "good", "text": "a", "seconds": {told}}}')
    assert found is not None
    assert found.seconds is None
    at = decode(f'{{"at": {told}, "severity": "good", "text": "a"}}')
    assert at is None or entries_text([at])


def test_a_long_file_is_put_aside_and_still_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "MOST_BYTES", 2000)
    path = tmp_path / "events.jsonl"
    writer = Journal(path)
    for number in range(12):
        writer.write([entry(number)])
    writer.close(10)
    assert path.with_name("events.jsonl.old").exists()
    assert Journal(path).read()[-1].text == "Cannot start web-11"
    assert len(Journal(path).read()) >= 5


def test_a_file_that_cannot_be_written_costs_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "file" / "events.jsonl"
    (tmp_path / "file").write_text("in the way")
    writer = Journal(path)
    writer.write([entry()])
    writer.close(10)
    assert (tmp_path / "file").read_text() == "in the way"
