"""The screen changes as fast as the terminal draws, and no faster."""

from __future__ import annotations

from tuivm.core.pace import LATE, LONGEST, LOST, PATIENCE, QUEUED, QUICK, RARE, Pacer


def quick(rtt: float = 0.02) -> Pacer:
    """A pacer that has seen the terminal answer quickly."""
    pacer = Pacer()
    assert pacer.asks(0.0)
    assert pacer.answered(rtt), "the way there and back is not known yet"
    assert not pacer.answered(2 * rtt)
    return pacer


def test_a_terminal_that_keeps_up_is_never_held_up() -> None:
    pacer = quick()
    for at in (1.0, 1.1, 1.2):
        assert pacer.asks(at)
        assert not pacer.behind(at + 0.02)
        pacer.answered(at + 0.02)
        assert pacer.wait(at - QUICK, at + 0.02) == 0


def test_a_far_terminal_is_not_a_slow_one() -> None:
    pacer = quick(0.4)
    pacer.asks(1.0)
    assert not pacer.behind(1.4)
    pacer.answered(1.4)
    assert pacer.wait(0.0, 1.4) == 0


def test_no_frame_and_no_batch_while_output_piles_up() -> None:
    pacer = quick()
    pacer.asks(1.0)
    assert not pacer.asks(1.1), "one question at a time"
    assert not pacer.behind(1.1)
    assert pacer.behind(1.1 + LATE)
    assert pacer.wait(0.0, 1.1 + LATE) > 0


def test_after_a_late_answer_the_line_is_left_free_for_keys_and_then_all_is_as_before() -> None:
    pacer = quick()
    pacer.asks(1.0)
    assert pacer.answered(2.0), "was it far, or slow?"
    assert not pacer.answered(2.02)
    assert not pacer.behind(2.02), "keys are drawn at once"
    assert 1.9 < pacer.wait(1.0, 2.02) < 2.1
    assert pacer.wait(1.0, 4.1) == 0
    pacer.asks(5.0)
    pacer.answered(5.02)
    assert pacer.wait(4.0, 5.02) == 0


def test_a_line_that_was_always_slow_is_found_out_too() -> None:
    pacer = Pacer()
    pacer.asks(0.0)
    assert pacer.answered(0.7)
    assert not pacer.answered(0.72)
    assert pacer.wait(0.0, 0.72) > 1


def test_no_pause_is_endless() -> None:
    pacer = quick()
    pacer.asks(1.0)
    pacer.answered(1.0 + LOST)
    pacer.answered(1.0 + LOST)
    assert pacer.wait(0.0, 1.0 + LOST) == LONGEST


def test_a_terminal_that_does_not_answer_is_left_alone() -> None:
    pacer, at = Pacer(), 0.0
    for _ in range(PATIENCE):
        assert pacer.asks(at)
        at += LOST + 1
        assert not pacer.behind(at)
    assert not pacer.asks(at)
    assert not pacer.behind(at + 1)
    assert pacer.wait(0.0, at + 1) == 0


def test_writes_that_wait_in_this_process_hold_frames_too() -> None:
    pacer = quick()
    pacer.queued = lambda: QUEUED
    assert pacer.behind(1.0)
    pacer.queued = lambda: 0
    assert not pacer.behind(1.0)


def test_an_answer_to_somebody_elses_question_means_nothing() -> None:
    pacer = Pacer()
    pacer.answered(1.0)
    assert pacer.asks(2.0)


def test_low_bandwidth_applies_news_rarely() -> None:
    assert Pacer(low_bandwidth=True).wait(10.0, 10.0) == RARE
