"""The table of `/openapi.json`: every route of `routes.API`, what it takes and what it answers. A test holds the two
lists together; schemathesis holds this one against the server."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from slotlink.web.account_request import ApplicationCalendarRequest, CalendarRequest, RevokeRequest, TokenRequest
from slotlink.web.availability_request import AvailabilityRequest
from slotlink.web.event_request import BulkDeletion, EventDeletion, EventRequest, EventsQuery
from slotlink.web.link_request import DisableRequest, LinkRequest
from slotlink.web.wire import Wire

Json = dict[str, Any]
Credential = Literal["api_key", "access_token", "body"]

TAGS = {
    "Links": "A link invites one visitor to choose one slot. It is `open` until a slot is chosen (`completed`), the "
    "application disables it (`disabled`), or the time to choose is over (`expired`).",
    "Availability": "When are people free? The same search that a link's page offers from.",
    "Accounts": "Application calendars: accounts and calendars that this server hosts itself.",
    "Calendars": "The calendars of an account and the events in them.",
}


@dataclass(frozen=True, slots=True)
class Operation:
    """`ok` is the status of success, `answer` the schema of its body (none: it has no body). `faults` are the other
    statuses. `queries` are the members of `query` that this call reads."""

    method: str
    path: str
    operation_id: str
    tag: str
    summary: str
    credentials: tuple[Credential, ...]
    description: str = ""
    body: type[Wire] | None = None
    form: bool = False
    example: Json = field(default_factory=dict[str, Any])
    query: type[Wire] | None = None
    queries: Sequence[str] = ()
    parameters: tuple[Json, ...] = ()
    ok: int = 200
    answer: str | None = None
    answer_example: Json = field(default_factory=dict[str, Any])
    headers: tuple[str, ...] = ()
    not_modified: bool = False
    faults: tuple[int, ...] = ()
    refused: str = "Errors"  # the schema of 400


def _parameter(where: str, name: str, description: str, example: str, **schema: Any) -> Json:
    return {
        "name": name,
        "in": where,
        "required": True,
        "description": description,
        "schema": {"type": "string", "minLength": 1, **schema},
        "example": example,
    }


ANA, BEN = "apc_66a4c1f20e5b8d7793c1a2b4", "apc_66a4c1f20e5b8d7793c1a2c8"
ANAS_CALENDAR = "cal_66a4c1f20e5b8d7793c1a2b5"
LINK_ID = "sch_64b1859e8090ea21640c915f"
LINK_URL = "https://schedule.example.com/rts/hq0nDA6vT3mXw2KcZr8yLQ"

_LINK_ID = _parameter("path", "link_id", "`real_time_scheduling_id` of the create answer.", LINK_ID)
_CALENDAR_ID = _parameter("path", "calendar_id", "A calendar of this account.", ANAS_CALENDAR)
_PAGE = _parameter("path", "page", "From `pages.next_page`; opaque.", "Wzuf.9PzQ")
_IF_NONE_MATCH: Json = {
    "name": "If-None-Match",
    "in": "header",
    "description": "The `ETag` of an earlier answer; 304 while nothing has changed.",
    "schema": {"type": "string"},
}

_EVENT = {"event_id": "interview-4711", "summary": "Product manager interview", "tzid": "Europe/London"}
_TIMES = {
    "start": {"time": "2027-03-09T14:00:00Z", "tzid": "Europe/London"},
    "end": {"time": "2027-03-09T15:00:00Z", "tzid": "Europe/London"},
}
_QUERY = {
    "participants": [{"members": [{"sub": ANA}, {"sub": BEN}], "required": "all"}],
    "required_duration": {"minutes": 60},
    "query_periods": [{"start": "2027-03-08T09:00:00Z", "end": "2027-03-12T17:00:00Z"}],
}
_BODY_CREDENTIALS = {"client_id": "hLkQ7_client", "client_secret": "CRN_your_client_secret"}
_TOKENS = {
    "token_type": "bearer",
    "access_token": "k3VhXo0jT2pQ",
    "expires_in": 3600,
    "refresh_token": "Zp9sW1rEa7Ld",
    "scope": "read_write",
}


def _link(status: str, event: Json) -> Json:
    details = {"real_time_scheduling_id": LINK_ID, "url": LINK_URL, "event": event, "status": status}
    return {"real_time_scheduling": details}


_CREATED = {**_EVENT, "event_private": False}
_READING = ("tzid", "from", "to", "calendar_ids", "include_managed", "only_managed", "include_deleted")
_PAGES = {"current": 1, "total": 1}

OPERATIONS: list[Operation] = [
    Operation(
        "POST",
        "/v1/real_time_scheduling",
        "createLink",
        "Links",
        "Create a link",
        ("api_key", "body"),
        "Makes a link on which a visitor chooses one slot. Nothing is written to calendars yet.",
        body=LinkRequest,
        example={
            "oauth": {"redirect_uri": "https://globex.example.com/booked"},
            "event": _EVENT,
            "availability": _QUERY,
            "target_calendars": [{"sub": ANA, "calendar_id": ANAS_CALENDAR}],
            "callback_urls": {"completed_url": "https://globex.example.com/callbacks/completed"},
            "minimum_notice": {"hours": 4},
        },
        answer="CreatedLink",
        answer_example={"url": LINK_URL, **_link("open", _CREATED)},
        faults=(400, 401, 403, 413, 422),
    ),
    Operation(
        "GET",
        "/v1/real_time_scheduling/{link_id}",
        "readLinkById",
        "Links",
        "Read a link's status by id",
        ("api_key",),
        parameters=(_LINK_ID, _IF_NONE_MATCH),
        answer="LinkAnswer",
        answer_example=_link("completed", {**_CREATED, **_TIMES}),
        headers=("ETag", "Cache-Control"),
        not_modified=True,
        faults=(401, 403, 404),
    ),
    Operation(
        "GET",
        "/v1/real_time_scheduling",
        "readLinkByToken",
        "Links",
        "Read a link's status by token",
        ("api_key",),
        "Answers the very bytes of the form by id.",
        parameters=(
            _parameter("query", "token", "The last part of the link's `url`.", LINK_URL.rpartition("/")[2]),
            _IF_NONE_MATCH,
        ),
        answer="LinkAnswer",
        answer_example=_link("open", _CREATED),
        headers=("ETag", "Cache-Control"),
        not_modified=True,
        faults=(401, 403, 404, 422),
    ),
    Operation(
        "POST",
        "/v1/real_time_scheduling/{link_id}/disable",
        "disableLink",
        "Links",
        "Disable a link",
        ("api_key",),
        "Closes a link on which no slot was chosen. Disabling again replaces the message; a completed link is "
        "422 with `errors.already_completed`.",
        parameters=(_LINK_ID,),
        body=DisableRequest,
        example={"display_message": "The position has been filled. Thank you for your interest."},
        answer="LinkAnswer",
        answer_example=_link("disabled", _CREATED),
        faults=(400, 401, 403, 404, 413, 422),
    ),
    Operation(
        "POST",
        "/v1/availability",
        "findAvailability",
        "Availability",
        "Find when people are free",
        ("api_key", "access_token"),
        "A person whose calendar cannot be read is never free.",
        body=AvailabilityRequest,
        example={**_QUERY, "response_format": "slots", "start_interval": {"minutes": 30}},
        answer="AvailabilityAnswer",
        answer_example={
            "available_slots": [
                {
                    "start": "2027-03-09T14:00:00Z",
                    "end": "2027-03-09T15:00:00Z",
                    "participants": [{"sub": ANA}, {"sub": BEN}],
                }
            ]
        },
        faults=(400, 401, 413, 422),
    ),
    Operation(
        "POST",
        "/v1/application_calendars",
        "openApplicationCalendar",
        "Accounts",
        "Open an application calendar",
        ("body",),
        "The first use of an id makes an account with one calendar; later uses answer that account with new tokens.",
        body=ApplicationCalendarRequest,
        form=True,
        example={**_BODY_CREDENTIALS, "application_calendar_id": "ana"},
        answer="ApplicationCalendar",
        answer_example={
            **_TOKENS,
            "application_calendar_id": "ana",
            "sub": ANA,
            "linking_profile": {
                "provider_name": "cronofy",
                "profile_id": "pro_66a4c1f20e5b8d7793c1a2b6",
                "profile_name": "ana",
            },
        },
        headers=("Cache-Control", "Pragma"),
        faults=(400, 401, 413, 422),
    ),
    Operation(
        "POST",
        "/oauth/token",
        "refreshToken",
        "Accounts",
        "Get a new access token",
        ("body",),
        "RFC 6749 section 6. Every wrong member is 400, in that RFC's form.",
        body=TokenRequest,
        form=True,
        example={**_BODY_CREDENTIALS, "grant_type": "refresh_token", "refresh_token": "Zp9sW1rEa7Ld"},
        answer="Tokens",
        answer_example=_TOKENS,
        headers=("Cache-Control", "Pragma"),
        faults=(400, 413),
        refused="TokenRefusal",
    ),
    Operation(
        "POST",
        "/oauth/token/revoke",
        "revokeToken",
        "Accounts",
        "Revoke an account's tokens",
        ("body",),
        "By `token` (either kind; the Node client says `refresh_token`) or by `sub`; `token` wins. All of them end.",
        body=RevokeRequest,
        form=True,
        example={**_BODY_CREDENTIALS, "sub": ANA},
        faults=(400, 413),
        refused="TokenRefusal",
    ),
    Operation(
        "GET",
        "/v1/account",
        "readAccount",
        "Accounts",
        "Read the account",
        ("access_token",),
        answer="AccountAnswer",
        answer_example={
            "account": {"account_id": ANA, "name": "ana", "scope": "read_write", "default_tzid": "Europe/London"},
            "sub": ANA,
        },
        faults=(401, 403),
    ),
    Operation(
        "GET",
        "/v1/userinfo",
        "readUserinfo",
        "Accounts",
        "Read the account with its profiles and calendars",
        ("access_token",),
        answer="Userinfo",
        faults=(401, 403),
    ),
    Operation(
        "GET",
        "/v1/profiles",
        "listProfiles",
        "Accounts",
        "List the account's profiles",
        ("access_token",),
        answer="ProfilesAnswer",
        faults=(401, 403),
    ),
    Operation(
        "GET",
        "/v1/calendars",
        "listCalendars",
        "Calendars",
        "List the account's calendars",
        ("access_token",),
        answer="CalendarsAnswer",
        faults=(401, 403),
    ),
    Operation(
        "POST",
        "/v1/calendars",
        "createCalendar",
        "Calendars",
        "Create a calendar",
        ("access_token",),
        body=CalendarRequest,
        example={"profile_id": "pro_66a4c1f20e5b8d7793c1a2b6", "name": "Interviews", "color": "#0f766e"},
        answer="CreatedCalendar",
        faults=(400, 401, 403, 413, 422),
    ),
    Operation(
        "POST",
        "/v1/calendars/{calendar_id}/events",
        "writeEvent",
        "Calendars",
        "Create or replace an event",
        ("access_token",),
        "The same `event_id` in the same calendar replaces the event. That is also how a booked event is moved.",
        parameters=(_CALENDAR_ID,),
        body=EventRequest,
        example={**_EVENT, "start": "2027-03-09T14:00:00Z", "end": "2027-03-09T15:00:00Z"},
        ok=202,
        faults=(400, 401, 403, 404, 413, 422),
    ),
    Operation(
        "DELETE",
        "/v1/calendars/{calendar_id}/events",
        "deleteEvent",
        "Calendars",
        "Delete an event",
        ("access_token",),
        "An event that does not exist is deleted already: 202.",
        parameters=(_CALENDAR_ID,),
        body=EventDeletion,
        example={"event_id": "interview-4711"},
        ok=202,
        faults=(400, 401, 403, 404, 413, 422),
    ),
    Operation(
        "GET",
        "/v1/events",
        "listEvents",
        "Calendars",
        "List events",
        ("access_token",),
        "Events that this application wrote are listed with `include_managed` or `only_managed` only. Without `from` "
        "and `to`: from 42 days ago to 201 days ahead.",
        query=EventsQuery,
        queries=(*_READING, "include_moved", "include_geo", "localized_times", "last_modified"),
        answer="EventsAnswer",
        faults=(401, 403, 422),
    ),
    Operation(
        "GET",
        "/v1/events/pages/{page}",
        "listMoreEvents",
        "Calendars",
        "List events: a further page",
        ("access_token",),
        parameters=(_PAGE,),
        answer="EventsAnswer",
        faults=(401, 403, 404),
    ),
    Operation(
        "DELETE",
        "/v1/events",
        "deleteEvents",
        "Calendars",
        "Delete many events",
        ("access_token",),
        "Deletes events that this application wrote, in all calendars or in some. The members are also read from the "
        "query string, where the Python client puts them.",
        body=BulkDeletion,
        example={"calendar_ids": [ANAS_CALENDAR]},
        ok=202,
        faults=(400, 401, 403, 413, 422),
    ),
    Operation(
        "GET",
        "/v1/free_busy",
        "listFreeBusy",
        "Calendars",
        "List busy periods",
        ("access_token",),
        "The window is that of the list of events. Free time is listed with `include_free`.",
        query=EventsQuery,
        queries=(*_READING, "include_ids", "include_free", "localized_times", "last_modified"),
        answer="FreeBusyAnswer",
        answer_example={
            "pages": _PAGES,
            "free_busy": [
                {
                    "calendar_id": ANAS_CALENDAR,
                    "start": "2027-03-09T14:00:00Z",
                    "end": "2027-03-09T15:00:00Z",
                    "free_busy_status": "busy",
                }
            ],
        },
        faults=(401, 403, 422),
    ),
    Operation(
        "GET",
        "/v1/free_busy/pages/{page}",
        "listMoreFreeBusy",
        "Calendars",
        "List busy periods: a further page",
        ("access_token",),
        parameters=(_PAGE,),
        answer="FreeBusyAnswer",
        faults=(401, 403, 404),
    ),
]
