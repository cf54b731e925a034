"""The oracle: the engine's questions answered by painting one byte per tick and looking at every start.

Slow and plain on purpose, and sharing nothing with the engine but the query it reads: no merging, no windows, no sweep.
All times of the query must be whole ticks; with a tick of one second that is every query. With longer ticks do not ask
for `periods`: who can attend may change between two ticks.
"""

from collections.abc import Callable
from dataclasses import dataclass

from slotlink.engine import AvailabilityQuery, Instant, Period

Answer = list[tuple[Instant, Instant, tuple[int, ...]]]


@dataclass
class Painted:
    """A query over `ticks` ticks of `tick` seconds from `base`, with every member's time painted.

    busy       busy[i][t] is 1 where the i-th member of the query is busy in tick t; outside is free
    available  available[i][t] is 1 where that member may be booked; outside is not; None where any time will do
    """

    query: AvailabilityQuery
    busy: list[bytearray]
    available: list[bytearray | None]
    base: Instant
    tick: int
    ticks: int

    def __post_init__(self) -> None:
        query = self.query
        self.duration = query.required_duration // self.tick
        self.inside = paint(query.query_periods, self.base, self.tick, self.ticks)
        self._known: dict[tuple[int, int], bool] = {}
        self._starts: list[tuple[int, int]] | None = None

    def can_attend(self, index: int, start: int) -> bool:
        if (index, start) not in self._known:
            self._known[index, start] = self._look(index, start)
        return self._known[index, start]

    def _look(self, index: int, start: int) -> bool:
        member = self.query.members[index]
        before = self.query.buffer_before if member.buffer_before is None else member.buffer_before
        after = self.query.buffer_after if member.buffer_after is None else member.buffer_after
        end = start + self.duration
        if self.busy[index].find(1, max(0, start - before // self.tick), max(0, end + after // self.tick)) >= 0:
            return False
        available = self.available[index]
        if available is None:
            return True
        return start >= 0 and end <= self.ticks and available.find(0, start, end) < 0

    def attending(self, start: int) -> tuple[int, ...] | None:
        """Everybody listed for a meeting at `start`, or None when a group falls short."""
        if self.query.earliest_start is not None and self.instant(start) < self.query.earliest_start:
            return None
        for group in self.query.participants:
            subs = {self.query.members[index].sub for index in group.members if self.can_attend(index, start)}
            if len(subs) < group.required:
                return None
        order = dict.fromkeys(index for group in self.query.participants for index in group.members)
        first: dict[str, int] = {}
        for index in order:
            first.setdefault(self.query.members[index].sub, index)
        free = {self.query.members[index].sub for index in order if self.can_attend(index, start)}
        return tuple(index for sub, index in first.items() if sub in free)

    def booked(self, start: int) -> set[str]:
        """The subs booked for a meeting at `start`: of each group the first `required` that can attend."""
        booked: set[str] = set()
        for group in self.query.participants:
            subs: list[str] = []
            for index in group.members:
                sub = self.query.members[index].sub
                if self.can_attend(index, start) and sub not in subs:
                    subs.append(sub)
            booked.update(subs[: group.required])
        return booked

    def query_period_starts(self) -> list[tuple[int, int]]:
        """Every start whose meeting lies inside the painted query periods, with the first tick of its period."""
        if self._starts is not None:
            return self._starts
        found: list[tuple[int, int]] = []
        anchor = 0
        for start in range(self.ticks - self.duration + 1):
            if self.inside[start] and (start == 0 or not self.inside[start - 1]):
                anchor = start
            if self.inside.find(0, start, start + self.duration) < 0:
                found.append((start, anchor))
        self._starts = found
        return found

    def on_grid(self, start: int, anchor: int, interval: int) -> bool:
        if 86_400 % interval == 0:
            return (self.base + start * self.tick) % interval == 0
        return (start - anchor) * self.tick % interval == 0

    def slots(self, *, overlapping: bool, within: Callable[[Instant], bool] = lambda instant: True) -> Answer:
        query = self.query
        if query.query_slots is not None:
            starts = [(instant - self.base) // self.tick for instant in sorted(set(query.query_slots))]
            overlapping = True
        else:
            interval = min(query.required_duration, 900) if query.start_interval is None else query.start_interval
            starts = [start for start, anchor in self.query_period_starts() if self.on_grid(start, anchor, interval)]
        answer: Answer = []
        earliest = None
        for start in starts:
            if not within(self.instant(start)) or (earliest is not None and start < earliest):
                continue
            attending = self.attending(start)
            if attending is not None:
                answer.append((self.instant(start), self.instant(start + self.duration), attending))
                if not overlapping:
                    earliest = start + self.duration
        return answer[: query.max_results]

    def periods(self) -> Answer:
        if self.query.query_slots is not None:
            return self.slots(overlapping=True)
        interval = self.query.start_interval
        # The first start on the grid, if any, the last start, and who.
        runs: list[tuple[int | None, int, tuple[int, ...]]] = []
        last: tuple[int, int, tuple[int, ...] | None] = (-9, -9, None)
        for start, anchor in self.query_period_starts():
            attending = self.attending(start)
            on_grid = interval is None or self.on_grid(start, anchor, interval)
            if attending is not None:
                if last == (start - 1, anchor, attending):
                    first = runs[-1][0]
                    runs[-1] = (start if first is None and on_grid else first, start, attending)
                else:
                    runs.append((start if on_grid else None, start, attending))
            last = (start, anchor, attending)
        answer = [
            (self.instant(first), self.instant(end + self.duration), attending)
            for first, end, attending in runs
            if first is not None
        ]
        return answer[: self.query.max_results]

    def instant(self, tick: int) -> Instant:
        return self.base + tick * self.tick


def paint(periods: tuple[Period, ...], base: Instant, tick: int, ticks: int) -> bytearray:
    """One byte per tick, 1 where some period lies."""
    painted = bytearray(ticks)
    for period in periods:
        for t in range((period.start - base) // tick, (period.end - base) // tick):
            painted[t] = 1
    return painted
