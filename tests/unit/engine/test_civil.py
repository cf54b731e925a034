"""What the clocks of the world have done to people: one example for each."""

from datetime import date
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from slotlink.engine.civil import WallClock, day_start, find_zone, first_instant, wall_second

from .walked import DAY, HOUR, MINUTE, utc


def at(tzid: str, day: str, time: str) -> int:
    hours, minutes = time.split(":")
    return first_instant(date.fromisoformat(day), int(hours) * HOUR + int(minutes) * MINUTE, ZoneInfo(tzid))


@pytest.mark.parametrize(
    ("time", "instant"),
    [
        ("00:59", "2025-03-30T00:59"),
        ("01:00", "2025-03-30T01:00"),
        ("01:30", "2025-03-30T01:00"),
        ("01:59", "2025-03-30T01:00"),
        ("02:00", "2025-03-30T01:00"),
        ("02:01", "2025-03-30T01:01"),
    ],
)
def test_a_time_left_out_in_london_is_the_instant_of_the_change(time: str, instant: str) -> None:
    assert at("Europe/London", "2025-03-30", time) == utc(instant)


@pytest.mark.parametrize(
    ("time", "instant"),
    [
        ("00:59", "2025-10-25T23:59"),
        ("01:00", "2025-10-26T00:00"),
        ("01:30", "2025-10-26T00:30"),
        ("01:59", "2025-10-26T00:59"),
        ("02:00", "2025-10-26T02:00"),
    ],
)
def test_a_time_that_comes_twice_in_london_is_its_first_coming(time: str, instant: str) -> None:
    assert at("Europe/London", "2025-10-26", time) == utc(instant)


@pytest.mark.parametrize(
    ("tzid", "day", "time", "instant"),
    [
        ("America/New_York", "2027-03-14", "02:30", "2027-03-14T07:00"),
        ("America/New_York", "2027-11-07", "01:30", "2027-11-07T05:30"),
        ("America/New_York", "2027-11-07", "02:00", "2027-11-07T07:00"),
        ("Australia/Lord_Howe", "2027-04-04", "01:29", "2027-04-03T14:29"),
        ("Australia/Lord_Howe", "2027-04-04", "01:45", "2027-04-03T14:45"),
        ("Australia/Lord_Howe", "2027-04-04", "02:00", "2027-04-03T15:30"),
        ("Australia/Lord_Howe", "2027-10-03", "02:10", "2027-10-02T15:30"),
        ("Australia/Lord_Howe", "2027-10-03", "02:30", "2027-10-02T15:30"),
        ("Asia/Kathmandu", "2027-06-01", "09:00", "2027-06-01T03:15"),
        ("Asia/Kathmandu", "1986-01-01", "00:10", "1985-12-31T18:30"),
    ],
)
def test_clock_changes_elsewhere(tzid: str, day: str, time: str, instant: str) -> None:
    assert at(tzid, day, time) == utc(instant)


@pytest.mark.parametrize(
    ("tzid", "day", "start", "hours"),
    [
        ("Africa/Cairo", "2027-04-29", "2027-04-28T22:00", 24),
        ("Africa/Cairo", "2027-04-30", "2027-04-29T22:00", 23),
        ("Africa/Cairo", "2027-10-28", "2027-10-27T21:00", 25),
        ("America/Santiago", "2027-04-03", "2027-04-03T03:00", 25),
        ("America/Santiago", "2027-09-05", "2027-09-05T04:00", 23),
        ("Asia/Beirut", "2027-03-28", "2027-03-27T22:00", 23),
        ("Australia/Lord_Howe", "2027-04-04", "2027-04-03T13:00", 24.5),
        ("Australia/Lord_Howe", "2027-10-03", "2027-10-02T13:30", 23.5),
        ("Pacific/Apia", "2011-12-29", "2011-12-29T10:00", 24),
        ("Pacific/Apia", "2011-12-30", "2011-12-30T10:00", 0),
        ("Pacific/Apia", "2011-12-31", "2011-12-30T10:00", 24),
        ("Pacific/Kwajalein", "1993-08-21", "1993-08-21T12:00", 0),
        ("Pacific/Kwajalein", "1969-09-30", "1969-09-29T13:00", 47),
        ("Europe/London", "2999-07-01", "2999-06-30T23:00", 24),
    ],
)
def test_a_day_is_as_long_as_its_clocks_make_it(tzid: str, day: str, start: str, hours: float) -> None:
    assert at(tzid, day, "00:00") == utc(start)
    assert day_start(date.fromisoformat(day), ZoneInfo(tzid)) == utc(start)
    assert at(tzid, day, "24:00") == utc(start) + hours * HOUR


def test_every_time_of_a_day_left_out_is_the_instant_at_which_the_day_was_dropped() -> None:
    assert {at("Pacific/Apia", "2011-12-30", f"{hour:02}:00") for hour in range(25)} == {utc("2011-12-30T10:00")}


def test_the_days_of_a_thousand_years_follow_each_other_without_a_gap() -> None:
    zone = ZoneInfo("Europe/London")
    for year in (1900, 1916, 1941, 1968, 1971, 2027, 2500, 2999):
        first = date(year, 1, 1).toordinal()
        days = [date.fromordinal(first + n) for n in range(366)]
        for day, next_day in pairwise(days):
            assert first_instant(day, DAY, zone) == day_start(next_day, zone)
            assert 23 * HOUR <= day_start(next_day, zone) - day_start(day, zone) <= 25 * HOUR


def test_an_offset_is_steady_only_where_no_clock_change_is_near() -> None:
    change = wall_second(date(2025, 3, 30), HOUR)
    clock = WallClock(ZoneInfo("Europe/London"), change - DAY, change + DAY)
    assert clock.steady_offset(change - DAY, change) == 0
    assert clock.steady_offset(change - DAY, change + 1) is None
    assert clock.steady_offset(change, change + DAY) is None
    assert clock.steady_offset(change + HOUR - 1, change + DAY) is None
    assert clock.steady_offset(change + HOUR, change + DAY) == HOUR


@pytest.mark.parametrize("tzid", ["Mars/Olympus", "Europe", "", "../etc/passwd", "/etc/localtime", "Europe/Lon\0don"])
def test_a_zone_that_does_not_exist_is_named_in_the_error(tzid: str) -> None:
    with pytest.raises(ValueError, match="is no time zone") as caught:
        find_zone(tzid)
    assert repr(tzid) in str(caught.value)
