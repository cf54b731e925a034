"""Every zone there is, walked through on the days on which it changes its clocks.

`make test` looks at one year. `SLOTLINK_CAMPAIGN=1` looks at 1900 to 2040 and a few beyond, for some minutes.
"""

import os
import struct
from collections.abc import Iterator
from datetime import UTC, date, datetime
from importlib.resources import files
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest

from slotlink.engine.civil import WallClock, first_instant

from .walked import CLOCK_CHANGES, DAY, EPOCH, HOUR, MINUTE, Walk, around, shown, utc

CAMPAIGN = os.environ.get("SLOTLINK_CAMPAIGN") == "1"
YEARS = [*range(1900, 2041), 2054, 2072, 2087, 2100, 2500, 2998] if CAMPAIGN else [2027]


def day_and_seconds(wall: int) -> tuple[date, int]:
    return date.fromordinal(EPOCH.toordinal() + wall // DAY), wall % DAY


def walks(zone: ZoneInfo, year: int) -> Iterator[Walk]:
    """Walk around every clock change of the year, as seen by reading the offset every eight hours."""
    readings = range(utc(f"{year}-01-01T00:00") - DAY, utc(f"{year + 1}-01-01T00:00") + DAY, 8 * HOUR)
    offsets = [datetime.fromtimestamp(instant, UTC).astimezone(zone).utcoffset() for instant in readings]
    for (start, before), (end, after) in pairwise(zip(readings, offsets, strict=True)):
        if before != after:
            ahead = shown(zone, start) - start, shown(zone, end) - end
            margin = abs(ahead[1] - ahead[0]) + HOUR
            yield Walk(zone, start - margin, end + margin, step=1 if ahead[0] % MINUTE or ahead[1] % MINUTE else MINUTE)


@pytest.mark.timeout(3600 if CAMPAIGN else 180)
def test_each_time_of_each_zone_is_the_first_instant_that_reaches_it() -> None:
    seen = 0
    for tzid in sorted(available_timezones()):
        zone = ZoneInfo(tzid)
        for walk in (walk for year in YEARS for walk in walks(zone, year)):
            first, last = walk.hand[0], walk.hand[-1]
            clock = WallClock(zone, first, last)
            for wall in range(-(-first // MINUTE) * MINUTE, last, 5 * MINUTE):
                assert clock.first_instant(wall) == walk.first_instant(wall), (tzid, wall)
            for wall in (walk.hand[len(walk.hand) // 2] // MINUTE * MINUTE, last):
                assert first_instant(*day_and_seconds(wall), zone) == walk.first_instant(wall), (tzid, wall)
            seen += 1
    assert seen > 200 * len(YEARS)


@pytest.mark.parametrize(("tzid", "day"), CLOCK_CHANGES)
def test_every_minute_of_the_days_around_a_clock_change(tzid: str, day: date) -> None:
    walk = around(tzid, day)
    zone = ZoneInfo(tzid)
    middle = (day.toordinal() - EPOCH.toordinal()) * DAY
    clock = WallClock(zone, middle - 3 * DAY, middle + 3 * DAY)
    for wall in range(middle - 3 * DAY, middle + 3 * DAY, MINUTE):
        assert clock.first_instant(wall) == walk.first_instant(wall)
    for wall in range(middle - DAY, middle + DAY, 7 * MINUTE):
        assert first_instant(*day_and_seconds(wall), zone) == walk.first_instant(wall)


@pytest.mark.parametrize(
    ("tzid", "change"),
    [
        ("Africa/Monrovia", "1972-01-07T00:44:30"),  # from -00:44:30 to +00:00
        ("Europe/Amsterdam", "1940-05-15T23:40:00"),  # the last of its odd seconds, where the data still has them
        ("Europe/London", "2025-03-30T01:00:00"),
        ("Australia/Lord_Howe", "2027-04-03T15:00:00"),
        ("Africa/Cairo", "2027-10-28T21:00:00"),
    ],
)
def test_every_second_around_a_clock_change(tzid: str, change: str) -> None:
    zone = ZoneInfo(tzid)
    walk = Walk(zone, utc(change) - 3 * HOUR, utc(change) + 3 * HOUR, step=1)
    clock = WallClock(zone, walk.hand[0], walk.hand[-1])
    for wall in range(walk.hand[0] + 1, walk.hand[-1] + 1):
        assert clock.first_instant(wall) == walk.first_instant(wall)


def changes_in_file(tzid: str) -> list[int]:
    """Return the instants of a zone's file (RFC 9636, version 2 or later) at which its offset changes."""
    data = files("tzdata").joinpath("zoneinfo", *tzid.split("/")).read_bytes()
    counts = struct.Struct(">4s16x6l")
    _, utc_marks, standard_marks, leaps, times, types, letters = counts.unpack_from(data)
    at = counts.size + 5 * times + 6 * types + letters + 8 * leaps + standard_marks + utc_marks
    _, _, _, _, times, types, _ = counts.unpack_from(data, at)
    instants = struct.unpack_from(f">{times}q", data, at + counts.size)
    kinds = struct.unpack_from(f">{times}B", data, at + counts.size + 8 * times)
    offsets = [struct.unpack_from(">l", data, at + counts.size + 9 * times + 6 * kind)[0] for kind in range(types)]
    shifts = zip(instants, pairwise([offsets[0], *(offsets[kind] for kind in kinds)]), strict=True)
    return [instant for instant, (before, after) in shifts if before != after]


def test_no_zone_changes_its_clock_twice_within_six_days() -> None:
    closest = min(
        later - earlier
        for tzid in available_timezones()
        for earlier, later in pairwise(changes_in_file(tzid))
        if later > utc("1900-01-01T00:00")
    )
    assert closest == 167 * HOUR


def test_every_change_that_a_zone_s_file_tells_is_found() -> None:
    # Recife changed its clock and, a week later, changed it back.
    for tzid in available_timezones() if CAMPAIGN else {"America/Recife", *(tzid for tzid, _ in CLOCK_CHANGES)}:
        # The changes of the years that follow are a rule at the end of the file.
        told = [instant for instant in changes_in_file(tzid) if instant > utc("1900-01-01T00:00")]
        if told:
            clock = WallClock(ZoneInfo(tzid), told[0] - DAY, told[-1] + DAY)
            assert [instant for instant in clock.since[1:] if told[0] <= instant <= told[-1]] == told
