"""Why a start failed, and what stays in sight when a way out does not work."""

from __future__ import annotations

from tests.ui.fake import FakeBackend, fleet
from tests.ui.screens import running
from tests.ui.test_flow import go_to
from tests.ui.test_list import key_of
from tuivm.core.causes import Cause, Cure, Surety
from tuivm.core.errors import TuivmError
from tuivm.core.model import State


async def test_a_start_that_failed_is_explained_with_libvirts_own_words_on_a_key() -> None:
    backend = FakeBackend(fleet())
    error = TuivmError(
        "Cannot start build-7", "no network", code=55, domain=10, call="virDomainCreate",
        raw="network 'default' is not active",
    )  # fmt: skip
    backend.failures["start"] = error
    async with running(backend) as ui:
        await go_to(ui, "build-7")
        await ui.press("s")
        await ui.sees("Cannot start build-7")
        await ui.press("W")
        await ui.sees("Cannot start build-7: no network")
        # Once for the line, once for the screen.
        assert backend.explained == [(key_of(ui, "build-7"), error)] * 2
        await ui.press("i")
        await ui.sees("virDomainCreate: network 'default' is not active (code 55, domain 10)")


async def test_the_line_of_a_failed_start_names_the_cause_and_the_key_to_the_way_out() -> None:
    backend = FakeBackend(fleet())
    backend.failures["start"] = TuivmError(
        "Cannot start build-7", "libvirt's words", code=55, raw="network 'default' is not active"
    )
    backend.causes = (
        Cause("network-inactive", "The network default is not active", Surety.CERTAIN, "its XML"),
    )
    async with running(backend, (120, 40)) as ui:
        await go_to(ui, "build-7")
        await ui.press("s")
        line = "Cannot start build-7: The network default is not active (W: way out)"
        await ui.sees(line)


async def test_the_next_obstacle_takes_the_place_of_the_one_that_is_cured() -> None:
    backend = FakeBackend(fleet())
    backend.failures["start"] = TuivmError("Cannot start build-7", "x", code=55, raw="inactive")
    backend.failures["net-start"] = TuivmError(
        "Cannot start build-7 yet", "y", call="virDomainCreate", raw="no CD"
    )
    cure = Cure("Start the network", "n", "net-start", {"network": "default"})
    backend.causes = (
        Cause("network-inactive", "The network is not active", Surety.CERTAIN, "", (cure,)),
    )
    async with running(backend) as ui:
        await go_to(ui, "build-7")
        await ui.press("s", "W")
        await ui.sees("Start the network")
        backend.causes = (Cause("medium-missing", "The CD is gone", Surety.CERTAIN, "sda"),)
        await ui.press("n")
        await ui.sees("certain   The CD is gone")
        assert "Cannot start build-7 yet" in ui.lines()[1]
        last = backend.explained[-1][1]
        assert last is not None
        assert last.raw == "no CD"


async def test_what_kept_it_from_starting_is_over_once_it_runs() -> None:
    backend = FakeBackend(fleet())
    backend.failures["start"] = TuivmError("Cannot start build-7", "x", code=55, raw="x")
    async with running(backend) as ui:
        await go_to(ui, "build-7")
        await ui.press("s")
        await ui.sees("Cannot start build-7")
        await ui.press("W")
        await ui.sees("No cause found beyond what libvirt said")
        backend.become(key_of(ui, "build-7"), State.RUNNING)
        await ui.sees("build-7 is running")
        await ui.sees("Nothing stands in its way")


async def test_a_way_out_that_fails_says_why_and_leaves_the_cause_and_the_other_way() -> None:
    backend = FakeBackend(fleet())
    backend.failures["start"] = TuivmError("Cannot start build-7", "x", code=38, raw="denied")
    why = "its file system does not keep what was set"
    backend.failures["allow-path"] = TuivmError(
        "Cannot open the way to /srv/web", why, hint="take another way out", call="allow-path (u)"
    )
    cures = (
        Cure("Let nobody through", "a", "allow-path", {"path": "/srv/web"}, level=1),
        Cure("Copy it", "o", "copy-image", {"target": "vda"}, level=1),
    )
    denied = Cause("image-denied", "nobody may not open it", Surety.CERTAIN, "mode 0700", cures)
    backend.causes = (denied,)
    async with running(backend) as ui:
        await go_to(ui, "build-7")
        await ui.press("s")
        await ui.sees("Cannot start build-7: nobody may not open it")
        await ui.press("W")
        await ui.sees("Let nobody through")
        await ui.press("a", "y")
        await ui.sees(why)
        await ui.sees("(take another way out)")
        await ui.sees("certain   nobody may not open it")
        await ui.sees("o   Copy it")
        await ui.press("escape", "W")
        await ui.sees("certain   nobody may not open it")
        assert all(error is not None and error.raw == "denied" for _, error in backend.explained)
        backend.causes = ()
        await ui.press("o", "y")
        await ui.until(lambda: why not in ui.frame())


async def test_an_agent_that_does_not_answer_is_explained_while_its_vm_runs() -> None:
    backend = FakeBackend(fleet())
    silent = TuivmError("Cannot reboot web-01", "no answer", code=86, raw="not responding")
    backend.failures["reboot"] = silent
    backend.causes = (
        Cause("agent-unresponsive", "Its guest agent does not answer", Surety.CERTAIN, "said"),
    )
    async with running(backend) as ui:
        await go_to(ui, "web-01")
        await ui.press("R", "y")
        await ui.sees("Cannot reboot web-01: Its guest agent does not answer")
        await ui.press("W")
        await ui.sees("certain   Its guest agent does not answer")
        last = backend.explained[-1][1]
        assert last is not None
        assert last.raw == silent.raw
