"""Causes and their cures as lines: the surest first, exact texts whole, one key a way out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from string import ascii_letters
from textwrap import wrap
from typing import NamedTuple

from tuivm.core.causes import Cause, Cure, Surety
from tuivm.core.errors import TuivmError
from tuivm.core.text import fit
from tuivm.widgets.listbox import Line, Span

INDENT = 11
"""Cells left of a cause's text: how sure it is stands there."""
TAKEN = frozenset("jkgGqyi/:?WZ")
"""Letters that move, copy or leave on the screen, and are no cure's."""
_ROLES = {Surety.CERTAIN: "bad", Surety.LIKELY: "warn", Surety.POSSIBLE: "dim"}


@dataclass(frozen=True, slots=True)
class Way:
    """A cure with the key that takes it here; empty for what only a person can do."""

    key: str
    cure: Cure
    reason: str = ""
    """Why it cannot be taken now."""

    @property
    def taken(self) -> bool:
        """True when a key does it."""
        return bool(self.cure.action_id or self.cure.verb)


@dataclass(frozen=True, slots=True)
class Told:
    """One cause with its ways out."""

    cause: Cause
    ways: tuple[Way, ...]


class Shown(NamedTuple):
    """All that is told of one VM, each cure with its key."""

    causes: list[Told]
    others: list[Way]
    """What can be done whatever the cause is."""
    notes: list[Told]
    """What it lacks or would refuse, and is no fault."""

    def checked(self, check: Callable[[Way], Way]) -> Shown:
        """Put each way through a check that may grey it."""
        causes, notes = (
            [Told(one.cause, tuple(map(check, one.ways))) for one in told]
            for told in (self.causes, self.notes)
        )
        return Shown(causes, [check(way) for way in self.others], notes)

    def named(self) -> Iterator[tuple[str, Way]]:
        """The ways by the names of their lines."""
        for one in (*self.causes, *self.notes):
            for number, way in enumerate(one.ways):
                yield f"{one.cause.id}/{number}", way
        for number, way in enumerate(self.others):
            yield f"/{number}", way


def assign(causes: Iterable[Cause], others: Iterable[Cure], notes: Iterable[Cause] = ()) -> Shown:
    """Give each cure a key of its own; one that two causes share is told once."""
    keys: dict[str, Cure] = {}
    told = [_told(cause, keys) for cause in causes]
    ways = [_way(cure, keys) for cure in others if not _known(cure, keys)]
    return Shown(told, ways, [_told(cause, keys) for cause in notes])


def _told(cause: Cause, keys: dict[str, Cure]) -> Told:
    ways = [_way(cure, keys) for cure in cause.cures if not _known(cure, keys)]
    return Told(cause, tuple(ways))


def _known(cure: Cure, keys: Mapping[str, Cure]) -> bool:
    does = (cure.action_id, cure.verb, dict(cure.args))
    if does == ("", "", {}):
        return False
    return any(does == (one.action_id, one.verb, dict(one.args)) for one in keys.values())


def _way(cure: Cure, keys: dict[str, Cure]) -> Way:
    if not (cure.action_id or cure.verb):
        return Way("", cure)
    key = cure.key
    if not key or key in keys or key in TAKEN:
        key = next((char for char in ascii_letters if char not in keys and char not in TAKEN), "")
    if key:
        keys[key] = cure
    return Way(key, cure)


def lines(shown: Shown, width: int) -> list[Line]:
    """Draw it all for a width in cells."""
    told, others, notes = shown
    found = [*_causes(told, width)]
    if others:
        if told:
            found.append(_text(()))
        found.append(_text((Span(" Other ways" if told else " Ways", "header"),)))
        for number, way in enumerate(others):
            found += way_lines(way, f"/{number}", width)
    if notes:
        title = " Good to know: what it lacks or would refuse; none of this is a fault"
        found += [_text(()), _text((Span(title, "header"),)), *_causes(notes, width)]
    return found


def _causes(told: Iterable[Told], width: int) -> Iterator[Line]:
    for place, one in enumerate(told):
        if place:
            yield _text(())
        yield from _cause(one.cause, width)
        for number, way in enumerate(one.ways):
            yield from way_lines(way, f"{one.cause.id}/{number}", width)


def _text(spans: tuple[Span, ...]) -> Line:
    return Line(spans, selectable=False)


def _cause(cause: Cause, width: int) -> list[Line]:
    found = []
    role = "accent" if cause.topic else _ROLES[cause.surety]
    for place, text in enumerate(_wrap(cause.title, width)):
        head = "" if place else cause.topic or cause.surety.value
        spans = (Span(f" {fit(head, INDENT - 2)} ", role), Span(text, "strong"))
        found.append(_text(spans))
    evidence = f"{cause.surety.value}: {cause.evidence}" if cause.topic else cause.evidence
    found += [_text((Span(" " * INDENT), Span(text, "dim"))) for text in _wrap(evidence, width)]
    return found


def way_lines(way: Way, name: str, width: int) -> list[Line]:
    """A way out: its key and what it does, then the exact lines that it is about."""
    role = "dim" if way.reason else ""
    title = f"{way.cure.title}: {way.reason}" if way.reason else way.cure.title
    found = []
    for place, text in enumerate(_wrap(title, width, 4)):
        head = "" if place else way.key or ("-" if not way.taken else "")
        spans = (
            Span(" " * INDENT),
            Span(fit(head, 2), "dim" if way.reason or not way.taken else "key"),
            Span("  "),
            Span(text, role),
        )
        found.append(Line(spans, name if not place else "", selectable=not place))
    for line in way.cure.lines:
        mark = {"- ": "bad", "+ ": "good"}.get(line[:2], "accent")
        for text in _wrap(line, width, 6):
            found.append(_text((Span(" " * (INDENT + 4)), Span(text, mark))))
    return found


def _wrap(text: str, width: int, more: int = 0) -> list[str]:
    """Break a text at words, longer words anywhere; what is blank stays a line."""
    room = max(16, width - INDENT - more - 2)
    return wrap(text, room, drop_whitespace=True, break_on_hyphens=False) or [""]


def as_text(subject: str, shown: Shown, error: TuivmError | None) -> str:
    """All of it as plain text, to be copied into a ticket."""
    found = [subject]
    for one in (*shown.causes, *shown.notes):
        topic = f" ({one.cause.topic})" if one.cause.topic else ""
        found += [f"{one.cause.surety.value}{topic}: {one.cause.title}", f"  {one.cause.evidence}"]
        for way in one.ways:
            found += [f"  - {way.cure.title}", *(f"      {line}" for line in way.cure.lines)]
    if error is not None:
        found += [original(error)]
    return "\n".join(found)


def original(error: TuivmError) -> str:
    """Tell libvirt's own text, with its code and the call that failed."""
    code = "" if error.code is None else f" (code {error.code}, domain {error.domain})"
    call = f"{error.call}: " if error.call else ""
    return f"{call}{error.raw or error.message}{code}"
