"""Half-open time in whole UTC seconds: periods, free gaps, ranges, and the few operations on them.

Nothing here knows a meeting, a member or a time zone. Leap seconds do not exist in POSIX time.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

Instant = int
"""Seconds since 1970-01-01T00:00:00Z; may be negative."""

MIN_INSTANT: Instant = -(2**62)
MAX_INSTANT: Instant = 2**62
"""Stand-ins for the ends of time: further than any instant plus any buffer, and still 64-bit."""

Ranges = list[tuple[Instant, Instant]]
"""Half-open (first, end) pairs, sorted and disjoint: the light form of periods inside one query."""


@dataclass(frozen=True, slots=True)
class Period:
    """The time from `start` up to, not including, `end`. Empty when `end` is not after `start`."""

    start: Instant
    end: Instant


@dataclass(frozen=True, slots=True)
class Gaps:
    """Free time: gap *i* is `[starts[i], ends[i])`. Sorted, disjoint and never touching.

    Free time reaches from MIN_INSTANT to MAX_INSTANT where nothing blocks it.
    """

    starts: tuple[Instant, ...]
    ends: tuple[Instant, ...]


ALWAYS = Gaps((MIN_INSTANT,), (MAX_INSTANT,))
NEVER = Gaps((), ())


def free_gaps(blocking: Iterable[tuple[Instant, Instant]]) -> Gaps:
    """Return the time that no (start, end) pair of `blocking` covers.

    The pairs may come unsorted, overlapping and touching. A pair that does not end after its start blocks nothing and
    splits nothing.
    """
    starts: list[Instant] = []
    ends: list[Instant] = []
    free_from = MIN_INSTANT
    for start, end in sorted(blocking):
        if end <= start:
            continue
        if start > free_from:
            starts.append(free_from)
            ends.append(min(start, MAX_INSTANT))
        free_from = max(free_from, end)
        if free_from >= MAX_INSTANT:
            break
    if free_from < MAX_INSTANT:
        starts.append(free_from)
        ends.append(MAX_INSTANT)
    return Gaps(tuple(starts), tuple(ends))


def join_periods(raw: Iterable[Period]) -> tuple[Period, ...]:
    """Return the union of `raw`: sorted, disjoint, touching periods joined, empty ones dropped."""
    joined: list[Period] = []
    for period in sorted(raw, key=lambda period: period.start):
        if period.end <= period.start:
            continue
        if joined and period.start <= joined[-1].end:
            joined[-1] = Period(joined[-1].start, max(joined[-1].end, period.end))
        else:
            joined.append(period)
    return tuple(joined)


def gaps_of(raw: Iterable[Period]) -> Gaps:
    """Return the union of `raw` in the form of gaps."""
    joined = join_periods(raw)
    return Gaps(tuple(period.start for period in joined), tuple(period.end for period in joined))


def overlap(first: Period, second: Period) -> Period:
    """Return what both periods cover; empty (see `Period`) when they do not meet."""
    return Period(max(first.start, second.start), min(first.end, second.end))


def intersect(first: Sequence[tuple[Instant, Instant]], second: Sequence[tuple[Instant, Instant]]) -> Ranges:
    """Return what both sorted, disjoint lists of ranges cover; sorted and disjoint too."""
    both: Ranges = []
    i = j = 0
    while i < len(first) and j < len(second):
        start = max(first[i][0], second[j][0])
        end = min(first[i][1], second[j][1])
        if start < end:
            both.append((start, end))
        if first[i][1] < second[j][1]:
            i += 1
        else:
            j += 1
    return both
