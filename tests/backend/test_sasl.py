"""A host that wants a name and a password by SASL, over tcp: the daemon is the test's own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.backend.netdaemon import PASSWORD, USER, NetDaemon, need_passwords
from tests.backend.watcher import Watcher
from tuivm.backend.fleet import Fleet
from tuivm.backend.task import Timing
from tuivm.core.model import HostState
from tuivm.core.question import QuestionKind

PATIENT = Timing(open=60.0)


@pytest.fixture
def sasl_uri() -> Iterator[str]:
    """The URI of such a daemon."""
    need_passwords()
    one = NetDaemon(sasl=True)
    try:
        one.start()
        yield f"test+tcp://127.0.0.1:{one.tcp}/default"
    finally:
        one.close()


def log_in(one: Watcher, password: str) -> None:
    """Answer as ``alice``."""
    for kind, text in ((QuestionKind.USER, USER), (QuestionKind.PASSWORD, password)):
        one.reply(text, kind)


def test_a_name_and_a_password_are_asked_for_once(sasl_uri: str) -> None:
    with Watcher(Fleet([sasl_uri], timing=PATIENT)) as one:
        one.wait(lambda: one.state() is HostState.NEEDS_AUTH)
        (host,) = one.hosts.values()
        assert host.error is not None
        assert host.error.message == "needs a user name and a password"
        assert not one.questions

        one.fleet.retry(host.id)
        log_in(one, "wrong-word")
        one.wait(lambda: one.state() is HostState.NEEDS_AUTH)
        (host,) = one.hosts.values()
        assert host.error is not None
        assert host.error.message == "wrong user name or password"
        assert host.retry_at is None

        one.fleet.retry(host.id)
        log_in(one, PASSWORD)
        one.up()
        # Numbers come over a connection of their own, which asks nobody again.
        one.wait(lambda: one.samples)
        assert len(one.questions) == 4
