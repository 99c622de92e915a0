"""Writes hosts into the configuration file; all else in it stays, to the byte.

The file is read afresh each time, so that what somebody else changed meanwhile is kept. May
wait for a disk: not for the UI thread.
"""

from __future__ import annotations

import os
import re
import tempfile
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tuivm.core.config import Config, ConfigError, read_text
from tuivm.core.errors import TuivmError
from tuivm.core.files import make_folder
from tuivm.core.hostconfig import HostConfig
from tuivm.core.text import sanitise

_ATTEMPTS = 3
"""Times that it is begun anew because somebody else wrote the file meanwhile."""
_HEADER = re.compile(r"\s*\[")
_HOSTS = re.compile(r"""\s*\[\[\s*(hosts|"hosts"|'hosts')\s*\]\]""")
_BLANK = re.compile(r"\s*(#.*)?$")

Edit = Callable[[str, Config], str]
"""Makes the file's new text of its old one, which reads as that configuration."""


def keep(path: Path, host: HostConfig, uri: str = "", *, also: Sequence[HostConfig] = ()) -> Config:
    """Write a host: in the table of ``uri`` where there is one, else in a new one at the end.

    ``also`` are hosts to be written before it unless they are there. Returns what the file
    says then. Raises ``TuivmError``; the file is as it was.
    """

    def edit(text: str, config: Config) -> str:
        for other in also:
            if config.host(other.uri) is None:
                text, config = _grown(text, config, other, path)
        old = config.host(uri) if uri else None
        if old is None:
            return _grown(text, config, host, path)[0]
        return _changed(text, config, config.hosts.index(old), host)

    return _write(path, edit)


def forget(path: Path, uri: str) -> Config:
    """Take a host's table out; returns what the file says then. Raises ``TuivmError``."""

    def edit(text: str, config: Config) -> str:
        old = config.host(uri)
        return text if old is None else _shrunk(text, config, config.hosts.index(old))

    return _write(path, edit)


# -- texts --------------------------------------------------------------------------------


def _grown(text: str, config: Config, host: HostConfig, path: Path) -> tuple[str, Config]:
    import tomlkit

    if _inline(text):
        document = tomlkit.parse(text)
        document["hosts"].append(_inline_entry(host))
        new = document.as_string()
    else:
        table = tomlkit.table()
        _fill(table, host)
        lines = text.splitlines(keepends=True)
        if lines and not lines[-1].endswith("\n"):
            lines[-1] += "\n"
        spans = _spans(lines)
        place = _after_comments(lines, spans[-1][1]) if spans else len(lines)
        made = ["[[hosts]]\n", *table.as_string().splitlines(keepends=True)]
        before = ["\n"] if place and lines[place - 1].strip() else []
        after = ["\n"] if place < len(lines) and lines[place].strip() else []
        new = "".join([*lines[:place], *before, *made, *after, *lines[place:]])
    return new, read_text(new, path)


def _changed(text: str, config: Config, place: int, host: HostConfig) -> str:
    import tomlkit

    if _inline(text):
        document = tomlkit.parse(text)
        document["hosts"][place] = _inline_entry(host)
        return document.as_string()
    lines = text.splitlines(keepends=True)
    begin, end = _spans(lines)[place]
    # By itself: in a whole document new keys would go below the next table's comments.
    part = tomlkit.parse("".join(lines[begin:end]))
    table: Any = part["hosts"]
    _fill(table[0], host, config.hosts[place])
    made = part.as_string()
    return "".join([*lines[:begin], made, *lines[end:]])


def _shrunk(text: str, config: Config, place: int) -> str:
    import tomlkit

    if _inline(text):
        document = tomlkit.parse(text)
        del document["hosts"][place]
        return document.as_string()
    lines = text.splitlines(keepends=True)
    begin, end = _spans(lines)[place]
    before, after = lines[:begin], lines[end:]
    while after and not after[0].strip() and (not before or not before[-1].strip()):
        del after[0]
    return "".join([*before, *after])


def _inline(text: str) -> bool:
    """Tell whether the hosts are a list in brackets."""
    return isinstance(tomllib.loads(text).get("hosts"), list) and not _spans(
        text.splitlines(keepends=True)
    )


