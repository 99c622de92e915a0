"""The ``/`` filter: ``web state:running host:kv1 cpu>50 mem<2G ip:10. !paused``.

A query is words, each of which a row has to match. ``!`` before a word turns it round,
``|`` between words offers alternatives, quotes take blanks and signs as they are. What is
not known of a row matches neither a comparison nor its opposite.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

from tuivm.core.errors import TuivmError
from tuivm.core.rows import Row
from tuivm.core.text import sanitise

if TYPE_CHECKING:
    # What a list without a filter does not need is loaded with the first one.
    from tuivm.core.fields import Field
    from tuivm.core.rowtests import Maybe

T = TypeVar("T")
"""What is filtered: a row, a line of the event log."""
Test = Callable[[T], bool]


class QueryError(TuivmError):
    """A filter that cannot be understood; ``position`` is where in the text, from 0."""

    def __init__(self, title: str, message: str = "", *, hint: str = "", position: int = 0) -> None:
        super().__init__(title, message, hint=hint)
        self.position = position


class Query(Generic[T]):
    """A filter that was understood."""

    __slots__ = ("matches", "text")

    def __init__(self, text: str, matches: Test[T]) -> None:
        self.text = text
        """As it was typed."""
        self.matches = matches
        """Tells whether a row is shown; in under a microsecond for words."""

    def __bool__(self) -> bool:
        return bool(self.text.strip())


class _Token(NamedTuple):
    start: int
    text: str
    """Without quotes and without leading ``!``."""
    head: int
    """Characters of ``text`` before the first quote: where a field and a sign may be."""
    negated: bool


_TOKEN = re.compile(r"""(?:"[^"]*(?:"|$)|'[^']*(?:'|$)|[^\s"'|])+|\|""")
_QUOTED = re.compile(r""""([^"]*)(?:"|$)|'([^']*)(?:'|$)""")
_FIELD = re.compile(r"([a-z_-]+)(:|!=|>=|<=|=|>|<)")
_ADDRESS = re.compile(r"[0-9a-f]{0,4}:[0-9a-f:.]*")
"""What looks like the beginning of an IPv6 or a MAC address."""


class Language(NamedTuple, Generic[T]):
    """What a filter of one kind of thing may ask for."""

    fields: Mapping[str, Field[T]]
    word: Callable[[str], Maybe[T]]
    """Makes the test of a bare word, which is folded."""


def _every(found: object) -> bool:
    return True


def parse(text: str) -> Query[Row]:
    """Understand a filter of VMs. Raises ``QueryError``."""
    if not text.strip():
        return Query(text, _every)
    from tuivm.core.fields import FIELDS

    return understand(text, Language(FIELDS, _word))


def understand(text: str, language: Language[T]) -> Query[T]:
    """Understand a filter. Raises ``QueryError``.

    What is still being typed is no error: ``cpu>`` and ``"web`` without its second quote
    match as far as they go.
    """
    groups: list[list[Test[T]]] = [[]]
    for token in _tokens(text):
        if token is None:
            groups.append([])
            continue
        test = _term(token, language)
        if test is not _every:
            groups[-1].append(test)
    # An alternative with nothing in it yet is still being typed.
    return Query(text, _any([_all(tests) for tests in groups if tests]))


def with_field(text: str, field: str, value: str, sign: str = ":") -> str:
    """Rewrite a filter so that a field has this one value; an empty one takes the field out.

    Each alternative gets the field; what was turned round with ``!`` stays.
    """
    groups: list[list[str]] = [[]]
    for match in _TOKEN.finditer(text):
        word = match.group()
        found = _FIELD.match(word.casefold())
        if word == "|":
            groups.append([])
        elif found is None or found[1] != field or found[2] == "!=":
            groups[-1].append(word)
    if value:
        plain = re.fullmatch(r"[\w.@-]+", value) is not None
        mark = "'" if '"' in value else '"'
        word = f"{field}{sign}{value if plain else f'{mark}{value}{mark}'}"
        groups = [[*words, word] for words in groups if words] or [[word]]
    return " | ".join(" ".join(words) for words in groups if words)


def has_field(text: str, field: str) -> bool:
    """Tell whether a filter asks for a value of a field, not turned round."""
    found = (_FIELD.match(match.group().casefold()) for match in _TOKEN.finditer(text))
    return any(match is not None and match[1] == field and match[2] != "!=" for match in found)


def _tokens(text: str) -> list[_Token | None]:
    """Split at blanks; None stands for ``|``."""
    tokens: list[_Token | None] = []
    for match in _TOKEN.finditer(text):
        raw = match.group()
        if raw == "|":
            tokens.append(None)
            continue
        bare = raw.lstrip("!")
        negated = (len(raw) - len(bare)) % 2 == 1
        quote = re.search("[\"']", bare)
        plain = _QUOTED.sub(lambda found: found[1] or found[2] or "", bare)
        head = len(bare) if quote is None else quote.start()
        tokens.append(_Token(match.start() + len(raw) - len(bare), plain, head, negated))
    return tokens


def _term(token: _Token, language: Language[T]) -> Test[T]:
    from tuivm.core.rowtests import ValueProblem

    folded = token.text.casefold()
    # A folded text can be longer than the text; fields are ASCII, where it is not.
    field = _FIELD.match(folded) if folded[: token.head].isascii() else None
    if field is None or field.end() > token.head or _ADDRESS.fullmatch(folded):
        return _every if not folded else _decide(language.word(folded), token.negated)
    name, sign = field.groups()
    value = token.text[field.end() :]
    entry = _field(name, token, language.fields)
    if not value:
        return _every
    negated = token.negated
    if sign == "!=":
        negated, sign = not negated, "="
    quoted = token.head < len(token.text)
    try:
        return _decide(entry.test(sign, value, quoted), negated)
    except ValueProblem as problem:
        raise QueryError(
            f"Wrong value for {name}",
            problem.message,
            hint=problem.hint,
            position=token.start + field.end(),
        ) from None


def _field(name: str, token: _Token, fields: Mapping[str, Field[T]]) -> Field[T]:
    entry = fields.get(name)
    if entry is not None:
        return entry
    from tuivm.core.suggest import did_you_mean

    hint = did_you_mean(name, fields) or f"fields: {', '.join(fields)}"
    raise QueryError(
        "Unknown field",
        f"there is no {sanitise(name, 40)}",
        hint=f'{hint}; in quotes it is a plain word: "{sanitise(token.text, 40)}"',
        position=token.start,
    )


def _word(word: str) -> Maybe[Row]:
    """Find a word in name, title and addresses, at the start of the UUID, or as a state."""
    from tuivm.core.rowtests import STATES

    state = STATES.get(word)

    def test(row: Row) -> bool:
        if word in row.search or row.key.uuid.startswith(word):
            return True
        return state is not None and bool(state(row))

    return test


def _decide(test: Maybe[T], negated: bool) -> Test[T]:
    if negated:
        return lambda row: test(row) is False
    return test  # type: ignore[return-value]  # None counts as False


def _all(tests: list[Test[T]]) -> Test[T]:
    if len(tests) == 1:
        return tests[0]
    return lambda row: all(test(row) for test in tests)


def _any(tests: list[Test[T]]) -> Test[T]:
    if not tests:
        return _every
    if len(tests) == 1:
        return tests[0]
    return lambda row: any(test(row) for test in tests)
