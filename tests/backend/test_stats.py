"""How counters become numbers: unknown stays unknown, and nothing is ever invented."""

from __future__ import annotations

import pytest

from tuivm.backend.stats import Sample, rates, same, to_sample

GIB = 1 << 30


def test_rates_are_growth_over_time_and_cpu_is_of_all_vcpus() -> None:
    before = Sample(10.0, cpu=0, vcpus=4, disk_read=0, disk_write=100, net_rx=0, net_tx=0)
    now = Sample(
        12.0, cpu=4_000_000_000, vcpus=4, disk_read=2048, disk_write=100, net_rx=10, net_tx=4
    )
    stats = rates(before, now)
    assert stats.cpu == 50.0
    assert (stats.disk_read, stats.disk_write) == (1024.0, 0.0)
    assert (stats.net_rx, stats.net_tx) == (5.0, 2.0)


def test_the_first_sample_has_sizes_but_no_rates() -> None:
    stats = rates(None, Sample(1.0, cpu=5, vcpus=1, memory_max=GIB, net_rx=7))
    assert stats.memory_max == GIB
    assert stats.cpu is None
    assert stats.net_rx is None


def test_a_missing_counter_is_unknown_not_zero() -> None:
    stats = rates(Sample(1.0), Sample(2.0))
    assert stats.cpu is None
    assert stats.disk_read is None
    assert stats.memory_used is None


def test_a_counter_that_began_anew_gives_no_negative_rate() -> None:
    stats = rates(Sample(1.0, cpu=900, vcpus=1, net_rx=100), Sample(2.0, cpu=5, vcpus=1, net_rx=3))
    assert stats.cpu is None
    assert stats.net_rx is None


def test_vcpus_come_from_the_xml_where_the_sample_has_none() -> None:
    before, now = Sample(0.0, cpu=0), Sample(1.0, cpu=1_000_000_000)
    assert rates(before, now, 2).cpu == 50.0
    assert rates(before, now).cpu is None


def test_cpu_never_exceeds_all_vcpus() -> None:
    before, now = Sample(0.0, cpu=0, vcpus=1), Sample(1.0, cpu=1_200_000_000, vcpus=1)
    assert rates(before, now).cpu == 100.0


def test_groups_are_summed_over_devices() -> None:
    sample = to_sample(
        {
            "cpu.time": 7,
            "vcpu.current": 2,
            "balloon.current": 1024,
            "balloon.rss": 512,
            "balloon.available": 1000,
            "balloon.unused": 400,
            "block.count": 2,
            "block.0.rd.bytes": 1,
            "block.1.rd.bytes": 2,
            "block.1.wr.bytes": 5,
            "net.count": 1,
            "net.0.rx.bytes": 9,
            "net.0.tx.bytes": 8,
        },
        3.0,
    )
    assert sample == Sample(3.0, 7, 2, 600 << 10, 512 << 10, 1 << 20, 3, 5, 9, 8)


def test_what_the_guest_could_hand_out_is_not_used() -> None:
    values = {"balloon.available": 1000, "balloon.unused": 100, "balloon.usable": 700}
    assert to_sample(values, 0.0).memory_used == 300 << 10


def test_no_devices_is_zero_and_untold_devices_are_unknown() -> None:
    assert to_sample({"block.count": 0}, 0.0).disk_read == 0
    assert to_sample({"net.count": 2}, 0.0).net_rx is None
    assert to_sample({}, 0.0).net_rx is None


@pytest.mark.parametrize("value", [-1, None])
def test_nonsense_sizes_are_unknown(value: int | None) -> None:
    assert to_sample({"balloon.rss": value}, 0.0).memory_rss is None


def test_samples_that_look_alike_are_the_same() -> None:
    before = Sample(1.0, cpu=0, vcpus=1, net_rx=0)
    one = rates(before, Sample(2.0, cpu=100_000, vcpus=1, net_rx=0))
    other = rates(before, Sample(2.1, cpu=120_000, vcpus=1, net_rx=0))
    assert same(one, other)
    assert not same(None, one)
    assert not same(one, rates(before, Sample(2.0, cpu=500_000_000, vcpus=1, net_rx=0)))
