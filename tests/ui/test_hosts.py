"""The Hosts screen: what it shows at each size, and hosts that come and go by its keys."""

from __future__ import annotations

import pytest

from tests.ui.fake import GIB, FakeBackend, domain, fleet, host
from tests.ui.screens import Ui, running
from tuivm.core.api import Batch
from tuivm.core.commands import parse
from tuivm.core.config import HostConfig, default_path, load
from tuivm.core.errors import TuivmError
from tuivm.core.hosttable import HOST_COLUMNS
from tuivm.core.launch import Origin
from tuivm.core.model import HostState
from tuivm.core.question import Question, QuestionKind
from tuivm.screens.commandline import run
from tuivm.screens.hostform import HostForm
from tuivm.screens.vms import VmsScreen
from tuivm.widgets.prompt import LineInput


def hosts(*others: str) -> FakeBackend:
    batch = fleet()
    batch.hosts["kv1"] = host(
        cpus=2,
        memory=16 * GIB,
        latency=0.0032,
        hypervisor="QEMU 7.2.0",
        libvirt="9.0.0",
        tags=("prod", "rack-3"),
        colour="red",
    )
    for name in others:
        batch.hosts[name] = host(name)
    return FakeBackend(batch)


async def fill(ui: Ui, uri: str = "", name: str = "", tags: str = "") -> None:
    """Fill in the form from its first field on; ends on the first choice."""
    for field, text in (("uri", uri), ("name", name), ("tags", tags)):
        ui.app.screen.query_one(f"#field-{field}", LineInput).value = text
        await ui.press("tab")


def form(ui: Ui) -> bool:
    return isinstance(ui.app.screen, HostForm)


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60), (40, 20)])
async def test_the_table_fits_and_says_what_it_can(size: tuple[int, int]) -> None:
    async with running(hosts("kv2"), size) as ui:
        await ui.press("4")
        await ui.sees("4/7")
        assert all(len(line) <= size[0] for line in ui.lines())
        line = next(line for line in ui.lines() if "4/7" in line)
        if size[0] >= 80:
            assert "4.0x" in line
            assert "3.2 ms" in line
            assert "enter VMs  n add  e edit  d disconnect" in ui.lines()[-1]
        if size[0] >= 120:
            assert "QEMU 7.2.0, libvirt 9.0.0" in line
            assert all(column.header in ui.lines()[2] for column in HOST_COLUMNS)
            assert "8 vCPUs on 2 CPUs (4.0x)" in ui.frame()
        assert "prod, rack-3" in ui.frame()


async def test_enter_shows_the_vms_of_the_host_and_its_tags_are_theirs() -> None:
    backend = hosts("kv2", "kv2 b")
    async with running(backend, (120, 40)) as ui:
        one = domain(20, "lonely", on="kv2 b")
        two = domain(21, "other", on="kv2")
        backend.send(Batch(domains={one.key: one, two.key: two}))
        await ui.press("4", "G", "enter")
        await ui.sees("lonely")
        assert isinstance(ui.app.screen, VmsScreen)
        assert len(ui.app.context.view) == 1
        await ui.press("4", "k", "enter")
        await ui.until(lambda: ui.app.context.view.filter_text == "host=kv2")
        assert "other" in ui.frame()
        ui.app.context.view.set_filter("tag:rack")
        assert len(ui.app.context.view) == 7


async def test_a_host_is_added_and_kept(isolated: None) -> None:
    backend = hosts()
    async with running(backend, (100, 30)) as ui:
        await ui.press("4", "n")
        await ui.sees("qemu+tls://kv1.example/system")
        await fill(ui, "qemu+ssh://kv9/system", "kv9", "prod, two")
        await ui.press("space", "tab", "space", "enter")
        await ui.until(lambda: not form(ui))
        added = HostConfig("qemu+ssh://kv9/system", "kv9", True, "red", ("prod", "two"))
        assert backend.roster.calls == [("add", added)]
        assert load().hosts == (added,)
        assert ui.app.context.config.host(added.uri) == added
        await ui.sees("kv9: added, kept in")
        await ui.until(lambda: "2 hosts" in ui.lines()[1])
        assert ui.app.screen.host() == "kv9"  # type: ignore[attr-defined]


