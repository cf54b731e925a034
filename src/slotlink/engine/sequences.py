"""Several meetings one after another: interviews of one day, each with other people and its own length.

Every step's possible starts are one row of bits. From the last step backwards, a start stays only where a start of the
step after it lies within the allowed gap; forwards, from what has stayed, no choice leads into a dead end. So it costs
little to learn that nothing fits, where a nested search would try everything.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from heapq import merge
from itertools import islice, pairwise
from math import factorial, gcd, prod

from slotlink.engine.availability import Search, all_starts, slots_at
from slotlink.engine.periods import Instant
from slotlink.engine.query import AvailabilityQuery, Available
from slotlink.engine.starts import StartCache


@dataclass(frozen=True, slots=True)
class SequenceStep:
    """One meeting of a sequence.

    query        who, how long and when; its buffers are free time around this meeting; `max_results` plays no part
    ordinal      steps follow each other by it; equal ones in any order, a step without one anywhere
    least_before, most_before    seconds from the end of the step before to the start of this one; None is without bound
    least_after, most_after      the same to the step after it
    """

    query: AvailabilityQuery
    ordinal: int | None = None
    least_before: int = 0
    most_before: int | None = None
    least_after: int = 0
    most_after: int | None = None

    def __post_init__(self) -> None:
        if self.least_before < 0 or self.least_after < 0:
            raise ValueError("a gap is never negative")


Sequenced = tuple[tuple[int, Available], ...]
"""One way to hold all steps, in the order of time: the index of each step, and its slot."""


def available_sequences(
    steps: Sequence[SequenceStep], max_results: int | None = None, *, cache: StartCache | None = None
) -> list[Sequenced]:
    """Return the ways to hold every step once, none before the one before it has ended, ascending by their starts.

    Between neighbours lie at least the larger of the two least gaps, at most the smaller of the two most. Raises
    ValueError when there are no steps.
    """
    if not steps:
        raise ValueError("a sequence has at least one step")
    searches = [Search(replace(step.query, max_results=None), cache) for step in steps]
    starts = [all_starts(search) for search in searches]
    if not all(starts):
        return []
    base = min(of_step[0] for of_step in starts)
    # One bit stands for as much time as all starts have in common, whatever their grids.
    unit = gcd(*(start - base for of_step in starts for start in of_step)) or 1
    places = [[(start - base) // unit for start in of_step] for of_step in starts]
    rows = [_row(of_step) for of_step in places]
    found = merge(*(_chains(steps, order, places, rows, unit) for order in orders(steps)), key=lambda chain: chain[1])
    answered = list(islice(found, max_results))
    # Who comes is looked up for what is answered only, and once for each start of a step.
    chosen: list[set[Instant]] = [set() for _ in steps]
    for order, held in answered:
        for step, place in zip(order, held, strict=True):
            chosen[step].add(base + place * unit)
    slots = [slots_at(search, of_step) for search, of_step in zip(searches, chosen, strict=True)]
    return [
        tuple((step, slots[step][base + place * unit]) for step, place in zip(order, held, strict=True))
        for order, held in answered
    ]


def orders(steps: Sequence[SequenceStep]) -> Iterator[tuple[int, ...]]:
    """Give every order in which the steps may be held, as indexes."""

    def follow(placed: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
        if len(placed) == len(steps):
            yield placed
            return
        left = [index for index in range(len(steps)) if index not in placed]
        lowest = min((ordinal for index in left if (ordinal := steps[index].ordinal) is not None), default=None)
        for index in left:
            if steps[index].ordinal in (None, lowest):
                yield from follow((*placed, index))

    return follow(())


def count_orders(ordinals: Sequence[int | None]) -> int:
    """Return how many orders `orders` would give, without giving them."""
    given = [ordinal for ordinal in ordinals if ordinal is not None]
    among_equal = prod(factorial(given.count(ordinal)) for ordinal in set(given))
    return among_equal * factorial(len(ordinals)) // factorial(len(given))


def _row(places: Sequence[int]) -> int:
    row = bytearray((max(places) >> 3) + 1)
    for place in places:
        row[place >> 3] |= 1 << (place & 7)
    return int.from_bytes(row, "little")


_Chain = tuple[tuple[int, ...], tuple[int, ...]]
"""The order of the steps, and the place of each one's start, in that order."""


def _chains(
    steps: Sequence[SequenceStep],
    order: tuple[int, ...],
    places: Sequence[list[int]],
    rows: Sequence[int],
    unit: int,
) -> Iterator[_Chain]:
    """Every way to hold the steps in this order, ascending; `places` and `rows` are the starts of each step."""
    hops: list[tuple[int, int]] = []
    for earlier, later in pairwise(order):
        hop = _hop(steps[earlier], steps[later], unit, rows[later].bit_length())
        if hop[0] > hop[1]:
            return
        hops.append(hop)
    left = rows[order[-1]]
    leading = [_Leading(places[order[-1]], left)]
    for step, (least, most) in zip(order[-2::-1], reversed(hops), strict=True):
        left = rows[step] & _spread(left >> least, most - least)
        if not left:
            return
        leading.append(_Leading(places[step], left))
    leading.reverse()
    for chosen in _follow(leading, hops, ()):
        yield order, chosen


def _hop(earlier: SequenceStep, later: SequenceStep, unit: int, furthest: int) -> tuple[int, int]:
    """The fewest and the most places from the start of one step to the start of the next."""
    duration = earlier.query.required_duration
    least = duration + max(earlier.least_after, later.least_before)
    bounds = [bound for bound in (earlier.most_after, later.most_before) if bound is not None]
    most = (duration + min(bounds)) // unit if bounds else furthest
    return -(-least // unit), min(most, furthest)


def _spread(row: int, width: int) -> int:
    """Return `row` moved down by 0 to `width` places, all together."""
    done = 0
    while done < width:
        step = min(done + 1, width - done)
        row |= row >> step
        done += step
    return row


class _Leading:
    """The starts of a step that lead to the end, ascending; picked out when they are first come by."""

    def __init__(self, places: list[int], row: int) -> None:
        self._all = places
        self._row = row

    @cached_property
    def places(self) -> list[int]:
        table = self._row.to_bytes((self._row.bit_length() + 7) // 8, "little")
        return [place for place in self._all if place >> 3 < len(table) and table[place >> 3] >> (place & 7) & 1]


def _follow(
    leading: Sequence[_Leading], hops: Sequence[tuple[int, int]], chosen: tuple[int, ...]
) -> Iterator[tuple[int, ...]]:
    """Every way on from the places chosen so far."""
    number = len(chosen)
    if number == len(leading):
        yield chosen
        return
    places = leading[number].places
    first, end = 0, len(places)
    if chosen:
        least, most = hops[number - 1]
        first = bisect_left(places, chosen[-1] + least)
        end = bisect_right(places, chosen[-1] + most, first)
    for at in range(first, end):
        yield from _follow(leading, hops, (*chosen, places[at]))
