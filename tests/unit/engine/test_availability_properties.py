"""Every answer of the engine against the painted oracle: odd seconds, coarse ticks, and everything a query can say."""

from hypothesis import given, settings
from hypothesis import strategies as st

from slotlink.engine import (
    AvailabilityQuery,
    Available,
    Member,
    ParticipantGroup,
    Period,
    available_periods,
    available_slots,
    booked_members,
    free_gaps,
    gaps_of,
    offered_slot,
)

from .painted import Answer, Painted, paint

TICKS = 140


def many(examples: int) -> settings:
    return settings(max_examples=examples, deadline=None, database=None)


@st.composite
def painted_queries(draw: st.DrawFn, asks_slots: bool = False, ticks: tuple[int, ...] = (1, 300)) -> Painted:
    """A query with everything in it, and its oracle. Ticks are one second, or five minutes for hours of them."""
    tick = draw(st.sampled_from(ticks))
    base = draw(st.integers(-(10**6), 6 * 10**6)) * tick

    def instant(at: int) -> int:
        return base + at * tick

    def pairs(least: int, most: int, longest: int) -> list[tuple[int, int]]:
        pair = st.tuples(st.integers(0, TICKS), st.integers(0, longest))
        raw = draw(st.lists(pair, min_size=least, max_size=most))
        return [(start, min(TICKS, start + length)) for start, length in raw]

    def periods(raw: list[tuple[int, int]]) -> tuple[Period, ...]:
        return tuple(Period(instant(start), instant(end)) for start, end in raw)

    def buffer() -> int | None:
        return draw(st.sampled_from([None, None, 0, 1, 2, 5, 9]))

    def seconds(ticks: int | None) -> int | None:
        return None if ticks is None else ticks * tick

    members: list[Member] = []
    busy: list[bytearray] = []
    available: list[bytearray | None] = []
    for sub in "abcde"[draw(st.integers(0, 4)) :]:
        blocks = pairs(0, 6, 10)
        painted = bytearray(TICKS)
        for start, end in blocks:
            painted[start:end] = b"\x01" * (end - start)
        busy.append(painted)
        windows = periods(pairs(0, 6, 120)) if draw(st.integers(0, 3)) == 3 else None
        available.append(None if windows is None else paint(windows, base, tick, TICKS))
        members.append(
            Member(
                sub=draw(st.sampled_from([sub, sub, sub, "a", "b"])),
                free=free_gaps((instant(start), instant(end)) for start, end in blocks),
                available=None if windows is None else gaps_of(windows),
                buffer_before=seconds(buffer()),
                buffer_after=seconds(buffer()),
            )
        )

    groups: list[ParticipantGroup] = []
    for _ in range(draw(st.sampled_from([1, 1, 1, 2, 3]))):
        indexes = draw(st.permutations(range(len(members))))[draw(st.integers(0, len(members) - 1)) :]
        if draw(st.integers(0, 3)) == 3:
            indexes.append(indexes[0])
        everybody = len({members[index].sub for index in indexes})
        required = draw(st.sampled_from([1, 1, 1, min(2, everybody), everybody, 2]))
        groups.append(ParticipantGroup(tuple(indexes), required))

    first, cut, last = draw(st.integers(0, 40)), draw(st.integers(40, 100)), draw(st.integers(100, TICKS))
    query = AvailabilityQuery(
        participants=tuple(groups),
        members=tuple(members),
        required_duration=draw(st.integers(1, 11)) * tick,
        query_periods=() if asks_slots else periods([*pairs(0, 2, 40), (cut, last), (first, cut)]),
        query_slots=tuple(instant(draw(st.integers(-9, TICKS + 9))) for _ in range(9)) if asks_slots else None,
        start_interval=seconds(draw(st.one_of(st.none(), st.integers(1, 6), st.sampled_from([7, 11, 13, 23])))),
        buffer_before=(buffer() or 0) * tick,
        buffer_after=(buffer() or 0) * tick,
        earliest_start=instant(draw(st.integers(-5, TICKS))) if draw(st.integers(0, 3)) == 3 else None,
        max_results=draw(st.sampled_from([None, None, None, 0, 1, 3])),
    )
    return Painted(query, busy, available, base, tick, TICKS)


def plain(answer: list[Available]) -> Answer:
    return [(available.start, available.end, available.participants) for available in answer]


@many(320)
@given(painted_queries(ticks=(1,)))
def test_periods_agree_with_painting(painted: Painted) -> None:
    assert plain(available_periods(painted.query)) == painted.periods()


@many(320)
@given(painted_queries())
def test_slots_agree_with_painting(painted: Painted) -> None:
    assert plain(available_slots(painted.query, overlapping=False)) == painted.slots(overlapping=False)
    assert plain(available_slots(painted.query, overlapping=True)) == painted.slots(overlapping=True)


@many(160)
@given(painted_queries(), st.booleans(), st.integers(-3, TICKS), st.integers(0, TICKS))
def test_slots_within_a_part_agree_with_painting(painted: Painted, overlapping: bool, first: int, length: int) -> None:
    part = Period(painted.instant(first), painted.instant(first + length))
    expected = painted.slots(overlapping=overlapping, within=lambda instant: part.start <= instant < part.end)
    assert plain(available_slots(painted.query, overlapping=overlapping, within=part)) == expected


@many(160)
@given(painted_queries(asks_slots=True), st.booleans())
def test_requested_slots_agree_with_painting(painted: Painted, overlapping: bool) -> None:
    expected = painted.slots(overlapping=overlapping)
    assert plain(available_slots(painted.query, overlapping=overlapping)) == expected
    assert plain(available_periods(painted.query)) == expected


@many(80)
@given(st.one_of(painted_queries(), painted_queries(asks_slots=True)))
def test_a_start_is_accepted_exactly_when_it_is_offered(painted: Painted) -> None:
    if painted.query.max_results is not None:
        return
    offered = {available.start: available for available in available_slots(painted.query, overlapping=True)}
    for tick in range(-10, TICKS + 10):
        for start in {painted.instant(tick), painted.instant(tick) + painted.tick // 2}:
            assert offered_slot(painted.query, start) == offered.get(start)


@many(160)
@given(painted_queries())
def test_the_greedy_slots_and_the_starts_of_periods_are_all_offered(painted: Painted) -> None:
    for available in available_slots(painted.query, overlapping=False):
        assert offered_slot(painted.query, available.start) == available
    if painted.query.start_interval is not None:
        for available in available_periods(painted.query):
            offered = offered_slot(painted.query, available.start)
            assert offered is not None
            assert offered.participants == available.participants


@many(160)
@given(painted_queries())
def test_the_first_required_free_members_of_each_group_are_booked(painted: Painted) -> None:
    for available in available_slots(painted.query, overlapping=True):
        booked = booked_members(painted.query, available)
        subs = [painted.query.members[index].sub for index in booked]
        assert set(subs) == painted.booked((available.start - painted.base) // painted.tick)
        assert len(set(subs)) == len(subs)
        order = list(dict.fromkeys(index for group in painted.query.participants for index in group.members))
        assert sorted(booked, key=order.index) == list(booked)
