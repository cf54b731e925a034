"""Random events around clock changes, counted minute by minute along the wall clock."""

from collections import Counter
from datetime import date
from functools import cache
from itertools import groupby

from hypothesis import given, settings
from hypothesis import strategies as st

from slotlink.engine.periods import Period
from slotlink.engine.quotas import Quota, full_periods, whole_span

from .walked import CLOCK_CHANGES, DAY, EPOCH, MINUTE, Walk, around

Case = tuple[Walk, Quota, list[tuple[int, int]], int, int]


def many(examples: int) -> settings:
    return settings(max_examples=examples, deadline=None, database=None)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """A zone's walk over a clock change, a quota, events on whole minutes, and a span on any seconds."""
    tzid, day = draw(st.sampled_from(CLOCK_CHANGES))
    quota = Quota(draw(st.sampled_from(["day", "week"])), draw(st.sampled_from([1, 1, 2, 3])), tzid)
    middle = (day.toordinal() - EPOCH.toordinal()) * DAY
    walk = around(tzid, day, 20)

    # Many events begin or end where a day does; most are short, so that not every day is full.
    midnights = [period.start for period in periods_of(walk, "day").values() if abs(period.start - middle) < 7 * DAY]
    instant = st.sampled_from(midnights) | st.integers(-7 * 1440, 7 * 1440).map(lambda n: middle + n * MINUTE)
    length = st.sampled_from([0, 0, 60]) | st.integers(0, 36 * 60)
    raw = draw(st.lists(st.tuples(instant, length, st.booleans()), max_size=8))
    events = [(at - n * MINUTE, at) if backwards else (at, at + n * MINUTE) for at, n, backwards in raw]
    start = middle + draw(st.integers(-7 * DAY, 3 * DAY))
    return walk, quota, events, start, start + draw(st.sampled_from([1, 5 * DAY, 9 * DAY]) | st.integers(1, 9 * DAY))


@cache
def named(walk: Walk, period: str) -> list[tuple[int, ...]]:
    """Return for each minute of the walk which day or ISO week the hand of the clock stands in."""
    names: list[tuple[int, ...]] = []
    for hand in walk.hand:
        day = date.fromordinal(EPOCH.toordinal() + hand // DAY)
        names.append(day.isocalendar()[:2] if period == "week" else (day.toordinal(),))
    return names


@cache
def periods_of(walk: Walk, period: str) -> dict[tuple[int, ...], Period]:
    """Return the days or weeks of the walk by name, in order."""
    periods: dict[tuple[int, ...], Period] = {}
    for name, minutes in groupby(zip(named(walk, period), walk.instants, strict=True), key=lambda item: item[0]):
        instants = [instant for _, instant in minutes]
        periods[name] = Period(instants[0], instants[-1] + MINUTE)
    return periods


def counted(walk: Walk, quota: Quota, events: list[tuple[int, int]]) -> list[tuple[Period, int]]:
    """Return all days or weeks of the walk, and how many events have a minute in each."""
    counts: Counter[tuple[int, ...]] = Counter()
    for start, end in events:
        first, last = ((instant - walk.instants[0]) // MINUTE for instant in (start, end))
        counts.update(set(named(walk, quota.period)[first : max(last, first + 1)]))
    return [(period, counts[name]) for name, period in periods_of(walk, quota.period).items()]


@many(120)
@given(cases())
def test_full_days_and_weeks_agree_with_counting_minutes(case: Case) -> None:
    walk, quota, events, start, end = case
    expected = [
        period
        for period, count in counted(walk, quota, events)
        if count >= quota.limit and period.start < end and period.end > start
    ]
    assert full_periods(quota, events, start, end) == expected


@many(80)
@given(cases())
def test_the_whole_span_is_all_days_or_weeks_that_overlap_the_span(case: Case) -> None:
    walk, quota, _, start, end = case
    inside = [period for period, _ in counted(walk, quota, []) if period.start < end and period.end > start]
    assert whole_span(quota, start, end) == Period(inside[0].start, inside[-1].end)


@many(80)
@given(cases())
def test_only_events_that_reach_into_the_whole_span_matter(case: Case) -> None:
    _, quota, events, start, end = case
    whole = whole_span(quota, start, end)
    inside = [event for event in events if event[0] < whole.end and max(event[1], event[0] + 1) > whole.start]
    assert full_periods(quota, inside, start, end) == full_periods(quota, events, start, end)
    assert full_periods(quota, inside, *whole) == full_periods(quota, events, start, end)
