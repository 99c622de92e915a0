"""The event log from one run to the next: a file of the user's own, one JSON object a line."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import queue
import threading
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from platformdirs import user_state_path

from tuivm.core.errors import TuivmError
from tuivm.core.files import make_folder
from tuivm.core.model import DomainKey, LogEntry, Severity
from tuivm.core.text import sanitise, took_text

logger = logging.getLogger(__name__)

MOST_BYTES = 4 * 1024 * 1024
"""A file that has grown beyond this is put aside as ``.old``, in place of the one before."""
MOST_LINES = 2000
"""Lines of earlier runs that are shown."""
PAST_BULK = -1
"""The ``LogEntry.bulk`` of a verb's part on one VM in a run of the program before."""
_TEXTS = ("text", "host", "uuid", "name", "virsh")
_ERROR_TEXTS = ("title", "message", "hint", "call", "raw")


def journal_path() -> Path:
    """``$XDG_STATE_HOME/tuivm/events.jsonl``."""
    return user_state_path("tuivm") / "events.jsonl"


class Journal:
    """Appends entries on a daemon thread of its own. Its methods may be called on any thread.

    Several programs may share the file: every line is appended whole.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._queue: queue.SimpleQueue[tuple[LogEntry, ...] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="tuivm-journal", daemon=True)
        self._started = False

    def read(self) -> list[LogEntry]:
        """The newest entries of earlier runs, oldest first; lines that are none are left out.

        Raises ``OSError`` for a file that is there and cannot be read.
        """
        lines: list[str] = []
        for path in (_old(self.path), self.path):
            with contextlib.suppress(FileNotFoundError):
                lines += path.read_bytes().decode("utf-8", "replace").splitlines()
        entries = [decode(line) for line in lines[-MOST_LINES:]]
        return [entry for entry in entries if entry is not None]

    def write(self, entries: Iterable[LogEntry]) -> None:
        """Have entries appended; returns at once."""
        batch = tuple(entries)
        if not batch:
            return
        if not self._started:
            self._started = True
            self._thread.start()
        self._queue.put(batch)

    def close(self, seconds: float) -> None:
        """Wait until all is written, but not longer than this."""
        if self._started:
            self._queue.put(None)
            self._thread.join(seconds)

    def _run(self) -> None:
        while (batch := self._queue.get()) is not None:
            try:
                self._append("".join(encode(entry) + "\n" for entry in batch))
            except OSError as error:
                # What is on screen is not lost with it; the next batch tries again.
                logger.warning("cannot keep events in %s: %s", self.path, error)

    def _append(self, text: str) -> None:
        make_folder(self.path)
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        descriptor = os.open(self.path, flags, 0o600)
        with open(descriptor, "ab", buffering=0) as file:
            file.write(text.encode("utf-8", "replace"))
            size = file.tell()
        if size > MOST_BYTES:
            os.replace(self.path, _old(self.path))


def _old(path: Path) -> Path:
    return path.with_name(f"{path.name}.old")


def encode(entry: LogEntry) -> str:
    """One line of the file."""
    error = entry.error
    fields: dict[str, Any] = {"at": round(entry.at, 3), "severity": entry.severity.value}
    fields |= {name: value for name in _TEXTS if (value := getattr(entry, name))}
    if entry.seconds is not None:
        fields["seconds"] = round(entry.seconds, 3)
    if entry.bulk and entry.uuid:
        fields["part"] = True
    if error is not None:
        told: dict[str, Any] = {
            name: value for name in _ERROR_TEXTS if (value := getattr(error, name))
        }
        if error.code is not None:
            told |= {"code": error.code, "domain": error.domain}
        fields["error"] = told
    return json.dumps(fields, ensure_ascii=True)


def decode(line: str) -> LogEntry | None:
    """An entry from its line; None when it is not one. What it says is sanitised again."""
    try:
        raw = json.loads(line)
        told, at = raw.get("error"), _number(raw["at"])
        texts: dict[str, Any] = {name: sanitise(str(raw.get(name, "")), 1000) for name in _TEXTS}
        if at is None:
            return None
        return LogEntry(
            at,
            severity=Severity(raw["severity"]),
            error=None if told is None else _error(told),
            seconds=_number(raw.get("seconds")),
            bulk=PAST_BULK if raw.get("part") else 0,
            **texts,
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _number(told: object) -> float | None:
    """A time or a duration from a file that anybody may have written, or none."""
    if isinstance(told, bool) or not isinstance(told, int | float):
        return None
    return float(told) if 0 <= told < 1e10 else None


def _error(told: Mapping[str, Any]) -> TuivmError:
    texts = {name: sanitise(str(told.get(name, "")), 4000) for name in _ERROR_TEXTS}
    code, domain = told.get("code"), told.get("domain")
    return TuivmError(
        texts["title"],
        texts["message"],
        hint=texts["hint"],
        code=code if isinstance(code, int) else None,
        domain=domain if isinstance(domain, int) else None,
        call=texts["call"],
        raw=texts["raw"],
    )


def entries_text(entries: Iterable[LogEntry]) -> str:
    """Entries for people, one a line, with all that is known of them."""
    return "".join(f"{_entry_text(entry)}\n" for entry in entries)


def _entry_text(entry: LogEntry) -> str:
    error = "" if entry.error is None else f": {entry.error.message} ({entry.error.hint})"
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S%z", time.localtime(entry.at))
    took = took_text(entry.seconds, "-")
    parts = (stamp, entry.severity.value, took, entry.host or "-", entry.text + error, entry.virsh)
    return "  ".join(part for part in parts if part)


def of_host(entries: Iterable[LogEntry], host: str, key: DomainKey | None = None) -> list[LogEntry]:
    """The entries about a host, or about one of its VMs and the host as such."""
    return [
        entry
        for entry in entries
        if entry.host == host and (key is None or entry.uuid in ("", key.uuid))
    ]
