"""The list: what is shown, moving, filtering, sorting, marking; all by identity."""

from __future__ import annotations

import pytest
from textual._compositor import Compositor

from tests.ui.fake import FakeBackend, domain, fleet, host, stats
from tests.ui.screens import Ui, running
from tuivm.core.api import Batch
from tuivm.core.errors import TuivmError
from tuivm.core.hostapi import Elsewhere
from tuivm.core.hostconfig import HostConfig
from tuivm.core.model import DomainKey, HostState, State


def many(count: int) -> Batch:
    """A host with so many VMs, vm-000 and on."""
    domains = [domain(number + 1, f"vm-{number:03}") for number in range(count)]
    return Batch(hosts={"kv1": host()}, domains={one.key: one for one in domains})


def cursor(ui: Ui) -> str:
    """The name under the cursor."""
    context = ui.app.context
    cursor = context.view.cursor
    return "" if cursor is None else context.store.rows[cursor].domain.name


def key_of(ui: Ui, name: str) -> DomainKey:
    """The key of the VM with that name."""
    return next(k for k, row in ui.app.context.store.rows.items() if row.domain.name == name)


async def test_80x24_shows_19_vms_between_five_lines_of_chrome() -> None:
    async with running(FakeBackend(many(50))) as ui:
        lines = ui.lines()
        assert len(lines) == 24
        assert "VMs" in lines[0]
        assert "50 VMs" in lines[1]
        assert "STATE" in lines[2]
        assert "NAME" in lines[2]
        assert sum("vm-" in line for line in lines) == 19
        assert "help" in lines[23]


async def test_the_first_frame_comes_before_any_connection() -> None:
    backend = FakeBackend()
    async with running(backend) as ui:
        assert "Connecting" in ui.frame()
        backend.send(fleet())
        await ui.sees("web-01")


async def test_state_reason_and_numbers_are_told_in_words() -> None:
    async with running(FakeBackend(fleet()), (120, 40)) as ui:
        frame = ui.frame()
        assert "paused: I/O error" in frame
        assert "paused: by user" in frame
        assert "off: saved" in frame
        assert "crashed" in frame
        web = next(line for line in ui.lines() if "web-01" in line)
        assert "12.5" in web
        assert "1.2/4.0 GiB" in web
        assert "192.168.122.35" in web


async def test_keys_move_the_cursor_and_the_page_follows() -> None:
    async with running(FakeBackend(many(50))) as ui:
        assert cursor(ui) == "vm-000"
        await ui.press("j", "down", "k")
        assert cursor(ui) == "vm-001"
        await ui.press("G")
        assert cursor(ui) == "vm-049"
        assert "vm-049" in ui.frame()
        await ui.press("ctrl+u")
        assert cursor(ui) == "vm-040"
        await ui.press("g")
        assert cursor(ui) == "vm-000"
        await ui.press("pagedown")
        assert cursor(ui) == "vm-019"
        await ui.press("ctrl+d")
        assert cursor(ui) == "vm-028"


async def test_the_cursor_stays_on_its_vm_when_others_come_and_go() -> None:
    backend = FakeBackend(many(5))
    async with running(backend) as ui:
        await ui.press("j", "j")
        assert cursor(ui) == "vm-002"
        new = domain(99, "aaa")
        gone = key_of(ui, "vm-001")
        backend.send(Batch(domains={new.key: new, gone: None}))
        await ui.sees("aaa")
        assert cursor(ui) == "vm-002"


async def test_the_filter_is_instant_and_enter_keeps_it() -> None:
    async with running(FakeBackend(fleet())) as ui:
        await ui.press("slash")
        await ui.type("web")
        assert "db-01" not in ui.frame()
        assert "2 shown" in ui.frame()
        await ui.press("enter")
        assert "2 of 7 VMs" in ui.lines()[1]
        assert "/web" in ui.lines()[1]
        await ui.press("escape")
        await ui.sees("db-01")


async def test_a_wrong_filter_keeps_the_last_good_result_and_says_why() -> None:
    async with running(FakeBackend(fleet())) as ui:
        await ui.press("slash")
        await ui.type("web cpu>much")
        assert "web-01" in ui.frame()
        assert "db-01" not in ui.frame()
        assert "much" in ui.lines()[1].replace("cpu>much", "", 1)
        await ui.press("escape")
        assert "db-01" in ui.frame()


