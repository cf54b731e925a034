"""Periods and gaps against sets of seconds."""

from hypothesis import given, settings
from hypothesis import strategies as st

from slotlink.engine import MAX_INSTANT, MIN_INSTANT, Period, free_gaps, join_periods, periods_of
from slotlink.engine.periods import intersect

raw_pairs = st.lists(st.tuples(st.integers(-40, 40), st.integers(-40, 40)), max_size=12)
modest = settings(max_examples=200, deadline=None, database=None)


def seconds(pairs: list[tuple[int, int]]) -> set[int]:
    return {second for start, end in pairs for second in range(start, end)}


def assert_apart(starts: tuple[int, ...], ends: tuple[int, ...]) -> None:
    edges = [edge for pair in zip(starts, ends, strict=True) for edge in pair]
    assert edges == sorted(set(edges))


@modest
@given(raw_pairs)
def test_joining_keeps_every_second_and_no_other(raw: list[tuple[int, int]]) -> None:
    joined = join_periods(Period(start, end) for start, end in raw)
    assert seconds([(period.start, period.end) for period in joined]) == seconds(raw)
    assert_apart(tuple(period.start for period in joined), tuple(period.end for period in joined))


@modest
@given(raw_pairs)
def test_gaps_are_every_second_that_nothing_blocks(raw: list[tuple[int, int]]) -> None:
    gaps = free_gaps(raw)
    near = [(max(-50, start), min(50, end)) for start, end in zip(gaps.starts, gaps.ends, strict=True)]
    assert seconds(near) == set(range(-50, 50)) - seconds(raw)
    assert gaps.starts[0] == MIN_INSTANT
    assert gaps.ends[-1] == MAX_INSTANT
    assert_apart(gaps.starts, gaps.ends)


@modest
@given(raw_pairs, raw_pairs)
def test_what_two_unions_share_is_every_second_in_both(
    first: list[tuple[int, int]], second: list[tuple[int, int]]
) -> None:
    def joined(raw: list[tuple[int, int]]) -> list[tuple[int, int]]:
        return [(period.start, period.end) for period in join_periods(Period(start, end) for start, end in raw)]

    both = intersect(joined(first), joined(second))
    assert seconds(both) == seconds(first) & seconds(second)
    assert both == sorted(both)


@modest
@given(raw_pairs)
def test_the_order_of_what_blocks_does_not_matter(raw: list[tuple[int, int]]) -> None:
    expected = periods_of(free_gaps(sorted(raw)))
    assert periods_of(free_gaps(reversed(raw))) == expected
