"""How the answers to two queries relate, whatever they are: here no oracle can share a mistake with the engine."""

from collections.abc import Iterable
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from slotlink.engine import (
    MAX_INSTANT,
    MIN_INSTANT,
    AvailabilityQuery,
    Available,
    Gaps,
    Instant,
    Period,
    available_periods,
    available_slots,
    booked_members,
    offered_slot,
)

from .painted import Painted
from .queries import EDGE, TICKS, Blocks, all_blocks, asked_otherwise, cases, painted_queries, with_event

WEEK = 7 * 86_400

_ticks = st.integers(0, TICKS)
_lengths = st.integers(0, 40)


def unlimited(painted: Painted) -> Painted:
    query = replace(painted.query, max_results=None)
    return Painted(query, painted.busy, painted.available, painted.base, painted.tick, painted.ticks)


all_queries = painted_queries().map(unlimited)
queries_in_seconds = painted_queries(ticks=(1,)).map(unlimited)


def subs(query: AvailabilityQuery, available: Available) -> set[str]:
    return {query.members[index].sub for index in available.participants}


def offers(query: AvailabilityQuery) -> dict[Instant, set[str]]:
    """Who may come to each start. A sub may move to another of its places, so subs are compared, not indexes."""
    return {slot.start: subs(query, slot) for slot in available_slots(query, overlapping=True)}


def period_seconds(query: AvailabilityQuery) -> dict[Instant, set[str]]:
    """Who may be there in each second of the available periods, at one meeting or another, on no grid.

    On one, each run loses what lies before its first start on the grid: fewer runs, of fewer people, may cover more.
    """
    seconds: dict[Instant, set[str]] = {}
    for period in available_periods(replace(query, start_interval=None)):
        for second in range(period.start, period.end):
            seconds.setdefault(second, set()).update(subs(query, period))
    return seconds


def is_within(fewer: dict[Instant, set[str]], more: dict[Instant, set[str]]) -> bool:
    return all(start in more and who <= more[start] for start, who in fewer.items())


# More in the way


@cases(80)
@given(queries_in_seconds, _ticks, _lengths)
def test_another_event_adds_no_slot_no_second_and_nobody(painted: Painted, start: int, length: int) -> None:
    # Of the greedy `slots` this does not hold: where the first is gone, another may begin before its end.
    for index in range(len(painted.busy)):
        busier = with_event(painted, index, start, start + length).query
        assert is_within(offers(busier), offers(painted.query))
        assert is_within(period_seconds(busier), period_seconds(painted.query))


@cases(80)
@given(queries_in_seconds, st.integers(0, 9), st.integers(0, 9))
def test_a_larger_buffer_adds_no_slot_no_second_and_nobody(painted: Painted, before: int, after: int) -> None:
    query = painted.query
    larger = [replace(query, buffer_before=query.buffer_before + before, buffer_after=query.buffer_after + after)]
    for index, member in enumerate(query.members):
        ours = query.buffer_before if member.buffer_before is None else member.buffer_before
        other = replace(member, buffer_before=ours + before)
        larger.append(replace(query, members=(*query.members[:index], other, *query.members[index + 1 :])))
    for buffered in larger:
        assert is_within(offers(buffered), offers(query))
        assert is_within(period_seconds(buffered), period_seconds(query))


# More asked for


@cases(120)
@given(queries_in_seconds, st.lists(st.tuples(_ticks, _lengths), max_size=3), st.integers(0, 25), st.integers(0, 25))
def test_wider_and_further_query_periods_take_no_slot_away(
    painted: Painted, more: list[tuple[int, int]], earlier: int, later: int
) -> None:
    """Whether a meeting suits depends on itself alone, so what was offered stays, with the same participants, as long
    as its start stays on the grid. It does where the interval divides the day, the grid being one for all queries, and
    in `periods` without an interval. A grid counted from the query period moves with its start: there nothing is said,
    unless only ends move and no periods join. Nor of `slots`: an earlier one may push the next ones along."""
    query = painted.query
    interval = query.start_interval or min(query.required_duration, 900)
    periods = [Period(start - earlier, end + later) for start, end in query.query_periods if start < end]
    periods += [Period(painted.instant(start), painted.instant(start + length)) for start, length in more]
    wider = replace(query, query_periods=tuple(periods))
    if 86_400 % interval == 0:
        assert offers(query).items() <= offers(wider).items()
    assert is_within(period_seconds(query), period_seconds(wider))


@cases(60)
@given(queries_in_seconds, st.integers(0, 60))
def test_a_query_period_that_only_ends_later_takes_no_slot_away(painted: Painted, later: int) -> None:
    query = replace(painted.query, query_periods=painted.query.query_periods[:1])
    longer = tuple(Period(start, end + later) for start, end in query.query_periods if start < end)
    assert offers(query).items() <= offers(replace(query, query_periods=longer)).items()


