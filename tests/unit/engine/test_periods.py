"""Joining periods and finding free gaps, by example."""

import pytest

from slotlink.engine import MAX_INSTANT, MIN_INSTANT, Gaps, Period, free_gaps, intersect_gaps, join_periods, periods_of
from slotlink.engine.periods import intersect, subtract


def test_nothing_blocking_leaves_all_time_free() -> None:
    assert periods_of(free_gaps([])) == (Period(MIN_INSTANT, MAX_INSTANT),)


def test_a_block_over_all_time_leaves_nothing_free() -> None:
    assert periods_of(free_gaps([(MIN_INSTANT, 0), (0, MAX_INSTANT)])) == ()


def test_blocks_unsorted_nested_overlapping_and_touching_are_merged() -> None:
    gaps = free_gaps([(50, 60), (10, 30), (12, 15), (25, 40), (40, 45)])
    assert periods_of(gaps) == ((MIN_INSTANT, 10), (45, 50), (60, MAX_INSTANT))


def test_a_zero_length_block_splits_no_gap() -> None:
    assert periods_of(free_gaps([(10, 10)])) == ((MIN_INSTANT, MAX_INSTANT),)
    assert periods_of(free_gaps([(10, 20), (15, 15), (30, 30)])) == ((MIN_INSTANT, 10), (20, MAX_INSTANT))


def test_blocks_may_come_from_an_iterator() -> None:
    assert periods_of(free_gaps(pair for pair in [(10, 20)])) == ((MIN_INSTANT, 10), (20, MAX_INSTANT))


def test_a_block_that_reaches_past_the_end_of_time_ends_there() -> None:
    assert periods_of(free_gaps([(0, MAX_INSTANT + 9)])) == ((MIN_INSTANT, 0),)


def test_gaps_are_equal_only_to_themselves() -> None:
    gaps = free_gaps([(10, 20)])
    assert gaps == gaps
    assert gaps != free_gaps([(10, 20)])
    assert len({gaps, free_gaps([(10, 20)])}) == 2


def test_gaps_are_intersected_and_cut() -> None:
    first, second = Gaps([0, 20, 40], [10, 30, 50]), Gaps([5, 30], [25, 45])
    assert periods_of(intersect_gaps(first, second)) == ((5, 10), (20, 25), (40, 45))
    assert periods_of(subtract(first, [(22, 24), (2, 4), (45, 60), (4, 5)])) == (
        (0, 2),
        (5, 10),
        (20, 22),
        (24, 30),
        (40, 45),
    )


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