def _spans(lines: Sequence[str]) -> list[tuple[int, int]]:
    """The lines of every ``[[hosts]]`` table, without comments and blank lines at its end."""
    heads = [number for number, line in enumerate(lines) if _HEADER.match(line)]
    # What looks like a head may stand in a list or a text of several lines.
    heads = [number for number in heads if _complete(lines[:number])]
    found = []
    for begin, end in zip(heads, [*heads, len(lines)][1:], strict=True):
        if _HOSTS.match(lines[begin]):
            while _BLANK.match(lines[end - 1]) and end > begin + 1:
                end -= 1
            found.append((begin, end))
    return found


def _complete(lines: Sequence[str]) -> bool:
    try:
        tomllib.loads("".join(lines))
    except tomllib.TOMLDecodeError:
        return False
    return True


def _after_comments(lines: Sequence[str], place: int) -> int:
    """Skip comments that stand directly below what they belong to."""
    while place < len(lines) and lines[place].lstrip().startswith("#"):
        place += 1
    return place


def _fill(table: Any, host: HostConfig, old: HostConfig | None = None) -> None:
    """Write what differs from ``old``; of a new table, what differs from the defaults."""
    like = HostConfig("") if old is None else old
    for name in HostConfig._fields:
        value = getattr(host, name)
        if value == getattr(like, name):
            continue
        if value in ("", ()):
            table.pop(name, None)
        else:
            table[name] = list(value) if isinstance(value, tuple) else value


def _inline_entry(host: HostConfig) -> Any:
    import tomlkit

    if host == HostConfig(host.uri):
        return host.uri
    entry = tomlkit.inline_table()
    _fill(entry, host)
    return entry


# -- the file -----------------------------------------------------------------------------


def _write(path: Path, edit: Edit) -> Config:
    # Where the file is a link, into somebody's collection of settings, it stays one.
    file = Path(os.path.realpath(path))
    for _ in range(_ATTEMPTS):
        try:
            before, text = _stamp(file), _read(file)
            config = read_text(text, path)
            new = edit(text, config)
            if "\r\n" in text:
                new = re.sub(r"\r?\n", "\r\n", new)
            found = read_text(new, path)
            if found._replace(hosts=()) != config._replace(hosts=()):
                raise _failed(path, "its hosts are written in a way that tuivm cannot change")
            if new == text or _replace(file, new, before):
                return found
        except ConfigError:
            raise
        except OSError as error:
            raise _failed(path, sanitise(error.strerror or str(error))) from error
        except UnicodeDecodeError as error:
            raise _failed(path, f"byte {error.start} is not UTF-8") from error
    raise _failed(path, "somebody else writes it all the time")


def _failed(path: Path, why: str) -> TuivmError:
    return TuivmError(
        f"Cannot write {sanitise(str(path), 200)}", why, hint="make it writable, or edit it by hand"
    )


Stamp = tuple[int, int, int] | None


def _stamp(file: Path) -> Stamp:
    try:
        found = file.stat()
    except FileNotFoundError:
        return None
    return (found.st_ino, found.st_mtime_ns, found.st_size)


def _read(file: Path) -> str:
    try:
        return file.read_bytes().decode("utf-8")
    except FileNotFoundError:
        return ""


def _replace(file: Path, text: str, before: Stamp) -> bool:
    """Put a text in a file's place, whole or not at all; False when it was changed meanwhile."""
    make_folder(file)
    descriptor, name = tempfile.mkstemp(prefix=".tuivm-", dir=file.parent)
    try:
        with open(descriptor, "wb") as out:
            out.write(text.encode("utf-8"))
            out.flush()
            os.fsync(out.fileno())
            if before is not None:
                _like(out.fileno(), file)
        if _stamp(file) != before:
            os.unlink(name)
            return False
        os.replace(name, file)
    except OSError:
        os.unlink(name)
        raise
    return True


def _like(descriptor: int, file: Path) -> None:
    """Give the new file the old one's mode and, where that is possible, its owner."""
    found = file.stat()
    os.fchmod(descriptor, found.st_mode & 0o7777)
    if (found.st_uid, found.st_gid) != (os.geteuid(), os.getegid()):
        try:
            os.fchown(descriptor, found.st_uid, found.st_gid)
        except PermissionError:
            return
        os.fchmod(descriptor, found.st_mode & 0o7777)
