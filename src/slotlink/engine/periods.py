"""Half-open time in whole UTC seconds: periods, gaps, ranges, and the few operations on them.

Nothing here knows a meeting, a member or a time zone. Leap seconds do not exist in POSIX time.
"""

from array import array
from collections.abc import Iterable, Sequence
from typing import NamedTuple

Instant = int
"""Seconds since 1970-01-01T00:00:00Z; may be negative."""

MIN_INSTANT: Instant = -(2**62)
MAX_INSTANT: Instant = 2**62
"""Stand-ins for the ends of time: further than any instant plus any buffer, and still 64-bit."""

_HIGHEST = 2**32 - 1

Ranges = list[tuple[Instant, Instant]]
"""Half-open (first, end) pairs, sorted and disjoint: the light form of periods inside one query."""


class Period(NamedTuple):
    """The time from `start` up to, not including, `end`. Empty when `end` is not after `start`."""

    start: Instant
    end: Instant


class Gaps:
    """Time that is left, such as somebody's free time or working hours: gap *i* is `[starts[i], ends[i])`.

    Sorted, disjoint and never touching; reaches from MIN_INSTANT to MAX_INSTANT where nothing bounds it. Never changed
    once made, and equal only to itself: whatever is remembered about a Gaps is right for as long as it is there.

    Kept in 32 bits where every end that is bounded lies between 1970 and 2106: half the memory. The ends of time are
    then 0 and the highest number.
    """

    __slots__ = ("_ends", "_starts", "_wide")

    def __init__(self, starts: list[Instant], ends: list[Instant]) -> None:
        # Sorted, so the outermost tell of all.
        outermost = {*starts[:2], *starts[-1:], *ends[:1], *ends[-2:]} - {MIN_INSTANT, MAX_INSTANT}
        self._wide = any(not 0 < edge < _HIGHEST for edge in outermost)
        if self._wide:
            self._starts, self._ends = array("q", starts), array("q", ends)
        else:
            self._starts = array("I", [0, *starts[1:]] if starts[:1] == [MIN_INSTANT] else starts)
            self._ends = array("I", [*ends[:-1], _HIGHEST] if ends[-1:] == [MAX_INSTANT] else ends)

    @property
    def starts(self) -> list[Instant]:
        return [MIN_INSTANT if start == 0 and not self._wide else start for start in self._starts]

    @property
    def ends(self) -> list[Instant]:
        return [MAX_INSTANT if end == _HIGHEST and not self._wide else end for end in self._ends]

    def between(self, first: Instant, last: Instant) -> tuple[Sequence[Instant], Sequence[Instant]]:
        """Return starts and ends for who looks no further than from `first` to `last`: what lies beyond may read as
        some other instant beyond. Quicker than `starts` and `ends`."""
        if self._wide or (first >= 0 and last <= _HIGHEST):
            return self._starts, self._ends
        return self.starts, self.ends

    @property
    def size(self) -> int:
        """Bytes held, roughly."""
        return 200 + 2 * self._starts.itemsize * len(self._starts)

    def __repr__(self) -> str:
        return f"Gaps({list(zip(self.starts, self.ends, strict=True))})"


ALWAYS = Gaps([MIN_INSTANT], [MAX_INSTANT])
NEVER = Gaps([], [])


def free_gaps(blocking: Iterable[tuple[Instant, Instant]]) -> Gaps:
    """Return the time that no (start, end) pair of `blocking` covers.

    The pairs may come unsorted, overlapping and touching; sorted ones are merged in one pass. A pair that does not end
    after its start blocks nothing and splits nothing.
    """
    starts: list[Instant] = []
    ends: list[Instant] = []
    free_from = MIN_INSTANT
    for start, end in sorted(blocking):
        if end <= free_from or end <= start:
            continue
        if start > free_from:
            starts.append(free_from)
            ends.append(start)
        free_from = end
    if free_from < MAX_INSTANT:
        starts.append(free_from)
        ends.append(MAX_INSTANT)
    elif ends and ends[-1] > MAX_INSTANT:
        ends[-1] = MAX_INSTANT
    return Gaps(starts, ends)


def gaps_of(raw: Iterable[tuple[Instant, Instant]]) -> Gaps:
    """Return the union of `raw` in the form of gaps: sorted, touching pairs joined, empty ones dropped."""
    starts: list[Instant] = []
    ends: list[Instant] = []
    for start, end in sorted(raw):
        if end <= start:
            continue
        if ends and start <= ends[-1]:
            if end > ends[-1]:
                ends[-1] = end
        else:
            starts.append(start)
            ends.append(end)
    return Gaps(starts, ends)


def join_periods(raw: Iterable[tuple[Instant, Instant]]) -> tuple[Period, ...]:
    """Return the union of `raw`: sorted, disjoint, touching periods joined, empty ones dropped."""
    return periods_of(gaps_of(raw))


def periods_of(gaps: Gaps) -> tuple[Period, ...]:
    """Return the gaps as periods."""
    return tuple(map(Period, gaps.starts, gaps.ends))


def overlap(first: Period, second: Period) -> Period:
    """Return what both periods cover; empty (see `Period`) when they do not meet."""
    return Period(max(first.start, second.start), min(first.end, second.end))


def intersect(first: Sequence[tuple[Instant, Instant]], second: Sequence[tuple[Instant, Instant]]) -> Ranges:
    """Return what both sorted, disjoint lists of ranges cover; sorted and disjoint too."""
    both: Ranges = []
    i = j = 0
    many, more = len(first), len(second)
    while i < many and j < more:
        start, end = first[i]
        other_start, other_end = second[j]
        if other_start > start:
            start = other_start
        if other_end < end:
            end = other_end
            j += 1
        else:
            i += 1
        if start < end:
            both.append((start, end))
    return both


def intersect_gaps(first: Gaps, second: Gaps) -> Gaps:
    """Return the time that is in both."""
    both = intersect(periods_of(first), periods_of(second))
    return Gaps([start for start, _ in both], [end for _, end in both])


def subtract(gaps: Gaps, blocking: Iterable[tuple[Instant, Instant]]) -> Gaps:
    """Return `gaps` without the time that a pair of `blocking` covers; the pairs as for `free_gaps`."""
    return intersect_gaps(gaps, free_gaps(blocking))
