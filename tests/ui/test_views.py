"""Hosts, events, help, palette, and the command line."""

from __future__ import annotations

from pathlib import Path

from tests.ui.fake import FakeBackend, entry, fleet, host
from tests.ui.screens import running
from tests.ui.test_flow import go_to
from tests.ui.test_list import key_of
from tuivm.core.api import Batch
from tuivm.core.errors import TuivmError
from tuivm.core.model import HostState, Severity


async def test_digits_switch_views_and_esc_comes_back() -> None:
    async with running(FakeBackend(fleet())) as ui:
        await ui.press("4")
        await ui.sees("qemu+ssh://kv1/system")
        await ui.press("6")
        await ui.sees("nothing has happened yet")
        await ui.press("1")
        await ui.sees("web-01")
        await ui.press("6", "escape")
        await ui.sees("web-01")
        assert len(ui.app.screen_stack) == 1


async def test_the_host_view_tells_the_whole_error_and_retries() -> None:
    error = TuivmError(
        "Cannot connect to kv2",
        "the key of kv2 changed",
        hint="ssh kv2 shows both keys",
        code=38,
        domain=7,
        raw="Host key verification failed.",
    )
    batch = fleet()
    batch.hosts["kv2"] = host("kv2", HostState.LOST, error=error)
    backend = FakeBackend(batch)
    async with running(backend, (120, 40)) as ui:
        await ui.press("4", "j")
        await ui.sees("Host key verification failed.")
        assert "ssh kv2 shows both keys" in ui.frame()
        await ui.press("ctrl+r")
        assert backend.retried == ["kv2"]


async def test_the_event_log_filters_by_words_and_shows_an_entry_in_full() -> None:
    backend = FakeBackend(fleet())
    async with running(backend, (120, 40)) as ui:
        backend.send(
            Batch(
                entries=[
                    entry("web-01 started", virsh="virsh start web-01"),
                    entry("db-02 failed", severity=Severity.ERROR),
                ]
            )
        )
        await ui.press("6")
        await ui.sees("virsh start web-01")
        await ui.press("slash")
        await ui.type("error")
        assert "db-02 failed" in ui.frame()
        assert "web-01 started" not in ui.lines()[2]
        await ui.press("escape", "k", "enter")
        await ui.sees("2023-11-")
        await ui.press("y")
        assert "virsh: virsh start web-01" in ui.app.clipboard


async def test_new_events_are_followed_only_from_the_end() -> None:
    backend = FakeBackend(fleet())
    async with running(backend) as ui:
        backend.send(Batch(entries=[entry(f"event {number:03}") for number in range(60)]))
        await ui.press("6")
        await ui.sees("event 059")
        backend.send(Batch(entries=[entry("event 060")]))
        await ui.until(lambda: any("event 060" in line for line in ui.lines()[2:22]))
        await ui.press("g")
        backend.send(Batch(entries=[entry("event 061")]))
        await ui.sees("62 events")
        assert any("event 000" in line for line in ui.lines()[2:22])


async def test_help_lists_every_action_with_reasons_and_can_be_searched() -> None:
    from tuivm.core.actions import ACTIONS

    async with running(FakeBackend(fleet()), (200, 60)) as ui:
        await go_to(ui, "build-7")
        await ui.press("question_mark")
        lines = ui.app.screen.query_one("#help").lines  # type: ignore[attr-defined]
        assert {line.key for line in lines} >= set(ACTIONS)
        await ui.press("slash")
        await ui.type("force off")
        assert "build-7 is off" in ui.frame()
        await ui.press("enter", "escape", "escape")
        await ui.sees("web-01")


async def test_help_names_the_command_that_does_just_that() -> None:
    async with running(FakeBackend(fleet()), (120, 40)) as ui:
        await ui.press("?")
        await ui.until(lambda: "Shut down and start" in ui.frame())
        for words, title in ((":cycle", "Shut down and start"), ("--force-boot", "Boot afresh")):
            line = next(line for line in ui.lines() if title in line)
            assert words in line, line


async def test_enter_in_help_does_what_the_line_says() -> None:
    backend = FakeBackend(fleet())
    async with running(backend) as ui:
        await go_to(ui, "build-7")
        await ui.press("question_mark", "enter")
        await ui.until(lambda: bool(backend.calls))
        assert backend.calls[0][1] == "start"


async def test_the_palette_finds_actions_by_letters() -> None:
    backend = FakeBackend(fleet())
    async with running(backend, (120, 40)) as ui:
        await go_to(ui, "web-01")
        await ui.press("ctrl+p")
        await ui.type("pause")
        await ui.sees("Stop the virtual CPUs")
        await ui.press("escape", "escape")
        assert not backend.calls


async def test_the_command_line_takes_virshs_verbs_on_named_vms() -> None:
    backend = FakeBackend(fleet())
    async with running(backend) as ui:
        await ui.press("colon")
        await ui.type("start build-7 saved")
        await ui.press("enter")
        await ui.until(lambda: len(backend.calls) == 2)
        assert {call[0] for call in backend.calls} == {
            key_of(ui, "build-7"),
            key_of(ui, "saved"),
        }