@cases(120)
@given(all_queries, st.integers(0, 12))
def test_the_maximum_of_results_cuts_the_answer_and_changes_nothing_before_it(painted: Painted, most: int) -> None:
    limited = replace(painted.query, max_results=most)
    assert available_periods(limited) == available_periods(painted.query)[:most]
    for overlapping in (False, True):
        whole = available_slots(painted.query, overlapping=overlapping)
        assert available_slots(limited, overlapping=overlapping) == whole[:most]


# All of it at another time


def moved(gaps: Gaps | None, by: int) -> Gaps | None:
    def move(instants: Iterable[Instant]) -> list[Instant]:
        return [at if at in (MIN_INSTANT, MAX_INSTANT) else at + by for at in instants]

    return None if gaps is None else Gaps(move(gaps.starts), move(gaps.ends))


@cases(100)
@given(painted_queries(), st.sampled_from([1, -1, 52, -3000, 2 * 10**6, -(10**12)]))
def test_a_query_moved_by_weeks_has_the_same_answer_moved(painted: Painted, weeks: int) -> None:
    by = weeks * WEEK
    query, later = painted.query, painted.query.earliest_start
    other = replace(
        query,
        members=tuple(
            replace(member, free=moved(member.free, by), available=moved(member.available, by))
            for member in query.members
        ),
        query_periods=tuple(Period(start + by, end + by) for start, end in query.query_periods),
        earliest_start=later if later in (None, MIN_INSTANT, MAX_INSTANT) else later + by,
    )

    def back(answer: list[Available]) -> list[Available]:
        return [Available(start - by, end - by, who) for start, end, who in answer]

    assert back(available_periods(other)) == available_periods(query)
    for overlapping in (False, True):
        expected = available_slots(query, overlapping=overlapping)
        assert back(available_slots(other, overlapping=overlapping)) == expected


# What is offered and what is accepted


@cases(60)
@given(st.one_of(painted_queries(ticks=(1,)), painted_queries(ticks=(1,), asks_slots=True)), all_blocks)
def test_a_second_is_accepted_exactly_when_it_is_offered(painted: Painted, blocks: Blocks) -> None:
    offered = {available.start: available for available in available_slots(unlimited(painted).query, overlapping=True)}
    with blocks.used():
        for second in range(painted.base, painted.instant(TICKS)):
            assert offered_slot(painted.query, second) == offered.get(second)


@cases(60)
@given(painted_queries(ticks=(60, 300)))
def test_nothing_between_two_ticks_is_accepted(painted: Painted) -> None:
    interval = painted.query.start_interval or min(painted.query.required_duration, 900)
    offered = {available.start: available for available in available_slots(unlimited(painted).query, overlapping=True)}
    assert interval % painted.tick == 0
    for tick in range(EDGE - 2, TICKS - EDGE + 2):
        for second in (painted.instant(tick) - 1, painted.instant(tick), painted.instant(tick) + 1):
            assert offered_slot(painted.query, second) == offered.get(second)


@cases(100)
@given(painted_queries())
def test_the_greedy_slots_and_the_starts_of_periods_are_all_offered(painted: Painted) -> None:
    for available in available_slots(painted.query, overlapping=False):
        assert offered_slot(painted.query, available.start) == available
    if painted.query.start_interval is not None:
        for available in available_periods(painted.query):
            offered = offered_slot(painted.query, available.start)
            assert offered is not None
            assert offered.participants == available.participants


@cases(120)
@given(queries_in_seconds, all_blocks)
def test_every_second_of_a_run_is_accepted_when_asked_for_and_no_other_in_the_query_periods(
    painted: Painted, blocks: Blocks
) -> None:
    query = replace(painted.query, start_interval=None)
    asked = tuple(painted.instant(start) for start, _ in painted.query_period_starts())
    with blocks.used():
        found = available_slots(replace(query, query_periods=(), query_slots=asked), overlapping=False)
        in_runs = [
            Available(start, start + query.required_duration, period.participants)
            for period in available_periods(query)
            for start in range(period.start, period.end - query.required_duration + 1)
        ]
    assert found == in_runs


@cases(100)
@given(st.one_of(all_queries, painted_queries(asks_slots=True)))
def test_those_booked_are_among_those_offered_and_enough_for_each_group(painted: Painted) -> None:
    query = painted.query
    for available in available_slots(query, overlapping=True):
        booked = booked_members(query, available)
        booked_subs = {query.members[index].sub for index in booked}
        assert len(booked_subs) == len(booked)
        assert booked_subs <= subs(query, available)
        for group in query.participants:
            assert len(booked_subs & {query.members[index].sub for index in group.members}) >= group.required


@cases(40)
@given(all_queries, st.data())
def test_asking_twice_changes_nothing(painted: Painted, data: st.DataObject) -> None:
    first = available_slots(painted.query, overlapping=True), available_periods(painted.query)
    other = asked_otherwise(data.draw, painted).query
    available_slots(other, overlapping=False)
    assert (available_slots(painted.query, overlapping=True), available_periods(painted.query)) == first
