"""A daemon's logging and its clients, through ``virt-admin`` and a real daemon."""

from __future__ import annotations

import os
import shutil
import stat
import time
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import libvirt
import pytest

from tests.backend.daemon import NOBODY, Daemon
from tuivm.backend import admin
from tuivm.backend.fleet import Fleet
from tuivm.core.daemonlog import Setting
from tuivm.core.errors import TuivmError
from tuivm.core.hostconfig import HostConfig


@pytest.fixture
def owner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A daemon lets in only the user that it runs as: so does ``virt-admin`` here."""
    program = shutil.which("virt-admin")
    if program is None:
        pytest.skip("there is no virt-admin")
    if os.geteuid() != 0:
        return
    script = tmp_path / "virt-admin"
    change = f"setpriv --reuid {NOBODY} --regid {NOBODY} --clear-groups"
    script.write_text(f'#!/bin/sh\nexec {change} env HOME=/ XDG_RUNTIME_DIR=/ {program} "$@"\n')
    script.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)


@pytest.fixture
def fleet(daemon: Daemon) -> Fleet:
    """A fleet over the daemon that is not connected."""
    return Fleet([daemon.uri()], known=[HostConfig(daemon.uri(), "one")])


def failure(future: Future[Any]) -> TuivmError:
    error = future.exception(30)
    assert isinstance(error, TuivmError)
    return error


@pytest.mark.usefixtures("owner")
def test_settings_and_clients_are_read_and_set(daemon: Daemon, fleet: Fleet) -> None:
    conn = libvirt.open(daemon.uri())
    support = fleet.support
    logs = support.daemon_logs("one", "").result(30)
    assert (logs.daemon, logs.filters, logs.outputs) == ("libvirtd", "", "3:stderr")
    (client,) = logs.clients
    assert client.ours
    assert client.access == "read-write"
    assert client.fields["unix_process_id"] == str(os.getpid())
    assert client.since is not None

    file = daemon.folder / "cache/debug.log"
    changes: tuple[tuple[Setting, str], ...] = (
        ("outputs", f"3:stderr 1:file:{file}"),
        ("filters", "1:rpc 3:util.json"),
    )
    for what, value in changes:
        support.set_daemon_log("one", "", what, value).result(30)
    logs = support.daemon_logs("one", "").result(30)
    assert (logs.filters, logs.outputs) == ("1:rpc 3:util.json", f"3:stderr 1:file:{file}")
    assert logs.found == {"filters": "", "outputs": "3:stderr"}
    conn.getLibVersion()
    assert "virNetServer" in file.read_text()
    for what in ("filters", "outputs"):
        support.set_daemon_log("one", "", what, logs.found[what]).result(30)
    logs = support.daemon_logs("one", "").result(30)
    assert (logs.filters, logs.outputs) == ("", "3:stderr")
    conn.close()

    error = failure(support.set_daemon_log("one", "", "filters", "1:good --bad"))
    assert error.title == "Cannot set the filters of libvirtd's log"
    assert "'--bad'" in error.message
    assert "LEVEL:NAME" in error.hint


@pytest.fixture
def virtlogd(daemon: Daemon) -> Iterator[Daemon]:
    """The daemon with a virtlogd of its own beside it, as every host with QEMU has one."""
    program = shutil.which("virtlogd", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        pytest.skip("there is no virtlogd")
    with daemon.beside(program) as folder:
        socket = folder / "virtlogd-admin-sock"
        until = time.monotonic() + 30
        while not socket.exists():
            assert time.monotonic() < until, "virtlogd did not start"
            time.sleep(0.01)
        yield daemon


@pytest.mark.usefixtures("owner")
def test_every_daemon_with_an_admin_socket_is_asked_and_set(virtlogd: Daemon, fleet: Fleet) -> None:
    folder = virtlogd.socket.parent
    # Debian 12 has no modular daemons: what they are found by is the names of their sockets.
    for name in ("virtnetworkd", "virtstoraged"):
        (folder / f"{name}-admin-sock").symlink_to(folder / "libvirt-admin-sock")
    (folder / "passwd-admin-sock").symlink_to(folder / "libvirt-admin-sock")
    support = fleet.support
    names = [one.daemon for one in support.daemons("one").result(30)]
    assert names == ["libvirtd", "virtlogd", "virtnetworkd", "virtstoraged"]

    logs = support.daemon_logs("one", "virtlogd").result(30)
    assert (logs.daemon, logs.filters) == ("virtlogd", "")
    assert "virtlogd-admin-sock" in logs.command
    support.set_daemon_log("one", "virtlogd", "filters", "1:logging").result(30)
    logs = support.daemon_logs("one", "virtlogd").result(30)
    assert (logs.filters, logs.found["filters"]) == ("1:logging", "")
    assert support.daemon_logs("one", "libvirtd").result(30).filters == ""

    conn = libvirt.open(virtlogd.uri())
    (client,) = support.daemon_logs("one", "virtnetworkd").result(30).clients
    assert client.ours
    conn.close()
    gone = failure(support.daemon_logs("one", "virtqemud"))
    assert gone.message == "virtqemud has no admin socket"


def test_what_keeps_one_out_is_told(
    daemon: Daemon, fleet: Fleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    denied = Fleet([daemon.uri()], known=[HostConfig(daemon.uri(), "one")], readonly=True)
    refused = failure(denied.support.set_daemon_log("one", "", "filters", ""))
    assert "--readonly" in refused.hint

    program = tmp_path / "virt-admin"
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "not installed" in failure(fleet.support.daemon_logs("one", "")).message
    program.write_text("#!/bin/sh\nexec /bin/sleep 60\n")
    program.chmod(0o755)
    monkeypatch.setattr(admin, "SECONDS", 0.2)
    assert "no answer" in failure(fleet.support.daemon_logs("one", "")).message
    program.write_text("#!/bin/sh\necho 'error: Bad\x1b[31m luck' >&2; exit 1\n")
    monkeypatch.setattr(admin, "SECONDS", 30)
    message = failure(fleet.support.daemon_logs("one", "")).message
    assert "luck" in message
    assert message.isprintable()


@pytest.mark.parametrize(
    ("uri", "cause", "step"),
    [
        ("qemu+ssh://root@kv1/system", "on kv1", "run there: sudo virt-admin"),
        ("test:///default", "inside of tuivm", ""),
        ("qemu+unix:///system?socket=/nonexistent/libvirt-sock", "no admin socket", "systemctl"),
    ],
)
def test_daemons_without_a_door(uri: str, cause: str, step: str) -> None:
    with pytest.raises(TuivmError) as caught:
        admin.door(uri)
    assert cause in caught.value.message
    assert step in caught.value.hint


@pytest.mark.parametrize(("name", "daemon"), [("libvirt", "libvirtd"), ("virtqemud", "virtqemud")])
def test_the_door_is_the_admin_socket_beside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, daemon: str
) -> None:
    for kind in ("sock", "admin-sock"):
        (tmp_path / f"{name}-{kind}").touch(stat.S_IRUSR | stat.S_IWUSR)
    uri = f"qemu+unix:///session?socket={tmp_path}/{name}-sock"
    where = admin.door(uri)
    socket = f"{tmp_path}/{name}-admin-sock"
    assert where == (daemon, f"{daemon}:///session?socket={socket}", socket, True)
    monkeypatch.setattr("os.access", lambda *given: False)
    with pytest.raises(TuivmError, match="Cannot ask") as caught:
        admin.door(uri)
    assert "its owner's alone" in caught.value.message
    assert "as root" in caught.value.hint
