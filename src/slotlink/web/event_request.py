"""Events as clients send them: the template of a link, and events written into a calendar."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal, cast

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from slotlink.domain.event import EventTime, midnight
from slotlink.web.conferencing_request import Conferencing
from slotlink.web.guests_request import Attendees
from slotlink.web.wire import (
    Fault,
    Flag,
    ShortText,
    Text,
    Tzid,
    Wire,
    WireContext,
    at_least_one,
    exactly_one,
    fault,
    parse_date,
    parse_time,
    without_code,
    zone_names,
)

Json = dict[str, Any]
DEFAULT_TZID = "Etc/UTC"
Color = Annotated[str, Field(pattern=r"^#[0-9A-Fa-f]{6}$")]


def _coordinate(value: Any) -> Any:
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


Coordinate = Annotated[
    Text,
    BeforeValidator(_coordinate),
    Field(max_length=32),
    WithJsonSchema({"anyOf": [{"type": "string", "maxLength": 32}, {"type": "number"}]}),
]


class Location(Wire):
    description: Annotated[Text, Field(max_length=1024)] | None = None
    lat: Coordinate | None = None
    long: Coordinate | None = None


class Reminder(Wire):
    minutes: Annotated[int, Field(ge=0, le=60 * 24 * 366)]


class Tag(Wire):
    value: ShortText


class EventMembers(Wire):
    """What an event says, but not when it is."""

    unbuilt: ClassVar = {
        "recurrence": "repeating events cannot be written yet; import an .ics file instead",
        "subscriptions": "event triggers are not supported yet; leave them out",
        "attachments": "attachments are not supported yet; leave them out",
    }
    event_id: ShortText
    """Yours. The same id again in the same calendar replaces the event."""
    summary: Annotated[Text, Field(min_length=1, max_length=1024)]
    description: Annotated[Text, Field(max_length=4096)] | None = None
    tzid: Tzid | None = None
    location: Location | None = None
    url: Annotated[Text, Field(max_length=2048), AfterValidator(without_code)] | None = None
    """Any address but one that runs code; not followed."""
    reminders: Annotated[list[Reminder], Field(max_length=5)] | None = None
    transparency: Literal["opaque", "transparent", "unknown"] | None = None
    """`transparent` events do not make anybody busy."""
    extended_transparency: (
        Literal["opaque", "transparent", "working_elsewhere", "tentative", "out_of_office", "unknown"] | None
    ) = None
    event_private: Flag = False
    """The page shows no description, place or people."""
    color: Color | None = None
    conferencing: Conferencing | None = None
    locale: ShortText | None = None
    categories: Annotated[list[ShortText], Field(max_length=50)] | None = None
    tags: Annotated[dict[ShortText, Annotated[list[Tag], Field(max_length=50)]], Field(max_length=10)] | None = None

    def details(self) -> Json:
        """The members as they are read back; absent ones stay absent."""
        details = self.model_dump(exclude_none=True, exclude={"start", "end", "attendees", "calendar_id"})
        extended = details.get("extended_transparency")
        if "transparency" not in details and extended is not None:
            details["transparency"] = "transparent" if extended == "transparent" else "opaque"
        return details


def _names_anybody(attendees: Any) -> bool:
    lists: list[Any] = list(cast("Json", attendees).values()) if isinstance(attendees, dict) else [attendees]
    return any(named != [] for named in lists)


_NOBODY: Json = {
    "description": "May be sent when it names nobody.",
    "anyOf": [
        {"type": "object", "additionalProperties": {"type": ["array", "null"], "maxItems": 0}},
        {"type": "array", "maxItems": 0},
    ],
}


def _nobody_named(value: Any) -> Any:
    """`attendees` may be sent when it names nobody."""
    if _names_anybody(value):
        raise fault("errors.not_supported", "attendees cannot be given here; leave them out")
    return None


class EventTemplate(EventMembers):
    """The event of a link. The chosen slot supplies `start` and `end`; if sent, they are ignored."""

    attendees: Annotated[None, BeforeValidator(_nobody_named), WithJsonSchema(_NOBODY)] = None


@dataclass(frozen=True, slots=True)
class WireEventTime:
    """A time or a whole day, as sent. Exactly one of `instant` and `day` is set."""

    instant: int | None
    day: str | None
    tzid: str | None


def _event_time(value: Any) -> WireEventTime:
    tzid: str | None = None
    if isinstance(value, dict):
        members = cast("Json", value)
        named: Any = members.get("tzid")
        if named is not None and (not isinstance(named, str) or named not in zone_names()):
            raise fault("errors.tzid_unrecognized", "TZID not recognized; use a name such as Europe/London")
        tzid = named
        value = members.get("time")
    if isinstance(value, str) and len(value) == len("2027-03-09"):
        return WireEventTime(None, parse_date(value).isoformat(), tzid)
    return WireEventTime(parse_time(value), None, tzid)


_TIME_OR_DATE: list[Json] = [{"type": "string", "format": "date-time"}, {"type": "string", "format": "date"}]
_TIME_OR_OBJECT: Json = {
    "anyOf": [
        *_TIME_OR_DATE,
        {
            "type": "object",
            "required": ["time"],
            "properties": {"time": {"anyOf": _TIME_OR_DATE}, "tzid": {"type": ["string", "null"]}},
        },
    ]
}
EventTimeMember = Annotated[WireEventTime, BeforeValidator(_event_time), WithJsonSchema(_TIME_OR_OBJECT)]


class EventRequest(EventMembers):
    """Create or replace an event: the same `event_id` again replaces it."""

    start: EventTimeMember
    """A time; a date for whole days; or either as `time` with its `tzid`."""
    end: EventTimeMember
    """Like `start`, and after it; the last date itself is not in it."""
    attendees: Attendees = None
    """Only in a calendar whose provider can invite."""

    @classmethod
    def cross_check(cls, raw: Mapping[str, Any], context: WireContext) -> Iterable[Fault]:
        if "event_uid" in raw and "event_id" not in raw:
            yield (("event_uid",), "errors.not_supported", "only events written with an event_id can be changed here")
        try:
            start, end = _event_time(raw.get("start")), _event_time(raw.get("end"))
        except PydanticCustomError:
            return  # reported where it is
        if (start.day is None) != (end.day is None):
            yield (("end",), "errors.invalid_time_pair", "start and end must both be dates, or both be times")
        elif (start.day or "", start.instant or 0) >= (end.day or "", end.instant or 0):
            yield (("end",), "errors.invalid_time_pair", "end must be after start")

    def details(self) -> Json:
        """`attendees`, where they are given, are changes: `invite` and `remove`."""
        changes = self.attendees.named() if self.attendees else {}
        return EventMembers.details(self) | ({"attendees": changes} if changes else {})

    @property
    def stated_tzid(self) -> str | None:
        return self.start.tzid or self.tzid

    def time(self, calendar_tzid: str) -> EventTime:
        """When it is. Whole days are days of the event's zone, or else of the calendar's."""
        tzid = self.stated_tzid or (calendar_tzid if self.start.day is not None else DEFAULT_TZID)
        if self.start.day is not None and self.end.day is not None:
            first, last = parse_date(self.start.day), parse_date(self.end.day)
            return EventTime(midnight(first, tzid), midnight(last, tzid), tzid, self.start.day, self.end.day)
        assert self.start.instant is not None and self.end.instant is not None
        return EventTime(self.start.instant, self.end.instant, tzid)


def _exactly_true(value: bool) -> bool:
    if value is not True:
        raise fault("errors.must_be_boolean", "must be true; to delete less, name calendar_ids")
    return value


class EventDeletion(Wire):
    model_config = ConfigDict(json_schema_extra=at_least_one("event_id"))
    event_id: ShortText | None = None
    event_uid: ShortText | None = None

    @classmethod
    def cross_check(cls, raw: Mapping[str, Any], context: WireContext) -> Iterable[Fault]:
        if "event_id" not in raw:
            if "event_uid" in raw:
                yield (
                    ("event_uid",),
                    "errors.must_be_external_event_uid",
                    "only events written with an event_id can be deleted here",
                )
            else:
                yield (("event_id",), "errors.required", "event_id must be specified")


class BulkDeletion(Wire):
    """Exactly one of the two."""

    model_config = ConfigDict(json_schema_extra=exactly_one("delete_all", "calendar_ids"))
    delete_all: Annotated[Flag, AfterValidator(_exactly_true), Field(json_schema_extra={"const": True})] | None = None
    """Everything that this application wrote for the account."""
    calendar_ids: Annotated[list[ShortText], Field(min_length=1, max_length=100)] | None = None
    """Everything that it wrote in these calendars."""

    @classmethod
    def cross_check(cls, raw: Mapping[str, Any], context: WireContext) -> Iterable[Fault]:
        given = {"delete_all", "calendar_ids"} & raw.keys()
        if not given:
            yield (("delete_all",), "errors.required", "delete_all or calendar_ids must be specified")
        elif len(given) == 2:
            yield (("calendar_ids",), "errors.mutually_exclusive", "cannot be combined with delete_all; send one")


def _date_or_time(value: Any) -> Any:
    if isinstance(value, str) and len(value) == len("2027-03-09"):
        return parse_date(value)
    return parse_time(value)


DateOrTime = Annotated[
    Any,
    BeforeValidator(_date_or_time),
    WithJsonSchema({"anyOf": [{"type": "string", "format": "date"}, {"type": "string", "format": "date-time"}]}),
]


class EventsQuery(Wire):
    """Which events, or busy periods, to read."""

    unbuilt: ClassVar = {"include_moved": "not supported; events are listed where they are now"}
    model_config = ConfigDict(json_schema_extra={"required": ["tzid"]})
    tzid: Tzid = DEFAULT_TZID  # required all the same: its absence has a key of its own, below
    """The zone in which dates are meant."""
    from_: Annotated[DateOrTime | None, Field(alias="from")] = None
    """Events that end on or after it."""
    to: DateOrTime | None = None
    """Events that start before it."""
    calendar_ids: Annotated[list[ShortText], Field(min_length=1, max_length=100)] | None = None
    """Only of these calendars."""
    include_managed: Flag = False
    """Also those that this application wrote."""
    only_managed: Flag = False
    """Only those that this application wrote."""
    include_deleted: Flag = False
    """Also deleted ones, with `deleted`."""
    include_moved: Flag = False
    include_geo: Flag = False
    """With the coordinates of places."""
    include_ids: Flag = False
    """With `event_uid` and `event_id`."""
    include_free: Flag = False
    """Also events that make nobody busy."""
    localized_times: Flag = False
    """Times as objects, with the offset of `tzid`."""
    last_modified: (
        Annotated[int, BeforeValidator(parse_time), WithJsonSchema({"type": "string", "format": "date-time"})] | None
    ) = None
    """Changed at or after this time."""

    @classmethod
    def cross_check(cls, raw: Mapping[str, Any], context: WireContext) -> Iterable[Fault]:
        if "tzid" not in raw:
            yield (("tzid",), "errors.tzid_unrecognized", "TZID not recognized; use a name such as Etc/UTC")
