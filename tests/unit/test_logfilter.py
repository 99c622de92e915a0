"""The event log's filter: what took long, what failed where, and what it cannot read."""

from __future__ import annotations

import pytest

from tuivm.core.errors import TuivmError
from tuivm.core.logfilter import LOG_FIELDS, parse_log
from tuivm.core.model import LogEntry, Severity
from tuivm.core.query import QueryError

LOCKED = TuivmError("Cannot start db-01", "it is locked", code=38, raw="Failed to get write lock")
ENTRY = LogEntry(
    1.0,
    "Cannot start db-01",
    Severity.ERROR,
    "kv1",
    "6f1d2c3b",
    "db-01",
    "virsh start db-01",
    LOCKED,
    12.5,
)
PLAIN = LogEntry(1.0, "kv2: connected", Severity.GOOD, "kv2")


def found(text: str, entry: LogEntry = ENTRY) -> bool:
    return bool(parse_log(text).matches(entry))


@pytest.mark.parametrize(
    "text",
    [
        "", "start", "START locked", "write lock", "error", "db", "!stopped", "took>10s",
        "took>=12500ms", "took<1m", "!took>1m", "level:error", "level:warning,err", "level!=good",
        "vm:db", "vm=db-01", "vm:d*", "host:kv", "host=kv1", "uuid:6f1d", "virsh:start",
        "code=38", "gone | took>10s",
    ],
)  # fmt: skip
def test_what_is_meant_is_found(text: str) -> None:
    assert found(text)


@pytest.mark.parametrize(
    "text", ["stopped", "took<10s", "level:good", "vm=db", "host:kv2", "code=55", "!error"]
)
def test_what_is_not_meant_is_not(text: str) -> None:
    assert not found(text)


@pytest.mark.parametrize("text", ["took>0", "took<1h", "!took>1h", "code=38", "code!=38"])
def test_what_is_not_known_is_neither_more_nor_less(text: str) -> None:
    assert not found(text, PLAIN)


@pytest.mark.parametrize(
    ("text", "says"),
    [("took>10", "has no unit"), ("took>x", "not a number"), ("level>error", "compares numbers")],
)
def test_what_cannot_be_read_says_why(text: str, says: str) -> None:
    with pytest.raises(QueryError, match=says):
        parse_log(text)


def test_an_unknown_field_names_those_that_there_are() -> None:
    with pytest.raises(QueryError) as caught:
        parse_log("tok>10s")
    assert "took" in caught.value.hint


def test_every_field_can_be_typed_halfway() -> None:
    for name in LOG_FIELDS:
        assert found(f"{name}:")
