"""Availability rules: weekly periods on the wall clock of a zone, and the periods they make in UTC."""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from slotlink.engine.civil import DAY, MONDAY, WEEK, WallClock, find_zone
from slotlink.engine.periods import NEVER, Gaps, Instant, Ranges, gaps_of

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

_TIME = re.compile("([01][0-9]|2[0-3]):[0-5][0-9]|24:00")


class WeeklyPeriod(NamedTuple):
    """One period of every week: `day` is `monday` … `sunday`, the times are `HH:MM`; `end_time` may be `24:00`.

    An end that is not after the start lies on the next day.
    """

    day: str
    start_time: str
    end_time: str


class AvailabilityRule(NamedTuple):
    """Weekly periods in the zone `tzid`; they may overlap, touch and come in any order."""

    tzid: str
    weekly_periods: tuple[WeeklyPeriod, ...]


def expand_rules(rules: Iterable[AvailabilityRule], start: Instant, end: Instant, zone_data: str = "") -> Gaps:
    """Return the union of all weekly periods of all rules that reach into [`start`, `end`), whole: not clipped to it.

    Both ends of a weekly period lie where the wall clock first reaches them (see `civil`), so that clock changes leave
    adjacent periods adjacent. Equal rules, in the same order and for the same span, share one Gaps, made once:
    `zone_data`, the version of the zone data, is there to have new ones made when that changes. Raises ValueError for
    a day, a time or a zone that does not exist.
    """
    return _expanded(tuple(rules), start, end, zone_data)


@lru_cache(maxsize=1024)
def _expanded(rules: tuple[AvailabilityRule, ...], start: Instant, end: Instant, zone_data: str) -> Gaps:
    weeks: dict[str, set[tuple[int, int]]] = {}
    for rule in rules:
        weeks.setdefault(rule.tzid, set()).update(map(_seconds_of_week, rule.weekly_periods))
    pairs = [pair for tzid, week in weeks.items() for pair in _instants(tzid, sorted(week), start, end)]
    return gaps_of(pairs) if pairs and start < end else NEVER


def _instants(tzid: str, week: Ranges, start: Instant, end: Instant) -> Ranges:
    """Return the periods of a zone's week that reach into [`start`, `end`), in every week of it; sorted by start."""
    zone = find_zone(tzid)
    # A period begins up to a day before its end, and a wall second is less than a day from its instant, read as UTC.
    first, last = start - 2 * DAY, end + DAY
    first_monday = first - (first - MONDAY) % WEEK
    clock = WallClock(zone, first_monday, last + WEEK + DAY)
    pairs: Ranges = []
    for monday in range(first_monday, last, WEEK):
        offset = clock.steady_offset(monday, monday + WEEK + DAY)
        if offset is None:
            reached = clock.first_instant
            pairs += [(reached(monday + opens), reached(monday + closes)) for opens, closes in week]
        else:
            shift = monday - offset
            pairs += [(shift + opens, shift + closes) for opens, closes in week]
    return [(opens, closes) for opens, closes in pairs if opens < closes and opens < end and closes > start]


def _seconds_of_week(weekly: WeeklyPeriod) -> tuple[int, int]:
    """Return start and end in wall seconds after the midnight that begins Monday."""
    if weekly.day not in WEEKDAYS:
        raise ValueError(f"{weekly.day!r} is no day: give one of {', '.join(WEEKDAYS)}")
    midnight = WEEKDAYS.index(weekly.day) * DAY
    opens, closes = _seconds_of_day(weekly.start_time), _seconds_of_day(weekly.end_time)
    if opens == DAY:
        raise ValueError("a weekly period cannot start at 24:00: give 00:00 of the next day")
    return midnight + opens, midnight + (closes if closes > opens else closes + DAY)


def _seconds_of_day(time: str) -> int:
    if not _TIME.fullmatch(time):
        raise ValueError(f"{time!r} is no time: give HH:MM from 00:00 to 23:59, or 24:00 as an end")
    return int(time[:2]) * 3600 + int(time[3:]) * 60
