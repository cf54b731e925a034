"""Quotas: how many events a member may have in a day or a week before the rest of it is closed to more.

The wire calls them availability constraints. Which events count (the application's own, those with some tag) is for
the caller to say; here they are pairs of instants.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, pairwise
from typing import Literal

from slotlink.engine.civil import DAY, MONDAY, WEEK, WallClock, find_zone
from slotlink.engine.periods import Instant, Period


@dataclass(frozen=True, slots=True)
class Quota:
    """At most `limit` events in each day or week on the wall clock of `tzid`; weeks begin on Monday (ISO 8601)."""

    period: Literal["day", "week"]
    limit: int
    tzid: str


def full_periods(quota: Quota, events: Iterable[tuple[Instant, Instant]], start: Instant, end: Instant) -> list[Period]:
    """Return the days or weeks overlapping [`start`, `end`), whole, that hold `quota.limit` of the `events` or more.

    An event, a (start, end) pair, counts in every day or week that it reaches into; one without length, or that ends
    before it starts, counts where it starts. The caller gives all events that reach into `whole_span`, in any order.
    Raises ValueError for an unknown zone.
    """
    bounds = _bounds(quota.period, quota.tzid, start, end)
    # A change per bound, summed up from left to right: +1 where an event begins to count, -1 where it no longer does.
    changes = [0] * (len(bounds) + 1)
    for event_start, event_end in events:
        changes[max(bisect_right(bounds, event_start) - 1, 0)] += 1
        changes[bisect_left(bounds, max(event_end, event_start + 1))] -= 1
    counts = accumulate(changes)
    return [Period(*pair) for pair, count in zip(pairwise(bounds), counts, strict=False) if count >= quota.limit]


def whole_span(quota: Quota, start: Instant, end: Instant) -> Period:
    """Return [`start`, `end`) widened to whole days or weeks of the quota: where `full_periods` counts events."""
    bounds = _bounds(quota.period, quota.tzid, start, end)
    return Period(bounds[0], bounds[-1]) if bounds else Period(start, end)


@lru_cache(maxsize=256)
def _bounds(period: str, tzid: str, start: Instant, end: Instant) -> tuple[Instant, ...]:
    """Return where the days or weeks overlapping [`start`, `end`) begin, and where the last one ends; sorted.

    A day that the zone left out begins where the next one does, and so is not among them. Of an empty span: none.
    """
    zone = find_zone(tzid)
    if end <= start:
        return ()
    length, anchor = (DAY, 0) if period == "day" else (WEEK, MONDAY)
    # A wall second is less than a day from its instant, read as UTC.
    first, last = start - DAY, end + DAY
    walls = range(first - (first - anchor) % length, last + length, length)
    clock = WallClock(zone, walls[0], walls[-1])
    bounds = sorted({clock.first_instant(wall) for wall in walls})
    return tuple(bounds[bisect_right(bounds, start) - 1 : bisect_left(bounds, end) + 1])
