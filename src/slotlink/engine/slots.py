"""The grid of starts. Source: `decisions.md` "Availability"."""

from typing import NamedTuple

from slotlink.engine.periods import Instant, Period

DAY = 86_400
LONGEST_DEFAULT_INTERVAL = 900


class StartGrid(NamedTuple):
    """Every instant a whole number of `interval` seconds from `anchor`, to both sides; start *i* is at `instant(i)`."""

    interval: int
    anchor: Instant

    def instant(self, number: int) -> Instant:
        return self.anchor + number * self.interval

    def number_from(self, instant: Instant) -> int:
        """Return the number of the first start at or after `instant`."""
        return -((self.anchor - instant) // self.interval)

    def at_or_after(self, instant: Instant) -> Instant:
        return instant + (self.anchor - instant) % self.interval


def start_grid(interval: int, query_period: Period) -> StartGrid:
    """Return the grid of `interval` seconds in a joined, unclipped query period.

    An interval that divides the day lies on multiples of it in UTC epoch time, so that every query sees the same
    starts; any other is counted from the start of the period.
    """
    return StartGrid(interval, 0 if DAY % interval == 0 else query_period.start % interval)


def default_interval(required_duration: int) -> int:
    """Return the seconds between starts when none were asked for, in every format but `periods`."""
    return min(required_duration, LONGEST_DEFAULT_INTERVAL)
