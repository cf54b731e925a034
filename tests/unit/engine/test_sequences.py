"""Several meetings one after another, by example. Every start is a whole hour unless said."""

from dataclasses import replace
from time import thread_time

import pytest

from slotlink.engine import (
    ALWAYS,
    AvailabilityQuery,
    Member,
    ParticipantGroup,
    Period,
    SequenceStep,
    available_sequences,
    count_orders,
    free_gaps,
)

HOUR = 3600


def asked(begin: int, end: int, busy: tuple[tuple[int, int], ...] = (), hours: int = 1) -> AvailabilityQuery:
    """One member, for so many hours on the hour, between two hours."""
    free = free_gaps((start * HOUR, end * HOUR) for start, end in busy) if busy else ALWAYS
    return AvailabilityQuery(
        participants=(ParticipantGroup((0,), 1),),
        members=(Member("ann", free),),
        required_duration=hours * HOUR,
        query_periods=(Period(begin * HOUR, end * HOUR),),
        start_interval=HOUR,
    )


def held(*steps: SequenceStep, most: int | None = None) -> list[list[tuple[int, float]]]:
    """Every way, as pairs of a step and the hour of its start."""
    found = available_sequences(steps, most)
    return [[(step, available.start / HOUR) for step, available in sequenced] for sequenced in found]


def test_steps_follow_each_other_by_their_ordinals() -> None:
    first, second = SequenceStep(asked(9, 11), 7), SequenceStep(asked(9, 11), 2)
    assert held(first, second) == [[(1, 9), (0, 10)]]


def test_steps_with_equal_ordinals_and_without_come_in_any_order() -> None:
    equal = SequenceStep(asked(9, 11), 1), SequenceStep(asked(9, 11), 1)
    assert held(*equal) == [[(0, 9), (1, 10)], [(1, 9), (0, 10)]]
    assert held(SequenceStep(asked(9, 11), 5), SequenceStep(asked(9, 11))) == [[(0, 9), (1, 10)], [(1, 9), (0, 10)]]


def test_a_step_may_begin_where_the_one_before_ends_and_no_earlier() -> None:
    long = SequenceStep(asked(9, 12, hours=2), 1)
    assert held(long, SequenceStep(asked(9, 12), 2)) == [[(0, 9), (1, 11)]]


def test_the_larger_of_two_least_gaps_is_kept() -> None:
    first = SequenceStep(asked(9, 10), 1, least_after=HOUR)
    assert held(first, SequenceStep(asked(9, 13), 2, least_before=0)) == [[(0, 9), (1, 11)], [(0, 9), (1, 12)]]
    assert held(first, SequenceStep(asked(9, 13), 2, least_before=2 * HOUR)) == [[(0, 9), (1, 12)]]
    assert held(first, SequenceStep(asked(9, 13), 2, least_before=HOUR + 1)) == [[(0, 9), (1, 12)]]


def test_the_smaller_of_two_most_gaps_is_kept() -> None:
    first = SequenceStep(asked(9, 10), 1, most_after=2 * HOUR)
    assert len(held(first, SequenceStep(asked(9, 15), 2))) == 3
    assert held(first, SequenceStep(asked(9, 15), 2, most_before=HOUR - 1)) == [[(0, 9), (1, 10)]]
    assert held(first, SequenceStep(asked(9, 15), 2, most_before=0)) == [[(0, 9), (1, 10)]]


def test_a_least_gap_above_the_most_gap_leaves_nothing() -> None:
    first = SequenceStep(asked(9, 10), 1, least_after=2 * HOUR)
    assert held(first, SequenceStep(asked(9, 15), 2, most_before=HOUR)) == []


def test_gaps_before_the_first_and_after_the_last_step_bound_nothing() -> None:
    first = SequenceStep(asked(9, 10), 1, least_before=99 * HOUR, most_before=0)
    last = SequenceStep(asked(10, 11), 2, least_after=99 * HOUR, most_after=0)
    assert held(first, last) == [[(0, 9), (1, 10)]]


def test_ways_come_ascending_by_their_starts_whatever_the_order() -> None:
    steps = [SequenceStep(asked(9, 12)), SequenceStep(asked(9, 12))]
    starts = [[start for _, start in way] for way in held(*steps)]
    assert starts == [[9, 10], [9, 10], [9, 11], [9, 11], [10, 11], [10, 11]]
    assert held(*steps, most=3) == held(*steps)[:3]
    assert held(*steps, most=0) == []


def test_steps_with_different_grids_meet_on_what_both_divide() -> None:
    first = SequenceStep(replace(asked(9, 11), start_interval=7 * 60), 1)
    second = SequenceStep(replace(asked(10, 12), start_interval=25 * 60), 2, most_before=60)
    starts = [[round(start * 60) for _, start in way] for way in held(first, second)]
    # 9:00 and every 7 minutes, 10:00 and every 25: 9:00 and 10:00, 9:49 and 10:50.
    assert starts == [[540, 600], [589, 650]]


def test_the_maximum_of_results_of_a_steps_own_query_plays_no_part() -> None:
    first = SequenceStep(replace(asked(9, 12), max_results=1), 1)
    assert len(held(first, SequenceStep(asked(9, 12), 2))) == 3


def test_one_step_is_a_sequence_and_a_step_that_never_fits_ends_it() -> None:
    assert held(SequenceStep(asked(9, 11))) == [[(0, 9)], [(0, 10)]]
    assert held(SequenceStep(asked(9, 11)), SequenceStep(asked(9, 11, busy=((8, 12),)))) == []


def test_a_sequence_without_steps_and_a_negative_gap_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one step"):
        available_sequences([])
    with pytest.raises(ValueError, match="negative"):
        SequenceStep(asked(9, 11), least_after=-1)


def test_steps_that_start_at_odd_seconds_cost_little_more_than_others() -> None:
    """They have no minute in common: there are no more starts to look at, but bits for all seconds between them."""

    def cost(odd: int) -> float:
        spans = [Period(begin, begin + 200 * 24 * HOUR) for begin in (9 * HOUR, 9 * HOUR + odd)]
        steps = [
            SequenceStep(replace(asked(0, 1), query_periods=(span,), start_interval=25 * 60), most_before=HOUR)
            for span in spans
        ]
        begun = thread_time()
        assert len(available_sequences(steps, 100)) == 100
        return thread_time() - begun

    # Measured: 5 to 10 times as much; 85 times when every second was looked at.
    assert min(cost(1) for _ in range(3)) < 40 * min(cost(0) for _ in range(3))


@pytest.mark.parametrize(
    ("ordinals", "count"),
    [([], 1), ([1, 2, 3], 1), ([1, 1, 1], 6), ([None, None], 2), ([1, 2, None], 3), ([1, 1, 2, None, None], 40)],
)
def test_the_orders_are_counted(ordinals: list[int | None], count: int) -> None:
    assert count_orders(ordinals) == count
