"""What libvirt itself asks for: names and passwords of its test driver, in this process."""

from __future__ import annotations

from pathlib import Path

import libvirt
import pytest

from tests.backend.watcher import PATIENT, Watcher
from tuivm.backend.credentials import credentials
from tuivm.backend.desk import Desk, Talk
from tuivm.backend.fleet import Fleet
from tuivm.backend.task import Timing
from tuivm.core.model import HostState
from tuivm.core.question import Question, QuestionKind


@pytest.fixture
def uri(tmp_path: Path) -> str:
    """A node that wants to know who one is."""
    node = tmp_path / "node.xml"
    node.write_text("<node><auth><user password='pw'>alice</user></auth></node>")
    return f"test://{node}"


def answering(text: str) -> Desk:
    """A user who has the same answer to everything."""

    def tell(news: dict[int, Question | None]) -> None:
        for number in news:
            desk.answer(number, text)

    desk = Desk(tell)
    return desk


def test_name_and_password_let_in(uri: str) -> None:
    with Watcher(Fleet([uri], timing=PATIENT, asking_uris=[uri])) as one:
        first = one.reply("alice")
        assert (first.kind, first.host) == (QuestionKind.USER, next(iter(one.hosts)))
        assert one.reply("pw").kind is QuestionKind.PASSWORD
        one.up()


def test_the_time_of_the_user_is_not_the_hosts(uri: str) -> None:
    timing = Timing(open=2.0)
    with Watcher(Fleet([uri], timing=timing, asking_uris=[uri])) as one:
        one.wait(lambda: any(one.questions.values()))
        one.quiet(3.0)
        assert one.state() is HostState.CONNECTING
        one.reply("alice")
        one.reply("pw")
        one.up()


def test_a_wrong_password_is_said(uri: str) -> None:
    with Watcher(Fleet([uri], timing=PATIENT, asking_uris=[uri])) as one:
        one.reply("alice")
        one.reply("secret-42")
        one.wait(lambda: one.state() is HostState.NEEDS_AUTH)
        status = next(iter(one.hosts.values()))
        assert status.error is not None
        assert "wrong user name or password" in status.error.message
        assert status.retry_at is None
        assert "secret-42" not in f"{one.entries} {one.questions} {status} {vars(one.fleet)}"


def test_leaving_takes_the_question_along(uri: str) -> None:
    with Watcher(Fleet([uri], timing=PATIENT, asking_uris=[uri])) as one:
        one.wait(lambda: any(one.questions.values()))
        one.fleet.stop(0.0)
        one.wait(lambda: not any(one.questions.values()))
        host = next(iter(one.fleet.hosts.values()))
        one.wait(lambda: not host.stuck)


def test_the_same_thing_asked_again_ends_the_attempt() -> None:
    """libssh asks six times for a password that is wrong."""
    desk = answering("x")
    talk = Talk("far", desk, allowed=True)
    kinds, ask, _ = credentials(talk)
    assert libvirt.VIR_CRED_NOECHOPROMPT in kinds
    wanted = [[libvirt.VIR_CRED_NOECHOPROMPT, "root@far's password", None, None, None]]
    assert ask(wanted, None) == 0
    assert wanted[0][4] == "x"
    assert ask(wanted, None) == -1


def test_libssh_is_told_yes_in_its_own_word() -> None:
    desk = answering("yes")
    _, ask, _ = credentials(Talk("far", desk, allowed=True))
    prompt = "Accept SSH host key with hash 'aa:bb:cc:dd' for host 'far:22' (y/n)?"
    wanted = [[libvirt.VIR_CRED_ECHOPROMPT, prompt, None, None, None]]
    assert ask(wanted, None) == 0
    assert wanted[0][4] == "y"


def test_right_answers_let_the_other_connections_in_and_wrong_ones_are_forgotten() -> None:
    asks = (QuestionKind.PASSWORD, "root@far's password")
    for right in (True, False):
        talk = Talk("far", answering("secret-42"), allowed=True)
        assert talk.ask(*asks) == "secret-42"
        talk.end(connected=right)
        assert talk.ask(*asks) == ("secret-42" if right else None)
        assert talk.ask(QuestionKind.PASSWORD, "somebody else's") is None
        assert "secret-42" not in repr(talk)
        talk.forget()
        assert talk.ask(*asks) is None
