"""A verb on hundreds of VMs of several hosts: bounds, progress, cancel, results."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import cast

from tests.backend.nodes import node_file
from tests.ui.fake import FakeBackend, domain, host
from tests.ui.screens import Ui, make, running
from tuivm.backend.fleet import Fleet
from tuivm.core.api import Batch
from tuivm.core.errors import TuivmError
from tuivm.core.model import DomainKey, Severity, State

EACH = 100
REFUSED = TuivmError(
    "Cannot start it",
    "network 'default' is not active",
    hint="virsh net-start default",
    code=55,
    call="virDomainCreate",
)


class ThreeHosts(FakeBackend):
    """300 VMs on three hosts; kv3 accepts every call and never answers."""

    def __init__(self, state: State = State.OFF) -> None:
        domains = [
            domain(number + 1, f"vm-{number:03}", state, on=f"kv{number % 3 + 1}")
            for number in range(3 * EACH)
        ]
        hosts = {name: host(name) for name in ("kv1", "kv2", "kv3")}
        super().__init__(Batch(hosts=hosts, domains={one.key: one for one in domains}))
        self.silent: list[Future[str]] = []

    def run(self, key: DomainKey, verb: str, args: Mapping[str, str]) -> Future[str]:
        if key.host != "kv3":
            future = super().run(key, verb, args)
            if self.domains[key].name.endswith("00"):
                future = Future()
                future.set_exception(REFUSED)
            return future
        self.calls.append((key, verb, dict(args)))
        self.silent.append(Future())
        return self.silent[-1]

    def asked(self) -> Counter[str]:
        """Calls by host."""
        return Counter(key.host for key, _verb, _args in self.calls)


def pending(ui: Ui) -> Counter[str]:
    """Markers in the list."""
    rows = ui.app.context.store.rows.values()
    return Counter(row.pending.text for row in rows if row.pending is not None)


async def start_all(ui: Ui, backend: ThreeHosts) -> None:
    """Start all 300, until only the silent host is left."""
    await ui.press("asterisk", "s")
    await ui.sees("Start 300 VMs on 3 hosts?")
    assert not backend.calls, "one key is too little for so many"
    await ui.press("y")
    await ui.sees("Start: 200 of 300, 2 failed, waiting for kv3 · X cancels")
    assert backend.asked() == {"kv1": EACH, "kv2": EACH, "kv3": 4}


async def test_a_host_that_never_answers_holds_up_no_other_and_can_be_cancelled() -> None:
    backend = ThreeHosts()
    async with running(backend) as ui:
        await start_all(ui, backend)
        assert pending(ui)["queued…"] == EACH - 4
        await ui.press("X")
        await ui.sees("Start: 296 of 300, 2 failed, 96 not sent, waiting for kv3")
        assert "queued…" not in pending(ui)
        assert "X cancels" not in ui.frame()
        assert sum(row.pending is not None for row in ui.app.context.store.rows.values()) == (
            2 * EACH - 2 + 4
        )
        for future in backend.silent:
            future.set_result("")
        await ui.until(lambda: not ui.app.context.bulks.running)
        assert backend.asked()["kv3"] == 4
        await ui.sees("202 done, 2 failed, 96 not sent (cancelled)")


async def test_the_results_tell_why_and_mark_for_a_second_try() -> None:
    backend = ThreeHosts()
    async with running(backend, (120, 40)) as ui:
        await start_all(ui, backend)
        await ui.press("equals_sign")
        await ui.sees("OUTCOME")
        await ui.sees("198 done")
        await ui.press("F")
        await ui.sees("55  network 'default' is not active (virsh net-start default)")
        assert "vm-100" in ui.frame()
        assert " done " not in "\n".join(ui.lines()[3:-2])
        await ui.press("enter")
        await ui.sees("virDomainCreate")
        await ui.press("escape", "X")
        await ui.sees("96 not sent")
        for future in backend.silent:
            future.set_result("")
        await ui.until(lambda: not ui.app.context.bulks.running)
        await ui.press("m")
        await ui.sees("98 marked")
        assert len(ui.app.context.view.marks) == 98


async def test_the_log_has_one_line_that_opens_the_results() -> None:
    backend = ThreeHosts()
    async with running(backend, (120, 40)) as ui:
        await start_all(ui, backend)
        await ui.press("X")
        for future in backend.silent:
            future.set_exception(REFUSED)
        await ui.until(lambda: not ui.app.context.bulks.running)
        assert len(ui.app.context.store.log) > 200
        await ui.press("6")
        await ui.sees("Start: 198 done, 6 failed, 96 not sent (cancelled); = lists them")
        assert "Start vm-" not in ui.frame()
        await ui.press("enter")
        await ui.sees("OUTCOME")
        await ui.press("escape", "slash")
        await ui.type("vm-001")
        await ui.sees("Start vm-001")


async def test_more_than_twenty_have_to_be_counted() -> None:
    backend = ThreeHosts(State.RUNNING)
    async with running(backend) as ui:
        for key, text in (("S", "Shut down these 300 VMs?"), ("D", "Force off these 300 VMs?")):
            backend.calls.clear()
            await ui.press("backslash", "asterisk", key)
            await ui.sees(text)
            await ui.sees("kv1 100")
            await ui.press("y", "enter", "3", "0", "enter")
            await ui.sees("that is not their number")
            await ui.sees(": 30_")
            assert not backend.calls
            await ui.press("0", "enter")
            await ui.until(lambda: backend.asked()["kv2"] == EACH)
            await ui.press("X")
            for future in backend.silent:
                if not future.done():
                    future.set_result("")
            await ui.until(lambda: not ui.app.context.bulks.running)


async def test_a_host_lost_meanwhile_skips_what_is_left_there() -> None:
    from tuivm.core.model import HostState

    backend = ThreeHosts()
    async with running(backend) as ui:
        await start_all(ui, backend)
        backend.send(Batch(hosts={"kv3": host("kv3", HostState.LOST)}))
        await ui.until(lambda: ui.app.context.store.hosts["kv3"].state is HostState.LOST)
        for future in backend.silent:
            future.set_exception(TuivmError("Cannot start", "the connection was lost"))
        await ui.until(lambda: not ui.app.context.bulks.running)
        assert backend.asked()["kv3"] == 4
        last = ui.app.context.store.log[-1]
        assert "198 done, 6 failed, 96 skipped" in last.text
        assert last.severity is Severity.WARNING
        assert "queued…" not in pending(ui)


async def test_cancel_with_nothing_under_way_says_so() -> None:
    async with running(ThreeHosts()) as ui:
        await ui.press("X")
        await ui.sees("nothing is being sent")
        await ui.press("equals_sign")
        await ui.sees("no verb was used on several VMs yet")


async def test_forty_running_vms_of_libvirts_test_driver_go_off(tmp_path: Path) -> None:
    file = tmp_path / "node.xml"
    file.write_text(node_file(60, running=40))
    fleet = Fleet([f"test://{file}"])
    try:
        app = make(cast(FakeBackend, fleet))
        async with app.run_test(size=(80, 24), notifications=True) as pilot:
            ui = Ui(app, cast(FakeBackend, fleet), pilot)
            rows = app.context.store.rows
            await ui.until(lambda: len(rows) == 60)
            await ui.sees("40 running")
            await ui.press("asterisk", "S")
            await ui.sees("Shut down these 40 VMs?")
            await ui.sees("20 skipped: vm-00")
            await ui.type("40")
            await ui.press("enter")
            await ui.sees("Shut down: 40 done, 20 skipped")
            await ui.until(lambda: all(row.domain.state is State.OFF for row in rows.values()))
    finally:
        fleet.stop(1.0)
