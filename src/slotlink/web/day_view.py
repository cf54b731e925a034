"""Slots as a visitor's days: pure arithmetic, no words."""

from __future__ import annotations

import datetime
from calendar import Calendar
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal
from zoneinfo import ZoneInfo

NEAR_DAYS = 5

PartOfDay = Literal["morning", "afternoon", "evening"]


@dataclass(frozen=True)
class Day:
    """A date of the visitor's calendar and the slots that start on it (UTC seconds, ascending, at least one)."""

    date: datetime.date
    slots: tuple[int, ...]


@dataclass(frozen=True)
class ClockChange:
    """The clocks of a zone jump at `moment` (UTC seconds). The two minutes count from midnight on the clock."""

    moment: int
    minute_before: int
    minute_after: int
    forward: bool


def local(moment: int, zone: ZoneInfo) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(moment, zone)


def days_of(slots: Sequence[int], zone: ZoneInfo) -> list[Day]:
    """Group by date in the zone, ascending. A date that a clock change splits in two stays one day."""
    dates: dict[datetime.date, list[int]] = {}
    fromtimestamp = datetime.datetime.fromtimestamp
    for slot in slots:
        dates.setdefault(fromtimestamp(slot, zone).date(), []).append(slot)
    return [Day(date, tuple(dates[date])) for date in sorted(dates)]


def chosen_day(days: Sequence[Day], date: datetime.date | None, month: tuple[int, int] | None) -> Day:
    """The day asked for; else the nearest with times. Only a month asked for: its first day with times."""
    if date is None and month is not None:
        date = datetime.date(*month, 1)
        of_month = [day for day in days if (day.date.year, day.date.month) == month]
        if of_month:
            return of_month[0]
    if date is None:
        return days[0]
    return min(days, key=lambda day: abs((day.date - date).days))


def near_days(days: Sequence[Day], chosen: Day) -> Sequence[Day]:
    """The five days that a phone shows: the first ones, or those around a later choice."""
    page = days.index(chosen) // NEAR_DAYS
    return days[page * NEAR_DAYS : (page + 1) * NEAR_DAYS]


def shown_month(days: Sequence[Day], chosen: Day, month: tuple[int, int] | None) -> tuple[int, int]:
    """The month asked for, held inside the months that have times."""
    first, last = (days[0].date.year, days[0].date.month), (days[-1].date.year, days[-1].date.month)
    return min(max(month or (chosen.date.year, chosen.date.month), first), last)


def month_after(month: tuple[int, int], steps: int) -> tuple[int, int]:
    years, zero_based = divmod(month[0] * 12 + month[1] - 1 + steps, 12)
    return years, zero_based + 1


def weeks_of(month: tuple[int, int], first_weekday: int) -> list[list[datetime.date | None]]:
    """The weeks of a month; None where a week reaches outside it."""
    weeks = Calendar(first_weekday).monthdatescalendar(*month)
    return [[date if date.month == month[1] else None for date in week] for week in weeks]


def parts_of_day(slots: Sequence[int], zone: ZoneInfo) -> list[tuple[PartOfDay, list[int]]]:
    """Morning before 12, evening from 18. Parts without slots are left out."""

    def part(slot: int) -> PartOfDay:
        hour = local(slot, zone).hour
        return "morning" if hour < 12 else "afternoon" if hour < 18 else "evening"

    return [(name, list(group)) for name, group in groupby(slots, key=part)]


def clock_change(date: datetime.date, zone: ZoneInfo) -> ClockChange | None:
    """The change of the zone's offset on this date, if its first and last second differ in it."""
    start = int(datetime.datetime.combine(date, datetime.time(), zone).timestamp())
    end = int(datetime.datetime.combine(date + datetime.timedelta(days=1), datetime.time(), zone).timestamp()) - 1
    before, after = local(start, zone).utcoffset(), local(end, zone).utcoffset()
    if before is None or after is None or before == after:
        return None
    unchanged, changed = start, end
    while changed - unchanged > 1:
        middle = (unchanged + changed) // 2
        if local(middle, zone).utcoffset() == before:
            unchanged = middle
        else:
            changed = middle
    return ClockChange(
        moment=changed,
        minute_before=int((changed + before.total_seconds()) % 86400) // 60,
        minute_after=int((changed + after.total_seconds()) % 86400) // 60,
        forward=after > before,
    )
