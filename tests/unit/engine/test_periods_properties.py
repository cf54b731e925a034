"""Periods and gaps against sets of seconds."""

from collections.abc import Sequence

from hypothesis import example, given, settings
from hypothesis import strategies as st

from slotlink.engine import MAX_INSTANT, MIN_INSTANT, Period, free_gaps, join_periods, periods_of
from slotlink.engine.buffers import Need, fit_windows
from slotlink.engine.periods import ALWAYS, gaps_of, intersect

raw_pairs = st.lists(st.tuples(st.integers(-40, 40), st.integers(-40, 40)), max_size=12)
modest = settings(max_examples=200, deadline=None, database=None)


def seconds(pairs: list[tuple[int, int]]) -> set[int]:
    return {second for start, end in pairs for second in range(start, end)}


def spans(ascending: list[int]) -> list[tuple[int, int]]:
    """Seconds that follow on one another, from the first to beyond the last."""
    firsts = [second for second in ascending if second - 1 not in ascending]
    ends = [second + 1 for second in ascending if second + 1 not in ascending]
    return list(zip(firsts, ends, strict=True))


def assert_apart(starts: Sequence[int], ends: Sequence[int]) -> None:
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


@modest
@given(
    raw_pairs,
    st.sampled_from([0, 25, -25, 2**31, 2**32 - 1, 2**32 - 26, 2**32 + 24, -(2**31)]),
    st.sampled_from([Need(1), Need(7, 3, 2), Need(5, 0, 20)]),
)
@example([(-5, 0)], 2**32 - 1, Need(1))
@example([(0, 5)], 0, Need(1))
@example([(-30, -20), (-10, 20)], 2**32 - 1, Need(1))
def test_where_a_meeting_fits_is_exact_in_every_century(raw: list[tuple[int, int]], where: int, need: Need) -> None:
    """At the edges of 32 bits too: what begins or ends there is bounded, and what is unbounded does not end there."""
    pairs = [(start + where, end + where) for start, end in raw]
    covered = seconds(pairs)
    asked = Period(where - 80, where + 80)

    def needed(start: int) -> range:
        return range(start - need.before, start + need.duration + need.after)

    outside = [start for start in range(*asked) if covered.isdisjoint(needed(start))]
    assert fit_windows(free_gaps(pairs), need, asked) == spans(outside)
    inside = [start for start in range(*asked) if covered.issuperset(needed(start))]
    assert fit_windows(gaps_of(pairs), need, asked) == spans(inside)
    assert fit_windows(ALWAYS, need, asked) == [asked]
