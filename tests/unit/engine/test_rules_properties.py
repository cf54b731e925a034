"""Random rules on the days around clock changes, against a walk along the wall clock."""

from collections.abc import Iterable
from datetime import date
from itertools import pairwise
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from slotlink.engine.periods import Gaps
from slotlink.engine.rules import WEEKDAYS, AvailabilityRule, WeeklyPeriod, expand_rules

from .walked import CLOCK_CHANGES, DAY, EPOCH, HOUR, MINUTE, Walk, around, utc

Pairs = list[tuple[int, int]]
Weekend = tuple[Walk, list[AvailabilityRule], int, int]

# Times at which something happens somewhere, and any others.
minutes = st.one_of(
    st.sampled_from([0, 1, 30, 60, 75, 90, 105, 120, 135, 150, 180, 540, 1020, 1380, 1381, 1410, 1439]),
    st.integers(0, 1439),
)


def many(examples: int) -> settings:
    return settings(max_examples=examples, deadline=None, database=None)


def clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


weekly_periods = st.builds(
    WeeklyPeriod,
    day=st.sampled_from(WEEKDAYS),
    start_time=minutes.map(clock),
    end_time=st.one_of(minutes, st.just(1440)).map(clock),
)


@st.composite
def weekends(draw: st.DrawFn) -> Weekend:
    """A zone's walk over a clock change, one or two rules in the zone, and a span of up to a week near the change."""
    tzid, day = draw(st.sampled_from(CLOCK_CHANGES))
    rules = [
        AvailabilityRule(tzid, tuple(draw(st.lists(weekly_periods, max_size=12))))
        for _ in range(draw(st.sampled_from([1, 1, 2])))
    ]
    middle = (day.toordinal() - EPOCH.toordinal()) * DAY
    # Half of all spans begin within the first hours of a day on the wall, when a night may not be over.
    walk = around(tzid, day)
    hours_into_a_day = st.tuples(st.integers(-4, 2), st.integers(0, 12 * HOUR)).map(
        lambda drawn: walk.first_instant(middle + drawn[0] * DAY) + drawn[1]
    )
    start = draw(hours_into_a_day | st.integers(middle - 4 * DAY, middle + 2 * DAY))
    return walk, rules, start, start + draw(st.one_of(st.just(1), st.integers(1, 4 * DAY)))


def on_the_wall(rules: Iterable[AvailabilityRule], first: date, days: int) -> Pairs:
    """Return the (start, end) wall seconds of the rules' periods on each of `days`; unsorted."""
    walls: Pairs = []
    for n in range(days):
        day = date.fromordinal(first.toordinal() + n)
        midnight = (day.toordinal() - EPOCH.toordinal()) * DAY
        for weekly in (weekly for rule in rules for weekly in rule.weekly_periods):
            if weekly.day == day.strftime("%A").lower():
                start, end = (int(time[:2]) * 60 + int(time[3:]) for time in (weekly.start_time, weekly.end_time))
                walls.append((midnight + start * MINUTE, midnight + (end if end > start else end + 1440) * MINUTE))
    return walls


def pairs(gaps: Gaps) -> Pairs:
    return list(zip(gaps.starts, gaps.ends, strict=True))


def clipped(gaps: Gaps, start: int, end: int) -> Pairs:
    return [(max(a, start), min(b, end)) for a, b in pairs(gaps) if a < end and b > start]


def joined(raw: Pairs) -> Pairs:
    """Return the union by counting how many periods cover each stretch between two ends."""
    edges = sorted({edge for pair in raw for edge in pair})
    union: Pairs = []
    for left, right in pairwise(edges):
        if any(start <= left < right <= end for start, end in raw):
            union = [*union[:-1], (union[-1][0], right)] if union and union[-1][1] == left else [*union, (left, right)]
    return union


