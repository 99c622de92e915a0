"""The ``:`` line: virsh's verbs and options on named or marked VMs, and names of views."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from tuivm.core.columns import BY_ID
from tuivm.core.errors import TuivmError
from tuivm.core.grouping import Grouping
from tuivm.core.model import DomainKey
from tuivm.core.rows import Row
from tuivm.core.suggest import did_you_mean
from tuivm.core.tags import parse_change
from tuivm.core.text import sanitise
from tuivm.core.verbs import LIST_FILTERS, NAMES, OPTIONAL, Command, Option, virsh_only
from tuivm.core.words import Word, quote, split

VERBATIM = frozenset({"query", "line", "view"})
"""Arguments that are taken as they were typed: a filter, another program's command, a name."""


AFTER_ONE = frozenset({"text", "new-name"})
"""Arguments that take all words after the one that names a domain; without any the screen asks."""


class CommandError(TuivmError):
    """A command line that cannot be understood."""


@dataclass(frozen=True, slots=True)
class Invocation:
    """A command line, understood."""

    action_id: str
    """The action to do."""
    targets: tuple[Word, ...] = ()
    """Names and patterns for ``resolve``; empty means the marked VMs or the cursor's."""
    args: dict[str, str] = field(default_factory=dict)
    """Arguments of the action. For ``app.filter`` ``query``; for ``list.sort`` ``column`` and
    ``descending`` (on, off, or absent for the column's own way); for ``list.group``
    ``grouping`` (a word of ``Grouping``); for ``view.details``
    ``tab``; for ``view.run`` and ``view.virsh`` ``line``; for ``list.export`` ``path``; for
    ``list.views`` ``view`` (empty to choose one); for ``view.tags`` ``change``; for
    ``view.describe`` ``text`` and ``what`` (title, or absent for the description); for
    ``view.rename`` ``new-name``; for those on hosts ``host``."""


def parse(line: str) -> Invocation | None:
    """Understand a line; None for an empty one. Raises ``CommandError``."""
    words = split(line)
    if not words:
        return None
    command = _command(words[0])
    if command.rest in VERBATIM:
        # These have quotes of their own.
        return Invocation(command.action_id, args={command.rest: line[words[0].end :].strip()})
    return _Parser(command).parse(words[1:])


def _command(word: Word) -> Command:
    name = word.text.lstrip(":")
    command = NAMES.get(name)
    if command is not None:
        return command
    shown = sanitise(name, 40)
    if virsh_only(name):
        raise CommandError(
            f"No {shown} here yet",
            "virsh has it, tuivm in a later release",
            hint=f"in a shell: virsh {shown}",
        )
    hint = did_you_mean(name, NAMES) or "tab lists them all"
    raise CommandError("Unknown command", f"there is no {shown}", hint=hint)


