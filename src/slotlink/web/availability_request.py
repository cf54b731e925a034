"""The availability query as clients send it, and what it means."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, ValidationInfo, WithJsonSchema

from slotlink.domain.query import ExcludedEvent, Group, Query, ResponseFormat
from slotlink.web.participants_request import BufferMember, GroupMember
from slotlink.web.period_request import WirePeriods, WireSlots, at_most
from slotlink.web.wire import (
    Fault,
    Flag,
    ShortText,
    Wire,
    WireContext,
    at_least_one,
    context_of,
    duration_between,
    duration_schema,
    exactly_one,
    fault,
    parse_duration,
)


def _duration(value: Any, info: ValidationInfo) -> int:
    context = context_of(info)
    return duration_between(value, 1, context.limits.duration_minutes)


_INTERVAL_MINUTES: dict[str, Any] = {
    "type": "integer",
    "anyOf": [
        {"minimum": 5, "maximum": 60, "multipleOf": 5},
        {"minimum": 60, "maximum": 1440, "multipleOf": 60},
    ],
}
_INTERVAL_SCHEMA: dict[str, Any] = {
    "title": "Duration",
    "description": "5 to 60 minutes in steps of 5, or whole hours up to 24.",
    "anyOf": [
        {
            "type": "object",
            "required": ["minutes"],
            "properties": {"minutes": _INTERVAL_MINUTES, "hours": {"const": 0}},
        },
        {
            "type": "object",
            "required": ["hours"],
            "properties": {"hours": {"type": "integer", "minimum": 1, "maximum": 24}, "minutes": {"const": 0}},
        },
        _INTERVAL_MINUTES,
    ],
}


def _interval(value: Any) -> int:
    seconds = parse_duration(value)
    minutes = seconds // 60
    if not ((5 <= minutes <= 60 and minutes % 5 == 0) or (0 < minutes <= 1440 and minutes % 60 == 0)):
        raise fault("errors.invalid_format", "must be 5 to 60 minutes in steps of 5, or whole hours up to 24")
    return seconds


RequiredDuration = Annotated[int, BeforeValidator(_duration), duration_schema(1, "duration_minutes")]
StartInterval = Annotated[int, BeforeValidator(_interval), WithJsonSchema(_INTERVAL_SCHEMA)]
WireGroups = Annotated[list[GroupMember], Field(min_length=1), at_most("groups")]


def groups_of(participants: Iterable[GroupMember]) -> tuple[Group, ...]:
    return tuple(Group(tuple(member.member() for member in group.members), group.required) for group in participants)


class ExcludedMember(Wire):
    model_config = ConfigDict(json_schema_extra=at_least_one("event_id", "event_uid"))
    event_id: ShortText | None = None
    event_uid: ShortText | None = None

    @classmethod
    def cross_check(cls, raw: Mapping[str, Any], context: WireContext) -> Iterable[Fault]:
        if not ({"event_id", "event_uid"} & raw.keys()):
            yield (("event_id",), "errors.required", "event_id or event_uid must be specified")


class AvailabilityQuery(Wire):
    """Who, how long, and when: all groups must be satisfied at once."""

    model_config = ConfigDict(json_schema_extra=exactly_one("query_periods", "available_periods", "query_slots"))
    unbuilt: ClassVar = {"bookable_events": "not supported; ask with participants"}
    participants: WireGroups
    """Groups; every one of them must be satisfied at once."""
    required_duration: RequiredDuration
    """The length of the meeting."""
    query_periods: WirePeriods | None = None
    """Where to search. Touching periods join."""
    available_periods: Annotated[WirePeriods | None, Field(json_schema_extra={"deprecated": True})] = None
    """The same as `query_periods`."""
    query_slots: WireSlots | None = None
    """Ask about exactly these starts instead."""
    start_interval: StartInterval | None = None
    """Spacing of starts; 15 minutes, or the duration if that is shorter, when absent."""
    buffer: BufferMember = BufferMember()
    """Free time needed before and after the meeting."""
    excluded_events: Annotated[list[ExcludedMember], Field(max_length=100, default_factory=list)]
    """Events that do not count as busy, as when one of them is to be moved."""

    @classmethod
    def cross_check(cls, raw: Mapping[str, Any], context: WireContext) -> Iterable[Fault]:
        given = [name for name in ("query_periods", "available_periods", "query_slots") if name in raw]
        if not given:
            yield (("query_periods",), "errors.required", "query_periods or query_slots must be specified")
        for name in given[1:]:
            yield ((name,), "errors.mutually_exclusive", f"cannot be combined with {given[0]}; send one of them")

    def query(self) -> Query:
        periods = self.query_periods or self.available_periods or []
        return Query(
            groups=groups_of(self.participants),
            required_duration=self.required_duration,
            query_periods=tuple((period.start, period.end) for period in periods),
            query_slots=None if self.query_slots is None else tuple(slot.start for slot in self.query_slots),
            start_interval=self.start_interval,
            buffer_before=self.buffer.before.minimum if self.buffer.before else 0,
            buffer_after=self.buffer.after.minimum if self.buffer.after else 0,
            excluded_events=tuple(
                ExcludedEvent(excluded.event_id, excluded.event_uid) for excluded in self.excluded_events
            ),
        )


def checked_results(value: int, info: ValidationInfo) -> int:
    context = context_of(info)
    if not 1 <= value <= context.limits.results:
        raise fault("errors.invalid_format", f"must be between 1 and {context.limits.results}")
    return value


class AvailabilityRequest(AvailabilityQuery):
    response_format: ResponseFormat = "periods"
    """`periods` are stretches at least as long as the meeting; `slots` do not overlap, `overlapping_slots` may."""
    max_results: Annotated[
        int, AfterValidator(checked_results), Field(json_schema_extra={"minimum": 1, "x-limit": "results"})
    ] = 512
    include_member_statuses: Flag = False
    """Adds `member_statuses`: whose calendars could be read."""
    explain: Flag = False
    """Ours: when there is nothing to offer, adds `explanation`: what takes away how many starts, member by member."""
