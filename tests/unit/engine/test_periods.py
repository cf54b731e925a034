"""Joining periods and finding free gaps, by example."""

import pytest

from slotlink.engine import ALWAYS, MAX_INSTANT, MIN_INSTANT, NEVER, Gaps, Period, free_gaps, join_periods
from slotlink.engine.periods import intersect


def test_nothing_blocking_leaves_all_time_free() -> None:
    assert free_gaps([]) == ALWAYS == Gaps((MIN_INSTANT,), (MAX_INSTANT,))


def test_a_block_over_all_time_leaves_nothing_free() -> None:
    assert free_gaps([(MIN_INSTANT, 0), (0, MAX_INSTANT)]) == NEVER


def test_blocks_unsorted_nested_overlapping_and_touching_are_merged() -> None:
    gaps = free_gaps([(50, 60), (10, 30), (12, 15), (25, 40), (40, 45)])
    assert gaps == Gaps((MIN_INSTANT, 45, 60), (10, 50, MAX_INSTANT))


def test_a_zero_length_block_splits_no_gap() -> None:
    assert free_gaps([(10, 10)]) == ALWAYS
    assert free_gaps([(10, 20), (15, 15), (30, 30)]) == free_gaps([(10, 20)])


def test_blocks_may_come_from_an_iterator() -> None:
    assert free_gaps(pair for pair in [(10, 20)]) == Gaps((MIN_INSTANT, 20), (10, MAX_INSTANT))


@pytest.mark.parametrize(
    ("raw", "joined"),
    [
        ([], ()),
        ([Period(5, 5), Period(9, 3)], ()),
        ([Period(10, 20), Period(0, 10)], (Period(0, 20),)),
        ([Period(0, 10), Period(11, 20)], (Period(0, 10), Period(11, 20))),
        ([Period(0, 30), Period(5, 10), Period(20, 40)], (Period(0, 40),)),
        ([Period(0, 10), Period(0, 10)], (Period(0, 10),)),
        ([Period(0, 10), Period(10, 10), Period(15, 15)], (Period(0, 10),)),
    ],
)
def test_periods_are_sorted_joined_where_they_touch_and_dropped_when_empty(
    raw: list[Period], joined: tuple[Period, ...]
) -> None:
    assert join_periods(raw) == joined


def test_ranges_that_only_touch_have_nothing_in_common() -> None:
    assert intersect([(0, 10), (20, 30)], [(10, 20), (30, 40)]) == []
    assert intersect([(0, 10), (20, 30)], [(5, 25)]) == [(5, 10), (20, 25)]
