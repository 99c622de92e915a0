"""The console's log file: found, read from this machine only, and added without other changes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from tuivm.backend import console_log
from tuivm.backend.log import LIMIT
from tuivm.backend.xml import facts
from tuivm.core.errors import TuivmError

LOCAL = "qemu:///system"


def xml(serial: str = "", console: str = "") -> str:
    return f"<domain type='qemu'><name>web</name><devices>{serial}{console}</devices></domain>"


def port(alias: str = "serial0", log: str = "", kind: str = "pty") -> str:
    element = f"<log file='{log}' append='off'/>" if log else ""
    return f"<serial type='{kind}'>{element}<target port='0'/><alias name='{alias}'/></serial>"


TWIN = "<console type='pty'><target type='serial' port='0'/><alias name='serial0'/></console>"
VIRTIO = "<console type='pty'><target type='virtio' port='1'/><alias name='console1'/></console>"


class Domain:
    """What of ``virDomain`` is used."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.defined: list[str] = []

    def lookupByUUIDString(self, uuid: str) -> Domain:
        return self

    def XMLDesc(self, flags: int) -> str:
        return self.text

    def name(self) -> str:
        return "web"

    def isPersistent(self) -> bool:
        return True

    def connect(self) -> Any:
        return self

    def defineXMLFlags(self, text: str, flags: int) -> None:
        self.defined.append(text)


def past(text: str, uri: str = LOCAL, alias: str = "") -> Any:
    return console_log.read_past(Domain(text), "u", uri, alias)


def test_the_end_of_the_file_is_read_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "serial.log"
    path.write_bytes(b"\x1b[31mboot\xff\r\n")
    os.utime(path, (1e9, 1e9))
    found = past(xml(port(log=str(path)), TWIN))
    assert (found.path, found.data, found.until) == (str(path), b"\x1b[31mboot\xff\r\n", 1e9)
    assert facts(xml(port(log=str(path)), TWIN)).console_log == str(path)
    assert facts(xml(port(), TWIN)).console_log == ""


def test_a_long_file_is_cut_at_a_line_and_a_fresh_one_goes_on_before(tmp_path: Path) -> None:
    path = tmp_path / "serial.log"
    path.write_bytes(b"".join(b"line %d\r\n" % n for n in range(60_000)))
    found = past(xml(port(log=str(path))))
    assert len(found.data) <= LIMIT
    assert found.data.startswith(b"line ")
    assert found.data.endswith(b"line 59999\r\n")
    path.rename(tmp_path / "serial.log.0")
    path.write_bytes(b"fresh\r\n")
    assert past(xml(port(log=str(path)))).data.endswith(b"line 59999\r\nfresh\r\n")


def test_files_elsewhere_or_none_at_all_say_why(tmp_path: Path) -> None:
    here = xml(port(log=str(tmp_path / "no.log")))
    assert "there is no" in past(here).error.message
    assert past(here, "qemu+ssh://far/system").error is not None
    assert past(here, "test:///default").error is not None
    assert past(xml(port(log=str(tmp_path)))).error is not None
    link = tmp_path / "link.log"
    link.symlink_to("/etc/passwd")
    assert past(xml(port(log=str(link)))).error is not None


def test_each_console_has_its_own(tmp_path: Path) -> None:
    second = tmp_path / "b.log"
    second.write_bytes(b"two")
    text = xml(port() + port("serial1", str(second)))
    assert past(text).path == ""
    assert past(text, alias="serial1").data == b"two"


def test_where_there_is_none_a_file_is_offered() -> None:
    assert past(xml(port(), TWIN)).offer == "/var/log/libvirt/qemu/web-serial0.log"
    assert past(xml()).offer == ""
    assert past(xml(port(kind="file"))).offer == ""


@pytest.mark.parametrize(
    ("text", "tag"), [(xml(port(), TWIN), "serial"), (xml("", VIRTIO), "console")]
)
def test_one_line_is_added_and_nothing_else(text: str, tag: str) -> None:
    domain = Domain(text)
    note = console_log.add_console_log(domain, {"file": "/log/a&b.log"})
    assert "power off and on" in note
    line = "<log file='/log/a&amp;b.log' append='on'/>"
    defined = [one.replace('"', "'") for one in domain.defined]
    assert defined == [text.replace(f"</{tag}>", f"{line}</{tag}>", 1)]
    again = Domain(domain.defined[0])
    assert "already" in console_log.add_console_log(again, {"file": "/log/c.log"})
    assert not again.defined


def test_what_cannot_have_one_is_refused() -> None:
    for text, path in (
        (xml(), "/a.log"),
        (xml(port(kind="tcp")), "/a.log"),
        (xml(port()), "a.log"),
    ):
        domain = Domain(text)
        with pytest.raises(TuivmError, match="Cannot add a log file to web"):
            console_log.add_console_log(domain, {"file": path})
        assert not domain.defined
