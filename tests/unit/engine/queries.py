"""Random queries, each with its oracle, drawn to fall into the traps of `guides/engine.md` section 9.

Gaps that fit exactly or miss by a tick, events without length, events from before all time, buffers longer than gaps,
touching and overlapping periods, one sub in several places; and times at which the engine's arithmetic changes hands:
1970, the borders of its blocks, the far future.
"""

import os
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from unittest.mock import patch

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from slotlink.engine import (
    MAX_INSTANT,
    MIN_INSTANT,
    AvailabilityQuery,
    Available,
    Gaps,
    Instant,
    Member,
    ParticipantGroup,
    Period,
    free_gaps,
    gaps_of,
    subtract,
)
from slotlink.engine.runs import FIRST_STRETCH
from slotlink.engine.starts import BLOCK_SECONDS, BLOCK_STARTS

from .painted import Answer, Painted, paint

TICKS = 150
EDGE = 30
"""Ticks at both ends in which no meeting is asked for; no buffer is longer, so none looks past what is painted."""

LONGEST = 11
"""Ticks of the longest meeting."""

CASES = int(os.environ.get("SLOTLINK_CAMPAIGN_CASES", "2000"))

RealPairs = list[tuple[Instant, Instant]]
Ticks = list[tuple[int, int]]


