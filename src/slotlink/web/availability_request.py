"""The availability query as clients send it, and what it means."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, ClassVar, cast

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    ValidationInfo,
    WithJsonSchema,
)
from pydantic_core import CoreSchema, PydanticCustomError

from slotlink.domain.query import ExcludedEvent, Group, Member, Query, ResponseFormat
from slotlink.web.wire import (
    Fault,
    Flag,
    ShortText,
    Time,
    Wire,
    WireContext,
    at_least_one,
    context_of,
    duration_between,
    duration_schema,
    exactly_one,
    fault,
    parse_duration,
    parse_time,
)

DAY_S = 86400
NEXT_ISSUE = "not supported yet; leave it out"


class PeriodMember(Wire):
    """Half open: `end` itself is not in it."""

    start: Time
    end: Time

    @classmethod
    def cross_check(cls, raw: Mapping[str, Any], context: WireContext) -> Iterable[Fault]:
        try:
            ordered = parse_time(raw.get("end")) > parse_time(raw.get("start"))
        except PydanticCustomError:
            return  # reported where it is
        if not ordered:
            yield (("end",), "errors.invalid_time_pair", "end must be after start")


class SlotMember(Wire):
    start: Time


def _buffer_edge(value: Any, info: ValidationInfo) -> int:
    edge = cast("dict[str, Any]", value) if isinstance(value, dict) else None
    if edge is not None and not edge:
        return 0
    if edge is not None and "maximum" in edge:
        raise fault("errors.not_supported", f"a maximum means something in sequences only: {NEXT_ISSUE}")
    if edge is not None and "minimum" in edge:
        value = edge["minimum"]
    context = context_of(info)
    return duration_between(value, 0, context.limits.buffer_minutes)


Edge = Annotated[
    int,
    BeforeValidator(_buffer_edge),
    WithJsonSchema(
        {
            "description": 'A duration, or `{"minimum": duration}`.',
            "anyOf": [
                {"x-duration": [0, "buffer_minutes"]},
                {
                    "type": "object",
                    "required": ["minimum"],
                    "properties": {"minimum": {"x-duration": [0, "buffer_minutes"]}},
                },
                {"type": "object", "additionalProperties": {"type": "null"}},
            ],
        }
    ),
]


class BufferMember(Wire):
    before: Edge | None = None
    after: Edge | None = None


def _required(value: Any) -> int | None:
    if value == "all":
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 2**31:
        raise fault("errors.invalid_format", 'must be "all" or a whole number above zero')
    return value


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


class _Limited(AfterValidator):
    def __get_pydantic_json_schema__(self, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {**handler(core_schema), "x-limit": self.func.__name__}


def at_most(limit: str) -> AfterValidator:
    """A list no longer than the limit of this name in the settings."""

    def check(value: Any, info: ValidationInfo) -> Any:
        context = context_of(info)
        most = getattr(context.limits, limit)
        if len(value) > most:
            raise fault("errors.too_many", f"may have {most} entries")
        return value

    check.__name__ = limit
    return _Limited(check)


def _within_span(first: int, last: int, context: WireContext) -> None:
    if last - first > context.limits.span_days * DAY_S:
        raise fault("errors.too_many", f"may span {context.limits.span_days} days from the first start to the last end")


def _period_span(periods: list[PeriodMember], info: ValidationInfo) -> list[PeriodMember]:
    _within_span(min(p.start for p in periods), max(p.end for p in periods), context_of(info))
    return periods


def _slot_span(slots: list[SlotMember], info: ValidationInfo) -> list[SlotMember]:
    _within_span(min(s.start for s in slots), max(s.start for s in slots), context_of(info))
    return slots


WirePeriods = Annotated[list[PeriodMember], Field(min_length=1), at_most("query_periods"), AfterValidator(_period_span)]


class MemberMember(Wire):
    """One candidate of a group. `available_periods: []` is never free; absent is unrestricted."""

    unbuilt: ClassVar = {
        "managed_availability": NEXT_ISSUE,
        "availability_rule_ids": NEXT_ISSUE,
        "availability_constraints": NEXT_ISSUE,
    }
    sub: ShortText
    """An account of this application."""
    calendar_ids: Annotated[list[ShortText], Field(min_length=1, max_length=100)] | None = None
    """Only these calendars make the member busy; all of them when absent."""
    available_periods: Annotated[list[PeriodMember], at_most("query_periods")] | None = None
    """The member is free inside these only. An empty list is never."""
    managed_availability: Flag = False
    buffer: BufferMember | None = None
    """In place of the query's."""
    ignore_tentative: Flag = False
    """Tentative events do not make the member busy."""
    only_managed_events: Flag = False
    """Only events that this application wrote make the member busy."""

    def member(self) -> Member:
        buffer = self.buffer or BufferMember()
        # A member's buffer replaces the query's, both its ends.
        missing = None if self.buffer is None else 0
        return Member(
            sub=self.sub,
            calendar_ids=None if self.calendar_ids is None else tuple(self.calendar_ids),
            available_periods=None
            if self.available_periods is None
            else tuple((period.start, period.end) for period in self.available_periods),
            buffer_before=missing if buffer.before is None else buffer.before,
            buffer_after=missing if buffer.after is None else buffer.after,
            ignore_tentative=self.ignore_tentative,
            only_managed_events=self.only_managed_events,
        )


