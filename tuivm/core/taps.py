"""Who listens in: recorders, scripts, and whoever else wants what passes."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Generic, TypeVar

logger = logging.getLogger(__name__)

T = TypeVar("T")


class Taps(Generic[T]):
    """A list of listeners; one that raises is removed. Adding and telling may be on any thread."""

    def __init__(self) -> None:
        self._taps: tuple[Callable[[T], None], ...] = ()

    def add(self, tap: Callable[[T], None]) -> Callable[[], None]:
        """Let ``tap`` have everything from now on; returns what removes it."""
        self._taps = (*self._taps, tap)
        return lambda: self._remove(tap)

    def tell(self, value: T) -> None:
        """Give it to all of them."""
        for tap in self._taps:
            try:
                tap(value)
            except Exception:
                logger.exception("console tap failed")
                self._remove(tap)

    def _remove(self, tap: Callable[[T], None]) -> None:
        self._taps = tuple(other for other in self._taps if other is not tap)
