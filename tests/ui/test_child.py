"""ssh and virsh in a pane, as a person uses them: real programs in a real terminal."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual import events

from tests.ui.fake import FakeBackend, domain, fleet, host
from tests.ui.screens import Ui, running
from tuivm.backend.child import Child
from tuivm.core.api import Batch, ChildChannel, PacedSink
from tuivm.core.model import Facts, HostState
from tuivm.screens import child as child_module
from tuivm.screens.child import ChildScreen
from tuivm.screens.vms import VmsScreen
from tuivm.widgets.terminal import TerminalView

SSH = """#!/bin/sh
echo "[$*]"
printf 'password: '
stty -echo; read -r word; stty echo
echo; echo "welcome, $word is right"
exec env -u ENV PS1='guest# ' sh -i
"""


class Programs(FakeBackend):
    """The fake backend, with real programs."""

    def __init__(self, uri: str = "qemu+ssh://root@kv1/system", **fields: object) -> None:
        super().__init__(fleet())
        self.batch.hosts["kv1"] = host(**fields)  # type: ignore[arg-type]
        self.batch.hosts["kv1"] = self.batch.hosts["kv1"]._replace(uri=uri)
        self.children: list[Child] = []

    def child(
        self, argv: Sequence[str], sink: PacedSink, *, columns: int, lines: int
    ) -> ChildChannel:
        self.children.append(Child(argv, sink, columns=columns, lines=lines))
        return self.children[-1]


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder before all others in PATH, with an ssh of this test's own."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "ssh").write_text(SSH)
    (folder / "ssh").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return folder


@asynccontextmanager
async def listed(
    backend: Programs, name: str = "web-01", size: tuple[int, int] = (80, 24), **options: object
) -> AsyncIterator[Ui]:
    async with running(backend, size, **options) as ui:
        await ui.sees("web-01")
        await ui.press("slash", *name, "enter")
        yield ui
    for child in backend.children:
        child.close()
        child.thread.join(60)
        assert not child.thread.is_alive()


async def open_ssh(ui: Ui) -> None:
    await ui.press("o")
    await ui.sees("SSH to web-01")
    await ui.press("enter")
    await ui.until(lambda: isinstance(ui.app.screen, ChildScreen))


def logged(ui: Ui) -> str:
    return "\n".join(entry.text for entry in ui.app.context.store.log)


@pytest.mark.usefixtures("tools")
async def test_o_asks_for_the_user_and_opens_ssh_to_the_guest() -> None:
    async with listed(Programs("qemu:///system")) as ui:
        await ui.press("o")
        await ui.sees("192.168.122.35 (DHCP lease)")
        await ui.press("backspace", "backspace", "backspace", "backspace", *"admin", "enter")
        await ui.sees("[-o ConnectTimeout=15 -l admin -- 192.168.122.35]")
        await ui.sees("password:")
        await ui.press(*"secret", "enter")
        await ui.sees("welcome, secret is right")
        assert ui.frame().count("secret") == 1
        await ui.sees("guest#")
        assert ui.lines()[-1].startswith(" web-01 ssh admin@192.168.122.35 running")
        assert ui.lines()[-1].endswith("f12 menu")
        await ui.press(*"exit", "space", "3", "enter")
        await ui.sees("exit code 3")
        await ui.press("enter")
        await ui.until(lambda: isinstance(ui.app.screen, VmsScreen))
        assert "ssh admin@192.168.122.35: exit code 3" in logged(ui)
        assert "secret" not in logged(ui)
        await ui.press("o")
        await ui.sees("admin")


@pytest.mark.usefixtures("tools")
async def test_a_remote_hosts_guest_is_reached_through_it_unless_one_says_otherwise() -> None:
    async with listed(Programs("qemu+ssh://root@kv1:2222/system"), size=(120, 40)) as ui:
        await open_ssh(ui)
        await ui.sees("[-o ConnectTimeout=15 -J root@kv1:2222 -l root -- 192.168.122.35]")
        await ui.press("ctrl+right_square_bracket", "y")
        await ui.until(lambda: isinstance(ui.app.screen, VmsScreen))
        await ui.press("o")
        await ui.sees("through root@kv1:2222")
        await ui.press("tab", "tab", "space")
        await ui.sees("directly")
        await ui.press("enter")
        await ui.sees("[-o ConnectTimeout=15 -l root -- 192.168.122.35]")


async def test_without_an_address_it_says_why_and_what_else_there_is() -> None:
    backend = Programs()
    bare = domain(8, "bare")
    card = (bare.facts or Facts())._replace(macs=("52:54:00:00:00:08",))
    backend.batch.domains[bare.key] = bare._replace(facts=card)
    async with listed(backend, "bare") as ui:
        await ui.press("o")
        await ui.sees("no address of bare known yet (DHCP, guest agent); c opens its console")
        backend.send(Batch(domains={bare.key: bare}))
        await ui.until(lambda: ui.app.context.store.rows[bare.key].domain == bare)
        await ui.press("o")
        await ui.sees("bare has no network card; c opens its console")
        assert not backend.children


async def test_what_is_off_is_not_reached() -> None:
    async with listed(Programs(), "build-7") as ui:
        await ui.press("o")
        await ui.sees("build-7 is off; start it first")


async def test_the_embedded_fleet_has_no_network() -> None:
    backend = Programs(demo=True)
    async with listed(backend) as ui:
        await ui.press("o")
        await ui.sees("no network")
        await ui.press("colon", *"virsh", "enter")
        await ui.sees("virsh sees none")


@pytest.mark.usefixtures("tools")
async def test_leaving_what_runs_is_asked_about() -> None:
    others = set(threading.enumerate())
    backend = Programs()
    async with listed(backend) as ui:
        await open_ssh(ui)
        await ui.sees("password:")
        await ui.press("ctrl+right_square_bracket")
        await ui.sees("End ssh root@192.168.122.35")
        await ui.press("x")
        await ui.until(lambda: "End ssh" not in ui.frame())
        await ui.press("w", "enter")
        await ui.sees("welcome, w is right")
        await ui.press("ctrl+right_square_bracket", "ctrl+right_square_bracket")
        assert isinstance(ui.app.screen, ChildScreen)
        await ui.press("ctrl+5", "y")
        await ui.until(lambda: isinstance(ui.app.screen, VmsScreen))
        await ui.until(lambda: not backend.children[0].thread.is_alive())
        assert "closed ssh" in logged(ui)
        await ui.until(
            lambda: (
                not any("tuivm-console" in one.name for one in {*threading.enumerate()} - others)
            )
        )


@pytest.mark.usefixtures("tools")
async def test_one_that_ends_while_it_is_asked() -> None:
    backend = Programs()
    async with listed(backend) as ui:
        await open_ssh(ui)
        await ui.sees("password:")
        await ui.press("ctrl+right_square_bracket")
        await ui.sees("End ssh")
        backend.children[0].write(b"\x03")
        await ui.sees("ended by SIGINT")
        await ui.press("ctrl+right_square_bracket")
        await ui.until(lambda: isinstance(ui.app.screen, VmsScreen))


async def test_what_is_not_installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    async with listed(Programs()) as ui:
        await open_ssh(ui)
        await ui.sees("there is no ssh on this machine")
        await ui.sees("apt install openssh-client")
        await ui.press("enter")
        await ui.until(lambda: isinstance(ui.app.screen, VmsScreen))
        assert "there is no ssh" in logged(ui)


async def test_why_ssh_failed_and_again(tools: Path) -> None:
    (tools / "ssh").write_text("#!/bin/sh\necho ssh: connect: refused >&2; exit 255\n")
    backend = Programs()
    async with listed(backend, size=(120, 40)) as ui:
        await open_ssh(ui)
        await ui.sees("exit code 255")
        await ui.sees("ssh: connect: refused")
        await ui.sees("could not connect or log in")
        await ui.press("r")
        await ui.until(lambda: len(backend.children) == 2)
        await ui.sees("exit code 255")
        await ui.press("ctrl+right_square_bracket")
        await ui.until(lambda: isinstance(ui.app.screen, VmsScreen))


async def test_silence_says_what_it_waits_for(tools: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child_module, "SILENCE", 0.05)
    (tools / "ssh").write_text("#!/bin/sh\nread x; echo here\n")
    async with listed(Programs()) as ui:
        await open_ssh(ui)
        await ui.sees("no answer from 192.168.122.35 yet")
        await ui.press("enter")
        await ui.sees("here")
        assert "no answer" not in ui.frame()


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
async def test_a_virsh_shell_on_the_connection_in_sight(size: tuple[int, int]) -> None:
    async with listed(Programs("test:///default"), size=size) as ui:
        await ui.press("colon", *"virsh", "enter")
        await ui.sees("virsh #")
        await ui.press(*"list", "enter")
        await ui.sees("running")
        assert ui.lines()[-1].startswith(" kv1 virsh shell running")
        await ui.press(*"quit", "enter")
        await ui.sees("exit code 0")
        await ui.press("escape")
        await ui.until(lambda: isinstance(ui.app.screen, VmsScreen))


async def test_one_virsh_command_with_its_exit_code() -> None:
    async with listed(Programs("test:///default")) as ui:
        await ui.press("colon")
        await ui.type("virsh domstate 'no such'")
        await ui.press("enter")
        await ui.sees("exit code 1")
        await ui.sees("no such")
        await ui.press("enter")
        assert "virsh domstate: exit code 1" in logged(ui)
        entry = ui.app.context.store.log[-1]
        assert entry.virsh == "virsh -c test:///default domstate …"


@pytest.mark.usefixtures("tools")
async def test_the_program_learns_its_size() -> None:
    async with listed(Programs(), size=(120, 40)) as ui:
        await open_ssh(ui)
        await ui.sees("password:")
        await ui.press("enter")
        await ui.sees("guest#")
        await ui.press(*"stty", "space", *"size", "enter")
        await ui.sees("39 120")
        await ui.pilot.resize_terminal(90, 30)
        await ui.press(*"stty", "space", *"size", "enter")
        await ui.sees("29 90")


@pytest.mark.usefixtures("tools")
async def test_menu_search_and_a_paste_of_several_lines() -> None:
    async with listed(Programs(), size=(120, 40)) as ui:
        await open_ssh(ui)
        await ui.sees("password:")
        await ui.press("enter")
        await ui.sees("guest#")
        view = ui.app.screen.query_one(TerminalView)
        view.post_message(events.Paste("echo one\necho two\n"))
        await ui.sees("Paste 2 lines")
        await ui.press("y")
        await ui.sees("# two")
        await ui.press("f12")
        await ui.sees("Scrollback")
        await ui.press("slash")
        await ui.until(lambda: bool(ui.app.screen.query("Prompt")))
        await ui.press(*"welcome", "enter")
        await ui.sees("1/1")
        await ui.press("escape", *"exit", "enter")
        await ui.sees("exit code 0")


@pytest.mark.usefixtures("tools")
async def test_a_lost_host_does_not_keep_one_from_its_guest() -> None:
    async with listed(Programs(state=HostState.LOST)) as ui:
        await open_ssh(ui)
        await ui.sees("password:")


async def test_a_flood_leaves_the_pane_usable(tools: Path) -> None:
    (tools / "ssh").write_text("#!/bin/sh\nexec yes flooding\n")
    async with listed(Programs()) as ui:
        await open_ssh(ui)
        await ui.sees("flooding")
        began = time.monotonic()
        await ui.press("ctrl+c")
        await ui.sees("ended by SIGINT")
        assert time.monotonic() - began < 5
        assert "came too fast" not in ui.frame()


async def test_readonly_goes_on_to_virsh(tools: Path) -> None:
    (tools / "virsh").write_text('#!/bin/sh\necho "[$*]"\n')
    (tools / "virsh").chmod(0o755)
    async with listed(Programs("test:///default"), readonly=True) as ui:
        await ui.press("colon", *"virsh", "enter")
        await ui.sees("[-c test:///default -r]")
