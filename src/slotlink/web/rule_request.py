"""Availability rules and available periods, as clients send them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, cast

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from slotlink.domain.rules import AvailablePeriod, StoredRule
from slotlink.web.event_request import DEFAULT_TZID, DateOrTime
from slotlink.web.period_request import at_most
from slotlink.web.wire import (
    Fault,
    Flag,
    OwnId,
    ShortText,
    Tzid,
    Wire,
    WireContext,
    exactly_one,
    fault,
    parse_time,
    zone_names,
)

_TIME_OF_DAY = "(?:[01][0-9]|2[0-3]):[0-5][0-9]"
_END_TIME = f"{_TIME_OF_DAY}|24:00"


def _time_of_day(pattern: str, form: str) -> AfterValidator:
    def check(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise fault("errors.invalid_format", f"must be a time of day such as 09:30, {form}")
        return value

    return AfterValidator(check)


class WeeklyPeriodMember(Wire):
    """A period of every week, on the clocks of the rule's zone."""

    day: Literal["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"]
    """The day on which it starts."""
    start_time: Annotated[
        str,
        _time_of_day(_TIME_OF_DAY, "from 00:00 to 23:59"),
        Field(json_schema_extra={"pattern": f"^{_TIME_OF_DAY}$", "examples": ["09:30"]}),
    ]
    end_time: Annotated[
        str,
        _time_of_day(_END_TIME, "from 00:00 to 24:00"),
        Field(json_schema_extra={"pattern": f"^({_END_TIME})$", "examples": ["17:00"]}),
    ]
    """`24:00` is the end of the day. An end before the start lies on the next day."""

    @classmethod
    def cross_check(cls, raw: Mapping[str, Any], context: WireContext) -> Iterable[Fault]:
        start, end = raw.get("start_time"), raw.get("end_time")
        if isinstance(start, str) and re.fullmatch(_TIME_OF_DAY, start) and start == end:
            yield (
                ("end_time",),
                "errors.invalid_time_pair",
                "end must differ from start; a whole day is 00:00 to 24:00, and an earlier end lies on the next day",
            )


class RuleRequest(Wire):
    """Create or replace an availability rule: the same `availability_rule_id` again replaces the whole of it."""

    availability_rule_id: OwnId
    """Yours."""
    tzid: Tzid
    calendar_ids: Annotated[list[ShortText], Field(min_length=1, max_length=100)] | None = None
    """Only these calendars of the account make it busy for this rule; all of them when absent."""
    weekly_periods: Annotated[list[WeeklyPeriodMember], at_most("weekly_periods")]
    """Several on a day are fine; where they overlap they count once. An empty list is never."""

    def stored(self) -> StoredRule:
        periods = [period.model_dump() for period in self.weekly_periods]
        return StoredRule.of(self.availability_rule_id, self.tzid, periods, self.calendar_ids)


@dataclass(frozen=True, slots=True)
class ZonedTime:
    """A time, and the zone it was sent in, if any."""

    instant: int
    tzid: str | None


def _zoned_time(value: Any) -> ZonedTime:
    if not isinstance(value, dict):
        return ZonedTime(parse_time(value), None)
    members = cast("dict[str, Any]", value)
    tzid = members.get("tzid")
    if tzid is not None and (not isinstance(tzid, str) or tzid not in zone_names()):
        raise fault("errors.tzid_unrecognized", "TZID not recognized; use a name such as Europe/London")
    return ZonedTime(parse_time(members.get("time")), tzid)


_TIME: dict[str, Any] = {"type": "string", "format": "date-time"}
ZonedTimeMember = Annotated[
    Any,
    BeforeValidator(_zoned_time),
    WithJsonSchema(
        {
            "anyOf": [
                _TIME,
                {
                    "type": "object",
                    "required": ["time"],
                    "properties": {"time": _TIME, "tzid": {"type": ["string", "null"]}},
                },
            ]
        }
    ),
]


class AvailablePeriodRequest(Wire):
    """Create or replace an available period: the same `available_period_id` again replaces it."""

    available_period_id: OwnId
    """Yours."""
    start: ZonedTimeMember
    """A time; or `time` with its `tzid`."""
    end: ZonedTimeMember
    """Like `start`, and after it."""
    tzid: Tzid | None = None
    """The zone of times that are sent without one: how they are read back, not what they mean."""

    @classmethod
    def cross_check(cls, raw: Mapping[str, Any], context: WireContext) -> Iterable[Fault]:
        try:
            ordered = _zoned_time(raw.get("end")).instant > _zoned_time(raw.get("start")).instant
        except PydanticCustomError:
            return  # reported where it is
        if not ordered:
            yield (("end",), "errors.invalid_time_pair", "end must be after start")

    def period(self) -> AvailablePeriod:
        tzid = self.start.tzid or self.tzid or DEFAULT_TZID
        return AvailablePeriod(self.available_period_id, self.start.instant, self.end.instant, tzid)


class AvailablePeriodsQuery(Wire):
    """Which available periods to read."""

    tzid: Tzid | None = None
    """The zone in which dates are meant; required with `from` or `to`."""
    from_: Annotated[DateOrTime | None, Field(alias="from")] = None
    """Periods that end on or after it."""
    to: DateOrTime | None = None
    """Periods that start before it."""
    localized_times: Flag = False
    """Times as objects, with the offset of `tzid`; without `tzid`, of the zone each period was written in."""

    @classmethod
    def cross_check(cls, raw: Mapping[str, Any], context: WireContext) -> Iterable[Fault]:
        if "tzid" not in raw and {"from", "to"} & raw.keys():
            yield (("tzid",), "errors.required", "tzid must be specified with from or to")


def _exactly_true(value: bool) -> bool:
    if value is not True:
        raise fault("errors.must_be_boolean", "must be true; to delete one period, send its available_period_id")
    return value


class AvailablePeriodDeletion(Wire):
    """Exactly one of the two."""

    model_config = ConfigDict(json_schema_extra=exactly_one("available_period_id", "delete_all"))
    available_period_id: OwnId | None = None
    """Only this one."""
    delete_all: Annotated[Flag, AfterValidator(_exactly_true), Field(json_schema_extra={"const": True})] | None = None
    """Every period that this application wrote for the account."""

    @classmethod
    def cross_check(cls, raw: Mapping[str, Any], context: WireContext) -> Iterable[Fault]:
        given = {"available_period_id", "delete_all"} & raw.keys()
        if not given:
            yield (
                ("available_period_id",),
                "errors.required",
                "available_period_id or delete_all must be specified",
            )
        elif len(given) == 2:
            yield (
                ("delete_all",),
                "errors.mutually_exclusive",
                "cannot be combined with available_period_id; send one",
            )