async def test_tab_completes_fields_in_the_filter() -> None:
    async with running(FakeBackend(fleet())) as ui:
        await ui.press("slash")
        await ui.type("stat")
        await ui.press("tab")
        assert "/state:" in ui.lines()[1]


async def test_no_match_says_how_to_get_the_vms_back() -> None:
    async with running(FakeBackend(fleet())) as ui:
        await ui.press("slash")
        await ui.type("nothing-like-it")
        await ui.press("enter")
        assert "No VM matches /nothing-like-it" in ui.frame()
        assert "esc clears the filter" in ui.frame()


async def test_no_match_among_the_faults_names_both_and_how_to_clear_each() -> None:
    async with running(FakeBackend(fleet())) as ui:
        await ui.press("F", "slash")
        await ui.type("web")
        await ui.press("enter")
        assert "No VM with a fault matches /web" in ui.frame()
        assert "esc clears the filter" in ui.frame()
        assert "F shows those without a fault too" in ui.frame()
        await ui.press("F")
        await ui.sees("web-01")
        await ui.press("F", "escape")
        await ui.sees("db-01")


async def test_faults_only_and_back() -> None:
    async with running(FakeBackend(fleet())) as ui:
        await ui.press("F")
        assert "web-01" not in ui.frame()
        assert "db-01" in ui.frame()
        assert "old" in ui.frame()
        await ui.press("escape")
        await ui.sees("web-01")


async def test_marks_beat_the_cursor_and_outlive_a_filter() -> None:
    async with running(FakeBackend(fleet())) as ui:
        await ui.press("space", "space")
        assert "2 marked" in ui.lines()[1]
        assert len(ui.app.screen.targets()) == 2  # type: ignore[attr-defined]
        await ui.press("slash")
        await ui.type("web")
        await ui.press("enter")
        assert "2 marked (2 hidden)" in ui.lines()[1]
        await ui.press("escape", "backslash")
        assert "marked" not in ui.lines()[1]
        await ui.press("asterisk")
        assert "7 marked" in ui.lines()[1]
        await ui.press("escape")
        assert "marked" not in ui.lines()[1]


async def test_sorting_by_keys_by_menu_and_by_a_click_on_the_header() -> None:
    batch = fleet()
    web2 = next(one for one in batch.domains.values() if one and one.name == "web-02")
    batch.stats[web2.key] = stats(99.0)
    async with running(FakeBackend(batch), (120, 40)) as ui:
        await ui.press("greater_than_sign")
        assert "sort CPU ▼" in ui.lines()[1]
        assert "web-02" in ui.lines()[3]
        await ui.press("less_than_sign")
        assert "sort NAME" in ui.lines()[1]
        await ui.press("comma")
        await ui.sees("Sort by")
        await ui.press("s")
        await ui.sees("sort STATE")
        column = ui.lines()[2].index("CPU")
        await ui.pilot.click(offset=(column, 2))
        await ui.sees("sort CPU ▼")


async def test_a_click_moves_and_a_double_click_opens() -> None:
    async with running(FakeBackend(fleet())) as ui:
        await ui.pilot.click(offset=(10, 5))
        assert cursor(ui) == "db-02"
        await ui.pilot.click(offset=(10, 5), times=2)
        await ui.until(lambda: type(ui.app.screen).__name__ == "DetailsScreen")


async def test_the_wheel_scrolls_without_moving_the_cursor() -> None:
    async with running(FakeBackend(many(50))) as ui:
        from textual import events

        table = ui.app.screen.query_one("#vms")
        table.post_message(events.MouseScrollDown(table, 1, 5, 0, 1, 0, False, False, False, 1, 5))
        await ui.sees("vm-021")
        assert "vm-000" not in ui.frame()
        assert cursor(ui) == "vm-000"


async def test_the_backend_is_told_what_is_on_screen_and_asked_nothing_else() -> None:
    backend = FakeBackend(many(50))
    async with running(backend) as ui:
        await ui.until(lambda: bool(backend.focused))
        await ui.press("j", "k", "G")
        await ui.until(lambda: len(backend.focused[-1].visible) == 19)
        await ui.until(lambda: key_of(ui, "vm-049") in backend.focused[-1].visible)
        assert backend.focused[-1].detail is None
        assert not backend.calls


