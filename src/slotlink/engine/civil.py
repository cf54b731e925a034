"""Civil time: the instants at which the wall clock of a zone shows a time.

A wall second counts from 1970-01-01T00:00 on the wall, as if the clock there had never been changed. It belongs to the
*first* instant whose wall clock reaches it. So a time that a clock change skips is the instant of the change, a time
that comes twice is its first coming, a later wall second is never an earlier instant, and a day that a zone left out
begins and ends at one instant. Python's `fold` knows none of this: 01:30 in London on 30 March 2025 was 01:00Z, where
`fold=0` says 01:30Z and `fold=1` 00:30Z.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from slotlink.engine.periods import Instant

DAY = 86_400
WEEK = 7 * DAY

MONDAY = 4 * DAY
"""The wall second at which one Monday begins, 5 January 1970; all others are whole weeks away."""

_EPOCH = date(1970, 1, 1).toordinal()
_NONE, _SECOND = timedelta(0), timedelta(seconds=1)

# Offsets are read once in so many seconds. From 1900 on no zone changes its clock twice within six days (the closest
# are 167 hours apart: Recife in October 2000, Gaza in October 2040), so that no change hides between two readings.
_STEP = 2 * DAY
_STRETCH = 128 * _STEP


def first_instant(day: date, seconds: int, zone: ZoneInfo) -> Instant:
    """Return the first instant whose wall clock reaches `seconds` after the midnight that begins `day`.

    `seconds` are read off the wall: 9 * 3600 is 09:00, also on a day of 23 hours, and 86_400 is 00:00 of the next day.
    """
    wall = wall_second(day, seconds)
    return WallClock(zone, wall, wall).first_instant(wall)


def day_start(day: date, zone: ZoneInfo) -> Instant:
    """Return the first instant of `day`: where clocks change at midnight, that is not 00:00 on the wall."""
    return first_instant(day, 0, zone)


def wall_second(day: date, seconds: int = 0) -> int:
    """Return the wall second `seconds` after the midnight that begins `day`."""
    return (day.toordinal() - _EPOCH) * DAY + seconds


def find_zone(tzid: str) -> ZoneInfo:
    """Return the zone of an IANA name. Raises ValueError if there is none."""
    try:
        return ZoneInfo(tzid)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:  # A folder such as "Europe" is an OSError.
        raise ValueError(
            f"{tzid!r} is no time zone: give a name of the IANA database, such as Europe/London"
        ) from error


class WallClock:
    """One zone's wall seconds from `first` to `last`, and the instants that they belong to.

    The zone's offset is constant from `since[i]` on; wall seconds from `reached[i]` on were not reached before then.
    The years 2 to 9998; beyond, making one raises ValueError or OverflowError.
    """

    __slots__ = ("offsets", "reached", "since")

    def __init__(self, zone: ZoneInfo, first: int, last: int) -> None:
        # No offset is a day or more: what happens to a wall second happens within a day of it, read as UTC.
        start = (first - DAY) // _STRETCH
        stretches = range(start, (last + DAY) // _STRETCH + 1)
        self.since: list[Instant] = [start * _STRETCH]
        self.offsets = [_offset(zone, self.since[0])]
        self.reached = [first - _STRETCH]
        for instant, offset in (change for stretch in stretches for change in _changes(zone, stretch)):
            # Where a clock is put back, what it showed just before is reached already and not reached again.
            self.reached.append(max(self.reached[-1], instant + self.offsets[-1]))
            self.since.append(instant)
            self.offsets.append(offset)

    def first_instant(self, wall: int) -> Instant:
        """Return the first instant whose wall clock reaches the wall second `wall`."""
        at = bisect_right(self.reached, wall) - 1
        # Where a clock is put forward, the times left out are the instant of the change.
        return max(self.since[at], wall - self.offsets[at])

    def steady_offset(self, first: int, end: int) -> int | None:
        """Return the offset that takes every wall second of [`first`, `end`) to its instant, if it is one for all."""
        at = bisect_right(self.reached, first) - 1
        offset = self.offsets[at]
        reached_before_a_change = at + 1 == len(self.reached) or end <= self.reached[at + 1]
        return offset if reached_before_a_change and first - offset >= self.since[at] else None


@lru_cache(maxsize=2048)
def _changes(zone: ZoneInfo, stretch: int) -> Sequence[tuple[Instant, int]]:
    """Return the (instant, new offset) of the clock changes in one stretch of time, its end included."""
    readings = range(stretch * _STRETCH, (stretch + 1) * _STRETCH + 1, _STEP)
    offsets = [(instant, _offset(zone, instant)) for instant in readings]
    return tuple(
        (_change(zone, start, end), after) for (start, before), (end, after) in pairwise(offsets) if before != after
    )


def _change(zone: ZoneInfo, start: Instant, end: Instant) -> Instant:
    """Return the instant in (`start`, `end`] from which on the offset is not that of `start`."""
    before = _offset(zone, start)
    return start + bisect_left(range(start, end), True, key=lambda instant: _offset(zone, instant) != before)


def _offset(zone: ZoneInfo, instant: Instant) -> int:
    """Return how many seconds the wall clock is ahead of UTC; seconds, because before 1972 there are odd ones."""
    return (datetime.fromtimestamp(instant, zone).utcoffset() or _NONE) // _SECOND
