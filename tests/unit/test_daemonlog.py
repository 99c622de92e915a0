"""What ``virt-admin`` prints, read; as libvirt 9.0 prints it in the C locale."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tuivm.core import daemonlog
from tuivm.core.daemonlog import DaemonClient, DaemonLogs, filter_presets

SERVERS = """\
 Id   Name
----------------
 0    libvirtd
 1    admin
 2    a; quit
"""
CLIENTS = """\
 Id   Transport   Connected since
--------------------------------------------
 1    unix        2026-11-26 17:22:19+0000
 12   tls         2026-11-26 18:22:19+0100
 13   tcp         long ago
 x    unix        2026-11-26 17:22:19+0000

"""
INFO = """\
id             : 1
connection_time: 2026-11-26 17:22:19+0000
transport      : unix
readonly       : yes
unix_user_id   : 0
unix_user_name : ro\x1b]52;ot
unix_process_id: 21783
"""
LOGS = DaemonLogs("libvirtd", "virt-admin", "", "3:stderr", {"filters": "", "outputs": "3:stderr"})


def test_servers_and_clients_are_rows_of_tables() -> None:
    # A name that is no word could be taken for a command.
    assert daemonlog.servers(SERVERS) == ["libvirtd", "admin"]
    first, second, third = daemonlog.clients("libvirtd", CLIENTS)
    assert (first.number, first.transport) == (1, "unix")
    assert first.since == second.since
    assert third.since is None
    assert daemonlog.clients("libvirtd", "") == []


def test_a_client_is_told_in_people_s_terms() -> None:
    fields = daemonlog.info(INFO)
    one = DaemonClient("libvirtd", 1, "unix", fields=fields, process="virsh")
    assert one.access == "read-only"
    assert one.who.endswith(", virsh (21783)")
    assert one.who.isprintable()
    far = DaemonClient("libvirtd", 2, "tls", fields={"sock_addr": "10.0.0.7:40122"}, ours=True)
    assert far.who == "10.0.0.7:40122, this program"
    hidden = {"unix_user_name": "root", "unix_process_id": "-1"}
    assert DaemonClient("libvirtd", 2, "unix", fields=hidden).who == "root"
    assert DaemonClient("libvirtd", 3, "unix").who == "not told"


@pytest.mark.parametrize(
    ("printed", "value"),
    [
        (" Logging filters: 3:*remote* 1:*util.json* \n", "3:remote 1:util.json"),
        (" Logging filters: 3:***remote*** 1:*** \n", "3:remote 1:*"),
        (" Logging filters: \n\n", ""),
        (" Logging outputs: 1:file:/log/a*b.log 3:stderr\n", "1:file:/log/a*b.log 3:stderr"),
    ],
)  # fmt: skip
def test_settings_are_read_as_they_would_be_set(printed: str, value: str) -> None:
    assert daemonlog.setting(printed) == value


def test_filters_that_no_output_takes_are_noticed() -> None:
    assert not LOGS.unseen
    assert replace(LOGS, filters="1:qemu").unseen
    assert not replace(LOGS, filters="1:qemu", outputs="3:stderr 1:file:/x").unseen
    every = [one for name in ("libvirtd", "virtlogd", "virtlockd") for one in filter_presets(name)]
    assert all("  " not in one.value for one in every)


def test_each_daemon_is_offered_what_it_can_answer() -> None:
    offered = {name: [one.key for one in filter_presets(name)] for name in ("libvirtd", "virtlogd")}
    assert offered["libvirtd"] == list("aqnsc0")
    assert offered["virtlogd"] == list("lac0"), "it knows of no QEMU and no networks"
    assert filter_presets("virtlockd")[0].value == "1:locking"
