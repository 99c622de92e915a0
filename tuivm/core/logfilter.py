"""The ``/`` filter of the event log: ``stopped vm:web* level:error took>10s !virsh``."""

from __future__ import annotations

from tuivm.core.fields import Field
from tuivm.core.model import LogEntry
from tuivm.core.query import Language, Query, understand
from tuivm.core.rowtests import PLAIN, SPAN, Maybe, numbers, texts

LOG_FIELDS: dict[str, Field[LogEntry]] = {
    "took": Field("how long it took: took>10s, took<500ms", numbers(lambda e: e.seconds, SPAN)),
    "level": Field(
        "info, good, warning or error, one or more with commas",
        texts(lambda e: (e.severity.value,), start=True),
        ("info", "good", "warning", "error"),
    ),
    "vm": Field("a part of the VM's name; = the whole", texts(lambda e: (e.name,))),
    "host": Field("the start of the host's name", texts(lambda e: (e.host,), start=True)),
    "uuid": Field("the start of the VM's UUID", texts(lambda e: (e.uuid,), start=True)),
    "virsh": Field("a part of the virsh command", texts(lambda e: (e.virsh,))),
    "code": Field(
        "libvirt's error code: code=38",
        numbers(lambda e: None if e.error is None else e.error.code, PLAIN),
    ),
}
"""What it may ask for, in the order of help."""


def _word(word: str) -> Maybe[LogEntry]:
    return lambda entry: word in _text(entry)


def _text(entry: LogEntry) -> str:
    error = "" if entry.error is None else f"{entry.error} {entry.error.raw}"
    return (
        f"{entry.text} {entry.name} {entry.host} {entry.virsh} {entry.severity} {error}".casefold()
    )


_LOG: Language[LogEntry] = Language(LOG_FIELDS, _word)


def parse_log(text: str) -> Query[LogEntry]:
    """Understand a filter of the event log. Raises ``QueryError``."""
    return understand(text, _LOG)
