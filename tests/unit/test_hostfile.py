"""Hosts are written into the configuration file, and nothing else in it moves."""

from __future__ import annotations

from pathlib import Path

import pytest

from tuivm.core import hostfile
from tuivm.core.config import HostConfig, load
from tuivm.core.errors import TuivmError

KV1 = HostConfig("qemu+ssh://root@kv1/system", "kv1", tags=("prod",), colour="red")
OTHER = HostConfig("test:///default", "other", readonly=True, autoconnect=False)

FULL = """\
# mine
theme = "ansi-light"  # by day

# the lab
[[hosts]]
uri = "qemu:///system"   # here
# its name
name = "lab"

# production
[[hosts]]  # two
  uri = "qemu+ssh://root@kv1/system"
  tags = [
    "prod",  # why
  ]
# belongs to kv1

[console]
leave = "ctrl+a"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(FULL)
    return path


def without(text: str, *lines: str) -> str:
    for line in lines:
        assert line in text
        text = text.replace(line, "", 1)
    return text


def test_a_new_host_comes_after_the_others_and_all_else_stays(file: Path) -> None:
    config = hostfile.keep(file, OTHER)
    assert config == load(file)
    assert config.hosts[-1] == OTHER
    made = (
        '\n[[hosts]]\nuri = "test:///default"\nname = "other"\nreadonly = true\n'
        "autoconnect = false\n"
    )
    assert file.read_text() == FULL.replace("# belongs to kv1\n", "# belongs to kv1\n" + made)


def test_a_change_touches_only_what_changed(file: Path) -> None:
    old = load(file).hosts[0]
    new = HostConfig(old.uri, "lab-1", colour="blue")
    assert hostfile.keep(file, new, old.uri).hosts[0] == new
    assert file.read_text() == FULL.replace('name = "lab"\n', 'name = "lab-1"\ncolour = "blue"\n')
    again = HostConfig(old.uri, "lab", autoconnect=False)
    hostfile.keep(file, again, old.uri)
    assert file.read_text() == FULL.replace(
        'name = "lab"\n', 'name = "lab"\nautoconnect = false\n'
    ), "what is as by default is not written"


def test_tags_and_uri_can_be_changed(file: Path) -> None:
    new = HostConfig("qemu+ssh://kv9/system", tags=("a", "b"))
    assert hostfile.keep(file, new, KV1.uri).hosts[1] == new
    text = file.read_text()
    assert text.startswith(FULL.partition("  uri")[0])
    assert text.endswith(FULL.partition("  ]\n")[2])


def test_a_host_goes_and_the_comments_stay(file: Path) -> None:
    table = '[[hosts]]\nuri = "qemu:///system"   # here\n# its name\nname = "lab"\n'
    assert [host.uri for host in hostfile.forget(file, "qemu:///system").hosts] == [KV1.uri]
    assert file.read_text() == without(FULL, table)
    hostfile.forget(file, KV1.uri)
    assert load(file).hosts == ()
    assert "# production" in file.read_text()
    assert hostfile.forget(file, "qemu:///nobody").hosts == ()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# only this",
        'theme = "x"\n',
        '[keys]\n"domain.start" = "u"\n',
        'hosts = ["qemu:///system", "test:///x"] # two\n[keys]\n',
        'hosts = [\n  "qemu:///system", # one\n]\n',
        'theme = """\n[[hosts]]\n"""\n[[ "hosts" ]]\nuri = "qemu:///system"\n[console]\n',
        '[[hosts]]\nuri = "qemu:///system"\n[console]\nscrollback = 5\n[[hosts]]\nuri = "test:///x"',
        '[[hosts]]\r\nuri = "qemu:///system"\r\n',
    ],
)
def test_however_a_file_is_written(tmp_path: Path, text: str) -> None:
    file = tmp_path / "folder" / "config.toml"
    if text:
        file.parent.mkdir()
        file.write_bytes(text.encode())
    before = load(file) if text else None
    added = hostfile.keep(file, KV1)
    assert added.hosts == (*(before.hosts if before else ()), KV1)
    changed = HostConfig(KV1.uri, "kv2", autoconnect=False)
    hostfile.keep(file, changed, KV1.uri)
    assert load(file).hosts[-1] == changed
    left = hostfile.forget(file, KV1.uri)
    if before is not None:
        assert left == before
        assert file.read_bytes().count(b"\r\n") in (0, file.read_bytes().count(b"\n"))
        assert file.read_bytes().decode().split() == text.split()


def test_hosts_that_were_found_are_written_along(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    here = HostConfig("qemu:///system")
    assert hostfile.keep(file, KV1, also=[here]).hosts == (here, KV1)
    assert hostfile.keep(file, OTHER, also=[here]).hosts == (here, KV1, OTHER)


def test_mode_and_link_are_kept(file: Path, tmp_path: Path) -> None:
    file.chmod(0o640)
    link = tmp_path / "link.toml"
    link.symlink_to(file)
    hostfile.keep(link, OTHER)
    assert link.is_symlink()
    assert file.stat().st_mode & 0o777 == 0o640
    new = tmp_path / "new" / "config.toml"
    hostfile.keep(new, OTHER)
    assert new.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in new.parent.iterdir()] == ["config.toml"]


def test_what_others_wrote_meanwhile_is_kept(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = load(file)
    file.write_text(FULL.replace("ansi-light", "ansi-dark"))
    real = hostfile._read
    times: list[int] = []

    def read(path: Path) -> str:
        text = real(path)
        if not times:
            times.append(1)
            file.write_text(FULL.replace("ansi-light", "solarized"))
        return text

    monkeypatch.setattr(hostfile, "_read", read)
    found = hostfile.keep(file, OTHER)
    assert found.theme == load(file).theme == "solarized"
    assert found.hosts == (*config.hosts, OTHER)


def test_why_it_was_not_written(file: Path, tmp_path: Path) -> None:
    with pytest.raises(TuivmError, match="Cannot use") as caught:
        hostfile.keep(file, HostConfig("test:///y", "lab"))
    assert "two hosts are called" in caught.value.message
    assert file.read_text() == FULL
    file.write_text("theme = ")
    with pytest.raises(TuivmError) as caught:
        hostfile.keep(file, OTHER)
    assert "line 1" in caught.value.message
    (tmp_path / "folder").mkdir()
    with pytest.raises(TuivmError, match="Cannot write") as caught:
        hostfile.keep(tmp_path / "folder", OTHER)
    assert "directory" in caught.value.message
    assert caught.value.hint
