"""Why nothing is offered: how many starts each thing takes away, and what would be offered without it.

Asked for only when somebody wants to know; the search itself counts nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from slotlink.engine.availability import EVER, Search, Stretch, need_of, stretches
from slotlink.engine.buffers import Need
from slotlink.engine.participants import at_least
from slotlink.engine.periods import Gaps, Instant, Period, join_periods
from slotlink.engine.query import AvailabilityQuery, Member, ParticipantGroup
from slotlink.engine.starts import MemberStarts, StartCache


class Restriction(NamedTuple):
    """A named part of what bounds a member's available time; their `available` is what all of them leave.

    `parts` are named too when the restriction is the union of several.
    """

    name: str
    allowed: Gaps
    parts: tuple["Restriction", ...] = ()


@dataclass(frozen=True, slots=True)
class Taken:
    """What one reason does to one member: the starts it takes away, and those offered if it alone did not stand.

    reason   `busy`, `buffer`, or the name of a restriction
    without  starts that would be offered to everybody without it
    """

    reason: str
    starts: int
    without: int
    parts: tuple[tuple[str, int], ...] = ()  # of a union: starts that each part alone does not allow


@dataclass(frozen=True, slots=True)
class MemberExplanation:
    """`index` into the query's members, the starts at which they can attend, and what takes the others away."""

    index: int
    starts: int
    taken: tuple[Taken, ...]


@dataclass(frozen=True, slots=True)
class GroupExplanation:
    """The starts at which enough members of the group can attend, and its members one by one."""

    required: int
    starts: int
    members: tuple[MemberExplanation, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """`starts` are all starts in the query periods (on the grid of slots), or the requested ones; `offered` those that
    suit everybody. `periods` are the joined query periods with their starts; `too_early` lie before the earliest."""

    starts: int
    too_early: int
    offered: int
    periods: tuple[tuple[Period, int], ...]
    groups: tuple[GroupExplanation, ...]


def explain(query: AvailabilityQuery, restrictions: Mapping[int, Sequence[Restriction]]) -> Explanation:
    """Count, for each member by index, what their busy time, buffers and `restrictions` take away."""
    counted = _Counted(query)
    groups = [_GroupRows(counted, group) for group in query.participants]
    offered = counted.asked
    for group in groups:
        offered &= group.enough
    return Explanation(
        starts=counted.inside.bit_count(),
        too_early=(counted.inside & ~counted.asked).bit_count(),
        offered=offered.bit_count(),
        periods=counted.periods(),
        groups=tuple(
            GroupExplanation(
                required=group.required,
                starts=group.enough.bit_count(),
                members=tuple(
                    _explain_member(counted, groups, index, restrictions.get(index, ())) for index in group.indexes
                ),
            )
            for group in groups
        ),
    )


def _explain_member(
    counted: "_Counted", groups: Sequence["_GroupRows"], index: int, restrictions: Sequence[Restriction]
) -> MemberExplanation:
    member = counted.query.members[index]
    everything, free = counted.asked, counted.row(member.free, unbuffered=True)
    buffered = free & counted.row(member.free, member)
    allowed = [counted.row(restriction.allowed, unbuffered=True) for restriction in restrictions]
    hours = _all_of(everything, allowed)
    taken: list[Taken] = []

    def take(reason: str, left: int, without: int, parts: tuple[tuple[str, int], ...] = ()) -> None:
        if left != everything:
            offered = _all_of(everything, [group.enough_if(index, without) for group in groups])
            taken.append(Taken(reason, (everything & ~left).bit_count(), offered.bit_count(), parts))

    take("busy", free, hours)
    take("buffer", everything & ~(free & ~buffered), free & hours)
    for number, restriction in enumerate(restrictions):
        others = _all_of(everything, [*allowed[:number], *allowed[number + 1 :]])
        parts = tuple(
            (part.name, (everything & ~counted.row(part.allowed, unbuffered=True)).bit_count())
            for part in restriction.parts
        )
        take(restriction.name, allowed[number], buffered & others, parts)
    return MemberExplanation(index, (buffered & hours).bit_count(), tuple(taken))


def _all_of(everything: int, rows: Sequence[int]) -> int:
    for row in rows:
        everything &= row
    return everything


class _Counted:
    """All starts that a query asks about, one bit each: on the grid of slots, or those that it names.

    `inside` are all of them, `asked` those that are not too early."""

    def __init__(self, query: AvailabilityQuery) -> None:
        self.query = query
        search = Search(replace(query, earliest_start=None), None)
        self._stretches = [] if query.query_slots is not None else list(stretches(search, EVER))
        self._starts = sorted(set(query.query_slots or ()))
        earliest = query.earliest_start
        self.inside = self._bits(lambda stretch: stretch.asked, lambda start: True)
        self.asked = (
            self.inside
            if earliest is None
            else self._bits(
                lambda stretch: (
                    stretch.asked
                    & -(1 << min(max(0, stretch.grid.number_from(earliest) - stretch.first), stretch.size))
                ),
                lambda start: start >= earliest,
            )
        )

    def row(self, gaps: Gaps, member: Member | None = None, *, unbuffered: bool = False) -> int:
        """The asked starts at which the meeting fits `gaps`, with the buffers of `member` unless `unbuffered`."""
        need = Need(self.query.required_duration) if member is None or unbuffered else need_of(self.query, member)
        starts = StartCache().starts(gaps, None, need)
        return self.asked & self._fitting(starts)

    def attending(self, member: Member) -> int:
        row = self.row(member.free, member)
        return row if member.available is None else row & self.row(member.available)

    def periods(self) -> tuple[tuple[Period, int], ...]:
        """Each joined query period with its starts."""
        counts: list[tuple[Period, int]] = []
        for period in join_periods(self.query.query_periods):
            hours = Gaps([period.start], [period.end])
            starts = StartCache().starts(hours, None, Need(self.query.required_duration))
            counts.append((period, (self.inside & self._fitting(starts)).bit_count()))
        return tuple(counts)

    def _fitting(self, starts: MemberStarts) -> int:
        return self._bits(lambda stretch: starts.bits_from(stretch.grid, stretch.first, stretch.size), starts.fits)

    def _bits(self, of_stretch: Callable[[Stretch], int], of_start: Callable[[Instant], bool]) -> int:
        bits = sum(1 << number for number, start in enumerate(self._starts) if of_start(start))
        at = 0
        for stretch in self._stretches:
            bits |= of_stretch(stretch) << at
            at += stretch.size
        return bits


class _GroupRows:
    """A group's starts, member by member. `enough` are those at which enough of them can attend."""

    def __init__(self, counted: _Counted, group: ParticipantGroup) -> None:
        self.indexes = tuple(dict.fromkeys(group.members))
        self.required = group.required
        members = counted.query.members
        self._subs = {index: members[index].sub for index in self.indexes}
        self._rows = {index: counted.attending(members[index]) for index in self.indexes}
        by_sub: dict[str, int] = {}
        for index, sub in self._subs.items():
            by_sub[sub] = by_sub.get(sub, 0) | self._rows[index]
        rows = list(by_sub.values())
        self._by_sub = by_sub
        self.enough = at_least(group.required, rows)
        self._one_short = counted.asked if group.required == 1 else at_least(group.required - 1, rows)

    def enough_if(self, index: int, row: int) -> int:
        """The starts at which enough can attend when the member `index` can at every start of `row` too."""
        if index not in self._subs:
            return self.enough
        return self.enough | (self._one_short & row & ~self._by_sub[self._subs[index]])
