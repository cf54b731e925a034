"""The pipeline from a query to its answer, the check of one chosen start, and who gets booked for it.

There is one way from a query to its possible starts, `_slots` over `buffers.fit_windows`. What is offered and what is
accepted both go it, so that they cannot differ (`decisions.md` "The link": one choice function). Only the offer uses
what a cache remembers; the check reads the gaps it is given.
"""

from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from itertools import islice
from typing import NamedTuple

from slotlink.engine.buffers import Need
from slotlink.engine.participants import Roster
from slotlink.engine.periods import MAX_INSTANT, MIN_INSTANT, Instant, Period, join_periods, overlap
from slotlink.engine.query import AvailabilityQuery, Available, Member
from slotlink.engine.runs import runs
from slotlink.engine.slots import StartGrid, default_interval, start_grid
from slotlink.engine.starts import BLOCK_STARTS, MemberStarts, StartCache

EVER = Period(MIN_INSTANT, MAX_INSTANT)
_BITS_OF_BYTE = tuple(tuple(bit for bit in range(8) if byte >> bit & 1) for byte in range(256))


def available_periods(query: AvailabilityQuery, *, cache: StartCache | None = None) -> list[Available]:
    """Return the periods in which a meeting may start and lie anywhere, ascending by start.

    The starts are cut wherever the members who can attend the whole meeting change: neighbours may overlap in time
    and no start is lost ("fit", `decisions.md`). With a start interval each period begins on the grid and ends where it
    would have ended without; one with no start on the grid is left out. With query slots, as `available_slots`.
    """
    search = Search(query, cache)
    found = _periods(search) if query.query_slots is None else _requested_slots(search, EVER)
    return search.finished(found)


def available_slots(
    query: AvailabilityQuery,
    *,
    overlapping: bool,
    within: Period | None = None,
    cache: StartCache | None = None,
) -> list[Available]:
    """Return slots of the required duration, ascending by start.

    overlapping  False: earliest first, each next at or after the end of the one before. True: every start on the grid
    within       only starts inside it are looked at; grid and joined query periods stay what they are
    cache        what earlier searches remembered, and where this one remembers

    With query slots: those of the requested starts that are free, each once, overlapping or not.
    """
    search = Search(query, cache)
    if query.query_slots is None:
        return search.finished(_slots(search, overlapping, within or EVER))
    return search.finished(_requested_slots(search, within or EVER))


def offered_slot(query: AvailabilityQuery, start: Instant) -> Available | None:
    """Return the slot at `start` if `available_slots(query, overlapping=True)` offers it, else None.

    `max_results` cuts a list, it forbids no start: a start beyond the cut is offered too.
    """
    whole = query if query.max_results is None else replace(query, max_results=None)
    return next(iter(available_slots(whole, overlapping=True, within=Period(start, start + 1))), None)


def booked_members(query: AvailabilityQuery, available: Available) -> tuple[int, ...]:
    """Return the indexes of the members to book for the meeting at the start of `available`.

    Of each group the first `required` that are free, which is everybody where all are required; together in request
    order, each sub once. Raises ValueError when `available` is not free in `query`.
    """
    search = Search(query, None)
    return search.roster.booked(search.free_at(available.start))


class Search:
    """A query made ready to be looked at piece by piece."""

    def __init__(self, query: AvailabilityQuery, cache: StartCache | None) -> None:
        self.query = query
        self.roster = Roster(query)
        self.remembers = cache is not None
        self._cache = cache if cache is not None else StartCache()
        self.places = [self._starts(index) for index in self.roster.members]

    def _starts(self, index: int) -> MemberStarts:
        member = self.query.members[index]
        return self._cache.starts(member.free, member.available, need_of(self.query, member))

    def finished(self, found: Iterable[Available]) -> list[Available]:
        answer = list(islice(found, self.query.max_results))
        self.trim()
        return answer

    def trim(self) -> None:
        """Let the cache forget what is too much, now that this search is over."""
        self._cache.trim()

    def starts_inside(self, within: Period) -> Iterator[tuple[Period, Period]]:
        """Give each joined query period with those of its starts that are not too early and inside `within`."""
        query = self.query
        earliest = MIN_INSTANT if query.earliest_start is None else query.earliest_start
        for period in join_periods(query.query_periods):
            starts = overlap(Period(max(period.start, earliest), period.end - query.required_duration + 1), within)
            if starts.start < starts.end:
                yield period, starts

    def free_at(self, start: Instant) -> int:
        """Return the places of the roster that can attend the meeting at `start`."""
        return sum(bit for bit, starts in zip(self.roster.bits, self.places, strict=True) if starts.fits(start))


def need_of(query: AvailabilityQuery, member: Member) -> Need:
    """Return what the query's meeting needs of one of its members."""
    before = query.buffer_before if member.buffer_before is None else member.buffer_before
    after = query.buffer_after if member.buffer_after is None else member.buffer_after
    return Need(query.required_duration, before, after)


def _periods(search: Search) -> Iterator[Available]:
    query = search.query
    for period, starts in search.starts_inside(EVER):
        grid = start_grid(query.start_interval or 1, period)
        for first, end, people in runs(search.roster, search.places, starts):
            start = grid.at_or_after(first)
            if start < end:
                yield Available(start, end - 1 + query.required_duration, search.roster.attending(people))


def _requested_slots(search: Search, within: Period) -> Iterator[Available]:
    query, roster = search.query, search.roster
    earliest = MIN_INSTANT if query.earliest_start is None else query.earliest_start
    for start in sorted(set(query.query_slots or ())):
        if within.start <= start < within.end and start >= earliest:
            people = roster.offer(search.free_at(start))
            if people:
                yield Available(start, start + query.required_duration, roster.attending(people))


