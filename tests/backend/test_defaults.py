"""Which hosts are opened when none is named, in libvirt's own order."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from tuivm.backend import defaults
from tuivm.backend.connection import short_name
from tuivm.backend.defaults import default_uris


@pytest.fixture(autouse=True)
def nothing_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(defaults, "system_sockets", lambda: [tmp_path / "system"])
    monkeypatch.setattr(defaults, "session_sockets", lambda: [tmp_path / "session"])
    monkeypatch.setattr(defaults, "configured_default", lambda: "")


def listen(path: Path) -> socket.socket:
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(path))
    server.listen()
    return server


def test_what_is_named_wins_once_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIBVIRT_DEFAULT_URI", "test:///env")
    assert default_uris(["a:///x", "b:///y", "a:///x"], ["c:///"]) == ["a:///x", "b:///y"]


def test_then_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIBVIRT_DEFAULT_URI", "test:///env")
    monkeypatch.setattr(defaults, "configured_default", lambda: "test:///conf")
    assert default_uris() == ["test:///env"]


def test_then_libvirts_configuration_then_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    assert default_uris((), ["qemu+ssh://kv1/system"]) == ["qemu+ssh://kv1/system"]
    monkeypatch.setattr(defaults, "configured_default", lambda: "test:///conf")
    assert default_uris((), ["qemu+ssh://kv1/system"]) == ["test:///conf"]


def test_then_what_answers_and_nothing_means_the_demo(tmp_path: Path) -> None:
    assert default_uris() == []
    (tmp_path / "system").touch()
    assert default_uris() == [], "a plain file is no daemon"
    (tmp_path / "system").unlink()
    with listen(tmp_path / "system"):
        assert default_uris() == ["qemu:///system"]
        with listen(tmp_path / "session"):
            both = {"qemu:///system", "qemu:///session"}
            assert set(default_uris()) == both
            first = "qemu:///system" if os.geteuid() == 0 else "qemu:///session"
            assert default_uris()[0] == first
    assert default_uris() == [], "a socket that nobody listens on any more"


def test_uri_default_is_read_as_libvirt_reads_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert defaults.configured_default() == ""
    (tmp_path / "libvirt").mkdir()
    conf = tmp_path / "libvirt/libvirt.conf"
    conf.write_text('# uri_default = "no:///"\n\nuri_default = "qemu+ssh://kv1/system"\n')
    assert defaults.configured_default() == "qemu+ssh://kv1/system"


@pytest.mark.parametrize(
    ("uri", "name"),
    [
        ("qemu+ssh://root@kv1.example.com:22/system", "kv1"),
        ("qemu+tls://10.0.0.1/system", "10.0.0.1"),
        ("test:///default", "test"),
        ("qemu+tcp://[2001:db8::1]/system", "2001:db8::1"),
        ("qemu+ssh://kv1/session", "kv1/session"),
    ],
)
def test_hosts_have_short_names(uri: str, name: str) -> None:
    assert short_name(uri, []) == name


def test_short_names_are_unique_and_harmless() -> None:
    taken: list[str] = []
    for _ in range(3):
        taken.append(short_name("qemu+ssh://kv1/system", taken))
    assert taken == ["kv1", "kv1-2", "kv1-3"]
    assert "\x1b" not in short_name("qemu+ssh://k\x1b[2J/system", [])
    assert short_name("", [])
