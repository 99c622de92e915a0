"""What can be typed next: in the ``:`` line and in the ``/`` filter."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from tuivm.core.actions import ACTIONS
from tuivm.core.columns import BY_ID
from tuivm.core.fields import FIELDS, Field
from tuivm.core.grouping import Grouping
from tuivm.core.rows import Row
from tuivm.core.store import Store
from tuivm.core.text import natural_key
from tuivm.core.verbs import COMMANDS, NAMES, Command
from tuivm.core.words import Word, quote, split

OFFERED = 200
"""Names of VMs that are offered at once."""


class Completion(NamedTuple):
    """One offer."""

    text: str
    """What replaces the line from ``start`` up to the cursor."""
    help: str
    start: int

    def apply(self, line: str, cursor: int) -> tuple[str, int]:
        """Return the line and the cursor after taking the offer."""
        head = line[: self.start] + self.text
        return head + line[cursor:], len(head)


def complete(
    line: str, store: Store, cursor: int | None = None, *, views: Iterable[str] = ()
) -> list[Completion]:
    """Offer what can stand at the cursor of a ``:`` line, the likeliest first.

    ``views`` are the names of saved views.
    """
    place = len(line) if cursor is None else cursor
    words = split(line[:place])
    current = Word("", place, place, False, True)
    if words and words[-1].end == place:
        current = words.pop()
    if not words:
        return _commands(current)
    command = NAMES.get(words[0].text.lstrip(":"))
    if command is None:
        return []
    if command.rest == "query":
        start = words[0].end + 1
        inner = complete_query(line[start:place], known=known_values(store))
        return [offer._replace(start=offer.start + start) for offer in inner]
    if command.rest == "line":
        return []
    if command.rest == "view":
        typed = line[words[1].start : place] if len(words) > 1 else current.text
        start = words[1].start if len(words) > 1 else current.start
        return _values(tuple(views), typed, start, "")
    return _arguments(command, words[1:], current, store)


def _commands(current: Word) -> list[Completion]:
    typed = current.text.lstrip(":")
    start = current.start + len(current.text) - len(typed)
    return [
        Completion(f"{command.name} ", command.help, start)
        for command in COMMANDS.values()
        if any(name.startswith(typed) for name in (command.name, *command.aliases))
    ]


def _arguments(
    command: Command, words: list[Word], current: Word, store: Store
) -> list[Completion]:
    before = words[-1].text if words and not words[-1].quoted else ""
    option = command.option(before.removeprefix("--")) if before.startswith("--") else None
    if option is not None and option.value:
        return _values(option.values, current.text, current.start, " ")
    name, equals, typed = current.text.partition("=")
    option = command.option(name.removeprefix("--")) if equals else None
    if option is not None and option.value:
        return _values(option.values, typed, current.start + len(name) + 1, " ")
    if command.rest == "change" and current.text[:1] in ("+", "-") and current.text[:2] != "--":
        return _values(known_values(store)["tag"], current.text[1:], current.start + 1, " ")
    if current.text.startswith("-") and not current.quoted:
        return list(_options(command, words, current))
    if command.rest == "host":
        return _values(tuple(quote(host) for host in store.hosts), current.text, current.start, " ")
    if command.rest == "column":
        names: Iterable[str] = ("asc", "desc") if words else BY_ID
        return _values(tuple(names), current.text, current.start, " ")
    if command.rest == "grouping":
        return _values(() if words else tuple(Grouping), current.text, current.start, " ")
    offers = _names(command, words, current, store) if command.domains else []
    return offers or list(_options(command, words, current))


def _values(values: tuple[str, ...], typed: str, start: int, end: str) -> list[Completion]:
    return [Completion(value + end, "", start) for value in values if value.startswith(typed)]


def _options(command: Command, words: list[Word], current: Word) -> Iterator[Completion]:
    given = {word.text.partition("=")[0] for word in words}
    for option in command.options:
        text = f"--{option.name}"
        if text.startswith(current.text) and text not in given:
            yield Completion(f"{text} ", option.help, current.start)


def _names(command: Command, words: list[Word], current: Word, store: Store) -> list[Completion]:
    """Offer VMs whose names begin with what is typed, else contain it; usable ones first."""
    action = ACTIONS[command.action_id]
    typed = current.text.casefold()
    taken = {word.text for word in words}
    named = [pair for pair in full_names(store) if pair[0] not in taken]
    found = [pair for pair in named if pair[1].domain.name.casefold().startswith(typed)]
    if not found:
        found = [pair for pair in named if typed in pair[0].casefold()]
    found.sort(key=lambda pair: (action.applies(pair[1]) is not None, pair[1].sort_name))
    return [
        Completion(f"{quote(name)} ", _describe(row, store), current.start)
        for name, row in found[:OFFERED]
    ]


def full_names(store: Store) -> list[tuple[str, Row]]:
    """Name every row unmistakably: with its host where another host has the same name."""
    rows = store.rows.values()
    count = Counter(row.domain.name for row in rows)
    return [
        (
            row.domain.name if count[row.domain.name] == 1 else f"{row.key.host}/{row.domain.name}",
            row,
        )
        for row in rows
    ]


def _describe(row: Row, store: Store) -> str:
    state = row.domain.state.value
    return f"{state}, {row.key.host}" if len(store.hosts) > 1 else state


def known_values(store: Store) -> dict[str, tuple[str, ...]]:
    """Return what a fleet has to offer for fields whose values it decides itself."""
    tags = {tag for row in store.rows.values() for tag in row.tags or ()}
    return {"tag": tuple(sorted(tags, key=natural_key)), "host": tuple(store.hosts)}


def complete_query(
    text: str,
    cursor: int | None = None,
    *,
    known: Mapping[str, tuple[str, ...]] | None = None,
    fields: Mapping[str, Field[Any]] = FIELDS,
) -> list[Completion]:
    """Offer fields, and values of the field that is being typed, in a ``/`` filter.

    ``known`` are values of ``fields`` by name, beside those that a field always has.
    """
    place = len(text) if cursor is None else cursor
    start = max(text.rfind(char, 0, place) for char in " |") + 1
    typed = text[start:place]
    bare = typed.lstrip("!")
    start += len(typed) - len(bare)
    name, colon, value = bare.partition(":")
    if colon:
        field = fields.get(name)
        last = value.rpartition(",")[2]
        values = () if field is None else (known or {}).get(name, field.values)
        return _values(values, last, place - len(last), " ") if values else []
    return [
        Completion(f"{field_id}:", field.help, start)
        for field_id, field in fields.items()
        if field_id.startswith(bare)
    ]