class Stretch(NamedTuple):
    """`size` starts on a grid from number `first` on, and those of them that the query asks for, one bit each."""

    grid: StartGrid
    first: int
    size: int
    asked: int


class _Rows:
    """The starts of a stretch that suit each place, one bit each; found out when first asked for."""

    def __init__(self, search: Search, stretch: Stretch) -> None:
        self._search = search
        self._stretch = stretch
        self._rows: dict[int, int] = {}

    def of(self, place: int) -> int:
        row = self._rows.get(place)
        if row is None:
            starts, stretch = self._search.places[place], self._stretch
            if self._search.remembers:
                row = starts.bits(stretch.grid, stretch.first // BLOCK_STARTS)
            else:
                row = starts.bits_from(stretch.grid, stretch.first, stretch.size)
            self._rows[place] = row
        return row

    def all(self) -> list[int]:
        return [self.of(place) for place in range(len(self._search.places))]


def _slots(search: Search, overlapping: bool, within: Period) -> list[Available]:
    query = search.query
    duration = query.required_duration
    answer: list[Available] = []
    free_from = MIN_INSTANT  # where the slot before has ended
    for stretch in stretches(search, within):
        left = None if query.max_results is None else query.max_results - len(answer)
        if left == 0:
            break
        rows = _Rows(search, stretch)
        suiting = search.roster.suiting(stretch.asked, rows.of)
        if not suiting:
            continue
        grid, begin = stretch.grid, stretch.grid.instant(stretch.first)
        if overlapping:
            numbers = _each(suiting)[:left]
        else:
            at = max(0, grid.number_from(free_from) - stretch.first)
            numbers = _apart(suiting, at, -(-duration // grid.interval), left)
            if not numbers:
                continue
            free_from = begin + numbers[-1] * grid.interval + duration
        listed = search.roster.attending_at(numbers, rows.all(), stretch.size)
        starts = [begin + number * grid.interval for number in numbers]
        answer += map(Available._make, zip(starts, [start + duration for start in starts], listed, strict=True))
    return answer


def all_starts(search: Search) -> list[Instant]:
    """Return every start on the grid at which the meeting is offered, ascending, or those requested that are."""
    query = search.query
    if query.query_slots is not None:
        return [slot.start for slot in _requested_slots(search, EVER)]
    starts: list[Instant] = []
    for stretch in stretches(search, EVER):
        suiting = search.roster.suiting(stretch.asked, _Rows(search, stretch).of)
        begin, interval = stretch.grid.instant(stretch.first), stretch.grid.interval
        starts += [begin + number * interval for number in _each(suiting)]
    search.trim()
    return starts


def slots_at(search: Search, starts: Collection[Instant]) -> dict[Instant, Available]:
    """Return the slots at some of `all_starts`, with whoever can attend each, by start."""
    query, roster = search.query, search.roster
    found: dict[Instant, Available] = {}
    if query.query_slots is not None:
        return {slot.start: slot for slot in _requested_slots(search, EVER) if slot.start in starts}
    wanted = sorted(starts)
    for stretch in stretches(search, EVER):
        begin, interval = stretch.grid.instant(stretch.first), stretch.grid.interval
        low, high = bisect_left(wanted, begin), bisect_left(wanted, begin + stretch.size * interval)
        offsets = [start - begin for start in wanted[low:high]]
        numbers = [
            offset // interval
            for offset in offsets
            if not offset % interval and stretch.asked >> (offset // interval) & 1
        ]
        if numbers:
            listed = roster.attending_at(numbers, _Rows(search, stretch).all(), stretch.size)
            for number, participants in zip(numbers, listed, strict=True):
                start = begin + number * interval
                found[start] = Available(start, start + query.required_duration, participants)
    return found


def stretches(search: Search, within: Period) -> Iterator[Stretch]:
    """The starts that the query asks for, ascending, in blocks of a grid; whole blocks when they will be remembered."""
    query = search.query
    interval = query.start_interval or default_interval(query.required_duration)
    current: tuple[StartGrid, int] | None = None
    asked = 0
    for period, starts in search.starts_inside(within):
        grid = start_grid(interval, period)
        first, end = grid.number_from(starts.start), grid.number_from(starts.end)
        for block in range(first // BLOCK_STARTS, -(-end // BLOCK_STARTS)):
            if current is not None and current != (grid, block) and asked:
                yield _stretch(*current, asked, search.remembers)
                asked = 0
            current = (grid, block)
            base = block * BLOCK_STARTS
            asked |= (1 << min(end - base, BLOCK_STARTS)) - (1 << max(first - base, 0))
    if current is not None and asked:
        yield _stretch(*current, asked, search.remembers)


def _stretch(grid: StartGrid, block: int, asked: int, whole: bool) -> Stretch:
    first = block * BLOCK_STARTS
    if whole:
        return Stretch(grid, first, BLOCK_STARTS, asked)
    lowest = (asked & -asked).bit_length() - 1
    return Stretch(grid, first + lowest, asked.bit_length() - lowest, asked >> lowest)


def _each(starts: int) -> list[int]:
    """The numbers of the bits that are set, ascending."""
    # Byte by byte: most bytes are empty, where somebody works by day.
    digits = starts.to_bytes((starts.bit_length() + 7) // 8, "little")
    return [(number << 3) + bit for number, byte in enumerate(digits) if byte for bit in _BITS_OF_BYTE[byte]]


def _apart(starts: int, at: int, step: int, most: int | None) -> list[int]:
    """The number of the first bit set from `at` on, and of each first one at least `step` after the one before."""
    digits = bin(starts)[:1:-1]
    numbers: list[int] = []
    found = digits.find("1", at)
    while found >= 0 and len(numbers) != most:
        numbers.append(found)
        found = digits.find("1", found + step)
    return numbers
