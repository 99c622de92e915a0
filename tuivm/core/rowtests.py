"""How a field's value in a filter becomes a test of rows, or of what else is filtered."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from fnmatch import translate
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import NamedTuple, TypeVar

from tuivm.core.model import Domain, Facts, State
from tuivm.core.rows import Row
from tuivm.core.suggest import did_you_mean
from tuivm.core.text import sanitise

T = TypeVar("T")
"""What is filtered: a row, a line of the event log."""
Maybe = Callable[[T], "bool | None"]
"""A test; None where the value is not known."""
Build = Callable[[str, str, bool], Maybe[T]]
"""(sign, value, quoted) to a test; raises ``ValueProblem``."""


class ValueProblem(Exception):
    """A value that a field does not take; ``parse`` makes a ``QueryError`` of it."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


def _alternatives(value: str, quoted: bool) -> list[str]:
    return [value] if quoted else [part for part in value.split(",") if part] or [value]


def _no_comparison(sign: str) -> None:
    if sign not in ":=":
        raise ValueProblem(f"{sign} compares numbers only", "write field:value")


# -- texts --------------------------------------------------------------------------------


def _matcher(sign: str, value: str, start: bool) -> Callable[[str], bool]:
    """Compare a folded text: ``=`` whole, globs whole, else a part of it or its start."""
    value = value.casefold()
    if sign == "=":
        return lambda text: text == value
    if "*" in value or "?" in value:
        found = re.compile(translate(value)).match
        return lambda text: found(text) is not None
    if start:
        return lambda text: text.startswith(value)
    return lambda text: value in text


def texts(get: Callable[[T], Iterable[str] | None], *, start: bool = False) -> Build[T]:
    """Test texts for a part, or with ``start`` for their beginning."""

    def build(sign: str, value: str, quoted: bool) -> Maybe[T]:
        _no_comparison(sign)
        tests = [_matcher(sign, part, start) for part in _alternatives(value, quoted)]

        def test(found: T) -> bool | None:
            known = get(found)
            if known is None:
                return None
            return any(match(text.casefold()) for text in known for match in tests)

        return test

    return build


def fact_texts(get: Callable[[Facts], Iterable[str]]) -> Build[Row]:
    """Test texts that the XML tells."""
    return texts(lambda row: None if row.domain.facts is None else get(row.domain.facts))


def _addresses(row: Row) -> list[str] | None:
    return [address.ip for address in row.domain.addresses] or None


_address_texts = texts(_addresses, start=True)


def addresses(sign: str, value: str, quoted: bool) -> Maybe[Row]:
    """Test addresses by their start, a glob, or a network such as ``10.0.0.0/8``."""
    if "/" not in value:
        return _address_texts(sign, value, quoted)
    _no_comparison(sign)
    try:
        network = ip_network(value, strict=False)
    except ValueError:
        raise ValueProblem(
            f"{sanitise(value, 40)} is not a network", "write ip:10. or ip:10.0.0.0/8"
        ) from None

    def test(row: Row) -> bool | None:
        known = _addresses(row)
        return None if known is None else any(_inside(text, network) for text in known)

    return test


def _inside(text: str, network: IPv4Network | IPv6Network) -> bool:
    try:
        return ip_address(text) in network
    except ValueError:
        return False


# -- states and switches ------------------------------------------------------------------

STATES: dict[str, Maybe[Row]] = {
    "running": lambda row: row.domain.state is State.RUNNING,
    "paused": lambda row: row.domain.state is State.PAUSED,
    "stopping": lambda row: row.domain.state is State.STOPPING,
    "off": lambda row: row.domain.state is State.OFF,
    "shutoff": lambda row: row.domain.state is State.OFF,
    "crashed": lambda row: row.domain.state is State.CRASHED,
    "suspended": lambda row: row.domain.state is State.SUSPENDED,
    "unknown": lambda row: row.domain.state is State.UNKNOWN,
    "active": lambda row: row.domain.state.active,
    "inactive": lambda row: not row.domain.state.active,
    "saved": lambda row: row.domain.saved,
    "fault": lambda row: row.domain.faulty,
    "pending": lambda row: row.pending is not None,
    "stale": lambda row: row.stale,
}
"""What ``state:`` takes, and what a bare word may name."""


