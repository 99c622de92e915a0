"""The configuration file: TOML in the user's configuration folder, read into frozen structs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from platformdirs import user_config_path

from tuivm.core.errors import TuivmError
from tuivm.core.hostconfig import COLOURS, NAME_LENGTH, HostConfig, same_uri
from tuivm.core.tags import is_tag
from tuivm.core.text import sanitise

__all__ = ["Config", "ConfigError", "HostConfig", "default_path", "load", "read_text"]

CONFIG_NAME = "config.toml"
TERMINALS = ("auto", "ghostty", "avt")
"""What ``console.terminal`` may be."""


class ConfigError(TuivmError):
    """A configuration file that cannot be used; the title names the file."""


class Config(NamedTuple):
    """The whole configuration; every default is what an empty file gives."""

    hosts: tuple[HostConfig, ...] = ()
    """The hosts to open when neither ``-c`` nor libvirt's own settings name one."""
    readonly: bool = False
    """True refuses every verb that changes something, on all hosts."""
    theme: str = ""
    """A theme's name; empty follows the terminal."""
    ascii: bool = False
    """True draws with ASCII alone."""
    low_bandwidth: bool = False
    """True writes as little to the terminal as one can, as ``--low-bandwidth`` does."""
    refresh: float = 1.0
    """Seconds between two samples of statistics, 0.5 to 60."""
    patience: float = 60.0
    """Seconds after which the log says that a verb had no effect, 5 to 3600."""
    console_leave: str = "ctrl+right_square_bracket"
    """The key that leaves a console, as ``core.keys`` names it."""
    scrollback: int = 10_000
    """Lines that a console keeps, 0 to 1,000,000."""
    terminal: str = "auto"
    """The terminal emulator of consoles: ``auto``, ``ghostty`` or ``avt``."""
    filter: str = ""
    """The filter with which the list opens."""
    view: str = ""
    """The saved view with which the list opens."""
    keep_events: bool = False
    """True keeps the event log from one run to the next, in the user's state folder."""
    keys: Mapping[str, tuple[str, ...]] = MappingProxyType({})
    """Action id to its keys, instead of the default ones; none takes them away."""
    path: Path | None = None
    """The file that this was read from, or None."""

    @property
    def uris(self) -> tuple[str, ...]:
        """The hosts' URIs."""
        return tuple(host.uri for host in self.hosts)

    def host(self, uri: str) -> HostConfig | None:
        """What is said of the host of a URI, or None."""
        return next((host for host in self.hosts if same_uri(host.uri, uri)), None)


def default_path() -> Path:
    """Return where the file is looked for: ``$XDG_CONFIG_HOME/tuivm/config.toml``."""
    return user_config_path("tuivm") / CONFIG_NAME


def load(path: Path | None = None) -> Config:
    """Read the configuration. Raises ``ConfigError``.

    Without a path the default one is read, which may be missing; a named file must exist.
    """
    named = path is not None
    file = default_path() if path is None else path
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        if not named:
            return Config()
        raise _error(file, "it does not exist", "check the path given with --config") from error
    except OSError as error:
        raise _error(file, error.strerror or str(error), "make it readable, or move it") from error
    except UnicodeDecodeError as error:
        raise _error(file, f"byte {error.start} is not UTF-8", "save it as UTF-8") from error
    return read_text(text, file)


def read_text(text: str, file: Path) -> Config:
    """Read a configuration's text; ``file`` is what errors name. Raises ``ConfigError``."""
    import tomllib

    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        last = text.count("\n") + 1
        message = str(error).replace("at end of document", f"at the end, line {last}")
        raise _error(file, sanitise(message), "correct that line") from error
    return _Reader(file).read(raw)


def _error(file: Path, message: str, hint: str) -> ConfigError:
    return ConfigError(f"Cannot use {sanitise(str(file), 200)}", message, hint=hint)