class _Parser:
    """Reads one command's words."""

    def __init__(self, command: Command) -> None:
        self._command = command
        self._action_id = command.action_id
        self._args: dict[str, str] = dict(command.args)
        self._given: list[str] = []
        self._words: list[Word] = []

    def parse(self, words: Sequence[Word]) -> Invocation:
        options = True
        queue = list(words)
        while queue:
            word = queue.pop(0)
            if options and not word.quoted and word.text == "--":
                options = False
            elif options and word.text.startswith("-") and self._takes(word):
                self._option(word, queue)
            else:
                self._words.append(word)
        return self._finish()

    def _takes(self, word: Word) -> bool:
        """Tell an option from a tag to be taken away: ``-old``."""
        return _is_option(word) and (self._command.rest != "change" or word.text.startswith("--"))

    def _option(self, word: Word, queue: list[Word]) -> None:
        name, equals, value = word.text.lstrip("-").partition("=")
        if name == "domain" and self._command.domains:
            taken = word._replace(text=value, quoted=True) if equals else self._next(name, queue)
            self._words.append(taken)
            return
        option = self._command.option(name)
        if option is None:
            raise self._unknown(name)
        self._given.append(name)
        if option.value:
            self._args[name] = self._value(
                option, value if equals else self._next(name, queue).text
            )
        elif equals:
            raise self._error(f"--{name} takes no value", f"write --{name} alone")
        self._args.update(option.args)
        if option.action_id:
            if self._action_id not in (self._command.action_id, option.action_id):
                raise self._error(
                    f"--{name} does not go with what stands before it", "leave one of them out"
                )
            self._action_id = option.action_id

    def _next(self, name: str, queue: list[Word]) -> Word:
        if not queue:
            raise self._error(f"--{name} needs a value", f"write it after --{name}")
        return queue.pop(0)

    def _value(self, option: Option, value: str) -> str:
        for part in value.split(",") if option.values else ():
            if part not in option.values:
                hint = did_you_mean(part, option.values)
                known = f"--{option.name} takes {', '.join(option.values)}"
                shown = sanitise(part, 40) or "nothing"
                raise self._error(f"--{option.name} cannot be {shown}", f"{hint} {known}".strip())
        return value

    def _unknown(self, name: str) -> CommandError:
        command = self._command
        shown = sanitise(name, 40)
        if name in command.refused:
            return self._error(f"--{shown} is not here", command.refused[name])
        names = [option.name for option in command.options]
        hint = did_you_mean(name, names).replace("mean ", "mean --")
        known = (
            f"it takes {', '.join(f'--{known}' for known in names)}" if names else "it takes none"
        )
        if not hint:
            known += "; a name that begins with - goes in quotes"
        return self._error(f"there is no option --{shown}", hint or known)

    def _error(self, message: str, hint: str) -> CommandError:
        return CommandError(f"Cannot do {self._command.name}", message, hint=hint)

    def _finish(self) -> Invocation:
        command = self._command
        words = tuple(self._words)
        if command.name == "list":
            if words:
                raise self._error(
                    f"it takes options, not {sanitise(words[0].text, 40)}", "/ filters by name"
                )
            self._args["query"] = self._list_query()
            words = ()
        elif command.rest == "column":
            self._args.update(self._column(words))
            words = ()
        elif command.rest == "grouping":
            self._args.update(self._grouping(words))
            words = ()
        elif command.rest in OPTIONAL:
            if words:
                self._args[command.rest] = " ".join(word.text for word in words)
            words = ()
        elif command.rest == "change":
            changes = [word.text for word in words if _is_change(word)]
            words = tuple(word for word in words if not _is_change(word))
            if changes:
                self._args["change"] = " ".join(changes)
                parse_change(self._args["change"])
        elif command.rest == "disk":
            if len(words) > 1:
                self._args["disk"] = words[-1].text
            words = words[: max(1, len(words) - 1)]
        elif command.rest in AFTER_ONE:
            text = " ".join(word.text for word in words[1:])
            self._args |= {command.rest: text} if len(words) > 1 else {}
            words = words[:1]
        elif command.rest:
            words, rest = _split_rest(words)
            if not rest:
                raise self._error("it needs keys", "e.g. send-key web01 KEY_LEFTCTRL KEY_C")
            self._args[command.rest] = " ".join(word.text for word in rest)
        elif words and not command.domains:
            raise self._error(f"it takes no {sanitise(words[0].text, 40)}", "leave that out")
        return Invocation(self._action_id, words, self._args)

    def _list_query(self) -> str:
        filters = [LIST_FILTERS[name][0] for name in self._given if name in LIST_FILTERS]
        states = [text.removeprefix("state:") for text in filters if text.startswith("state:")]
        others = [text for text in filters if text and not text.startswith("state:")]
        if "all" in self._given:
            states = []
        elif not states and not others:
            states = ["active"]
        return " ".join([*([f"state:{','.join(states)}"] if states else []), *others])

    def _grouping(self, words: Sequence[Word]) -> Mapping[str, str]:
        if not words:
            return {}
        word = words[-1].text.lower().rstrip("s")
        if len(words) > 1 or word not in tuple(Grouping):
            hint = did_you_mean(word, Grouping) or f"write {', '.join(Grouping)}"
            raise self._error(f"nothing is grouped by {sanitise(words[-1].text, 40)}", hint)
        return {"grouping": word}

    def _column(self, words: Sequence[Word]) -> Mapping[str, str]:
        if not words:
            return {}
        name = words[0].text.lower()
        column = BY_ID.get(name) or next(
            (column for column in BY_ID.values() if column.header.lower().rstrip("%") == name), None
        )
        if column is None:
            hint = did_you_mean(name, BY_ID) or f"columns: {', '.join(BY_ID)}"
            raise self._error(f"there is no column {sanitise(name, 40)}", hint)
        if len(words) == 1:
            return {"column": column.id}
        way = words[1].text.lower()
        if len(words) > 2 or way not in ("asc", "desc"):
            raise self._error(
                f"{sanitise(words[-1].text, 40)} is not a direction", "write asc or desc"
            )
        return {"column": column.id, "descending": "on" if way == "desc" else "off"}


