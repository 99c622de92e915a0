"""The page on libvirt's logs."""

from __future__ import annotations

import time

from tests.ui.fake import FakeBackend, fleet
from tests.ui.screens import running
from tuivm.core.clientlog import ClientLog
from tuivm.core.daemonlog import DaemonClient, DaemonLogs
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
        assert change[:2] == ("kv1", "filters")
        assert "1:qemu" in change[2]
        assert "--filters" in ui.app.context.store.log[-1].virsh

        await ui.press("o", "o")
        await ui.sees("LEVEL:WHERE")
        await ui.press("ctrl+u")
        await ui.type("1:file:/tmp/x")
        await ui.press("enter")
        await ui.sees("Set the outputs")
        await ui.press("y")
        await ui.sees("1:file:/tmp/x")
        await ui.press("o", "b")
        await ui.sees("Set the outputs")
        await ui.press("y")
        await ui.until(lambda: backend.aid.settings[-1] == ("kv1", "outputs", "3:journald"))


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