class _Reader:
    """Checks one file's tables and turns them into structs; errors name the key."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def read(self, raw: Mapping[str, Any]) -> Config:
        known = set(Config._fields) - {
            "path",
            "console_leave",
            "scrollback",
            "terminal",
        }
        self._check_names(raw, known | {"console"}, "")
        values: dict[str, Any] = {"path": self._file}
        readers: dict[str, Callable[[str, Any], Any]] = {
            "hosts": self._hosts,
            "readonly": self._flag,
            "theme": self._text,
            "ascii": self._flag,
            "low_bandwidth": self._flag,
            "refresh": lambda key, value: self._number(key, value, 0.5, 60),
            "patience": lambda key, value: self._number(key, value, 5, 3600),
            "filter": self._text,
            "view": self._text,
            "keep_events": self._flag,
            "keys": self._keys,
        }
        for key, value in raw.items():
            if key == "console":
                values |= self._console(value)
            else:
                values[key] = readers[key](key, value)
        return Config(**values)

    def _console(self, table: Any) -> dict[str, Any]:
        self._table("console", table)
        self._check_names(table, {"leave", "scrollback", "terminal"}, "console.")
        values: dict[str, Any] = {}
        if "leave" in table:
            values["console_leave"] = self._key("console.leave", table["leave"])
        if "scrollback" in table:
            lines = self._number("console.scrollback", table["scrollback"], 0, 1_000_000)
            values["scrollback"] = int(lines)
        if "terminal" in table:
            if table["terminal"] not in TERMINALS:
                raise self._wrong(
                    "console.terminal", table["terminal"], '"auto", "ghostty" or "avt"'
                )
            values["terminal"] = table["terminal"]
        return values

    def _hosts(self, key: str, value: Any) -> tuple[HostConfig, ...]:
        if not isinstance(value, list):
            raise self._wrong(key, value, 'a list of tables, each headed "[[hosts]]"')
        hosts: list[HostConfig] = []
        for number, table in enumerate(value, 1):
            where = f"hosts[{number}]"
            if isinstance(table, str):
                table = {"uri": table}
            self._table(where, table)
            host = self._host(where, table)
            for other, before in enumerate(hosts, 1):
                if host.name and host.name == before.name:
                    message = f"{where}.name: two hosts are called {sanitise(host.name)!r}"
                    raise _error(self._file, message, "rename one")
                if same_uri(host.uri, before.uri):
                    message = f"{where}.uri is that of hosts[{other}]: {sanitise(host.uri, 120)}"
                    raise _error(self._file, message, "remove one of the two")
            hosts.append(host)
        return tuple(hosts)

    def _host(self, where: str, table: Mapping[str, Any]) -> HostConfig:
        self._check_names(table, set(HostConfig._fields), f"{where}.")
        uri = self._text(f"{where}.uri", table.get("uri", "")).strip()
        if not uri:
            raise _error(self._file, f"{where} has no uri", 'add one, e.g. uri = "qemu:///system"')
        colour = self._text(f"{where}.colour", table.get("colour", ""))
        if colour and colour not in COLOURS:
            raise self._wrong(f"{where}.colour", colour, f"one of {', '.join(COLOURS)}")
        tags = table.get("tags", [])
        if not isinstance(tags, list):
            raise self._wrong(f"{where}.tags", tags, 'a list of words, e.g. ["prod", "rack-3"]')
        for tag in tags:
            if not isinstance(tag, str) or not is_tag(tag):
                raise self._wrong(f"{where}.tags", tag, "words without blanks")
        return HostConfig(
            uri,
            sanitise(self._text(f"{where}.name", table.get("name", "")).strip(), NAME_LENGTH),
            self._flag(f"{where}.readonly", table.get("readonly", False)),
            colour,
            tuple(tags),
            self._flag(f"{where}.autoconnect", table.get("autoconnect", True)),
        )

    def _keys(self, key: str, value: Any) -> Mapping[str, tuple[str, ...]]:
        self._table(key, value)
        keys: dict[str, tuple[str, ...]] = {}
        for action_id, names in _flat(value):
            where = f"{key}.{action_id}"
            listed = [names] if isinstance(names, str) else names
            if not isinstance(listed, list):
                raise self._wrong(where, names, 'a key or a list of keys, e.g. ["x", "ctrl+x"]')
            keys[action_id] = tuple(self._key(where, name) for name in listed)
        return MappingProxyType(keys)

    def _key(self, where: str, value: Any) -> str:
        from tuivm.core.keys import key_id

        name = key_id(value) if isinstance(value, str) and value else None
        if name is None:
            raise self._wrong(where, value, 'the name of a key, e.g. "x", "ctrl+x", "f5", "/"')
        return name

    def _flag(self, key: str, value: Any) -> bool:
        if not isinstance(value, bool):
            raise self._wrong(key, value, "true or false")
        return value

    def _text(self, key: str, value: Any) -> str:
        if not isinstance(value, str):
            raise self._wrong(key, value, "a text in quotes")
        return value

    def _number(self, key: str, value: Any, low: float, high: float) -> float:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not low <= value <= high:
            raise self._wrong(key, value, f"a number from {low:,} to {high:,}")
        return float(value)

    def _table(self, key: str, value: Any) -> None:
        if not isinstance(value, dict):
            raise self._wrong(key, value, "a table")

    def _wrong(self, key: str, value: Any, wanted: str) -> ConfigError:
        shown = sanitise(repr(value), 60)
        return _error(self._file, f"{key} is {shown}", f"write {wanted}")

    def _check_names(self, table: Mapping[str, Any], known: set[str], prefix: str) -> None:
        for name in table:
            if name in known:
                continue
            close = get_close_matches(name, known, 1)
            hint = f"did you mean {prefix}{close[0]}?" if close else ""
            hint = hint or f"known here: {', '.join(sorted(known))}"
            raise _error(self._file, f"there is no setting {prefix}{sanitise(name, 60)}", hint)


def _flat(table: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    """Flatten ``[keys.domain]`` tables, which TOML makes of unquoted dotted names."""
    found: list[tuple[str, Any]] = []
    for name, value in table.items():
        if isinstance(value, dict):
            found += _flat(value, f"{prefix}{name}.")
        else:
            found.append((prefix + name, value))
    return found
