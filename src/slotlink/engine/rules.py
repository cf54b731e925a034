"""Availability rules: weekly periods on the wall clock of a zone, and the periods they make in UTC."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WeeklyPeriod:
    """One period of every week: `day` is `monday` … `sunday`, the times are `HH:MM`; `end_time` may be `24:00`.

    An end that is not after the start lies on the next day.
    """

    day: str
    start_time: str
    end_time: str


@dataclass(frozen=True, slots=True)
class AvailabilityRule:
    """Weekly periods in the zone `tzid`; they may overlap, touch and come in any order."""

    tzid: str
    weekly_periods: tuple[WeeklyPeriod, ...]
