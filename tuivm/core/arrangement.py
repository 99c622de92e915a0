"""How the user wants a list's columns: their order, which are hidden, and how wide."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

_NONE: Mapping[str, int] = MappingProxyType({})


class Arrangement(NamedTuple):
    """What was chosen; the empty one leaves everything to the columns' declaration."""

    order: tuple[str, ...] = ()
    """Ids of columns from left to right; empty for the declared order. In an order of the
    user's own the columns at the right leave first where there is no room for all; else
    the declared priorities decide."""
    hidden: frozenset[str] = frozenset()
    """Ids of columns that are not shown."""
    widths: Mapping[str, int] = _NONE
    """Ids of columns to the cells that they take; the others fit their contents."""

    def __bool__(self) -> bool:
        return bool(self.order or self.hidden or self.widths)

    def sort(self, ids: Iterable[str]) -> list[str]:
        """Put ids into the chosen order; those that it does not know come last, as they are."""
        places = {name: place for place, name in enumerate(self.order)}
        return sorted(ids, key=lambda name: places.get(name, len(places)))

    def visible(self, ids: Iterable[str]) -> list[str]:
        """Return the ids that are not hidden, in the chosen order."""
        return [name for name in self.sort(ids) if name not in self.hidden]

    def toggled(self, name: str) -> Arrangement:
        """Show what is hidden, hide what is shown."""
        return self._replace(hidden=self.hidden ^ {name})

    def moved(self, name: str, step: int, ids: Sequence[str]) -> Arrangement:
        """Move a column by places, at most to the ends; ``ids`` are all, as declared."""
        order = self.sort(ids)
        place = order.index(name)
        order.pop(place)
        order.insert(min(max(place + step, 0), len(order)), name)
        return self._replace(order=() if order == [*ids] else tuple(order))

    def resized(self, name: str, width: int | None) -> Arrangement:
        """Give a column a width in cells; None lets it fit its contents."""
        widths = {known: cells for known, cells in self.widths.items() if known != name}
        if width is not None:
            widths[name] = width
        return self._replace(widths=widths)
