"""The configuration is read whole, or refused with the file, the key and the next step."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tuivm.core.config import Config, ConfigError, HostConfig, default_path, load

FULL = """
theme = "ansi-light"
ascii = true
low_bandwidth = true
readonly = true
refresh = 2.5
patience = 90
view = "my webs"
filter = "state:running"

[[hosts]]
name = "kv1"
uri = "qemu+ssh://root@kv1/system"

[[hosts]]
uri = "qemu:///system"
readonly = true

[console]
leave = "ctrl+a"
scrollback = 500
terminal = "avt"

[keys]
"domain.destroy" = ["K", "ctrl+k"]
domain.start = "u"
"nav.half_down" = []
"""


def write(path: Path, text: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def refused(path: Path, text: str | bytes) -> ConfigError:
    file = write(path / "config.toml", text)
    with pytest.raises(ConfigError) as caught:
        load(file)
    error = caught.value
    assert str(file) in error.title
    assert error.message
    assert error.hint
    assert str(error).isprintable()
    return error


def test_all_of_it(tmp_path: Path) -> None:
    file = write(tmp_path / "config.toml", FULL)
    config = load(file)
    assert config == Config(
        hosts=(
            HostConfig("qemu+ssh://root@kv1/system", "kv1"),
            HostConfig("qemu:///system", readonly=True),
        ),
        readonly=True,
        theme="ansi-light",
        ascii=True,
        low_bandwidth=True,
        refresh=2.5,
        patience=90.0,
        console_leave="ctrl+a",
        scrollback=500,
        terminal="avt",
        filter="state:running",
        view="my webs",
        keys={
            "domain.destroy": ("K", "ctrl+k"),
            "domain.start": ("u",),
            "nav.half_down": (),
        },
        path=file,
    )
    assert config.uris == ("qemu+ssh://root@kv1/system", "qemu:///system")


def test_nothing_is_everything_by_default(tmp_path: Path) -> None:
    assert load() == Config()
    assert load(write(tmp_path / "config.toml", "")) == Config(path=tmp_path / "config.toml")


def test_hosts_may_be_plain_uris(tmp_path: Path) -> None:
    config = load(write(tmp_path / "c", 'hosts = ["qemu:///system", "test:///default"]'))
    assert config.uris == ("qemu:///system", "test:///default")


def test_the_file_is_found_where_xdg_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert default_path() == tmp_path / "tuivm" / "config.toml"
    write(default_path(), 'theme = "x"')
    assert load().theme == "x"


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("thme = 'x'", "there is no setting thme", "did you mean theme?"),
        ("xyzzy = 1", "there is no setting xyzzy", "known here: ascii, console"),
        ("path = 'x'", "there is no setting path", ""),
        ("theme = 5", "theme is 5", "a text in quotes"),
        ("ascii = 'yes'", "ascii is 'yes'", "true or false"),
        ("refresh = 'fast'", "refresh is 'fast'", "a number from 0.5 to 60"),
        ("refresh = 0.1", "refresh is 0.1", "a number from 0.5 to 60"),
        ("refresh = true", "refresh is True", "a number"),
        ("refresh = nan", "refresh is nan", "a number"),
        ("patience = 1", "patience is 1", "5 to 3,600"),
        ("console = 5", "console is 5", "a table"),
        ("[console]\nlaeve = 'x'", "there is no setting console.laeve", "console.leave?"),
        ("[console]\nleave = 'nokey'", "console.leave is 'nokey'", "the name of a key"),
        ("[console]\nterminal = 'xterm'", "console.terminal is 'xterm'", '"auto", "ghostty"'),
        ("[console]\nterminal = []", "console.terminal is []", '"auto", "ghostty"'),
        ("[console]\nscrollback = -1", "console.scrollback is -1", "0 to 1,000,000"),
        ("hosts = 'x'", "hosts is 'x'", "[[hosts]]"),
        ("hosts = [5]", "hosts[1] is 5", "a table"),
        ("[[hosts]]\nname = 'x'", "hosts[1] has no uri", "qemu:///system"),
        ("[[hosts]]\nuri = 5", "hosts[1].uri is 5", "a text"),
        ("[[hosts]]\nuri = 'a'\nrdonly = true", "hosts[1].rdonly", "hosts[1].readonly?"),
        ("[[hosts]]\nuri = 'a'\nname='x'\n[[hosts]]\nuri = 'b'\nname='x'", "two hosts", "rename"),
        ("keys = 5", "keys is 5", "a table"),
        ("[keys]\n'domain.start' = 5", "keys.domain.start is 5", "a key or a list"),
        ("[keys]\n'domain.start' = 'nokey'", "keys.domain.start is 'nokey'", "name of a key"),
        ("[keys]\n'domain.start' = [5]", "keys.domain.start is 5", "name of a key"),
        ("theme = ", "line 1", "correct that line"),
        ("a = 1\n[broken", "line 2", "correct that line"),
        (b"theme = '\xff'", "byte 9 is not UTF-8", "save it as UTF-8"),
        ("theme = '\x1b[2J'", "", ""),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str | bytes, message: str, hint: str) -> None:
    error = refused(tmp_path, text)
    assert message in error.message
    assert hint in error.hint


def test_a_named_file_must_exist(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path / "missing.toml")
    assert "does not exist" in caught.value.message


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path)
    assert "directory" in caught.value.message


def test_keys_cannot_be_changed_afterwards(tmp_path: Path) -> None:
    keys: Any = load(write(tmp_path / "c", FULL)).keys
    with pytest.raises(TypeError):
        keys["x"] = ()
