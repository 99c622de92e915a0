"""From S to the ways out: what the list says, the screen that explains, jobs, and leaving."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from tests.ui.fake import FakeBackend, domain, entry, fleet, host
from tests.ui.screens import Ui, running
from tests.ui.test_flow import go_to
from tests.ui.test_list import key_of
from tuivm.core.api import Batch
from tuivm.core.causes import Cause, Cure, Surety
from tuivm.core.jobs import DomainJob
from tuivm.core.model import State
from tuivm.core.shutdown import FORCE_OFF

ACPI_OFF = Cause(
    "acpi-off",
    "acpi=off on its kernel's command line",
    Surety.CERTAIN,
    "line 12 of its XML: <cmdline>console=ttyS0 acpi=off</cmdline>",
    (
        FORCE_OFF,
        Cure(
            "Take acpi=off off that line",
            "e",
            action_id="domain.enable_acpi",
            level=1,
            lines=("- <cmdline>console=ttyS0 acpi=off</cmdline>", "+ <cmdline>console=ttyS0"),
        ),
        Cure("Something on the host", "z", verb="net-start", args={"net": "default"}, level=1),
        Cure("By hand", lines=("apt install acpid",)),
    ),
)

Clock = Callable[[float], None]


@asynccontextmanager
async def clocked(backend: FakeBackend, size: tuple[int, int] = (80, 24)) -> AsyncIterator[Any]:
    """The program, and what lets its seconds pass at once."""
    async with running(backend, size) as ui:

        def pass_to(seconds: float) -> None:
            """Let the program be that many seconds further than the clock is."""
            ui.app._following.pulse(time.monotonic() + seconds)

        yield ui, pass_to


async def ask(ui: Ui, name: str) -> None:
    await go_to(ui, name)
    await ui.press("S", "y")
    await ui.until(lambda: bool(ui.app.context.stops.by_key))


async def test_a_healthy_guest_is_off_without_a_word_of_causes() -> None:
    backend = FakeBackend(fleet())
    async with clocked(backend) as (ui, pass_to):
        await ask(ui, "web-01")
        pass_to(12.0)
        await ui.sees("stopping 1")
        await ui.sees("web-01 is stopping, ")
        await ui.sees("W why, and ways out")
        backend.become(key_of(ui, "web-01"), State.OFF)
        await ui.until(lambda: not ui.app.context.stops.by_key)
        pass_to(500.0)
        await ui.sees("enter open")
        assert "stopping" not in ui.frame()
        assert not backend.explained
        log = ui.app.context.store.log
        assert not any("does not stop" in one.text for one in log)
        off = [one for one in log if "off after it was asked to shut down" in one.text]
        assert [one.name for one in off] == ["web-01"]
        asked = next(one for one in log if "shutdown" in one.virsh)
        assert off[0].seconds is not None
        assert asked.seconds is not None
        # The answer to the request is soon there; the stop is what the user waited for.
        assert off[0].seconds >= asked.seconds


@pytest.mark.parametrize("size", [(80, 24), (200, 60)])
async def test_a_deaf_guest_is_explained_in_time_and_each_way_out_is_one_key(
    size: tuple[int, int],
) -> None:
    backend = FakeBackend(fleet())
    backend.causes = (ACPI_OFF,)
    async with clocked(backend, size) as (ui, pass_to):
        await ask(ui, "web-01")
        backend.send(Batch(entries=[entry_of(ui, "web-01", "guest agent gone")]))
        await ui.sees("guest agent gone")
        pass_to(61.0)
        await ui.sees("web-01 does not stop after ")
        await ui.sees("(W why): acpi=off on its")
        await ui.sees("won't stop")
        await ui.press("W")
        await ui.sees("certain   acpi=off on its kernel's command line")
        for text in (
            "<cmdline>console=ttyS0 acpi=off</cmdline>",
            "D   Force off: pull the plug",
            "e   Take acpi=off off that line",
            "w   Keep waiting",
        ):
            assert text in ui.frame(), text
        assert all(len(line) <= size[0] for line in ui.lines())
        await ui.press("e")
        await ui.sees("Enable ACPI web-01?")
        await ui.press("y")
        await ui.until(lambda: backend.calls[-1][1] == "enable-acpi")
        await ui.press("D")
        await ui.sees("[Cancel]")
        await ui.press("y")
        await ui.until(lambda: backend.calls[-1][1] == "destroy")
        backend.become(key_of(ui, "web-01"), State.OFF)
        await ui.until(lambda: not ui.app.context.stops.by_key)
        await ui.sees("web-01 is off")


def entry_of(ui: Ui, name: str, text: str) -> Any:
    key = key_of(ui, name)
    return entry(f"{name} {text}", host=key.host, uuid=key.uuid, name=name)


async def test_a_cure_that_is_a_verb_of_the_backend_is_asked_about_and_done() -> None:
    backend = FakeBackend(fleet())
    backend.causes = (ACPI_OFF,)
    async with running(backend) as ui:
        await go_to(ui, "web-01")
        await ui.press("W")
        await ui.sees("z   Something on the host")
        await ui.press("z")
        await ui.sees("y yes")
        await ui.press("y")
        await ui.until(lambda: bool(backend.calls))
        assert backend.calls == [(key_of(ui, "web-01"), "net-start", {"net": "default"})]
        await ui.until(lambda: len(backend.explained) == 2, 5.0)


async def test_exact_lines_can_be_copied_and_all_of_it_too() -> None:
    backend = FakeBackend(fleet())
    backend.causes = (ACPI_OFF,)
    async with running(backend) as ui:
        copied: list[str] = []
        ui.app.copy_to_clipboard = copied.append  # type: ignore[method-assign, assignment]
        await go_to(ui, "web-01")
        await ui.press("W")
        await ui.sees("apt install acpid")
        await ui.press("y")
        assert "certain: acpi=off" in copied[-1]
        assert "apt install acpid" in copied[-1]
        await ui.press("j", "j", "j", "y")
        assert copied[-1] == "apt install acpid"
        await ui.press("enter")
        await ui.sees("for a person to do")


async def test_nothing_is_claimed_where_nothing_is_found() -> None:
    backend = FakeBackend(fleet())
    async with running(backend) as ui:
        await go_to(ui, "web-01")
        await ui.press("W")
        await ui.sees("Nothing stands in its way")
        await ui.press("escape")
        await go_to(ui, "build-7")
        await ui.press("W")
        await ui.sees("s   Start it")


async def test_what_a_vm_lacks_is_told_apart_from_faults_with_its_ways_out() -> None:
    backend = FakeBackend(fleet())
    add = Cure("Give it the channel", "n", "add-agent", level=1, lines=("+ <channel>",))
    backend.noted = (
        Cause(
            "agent-channel", "It has no channel", Surety.CERTAIN, "no <channel>", (add,), "agent"
        ),
    )
    async with running(backend) as ui:
        await ui.press("W")
        await ui.sees("othing stands in its way")
        await ui.sees("none of this is a fault")
        lines = ui.lines()
        (head,) = (number for number, line in enumerate(lines) if "none of this is a fault" in line)
        assert "agent     It has no channel" in lines[head + 1]
        assert "certain: no <channel>" in lines[head + 2]
        assert "n   Give it the channel" in lines[head + 3]
        backend.noted = ()
        await ui.press("n", "y")
        await ui.until(lambda: "none of this is a fault" not in ui.frame())
        assert backend.calls[-1][1:] == ("add-agent", {})
        assert not backend.explained[-1][1]


async def test_waiting_on_and_letting_be() -> None:
    backend = FakeBackend(fleet())
    async with clocked(backend) as (ui, pass_to):
        await ask(ui, "web-01")
        pass_to(61.0)
        await ui.sees("no cause shows from outside")
        await ui.press("W")
        await ui.sees("w   Keep waiting")
        await ui.press("w")
        await ui.until(lambda: not ui.app.context.stops.late)
        await ui.press("n")
        await ui.until(lambda: not ui.app.context.stops.by_key)
        await ui.press("escape")
        await ui.until(lambda: "stopping" not in ui.frame() and "won't" not in ui.frame())


async def test_many_are_one_line_and_the_jobs_show_which() -> None:
    names = [f"vm-{number:02}" for number in range(40)]
    many = [domain(number + 1, name) for number, name in enumerate(names)]
    backend = FakeBackend(Batch(hosts={"kv1": host()}, domains={one.key: one for one in many}))
    backend.causes = (ACPI_OFF,)
    async with clocked(backend) as (ui, pass_to):
        await ui.press("asterisk", "S")
        await ui.sees("type 40 to shut down")
        await ui.press("4", "0", "enter")
        await ui.until(lambda: len(backend.calls) == 40)
        for name in names[3:]:
            backend.become(key_of(ui, name), State.OFF)
        await ui.until(lambda: len(ui.app.context.stops.by_key) == 3)
        await ui.press("backslash", "G")
        pass_to(61.0)
        await ui.sees("3 of 40 do not stop after ")
        said = [one.text for one in ui.app.context.store.log if "do not stop" in one.text]
        assert len(said) == 1
        assert said[0].endswith("(W why): acpi=off on its kernel's command line")
        assert len(backend.explained) == 3
        log = ui.app.context.store.log
        off = [one for one in log if "off after it was asked to shut down" in one.text]
        assert len(off) == 37
        assert all(one.bulk for one in off), "parts of one verb, which do not drown the log"
        await ui.press("W")
        await ui.sees("3 under way")
        await ui.sees("3 do not stop")
        await ui.press("W")
        await ui.sees("certain   acpi=off")


async def test_shut_down_and_start_again_starts_once_it_is_off() -> None:
    backend = FakeBackend(fleet())
    async with running(backend) as ui:
        await go_to(ui, "web-01")
        await ui.press("P", "C")
        await ui.sees("Shut down and start again web-01?")
        await ui.press("y")
        await ui.until(lambda: bool(ui.app.context.stops.by_key))
        assert [call[1] for call in backend.calls] == ["shutdown"]
        await ui.press("6")
        backend.become(key_of(ui, "web-01"), State.OFF)
        await ui.until(lambda: [call[1] for call in backend.calls] == ["shutdown", "start"])


async def test_a_guest_that_was_booting_is_asked_again() -> None:
    backend = FakeBackend(fleet())
    async with clocked(backend) as (ui, pass_to):
        young = domain(1, "web-01", started_at=time.time() - 5)
        backend.send(Batch(domains={young.key: young}))
        await ui.until(lambda: ui.app.context.store.rows[young.key].domain == young)
        await ask(ui, "web-01")
        pass_to(31.0)
        await ui.until(lambda: [call[1] for call in backend.calls] == ["shutdown", "shutdown"])
        pass_to(32.0)
        await ui.sees("web-01")
        assert len(backend.calls) == 2


async def test_jobs_of_others_are_listed_with_their_figures_and_cancelled() -> None:
    backend = FakeBackend(fleet())
    async with running(backend) as ui:
        key, now = key_of(ui, "db-02"), time.monotonic()
        await ui.press("5")
        await ui.sees("show up here,")
        gib = 1 << 30
        job = DomainJob(key, "Migrate away", now - 65, now, 4 * gib, 3 * gib, gib, 3.5e8, 12.0)
        backend.send(Batch(jobs={key: job}))
        await ui.sees("Migrate away")
        assert "other" in ui.frame()
        assert "75%" in ui.frame()
        assert "s left" in ui.frame()
        assert "1m05s" in ui.frame()
        assert "Migrate away · db-02 on kv1 · begun by somebody else" in ui.frame()
        assert "3.0 GiB of 4.0 GiB" in ui.frame(), "what the line has no room for"
        assert "Jobs 1" in ui.lines()[0]
        await ui.press("x")
        await ui.sees("Cancel the migration of db-02?")
        await ui.press("y")
        await ui.until(lambda: bool(backend.calls))
        assert backend.calls == [(key, "abort-job", {})]


async def test_a_disks_job_is_broken_off_or_its_copy_switched_over_to() -> None:
    backend = FakeBackend(fleet())
    async with running(backend) as ui:
        key, now, gib = key_of(ui, "db-02"), time.monotonic(), 1 << 30
        await ui.press("5")
        copy = DomainJob(key, "Copy disk vda", now, now, gib, gib, 0, disk="vda", ready=True)
        pull = DomainJob(key, "Pull disk vdb", now, now, gib, 0, gib, disk="vdb")
        copy = replace(copy, lasting=True, source="/a/old.img", copy="/b/new.img")
        backend.send(Batch(jobs={key: replace(copy, more=(pull,))}))
        await ui.sees("ready to switch over")
        assert "Jobs 2" in ui.lines()[0]
        for text in ("/a/old.img", "/b/new.img", "o goes on in the copy, x stays on the old image"):
            assert text in ui.frame(), text
        await ui.press("j", "x")
        await ui.sees("Cancel pull disk vdb of db-02?")
        # What there is no room for in the question stands above it, whatever happens meanwhile.
        backend.send(Batch(entries=[entry("something happened")]))
        log = ui.app.context.store.log
        await ui.until(lambda: [one.text for one in log] == ["something happened"])
        await ui.sees("the VM goes on with the disk as it is")
        assert ui.lines()[-1].rstrip().endswith("any other key no")
        await ui.press("y")
        await ui.until(lambda: backend.calls == [(key, "abort-job", {"disk": "vdb"})])
        assert ui.app.context.store.log[-1].virsh.endswith("blockjob db-02 vdb --abort")
        await ui.press("o")
        await ui.sees("pull disk vdb ends by itself")
        await ui.press("k", "o")
        await ui.sees("Disk vda goes over from /a/old.img to /b/new.img")
        assert "blockjob db-02 vda --pivot" in ui.frame()
        await ui.press("enter", "escape")
        await ui.sees("cancelled, nothing was done")
        assert len(backend.calls) == 1
        await ui.press("o", "y")
        await ui.until(lambda: backend.calls[1:] == [(key, "pivot", {"disk": "vda"})])
        assert ui.app.context.store.log[-1].virsh.endswith("blockjob db-02 vda --pivot")
        backend.send(Batch(jobs={key: None}))
        await ui.sees("nothing is under way")
        assert "Jobs 1" not in ui.lines()[0]


async def test_leaving_asks_while_something_of_ours_runs() -> None:
    backend = FakeBackend(fleet())
    async with running(backend) as ui:
        await ask(ui, "web-01")
        await ui.press("ctrl+q")
        await ui.sees("web-01: shut down")
        await ui.press("escape")
        await ui.until(lambda: "Quit?" not in ui.frame())
        assert ui.app.return_value is None
        await ui.press("ctrl+q", "y")
        await ui.until(lambda: ui.app.return_value == 0)


async def test_leaving_does_not_ask_for_others() -> None:
    backend = FakeBackend(fleet())
    async with running(backend) as ui:
        key, now = key_of(ui, "db-02"), time.monotonic()
        backend.send(Batch(jobs={key: DomainJob(key, "Back up", now, now)}))
        await ui.sees("Jobs 1")
        await ui.press("ctrl+q")
        await ui.until(lambda: ui.app.return_value == 0)


async def test_what_is_followed_on_a_host_that_goes_is_let_be() -> None:
    backend = FakeBackend(fleet())
    async with clocked(backend) as (ui, pass_to):
        await ask(ui, "web-01")
        backend.roster.disconnect("kv1")
        await ui.until(lambda: not ui.app.context.stops.by_key)
        pass_to(500.0)
        assert not ui.app.context.stops.groups
        assert not any("off" in one.text for one in ui.app.context.store.log)
