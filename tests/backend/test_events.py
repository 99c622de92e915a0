"""Events in plain words."""

from __future__ import annotations

import time

import libvirt
import pytest

from tuivm.backend.events import HOLD, LIFECYCLE, Event, Narrator
from tuivm.core.model import LogEntry, Severity

UUID = "00000000-7e57-4000-8000-000000000000"


def lifecycle(kind: int, detail: int) -> Event:
    return Event(LIFECYCLE, UUID, "web-01", (kind, detail), time.time())


def tell(*events: Event) -> list[LogEntry]:
    narrator = Narrator("kv1")
    told = [entry for event in events for entry in narrator.tell(event)]
    return told + narrator.overdue(time.time() + HOLD)


@pytest.mark.parametrize(
    ("kind", "detail", "text", "severity"),
    [
        (2, 0, "web-01 started", Severity.GOOD),
        (2, 2, "web-01 started: restored from its saved state", Severity.GOOD),
        (3, 0, "web-01 paused", Severity.INFO),
        (3, 2, "web-01 paused: I/O error", Severity.ERROR),
        (4, 0, "web-01 resumed", Severity.GOOD),
        (5, 1, "web-01 stopped: forced off", Severity.WARNING),
        (5, 2, "web-01 stopped: it crashed", Severity.ERROR),
        (8, 0, "web-01 crashed: the guest panicked", Severity.ERROR),
        (1, 0, "web-01 undefined", Severity.INFO),
    ],
)
def test_lifecycle_events_read_as_sentences(
    kind: int, detail: int, text: str, severity: Severity
) -> None:
    (entry,) = tell(lifecycle(kind, detail))
    assert (entry.text, entry.severity) == (text, severity)
    assert (entry.host, entry.uuid, entry.name) == ("kv1", UUID, "web-01")


def test_unknown_events_of_later_versions_are_left_out() -> None:
    assert tell(lifecycle(99, 0), lifecycle(2, 99)) == []


def test_a_start_is_one_line_though_qemu_reports_a_resume_first() -> None:
    assert [e.text for e in tell(lifecycle(4, 0), lifecycle(2, 0))] == ["web-01 started"]


def test_a_resume_before_another_event_keeps_its_place() -> None:
    told = tell(lifecycle(4, 0), lifecycle(5, 1))
    assert [e.text for e in told] == ["web-01 resumed", "web-01 stopped: forced off"]


def test_a_shutdown_says_who_wanted_it() -> None:
    told = tell(lifecycle(6, 1), lifecycle(5, 0), lifecycle(6, 2), lifecycle(5, 0))
    assert [e.text for e in told] == [
        "web-01 stopped: shut down by guest",
        "web-01 stopped: shut down by host",
    ]


def test_force_off_is_not_called_a_shutdown() -> None:
    told = tell(lifecycle(6, 2), lifecycle(5, 1))
    assert [e.text for e in told] == ["web-01 stopped: forced off"]


def test_a_reset_is_told_once_though_libvirt_reports_it_twice() -> None:
    event = Event(libvirt.VIR_DOMAIN_EVENT_ID_REBOOT, UUID, "web-01", (), time.time())
    assert [e.text for e in tell(event, event)] == ["web-01 rebooted"]


def test_it_remembers_no_domain_for_longer_than_it_is_of_use() -> None:
    narrator = Narrator("kv1")
    kind = libvirt.VIR_DOMAIN_EVENT_ID_REBOOT
    for number in range(100):
        uuid = f"{number:08}-7e57-4000-8000-000000000000"
        narrator.tell(Event(kind, uuid, "ci", (), float(number)))
        narrator.tell(Event(LIFECYCLE, uuid, "ci", (6, 1), float(number)))
        narrator.forget([uuid])
    assert len(narrator._rebooted) <= 1
    assert not narrator._stopped_by


def test_an_io_error_names_disk_and_cause_and_is_made_harmless() -> None:
    args = ("/img/a\x1b[2J", "virtio-disk0", 1, "enospc")
    event = Event(libvirt.VIR_DOMAIN_EVENT_ID_IO_ERROR_REASON, UUID, "db", args, 0.0)
    (entry,) = tell(event)
    assert entry.text.startswith("db had an I/O error on virtio-disk0 (/img/a")
    assert entry.text.endswith("enospc")
    assert "\x1b" not in entry.text