async def test_what_was_found_by_itself_is_kept_along_with_the_first_host() -> None:
    async with running(hosts(), origin=Origin.FOUND) as ui:
        await ui.press("4", "n")
        await fill(ui, "test:///default")
        await ui.press("enter")
        await ui.until(lambda: not form(ui))
        assert [one.uri for one in load().hosts] == ["qemu+ssh://kv1/system", "test:///default"]


async def test_nothing_typed_is_lost_to_an_error() -> None:
    backend = hosts()
    default_path().parent.mkdir(parents=True)
    async with running(backend, (100, 30)) as ui:
        await ui.press("4", "n", "tab", "tab", "enter")
        await ui.sees("URI is missing")
        await fill(ui, "qemu:///kv9", "kv9", "-wrong")
        await ui.press("enter")
        await ui.sees("-wrong cannot be a tag")
        await ui.press("shift+tab", "ctrl+u")
        backend.roster.refusal = TuivmError("Cannot add kv9", "kv1 has this URI already")
        await ui.press("enter")
        await ui.sees("kv1 has this URI already. Nothing typed here is lost")
        assert not default_path().exists()
        backend.roster.refusal = None
        default_path().write_text("theme = ")
        await ui.press("enter")
        await ui.sees("It is so for now, but not kept")
        assert "line 1" in ui.frame().replace("\n", " ")
        default_path().write_text("# mine\n")
        await ui.press("enter")
        await ui.until(lambda: not form(ui))
        kv9 = HostConfig("qemu:///kv9", "kv9")
        assert backend.roster.calls == [("add", kv9), ("change", ("kv9", kv9))]
        assert default_path().read_text().startswith("# mine\n")
        assert load().hosts == (kv9,)


async def test_an_edit_begins_with_what_is_known_and_changes_the_file() -> None:
    path = default_path()
    path.parent.mkdir(parents=True)
    path.write_text('[[hosts]]\nuri = "qemu+ssh://kv1/system"  # the first\ncolour = "blue"\n')
    backend = hosts()
    async with running(backend, (100, 30)) as ui:
        ui.app.context.config = load()
        await ui.press("4", "e")
        await ui.sees("Edit kv1")
        assert "blue" in ui.frame()
        await ui.press("enter", "enter")
        await ui.until(lambda: not form(ui))
        assert backend.roster.calls == [], "nothing was changed"
        await ui.press("e", *"rack", "tab", *"x", "enter")
        await ui.until(lambda: not form(ui))
        changed = HostConfig("qemu+ssh://kv1/system", "rack", colour="blue", tags=("x",))
        assert backend.roster.calls == [("change", ("kv1", changed))]
        assert load().hosts == (changed,)
        assert "# the first" in path.read_text()


async def test_ctrl_t_tries_without_keeping_and_questions_come_above_the_form() -> None:
    backend = hosts()
    async with running(backend, (100, 30)) as ui:
        await ui.press("4", "n", "ctrl+t")
        await ui.sees("URI is missing")
        ui.app.screen.query_one("#field-uri", LineInput).value = "qemu+ssh://kv9/system"
        await ui.press("ctrl+t")
        await ui.sees("trying it")
        asked = Question(1, "kv9", QuestionKind.PASSWORD, "root@kv9's password:")
        backend.send(Batch(questions={1: asked}))
        await ui.sees("root@kv9's password:")
        await ui.type("x")
        await ui.press("enter")
        await ui.until(lambda: form(ui) and backend.answers == [(1, "x")])
        answer = host("kv9", hypervisor="QEMU 8", libvirt="9.1.0", latency=0.05, hostname="kv9.x")
        backend.roster.trials[0].set_result(answer)
        await ui.sees("it answers: QEMU 8, libvirt 9.1.0 on kv9.x, round trip 50 ms")
        await ui.press("tab", "tab", "tab", "ctrl+t")
        refused = TuivmError("Cannot connect", "nothing listens there", hint="is it running?")
        await ui.until(lambda: len(backend.roster.trials) == 2)
        backend.roster.trials[1].set_exception(refused)
        await ui.sees("nothing listens there (is it running?)")
        await ui.press("ctrl+t", "escape")
        await ui.until(lambda: not form(ui) and backend.roster.trials[2].cancelled())
        assert [call for call, _ in backend.roster.calls] == ["try", "try", "try"]
        assert not default_path().exists()


