"""The list as a file or a stream: JSON with all that is known, CSV with chosen columns."""

from __future__ import annotations

import csv
import io
import json
import time
from collections.abc import Iterable, Sequence
from typing import Any

from tuivm.core.cells import state_text, uptime
from tuivm.core.columns import BY_ID
from tuivm.core.errors import TuivmError
from tuivm.core.rows import Row
from tuivm.core.suggest import did_you_mean
from tuivm.core.text import sanitise

ENDINGS = (".csv", ".json")
"""How the name of an export ends; that decides what is written."""

_FIELDS: dict[str, tuple[str, ...]] = {
    "state": ("state_text",),
    "mem": ("memory_used", "memory_max"),
    "disk": ("disk_read", "disk_write"),
    "net": ("net_rx", "net_tx"),
    "ip": ("addresses",),
    "vcpu": ("vcpus",),
}
"""The fields of ``record`` that a column stands for, where they are not its id."""
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def record(row: Row, now: float) -> dict[str, Any]:
    """Return all that is known of a VM; sizes in bytes, rates in bytes a second."""
    domain, facts, stats = row.domain, row.domain.facts, row.live_stats
    return {
        "host": row.key.host,
        "uri": row.host.uri,
        "uuid": row.key.uuid,
        "name": domain.name,
        "title": None if facts is None else facts.title,
        "tags": None if facts is None else list(facts.tags),
        "state": domain.state.value,
        "reason": domain.reason,
        "state_text": state_text(row),
        "fault": domain.faulty,
        "id": domain.id,
        "persistent": domain.persistent,
        "autostart": domain.autostart,
        "saved": domain.managed_save,
        "snapshots": domain.has_snapshots,
        "vcpus": None if facts is None else facts.vcpus,
        "memory_max": None if facts is None else facts.memory_max,
        "memory_used": None if stats is None else stats.memory_used,
        "memory_rss": None if stats is None else stats.memory_rss,
        "cpu": None if stats is None else stats.cpu,
        "disk_read": None if stats is None else stats.disk_read,
        "disk_write": None if stats is None else stats.disk_write,
        "net_rx": None if stats is None else stats.net_rx,
        "net_tx": None if stats is None else stats.net_tx,
        "addresses": [address._asdict() for address in domain.addresses],
        "uptime": uptime(row, now),
        "uptime_exact": domain.started_exact if domain.started_at is not None else None,
    }


def as_json(rows: Iterable[Row]) -> str:
    """Write a JSON array with one VM a line; what is unknown is null."""
    now = time.time()
    lines = [json.dumps(record(row, now), ensure_ascii=False) for row in rows]
    return "[" + ",\n ".join(lines) + "]"


def as_csv(rows: Iterable[Row], columns: Iterable[str]) -> str:
    """Write CSV as RFC 4180 has it: a header, then a line a VM, each ended by CR LF.

    The fields have JSON's names and units; several addresses or tags stand in one field,
    blanks between them; what is unknown is empty. A text that a spreadsheet would run as a
    formula has an apostrophe before it.
    """
    fields = [field for column in columns for field in _FIELDS.get(column, (column,))]
    now = time.time()
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(fields)
    for row in rows:
        known = record(row, now)
        known["tags"] = row.tags
        writer.writerow([_plain(known[field]) for field in fields])
    return out.getvalue()


def _plain(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case float():
            return f"{value:.1f}"
        case list() | tuple():
            return _safe(" ".join(one["ip"] if isinstance(one, dict) else one for one in value))
        case str():
            return _safe(value)
        case _:
            return str(value)


def _safe(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text


def column_ids(text: str) -> tuple[str, ...]:
    """Read the ids of columns with commas between them. Raises ``TuivmError``."""
    ids = tuple(dict.fromkeys(part.strip().lower() for part in text.split(",")))
    for column in ids:
        _known(column)
    return ids


def sort_order(text: str) -> tuple[str, bool]:
    """Read ``COLUMN``, ``COLUMN:asc`` or ``COLUMN:desc``: an id, and whether it descends.

    Raises ``TuivmError``.
    """
    name, _, way = text.strip().lower().partition(":")
    _known(name)
    if way not in ("", "asc", "desc"):
        raise TuivmError(
            "No such order", f"{sanitise(way, 40)} is not a direction", hint="write asc or desc"
        )
    return name, way == "desc" if way else BY_ID[name].descending


def _known(column: str) -> None:
    if column not in BY_ID:
        shown = sanitise(column, 40) or "without a name"
        hint = did_you_mean(column, BY_ID) or f"columns: {', '.join(BY_ID)}"
        raise TuivmError("No such column", f"there is no column {shown}", hint=hint)


def written(rows: Sequence[Row], ending: str, columns: Sequence[str]) -> str:
    """The text of an export whose file ends so."""
    return as_json(rows) + "\n" if ending == ".json" else as_csv(rows, columns)
