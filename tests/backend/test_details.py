"""Details: everything that can be read, and the reason of everything that cannot."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import libvirt
import pytest

from tuivm.backend import agent
from tuivm.backend.details import agent_state, read_details
from tuivm.core.errors import TuivmError
from tuivm.core.model import DomainKey

UUID = "6f1b2c1e-0000-4000-8000-000000000001"
NODE = f"""<node><domain type='test'><name>plain</name><uuid>{UUID}</uuid>
<memory unit='MiB'>64</memory><vcpu>2</vcpu><os><type>hvm</type></os>
<devices><disk type='file'><source file='/x'/><target dev='vda'/></disk></devices>
</domain></node>"""


@pytest.fixture
def conn(tmp_path: Path) -> Iterator[libvirt.virConnect]:
    node = tmp_path / "node.xml"
    node.write_text(NODE)
    connection = libvirt.open(f"test://{node}")
    yield connection
    connection.close()


def test_what_virsh_dominfo_tells(conn: libvirt.virConnect) -> None:
    details = read_details(conn, DomainKey("h", UUID))
    info = dict(details.info)
    assert info["UUID"] == UUID
    assert info["State"] == "running"
    assert info["OS Type"] in ("hvm", "linux")
    assert info["Max memory"] == "64 MiB"
    assert info["CPU(s)"] == "2"
    assert (info["Persistent"], info["Autostart"], info["Managed save"]) == ("yes", "disable", "no")
    assert dict(details.stats)["state.state"] == libvirt.VIR_DOMAIN_RUNNING
    assert details.devices
    assert details.xml.live == details.xml.inactive or details.xml.inactive
    assert details.key == DomainKey("h", UUID)


def test_snapshots_are_counted(conn: libvirt.virConnect) -> None:
    conn.lookupByUUIDString(UUID).snapshotCreateXML(
        "<domainsnapshot><name>a\u202eb</name></domainsnapshot>", 0
    )
    info = dict(read_details(conn, DomainKey("h", UUID)).info)
    assert info["Snapshots"] == "1"
    assert info["Current snapshot"].isprintable()


def test_a_domain_that_is_gone(conn: libvirt.virConnect) -> None:
    with pytest.raises(libvirt.libvirtError) as caught:
        read_details(conn, DomainKey("h", UUID.replace("1", "2")))
    assert caught.value.get_error_code() == libvirt.VIR_ERR_NO_DOMAIN


def test_what_fails_is_listed_and_the_rest_is_read(
    conn: libvirt.virConnect, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_args: object) -> None:
        raise libvirt.libvirtError("no messages \x1b[2J today")

    monkeypatch.setattr(libvirt.virDomain, "messages", fail)
    details = read_details(conn, DomainKey("h", UUID))
    (line,) = details.unread
    assert line.startswith("messages: ")
    assert line.isprintable()
    assert dict(details.info)["UUID"] == UUID


def test_the_agents_answer_in_peoples_terms() -> None:
    answer = {
        "hostname": "web\x1b[2J",
        "os.pretty-name": "Debian GNU/Linux 13",
        "os.kernel-release": "6.12",
        "timezone.name": "UTC",
        "user.count": 1,
        "user.0.name": "root",
        "user.0.login-time": 1_700_000_000_000,
        "fs.count": 1,
        "fs.0.mountpoint": "/",
        "fs.0.fstype": "ext4",
        "fs.0.total-bytes": 10 << 30,
        "fs.0.used-bytes": 5 << 30,
        "if.count": 1,
        "if.0.name": "eth0",
        "if.0.hwaddr": "52:54:00:00:00:01",
        "if.0.addr.count": 1,
        "if.0.addr.0.addr": "192.0.2.4",
        "if.0.addr.0.prefix": 24,
    }
    told = dict(agent.describe(answer))
    assert told["Hostname"].isprintable()
    assert told["OS"] == "Debian GNU/Linux 13"
    assert told["Users"].startswith("root since ")
    assert "50%" in told["File system /"]
    assert told["Interface eth0"] == "192.0.2.4/24, 52:54:00:00:00:01"


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"user.count": -1, "fs.count": "many", "if.count": 10**9},
        {"user.count": 1, "user.0.name": "x", "user.0.login-time": 10**30},
        {"fs.count": 2, "fs.0.total-bytes": 0, "fs.0.used-bytes": 0},
    ],
)
def test_an_agent_that_lies_does_no_harm(answer: dict[str, Any]) -> None:
    assert len(agent.describe(answer)) < 200


class SilentAgent:
    """A domain whose agent took the question and hangs."""

    def __init__(self) -> None:
        self.release = threading.Event()
        self.asked = 0

    def guestInfo(self, _types: int, _flags: int) -> dict[str, Any]:
        self.asked += 1
        self.release.wait(30)
        return {"hostname": "late"}


def test_a_hanging_agent_is_left_alone_until_it_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agent, "PATIENCE", 0.05)
    silent = SilentAgent()
    domain = cast("libvirt.virDomain", silent)
    for _ in range(3):
        with pytest.raises(TuivmError, match="No answer"):
            agent.read_guest(domain, UUID)
    assert silent.asked == 1
    silent.release.set()
    monkeypatch.setattr(agent, "PATIENCE", 10.0)
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            assert dict(agent.read_guest(domain, UUID)) == {"Hostname": "late"}
            return
        except TuivmError:
            threading.Event().wait(0.01)
    pytest.fail("the agent answered, but is never asked again")


def test_whether_an_agent_is_there() -> None:
    channel = "<domain><devices><channel><target name='org.qemu.guest_agent.0'{}/></channel>"
    assert agent_state("<domain/>") is None
    end = "</devices></domain>"
    assert agent_state(channel.format("") + end) == "disconnected"
    assert agent_state(channel.format(" state='connected'") + end) == "connected"