async def test_one_key_disconnects_and_connects() -> None:
    backend = hosts("kv2")
    async with running(backend, (100, 30)) as ui:
        await ui.press("4", "d")
        await ui.until(lambda: "d connect " in ui.lines()[-1])
        assert backend.roster.calls == [("disconnect", "kv1")]
        assert "d connects it" in ui.frame()
        assert "kv1 ○ disabled" in ui.lines()[0]
        await ui.press("ctrl+r", "d")
        await ui.until(lambda: backend.retried == ["kv1", "kv1"])
        await ui.press("1", "ctrl+r")
        # Not what somebody disconnected.
        await ui.until(lambda: backend.retried == ["kv1", "kv1", "kv2"])
        backend.send(Batch(hosts={"kv2": host("kv2", HostState.DISABLED)}))
        await ui.sees("All 2 hosts are disconnected")


@pytest.mark.parametrize("also", [True, False])
async def test_a_host_is_forgotten_with_and_without_the_file(also: bool) -> None:
    path = default_path()
    path.parent.mkdir(parents=True)
    path.write_text('[[hosts]]\nuri = "qemu+ssh://kv1/system"\n')
    backend = hosts()
    async with running(backend, (120, 30), readonly=True) as ui:
        ui.app.context.config = load()
        await ui.press("4", "U")
        await ui.sees("Forget kv1? Its 7 VMs go on, unseen here.")
        await ui.press("n", "U", "y")
        await ui.sees("tuivm/config.toml too?")
        await ui.press("y" if also else "n")
        await ui.sees("taken out of" if also else "forgotten until the next start")
        assert backend.roster.calls == [("forget", "kv1")]
        assert len(load().hosts) == (0 if also else 1)
        await ui.sees("n adds one")
        await ui.press("1")
        await ui.sees("There is no host to show VMs of.")


async def test_a_host_that_is_not_ones_own_says_so() -> None:
    backend = hosts()
    backend.batch.hosts["kv1"] = backend.batch.hosts["kv1"]._replace(demo=True)
    async with running(backend, (120, 30)) as ui:
        await ui.press("4", "d")
        await ui.sees("it is the embedded example fleet")
        await ui.press("question_mark", "slash", *"edit th")
        await ui.sees("not now: it is the embedded example fleet")
        assert backend.roster.calls == []


async def test_hosts_have_commands() -> None:
    backend = hosts("kv2", "k v 3")
    async with running(backend, (120, 30)) as ui:
        for line in (
            "host-disconnect kv2",
            'host-disconnect "k v 3"',
            "host-connect",
            "host-edit nobody",
        ):
            found = parse(line)
            assert found is not None
            run(ui.app.screen, found)  # type: ignore[arg-type]
        await ui.sees("there is no host nobody")
        found = parse("host-vms kv2")
        assert found is not None
        run(ui.app.screen, found)  # type: ignore[arg-type]
        assert ui.app.context.view.filter_text == "host=kv2"
        gone = [("disconnect", "kv2"), ("disconnect", "k v 3")]
        await ui.until(lambda: backend.roster.calls == gone)


async def test_many_hosts_are_counted_and_what_matters_stays() -> None:
    names = [f"host-{number}" for number in range(40)]
    backend = FakeBackend(Batch(hosts={name: host(name) for name in names}))
    async with running(backend) as ui:
        await ui.sees("hosts 40 up")
        states = dict.fromkeys(names[:2], HostState.LOST) | {
            "host-7": HostState.NEEDS_AUTH,
            "host-8": HostState.CONNECTING,
            "host-9": HostState.DISABLED,
        }
        backend.send(Batch(hosts={name: host(name, state) for name, state in states.items()}))
        await ui.sees("hosts 35 up 2 lost 1 needs you")
        assert "6 Events" in ui.lines()[0]
        assert all(len(line) <= 80 for line in ui.lines())
        await ui.pilot.resize_terminal(120, 30)
        await ui.sees("1 waiting 1 disabled")


