"""A query as an application asks it: people by `sub`, this long, in these periods. Knows nothing of calendars.

`with_free` joins it with what calendars say and makes the engine's question of it; that is the only way there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from slotlink import engine

ResponseFormat = Literal["periods", "slots", "overlapping_slots"]


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
        return tuple(dict.fromkeys(member.sub for group in self.groups for member in group.members))

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
    def span(self) -> engine.Period:
        """All the time that can matter to an answer: the slots themselves and the buffers around them."""
        widest_before = max([self.buffer_before, *(m.buffer_before or 0 for g in self.groups for m in g.members)])
        widest_after = max([self.buffer_after, *(m.buffer_after or 0 for g in self.groups for m in g.members)])
        last = self.latest_end + (self.required_duration if self.query_slots is not None else 0)
        return engine.Period(self.first_start - widest_before, last + widest_after)


def with_free(
    query: Query, free: Callable[[Member], engine.Gaps], *, earliest_start: int | None = None, limit: int | None = None
) -> engine.AvailabilityQuery:
    """The engine's question: `query` with each member's free time. A member whose calendars are unknown gets NEVER."""
    members: list[engine.Member] = []
    groups: list[engine.ParticipantGroup] = []
    for group in query.groups:
        first = len(members)
        members += [
            engine.Member(
                sub=member.sub,
                free=free(member),
                available=None if member.available_periods is None else engine.gaps_of(member.available_periods),
                buffer_before=member.buffer_before,
                buffer_after=member.buffer_after,
            )
            for member in group.members
        ]
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
