"""Reading QEMU's log: where it is, what may not be read, and what comes out clean."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tuivm.backend.log import LIMIT, log_folder, read_log
from tuivm.core.errors import TuivmError


def test_the_folder_follows_the_daemon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/cache")
    assert log_folder("qemu:///system") == Path("/var/log/libvirt/qemu")
    assert log_folder("qemu+unix:///system?socket=/x") == Path("/var/log/libvirt/qemu")
    assert log_folder("qemu:///session") == Path("/cache/libvirt/qemu/log")
    assert log_folder("lxc:///system") == Path("/var/log/libvirt/lxc")
    assert log_folder("qemu:///embed?root=/srv/vm") == Path("/srv/vm/log/qemu")
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "/home/me")
    assert log_folder("qemu:///session") == Path("/home/me/.cache/libvirt/qemu/log")


@pytest.mark.parametrize("uri", ["qemu+ssh://root@kv1/system", "qemu+tls://kv1/system"])
def test_a_remote_log_says_where_it_is(uri: str) -> None:
    log = read_log(uri, "web")
    assert log.text == ""
    assert log.error is not None
    assert "kv1" in log.error.message
    assert "/var/log/libvirt/qemu" in log.error.hint


def test_a_driver_without_logs() -> None:
    with pytest.raises(TuivmError, match="No log"):
        log_folder("test:///default")


@pytest.mark.parametrize("name", ["../secret", "a/b", "..", ".", "", "a\0b"])
def test_a_hostile_name_leads_nowhere(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "log"
    folder.mkdir()
    (tmp_path / "secret.log").write_text("secret")
    log = read_log("qemu:///system", name, folder=folder)
    assert log.text == ""
    assert log.error is not None
    assert str(log.error).isprintable()


def test_links_and_pipes_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "link.log").symlink_to(tmp_path / "secret")
    os.mkfifo(tmp_path / "pipe.log")
    for name in ("link", "pipe"):
        log = read_log("qemu:///system", name, folder=tmp_path)
        assert log.text == ""
        assert log.error is not None


def test_the_end_of_a_long_log_from_a_whole_line(tmp_path: Path) -> None:
    (tmp_path / "web.log").write_text("".join(f"line {n}\n" for n in range(60_000)))
    log = read_log("qemu:///system", "web", folder=tmp_path)
    assert log.error is None
    assert log.path == str(tmp_path / "web.log")
    assert len(log.text) <= LIMIT
    assert log.text.startswith("line ")
    assert log.text.endswith("line 59999\n")


def test_the_log_reaches_the_terminal_clean(tmp_path: Path) -> None:
    (tmp_path / "web.log").write_bytes(b"\x1b]52;c;QUJD\x07\xff ok\npassword=hunter2 x\n")
    text = read_log("qemu:///system", "web", folder=tmp_path).text
    assert "\x1b" not in text
    assert "hunter2" not in text
    assert text.count("\n") == 2


def test_a_name_with_everything(tmp_path: Path) -> None:
    name = "-a[b] \u202eevil 'x' -n"
    (tmp_path / f"{name}.log").write_text("found\n")
    log = read_log("qemu:///system", name, folder=tmp_path)
    assert log.text == "found\n"
    assert log.path.isprintable()


def test_a_log_that_is_not_there_yet(tmp_path: Path) -> None:
    log = read_log("qemu:///system", "web", folder=tmp_path)
    assert log.error is not None
    assert "no " in log.error.message
    assert log.error.hint


def test_a_name_that_no_file_can_have(tmp_path: Path) -> None:
    log = read_log("qemu:///system", "n" * 300, folder=tmp_path)
    assert log.error is not None


def test_a_log_that_only_root_may_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    log = read_log("qemu:///system", "web", folder=tmp_path)
    assert log.error is not None
    assert "root" in log.error.hint
