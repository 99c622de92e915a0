"""The differences between what runs and the next start, as lines for a pager."""

from __future__ import annotations

from collections.abc import Sequence

from tuivm.core.model import XmlChange
from tuivm.core.xmltext import Span

Styled = tuple[str, tuple[Span, ...]]
"""A line and what its parts are."""
_LABELS = ("now", "next start")
_WIDTH = max(map(len, _LABELS))


def change_lines(changes: Sequence[XmlChange]) -> list[Styled]:
    """Return each difference as its place and the two values, with a sign for what happens.

    ``+`` the next start adds it, ``-`` it leaves it out, ``~`` it has another value.
    """
    lines: list[Styled] = []
    for change in changes:
        sign, role = ("+", "good") if not change.live else ("~", "warn")
        if not change.inactive:
            sign, role = "-", "bad"
        head = f"{sign} {change.where}"
        lines.append((head, (Span(0, 1, role), Span(2, len(head), "strong"))))
        for label, value in zip(_LABELS, (change.live, change.inactive), strict=True):
            lines += _value(label, value)
        lines.append(("", ()))
    return lines[:-1]


def _value(label: str, value: str) -> list[Styled]:
    lines: list[Styled] = []
    for number, text in enumerate((value or "not there").split("\n")):
        start = f"    {label if number == 0 else '':<{_WIDTH}}  "
        spans = [Span(4, 4 + _WIDTH, "label")]
        if not value:
            spans.append(Span(len(start), len(start) + len(text), "dim"))
        lines.append((start + text, tuple(spans)))
    return lines
