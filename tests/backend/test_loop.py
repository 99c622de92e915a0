"""The one event thread: it turns, and no callback of ours can stop it."""

from __future__ import annotations

import threading

import libvirt
import pytest

from tests.backend.watcher import PATIENCE
from tuivm.backend import loop


def test_it_is_started_once_and_turns() -> None:
    loop.start()
    loop.start()
    threads = [t for t in threading.enumerate() if t.name == "tuivm-events"]
    assert len(threads) == 1
    assert threads[0].daemon, "a hanging callback must not keep the process alive"
    assert loop.silence() < PATIENCE


def test_a_failing_callback_is_logged_and_the_loop_goes_on(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    loop.start()
    called = threading.Event()

    def fail(timer: int, _opaque: object) -> None:
        libvirt.virEventRemoveTimeout(timer)
        called.set()
        raise RuntimeError("of ours")

    for _ in range(2):
        called.clear()
        libvirt.virEventAddTimeout(0, loop.guarded(fail), None)
        assert called.wait(PATIENCE)
    assert "callback failed" in caplog.text
    assert capfd.readouterr().err == "", "nothing reaches the terminal"


def test_libvirts_own_messages_do_not_reach_the_terminal(
    capfd: pytest.CaptureFixture[str],
) -> None:
    loop.start()
    with pytest.raises(libvirt.libvirtError):
        libvirt.open("nonsense")
    assert capfd.readouterr().err == ""