async def test_patterns_and_options_go_through_the_same_questions() -> None:
    backend = FakeBackend(fleet())
    async with running(backend) as ui:
        await ui.press("colon")
        await ui.type("shutdown web* --mode agent")
        await ui.press("enter")
        await ui.sees("Shut down 2 VMs (web-01, web-02)?")
        await ui.press("y")
        await ui.until(lambda: len(backend.calls) == 2)
        assert backend.calls[0][2] == {"mode": "agent"}


async def test_a_wrong_command_keeps_what_was_typed_and_says_what_to_do() -> None:
    backend = FakeBackend(fleet())
    async with running(backend) as ui:
        await ui.press("colon")
        await ui.type("strat web-01")
        await ui.press("enter")
        await ui.sees("there is no strat")
        assert ":strat web-01" in ui.frame()
        await ui.press("escape")
        assert ":strat" not in ui.frame()
        assert not backend.calls


async def test_tab_completes_and_history_comes_back() -> None:
    backend = FakeBackend(fleet())
    async with running(backend) as ui:
        await ui.press("colon")
        await ui.type("sta")
        await ui.press("tab")
        await ui.type("bui")
        await ui.press("tab", "enter")
        await ui.until(lambda: bool(backend.calls))
        assert backend.calls == [(key_of(ui, "build-7"), "start", {})]
        await ui.press("colon", "up")
        assert ":start build-7" in ui.frame()


async def test_views_filters_and_sorting_have_commands_too() -> None:
    async with running(FakeBackend(fleet())) as ui:
        await ui.press("colon")
        await ui.type("hosts")
        await ui.press("enter")
        await ui.sees("qemu+ssh://kv1/system")
        await ui.press("colon")
        await ui.type("list --inactive")
        await ui.press("enter")
        await ui.sees("build-7")
        assert "web-01" not in ui.frame()
        await ui.press("colon")
        await ui.type("sort cpu")
        await ui.press("enter")
        await ui.sees("sort CPU")


async def test_the_events_of_one_vm_are_a_key_away_and_can_be_saved(tmp_path: Path) -> None:
    backend = FakeBackend(fleet())
    async with running(backend) as ui:
        backend.send(Batch(entries=[entry("web-01 started", name="web-01"), entry("others")]))
        await ui.press("6")
        await ui.sees("others")
        await ui.press("k", "v")
        await ui.sees("1 shown")
        await ui.press("w")
        await ui.sees("readable by you alone")
        await ui.press("ctrl+u")
        await ui.type(str(tmp_path / "events.txt"))
        await ui.press("enter")
        await ui.sees("saved")
        assert "web-01 started" in (tmp_path / "events.txt").read_text()
        assert "others" not in (tmp_path / "events.txt").read_text()
        await ui.press("v")
        await ui.sees("others")


async def test_events_of_earlier_runs_are_there_with_their_days_but_not_on_the_event_line() -> None:
    backend = FakeBackend(fleet())
    async with running(backend) as ui:
        ui.app.context.store.past = (entry("yesterday's event"),)
        assert "yesterday" not in ui.frame()
        await ui.press("6")
        await ui.sees("11-14 22:13:20         yesterday's event")


async def test_with_several_hosts_the_log_says_where_things_happened() -> None:
    backend = FakeBackend(fleet())
    async with running(backend) as ui:
        backend.send(Batch(entries=[entry("web-01 started")._replace(host="kv1")]))
        await ui.press("6")
        await ui.sees("web-01 started")
        assert "HOST" not in ui.frame()
        long = "a-host-with-a-long-name"
        backend.send(Batch(hosts={name: host(name) for name in ("kv2", long)}))
        await ui.sees("HOST")
        backend.send(Batch(entries=[entry("db-02 stopped")._replace(host=long)]))
        await ui.sees("a-host-…  db-02 stopped")
        assert "kv1       web-01 started" in ui.frame()


async def test_how_long_things_took_is_a_column_and_can_be_asked_for(tmp_path: Path) -> None:
    backend = FakeBackend(fleet())
    async with running(backend) as ui:
        slow = entry("db-02 moved", name="db-02")._replace(seconds=725.0)
        quick = entry("web-01 started", name="web-01")._replace(seconds=0.0123)
        backend.send(Batch(entries=[slow, quick, entry("kv2: connected")]))
        await ui.press("6")
        await ui.sees("kv2: connected")
        lines = ui.lines()
        head = next(line for line in lines if "TOOK" in line)
        for text, took in (("db-02 moved", "12m05s"), ("web-01 started", "  12ms")):
            line = next(line for line in lines if text in line)
            assert line[head.index("EVENT") :].startswith(text)
            assert line[: head.index("TOOK") + 4].endswith(took)
        await ui.press("slash")
        await ui.sees("host:kv1, tab: more")
        await ui.type("took>10s level:info vm:db")
        await ui.sees("1 shown")
        assert "web-01 started" not in "".join(ui.lines()[2:22])
        await ui.press("ctrl+u")
        await ui.type("took>soon")
        await ui.sees("soon is not a number (write 90s")
        await ui.press("ctrl+u")
        await ui.type("to")
        await ui.press("tab")
        assert "took:" in ui.frame()
        await ui.press("escape", "g", "enter")
        await ui.sees("Took")
        await ui.press("escape", "w", "ctrl+u")
        await ui.type(str(tmp_path / "events.txt"))
        await ui.press("enter")
        await ui.sees("saved")
        assert "  12m05s  " in (tmp_path / "events.txt").read_text()