def _is_option(word: Word) -> bool:
    """Quoted words are names, except where only an option's value is quoted."""
    return not word.quoted or (word.text.startswith("--") and "=" in word.text)


def _is_change(word: Word) -> bool:
    return not word.quoted and word.text[:1] in ("+", "-")


def _split_rest(words: Sequence[Word]) -> tuple[tuple[Word, ...], tuple[Word, ...]]:
    """Tell the domain from the keys: the first word is a domain unless it is a key."""
    if words and not is_key(words[0].text):
        return tuple(words[:1]), tuple(words[1:])
    return (), tuple(words)


def is_key(word: str) -> bool:
    """Tell whether a word of ``send-key`` names keys rather than a VM."""
    folded = word.lower()
    return folded.startswith(("key_", "ctrl-", "ctrl+", "alt-", "sysrq-")) or folded.isdecimal()


# -- names to domains -----------------------------------------------------------------------


def resolve(words: Sequence[Word], rows: Mapping[DomainKey, Row]) -> tuple[DomainKey, ...]:
    """Find the domains that words name, in natural order. Raises ``CommandError``.

    A word is a name, a UUID, an id, or a pattern with ``*``, ``?`` and ``[]``; before it may
    stand a host and a slash. A name that several hosts have must say which.
    """
    found: dict[DomainKey, Row] = {}
    for word in words:
        for row in _find(word, rows):
            found[row.key] = row
    return tuple(row.key for row in sorted(found.values(), key=lambda row: row.sort_name))


def _find(word: Word, rows: Mapping[DomainKey, Row]) -> list[Row]:
    text = word.text
    for exact in (_by_name, _by_host_and_name, _by_uuid, _by_id):
        matches = [row for row in rows.values() if exact(row, text)]
        if len(matches) > 1:
            raise _ambiguous(text, matches)
        if matches:
            return matches
    shown = sanitise(text, 60)
    if not word.quoted and any(char in text for char in "*?["):
        matches = [row for row in rows.values() if _by_pattern(row, text)]
        if matches:
            return matches
        raise CommandError("No such VM", f"no name matches {shown}", hint="tab lists the names")
    names = [row.domain.name for row in rows.values()]
    hint = did_you_mean(text, names) or "tab lists the names"
    raise CommandError("No such VM", f"there is no {shown}", hint=hint)


def _by_name(row: Row, text: str) -> bool:
    return row.domain.name == text


def _by_host_and_name(row: Row, text: str) -> bool:
    return f"{row.key.host}/{row.domain.name}" == text


def _by_uuid(row: Row, text: str) -> bool:
    return row.key.uuid == text.lower()


def _by_id(row: Row, text: str) -> bool:
    return row.domain.id is not None and str(row.domain.id) == text


def _by_pattern(row: Row, text: str) -> bool:
    name = row.domain.name
    return fnmatchcase(name, text) or fnmatchcase(f"{row.key.host}/{name}", text)


def _ambiguous(text: str, matches: Sequence[Row]) -> CommandError:
    hosts = sorted({row.key.host for row in matches})
    if len(hosts) > 1:
        choices = [quote(f"{host}/{text}") for host in hosts[:3]]
        hint = f"write {' or '.join(choices)}"
    else:
        hint = f"write its UUID: {matches[0].key.uuid}"
    return CommandError(
        "Which VM?", f"{sanitise(text, 60)} is the name of {len(matches)} VMs", hint=hint
    )
