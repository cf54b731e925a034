"""The questions that the engine is measured on: S, M, L, XL and relatives, the same every time for the same shape.

A scenario is plain data: event lists sorted by start, rules, numbers. What answers it decides what to make of them.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

from slotlink import engine

MINUTE, HOUR, DAY = 60, 3600, 86_400
FIRST_DAY = date(2027, 3, 1)  # a Monday; the clocks of New York change after two weeks, those of London after four
BEGINS = int(datetime(FIRST_DAY.year, FIRST_DAY.month, FIRST_DAY.day, tzinfo=UTC).timestamp())
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday")
ZONES = (
    "Europe/London",
    "America/New_York",
    "Europe/Berlin",
    "Europe/Helsinki",
    "America/Sao_Paulo",
    "America/Chicago",
)
FORMATS = ("slots", "overlapping_slots", "periods")
Pairs = list[tuple[int, int]]
Rules = tuple[engine.AvailabilityRule, ...]
Events = Callable[[random.Random, ZoneInfo, "Shape"], Iterable[tuple[int, int]]]


@dataclass(frozen=True)
class Shape:
    """How large a scenario is. `groups`: (members, required) of each; `max_results` None is all there are."""

    name: str
    groups: tuple[tuple[int, int], ...]
    days: int
    events_each: int
    max_results: int | None = 512

    @property
    def members(self) -> int:
        return sum(members for members, _ in self.groups)


S = Shape("S", ((1, 1),), 14, 60)
M = Shape("M", ((2, 2), (8, 2)), 35, 100)
L = Shape("L", ((100, 5),), 90, 300)
XL = Shape("XL", ((1000, 300),), 180, 500)
TEN_PEOPLE = Shape("ten people", ((10, 10),), 35, 400, max_results=None)


@dataclass(frozen=True, eq=False)
class Scenario:
    """A question: `events` and `rules` member by member, `groups` as (member indexes, required). Seconds throughout.

    Everybody is in some group, and members appear in the order of their indexes: the order in which answers list them.
    """

    shape: Shape
    events: list[Pairs]
    rules: list[Rules]
    groups: list[tuple[tuple[int, ...], int]]
    duration: int
    interval: int
    before: int
    after: int

    @property
    def begins(self) -> int:
        return BEGINS

    @property
    def ends(self) -> int:
        return BEGINS + self.shape.days * DAY

    @cached_property
    def allowed(self) -> list[engine.Gaps]:
        """When the rules allow each member to be booked; one object for all members with equal rules."""
        return [engine.expand_rules(rules, self.begins, self.ends) for rules in self.rules]

    @cached_property
    def windows(self) -> list[Pairs]:
        """The same as pairs."""
        return [list(zip(allowed.starts, allowed.ends, strict=True)) for allowed in self.allowed]


def scenario(shape: Shape) -> Scenario:
    """An hour with a quarter of an hour before and after it, every quarter of an hour, in six zones' working hours."""
    hours = (("09:00", "12:30"), ("13:30", "17:30"))
    quarter = 15 * MINUTE
    return _scenario(shape, ZONES, hours, _office_events, before=quarter, after=quarter)


def ten_people(shape: Shape = TEN_PEOPLE) -> Scenario:
    """All of them, no buffers, the input on which others were measured (`guides/field.md` 3b, case D)."""
    return _scenario(shape, ZONES[:2], (("09:00", "17:00"),), _quarter_hour_events, before=0, after=0)


def interviews(shape: Shape, early: int | None = None) -> Scenario:
    """One interviewer after another, in one zone and from 9 to 18 without buffers, so that a day may hold all of them.
    The one with index `early` comes, and goes, before anybody else is there."""
    asked = _scenario(shape, ZONES[:1], (("09:00", "18:00"),), _office_events, before=0, after=0)
    if early is not None:
        asked.rules[early] = weekday_rules(ZONES[0], (("04:00", "08:00"),))
    return asked


def weekday_rules(tzid: str, hours: Iterable[tuple[str, str]]) -> Rules:
    """The same hours from Monday to Friday; a new object every time, as when read from a database."""
    periods = tuple(engine.WeeklyPeriod(day, start, end) for day in WEEKDAYS for start, end in hours)
    return (engine.AvailabilityRule(tzid, periods),)


def _scenario(
    shape: Shape, zones: tuple[str, ...], hours: tuple[tuple[str, str], ...], events: Events, *, before: int, after: int
) -> Scenario:
    chance = random.Random(f"{shape}")
    tzids = [zones[number % len(zones)] for number in range(shape.members)]
    groups: list[tuple[tuple[int, ...], int]] = []
    first = 0
    for members, required in shape.groups:
        groups.append((tuple(range(first, first + members)), required))
        first += members
    return Scenario(
        shape,
        [sorted(events(chance, ZoneInfo(tzid), shape)) for tzid in tzids],
        [weekday_rules(tzid, hours) for tzid in tzids],
        groups,
        duration=HOUR,
        interval=15 * MINUTE,
        before=before,
        after=after,
    )


def _office_events(chance: random.Random, zone: ZoneInfo, shape: Shape) -> Iterable[tuple[int, int]]:
    """Of 0 to 90 minutes between 8 and 20 on any day, some with odd seconds, and some whole days."""
    for _ in range(shape.events_each):
        kind = chance.random()
        day = FIRST_DAY + timedelta(days=chance.randrange(shape.days))
        midnight = _midnight(day, zone)
        if kind < 0.03:
            yield midnight, _midnight(day + timedelta(days=1), zone)
            continue
        start = midnight + 8 * HOUR + chance.randrange(12 * 12) * 5 * MINUTE
        length = chance.randrange(18) * 5 * MINUTE
        if kind < 0.13:
            start += chance.randrange(5 * MINUTE)
            length += chance.randrange(5 * MINUTE)
        yield start, start + length


def _quarter_hour_events(chance: random.Random, zone: ZoneInfo, shape: Shape) -> Iterable[tuple[int, int]]:
    """Of a quarter of an hour to two hours, from 07:00 to 18:45 UTC on any day."""
    quarter = 15 * MINUTE
    for _ in range(shape.events_each):
        start = BEGINS + chance.randrange(shape.days) * DAY + 7 * HOUR + chance.randrange(48) * quarter
        yield start, start + chance.randrange(1, 9) * quarter


def _midnight(day: date, zone: ZoneInfo) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp())
