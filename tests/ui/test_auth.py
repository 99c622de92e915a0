"""Questions of hosts: dialogs that come one after the other, and never over what one types."""

from __future__ import annotations

import pytest

from tests.ui.fake import FakeBackend, fleet
from tests.ui.screens import Ui, running
from tuivm.core.api import Batch
from tuivm.core.question import Question, QuestionKind

FINGERPRINT = "SHA256:b5lf0jYxQm8cWUdPHTnUhKLyxTTvBA3UyJz2lcHz2MI"
HOST_KEY = (
    "The authenticity of host '[192.0.2.7]:2222 ([192.0.2.7]:2222)' can't be established.\n"
    f"ED25519 key fingerprint is {FINGERPRINT}.\n"
    "This key is not known by any other names.\n"
    "Are you sure you want to continue connecting (yes/no/[fingerprint])?"
)


def password(number: int, host: str, attempt: int = 1) -> Question:
    return Question(
        number, host, QuestionKind.PASSWORD, f"root@{host}'s password:", attempt=attempt
    )


def host_key(number: int) -> Question:
    return Question(number, "kv2", QuestionKind.HOST_KEY, HOST_KEY, FINGERPRINT)


def send(ui: Ui, *questions: Question) -> None:
    ui.backend.send(Batch(questions={question.id: question for question in questions}))


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60), (40, 20)])
async def test_a_host_key_shows_its_fingerprint_and_needs_a_whole_yes(
    size: tuple[int, int],
) -> None:
    async with running(FakeBackend(fleet()), size) as ui:
        send(ui, host_key(1))
        await ui.sees("kv2: Trust this host?")
        await ui.sees("Type yes")
        shown = ui.frame()
        if size[0] >= 80:
            assert FINGERPRINT in shown
            assert "ssh-keygen -lf" in shown
        assert "not now" in shown
        assert all(len(line) <= size[0] for line in ui.lines())
        await ui.press("enter")
        await ui.press("y", "enter")
        await ui.sees("in full")
        assert ui.backend.answers == []
        await ui.press("e", "s", "enter")
        await ui.until(lambda: ui.backend.answers == [(1, "yes")])


async def test_a_password_is_not_shown_and_questions_come_one_by_one() -> None:
    async with running(FakeBackend(fleet())) as ui:
        send(ui, password(1, "kv2"), password(2, "kv3", attempt=2))
        await ui.sees("root@kv2's password:")
        assert "kv3" not in ui.frame()
        await ui.type("hunter2")
        assert "hunter2" not in ui.frame()
        await ui.press("enter")
        await ui.sees("root@kv3's password:")
        assert "The answer before was wrong" in ui.frame()
        await ui.press("escape")
        await ui.until(lambda: ui.backend.answers == [(1, "hunter2"), (2, None)])
        await ui.sees("web-01")


async def test_a_question_that_is_over_takes_its_dialog_along() -> None:
    async with running(FakeBackend(fleet())) as ui:
        send(ui, password(1, "kv2"))
        await ui.sees("root@kv2's password:")
        ui.backend.send(Batch(questions={1: None}))
        await ui.until(lambda: "password" not in ui.frame())
        assert ui.backend.answers == []


async def test_nobody_who_types_is_disturbed() -> None:
    async with running(FakeBackend(fleet())) as ui:
        await ui.press("slash", "w")
        send(ui, password(1, "kv2"))
        await ui.sees("kv2 asks for a password: go back to answer")
        await ui.type("eb")
        await ui.press("enter")
        await ui.sees("root@kv2's password:")
        assert ui.app.context.view.filter_text == "web"
