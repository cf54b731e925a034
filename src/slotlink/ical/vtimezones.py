"""A VTIMEZONE for a zone that everybody knows by name, for calendars that want to read one (RFC 5545 section 3.6.5).
Pure.

By rules where the zone has any, because Outlook reads nothing else of it ([MS-STANOICAL] 2.2.47)."""

from __future__ import annotations

import calendar
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo

from slotlink.ical.zones import iana_name

YEARS = range(2020, 2060)
"""What is written out where there are no rules; where there are, they hold before and after."""

LEAST_YEARS = 10  # that a rule is seen to hold: fewer are a coincidence

_DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


@dataclass(frozen=True, slots=True)
class _Change:
    """`local`: what the clocks show when they are changed; offsets from UTC `before` and `after`."""

    local: datetime
    before: timedelta
    after: timedelta
    to_daylight: bool

    @property
    def kind(self) -> tuple[timedelta, timedelta, bool]:
        return self.before, self.after, self.to_daylight


@lru_cache(32)
def write_zone(name: str) -> tuple[str, ...]:
    """Its lines; none for a name that nobody knows. `name` may be Windows' own."""
    iana = iana_name(name)
    if iana is None:
        return ()
    zone = ZoneInfo(iana)
    changes = _changes(zone)
    lines: list[str] = []
    for kind in dict.fromkeys(each.kind for each in changes):
        lines += _observance([each for each in changes if each.kind == kind])
    if not changes or changes[0].local.year > YEARS[0] + 1:
        first = datetime(YEARS[0], 1, 1, tzinfo=UTC).astimezone(zone)
        offset = first.utcoffset() or timedelta()
        always = _Change(datetime(1970, 1, 1), offset, offset, bool(first.dst()))  # noqa: DTZ001 - a wall clock
        lines = [*_block(always, []), *lines]
    return ("BEGIN:VTIMEZONE", f"TZID:{name}", *lines, "END:VTIMEZONE")


def _changes(zone: tzinfo) -> list[_Change]:
    first, last = (int(datetime(year, 1, 1, tzinfo=UTC).timestamp()) for year in (YEARS[0], YEARS[-1]))
    found: list[_Change] = []
    for low, high in pairwise(range(first, last, 7 * 86_400)):
        before, after = _offset(zone, low), _offset(zone, high)
        if before == after:
            continue
        start, end = low, high
        while end - start > 1:
            middle = (start + end) // 2
            start, end = (middle, end) if _offset(zone, middle) == before else (start, middle)
        local = datetime.fromtimestamp(end, UTC).replace(tzinfo=None) + before
        found.append(_Change(local, before, after, bool(datetime.fromtimestamp(end, zone).dst())))
    return found


def _offset(zone: tzinfo, instant: int) -> timedelta:
    return datetime.fromtimestamp(instant, zone).utcoffset() or timedelta()


def _observance(changes: Sequence[_Change]) -> list[str]:
    """By a rule from the year on that there is one, by dates before."""
    for since, first in enumerate(changes[:-LEAST_YEARS]):
        rule = _rule(changes[since:])
        if rule is not None:
            earlier = _block(changes[0], changes[1:since]) if since else []
            return [*earlier, *_block(first, [], rule)]
    return _block(changes[0], changes[1:])


def _rule(changes: Sequence[_Change]) -> str | None:
    """What all of them follow, up to the last year that was looked at."""
    first = changes[0].local
    if [each.local.year for each in changes] != list(range(first.year, YEARS[-1])):
        return None
    for occurrence in (-1, (first.day + 6) // 7):
        if all(each.local == _nth(each.local.year, first, occurrence) for each in changes):
            return f"RRULE:FREQ=YEARLY;BYMONTH={first.month};BYDAY={occurrence}{_DAYS[first.weekday()]}"
    return None


def _nth(year: int, like: datetime, occurrence: int) -> datetime | None:
    """That weekday, the first, second, … or last of its month in another year, at the same time."""
    days = [
        day
        for day, weekday in calendar.Calendar().itermonthdays2(year, like.month)
        if day and weekday == like.weekday()
    ]
    at = occurrence if occurrence < 0 else occurrence - 1
    return like.replace(year=year, day=days[at]) if at < len(days) else None


def _block(first: _Change, later: Sequence[_Change], rule: str | None = None) -> list[str]:
    name = "DAYLIGHT" if first.to_daylight else "STANDARD"
    more = [f"RDATE:{each.local:%Y%m%dT%H%M%S}" for each in later] if rule is None else [rule]
    offsets = (f"TZOFFSETFROM:{_sign(first.before)}", f"TZOFFSETTO:{_sign(first.after)}")
    return [f"BEGIN:{name}", f"DTSTART:{first.local:%Y%m%dT%H%M%S}", *more, *offsets, f"END:{name}"]


def _sign(offset: timedelta) -> str:
    minutes, seconds = divmod(abs(round(offset.total_seconds())), 60)
    sign = "-" if offset < timedelta() else "+"
    return f"{sign}{minutes // 60:02}{minutes % 60:02}" + (f"{seconds:02}" if seconds else "")
