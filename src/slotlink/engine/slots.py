"""The start grid, and slots of the required duration on it. Source: `decisions.md` "Availability"."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from slotlink.engine.participants import Run
from slotlink.engine.periods import Instant, Period
from slotlink.engine.query import Available

DAY = 86_400
LONGEST_DEFAULT_INTERVAL = 900


@dataclass(frozen=True, slots=True)
class StartGrid:
    """Every instant a whole number of `interval` seconds from `anchor`, to both sides."""

    interval: int
    anchor: Instant

    def at_or_after(self, instant: Instant) -> Instant:
        return instant + (self.anchor - instant) % self.interval


def start_grid(interval: int, query_period: Period) -> StartGrid:
    """Return the grid of `interval` seconds in a joined, unclipped query period.

    An interval that divides the day lies on multiples of it in UTC epoch time, so that every query sees the same
    starts; any other is counted from the start of the period.
    """
    return StartGrid(interval, 0 if DAY % interval == 0 else query_period.start)


def default_interval(required_duration: int) -> int:
    """Return the seconds between starts when none were asked for, in every format but `periods`."""
    return min(required_duration, LONGEST_DEFAULT_INTERVAL)


def slots_on_grid(runs: Iterable[tuple[StartGrid, Run]], duration: int, *, overlapping: bool) -> Iterator[Available]:
    """Give the slots of `duration` seconds that start on the grid in one of `runs`, which ascend.

    Not overlapping: the earliest first, each next at or after the end of the one before, also across query periods.
    """
    earliest: Instant | None = None
    for grid, run in runs:
        start = grid.at_or_after(run.first if earliest is None else max(run.first, earliest))
        while start < run.end:
            yield Available(start, start + duration, run.participants)
            if overlapping:
                start += grid.interval
            else:
                earliest = start + duration
                start = grid.at_or_after(earliest)
