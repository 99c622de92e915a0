"""A bundle for a bug report: what is in it, what is not and why, and no secret."""

from __future__ import annotations

import stat
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.backend.conftest import NodeFile
from tuivm.backend.fleet import Fleet
from tuivm.cli import main
from tuivm.core.errors import TuivmError
from tuivm.core.hostconfig import HostConfig
from tuivm.core.model import DomainKey, HostState
from tuivm.core.support import Bundle, BundleOrder

SECRET = "hunter2"


def contents(path: Path) -> dict[str, str]:
    with tarfile.open(path) as archive:
        members = archive.getmembers()
        assert all(member.isreg() and member.mode == 0o600 for member in members)
        assert {member.name.partition("/")[0] for member in members} == {"bug"}
        files = {member.name.partition("/")[2]: archive.extractfile(member) for member in members}
        return {name: file.read().decode() for name, file in files.items() if file is not None}


@pytest.fixture
def fleet(node: NodeFile) -> Iterator[tuple[Fleet, DomainKey]]:
    """A host with one domain, which has a password."""
    uri = node(1)
    file = Path(uri.removeprefix("test://"))
    text = file.read_text()
    assert "</devices>" in text
    graphics = f"<graphics type='vnc' port='5901' passwd='{SECRET}'/></devices>"
    file.write_text(text.replace("</devices>", graphics))
    made = Fleet([uri], known=[HostConfig(uri, "one")])
    woken = threading.Event()
    made.start(woken.set)
    keys: list[DomainKey] = []
    while not keys:
        assert woken.wait(30)
        woken.clear()
        keys = list(made.drain().domains)
    yield made, keys[0]
    assert made.stop(5)


def test_a_vm_s_bundle_has_everything_but_secrets(
    fleet: tuple[Fleet, DomainKey], tmp_path: Path
) -> None:
    backend, key = fleet
    log = tmp_path / "client.log"
    log.write_text(f"debug : xml=<graphics passwd='{SECRET}'/>\n")
    order = BundleOrder("one", key, "vm", f"an event\npassword={SECRET}\n", str(log))
    path, told = tmp_path / "bug.tar.gz", list[str]()
    bundle = backend.support.bundle(order, path, told.append).result(60)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert bundle.size == path.stat().st_size
    texts = contents(path)
    assert set(texts) == set(bundle.parts)
    assert not any(SECRET in text for text in texts.values())
    for name in ("domain-live.xml", "domain-next.xml"):
        assert "port='5901'" in texts[name]
    assert key.uuid in texts["domain.txt"]
    for word in ("tuivm", "textual", "Python", "test driver"):
        assert word in texts["versions.txt"]
    assert "<capabilities>" in texts["capabilities.xml"]
    assert "an event" in texts["events.txt"]
    assert "hidden" in texts["libvirt-client.log"]
    assert "ok" in texts["check.txt"]
    readme = texts["README.txt"]
    assert "the VM vm on the host one" in readme
    for name in bundle.parts[1:]:
        assert name in readme
    # libvirt's test driver has neither a log nor a daemon.
    assert len(bundle.missing) == 2
    assert "test driver keeps no log file" in " ".join(readme.split())
    assert len(told) == len(bundle.parts) - 1 + len(bundle.missing)

    with pytest.raises(TuivmError, match="Cannot write"):
        backend.support.bundle(order, path, told.append).result(60)
    with pytest.raises(TuivmError, match="Cannot write"):
        backend.support.bundle(order, tmp_path / "client.log/x", told.append).result(60)


def test_a_host_that_cannot_be_reached_has_one_too(tmp_path: Path) -> None:
    uri = "qemu+unix:///system?socket=/nonexistent/libvirt-sock"
    backend = Fleet([uri], known=[HostConfig(uri, "gone")])
    woken = threading.Event()
    backend.start(woken.set)
    state = HostState.IDLE
    while state is not HostState.LOST:
        assert woken.wait(30)
        woken.clear()
        for status in backend.drain().hosts.values():
            state = status.state
    path = tmp_path / "bug.tar.gz"
    bundle: Bundle = backend.support.bundle(BundleOrder("gone"), path, list[str]().append).result(
        60
    )
    texts = contents(path)
    assert "libvirt-sock" in texts["versions.txt"]
    assert "domain-live.xml" not in texts
    assert "Not in it:" in texts["README.txt"]
    assert any(text.startswith("what the host can do: ") for text in bundle.missing)
    backend.stop(5)


def test_the_command_writes_one_and_prints_its_path(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "bug.tar.gz"
    assert main(["bundle", "--demo", "web-01", "-o", str(path)]) == 0
    said = capsys.readouterr()
    assert said.out == f"{path}\n"
    assert "not in it: how libvirt's daemon logs" in said.err
    assert "<name>web-01</name>" in contents(path)["domain-live.xml"]
    for arguments, cause in (
        (["web-1", "-o", str(tmp_path / "b.tar.gz")], "did you mean"),
        (["-o", str(tmp_path / "b.zip")], "has to end in .tar.gz"),
        (["-o", str(path)], "there is a file already"),
    ):
        assert main(["bundle", "--demo", *arguments]) == 1
        assert cause in capsys.readouterr().err
