"""A query as an application asks it: people by `sub`, this long, in these periods. Knows nothing of calendars.

`with_free` joins it with what calendars say and makes the engine's question of it; that is the only way there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from slotlink import engine

ResponseFormat = Literal["periods", "slots", "overlapping_slots"]


@dataclass(frozen=True, slots=True)
class Constraint:
    """No more than `limit` events of the application in a day or week of the member: in a full one they are never free.

    tags   (kind, value): only events that carry all of them count
    tzid   whose days and weeks; None is the account's own zone
    """

    period: Literal["day", "week"]
    limit: int
    tags: tuple[tuple[str, str], ...] = ()
    tzid: str | None = None


@dataclass(frozen=True, slots=True)
class Member:
    """One person in a group. `None` means "not said", which is never the same as an empty tuple."""

    sub: str
    calendar_ids: tuple[str, ...] | None = None
    available_periods: tuple[tuple[int, int], ...] | None = None
    buffer_before: int | None = None
    buffer_after: int | None = None
    ignore_tentative: bool = False
    only_managed_events: bool = False
    managed_availability: bool = False
    availability_rule_ids: tuple[str, ...] | None = None
    constraints: tuple[Constraint, ...] = ()


@dataclass(frozen=True, slots=True)
class Group:
    """Members of whom `required` must be free at once; `None` is all of them."""

    members: tuple[Member, ...]
    required: int | None = None


@dataclass(frozen=True, slots=True)
class ExcludedEvent:
    """An event to disregard when looking for busy time: the one that is being rescheduled."""

    event_id: str | None = None
    event_uid: str | None = None


@dataclass(frozen=True, slots=True)
class Query:
    """Instants and lengths in seconds. Exactly one of `query_periods` and `query_slots` is given."""

    groups: tuple[Group, ...]
    required_duration: int
    query_periods: tuple[tuple[int, int], ...] = ()
    query_slots: tuple[int, ...] | None = None
    start_interval: int | None = None
    buffer_before: int = 0
    buffer_after: int = 0
    excluded_events: tuple[ExcludedEvent, ...] = ()

    @property
    def subs(self) -> tuple[str, ...]:
        """Everyone asked for, once each, in request order."""
        return tuple(dict.fromkeys(member.sub for member in self.members))

    @property
    def members(self) -> tuple[Member, ...]:
        """Every member of every group, in request order."""
        return tuple(member for group in self.groups for member in group.members)

    @property
    def latest_end(self) -> int:
        """When a link over this query expires: the latest end of its periods, or its latest slot's start."""
        if self.query_slots is not None:
            return max(self.query_slots)
        return max(end for _, end in self.query_periods)

    @property
    def first_start(self) -> int:
        if self.query_slots is not None:
            return min(self.query_slots)
        return min(start for start, _ in self.query_periods)

    @property
    def interval(self) -> int:
        """Seconds between the starts that slots are looked for at."""
        return self.start_interval or engine.default_interval(self.required_duration)

    @property
    def starts(self) -> int:
        """How many starts have to be looked at, at most."""
        if self.query_slots is not None:
            return len(self.query_slots)
        joined = engine.join_periods(self.query_periods)
        return sum((end - start) // self.interval + 1 for start, end in joined)

    @property
    def lasts(self) -> bool:
        """Whether what is found out for this query may serve another: nobody's time is made for it alone."""
        return not self.excluded_events and not any(member.constraints for member in self.members)

    @property
    def work(self) -> int:
        """What answering costs, in looks at one start of one member."""
        return len(self.members) * self.starts

    @property
    def span(self) -> engine.Period:
        """All the time that can matter to an answer: the slots themselves and the buffers around them."""
        last = self.latest_end + (self.required_duration if self.query_slots is not None else 0)
        return self._with_buffers(self.first_start, last)

    def around(self, start: int) -> engine.Period:
        """The time that can matter to a meeting at `start`."""
        return self._with_buffers(start, start + self.required_duration)

    def _with_buffers(self, start: int, end: int) -> engine.Period:
        before = max(self.buffer_before, *(member.buffer_before or 0 for member in self.members))
        after = max(self.buffer_after, *(member.buffer_after or 0 for member in self.members))
        return engine.Period(start - before, end + after)


def anytime(member: Member) -> engine.Member:
    """The member as the query alone has it: free at any time that the query itself names for them."""
    hours = None if member.available_periods is None else engine.gaps_of(member.available_periods)
    return engine.Member(member.sub, engine.ALWAYS, hours, member.buffer_before, member.buffer_after)


def with_free(
    query: Query,
    places: Callable[[Member], Sequence[engine.Member]],
    *,
    earliest_start: int | None = None,
    limit: int | None = None,
) -> engine.AvailabilityQuery:
    """The engine's question: `query` with each member's free time.

    `places` gives a member's free and available time; more than one where different calendars count at different hours.
    A member whose calendars are unknown is NEVER free."""
    members: list[engine.Member] = []
    groups: list[engine.ParticipantGroup] = []
    for group in query.groups:
        first = len(members)
        for member in group.members:
            members += places(member)
        required = len({member.sub for member in group.members}) if group.required is None else group.required
        groups.append(engine.ParticipantGroup(tuple(range(first, len(members))), required))
    return engine.AvailabilityQuery(
        participants=tuple(groups),
        members=tuple(members),
        required_duration=query.required_duration,
        query_periods=tuple(engine.Period(start, end) for start, end in query.query_periods),
        query_slots=query.query_slots,
        start_interval=query.start_interval,
        buffer_before=query.buffer_before,
        buffer_after=query.buffer_after,
        earliest_start=earliest_start,
        max_results=limit,
    )
