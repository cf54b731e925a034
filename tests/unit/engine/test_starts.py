"""Blocks of starts, and what is remembered of them, by example."""

from dataclasses import replace

from slotlink.engine import (
    AvailabilityQuery,
    Available,
    Member,
    ParticipantGroup,
    Period,
    StartCache,
    available_periods,
    available_slots,
    free_gaps,
    gaps_of,
)
from slotlink.engine.starts import BLOCK_STARTS

DAY = 86_400


def half_a_year() -> AvailabilityQuery:
    """Two of three people who are busy at odd times, over several real blocks of both kinds, across 1970."""
    members = tuple(
        Member(
            sub,
            free_gaps((at, at + busy) for at in range(-120 * DAY, 120 * DAY, every)),
            gaps_of((day, day + hours * 3600) for day in range(-150 * DAY, 150 * DAY, DAY)),
        )
        for sub, every, busy, hours in (("ann", 10_801, 4000, 20), ("bob", 18_005, 9001, 24), ("cat", 7201, 3000, 16))
    )
    periods = (Period(-100 * DAY, 40 * DAY + 1), Period(41 * DAY, 101 * DAY))
    return AvailabilityQuery((ParticipantGroup((0, 1, 2), 2),), members, 1800, periods, start_interval=900)


def test_the_whole_of_a_long_query_is_what_its_days_are() -> None:
    query = half_a_year()
    whole = available_slots(query, overlapping=True)
    assert len(whole) > BLOCK_STARTS // 2
    for cache in (None, StartCache(), StartCache(20_000)):
        days = [Period(day * DAY - 777, (day + 1) * DAY - 777) for day in range(-101, 103)]
        parts = [available_slots(query, overlapping=True, within=day, cache=cache) for day in days]
        assert [slot for part in parts for slot in part] == whole
        assert available_slots(query, overlapping=True, cache=cache) == whole


def test_the_periods_of_a_long_query_hold_exactly_its_starts() -> None:
    query = half_a_year()
    periods = available_periods(replace(query, start_interval=None))
    starts = [
        Available(start, start + 1800, period.participants)
        for period in periods
        for start in range(-(-period.start // 900) * 900, period.end - 1800 + 1, 900)
    ]
    assert starts == available_slots(query, overlapping=True)
    assert available_periods(replace(query, start_interval=None, max_results=50)) == periods[:50]


def test_a_cache_goes_on_remembering_after_it_has_forgotten_much() -> None:
    """Found by the property tests: hours forgotten before a member that uses them grew the size that the cache thinks
    it has, and that was never taken off again, until nothing fitted any more."""
    for most_bytes in (1000, 3000, 6000, 20_000):
        cache = StartCache(most_bytes)
        free, hours = free_gaps([]), gaps_of([(0, 900 * DAY)])
        for day in range(0, 900, 30):
            periods = (Period(day * DAY, (day + 1) * DAY),)
            query = AvailabilityQuery((ParticipantGroup((0,), 1),), (Member("ann", free, hours),), 900, periods)
            available_slots(query, overlapping=True, cache=cache)
            kept = cache._kept  # what it counts is what it holds
            assert cache.size == sum(each.size for each in kept.values()) <= most_bytes