async def test_an_empty_host_says_how_to_make_a_vm() -> None:
    async with running(FakeBackend(Batch(hosts={"kv1": host()}))) as ui:
        frame = ui.frame()
        assert "No virtual machines on qemu+ssh://kv1/system yet" in frame
        assert "virt-install" in frame


async def test_an_empty_list_says_where_there_are_vms_and_a_key_opens_that() -> None:
    backend = FakeBackend(Batch(hosts={"kv1": host()}))
    backend.roster.other = Elsewhere("qemu:///system", 3)
    async with running(backend) as ui:
        await ui.sees("qemu:///system has 3 VMs")
        await ui.sees("ctrl+o opens it too")
        await ui.press("ctrl+o")
        await ui.until(lambda: "new" in ui.app.context.store.hosts)
        assert backend.roster.calls == [("add", HostConfig("qemu:///system"))]
        assert "has 3 VMs" not in ui.frame()
        await ui.press("ctrl+o")
        await ui.sees("no other connection")


async def test_a_lost_host_says_why_and_what_to_do() -> None:
    error = TuivmError("Cannot connect to kv1", "nobody listens there", hint="start libvirtd")
    backend = FakeBackend(Batch(hosts={"kv1": host(state=HostState.LOST, error=error)}))
    async with running(backend) as ui:
        frame = ui.frame()
        assert "Cannot connect to kv1" in frame
        assert "nobody listens there" in frame
        assert "start libvirtd" in frame
        assert "ctrl+r tries now" in frame
        await ui.press("ctrl+r")
        assert backend.retried == ["kv1"]


async def test_rows_of_a_lost_host_are_old_and_say_so() -> None:
    backend = FakeBackend(fleet())
    async with running(backend) as ui:
        backend.send(Batch(hosts={"kv1": host()._replace(state=HostState.LOST, seen_at=1.0)}))
        await ui.sees("ago")
        assert "out of reach" in ui.lines()[1]
        assert "kv1 ✗" in ui.lines()[0]
        await ui.press("G", "S")
        await ui.sees("out of reach")


async def test_two_hosts_get_a_column_and_one_does_not() -> None:
    backend = FakeBackend(fleet())
    async with running(backend, (120, 40)) as ui:
        assert "HOST" not in ui.lines()[2]
        other = domain(50, "far", on="kv2")
        backend.send(Batch(hosts={"kv2": host("kv2")}, domains={other.key: other}))
        await ui.sees("far")
        assert "HOST" in ui.lines()[2]
        assert "kv1 ●" in ui.lines()[0]
        assert "kv2 ●" in ui.lines()[0]


async def test_ascii_uses_no_other_character() -> None:
    async with running(FakeBackend(fleet()), (120, 40), ascii=True) as ui:
        frames = ui.frame()
        await ui.press("P")
        frames += ui.frame()
        await ui.press("escape", "question_mark")
        frames += ui.frame()
        assert frames.isascii(), {char for char in frames if not char.isascii()}


async def test_a_storm_of_changes_ends_in_the_right_picture() -> None:
    backend = FakeBackend(many(200))
    async with running(backend) as ui:
        keys = list(ui.app.context.store.rows)
        for number in range(50):
            for key in keys:
                state = State.PAUSED if (number + 1) % 2 else State.RUNNING
                backend.domains[key] = backend.domains[key]._replace(state=state)
            backend.send(Batch(domains=dict(backend.domains)))
        await ui.until(lambda: "200 running" in ui.lines()[1])
        assert "paused" not in ui.frame()


async def test_a_prompt_that_opens_and_closes_paints_one_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole: list[bool] = []
    paint = Compositor.render_full_update

    def painted(self: Compositor, **how: bool) -> object:
        whole.append(True)
        return paint(self, **how)

    # On a line of 10 kB/s the whole screen takes longer than a second.
    async with running(FakeBackend(many(50)), (120, 40)) as ui:
        monkeypatch.setattr(Compositor, "render_full_update", painted)
        await ui.press("slash")
        await ui.until(lambda: bool(ui.app.screen.query("Prompt")))
        await ui.press("escape")
        await ui.until(lambda: not ui.app.screen.query("Prompt"))
        await ui.sees("50 VMs")
    assert not whole
