"""What is known of one host's domains, merged from all who read; publishes what changed.

Belongs to the host's keeper thread: there are no locks here.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

from tuivm.backend.extras import Extras
from tuivm.backend.inventory import Flags, Inventory, Reading, Seen
from tuivm.core.model import Address, Domain, DomainKey

_FIELDS = (
    ("transient", "persistent"),
    ("autostart", "autostart"),
    ("managed_save", "managed_save"),
    ("has_snapshots", "has_snapshots"),
    ("has_checkpoints", "has_checkpoints"),
)
"""Flags of the inventory and the fields that they fill, as ``Rows._domain`` takes them."""

Publish = Callable[[dict[DomainKey, Domain | None]], None]


class Rows:
    """The domains of one host by UUID."""

    def __init__(self, host: str, publish: Publish, extras: Extras | None = None) -> None:
        self._host = host
        self._publish = publish
        self._extras = extras
        self.domains: dict[str, Domain] = {}
        self.active: set[str] = set()
        """UUIDs of those that the hypervisor has a process for."""
        self._starts: dict[str, float] = extras.starts() if extras else {}

    def started(self, uuid: str, at: float) -> None:
        """Note the moment of a STARTED event, for the row that follows it."""
        self._starts[uuid] = at

    def stopped(self, uuid: str) -> None:
        """Forget a STARTED event: the domain stopped before its row was read."""
        self._starts.pop(uuid, None)

    def replace_all(self, inventory: Inventory) -> tuple[list[str], list[str]]:
        """Take a whole inventory; returns the UUIDs that came and that went."""
        changed: dict[DomainKey, Domain | None] = {}
        fresh: dict[str, Domain] = {}
        told = [(name, inventory.flags.get(flag)) for flag, name in _FIELDS]
        for seen in inventory.seen:
            uuid = seen.uuid
            old = self.domains.get(uuid)
            values = [
                (getattr(old, name, None) if known is None else uuid in known)
                for name, known in told
            ]
            # Only those that are not persistent are listed.
            if told[0][1] is not None:
                values[0] = not values[0]
            domain = self._domain(old, seen, *values)
            if domain is not old:
                changed[domain.key] = domain
            fresh[uuid] = domain
        came = [uuid for uuid in fresh if uuid not in self.domains]
        went = [uuid for uuid in self.domains if uuid not in fresh]
        for uuid in went:
            changed[self.domains[uuid].key] = None
        self.domains = fresh
        self.active = {uuid for uuid, domain in fresh.items() if domain.state.active}
        if changed:
            self._publish(changed)
        return came, went

    def merge_flags(self, flags: Flags) -> None:
        """Take flags that were read by themselves."""
        told = [(name, uuids) for flag, name in _FIELDS if (uuids := flags.get(flag)) is not None]
        self.set_many(
            (uuid, {name: (uuid in uuids) != (name == "persistent") for name, uuids in told})
            for uuid in self.domains
        )

    def merge(self, readings: dict[str, Reading | None]) -> None:
        """Take single readings; None removes."""
        changed: dict[DomainKey, Domain | None] = {}
        for uuid, reading in readings.items():
            old = self.domains.get(uuid)
            if reading is None:
                if old is not None:
                    del self.domains[uuid]
                    self.active.discard(uuid)
                    changed[old.key] = None
                continue
            domain = self._domain(
                old,
                reading.seen,
                reading.persistent,
                reading.autostart,
                reading.managed_save,
                old.has_snapshots if old else None,
                old.has_checkpoints if old else None,
            )
            if domain is not old:
                self.domains[uuid] = changed[domain.key] = domain
                (self.active.add if domain.state.active else self.active.discard)(uuid)
        if changed:
            self._publish(changed)

    def set(self, uuid: str, **values: Any) -> None:
        """Change fields of one row, if it is still there and they differ."""
        self.set_many([(uuid, values)])

    def set_many(self, values: Iterable[tuple[str, dict[str, Any]]]) -> None:
        """Change fields of several rows with one publication."""
        changed: dict[DomainKey, Domain | None] = {}
        for uuid, fields in list(values):
            old = self.domains.get(uuid)
            if old is None or all(getattr(old, name) == value for name, value in fields.items()):
                continue
            self.domains[uuid] = changed[old.key] = old._replace(**fields)
        if changed:
            self._publish(changed)

    def _domain(
        self,
        old: Domain | None,
        seen: Seen,
        persistent: bool | None,
        autostart: bool | None,
        managed_save: bool | None,
        has_snapshots: bool | None,
        has_checkpoints: bool | None,
    ) -> Domain:
        """The row as it is now: the old object when nothing changed."""
        if self._extras is not None:
            reason = self._extras.reason(seen.uuid, seen.state, seen.reason)
            seen = seen._replace(reason=reason)
        domain_id = seen.id if seen.id >= 0 else None
        restarted = seen.state.active and seen.uuid in self._starts
        if (
            old is not None
            and not restarted
            and old.state is seen.state
            and old.name == seen.name
            and old.reason == seen.reason
            and old.id == domain_id
            and old.autostart == autostart
            and old.managed_save == managed_save
            and old.persistent == persistent
            and old.has_snapshots == has_snapshots
            and old.has_checkpoints == has_checkpoints
        ):
            return old
        started, exact = self._start_time(old, seen, domain_id)
        return Domain(
            old.key if old else DomainKey(self._host, seen.uuid),
            seen.name,
            seen.state,
            seen.reason,
            domain_id,
            persistent,
            autostart,
            managed_save,
            has_snapshots,
            has_checkpoints,
            old.facts if old else None,
            self._addresses(old, seen),
            started,
            exact,
            old.pending_config if old is not None and seen.state.active else None,
        )

    def _addresses(self, old: Domain | None, seen: Seen) -> tuple[Address, ...]:
        if self._extras is not None:
            return self._extras.addresses(seen.uuid, seen.state)
        return old.addresses if old is not None and seen.state.active else ()

    def _start_time(
        self, old: Domain | None, seen: Seen, domain_id: int | None
    ) -> tuple[float | None, bool]:
        """When it was started, and whether we know that or only saw it running since."""
        if not seen.state.active:
            return None, True
        event = self._starts.pop(seen.uuid, None)
        if event is not None:
            return event, True
        if old is not None and old.started_at is not None and old.id == domain_id:
            return old.started_at, old.started_exact
        return time.time(), False