def cases(of_2000: int) -> settings:
    """So many cases of the 2,000 that `make test` runs, and in proportion of those of a campaign."""
    return settings(
        max_examples=-(-of_2000 * CASES // 2000),
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )


def plain(answer: list[Available]) -> Answer:
    return [(available.start, available.end, available.participants) for available in answer]


# Blocks


@dataclass(frozen=True)
class Blocks:
    """Sizes of the engine's blocks in place of its own, which are so large that a painted query meets two at most."""

    starts: int
    seconds: int
    first_stretch: int

    @contextmanager
    def used(self) -> Generator[None]:
        engine = "slotlink.engine."
        with (
            patch.multiple(engine + "starts", BLOCK_STARTS=self.starts, BLOCK_SECONDS=self.seconds),
            patch.multiple(engine + "availability", BLOCK_STARTS=self.starts),
            patch.multiple(engine + "runs", BLOCK_SECONDS=self.seconds, FIRST_STRETCH=self.first_stretch),
        ):
            yield


AS_THEY_ARE = Blocks(BLOCK_STARTS, BLOCK_SECONDS, FIRST_STRETCH)
all_blocks = st.sampled_from(
    [
        AS_THEY_ARE,
        AS_THEY_ARE,
        Blocks(1, 1, 1),
        Blocks(3, 7, 2),
        Blocks(8, 16, 5),
        Blocks(13, 64, 1),
        Blocks(16, 41, 41),
    ]
)


# Queries


@dataclass(frozen=True)
class Place:
    """Where the ticks of a query lie in time: tick *i* is at `base + i * tick`."""

    base: Instant
    tick: int

    def instant(self, at: int) -> Instant:
        return self.base + at * self.tick

    def pairs(self, raw: Ticks) -> RealPairs:
        return [(self.instant(start), self.instant(end)) for start, end in raw]


@dataclass(frozen=True)
class Events:
    """Somebody's busy time: events between ticks, and one from before everything and one until after everything."""

    between: Ticks
    since_ever_until: int | None = None
    for_ever_from: int | None = None

    def free(self, place: Place) -> Gaps:
        blocking = place.pairs(self.between)
        if self.since_ever_until is not None:
            blocking.append((MIN_INSTANT, place.instant(self.since_ever_until)))
        if self.for_ever_from is not None:
            blocking.append((place.instant(self.for_ever_from), MAX_INSTANT))
        return free_gaps(blocking)

    def painted(self) -> bytearray:
        painted = bytearray(TICKS)
        for start, end in [*self.between, (0, self.since_ever_until or 0), (self.for_ever_from or TICKS, TICKS)]:
            for tick in range(max(0, start), min(TICKS, end)):
                painted[tick] = 1
        return painted


_rests = st.sampled_from(["nothing", 1, 2, "meeting - 1", "meeting", "need - 1", "need", "need", "need + 1", 20])
_lengths = st.sampled_from([0, 1, 1, 2, 3, 7, 19])
_rests_and_lengths = st.lists(st.tuples(_rests, _lengths), max_size=6)
_begins = st.integers(-20, EDGE + 20)
_nearly_ever = st.integers(0, EDGE + 30), st.integers(EDGE + 30, TICKS)
_of_ten = st.integers(0, 9)
_any_tick = st.integers(EDGE, TICKS - EDGE)


def draw_events(draw: st.DrawFn, need: int, duration: int) -> Events:
    """Busy time in which `need` ticks, a meeting with its buffers, often just fit."""
    exact = {"nothing": 0, "meeting - 1": duration - 1, "meeting": duration, "need - 1": need - 1, "need": need}
    exact["need + 1"] = need + 1
    at = draw(_begins)
    between: Ticks = []
    for rest, length in draw(_rests_and_lengths):
        at += rest if isinstance(rest, int) else exact[rest]
        between.append((at, at + length))
        at += length
    trap = draw(_of_ten)
    if trap == 0:
        between.append((-5000, draw(_nearly_ever[0])))
    elif trap == 1:
        between = [*between[::-1], *((start + 1, end) for start, end in between), *between[:2]]
    since = draw(_nearly_ever[0]) if trap == 2 else None
    until = draw(_nearly_ever[1]) if trap in (2, 3) else None
    return Events(between, since, until)


def some_pairs(least: int, most: int, longest: int) -> st.SearchStrategy[Ticks]:
    """Periods inside the painted ticks: unsorted, overlapping, some without length."""
    pair = st.tuples(st.integers(0, TICKS), st.integers(0, longest))
    return st.lists(pair, min_size=least, max_size=most).map(
        lambda raw: [(start, min(TICKS, start + length)) for start, length in raw]
    )


_period_lengths = st.sampled_from([0, "meeting - 1", "meeting", "meeting", 25, 60, 90])
_periods = st.lists(st.tuples(_any_tick, _period_lengths, st.booleans()), min_size=1, max_size=4)


def draw_query_pairs(draw: st.DrawFn, duration: int) -> Ticks:
    """Query periods, away from the edges: some just long enough, some touching, some overlapping, some unsorted."""
    if draw(_of_ten) < 4:
        return [(EDGE, TICKS - EDGE)]
    pairs: Ticks = []
    for start, length, touches in draw(_periods):
        begin = pairs[-1][1] if touches and pairs else start
        exact = length if isinstance(length, int) else duration - (length == "meeting - 1")
        pairs.append((begin, min(TICKS - EDGE, begin + exact)))
    return pairs[::-1] if len(pairs) > 2 else pairs


_how_many_groups = st.sampled_from([1, 1, 1, 1, 2, 3])
_some_of = [st.lists(st.integers(0, n - 1), min_size=1, max_size=n, unique=True) if n else st.none() for n in range(9)]
_required = st.sampled_from(["one", "one", "one", "two", "all", "all", "all but one", "half", "too many"])


def draw_groups(draw: st.DrawFn, subs: list[str]) -> tuple[ParticipantGroup, ...]:
    """One to three groups of these members, some named twice; everybody is needed, or some, or too many."""
    groups: list[ParticipantGroup] = []
    for _ in range(draw(_how_many_groups)):
        indexes = draw(_some_of[len(subs)])
        if draw(_of_ten) < 3:
            indexes = [*indexes, indexes[0]]
        everybody = len({subs[index] for index in indexes})
        required = {"one": 1, "two": 2, "all": everybody, "all but one": everybody - 1, "half": everybody // 2}
        most = everybody + (len(subs) > 3)
        groups.append(ParticipantGroup(tuple(indexes), max(1, min(required.get(draw(_required), most), most))))
    return tuple(groups)


_landmarks = st.sampled_from(["anywhere", "1970", "a block of seconds", "a block of starts", "far"])
_block_numbers = st.integers(-900, 900)
_far = st.tuples(st.sampled_from([-1, 1]), st.sampled_from([31, 32, 40, 53, 61]))
_any_number = st.integers(0, 10**6)


def draw_place(draw: st.DrawFn, tick: int, interval: int, first: int) -> Place:
    """Where a query lies whose first period begins at tick `first`, in whole ticks.

    Often so that a meeting may start near 1970, near the border of a block, or where few calendars reach.
    """
    kind, at, block, number = draw(_landmarks), draw(_any_tick), draw(_block_numbers), draw(_any_number)
    if kind == "anywhere":
        landmark = (number - 10**5) * tick * 6
    elif kind == "1970":
        landmark = 0
    elif kind == "a block of seconds":
        landmark = block * BLOCK_SECONDS
    elif kind == "far":
        sign, power = draw(_far)
        landmark = sign * (1 << power)
    elif 86_400 % interval == 0:
        landmark = block * BLOCK_STARTS * interval
    else:
        # Such a grid is counted from the period: its first start comes shortly before the border.
        landmark = (block * BLOCK_STARTS - number % 9) * interval + number % (interval // tick) * tick
        at = first
    return Place(landmark // tick * tick - at * tick, tick)


_hours_kinds = st.sampled_from(["always"] * 7 + ["at times", "at times", "cut", "cut at times", "never"])
_hours, _full = some_pairs(1, 5, 120), some_pairs(0, 2, 50)


def draw_hours(draw: st.DrawFn, place: Place) -> tuple[Gaps | None, bytearray | None]:
    """When somebody may be booked: always, never, at times, and any of it with stretches cut out as by a quota."""
    kind = draw(_hours_kinds)
    if kind == "always":
        return None, None
    windows = [(0, TICKS)] if kind == "cut" else [] if kind == "never" else draw(_hours)
    pairs = place.pairs(windows)
    painted = paint(tuple(Period(*pair) for pair in pairs), place.base, place.tick, TICKS)
    hours = gaps_of(pairs)
    if kind.startswith("cut"):
        full = draw(_full)
        hours = subtract(hours, place.pairs(full))
        for start, end in full:
            painted[start:end] = bytes(end - start)
    return hours, painted


_durations = st.integers(1, LONGEST)
_how_many_members = st.sampled_from([1, 1, 2, 2, 3, 4, 5, 8])
_buffers = st.tuples(*[st.sampled_from([None, None, 0, 1, 2, 5, 9, EDGE])] * 2)
# In ticks. Of seconds, 7, 11, 13 and 23 do not divide the day; nor do 7, 25 and 50 minutes.
_intervals = {
    1: st.sampled_from([None, None, 1, 2, 3, 5, 6, 7, 11, 13, 23]),
    60: st.sampled_from([None, 1, 5, 7, 15, 25, 50]),
    300: st.sampled_from([None, 1, 3, 5, 7, 10, 12]),
}
# Some about the earliest start. The longest meeting and its longest buffer end inside what is painted.
_slots = st.lists(st.integers(EDGE, TICKS - EDGE - LONGEST) | st.integers(EDGE + 19, EDGE + 22), max_size=12)
_earliest = st.sampled_from([None] * 20 + [0, EDGE + 20, EDGE + 21, TICKS, MIN_INSTANT, MAX_INSTANT])
_most = st.sampled_from([None] * 9 + [0, 1, 3, 20])
_who = st.sampled_from(["another", "another", "another", "a", "b", "the first again"])


@st.composite
def painted_queries(draw: st.DrawFn, asks_slots: bool = False, ticks: tuple[int, ...] = (1, 1, 60, 300)) -> Painted:
    """A query with everything in it, and its oracle. Ticks are a second, a minute or five."""
    tick = ticks[draw(_of_ten) % len(ticks)]
    duration = draw(_durations)
    query_before, query_after = (buffer or 0 for buffer in draw(_buffers))
    chosen_interval = draw(_intervals[tick])
    interval = min(duration * tick, 900) if chosen_interval is None else chosen_interval * tick
    periods = draw_query_pairs(draw, duration)
    place = draw_place(draw, tick, interval, min((start for start, end in periods if start < end), default=EDGE))

    members: list[Member] = []
    busy: list[bytearray] = []
    available: list[bytearray | None] = []
    for sub in "abcdefgh"[: draw(_how_many_members)]:
        before, after = draw(_buffers)
        need = duration + (query_before if before is None else before) + (query_after if after is None else after)
        who = draw(_who)
        if who == "the first again" and members:
            # The same calendars, so the very same gaps, in another place with other restrictions.
            sub, free = members[0].sub, members[0].free
            busy.append(busy[0])
        else:
            events = draw_events(draw, need, duration)
            sub, free = who if who in ("a", "b") else sub, events.free(place)
            busy.append(events.painted())
        hours, painted_hours = draw_hours(draw, place)
        available.append(painted_hours)
        members.append(
            Member(
                sub=sub,
                free=free,
                available=hours,
                buffer_before=None if before is None else before * tick,
                buffer_after=None if after is None else after * tick,
            )
        )

    earliest = draw(_earliest)
    query = AvailabilityQuery(
        participants=draw_groups(draw, [member.sub for member in members]),
        members=tuple(members),
        required_duration=duration * tick,
        query_periods=() if asks_slots else tuple(Period(*pair) for pair in place.pairs(periods)),
        query_slots=tuple(map(place.instant, draw(_slots))) if asks_slots else None,
        start_interval=None if chosen_interval is None else interval,
        buffer_before=query_before * tick,
        buffer_after=query_after * tick,
        earliest_start=earliest if earliest is None or abs(earliest) > TICKS else place.instant(earliest),
        max_results=draw(_most),
    )
    return Painted(query, busy, available, place.base, tick, TICKS)


# What may be changed about a query


_changes = st.sampled_from([0, 1, 2, 4, 4, 4, 6, 8, 15])  # A bit each for length, periods, interval, buffer.


def asked_otherwise(draw: st.DrawFn, painted: Painted) -> Painted:
    """The same members in another query: another length, grid, buffer or period."""
    query, tick = painted.query, painted.tick
    changed = draw(_changes)
    duration = draw(_durations) if changed & 1 else query.required_duration // tick
    periods = query.query_periods
    if changed & 2:
        pairs = draw_query_pairs(draw, duration)
        periods = tuple(Period(painted.instant(start), painted.instant(end)) for start, end in pairs)
    other = replace(
        query,
        required_duration=duration * tick,
        query_periods=periods,
        start_interval=7 * tick if changed & 4 else query.start_interval,
        buffer_before=4 * tick if changed & 8 else query.buffer_before,
    )
    return Painted(other, painted.busy, painted.available, painted.base, tick, TICKS)


def with_event(painted: Painted, index: int, start: int, end: int) -> Painted:
    """The same query after the member `index` got one more event: new gaps, as the store would make them."""
    members, busy = list(painted.query.members), list(painted.busy)
    event = (painted.instant(start), painted.instant(end))
    members[index] = replace(members[index], free=subtract(members[index].free, [event]))
    busy[index] = bytearray(byte | (start <= tick < end) for tick, byte in enumerate(busy[index]))
    query = replace(painted.query, members=tuple(members))
    return Painted(query, busy, painted.available, painted.base, painted.tick, TICKS)
