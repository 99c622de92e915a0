"""The page on libvirt's logs."""

from __future__ import annotations

import time

from tests.ui.fake import FakeBackend, fleet
from tests.ui.screens import running
from tuivm.core.clientlog import ClientLog
from tuivm.core.daemonlog import AdminDoor, DaemonClient, DaemonLogs
from tuivm.core.errors import TuivmError


def logs() -> DaemonLogs:
    fields = {"readonly": "no", "unix_user_name": "root", "unix_process_id": "812"}
    client = DaemonClient("libvirtd", 7, "unix", time.time() - 125, fields, "virsh")
    found = {"filters": "", "outputs": "3:journald"}
    return DaemonLogs("libvirtd", "virt-admin -c X", "", "3:journald", found, (client,))  # type: ignore[arg-type]


async def test_settings_and_clients_are_shown_and_changed_after_a_question() -> None:
    backend = FakeBackend(fleet())
    backend.aid.logs = logs()
    async with running(backend) as ui:
        await ui.press("4", "L")
        await ui.sees("Connected: 1")
        assert "root, virsh (812)" in ui.frame()
        await ui.press("f")
        await ui.sees("Back to what tuivm found")
        await ui.press("q")
        await ui.sees("Set the filters of libvirtd on kv1?")
        await ui.press("n")
        assert not backend.aid.settings
        await ui.press("f", "q")
        await ui.sees("Set the filters")
        await ui.press("y")
        await ui.sees("no output takes what the filters let through")
        assert "tuivm found none; f b sets it back" in ui.frame()
        (change,) = backend.aid.settings
        assert change[:3] == ("kv1", "libvirtd", "filters")
        assert "1:qemu" in change[3]
        assert "--filters" in ui.app.context.store.log[-1].virsh

        await ui.press("o", "o")
        await ui.sees("LEVEL:WHERE")
        await ui.press("ctrl+u")
        await ui.type("1:file:/tmp/x")
        await ui.press("enter")
        await ui.sees("Set the outputs")
        await ui.press("y")
        await ui.sees("outputs  1:file:/tmp/x")
        await ui.press("o", "b")
        await ui.sees("Set the outputs")
        await ui.press("y")
        last = ("kv1", "libvirtd", "outputs", "3:journald")
        await ui.until(lambda: backend.aid.settings[-1] == last)


async def test_what_cannot_be_asked_or_set_says_why() -> None:
    backend = FakeBackend(fleet())
    backend.aid.logs = TuivmError("Cannot ask it", "it is on kv1", hint="run there: virt-admin")
    async with running(backend) as ui:
        await ui.press("colon")
        await ui.type("logs")
        await ui.press("enter")
        await ui.sees("run there: virt-admin")
        await ui.press("f")
        await ui.sees("Filters: it is on kv1")
        await ui.press("l")
        await ui.sees("it is off, or goes to no file")
        await ui.press("O")
        await ui.sees("Open tuivm anew with libvirt's client log?")
        await ui.press("n")
        await ui.press("escape")
        await ui.sees("web-01")
    async with running(
        backend, readonly=True, client_log=ClientLog(True, "3:file:/x", False, True)
    ) as ui:
        backend.send(fleet())
        backend.aid.logs = logs()
        await ui.sees("web-01")
        await ui.press("4", "L")
        await ui.sees("on, in 3:file:/x")
        await ui.sees("Connected: 1")
        await ui.press("f")
        await ui.sees("started with --readonly")
        await ui.press("O")
        await ui.sees("variables of the environment")
        await ui.press("l")
        await ui.sees("the first line of /x")
        assert "save" in ui.lines()[-1]
        assert "console" not in ui.lines()[-1], "it is about no VM"
        await ui.press("escape")
        await ui.sees("Connected: 1")


async def test_another_daemon_is_chosen_and_set() -> None:
    backend = FakeBackend(fleet())
    backend.aid.logs = logs()
    shut = AdminDoor("virtlockd", "/run/libvirt/virtlockd-admin-sock is its owner's alone")
    backend.aid.doors = (AdminDoor("libvirtd"), AdminDoor("virtlogd"), shut)
    async with running(backend) as ui:
        await ui.press("4", "L")
        await ui.sees("[libvirtd] virtlogd  virtlockd")
        await ui.press("j", "enter")
        await ui.sees("Daemon on kv1")
        assert "its owner's alone" in ui.frame()
        await ui.press("2")
        await ui.sees("The daemon: virtlogd")
        await ui.press("f")
        await ui.sees("The log files that it writes")
        assert "Networks and firewall" not in ui.frame()
        await ui.press("l")
        await ui.sees("Set the filters of virtlogd on kv1?")
        await ui.press("y")
        change = ("kv1", "virtlogd", "filters", "1:logging")
        await ui.until(lambda: backend.aid.settings == [change])
        await ui.sees("virtlogd: filters are 1:logging")


async def test_many_daemons_fit_and_one_alone_is_no_choice() -> None:
    backend = FakeBackend(fleet())
    backend.aid.logs = logs()
    names = ("virtqemud", "virtlogd", "virtnetworkd", "virtstoraged", "virtnodedevd", "virtsecretd")
    backend.aid.doors = tuple(AdminDoor(name) for name in names)
    async with running(backend) as ui:
        await ui.press("4", "L")
        await ui.sees("[virtqemud] or one of 5 more (d)")
        await ui.press("d", "3")
        await ui.sees("The daemon: virtnetworkd")
        backend.aid.doors = (AdminDoor("virtnetworkd"),)
        await ui.press("ctrl+r", "d")
        await ui.sees("virtnetworkd is the only one here")
