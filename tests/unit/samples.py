"""Rows and stores for the tests of the core."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any

from tuivm.core.api import Batch
from tuivm.core.model import Domain, DomainKey, Facts, HostState, HostStatus, State, Stats
from tuivm.core.rows import HostCell, Row
from tuivm.core.store import Store

NOW = 1_700_000_000.0
_SPACE = uuid.UUID("6ba7b810-9dad-41d1-80b4-00c04fd430c8")


def key_of(name: str, host: str = "kv1") -> DomainKey:
    """The same key for the same name and host, always."""
    return DomainKey(host, str(uuid.uuid5(_SPACE, f"{host}/{name}")))


def domain(
    name: str = "web-01", state: State = State.RUNNING, host: str = "kv1", **fields: Any
) -> Domain:
    if state.active and "id" not in fields:
        fields["id"] = 7
    return Domain(key_of(name, host), name, state, **fields)


def host_status(name: str = "kv1", state: HostState = HostState.UP, **fields: Any) -> HostStatus:
    return HostStatus(name, fields.pop("uri", f"qemu+ssh://{name}/system"), state, **fields)


def row(
    name: str = "web-01",
    state: State = State.RUNNING,
    *,
    host: HostStatus | None = None,
    stats: Stats | None = None,
    **fields: Any,
) -> Row:
    status = host_status() if host is None else host
    record = domain(name, state, status.id, **fields)
    return Row(record, HostCell(status), stats=stats)


def facts(**fields: Any) -> Facts:
    return Facts(**fields)


def sample(at: float = 1.0, **fields: Any) -> Stats:
    return Stats(at, **fields)


def batch(*domains: Domain, hosts: Iterable[HostStatus] = (), **fields: Any) -> Batch:
    return Batch(
        hosts={status.id: status for status in hosts},
        domains={record.key: record for record in domains},
        **fields,
    )


def store_of(*domains: Domain, hosts: Iterable[HostStatus] | None = None) -> Store:
    """A store with these domains, all their hosts up unless said otherwise."""
    store = Store(clock=lambda: NOW)
    named = dict.fromkeys(record.key.host for record in domains) or {"kv1": None}
    statuses = [host_status(name) for name in named] if hosts is None else hosts
    store.apply(batch(*domains, hosts=statuses))
    return store
