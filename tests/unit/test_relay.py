"""A wake-up that comes before there is a screen is not lost."""

from __future__ import annotations

from tuivm.core.relay import Relay


def test_an_early_wake_up_reaches_the_target_once() -> None:
    woken: list[int] = []
    relay = Relay()
    relay()
    relay()
    relay.attach(lambda: woken.append(1))
    assert woken == [1]


def test_later_wake_ups_go_straight_through() -> None:
    woken: list[int] = []
    relay = Relay()
    relay.attach(lambda: woken.append(1))
    assert woken == []
    relay()
    relay()
    assert woken == [1, 1]
