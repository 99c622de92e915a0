"""Many hosts that begin at once: rows first, and none waits for long for a hung one."""

from __future__ import annotations

import pytest

from tests.backend.conftest import NodeFile
from tests.backend.watcher import PATIENT, Watcher
from tuivm.backend import uptime
from tuivm.backend.crowd import STEP, Crowd
from tuivm.backend.fleet import Fleet
from tuivm.backend.host import Host
from tuivm.core.api import Focus


def test_a_crowd_is_over_when_all_have_their_rows_or_failed() -> None:
    crowd = Crowd()
    assert crowd.over
    for host in ("a", "b"):
        crowd.join(host)
    crowd.leave("a")
    crowd.leave("a")
    assert not crowd.over
    crowd.leave("b")
    assert crowd.over
    assert 0.0 <= crowd.turn() <= STEP


def test_one_host_waits_for_nobody() -> None:
    crowd = Crowd()
    crowd.join("a")
    assert crowd.turn() == 0.0


def test_details_come_although_another_host_hangs(
    node: NodeFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The second host never comes up, and never fails while the test looks.
    connect = Host._connect
    monkeypatch.setattr(
        Host, "_connect", lambda host, **how: None if "hung" in host.uri else connect(host, **how)
    )
    with Watcher(Fleet([node(2), "test:///hung"], timing=PATIENT)) as one:
        one.wait(lambda: len(one.domains) == 2)
        one.wait(lambda: all(domain.facts for domain in one.domains.values()))


def test_what_follows_the_rows_waits_for_the_screen(
    node: NodeFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tuivm.backend.duties.PATIENCE", 60.0)
    with Watcher(Fleet([node(2)], timing=PATIENT, screen=True)) as one:
        one.wait(lambda: len(one.domains) == 2)
        assert all(domain.facts is None for domain in one.domains.values())
        one.fleet.focus(Focus())
        one.wait(lambda: all(domain.facts for domain in one.domains.values()))


def test_processes_are_looked_through_once_for_all_hosts(monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[dict[str, float]] = []

    def look() -> dict[str, float]:
        looks.append({"u": 5.0})
        return looks[-1]

    monkeypatch.setattr(uptime, "process_starts", look)
    scan = uptime.Scan()
    assert scan.starts(10.0) == scan.starts(11.0) == {"u": 5.0}
    assert len(looks) == 1
    # What was seen later may have begun later.
    scan.starts(1e12)
    assert len(looks) == 2
