"""Who wants to hear of single domains: consoles that wait for theirs to start."""

from __future__ import annotations

from collections.abc import Callable

from tuivm.core.model import Domain, DomainKey

Watcher = Callable[[Domain | None], None]
"""Takes the row, None when it is gone; returns at once."""


class Watchers:
    """Callbacks by a domain's UUID. Keeper thread only."""

    def __init__(self) -> None:
        self._by_uuid: dict[str, list[Watcher]] = {}

    def add(self, uuid: str, watcher: Watcher) -> None:
        """Tell ``watcher`` of every change."""
        self._by_uuid.setdefault(uuid, []).append(watcher)

    def remove(self, uuid: str, watcher: Watcher) -> None:
        """Tell it nothing more; idempotent."""
        watchers = self._by_uuid.get(uuid, [])
        if watcher in watchers:
            watchers.remove(watcher)
        if not watchers:
            self._by_uuid.pop(uuid, None)

    def tell(self, changed: dict[DomainKey, Domain | None]) -> None:
        """Tell rows that changed."""
        if self._by_uuid:
            for key, domain in changed.items():
                for watcher in tuple(self._by_uuid.get(key.uuid, ())):
                    watcher(domain)

    def tell_all(self, row: Callable[[str], Domain | None]) -> None:
        """Tell every row that is watched as it is; what waits for the link hears of it so."""
        for uuid, watchers in tuple(self._by_uuid.items()):
            for watcher in tuple(watchers):
                watcher(row(uuid))
