"""Random links with their people's calendars, drawn around a clock change of a zone, and what they offer, found by
trying every start."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from zoneinfo import ZoneInfo

from babel import Locale
from hypothesis import strategies as st

from slotlink.web.zones import zone_names_of
from tests.center import DAY, HOUR

MINUTE = 60
ALL_ZONES = [tzid for tzid, _, _ in zone_names_of(Locale("en"))]
ODD_ZONES = [
    "Australia/Lord_Howe",  # its clocks change by half an hour
    "Asia/Kathmandu",  # UTC+5:45
    "America/New_York",
    "Europe/London",
    "Pacific/Apia",  # left out 30 December 2011
    "Pacific/Kiritimati",  # UTC+14
    "America/Santiago",  # its clocks change at midnight
    "Africa/Cairo",
]

Days = dict[datetime.date, list[int]]


@dataclass(frozen=True)
class Case:
    """A link and its people's calendars. Instants and lengths in seconds.

    busy      of each person
    all_day   of each person, (first date, date after the last), in the zone
    """

    tzid: str
    now: int
    duration: int
    interval: int | None
    before: int
    after: int
    periods: list[tuple[int, int]]
    busy: list[list[tuple[int, int]]]
    all_day: list[list[tuple[datetime.date, datetime.date]]]
    required: int | None
    mode: str

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.tzid)

    def starts(self, *, ever: bool = False) -> list[int]:
        """The answer by trying every start of the grid. `ever`: if nobody had events, and at any time."""
        step = self.interval or min(self.duration, 15 * MINUTE)
        blocked = [self.blocked(who) for who in range(len(self.busy))]
        needed = self.required or len(blocked)
        found: list[int] = []
        for first, end in joined(self.periods):
            anchor = 0 if DAY % step == 0 else first
            for start in range(first + (anchor - first) % step, end - self.duration + 1, step):
                reach = start - self.before, start + self.duration + self.after
                free = sum(not any(reach[0] < until and since < reach[1] for since, until in own) for own in blocked)
                if ever or (start >= self.now and free >= needed):
                    found.append(start)
        return found

    def blocked(self, who: int) -> list[tuple[int, int]]:
        days = [(midnight(first, self.zone), midnight(last, self.zone)) for first, last in self.all_day[who]]
        return self.busy[who] + days


def joined(raw: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    periods: list[tuple[int, int]] = []
    for start, end in sorted(raw):
        if periods and start <= periods[-1][1]:
            start, end = periods[-1][0], max(end, periods.pop()[1])
        periods.append((start, end))
    return periods


def midnight(date: datetime.date, zone: ZoneInfo) -> int:
    return int(datetime.datetime.combine(date, datetime.time(), zone).timestamp())


@cache
def clock_changes(tzid: str) -> list[int]:
    """Around when the zone's clocks change, to the hour, in years with something to see."""
    zone, found = ZoneInfo(tzid), list[int]()
    for year in (2011, 2027):
        begin = int(datetime.datetime(year, 1, 1, tzinfo=datetime.UTC).timestamp())
        for day in range(begin, begin + 366 * DAY, DAY):
            if offset(day, zone) != offset(day + DAY, zone):
                hours = range(day, day + DAY, HOUR)
                found.append(next(hour for hour in hours if offset(hour, zone) != offset(hour + HOUR, zone)) + HOUR)
    return found


def offset(moment: int, zone: ZoneInfo) -> datetime.timedelta | None:
    return datetime.datetime.fromtimestamp(moment, zone).utcoffset()


zones = st.one_of(st.sampled_from(ODD_ZONES), st.sampled_from(ALL_ZONES))
lengths = st.sampled_from([10, 15, 30, 45, 60, 90, 150]).map(lambda minutes: minutes * MINUTE)
intervals = st.sampled_from([None, None, 15, 20, 30, 50, 60, 120]).map(lambda minutes: minutes and minutes * MINUTE)
buffers = st.sampled_from([0, 0, 5, 30, 75]).map(lambda minutes: minutes * MINUTE)
# The far ones leave a month between that has no times.
days_away = st.one_of(st.integers(-40, 44), st.integers(59, 75), st.integers(-75, -59))
quarters = st.integers(0, 4 * 24 - 1).map(lambda quarter: quarter * 15 * MINUTE)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    tzid = draw(zones)
    zone = ZoneInfo(tzid)
    changes = clock_changes(tzid) or [int(datetime.datetime(2027, 3, 31, 21, tzinfo=datetime.UTC).timestamp())]
    change = draw(st.sampled_from(changes))
    # The night of the change is always asked for.
    begin = change - draw(st.integers(1, 8)) * HOUR
    periods = [(begin, change + draw(st.sampled_from([3, 12, 23, 30])) * HOUR)]
    for day in draw(st.lists(days_away, min_size=1, max_size=3)):
        start = change // DAY * DAY + day * DAY + draw(quarters)
        periods.append((start, start + draw(st.sampled_from([1, 3, 5, 10])) * HOUR))
    if draw(st.integers(0, 2)) == 0:
        # Days in a row, so that a phone has more than its five.
        at = periods[-1][0] + draw(st.sampled_from([-6, 1])) * DAY
        periods += [(at + day * DAY, at + day * DAY + 2 * HOUR) for day in range(6)]
    first = min(start for start, _ in periods)
    now = first + draw(st.sampled_from([-9 * DAY, -HOUR, 0, HOUR + 1]))
    people = draw(st.integers(1, 3))
    busy = [draw(st.lists(events_in(periods), max_size=4)) for _ in range(people)]
    all_day = [
        draw(st.lists(whole_days(periods, zone), max_size=1)) if draw(st.integers(0, 3)) == 0 else []
        for _ in range(people)
    ]
    return Case(
        tzid=tzid,
        now=now,
        duration=draw(lengths),
        interval=draw(intervals),
        before=draw(buffers),
        after=draw(buffers),
        periods=periods,
        busy=busy,
        all_day=all_day,
        required=draw(st.sampled_from([None, None, 1])),
        mode=draw(st.sampled_from(["confirm", "no_confirm"])),
    )


@st.composite
def events_in(draw: st.DrawFn, periods: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """An event that begins near a period: over midnight, out of the period, or between two starts."""
    first, end = draw(st.sampled_from(periods))
    start = draw(st.integers(first // 300 - 20, end // 300)) * 300
    return start, start + draw(st.sampled_from([5, 30, 60, 200, 900])) * MINUTE


@st.composite
def whole_days(
    draw: st.DrawFn, periods: Sequence[tuple[int, int]], zone: ZoneInfo
) -> tuple[datetime.date, datetime.date]:
    """The date on which a period begins, or two; the last date is not in it."""
    first = datetime.datetime.fromtimestamp(draw(st.sampled_from(periods))[0], zone).date()
    return first, first + datetime.timedelta(days=draw(st.sampled_from([1, 1, 2])))


def instant(wire: str) -> int:
    return int(datetime.datetime.fromisoformat(wire).timestamp())


def by_date(starts: Sequence[int], zone: ZoneInfo) -> Days:
    days: Days = {}
    for start in starts:
        days.setdefault(datetime.datetime.fromtimestamp(start, zone).date(), []).append(start)
    return days