async def test_many_hosts_stand_still_whichever_is_under_the_cursor() -> None:
    names = [f"kv{number:02}" for number in range(40)]
    batch = Batch(hosts={name: host(name) for name in names})
    why = TuivmError(
        "Cannot connect to qemu+ssh://kv01/system",
        "nothing listens there: " + "a long story " * 12,
        hint="start it: " + "with many words " * 12,
        raw="unable to connect",
        call="virConnectOpen",
        code=38,
        domain=7,
    )
    batch.hosts["kv01"] = host("kv01", HostState.LOST, error=why)
    async with running(FakeBackend(batch)) as ui:
        await ui.press("4")
        await ui.sees("kv07")

        def shown() -> list[str]:
            return [line.split()[2] for line in ui.lines() if line.startswith(" ● up")]

        before = shown()
        assert len(before) >= 7
        await ui.press("j")
        await ui.sees("What to do")
        assert shown() == before
        assert "What failed" not in ui.frame(), "the URI is said, and that it is lost"
        await ui.pilot.resize_terminal(120, 60)
        await ui.sees("unable to connect (virConnectOpen, code 38, domain 7)")
        assert all(name in ui.frame() for name in names)


async def test_of_many_hosts_those_that_are_not_up_are_one_key_away() -> None:
    names = [f"kv{number:02}" for number in range(40)]
    batch = Batch(hosts={name: host(name) for name in names})
    batch.hosts["kv33"] = host("kv33", HostState.LOST)
    batch.hosts["kv34"] = host("kv34", HostState.DISABLED)
    batch.hosts["kv35"] = host("kv35", HostState.NEEDS_AUTH)
    backend = FakeBackend(batch)
    async with running(backend) as ui:
        await ui.press("4", "F")
        await ui.sees("not up only")
        table = ui.frame().partition(" Host ")[0]
        assert [name for name in names if name in table] == ["kv33", "kv35"]
        backend.send(Batch(hosts={name: host(name) for name in ("kv33", "kv35")}))
        await ui.sees("every host that is to be up is up")
        assert "kv3" not in ui.frame()
        await ui.press("escape")
        await ui.sees("kv01")
        assert "not up only" not in ui.frame()


async def test_no_match_is_not_said_of_hosts_that_were_not_asked() -> None:
    backend = hosts("kv2")
    backend.batch.hosts |= {f"off{n}": host(f"off{n}", HostState.DISABLED) for n in range(4)}
    async with running(backend) as ui:
        await ui.press("slash", *"nothing-like-it", "enter")
        await ui.sees("No VM matches /nothing-like-it")
        assert "off0, off1 and 2 more are not connected: their VMs are not known." in ui.frame()
        await ui.press("slash", *["backspace"] * 20, *"host:off3", "enter")
        await ui.sees("off3 is not connected: its VMs are not known.")
        assert "4 shows the hosts" in ui.frame()


async def test_help_begins_with_the_keys_of_its_screen() -> None:
    async with running(hosts("kv2")) as ui:
        await ui.press("4", "question_mark")
        await ui.sees("Add a host")
        assert ui.lines()[2].split()[:1] == ["Hosts"]
        await ui.press("escape", "escape", "question_mark")
        await ui.until(lambda: ui.lines()[2].split()[:1] == ["Power"])


async def test_the_colour_is_in_the_list_and_in_the_top_bar() -> None:
    async with running(hosts("kv2"), (120, 30)) as ui:
        await ui.sees("web-01")
        red = [
            segment.text.strip()
            for strip in ui.app.screen._compositor.render_strips()
            for segment in strip
            if segment.style and segment.style.color and segment.style.color.number == 9
        ]
        assert red.count("kv1") == 7, "the bar, and all rows but the one under the cursor"


async def test_what_was_kept_attached_is_named_before_it_ends() -> None:
    backend = hosts()
    async with running(backend, (100, 30)) as ui:
        key = next(key for key in ui.app.context.store.rows)
        ui.app.context.consoles.keep(key, "", True)
        await ui.press("4", "d")
        await ui.sees("Disconnect kv1? It ends 1 kept console.")
        await ui.press("n")
        assert backend.roster.calls == []
        await ui.press("d", "y")
        await ui.until(lambda: backend.roster.calls == [("disconnect", "kv1")])
        await ui.until(lambda: not ui.app.context.kept_consoles)