@many(120)
@given(weekends())
def test_an_instant_is_available_exactly_when_the_hand_of_the_clock_stands_in_a_period(weekend: Weekend) -> None:
    walk, rules, start, end = weekend
    walls = on_the_wall(rules, date.fromordinal(EPOCH.toordinal() + start // DAY - 3), 10)
    gaps = pairs(expand_rules(rules, start, end))
    first, last = -(-(start - walk.instants[0]) // MINUTE), -(-(end - walk.instants[0]) // MINUTE)
    for instant, hand in zip(walk.instants[first:last], walk.hand[first:last], strict=True):
        expected = any(a <= hand < b for a, b in walls)
        assert any(a <= instant < b for a, b in gaps) == expected


@many(120)
@given(weekends())
def test_exactly_the_periods_that_reach_into_the_span_are_there_and_whole(weekend: Weekend) -> None:
    walk, rules, start, end = weekend
    walls = on_the_wall(rules, date.fromordinal(EPOCH.toordinal() + start // DAY - 3), 10)
    instants = [(walk.first_instant(a), walk.first_instant(b)) for a, b in walls]
    reaching = [(a, b) for a, b in instants if a < b and a < end and b > start]
    assert pairs(expand_rules(rules, start, end)) == joined(reaching)


@many(80)
@given(weekends(), st.data())
def test_a_span_says_the_same_as_a_longer_one_around_it(weekend: Weekend, data: st.DataObject) -> None:
    _, rules, start, end = weekend
    inner_start = data.draw(st.integers(start, end - 1))
    inner_end = data.draw(st.integers(inner_start + 1, end))
    longer, shorter = expand_rules(rules, start, end), expand_rules(rules, inner_start, inner_end)
    assert clipped(shorter, inner_start, inner_end) == clipped(longer, inner_start, inner_end)


@many(80)
@given(weekends())
def test_periods_are_sorted_and_never_overlap_or_touch(weekend: Weekend) -> None:
    _, rules, start, end = weekend
    gaps = expand_rules(rules, start, end)
    edges = [edge for pair in pairs(gaps) for edge in pair]
    assert edges == sorted(set(edges))


@many(80)
@given(weekends(), st.sampled_from(WEEKDAYS), minutes, minutes, minutes)
def test_a_period_cut_in_two_is_the_period(weekend: Weekend, day: str, first: int, cut: int, last: int) -> None:
    _, rules, start, end = weekend
    opens, between, closes = map(clock, sorted((first, cut, last)))
    if not opens < between < closes:
        return
    whole = AvailabilityRule(rules[0].tzid, (WeeklyPeriod(day, opens, closes),))
    halves = AvailabilityRule(rules[0].tzid, (WeeklyPeriod(day, between, closes), WeeklyPeriod(day, opens, between)))
    cut_in_two = clipped(expand_rules([halves], start, end), start, end)
    assert cut_in_two == clipped(expand_rules([whole], start, end), start, end)


@many(80)
@given(weekends(), st.randoms(use_true_random=False))
def test_neither_order_nor_repetition_nor_distribution_over_rules_matters(weekend: Weekend, random: Random) -> None:
    _, rules, start, end = weekend
    weekly = [weekly for rule in rules for weekly in rule.weekly_periods]
    shuffled = random.sample(weekly * 2, len(weekly) * 2)
    single = [AvailabilityRule(rules[0].tzid, (weekly,)) for weekly in shuffled]
    assert pairs(expand_rules(single, start, end)) == pairs(expand_rules(rules, start, end))


@many(80)
@given(weekends())
def test_equal_rules_give_the_identical_object(weekend: Weekend) -> None:
    _, rules, start, end = weekend
    again = [
        AvailabilityRule("".join(list(rule.tzid)), tuple(WeeklyPeriod(*weekly) for weekly in rule.weekly_periods))
        for rule in rules
    ]
    assert expand_rules(iter(again), start, end) is expand_rules(rules, start, end)


# From 15 May to 15 August 2027 none of these changes its clock.
STEADY = (
    "Europe/London",
    "America/New_York",
    "Australia/Lord_Howe",
    "Africa/Cairo",
    "America/Santiago",
    "Asia/Kathmandu",
)


@many(80)
@given(st.sampled_from(STEADY), st.lists(weekly_periods, max_size=8), st.integers(0, 80 * DAY), st.integers(1, 5 * DAY))
def test_a_week_later_everything_is_a_week_later(
    tzid: str, weekly: list[WeeklyPeriod], into_may: int, length: int
) -> None:
    rule = AvailabilityRule(tzid, tuple(weekly))
    start = utc("2027-05-15T00:00") + into_may
    later = expand_rules([rule], start + 7 * DAY, start + length + 7 * DAY)
    assert [(a - 7 * DAY, b - 7 * DAY) for a, b in pairs(later)] == pairs(expand_rules([rule], start, start + length))


@many(60)
@given(st.lists(st.tuples(st.sampled_from(STEADY), st.lists(weekly_periods, max_size=5)), max_size=3))
def test_rules_of_several_zones_are_the_union_of_each(raw: list[tuple[str, list[WeeklyPeriod]]]) -> None:
    rules = [AvailabilityRule(tzid, tuple(weekly)) for tzid, weekly in raw]
    start, end = utc("2027-03-01T00:00"), utc("2027-04-15T00:00")
    alone = [pair for rule in rules for pair in pairs(expand_rules([rule], start, end))]
    assert clipped(expand_rules(rules, start, end), start, end) == [
        (max(a, start), min(b, end)) for a, b in joined(alone)
    ]
