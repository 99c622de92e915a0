"""Tags, titles and descriptions, from the key to the call."""

from __future__ import annotations

from concurrent.futures import Future

from tests.ui.fake import FakeBackend, fleet
from tests.ui.screens import running
from tests.ui.test_flow import go_to
from tests.ui.test_list import key_of
from tuivm.core.errors import TuivmError
from tuivm.core.model import Description


async def test_tags_are_given_to_all_marked_vms_and_the_line_can_be_sent_again() -> None:
    backend = FakeBackend(fleet())
    async with running(backend) as ui:
        await go_to(ui, "web-01")
        await ui.press("space", "space", "T")
        await ui.sees("+ gives, - takes away")
        await ui.sees("web-01, web-02")
        await ui.type("+; ")
        await ui.press("enter")
        await ui.sees("cannot be a tag")
        assert not backend.calls
        await ui.press("backspace", "backspace")
        await ui.type("prod -old")
        await ui.press("enter")
        await ui.until(lambda: len(backend.calls) == 2)
        assert {(call[0], call[1]) for call in backend.calls} == {
            (key_of(ui, "web-01"), "tag"),
            (key_of(ui, "web-02"), "tag"),
        }
        assert backend.calls[0][2] == {"change": "+prod -old"}
        assert ui.app.context.history[-1] == "tag +prod -old web-01 web-02"


async def test_the_command_line_tags_by_name_and_shows_what_virsh_would_take() -> None:
    backend = FakeBackend(fleet())
    async with running(backend) as ui:
        await ui.press("colon")
        await ui.type("tag +a! web-01")
        await ui.press("enter")
        await ui.sees("cannot be a tag")
        await ui.press("escape", "colon")
        await ui.type("tag +prod -old build-7")
        await ui.press("enter")
        await ui.until(lambda: bool(backend.calls))
        assert backend.calls == [(key_of(ui, "build-7"), "tag", {"change": "+prod -old"})]
        await ui.until(lambda: bool(ui.app.context.store.log))
        assert ui.app.context.store.log[-1].virsh.endswith(
            "metadata build-7 --uri urn:tuivm:domain:1 --key tuivm "
            "--set '<domain><tag>prod</tag></domain>' --config"
        )


async def test_a_description_that_cannot_be_saved_stays_in_its_form() -> None:
    backend = FakeBackend(fleet())
    backend.described = Description("Shop", "line one\nline two")
    async with running(backend) as ui:
        await go_to(ui, "web-01")
        await ui.press("d")
        await ui.sees("line two")
        await ui.press("enter")
        await ui.type("jq3 and more")
        backend.failures["desc"] = TuivmError("Cannot desc web-01", "no space on the disk")
        await ui.press("ctrl+s")
        await ui.sees("no space on the disk")
        await ui.sees("jq3 and more")
        # Leaving takes two, while something would be lost.
        await ui.press("escape")
        await ui.sees("not saved")
        del backend.failures["desc"]
        await ui.press("ctrl+s")
        await ui.until(lambda: "line two" not in ui.frame())
        saved = {"text": "line one\nline two\njq3 and more"}
        assert backend.calls[-1] == (key_of(ui, "web-01"), "desc", saved)
        assert "title" not in [call[1] for call in backend.calls]
        await ui.sees("Describe web-01")


async def test_a_title_alone_is_saved_alone_and_nothing_changed_saves_nothing() -> None:
    backend = FakeBackend(fleet())
    backend.described = Description("Shop", "words")
    async with running(backend) as ui:
        await go_to(ui, "web-01")
        await ui.press("d")
        await ui.sees("words")
        await ui.press("ctrl+s")
        await ui.until(lambda: "ctrl+s" not in ui.frame())
        assert not backend.calls
        await ui.press("d")
        await ui.sees("words")
        await ui.press("tab", "end")
        await ui.type(" 2")
        await ui.press("ctrl+s")
        await ui.until(lambda: bool(backend.calls))
        assert backend.calls == [(key_of(ui, "web-01"), "title", {"text": "Shop 2"})]


async def test_a_description_typed_on_the_command_line_is_written_at_once() -> None:
    backend = FakeBackend(fleet())
    backend.hold = [Future()]
    async with running(backend) as ui:
        await ui.press("colon")
        await ui.type("desc --title --config web-01 A new 'name'")
        await ui.press("enter")
        await ui.until(lambda: bool(backend.calls))
        key, verb, args = backend.calls[0]
        assert (key, verb) == (key_of(ui, "web-01"), "title")
        assert args["text"] == "A new name"
        assert args["config"] == "on"
