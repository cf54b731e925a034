"""Every answer of the engine against the painted oracle: what a query can say, however much of it is remembered."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from slotlink.engine import (
    ALWAYS,
    AvailabilityQuery,
    Member,
    ParticipantGroup,
    Period,
    Quota,
    StartCache,
    available_periods,
    available_slots,
    booked_members,
    full_periods,
    gaps_of,
    offered_slot,
    subtract,
)

from .painted import Answer, Painted
from .queries import (
    EDGE,
    TICKS,
    Blocks,
    Place,
    all_blocks,
    asked_otherwise,
    cases,
    draw_events,
    painted_queries,
    plain,
    some_pairs,
    with_event,
)

TINY = 3000
"""Bytes that a cache of a few entries has."""


def painted_answers(painted: Painted) -> list[Answer]:
    answers = [painted.slots(overlapping=False), painted.slots(overlapping=True)]
    return [*answers, painted.periods()] if painted.tick == 1 else answers


def answers(painted: Painted, cache: StartCache | None) -> list[Answer]:
    query = painted.query
    found = [plain(available_slots(query, overlapping=overlapping, cache=cache)) for overlapping in (False, True)]
    return [*found, plain(available_periods(query, cache=cache))] if painted.tick == 1 else found


@cases(700)
@given(painted_queries(), all_blocks)
def test_every_format_agrees_with_painting(painted: Painted, blocks: Blocks) -> None:
    expected = painted_answers(painted)
    cache = StartCache()
    with blocks.used():
        assert answers(painted, None) == expected
        assert answers(painted, cache) == expected
        assert answers(painted, cache) == expected


@cases(250)
@given(painted_queries(ticks=(1,)), all_blocks)
def test_periods_agree_with_painting(painted: Painted, blocks: Blocks) -> None:
    with blocks.used():
        assert plain(available_periods(painted.query)) == painted.periods()


@cases(300)
@given(painted_queries(asks_slots=True), all_blocks, st.integers(EDGE, TICKS), st.integers(0, TICKS))
def test_requested_slots_agree_with_painting(painted: Painted, blocks: Blocks, first: int, length: int) -> None:
    expected = painted.slots(overlapping=True)
    part = Period(painted.instant(first), painted.instant(first + length))
    inside = painted.slots(overlapping=True, within=lambda instant: part.start <= instant < part.end)
    with blocks.used():
        for cache in (None, StartCache(), StartCache(TINY)):
            for overlapping in (False, True):
                assert plain(available_slots(painted.query, overlapping=overlapping, cache=cache)) == expected
                found = available_slots(painted.query, overlapping=overlapping, within=part, cache=cache)
                assert plain(found) == inside
            assert plain(available_periods(painted.query, cache=cache)) == expected


@cases(300)
@given(
    painted_queries(), all_blocks, st.booleans(), st.integers(EDGE - 3, TICKS), st.integers(0, TICKS), st.integers(0, 1)
)
def test_slots_within_a_part_agree_with_painting(
    painted: Painted, blocks: Blocks, overlapping: bool, first: int, length: int, odd: int
) -> None:
    part = Period(painted.instant(first) - odd, painted.instant(first + length) + odd)
    expected = painted.slots(overlapping=overlapping, within=lambda instant: part.start <= instant < part.end)
    cache = StartCache()
    with blocks.used():
        for kept in (None, cache, cache):
            found = available_slots(painted.query, overlapping=overlapping, within=part, cache=kept)
            assert plain(found) == expected


@cases(300)
@given(painted_queries(), all_blocks, st.sampled_from([0, 1000, TINY, 64 * 1024 * 1024]), st.data())
def test_what_is_remembered_changes_no_answer(
    painted: Painted, blocks: Blocks, most_bytes: int, data: st.DataObject
) -> None:
    cache = StartCache(most_bytes)
    with blocks.used():
        for _ in range(3):
            expected = painted_answers(painted)
            assert answers(painted, cache) == expected
            assert answers(painted, None) == expected
            assert cache.size <= most_bytes
            painted = asked_otherwise(data.draw, painted)
            if data.draw(st.booleans()):
                index, start = data.draw(st.integers(0, len(painted.busy) - 1)), data.draw(st.integers(0, TICKS))
                painted = with_event(painted, index, start, min(TICKS, start + data.draw(st.integers(0, 40))))


DAY = 86_400
HALF_HOURS = 48


@st.composite
def queries_with_quotas(draw: st.DrawFn) -> Painted:
    """A query over three days in half hours; of each member, days or weeks with enough events are cut out, as services
    do. The oracle counts the events of a day itself."""
    monday = 4 * DAY + 7 * DAY * draw(st.integers(-60, 3000))
    first = monday - draw(st.integers(0, 3)) * DAY
    place = Place(first, DAY // HALF_HOURS)
    ticks = 3 * HALF_HOURS
    duration = draw(st.integers(1, 6))
    members: list[Member] = []
    busy: list[bytearray] = []
    available: list[bytearray | None] = []
    for sub in "abc"[: draw(st.integers(1, 3))]:
        events = draw_events(draw, duration, duration)
        pairs = [pair for pair in events.between if pair[0] >= 0]
        quota = Quota(draw(st.sampled_from(["day", "week"])), draw(st.integers(1, 3)), "Etc/UTC")
        end = place.instant(ticks)
        closed = full_periods(quota, place.pairs(pairs), first, end)
        open_ticks = bytearray(ticks)
        for tick in range(ticks):
            opens, closes = _day_or_week_around(place.instant(tick), quota.period == "week")
            begun = [place.pairs([pair])[0] for pair in pairs]
            reached = [pair for pair in begun if pair[0] < closes and (pair[1] > opens or pair[0] >= opens)]
            open_ticks[tick] = len(reached) < quota.limit
        hours = None
        if draw(st.booleans()):
            windows = draw(some_pairs(0, 3, 70))
            hours = gaps_of(place.pairs([(start, min(end, ticks)) for start, end in windows if start < ticks]))
            for tick in range(ticks):
                open_ticks[tick] &= any(start <= tick < end for start, end in windows)
        busy.append(events.painted()[:ticks])
        available.append(open_ticks)
        # Free time goes on after the events; available time, cut, is all that is painted.
        within = gaps_of([(first, end)])
        members.append(Member(sub, events.free(place), subtract(within if hours is None else hours, closed)))
    query = AvailabilityQuery(
        participants=draw(
            st.sampled_from([(ParticipantGroup(tuple(range(len(members))), n),) for n in (1, len(members))])
        ),
        members=tuple(members),
        required_duration=duration * place.tick,
        query_periods=(Period(first, place.instant(ticks)),),
        start_interval=draw(st.sampled_from([None, place.tick, 7 * place.tick])),
    )
    if query.start_interval is None:
        query = replace(query, start_interval=2 * place.tick)
    return Painted(query, busy, available, first, place.tick, ticks)


def _day_or_week_around(instant: int, week: bool) -> tuple[int, int]:
    midnight = instant - instant % DAY
    if not week:
        return midnight, midnight + DAY
    monday = midnight - (midnight // DAY - 4) % 7 * DAY
    return monday, monday + 7 * DAY


@cases(200)
@given(queries_with_quotas())
def test_days_and_weeks_that_are_full_offer_nothing_more(painted: Painted) -> None:
    for overlapping in (False, True):
        found = available_slots(painted.query, overlapping=overlapping)
        assert plain(found) == painted.slots(overlapping=overlapping)


@cases(200)
@given(painted_queries())
def test_the_first_required_free_members_of_each_group_are_booked(painted: Painted) -> None:
    for available in available_slots(painted.query, overlapping=True):
        booked = booked_members(painted.query, available)
        subs = [painted.query.members[index].sub for index in booked]
        assert set(subs) == painted.booked((available.start - painted.base) // painted.tick)
        assert len(set(subs)) == len(subs)
        order = list(dict.fromkeys(index for group in painted.query.participants for index in group.members))
        assert sorted(booked, key=order.index) == list(booked)


def test_a_member_free_and_available_at_all_times_is_always_offered() -> None:
    query = AvailabilityQuery((ParticipantGroup((0,), 1),), (Member("ann", ALWAYS, ALWAYS),), 60, (Period(-600, 600),))
    assert len(available_slots(query, overlapping=True)) == 20
    assert offered_slot(query, 0) is not None
