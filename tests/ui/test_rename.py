"""Another name for a VM, from the menu and the command line to the call."""

from __future__ import annotations

from tests.ui.fake import FakeBackend, domain, fleet
from tests.ui.screens import running
from tests.ui.test_flow import go_to
from tests.ui.test_list import key_of
from tuivm.core.api import Batch
from tuivm.core.errors import TuivmError
from tuivm.core.model import State

TAKEN = TuivmError(
    "Cannot rename build-7",
    "there is another VM called web-01 (running)",
    hint="choose another name",
)


async def test_a_name_that_is_in_use_stays_and_another_one_can_be_typed_at_once() -> None:
    backend = FakeBackend(fleet())
    async with running(backend) as ui:
        await go_to(ui, "build-7")
        await ui.press("P", "N")
        await ui.sees("Rename build-7")
        # The present name is there to be changed; as it is, nobody is asked.
        await ui.press("enter")
        await ui.sees("its name already")
        await ui.press(*["backspace"] * 7)
        await ui.press("enter")
        await ui.sees("New name is missing")
        await ui.type("a/b")
        await ui.press("enter")
        await ui.sees("cannot hold a /")
        assert not backend.calls
        backend.failures["rename"] = TAKEN
        await ui.press(*["backspace"] * 3)
        await ui.type("web-01")
        await ui.press("enter")
        await ui.sees("another VM called web-01 (running); choose another name")
        await ui.sees("New name  web-01")
        del backend.failures["rename"]
        await ui.press("backspace", "3", "enter")
        await ui.until(lambda: "New name" not in ui.frame())
        assert backend.calls[-1] == (key_of(ui, "build-7"), "rename", {"new-name": "web-03"})
        log = list(ui.app.context.store.log)
        assert [entry.error for entry in log[-2:]] == [TAKEN, None]
        assert log[-1].virsh.endswith("domrename build-7 web-03")


async def test_a_name_typed_on_the_command_line_is_kept_when_it_is_refused() -> None:
    backend = FakeBackend(fleet())
    async with running(backend) as ui:
        backend.failures["rename"] = TAKEN
        await ui.press("colon")
        await ui.type("rename build-7 web-01")
        await ui.press("enter")
        await ui.sees("another VM called web-01 (running)")
        await ui.sees("New name  web-01")
        del backend.failures["rename"]
        await ui.type("b")
        await ui.press("enter")
        await ui.until(lambda: len(backend.calls) == 2)
        await ui.until(lambda: "New name" not in ui.frame())
        await ui.press("colon")
        await ui.type("rename build-7 build-8")
        await ui.press("enter")
        await ui.until(lambda: len(backend.calls) == 3)
        assert [call[2]["new-name"] for call in backend.calls] == ["web-01", "web-01b", "build-8"]


async def test_what_runs_and_several_at_once_are_refused_with_the_reason() -> None:
    backend = FakeBackend(fleet())
    async with running(backend) as ui:
        await ui.press("colon")
        await ui.type("rename web-01 web-03")
        await ui.press("enter")
        await ui.sees("web-01 is running; it can be renamed while it is off")
        await ui.press("colon")
        await ui.type("rename saved")
        await ui.press("enter")
        await ui.sees("has a saved state")
        await ui.press("asterisk", "colon")
        await ui.type("rename")
        await ui.press("enter")
        await ui.sees("a name goes to one")
        assert not backend.calls


async def test_a_renamed_vm_keeps_the_cursor_and_its_mark() -> None:
    backend = FakeBackend(fleet())
    async with running(backend) as ui:
        await go_to(ui, "build-7")
        key = key_of(ui, "build-7")
        await ui.press("space")
        await go_to(ui, "build-7")
        backend.send(Batch(domains={key: domain(5, "a-first-one", State.OFF)}))
        await ui.sees("a-first-one")
        view = ui.app.context.view
        assert (view.cursor, set(view.marks)) == (key, {key})
        assert "build-7" not in ui.frame()
