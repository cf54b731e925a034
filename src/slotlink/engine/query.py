"""What is asked and what is answered, as frozen values. The wire's names, `guides/engine.md` section 3.

A query that makes no sense (no participants, a duration of nothing) is the caller's mistake and raises ValueError;
what a client may have got wrong is told apart and reported before a query is made.
"""

from dataclasses import dataclass
from typing import NamedTuple

from slotlink.engine.periods import Gaps, Instant, Period


@dataclass(frozen=True, slots=True)
class Member:
    """One person or resource in a group, with the restrictions of that place in the request.

    sub            who it is; the same sub may stand in several places with different restrictions
    free           the time no considered event blocks
    available      when the member may be booked at all; None is always, NEVER is never
    buffer_before  seconds, in place of the query's; None is the query's
    buffer_after   the same, after the meeting
    """

    sub: str
    free: Gaps
    available: Gaps | None = None
    buffer_before: int | None = None
    buffer_after: int | None = None

    def __post_init__(self) -> None:
        if (self.buffer_before or 0) < 0 or (self.buffer_after or 0) < 0:
            raise ValueError("a buffer is never negative")


@dataclass(frozen=True, slots=True)
class ParticipantGroup:
    """Members of whom `required` different subs must be free for the whole meeting, the same ones throughout.

    `members` are indexes into the query's members, in request order. "all" is the number of distinct subs; more than
    that is a group nobody can satisfy.
    """

    members: tuple[int, ...]
    required: int

    def __post_init__(self) -> None:
        if self.required < 1:
            raise ValueError("a group requires at least one member")


@dataclass(frozen=True, slots=True)
class AvailabilityQuery:
    """When can every group of `participants` meet for `required_duration` seconds?

    required_duration  seconds, above zero
    query_periods      where the meeting must lie, raw: they are sorted and joined here
    query_slots        in place of the periods: exactly these starts, whatever the start interval
    start_interval     seconds between starts; None is the default of the format (`slots.default_interval`)
    buffer_before      seconds free of busy time before the meeting
    buffer_after       the same, after it
    earliest_start     now and the minimum notice; no meeting starts before it
    max_results        the answer is cut after so many
    """

    participants: tuple[ParticipantGroup, ...]
    members: tuple[Member, ...]
    required_duration: int
    query_periods: tuple[Period, ...] = ()
    query_slots: tuple[Instant, ...] | None = None
    start_interval: int | None = None
    buffer_before: int = 0
    buffer_after: int = 0
    earliest_start: Instant | None = None
    max_results: int | None = None

    def __post_init__(self) -> None:
        if self.required_duration < 1:
            raise ValueError("a meeting lasts at least a second")
        if self.start_interval is not None and self.start_interval < 1:
            raise ValueError("a start interval is at least a second")
        if self.buffer_before < 0 or self.buffer_after < 0:
            raise ValueError("a buffer is never negative")
        if self.max_results is not None and self.max_results < 0:
            raise ValueError("max_results is never negative")
        if not self.participants:
            raise ValueError("a query asks for at least one group")
        if any(not 0 <= index < len(self.members) for group in self.participants for index in group.members):
            raise ValueError("a group names a member that the query does not have")


class Available(NamedTuple):
    """A time that suits: every listed member is free for every meeting of the required duration within it.

    `participants` are indexes into the query's members: everybody who is free, also beyond the number required, in
    request order, each sub once: by its first place, whichever of its places is free, so that the same people are the
    same participants.
    """

    start: Instant
    end: Instant
    participants: tuple[int, ...]
