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


def other(name: str, *args: object) -> Event:
    number = getattr(libvirt, f"VIR_DOMAIN_EVENT_ID_{name}")
    return Event(number, UUID, "web-01", args, time.time())


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


def test_a_restored_state_is_called_no_snapshot() -> None:
    told = tell(lifecycle(2, 2), lifecycle(4, 2), lifecycle(3, 0), lifecycle(4, 2))
    assert [e.text for e in told] == [
        "web-01 started: restored from its saved state",
        "web-01 paused",
        "web-01 resumed from a snapshot",
    ]


def test_a_migration_that_is_broken_off_is_no_failure_of_its_destination() -> None:
    told = tell(lifecycle(2, 1), lifecycle(5, 5))
    assert told[-1].text == "web-01 stopped: its migration to here was broken off"
    assert told[-1].severity is Severity.WARNING
    told = tell(lifecycle(2, 1), lifecycle(4, 1), lifecycle(5, 5))
    assert told[-1].text == "web-01 stopped: the hypervisor failed"


SAVED = {"operation": 2, "time_elapsed": 508, "downtime": 506, "data_processed": 117953806}


@pytest.mark.parametrize(
    ("told", "text", "severity", "seconds"),
    [
        (SAVED, "web-01 finished saving its memory: 112 MiB", Severity.GOOD, 0.508),
        (
            {"operation": 5, "time_elapsed": 972, "downtime": 105, "data_processed": 2 << 20},
            "web-01 finished migrating away: 2.0 MiB; it stood still for 105ms",
            Severity.GOOD,
            0.972,
        ),
        (
            {"operation": 9, "disk_processed": 67108864, "success": True},
            "web-01 finished backing up: 64 MiB",
            Severity.GOOD,
            None,
        ),
        (
            {
                "operation": 9,
                "time_elapsed": 30642,
                "success": True,
                "errmsg": "Operation canceled",
            },
            "web-01 broke off backing up: Operation canceled",
            Severity.WARNING,
            30.642,
        ),
        (
            {"operation": 9, "success": False, "errmsg": "No space\x1b[2J left"},
            "web-01 did not finish backing up: No space\ufffd[2J left",
            Severity.WARNING,
            None,
        ),
        ({"operation": 99}, "web-01 finished a job", Severity.GOOD, None),
    ],
)
def test_a_job_that_ended_says_what_it_did_and_how_long_it_took(
    told: dict[str, object], text: str, severity: Severity, seconds: float | None
) -> None:
    (entry,) = tell(other("JOB_COMPLETED", told))
    assert (entry.text, entry.severity, entry.seconds) == (text, severity, seconds)


@pytest.mark.parametrize(
    ("event", "text"),
    [
        (other("WATCHDOG", 0), "hangs, says its watchdog: nothing was done"),
        (other("WATCHDOG", 2), "hangs, says its watchdog: it was reset"),
        (other("WATCHDOG", 77), "hangs, says its watchdog: something was done"),
        (
            other("BLOCK_THRESHOLD", "vda", "/x", 1 << 20, 4096),
            "wrote past 1.0 MiB on vda, by 4.0 KiB",
        ),
        (other("DEVICE_REMOVAL_FAILED", "net1"), "did not release device net1: it stays"),
        (
            other("MEMORY_FAILURE", 1, 3, 0),
            "is hit by a hardware fault: the guest's memory failed; the guest was reset, as it "
            "cannot deal with it",
        ),
        (other("BLOCK_JOB_2", "vda", 1, 2), "block pull on vda was cancelled"),
        (
            other("IO_ERROR_REASON", "/i", "vda", 2, ""),
            "had an I/O error on vda; the guest was told: /i",
        ),
    ],
)
def test_rare_events_are_sentences(event: Event, text: str) -> None:
    (entry,) = tell(event)
    assert entry.text == f"web-01 {text}"


def test_a_threshold_is_told_once_though_libvirt_names_disk_and_image() -> None:
    both = [other("BLOCK_THRESHOLD", name, "/x", 1 << 20, 0) for name in ("vda", "vda[1]")]
    assert [e.text for e in tell(*both)] == ["web-01 wrote past 1.0 MiB on vda"]
    below = other("BLOCK_THRESHOLD", "vda[2]", "/x", 1 << 20, 0)
    assert [e.text for e in tell(below)] == ["web-01 wrote past 1.0 MiB on vda[2]"]


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
    io_error = libvirt.VIR_DOMAIN_EVENT_ID_IO_ERROR_REASON
    threshold = libvirt.VIR_DOMAIN_EVENT_ID_BLOCK_THRESHOLD
    for number in range(100):
        uuid = f"{number:08}-7e57-4000-8000-000000000000"
        narrator.tell(Event(kind, uuid, "ci", (), float(number)))
        narrator.tell(Event(LIFECYCLE, uuid, "ci", (6, 1), float(number)))
        narrator.tell(Event(LIFECYCLE, uuid, "ci", (2, 1), float(number)))
        narrator.tell(Event(io_error, uuid, "ci", ("/img/a", "vda", 1, ""), float(number)))
        narrator.tell(Event(threshold, uuid, "ci", ("vda", "/img/a", 1, 1), float(number)))
        narrator.forget([uuid])
    assert len(narrator._rebooted) <= 1
    assert not narrator._stopped_by
    assert not narrator._started
    assert not narrator._failed
    assert not narrator._passed


def test_an_io_error_names_disk_and_cause_and_is_made_harmless() -> None:
    args = ("/img/a\x1b[2J", "virtio-disk0", 1, "enospc")
    event = Event(libvirt.VIR_DOMAIN_EVENT_ID_IO_ERROR_REASON, UUID, "db", args, 0.0)
    (entry,) = tell(event)
    said = "db had an I/O error on virtio-disk0: no space is left where it is stored (enospc)"
    assert entry.text.startswith(f"{said}: /img/a"), "the path, which is long, comes last"
    assert "\x1b" not in entry.text


def test_an_io_error_that_goes_on_is_told_every_now_and_then() -> None:
    args = ("/img/a", "virtio-disk0", 2, "")
    number = libvirt.VIR_DOMAIN_EVENT_ID_IO_ERROR_REASON
    storm = [Event(number, UUID, "db", args, at / 100) for at in range(2000)]
    assert len(tell(*storm)) == 2
    another = Event(number, UUID, "db", ("/img/b", *args[1:]), 20.0)
    assert len(tell(*storm, another)) == 3
