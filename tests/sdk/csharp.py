"""What Cronofy's C# client (1.12.8) demands of an answer, and what makes it throw: written from its converters.

It is stricter than any other client. Times have one format each, an absent member is fine where a `null` is not,
and an array never stands for an object.
"""

from __future__ import annotations

import re
from typing import Any

from tests.sdk.site import Answer, Json

STATUSES = ("open", "completed", "disabled")  # it does not know "expired"
_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_WITH_OFFSET = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")


class Thrown(Exception):
    """The client would have thrown here."""


def read(answer: Answer, status: int = 200) -> Json:
    """The JSON object of a successful answer, which holds no `null` anywhere."""
    demand(answer.status == status, f"status {answer.status}: {answer.body!r}")
    demand(answer.headers.get("content-type") == "application/json; charset=utf-8", "not JSON")
    content = answer.content
    demand(isinstance(content, dict), "not an object")
    _refuse_nulls(content, "")
    return content


def read_link(answer: Answer) -> Json:
    """The one parser of create, status and disable."""
    link = object_in(read(answer), "real_time_scheduling")
    for name in ("real_time_scheduling_id", "url", "status"):
        text_in(link, name)
    demand(link["status"].lower() in STATUSES, f"ArgumentException: {link['status']}")
    read_event(object_in(link, "event"))
    return link


def read_event(event: Json) -> Json:
    """An event as the events call lists it, or as a link holds it. Only what is there is read."""
    for name in ("calendar_id", "event_id", "event_uid", "summary", "description", "transparency", "meeting_url"):
        if name in event:
            text_in(event, name)
    for name in ("participation_status", "status"):
        if name in event:
            text_in(event, name)
    for name in ("deleted", "recurring", "event_private"):
        demand(isinstance(event.get(name, False), bool), f"{name} is not a bool")
    for name in ("start", "end"):
        if name in event:
            read_event_time(event[name])
    for name in ("created", "updated"):
        if name in event:
            read_timestamp(event[name])
    for name in ("location", "options", "organizer", "conferencing"):
        if name in event:
            object_in(event, name)
    if "location" in event:
        demand(all(isinstance(value, str) for value in event["location"].values()), "location holds no text")
    if "options" in event:
        demand(all(isinstance(value, bool) for value in event["options"].values()), "options hold no bool")
    for attendee in list_in(event, "attendees") if "attendees" in event else []:
        demand(isinstance(attendee, dict), "an attendee is not an object")
    for category in list_in(event, "categories") if "categories" in event else []:
        demand(isinstance(category, str), "a category is not a text")
    return event


def read_event_time(value: Any) -> Any:
    """A UTC timestamp or a date; or an object with both `time` and `tzid`, whose time may have an offset."""
    if isinstance(value, dict):
        text_in(value, "tzid")
        time = text_in(value, "time")
        demand(any(form.fullmatch(time) for form in (_TIMESTAMP, _WITH_OFFSET, _DATE)), f"not a time: {time}")
    else:
        demand(
            isinstance(value, str) and (_TIMESTAMP.fullmatch(value) or _DATE.fullmatch(value)), f"not a time: {value}"
        )
    return value


def read_timestamp(value: Any) -> str:
    demand(isinstance(value, str) and _TIMESTAMP.fullmatch(value), f"not a timestamp: {value}")
    return value


def read_available_periods(answer: Answer) -> list[Json]:
    """It reads no other format than `periods`."""
    periods = list_in(read(answer), "available_periods")
    for period in periods:
        read_timestamp(period.get("start"))
        read_timestamp(period.get("end"))
        for participant in list_in(period, "participants"):
            text_in(participant, "sub")
    return periods


def read_page(answer: Answer, items: str) -> tuple[list[Json], str | None]:
    """The events or busy periods of a page, and the URL of the next one."""
    content = read(answer)
    pages = object_in(content, "pages")
    for name in ("current", "total"):
        demand(isinstance(pages.get(name), int), f"pages.{name} is not a number")
    found = list_in(content, items)
    for item in found:
        for name in ("start", "end"):
            demand(name in item, f"no {name}")
        read_event(item)
    if items == "events":
        demand(all("created" in item and "updated" in item for item in found), "DateTime members are missing")
    return found, pages.get("next_page")


def read_token(answer: Answer) -> Json:
    token = read(answer)
    for name in ("access_token", "refresh_token", "scope"):
        text_in(token, name)
    demand(isinstance(token.get("expires_in"), int), "expires_in is not a number")
    return token


def read_calendar(calendar: Json) -> Json:
    for name in ("provider_name", "profile_id", "profile_name", "calendar_id", "calendar_name"):
        text_in(calendar, name)
    for name in ("calendar_readonly", "calendar_deleted"):
        demand(isinstance(calendar.get(name), bool), f"{name} is not a bool")
    return calendar


def text_in(members: Json, name: str) -> str:
    demand(isinstance(members.get(name), str), f"{name} is not a text")
    return members[name]


def object_in(members: Json, name: str) -> Json:
    demand(isinstance(members.get(name), dict), f"{name} is not an object")
    return members[name]


def list_in(members: Json, name: str) -> list[Any]:
    demand(isinstance(members.get(name), list), f"{name} is not an array")
    return members[name]


def demand(fulfilled: object, complaint: str) -> None:
    if not fulfilled:
        raise Thrown(complaint)


def _refuse_nulls(value: Any, path: str) -> None:
    demand(value is not None, f"null at {path}")
    if isinstance(value, dict):
        for name, member in value.items():
            _refuse_nulls(member, f"{path}.{name}")
    if isinstance(value, list):
        for number, member in enumerate(value):
            _refuse_nulls(member, f"{path}[{number}]")
