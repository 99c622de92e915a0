from __future__ import annotations

from tuivm.widgets.chart import stretches


def test_a_gap_ends_a_line_instead_of_being_drawn_over() -> None:
    points = [(-5.0, 1.0), (-4.0, 2.0), (-3.0, None), (-2.0, 3.0)]
    assert stretches(points, -10) == [[(-5.0, 1.0), (-4.0, 2.0)], [(-2.0, 3.0)]]


def test_what_is_older_than_the_axis_is_left_out() -> None:
    assert stretches([(-50.0, 1.0), (-2.0, 3.0)], -10) == [[(-2.0, 3.0)]]


def test_nothing_known_draws_nothing() -> None:
    assert stretches([(-5.0, None)], -10) == []