def states(sign: str, value: str, quoted: bool) -> Maybe[Row]:
    """Test for one of several states."""
    _no_comparison(sign)
    tests = [STATES[_named(part.casefold(), STATES)] for part in _alternatives(value, quoted)]
    if len(tests) == 1:
        return tests[0]
    return lambda row: any(test(row) for test in tests)


def _named(value: str, known: Iterable[str]) -> str:
    """Find a value by its name or the start of one, so that typing it is never an error."""
    names = list(known)
    found = value if value in names else next((n for n in names if n.startswith(value)), None)
    if found is None:
        hint = f"{did_you_mean(value, names)} known: {', '.join(names)}"
        raise ValueProblem(f"there is no {sanitise(value, 40)}", hint.strip())
    return found


_SWITCH = {"yes": True, "no": False, "on": True, "off": False, "true": True, "false": False}
_SWITCH |= {"1": True, "0": False}


def flags(get: Callable[[Row], bool | None]) -> Build[Row]:
    """Test a yes or no of a row."""

    def build(sign: str, value: str, quoted: bool) -> Maybe[Row]:
        _no_comparison(sign)
        wanted = _SWITCH[_named(value.casefold(), _SWITCH)]

        def test(row: Row) -> bool | None:
            known = get(row)
            return None if known is None else known is wanted

        return test

    return build


def domain_flags(get: Callable[[Domain], bool | None]) -> Build[Row]:
    """Test a yes or no of a domain."""
    return flags(lambda row: get(row.domain))


def fact_flags(get: Callable[[Facts], bool | None]) -> Build[Row]:
    """Test a yes or no that the XML tells."""
    return flags(lambda row: None if row.domain.facts is None else get(row.domain.facts))


# -- numbers ------------------------------------------------------------------------------


class Unit(NamedTuple):
    """How a number may be written."""

    factors: dict[str, float]
    required: bool
    """True when a bare number could mean several things."""
    example: str


_BYTES = {
    **{suffix: 1024.0**power for power, suffix in enumerate("bkmgtp")},
    **{f"{suffix}b": 1024.0**power for power, suffix in enumerate("kmgtp", 1)},
    **{f"{suffix}ib": 1024.0**power for power, suffix in enumerate("kmgtp", 1)},
}
PLAIN = Unit({"%": 1.0}, False, "50")
SIZE = Unit(_BYTES, True, "2G or 512M")
RATE = Unit({**_BYTES, **{f"{name}/s": factor for name, factor in _BYTES.items()}}, False, "1M")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
SPAN = Unit(_SECONDS, True, "90s, 5m, 2h, 1d or 1w")
_NUMBER = re.compile(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)([a-z%/]*)")


def amount(value: str, unit: Unit) -> float:
    """Read a number with its unit. Raises ``ValueProblem``."""
    found = _NUMBER.fullmatch(value.casefold())
    if found is None:
        raise ValueProblem(f"{sanitise(value, 40)} is not a number", f"write {unit.example}")
    number, suffix = float(found[1]), found[2]
    if suffix in unit.factors:
        return number * unit.factors[suffix]
    if suffix:
        raise ValueProblem(f"there is no unit {sanitise(suffix, 20)}", f"write {unit.example}")
    if unit.required and number:
        raise ValueProblem(f"{value} has no unit", f"write {unit.example}")
    return number


def _equal(known: float, wanted: float) -> bool:
    """Compare as precisely as the list shows a percentage."""
    return round(known, 1) == round(wanted, 1)


_SIGNS: dict[str, Callable[[float, float], bool]] = {
    ":": _equal,
    "=": _equal,
    ">": lambda known, wanted: known > wanted,
    "<": lambda known, wanted: known < wanted,
    ">=": lambda known, wanted: known >= wanted,
    "<=": lambda known, wanted: known <= wanted,
}


def numbers(get: Callable[[T], float | None], unit: Unit) -> Build[T]:
    """Compare a number."""

    def build(sign: str, value: str, quoted: bool) -> Maybe[T]:
        wanted = amount(value, unit)
        compare = _SIGNS[sign]

        def test(found: T) -> bool | None:
            known = get(found)
            return None if known is None else compare(known, wanted)

        return test

    return build
