"""Moments and lengths: wall clocks with their zone, and how far an event reaches. Wall clocks are naive throughout."""

import re
from dataclasses import dataclass
from datetime import datetime, time, timedelta, tzinfo
from typing import Literal

from slotlink.ical.lines import InvalidCalendar

EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - wall clocks are naive here

_DAY = timedelta(days=1)
_STAMP = re.compile(r"(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d)(Z?))?", re.IGNORECASE)
_DURATION = re.compile(r"([+-]?)P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?", re.IGNORECASE)


def instant_of(local: datetime, zone: tzinfo) -> int:
    """UTC seconds of a wall clock. Doubled: the first. Missing: the offset before the gap (RFC 5545 3.3.5)."""
    return int((local - EPOCH - (zone.utcoffset(local) or timedelta())).total_seconds())


def local_of(instant: int, zone: tzinfo) -> datetime:
    return datetime.fromtimestamp(instant, zone).replace(tzinfo=None, fold=0)


@dataclass(frozen=True, slots=True)
class Moment:
    """A DATE or DATE-TIME: the wall clock as written (a date is its midnight), its zone, and the zone's IANA name."""

    local: datetime
    zone: tzinfo
    tzid: str | None = None
    is_date: bool = False

    @property
    def instant(self) -> int:
        return instant_of(self.local, self.zone)

    def seen_from(self, other: "Moment") -> datetime:
        """This moment on the wall clock of `other`; a date, or a moment for one, stays on its written day."""
        if self.is_date or other.is_date or self.zone is other.zone:
            return datetime.combine(self.local, time()) if other.is_date else self.local
        return local_of(self.instant, other.zone)


def parse_stamp(value: str) -> tuple[datetime, Literal["date", "utc", "wall"]]:
    """Read a DATE or DATE-TIME as it stands: what it shows, and whether that is a day, in UTC, or on a wall clock."""
    match = _STAMP.fullmatch(value.strip())
    if not match:
        raise InvalidCalendar(f"{value[:80]!r} is neither a date nor a time")
    year, month, day, hour, minute, second = (int(part or 0) for part in match.groups()[:6])
    local = datetime(year, month, day, hour, minute, min(second, 59))  # noqa: DTZ001 - 60 is a leap second
    return local, "date" if match[4] is None else "utc" if match[7] else "wall"


@dataclass(frozen=True, slots=True)
class Length:
    """Pairs of nominal days and exact seconds (RFC 5545 3.3.6): where there are two readings, the later end counts."""

    readings: tuple[tuple[timedelta, int], ...]

    @property
    def longest(self) -> timedelta:
        return max(abs(days) + timedelta(seconds=abs(exact)) for days, exact in self.readings)

    def end(self, local: datetime, zone: tzinfo) -> int:
        """UTC seconds of the end of what starts at `local`."""
        return max(instant_of(local + days, zone) + exact for days, exact in self.readings)

    def last_day(self, local: datetime) -> datetime:
        """The midnight at which an all-day event that starts at `local` ends."""
        return local + self.readings[0][0]


def parse_length(start: Moment, end: Moment | None, duration: str) -> Length:
    """Read DTEND, DURATION or neither (RFC 5545 3.6.1)."""
    if end is not None and start.is_date:
        # At least a day: an all-day event that ends where it starts is meant to fill that day.
        return Length(((max((end.local - start.local + timedelta(hours=24, microseconds=-1)) // _DAY, 1) * _DAY, 0),))
    if end is not None:
        # Repeated over a clock change, 3.8.5.3 keeps the exact length, and the calendars we know keep the time on the
        # wall. Both stand here and the later end counts: an hour too much twice a year is no double booking.
        return Length(((timedelta(), end.instant - start.instant), (end.seen_from(start) - start.local, 0)))
    match = _DURATION.fullmatch(duration.strip())
    if duration and not match:
        raise InvalidCalendar(f"the DURATION {duration!r} cannot be read")
    weeks, days, hours, minutes, seconds = (int(part or 0) for part in match.groups()[1:]) if match else (0,) * 5
    days, exact = weeks * 7 + days, hours * 3600 + minutes * 60 + seconds
    if start.is_date:
        return Length(((max(days + -(-exact // 86_400), 1) * _DAY, 0),))
    sign = -1 if match and match[1] == "-" else 1
    return Length(((sign * days * _DAY, sign * exact),))
