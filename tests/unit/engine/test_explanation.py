"""What an explanation counts, by example and against painting every start with and without each reason."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from hypothesis import given
from hypothesis import strategies as st

from slotlink.engine import (
    ALWAYS,
    MAX_INSTANT,
    NEVER,
    AvailabilityQuery,
    Explanation,
    GroupExplanation,
    Member,
    MemberExplanation,
    ParticipantGroup,
    Period,
    Restriction,
    Taken,
    available_slots,
    explain,
    free_gaps,
    gaps_of,
    intersect_gaps,
    join_periods,
)

from .painted import Painted, paint
from .queries import TICKS, Blocks, all_blocks, cases, painted_queries, some_pairs

HOUR = 3600


def asked(*members: Member, required: int, **rest: object) -> AvailabilityQuery:
    """For an hour on the hour between 9:00 and 13:00 of 1 January 1970: four starts."""
    query = AvailabilityQuery(
        participants=(ParticipantGroup(tuple(range(len(members))), required),),
        members=members,
        required_duration=HOUR,
        query_periods=(Period(9 * HOUR, 13 * HOUR),),
        start_interval=HOUR,
    )
    return replace(query, **rest)  # type: ignore[arg-type]


def test_what_takes_nothing_is_not_a_reason() -> None:
    found = explain(asked(Member("ann", ALWAYS), required=1), {0: [Restriction("hours", ALWAYS)]})
    assert found == Explanation(4, 0, 4, ((Period(9 * HOUR, 13 * HOUR), 4),), found.groups)
    assert found.groups == (GroupExplanation(1, 4, (MemberExplanation(0, 4, ()),)),)


def test_each_reason_counts_what_it_takes_and_what_would_be_offered_without_it() -> None:
    busy = free_gaps([(9 * HOUR, 10 * HOUR)])
    hours = gaps_of([(10 * HOUR, 11 * HOUR), (12 * HOUR, 13 * HOUR)])
    morning = Restriction("morning", gaps_of([(10 * HOUR, 11 * HOUR)]))
    noon = Restriction("noon", gaps_of([(12 * HOUR, 13 * HOUR)]))
    query = asked(Member("ann", busy, hours, buffer_before=1), Member("bob", ALWAYS), required=2)
    found = explain(query, {0: [Restriction("rules", hours, (morning, noon))]})
    assert found.offered == 1
    ann, bob = found.groups[0].members
    assert bob == MemberExplanation(1, 4, ())
    assert ann == MemberExplanation(
        0, 1, (Taken("busy", 1, 2), Taken("buffer", 1, 2), Taken("rules", 2, 2, (("morning", 3), ("noon", 3))))
    )


def test_what_lies_before_the_earliest_start_is_too_early_and_nobodys_fault() -> None:
    found = explain(asked(Member("ann", free_gaps([(9 * HOUR, 11 * HOUR)])), required=1, earliest_start=10 * HOUR), {})
    assert (found.starts, found.too_early, found.offered) == (4, 1, 2)
    assert found.groups[0].members[0].taken == (Taken("busy", 1, 3),)


def test_an_earliest_start_beyond_all_time_makes_everything_too_early() -> None:
    found = explain(asked(Member("ann", ALWAYS), required=1, earliest_start=MAX_INSTANT), {})
    assert (found.starts, found.too_early, found.offered) == (4, 4, 0)


def test_one_member_too_few_is_told_from_two_too_few() -> None:
    away = Member("ann", free_gaps([(9 * HOUR, 13 * HOUR)]))
    one = explain(asked(away, Member("bob", ALWAYS), required=2), {})
    assert [member.taken for member in one.groups[0].members] == [(Taken("busy", 4, 4),), ()]
    two = explain(asked(away, replace(away, sub="bob"), Member("cat", ALWAYS), required=3), {})
    assert [member.taken for member in two.groups[0].members] == [(Taken("busy", 4, 0),), (Taken("busy", 4, 0),), ()]


def test_starts_between_two_query_periods_are_not_counted() -> None:
    apart = Period(9 * HOUR, 10 * HOUR), Period(12 * HOUR, 14 * HOUR)
    found = explain(asked(Member("ann", NEVER), required=1, query_periods=apart), {})
    assert (found.starts, found.periods) == (3, ((apart[0], 1), (apart[1], 2)))
    assert found.groups[0].members[0].taken == (Taken("busy", 3, 3),)


def test_requested_slots_are_counted_each_once() -> None:
    query = asked(Member("ann", ALWAYS), required=1, query_periods=(), query_slots=(7, 7, 99), earliest_start=8)
    found = explain(query, {})
    assert (found.starts, found.too_early, found.offered, found.periods) == (2, 1, 1, ())


# Against painting


@dataclass
class Restricted:
    """A painted query, the named restrictions of its members, and the restrictions and their parts painted."""

    painted: Painted
    restrictions: dict[int, list[Restriction]]
    allowed: dict[int, list[bytearray]]
    parts: dict[int, list[list[bytearray]]]


_pairs = some_pairs(0, 3, 120)
_how_many = st.sampled_from([0, 0, 1, 1, 2, 3])


@st.composite
def restricted_queries(draw: st.DrawFn, asks_slots: bool = False) -> Restricted:
    painted = draw(painted_queries(asks_slots=asks_slots))
    found = Restricted(painted, {}, {}, {})
    members = list(painted.query.members)

    def one(name: str) -> tuple[Restriction, bytearray]:
        raw = tuple(Period(painted.instant(start), painted.instant(end)) for start, end in draw(_pairs))
        return Restriction(name, gaps_of(raw)), paint(raw, painted.base, painted.tick, TICKS)

    for index, member in enumerate(members):
        found.restrictions[index], found.allowed[index], found.parts[index] = [], [], []
        available, all_open = None, None
        for number in range(draw(_how_many)):
            restriction, open_ticks = one(f"restriction {number}")
            if draw(st.booleans()):
                more, more_ticks = one("second")
                either = [*zip(restriction.allowed.starts, restriction.allowed.ends, strict=True)]
                either += zip(more.allowed.starts, more.allowed.ends, strict=True)
                first = Restriction("first", restriction.allowed)
                restriction = Restriction(restriction.name, gaps_of(either), (first, more))
                found.parts[index].append([open_ticks, more_ticks])
                open_ticks = bytearray(one | two for one, two in zip(open_ticks, more_ticks, strict=True))
            else:
                found.parts[index].append([])
            found.restrictions[index].append(restriction)
            found.allowed[index].append(open_ticks)
            available = restriction.allowed if available is None else intersect_gaps(available, restriction.allowed)
            all_open = both(all_open, open_ticks)
        members[index] = replace(member, available=available)
        painted.available[index] = all_open
    found.painted = lifted(painted, tuple(members))
    return found


def both(first: bytearray | None, second: bytearray) -> bytearray:
    return second if first is None else bytearray(one & two for one, two in zip(first, second, strict=True))


def lifted(painted: Painted, members: tuple[Member, ...]) -> Painted:
    query = replace(painted.query, members=members, max_results=None)
    available: list[bytearray | None] = list(painted.available)
    return Painted(query, list(painted.busy), available, painted.base, painted.tick, painted.ticks)


def counted(restricted: Restricted) -> Explanation:
    """The explanation, counted start by start."""
    painted = restricted.painted
    query = painted.query
    everything = every_start(painted)
    asked = [
        start for start in everything if query.earliest_start is None or painted.instant(start) >= query.earliest_start
    ]

    def enough(group: ParticipantGroup, start: int) -> bool:
        return len({query.members[i].sub for i in group.members if painted.can_attend(i, start)}) >= group.required

    def count(suits: Callable[[int], bool]) -> int:
        return sum(suits(start) for start in asked)

    def explained(index: int) -> MemberExplanation:
        member = query.members[index]
        taken: list[Taken] = []

        def take(reason: str, starts: int, without: Painted, parts: tuple[tuple[str, int], ...] = ()) -> None:
            if starts:
                taken.append(Taken(reason, starts, len(without.slots(overlapping=True)), parts))

        def blocked(start: int) -> bool:
            return any(painted.busy[index][max(0, start) : max(0, start + painted.duration)])

        def with_member(other: Member) -> Painted:
            return lifted(painted, (*query.members[:index], other, *query.members[index + 1 :]))

        never_busy = with_member(member)
        never_busy.busy[index] = bytearray(TICKS)
        take("busy", count(blocked), never_busy)

        unbuffered = with_member(replace(member, buffer_before=0, buffer_after=0))
        anywhere = with_member(member)
        anywhere.available[index] = None
        kept_off = count(lambda start: not blocked(start) and not anywhere.can_attend(index, start))
        take("buffer", kept_off, unbuffered)

        for number, restriction in enumerate(restricted.restrictions[index]):
            others = with_member(member)
            others.available[index] = None
            for other, open_ticks in enumerate(restricted.allowed[index]):
                if other != number:
                    others.available[index] = both(others.available[index], open_ticks)

            def shut(open_ticks: bytearray) -> int:
                return count(lambda start: not all(open_ticks[start : start + painted.duration]))

            parts = tuple(
                (part.name, shut(open_ticks))
                for part, open_ticks in zip(restriction.parts, restricted.parts[index][number], strict=True)
            )
            take(restriction.name, shut(restricted.allowed[index][number]), others, parts)
        return MemberExplanation(index, count(lambda start: painted.can_attend(index, start)), tuple(taken))

    return Explanation(
        starts=len(everything),
        too_early=len(everything) - len(asked),
        offered=count(lambda start: all(enough(group, start) for group in query.participants)),
        periods=tuple(
            (period, sum(inside(painted, period, start) for start in everything)) for period in joined(query)
        ),
        groups=tuple(
            GroupExplanation(
                group.required,
                count(lambda start, group=group: enough(group, start)),
                tuple(explained(index) for index in dict.fromkeys(group.members)),
            )
            for group in query.participants
        ),
    )


def every_start(painted: Painted) -> list[int]:
    """The ticks of all starts that are asked about, too early or not."""
    query = painted.query
    if query.query_slots is not None:
        return [(start - painted.base) // painted.tick for start in sorted(set(query.query_slots))]
    interval = min(query.required_duration, 900) if query.start_interval is None else query.start_interval
    return [start for start, anchor in painted.query_period_starts() if painted.on_grid(start, anchor, interval)]


def joined(query: AvailabilityQuery) -> tuple[Period, ...]:
    return join_periods(query.query_periods)


def inside(painted: Painted, period: Period, start: int) -> bool:
    return period.start <= painted.instant(start) and painted.instant(start + painted.duration) <= period.end


@cases(200)
@given(st.one_of(restricted_queries(), restricted_queries(), restricted_queries(asks_slots=True)), all_blocks)
def test_explanations_agree_with_painting(restricted: Restricted, blocks: Blocks) -> None:
    with blocks.used():
        found = explain(restricted.painted.query, restricted.restrictions)
        assert found == counted(restricted)
        assert found.offered == len(available_slots(restricted.painted.query, overlapping=True))
