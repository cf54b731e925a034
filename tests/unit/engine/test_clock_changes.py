"""Availability over the nights on which clocks change: rules expanded by the engine, against painting what the walls
show minute by minute (`walked.py`)."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slotlink.engine import (
    AvailabilityQuery,
    AvailabilityRule,
    Member,
    ParticipantGroup,
    Period,
    StartCache,
    WeeklyPeriod,
    available_periods,
    available_slots,
    expand_rules,
    free_gaps,
    offered_slot,
)
from slotlink.engine.rules import WEEKDAYS

from .painted import Painted
from .queries import cases, plain
from .walked import CLOCK_CHANGES, DAY, EPOCH, MINUTE, Walk, around, utc

ZONES = {
    "Europe/London",
    "America/New_York",
    "Australia/Lord_Howe",
    "Africa/Cairo",
    "America/Santiago",
    "Asia/Kathmandu",
}
CHANGES = [(tzid, day) for tzid, day in CLOCK_CHANGES if tzid in ZONES]

# Where clocks change, where days begin, and any other time; in minutes.
_minutes = st.sampled_from([0, 0, 15, 30, 60, 75, 90, 120, 150, 180, 540, 1020, 1380, 1410, 1439]) | st.integers(
    0, 1439
)
_weekly_periods = st.lists(
    st.tuples(st.sampled_from(WEEKDAYS), _minutes, _minutes | st.just(1440)), min_size=1, max_size=8
)
_daily = st.tuples(_minutes, _minutes | st.just(1440)).map(lambda pair: [(day, *pair) for day in WEEKDAYS])
_night = st.sampled_from([[(day, 0, 1440) for day in WEEKDAYS], [(day, 1320, 240) for day in WEEKDAYS]])
_intervals = st.sampled_from([None, 300, 420, 900, 1500, 1800, 3600])


def clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def painted_hours(walk: Walk, weekly: list[tuple[str, int, int]], first: int, ticks: int) -> bytearray:
    """One byte a minute from the instant `first` on, 1 where the hand of the clock stands in a weekly period."""
    painted = bytearray(ticks)
    offset = (first - walk.instants[0]) // MINUTE
    for tick in range(ticks):
        wall = walk.hand[offset + tick]
        days, second = divmod(wall, DAY)
        # 1 January 1970, where the walls begin, was a Thursday.
        today, yesterday = WEEKDAYS[(days + 3) % 7], WEEKDAYS[(days + 2) % 7]
        for day, opens, closes in weekly:
            over_midnight = closes <= opens
            if day == today and opens * MINUTE <= second < (DAY if over_midnight else closes * MINUTE):
                painted[tick] = 1
            if day == yesterday and over_midnight and second < closes * MINUTE:
                painted[tick] = 1
    return painted


@st.composite
def nights(draw: st.DrawFn) -> Painted:
    """One to three people with working hours in zones, some of them changing their clocks, and events; two days."""
    tzid, day = draw(st.sampled_from(CHANGES))
    middle = (day.toordinal() - EPOCH.toordinal()) * DAY
    first = middle + draw(st.integers(-30, -2)) * 3600
    ticks = 48 * 60
    members: list[Member] = []
    busy: list[bytearray] = []
    available: list[bytearray | None] = []
    for sub in "abc"[: draw(st.sampled_from([1, 1, 2, 3]))]:
        zone = draw(st.sampled_from([tzid, tzid, tzid, *sorted({name for name, _ in CHANGES})]))
        weekly = draw(st.one_of(_weekly_periods, _daily, _daily, _night))
        rule = AvailabilityRule(zone, tuple(WeeklyPeriod(day, clock(a), clock(b)) for day, a, b in weekly))
        hours = expand_rules((rule,), first, first + ticks * MINUTE)
        blocks = draw(st.lists(st.tuples(st.integers(0, ticks - 1), st.sampled_from([0, 1, 30, 60, 400])), max_size=3))
        painted = bytearray(ticks)
        for start, length in blocks:
            painted[start : min(ticks, start + length)] = b"\x01" * (min(ticks, start + length) - start)
        busy.append(painted)
        available.append(painted_hours(around(zone, day, 4), weekly, first, ticks))
        events = [(first + start * MINUTE, first + (start + length) * MINUTE) for start, length in blocks]
        members.append(Member(sub, free_gaps(events), hours))
    query = AvailabilityQuery(
        participants=(ParticipantGroup(tuple(range(len(members))), draw(st.sampled_from([1, len(members)]))),),
        members=tuple(members),
        required_duration=draw(st.sampled_from([1, 15, 30, 60, 90, 240])) * MINUTE,
        query_periods=(Period(first, first + ticks * MINUTE),),
        start_interval=draw(_intervals),
        buffer_before=draw(st.sampled_from([0, 0, 15])) * MINUTE,
        buffer_after=draw(st.sampled_from([0, 0, 10])) * MINUTE,
    )
    return Painted(query, busy, available, first, MINUTE, ticks)


@cases(120)
@given(nights())
def test_slots_around_clock_changes_agree_with_painting(painted: Painted) -> None:
    for overlapping in (False, True):
        expected = painted.slots(overlapping=overlapping)
        for cache in (None, StartCache()):
            assert plain(available_slots(painted.query, overlapping=overlapping, cache=cache)) == expected


def hours_of(tzid: str, day: str, opens: str, closes: str, first: str, last: str) -> AvailabilityQuery:
    """An hour on the half hour with somebody who is available on one weekday between two instants."""
    start, end = utc(first), utc(last)
    hours = expand_rules((AvailabilityRule(tzid, (WeeklyPeriod(day, opens, closes),)),), start, end)
    return AvailabilityQuery(
        participants=(ParticipantGroup((0,), 1),),
        members=(Member("ann", free_gaps([]), hours),),
        required_duration=1800,
        query_periods=(Period(start, end),),
        start_interval=1800,
    )


@pytest.mark.parametrize(
    ("tzid", "day", "opens", "closes", "starts"),
    [
        # 01:00 is 02:00 at once: an hour and a half on the wall is half an hour.
        ("Europe/London", "sunday", "00:30", "02:00", ["2025-03-30T00:30"]),
        ("Europe/London", "sunday", "01:30", "02:30", ["2025-03-30T01:00"]),
        # 02:00 is 03:00 at once, at 07:00Z.
        ("America/New_York", "sunday", "02:00", "03:30", ["2027-03-14T07:00"]),
        # 24:00 of Saturday is 01:00 of Sunday, at 04:00Z.
        ("America/Santiago", "sunday", "00:00", "01:30", ["2027-09-05T04:00"]),
        # 24:00 of Thursday is 01:00 of Friday, at 22:00Z.
        ("Africa/Cairo", "friday", "00:00", "02:00", ["2027-04-29T22:00", "2027-04-29T22:30"]),
        # 02:00 is 02:30 at once, at 15:30Z.
        ("Australia/Lord_Howe", "sunday", "01:30", "03:00", ["2027-10-02T15:00", "2027-10-02T15:30"]),
    ],
)
def test_clocks_that_are_put_forward_leave_out_what_they_skip(
    tzid: str, day: str, opens: str, closes: str, starts: list[str]
) -> None:
    first = date.fromisoformat(starts[0][:10]).toordinal() - EPOCH.toordinal()
    expected = [utc(start) for start in starts]
    query = hours_of(tzid, day, opens, closes, starts[0][:10], f"{date.fromordinal(first + EPOCH.toordinal() + 2)}")
    assert [slot.start for slot in available_slots(query, overlapping=True)] == expected
    assert [period.start for period in available_periods(query)] == expected[:1]
    assert all(offered_slot(query, start) for start in expected)


@pytest.mark.parametrize(
    ("tzid", "day", "opens", "closes", "first", "count"),
    [
        # 02:00 is 01:00 again: an hour on the wall, from when 01:00 first comes until 02:00 comes, is two.
        ("Europe/London", "sunday", "01:00", "02:00", "2025-10-26T00:00", 4),
        ("America/New_York", "sunday", "01:00", "02:00", "2027-11-07T05:00", 4),
        # 24:00 is 23:00 again: midnight comes at the second go.
        ("America/Santiago", "saturday", "23:00", "24:00", "2027-04-04T02:00", 4),
        ("Africa/Cairo", "thursday", "23:00", "24:00", "2027-10-28T20:00", 4),
        # 02:00 is 01:30 again.
        ("Australia/Lord_Howe", "sunday", "01:30", "02:00", "2027-04-03T14:30", 2),
    ],
)
def test_clocks_that_are_put_back_show_a_time_twice_and_both_are_available(
    tzid: str, day: str, opens: str, closes: str, first: str, count: int
) -> None:
    following = date.fromisoformat(first[:10]).toordinal() + 2
    query = hours_of(tzid, day, opens, closes, first[:10], f"{date.fromordinal(following)}")
    starts = [utc(first) + half_hours * 1800 for half_hours in range(count)]
    assert [slot.start for slot in available_slots(query, overlapping=True)] == starts
