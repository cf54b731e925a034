"""The pipeline from a query to its answer, the check of one chosen start, and who gets booked for it.

There is one way from a query to its possible starts (`_Search.runs`); every answer is read off it, so that a slot that
is offered and a slot that is accepted cannot differ (`decisions.md` "The link": one choice function).
"""

from collections.abc import Iterator
from itertools import islice

from slotlink.engine.buffers import fit_windows
from slotlink.engine.participants import Roster, Run
from slotlink.engine.periods import (
    MAX_INSTANT,
    MIN_INSTANT,
    Instant,
    Period,
    Ranges,
    gaps_of,
    intersect,
    join_periods,
    overlap,
)
from slotlink.engine.query import AvailabilityQuery, Available
from slotlink.engine.slots import StartGrid, default_interval, slots_on_grid, start_grid

_EVER = Period(MIN_INSTANT, MAX_INSTANT)


def available_periods(query: AvailabilityQuery) -> list[Available]:
    """Return the periods in which a meeting may start and lie anywhere, ascending by start.

    The starts are cut wherever the members who can attend the whole meeting change: neighbours may overlap in time
    and no start is lost ("fit", `decisions.md`). With a start interval each period begins on the grid and ends where it
    would have ended without; one with no start on the grid is left out. With query slots, as `available_slots`.
    """
    if query.query_slots is not None:
        return available_slots(query, overlapping=True)
    return list(islice(_periods(query), query.max_results))


def available_slots(query: AvailabilityQuery, *, overlapping: bool, within: Period | None = None) -> list[Available]:
    """Return slots of the required duration, ascending by start.

    overlapping  False: earliest first, each next at or after the end of the one before. True: every start on the grid
    within       only starts inside it are looked at; grid and joined query periods stay what they are

    With query slots: those of the requested starts that are free, each once, overlapping or not.
    """
    if query.query_slots is not None:
        found = _requested_slots(query, within or _EVER)
    else:
        interval = query.start_interval or default_interval(query.required_duration)
        runs = _runs_on_grid(query, interval, within or _EVER)
        found = slots_on_grid(runs, query.required_duration, overlapping=overlapping)
    return list(islice(found, query.max_results))


def offered_slot(query: AvailabilityQuery, start: Instant) -> Available | None:
    """Return the slot at `start` if `available_slots(query, overlapping=True)` offers it, else None.

    `max_results` cuts a list, it forbids no start: a start beyond the cut is offered too.
    """
    return next(iter(available_slots(query, overlapping=True, within=Period(start, start + 1))), None)


def booked_members(query: AvailabilityQuery, available: Available) -> tuple[int, ...]:
    """Return the indexes of the members to book for the meeting at the start of `available`.

    Of each group the first `required` that are free, which is everybody where all are required; together in request
    order, each sub once. Raises ValueError when `available` is not free in `query`.
    """
    search = _Search(query)
    return search.roster.booked(search.free_at(available.start))


def _periods(query: AvailabilityQuery) -> Iterator[Available]:
    for grid, run in _runs_on_grid(query, query.start_interval or 1, _EVER):
        start = grid.at_or_after(run.first)
        if start < run.end:
            yield Available(start, run.end - 1 + query.required_duration, run.participants)


def _requested_slots(query: AvailabilityQuery, within: Period) -> Iterator[Available]:
    search = _Search(query)
    for start in sorted(set(query.query_slots or ())):
        for run in search.runs(overlap(Period(start, start + 1), within)):
            yield Available(start, start + query.required_duration, run.participants)


def _runs_on_grid(query: AvailabilityQuery, interval: int, within: Period) -> Iterator[tuple[StartGrid, Run]]:
    search = _Search(query)
    for period in join_periods(query.query_periods):
        grid = start_grid(interval, period)
        fitting = Period(period.start, period.end - query.required_duration + 1)
        for run in search.runs(overlap(fitting, within)):
            yield grid, run


class _Search:
    """A query made ready to be looked at piece by piece."""

    def __init__(self, query: AvailabilityQuery) -> None:
        self.roster = Roster(query)
        self._query = query
        self._available = {
            index: gaps_of(available)
            for index in self.roster.members
            if (available := query.members[index].available) is not None
        }

    def runs(self, starts: Period) -> Iterator[Run]:
        """Give the runs inside `starts` and not before the earliest start, ascending."""
        earliest = self._query.earliest_start
        if earliest is not None:
            starts = Period(max(starts.start, earliest), starts.end)
        return self.roster.runs([self._windows(index, starts) for index in self.roster.members])

    def free_at(self, start: Instant) -> int:
        """Return the places of the roster that can attend the meeting at `start`, one bit each."""
        at_start = Period(start, start + 1)
        return sum(1 << place for place, index in enumerate(self.roster.members) if self._windows(index, at_start))

    def _windows(self, index: int, starts: Period) -> Ranges:
        query = self._query
        member = query.members[index]
        windows = fit_windows(
            member.free,
            query.required_duration,
            starts,
            before=query.buffer_before if member.buffer_before is None else member.buffer_before,
            after=query.buffer_after if member.buffer_after is None else member.buffer_after,
        )
        if windows and index in self._available:
            return intersect(windows, fit_windows(self._available[index], query.required_duration, starts))
        return windows