class GroupMember(Wire):
    members: Annotated[list[MemberMember], Field(min_length=1), at_most("members")]
    """The candidates of the group."""
    required: Annotated[
        int | None,
        BeforeValidator(_required),
        WithJsonSchema({"anyOf": [{"const": "all"}, {"type": "integer", "minimum": 1, "maximum": 2**31 - 1}]}),
        Field(json_schema_extra={"default": "all"}),
    ] = None
    """How many of them must be free for the whole time."""

    @classmethod
    def cross_check(cls, raw: Mapping[str, Any], context: WireContext) -> Iterable[Fault]:
        required, members = raw.get("required"), raw.get("members")
        if isinstance(required, int) and not isinstance(required, bool) and isinstance(members, list):
            named = [cast("dict[str, Any]", m).get("sub") for m in cast("list[Any]", members) if isinstance(m, dict)]
            distinct = len({str(sub) for sub in named})
            if distinct and required > distinct:
                yield (
                    ("required",),
                    "errors.invalid_format",
                    f"asks for {required} of {distinct} members; ask for at most as many as there are",
                )


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
    participants: Annotated[list[GroupMember], Field(min_length=1), at_most("groups")]
    """Groups; every one of them must be satisfied at once."""
    required_duration: Annotated[int, BeforeValidator(_duration), duration_schema(1, "duration_minutes")]
    """The length of the meeting."""
    query_periods: WirePeriods | None = None
    """Where to search. Touching periods join."""
    available_periods: Annotated[WirePeriods | None, Field(json_schema_extra={"deprecated": True})] = None
    """The same as `query_periods`."""
    query_slots: (
        Annotated[list[SlotMember], Field(min_length=1), at_most("query_slots"), AfterValidator(_slot_span)] | None
    ) = None
    """Ask about exactly these starts instead."""
    start_interval: Annotated[int, BeforeValidator(_interval), WithJsonSchema(_INTERVAL_SCHEMA)] | None = None
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
            groups=tuple(
                Group(tuple(member.member() for member in group.members), group.required) for group in self.participants
            ),
            required_duration=self.required_duration,
            query_periods=tuple((period.start, period.end) for period in periods),
            query_slots=None if self.query_slots is None else tuple(slot.start for slot in self.query_slots),
            start_interval=self.start_interval,
            buffer_before=self.buffer.before or 0,
            buffer_after=self.buffer.after or 0,
            excluded_events=tuple(
                ExcludedEvent(excluded.event_id, excluded.event_uid) for excluded in self.excluded_events
            ),
        )


def _results(value: int, info: ValidationInfo) -> int:
    context = context_of(info)
    if not 1 <= value <= context.limits.results:
        raise fault("errors.invalid_format", f"must be between 1 and {context.limits.results}")
    return value


class AvailabilityRequest(AvailabilityQuery):
    response_format: ResponseFormat = "periods"
    """`periods` are stretches at least as long as the meeting; `slots` do not overlap, `overlapping_slots` may."""
    max_results: Annotated[
        int, AfterValidator(_results), Field(json_schema_extra={"minimum": 1, "x-limit": "results"})
    ] = 512
    include_member_statuses: Flag = False
    """Adds `member_statuses`: whose calendars could be read."""
