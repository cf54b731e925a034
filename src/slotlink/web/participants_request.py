"""Who, as clients send it: groups, their members, and what makes a member free or not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal, cast

import msgspec
from pydantic import BeforeValidator, Field, PlainValidator, ValidationInfo, WithJsonSchema

from slotlink.domain.query import Constraint, Member
from slotlink.web.event_request import Tag
from slotlink.web.period_request import PeriodMember, at_most
from slotlink.web.wire import (
    Fault,
    Flag,
    OwnId,
    ShortText,
    Tzid,
    Wire,
    WireContext,
    context_of,
    duration_between,
    fault,
)


class BufferEdge(msgspec.Struct, frozen=True):
    """Seconds. `maximum` bounds the gap to the neighbouring step of a sequence; a single meeting has no neighbour."""

    minimum: int = 0
    maximum: int | None = None


def _buffer_edge(value: Any, info: ValidationInfo) -> BufferEdge:
    most = context_of(info).limits.buffer_minutes
    members = cast("dict[str, Any]", value) if isinstance(value, dict) else {}
    if value != {} and not {"minimum", "maximum"} & members.keys():
        return BufferEdge(duration_between(value, 0, most))
    minimum = duration_between(members["minimum"], 0, most) if "minimum" in members else 0
    maximum = duration_between(members["maximum"], 0, most) if "maximum" in members else None
    if maximum is not None and maximum < minimum:
        raise fault("errors.invalid_format", "maximum must not be shorter than minimum")
    return BufferEdge(minimum, maximum)


_EDGE_BOUND: dict[str, Any] = {"x-duration": [0, "buffer_minutes"]}
_OR_NULL: dict[str, Any] = {"anyOf": [_EDGE_BOUND, {"type": "null"}]}
Edge = Annotated[
    BufferEdge,
    PlainValidator(_buffer_edge),
    WithJsonSchema(
        {
            "description": "A duration, or `{minimum, maximum}`: the minimum must be free, the maximum, not shorter, "
            "bounds the gap to the neighbouring step of a sequence.",
            "anyOf": [
                _EDGE_BOUND,
                {
                    "type": "object",
                    "anyOf": [{"required": ["minimum"]}, {"required": ["maximum"]}],
                    "properties": {"minimum": _OR_NULL, "maximum": _OR_NULL},
                },
                {"type": "object", "additionalProperties": {"type": "null"}},
            ],
        }
    ),
]


class BufferMember(Wire):
    before: Edge | None = None
    after: Edge | None = None


_NO_BUFFER = BufferMember()
_PLAIN = {"sub", "managed_availability"}


class ConstraintMember(Wire):
    period: Literal["day", "week"]
    """Weeks begin on Monday."""
    limit: Annotated[int, Field(ge=1, le=2**31 - 1)]
    """With so many events in the day or week, or more, the member has no availability in it."""
    tags: Annotated[dict[ShortText, Annotated[list[Tag], Field(max_length=50)]], Field(max_length=10)] | None = None
    """Only events that carry all of these tags count."""
    tzid: Tzid | None = None
    """Whose days and weeks; the account's own zone when absent."""

    def constraint(self) -> Constraint:
        tags = sorted({(kind, tag.value) for kind, values in (self.tags or {}).items() for tag in values})
        return Constraint(self.period, self.limit, tuple(tags), self.tzid)


def _required(value: Any) -> int | None:
    if value == "all":
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 2**31:
        raise fault("errors.invalid_format", 'must be "all" or a whole number above zero')
    return value


class MemberMember(Wire):
    """One candidate of a group. `available_periods: []` is never free; absent is unrestricted."""

    sub: ShortText
    """An account of this application."""
    calendar_ids: Annotated[list[ShortText], Field(min_length=1, max_length=100)] | None = None
    """Only these calendars make the member busy; all of them when absent."""
    available_periods: Annotated[list[PeriodMember], at_most("query_periods")] | None = None
    """The member is free inside these only. An empty list is never."""
    managed_availability: Flag = False
    """Only within the availability rules and available periods stored for the account, if there are any."""
    availability_rule_ids: Annotated[list[OwnId], Field(max_length=100)] | None = None
    """Which rules count for `managed_availability`: all when absent, none when empty."""
    availability_constraints: Annotated[list[ConstraintMember], Field(max_length=10)] | None = None
    """Quotas of this application's events: in a full day or week the member is never free."""
    buffer: BufferMember | None = None
    """In place of the query's."""
    ignore_tentative: Flag = False
    """Tentative events do not make the member busy."""
    only_managed_events: Flag = False
    """Only events that this application wrote make the member busy."""

    def member(self) -> Member:
        if self.model_fields_set <= _PLAIN:  # nearly everybody, and there may be a thousand
            return Member(self.sub, managed_availability=self.managed_availability)
        buffer = self.buffer or _NO_BUFFER
        # A member's buffer replaces the query's, both its ends.
        missing = None if self.buffer is None else 0
        return Member(
            sub=self.sub,
            calendar_ids=None if self.calendar_ids is None else tuple(self.calendar_ids),
            available_periods=None
            if self.available_periods is None
            else tuple((period.start, period.end) for period in self.available_periods),
            buffer_before=missing if buffer.before is None else buffer.before.minimum,
            buffer_after=missing if buffer.after is None else buffer.after.minimum,
            ignore_tentative=self.ignore_tentative,
            only_managed_events=self.only_managed_events,
            managed_availability=self.managed_availability,
            availability_rule_ids=None if self.availability_rule_ids is None else tuple(self.availability_rule_ids),
            constraints=tuple(constraint.constraint() for constraint in self.availability_constraints or ()),
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
