"""Sequences against nested loops over every order of the steps and every painted start."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from slotlink.engine import (
    ALWAYS,
    AvailabilityQuery,
    Member,
    ParticipantGroup,
    Period,
    SequenceStep,
    StartCache,
    available_sequences,
    count_orders,
)
from slotlink.engine.sequences import orders

from .painted import Answer, Painted
from .queries import EDGE, TICKS, Blocks, all_blocks, cases, painted_queries

MOST_WAYS = 4000
"""Beyond it a case is not compared: that so many ways are found is no better shown by more of them."""

Way = list[tuple[int, tuple[int, int, tuple[int, ...]]]]

_spans = st.lists(
    st.tuples(st.integers(EDGE, TICKS - EDGE - 30), st.sampled_from([9, 30, 50])), min_size=1, max_size=2
) | st.sampled_from([[(EDGE, 50)], [(EDGE, 90)], [(EDGE, 90)], [(TICKS - EDGE - 50, 50)]])
_least = st.sampled_from([0, 0, 0, 1, 2, 5, 11])
_most = st.sampled_from([None, None, None, 0, 3, 8, 20])
_ordinals = st.sampled_from([None, None, 1, 1, 2, 3])
_step = st.tuples(
    _spans,
    st.sampled_from([1, 2, 3, 5, 7]),
    st.sampled_from([1, 2, 5, 6, 7, 11, 13]),
    _ordinals,
    st.tuples(_least, _most, _least, _most),
    st.sampled_from([False, False, True]),
    st.integers(0, 7),
    st.integers(0, 2),
)
_steps = st.sampled_from([2, 3, 3, 4]).flatmap(lambda n: st.lists(_step, min_size=n, max_size=n))


@st.composite
def painted_sequences(draw: st.DrawFn) -> tuple[list[SequenceStep], list[Painted]]:
    """One to four steps over the same people, each with its own length, grid, periods and group; and their oracles."""
    world = draw(painted_queries(ticks=(1, 1, 60)))
    steps: list[SequenceStep] = []
    oracles: list[Painted] = []
    for spans, duration, interval, ordinal, gaps, everybody, member, odd in draw(_steps):
        least_before, most_before, least_after, most_after = (None if g is None else g * world.tick for g in gaps)
        groups = world.query.participants if everybody else (ParticipantGroup((member % len(world.busy),), 1),)
        query: AvailabilityQuery = replace(
            world.query,
            participants=groups,
            earliest_start=None if world.query.earliest_start is None else world.instant(EDGE + 9),
            required_duration=duration * world.tick,
            query_periods=tuple(
                Period(world.instant(start), world.instant(min(TICKS - EDGE, start + length)))
                for start, length in spans
            ),
            start_interval=interval * world.tick,
        )
        oracle = replace(query, max_results=None)
        oracles.append(Painted(oracle, world.busy, world.available, world.base, world.tick, TICKS))
        # Seconds between two ticks bound what the next tick does.
        steps.append(
            SequenceStep(
                query,
                ordinal,
                max(0, (least_before or 0) - odd),
                None if most_before is None else most_before + (odd if world.tick > 1 else 0),
                least_after or 0,
                most_after,
            )
        )
    return steps, oracles


def may_follow(steps: Sequence[SequenceStep], order: tuple[int, ...]) -> bool:
    given_ordinals = [steps[index].ordinal for index in order if steps[index].ordinal is not None]
    return given_ordinals == sorted(given_ordinals)  # type: ignore[type-var]


def ways_in_order(steps: Sequence[SequenceStep], slots: Sequence[Answer], order: tuple[int, ...]) -> Iterator[Way]:
    def follow(way: Way) -> Iterator[Way]:
        if len(way) == len(order):
            yield way
            return
        later = order[len(way)]
        for slot in slots[later]:
            if way and not fits(steps[way[-1][0]], steps[later], slot[0] - way[-1][1][1]):
                continue
            yield from follow([*way, (later, slot)])

    return follow([])


def fits(earlier: SequenceStep, later: SequenceStep, gap: int) -> bool:
    least = max(earlier.least_after, later.least_before)
    mosts = [most for most in (earlier.most_after, later.most_before) if most is not None]
    return gap >= least and all(gap <= most for most in mosts)


def every_way(steps: Sequence[SequenceStep], slots: Sequence[Answer]) -> list[Way] | None:
    """All ways, ascending by their starts, in the order of the steps where those are the same; None when too many."""
    found: list[Way] = []
    for order in permutations(range(len(steps))):
        if may_follow(steps, order):
            for way in ways_in_order(steps, slots, order):
                found.append(way)
                if len(found) > MOST_WAYS:
                    return None
    return sorted(found, key=lambda way: [slot[0] for _, slot in way])


@cases(300)
@given(painted_sequences(), all_blocks, st.sampled_from([None, None, 0, 1, 5, 30]))
def test_sequences_agree_with_nested_loops(
    sequence: tuple[list[SequenceStep], list[Painted]], blocks: Blocks, most: int | None
) -> None:
    steps, oracles = sequence
    expected = every_way(steps, [oracle.slots(overlapping=True) for oracle in oracles])
    with blocks.used():
        for cache in (None, StartCache(), StartCache(2000)):
            found = available_sequences(steps, most if expected is not None else MOST_WAYS, cache=cache)
            plain = [[(index, tuple(available)) for index, available in way] for way in found]
            if expected is None:
                assert len(found) == MOST_WAYS
            else:
                assert plain == expected[:most]


@cases(100)
@given(st.lists(_ordinals, min_size=1, max_size=6))
def test_the_orders_are_all_that_the_ordinals_allow(ordinals: list[int | None]) -> None:
    query = AvailabilityQuery((ParticipantGroup((0,), 1),), (Member("ann", ALWAYS),), 60)
    steps = [SequenceStep(query, ordinal) for ordinal in ordinals]
    allowed = [order for order in permutations(range(len(steps))) if may_follow(steps, order)]
    assert list(orders(steps)) == allowed
    assert count_orders(ordinals) == len(allowed)
